// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/logsource.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/suggest.h"
#include "matcher/sigma/detection.h"
#include "matcher/sigma/reading.h"

namespace faultline::sigma {

extern const char* const kLogSources;  // made from logsources.yaml at build time

namespace {

constexpr std::string_view kAny = "any";           // the product of rows without one
constexpr std::string_view kBuiltIn = "built-in";  // the rows that were there before
constexpr char kOr = '|';                          // between the names of a rename

bool EndsInStar(std::string_view name) { return name.ends_with('*'); }

// One name on either side of a rename.
std::string ReadName(const yaml::Node& node, Reading& reading) {
  std::string name = ReadText(node, "a field", reading);
  const std::size_t star = name.find('*');
  if (name.find(kOr) != name.npos) {
    reading.Refuse(fmt::format("'{}' is no name of a field", name), node.place,
                   "write several names as a list; modifiers have no place here");
  } else if (star != name.npos && star + 1 != name.size()) {
    reading.Refuse(fmt::format("'{}': a star stands at the end only", name), node.place);
  }
  return name;
}

// One line of `fields`: the rule's name, and the event's names, best first.
std::pair<std::string, std::string> ReadRename(const yaml::Pair& pair, Reading& reading) {
  const std::string from = ReadName(pair.key, reading);
  std::string to;
  const auto add = [&](const yaml::Node& node) {
    const std::string name = ReadName(node, reading);
    if (EndsInStar(name) != EndsInStar(from)) {
      reading.Refuse(fmt::format("'{}' and '{}': both end in a star, or none", from, name),
                     node.place);
    }
    if (!to.empty()) to += kOr;
    to += name;
  };
  if (pair.value.IsSequence()) {
    for (const yaml::Node& node : pair.value.items) add(node);
  } else {
    add(pair.value);
  }
  if (to.empty()) reading.Refuse(fmt::format("'{}' has no names", from), pair.key.place);
  return {from, to};
}

std::vector<std::string_view> NamesIn(std::string_view list) {
  std::vector<std::string_view> names;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(kOr, at), list.size());
    names.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

// By renames of whole names only: a star is for the fields of rules.
std::string WholeNameIn(const std::string& field, const Renames& renames) {
  for (const auto& [from, to] : renames) {
    if (from == field) return to;
  }
  return field;
}

// For events of which nothing tells whose spelling they have: the rule's own name, then every name
// that some row knows.
Renames AllNames(const std::vector<LogSourceAlternative>& alternatives) {
  Renames all;
  for (const LogSourceAlternative& alternative : alternatives) {
    for (const auto& [from, to] : alternative.renames) {
      auto at = std::find_if(all.begin(), all.end(),
                             [&from = from](const auto& rename) { return rename.first == from; });
      if (at == all.end()) at = all.insert(at, {from, from});
      for (const std::string_view name : NamesIn(to)) {
        const std::vector<std::string_view> known = NamesIn(at->second);
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        at->second.append(1, kOr).append(name);
      }
    }
  }
  return all;
}

Renames Joined(Renames first, const Renames& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::vector<Item> Joined(std::vector<Item> first, const std::vector<Item>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

template <class Map>
std::vector<std::string_view> KeysOf(const Map& map) {
  std::vector<std::string_view> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

}  // namespace

// ---------------------------------------------------------------------------------------- reading

const LogSourceTable& LogSourceTable::BuiltIn() {
  static const LogSourceTable table = [] {
    LogSourceTable built_in;
    const Result<void> read = built_in.Merge(kLogSources, "logsources.yaml");
    FAULTLINE_CHECK(read.has_value());  // the text is ours
    return built_in;
  }();
  return table;
}

Result<void> LogSourceTable::Merge(std::string_view text, const std::string& file) {
  const auto documents = yaml::ParseYaml(text, file);
  if (!documents) return tl::unexpected<Error>(documents.error());
  const LoadOptions none;
  ExpansionBudget budget;
  Reading reading(std::string(), none, budget);
  for (const yaml::Node& document : *documents) {
    if (!ExpectMap(document, "a file of log sources", reading)) break;
    for (const yaml::Pair& pair : document.pairs) {
      Product& product = products_[ReadText(pair.key, "a product", reading)];
      if (!ExpectMap(pair.value, fmt::format("product '{}'", pair.key.scalar), reading)) continue;
      MergeProduct(pair.value, product, reading);
      CheckServices(product, reading);
    }
  }
  if (!reading.ok()) return tl::unexpected<Error>(*reading.error());
  return {};
}

void LogSourceTable::MergeProduct(const yaml::Node& node, Product& product, Reading& reading) {
  const auto read_row = [&reading](const yaml::Node& map) {
    Row row;
    ExpectKeys(map, "a row", {"service", "where", "fields"}, {}, reading);
    if (const yaml::Node* service = map.Find("service")) {
      row.service = ReadText(*service, "'service'", reading);
      row.place = service->place;
    }
    const yaml::Node* where = map.Find("where");
    if (where != nullptr && ExpectMap(*where, "'where'", reading)) {
      row.where = ReadItems(*where, reading);
    }
    const yaml::Node* fields = map.Find("fields");
    if (fields != nullptr && ExpectMap(*fields, "'fields'", reading)) {
      for (const yaml::Pair& pair : fields->pairs) row.fields.push_back(ReadRename(pair, reading));
    }
    for (Item& item : row.where) item.field = WholeNameIn(item.field, row.fields);
    return row;
  };
  const auto read_rows = [&](const yaml::Node& value, Rows& rows) {
    const Rows before = std::exchange(rows, {});
    const auto add = [&](const yaml::Node& item) {
      if (item.IsMapping()) {
        rows.push_back(read_row(item));
      } else if (item.IsScalar() && item.scalar == kBuiltIn) {
        rows.insert(rows.end(), before.begin(), before.end());
      } else {
        reading.Refuse("a row is a map of service, where and fields, or the word built-in",
                       item.place);
      }
    };
    if (!value.IsSequence()) return add(value);
    for (const yaml::Node& item : value.items) add(item);
    if (value.items.empty()) reading.Refuse("a list of rows is empty", value.place, "write {}");
  };
  ExpectKeys(node, "a product", {"events", "services", "categories"}, {}, reading);
  if (const yaml::Node* events = node.Find("events")) read_rows(*events, product.events);
  for (const auto& [key, named] :
       {std::pair("services", &product.services), std::pair("categories", &product.categories)}) {
    const yaml::Node* map = node.Find(key);
    if (map == nullptr || !ExpectMap(*map, fmt::format("'{}'", key), reading)) continue;
    for (const yaml::Pair& pair : map->pairs) read_rows(pair.value, (*named)[pair.key.scalar]);
  }
}

void LogSourceTable::CheckServices(const Product& product, Reading& reading) const {
  const auto check = [&](const Row& row, bool in_service) {
    if (row.service.empty()) return;
    if (in_service) {
      reading.Refuse("a row of a service names no other service", row.place, "repeat its 'where'");
    } else if (!product.services.contains(row.service)) {
      reading.Refuse(fmt::format("unknown service '{}'", row.service), row.place,
                     DidYouMean(row.service, KeysOf(product.services)));
    }
  };
  for (const auto& [name, rows] : product.services) {
    for (const Row& row : rows) check(row, true);
  }
  for (const auto& [name, rows] : product.categories) {
    for (const Row& row : rows) check(row, false);
  }
  for (const Row& row : product.events) check(row, false);
}

// ---------------------------------------------------------------------------------------- finding

const LogSourceTable::Product* LogSourceTable::ProductOf(const std::string& name) const {
  const auto found = products_.find(name.empty() ? kAny : std::string_view(name));
  return found == products_.end() ? nullptr : &found->second;
}

// Rows with what their services add: first as they are, then as an input needs them that declares
// the service.
std::vector<LogSourceAlternative> LogSourceTable::Whole(const Product& product, const Rows& rows,
                                                        const LogSource& source) const {
  std::vector<LogSourceAlternative> whole, declared;
  for (const Row& row : rows) {
    if (row.service.empty()) {
      whole.push_back({row.where, row.fields, {}, false});
      continue;
    }
    for (const Row& service : product.services.find(row.service)->second) {
      const Renames renames = Joined(row.fields, service.fields);
      whole.push_back({Joined(service.where, row.where), renames, {}, false});
      declared.push_back({row.where, renames, {source.product, "", row.service}, false});
    }
  }
  whole.insert(whole.end(), std::make_move_iterator(declared.begin()),
               std::make_move_iterator(declared.end()));
  return whole;
}

std::vector<LogSourceAlternative> LogSourceTable::OfCategory(const LogSource& source) const {
  const auto rows_of = [&source](const Product& product) {
    Rows rows;
    const auto found = product.categories.find(source.category);
    if (found == product.categories.end()) return rows;
    for (const Row& row : found->second) {
      if (source.service.empty() || source.service == row.service) rows.push_back(row);
    }
    return rows;
  };
  if (const Product* product = ProductOf(source.product)) {
    const Rows rows = rows_of(*product);
    if (!rows.empty()) return Whole(*product, rows, source);
  }
  std::vector<LogSourceAlternative> found;
  for (const auto& [name, product] : products_) {  // of no product: that of any
    if (!source.product.empty() && name != kAny) continue;
    for (LogSourceAlternative& alternative : Whole(product, rows_of(product), source)) {
      found.push_back(std::move(alternative));
    }
  }
  return found;
}

std::vector<LogSourceAlternative> LogSourceTable::OfService(const LogSource& source) const {
  const Product* product = ProductOf(source.product);
  if (product == nullptr) return {};
  const auto found = product->services.find(source.service);
  return found == product->services.end() ? std::vector<LogSourceAlternative>()
                                          : Whole(*product, found->second, source);
}

LogSourceTable::Meaning LogSourceTable::Find(const LogSource& source) const {
  const std::lock_guard lock(found_.mutex);
  auto found = found_.meanings.find(source);
  if (found == found_.meanings.end()) {
    found = found_.meanings.emplace(source, MeaningOf(source)).first;
  }
  return found->second;
}

LogSourceTable::Meaning LogSourceTable::MeaningOf(const LogSource& source) const {
  std::vector<LogSourceAlternative> alternatives;
  const Product* product = ProductOf(source.product);
  if (!source.category.empty()) {
    alternatives = OfCategory(source);
  } else if (!source.service.empty()) {
    alternatives = OfService(source);
  }
  const bool whole_product = source.category.empty() && source.service.empty();
  const bool mapped = !alternatives.empty() || (whole_product && product != nullptr);
  if (alternatives.empty() && product != nullptr) {
    alternatives = Whole(*product, product->events, source);
  }
  const bool asks = std::none_of(alternatives.begin(), alternatives.end(), [](const auto& one) {
    return one.conditions.empty() && one.declared == LogSource{};
  });
  if (!alternatives.empty() && asks) {
    Renames names = AllNames(alternatives);
    alternatives.push_back({{}, std::move(names), source, true});
  }
  return {LogSourceAlternatives(std::move(alternatives)), mapped};
}

// ------------------------------------------------------------------------------------- log sources

std::string NameIn(const std::string& field, const Renames& renames) {
  const std::pair<std::string, std::string>* best = nullptr;
  for (const auto& rename : renames) {
    if (rename.first == field) return rename.second;
    const std::string_view stem = std::string_view(rename.first).substr(0, rename.first.size() - 1);
    if (!EndsInStar(rename.first) || !field.starts_with(stem)) continue;
    if (best == nullptr || best->first.size() < rename.first.size()) best = &rename;
  }
  if (best == nullptr) return field;
  const std::string_view rest = std::string_view(field).substr(best->first.size() - 1);
  std::string names;
  for (const std::string_view name : NamesIn(best->second)) {
    if (!names.empty()) names += kOr;
    names.append(name.substr(0, name.size() - 1)).append(rest);
  }
  return names;
}

bool Contains(const LogSource& outer, const LogSource& inner) noexcept {
  const auto covers = [](const std::string& wide, const std::string& narrow) {
    return wide.empty() || wide == narrow;
  };
  return covers(outer.product, inner.product) && covers(outer.category, inner.category) &&
         covers(outer.service, inner.service);
}

bool Conflict(const LogSource& one, const LogSource& other) noexcept {
  const auto differ = [](const std::string& left, const std::string& right) {
    return !left.empty() && !right.empty() && left != right;
  };
  return differ(one.product, other.product) || differ(one.category, other.category) ||
         differ(one.service, other.service);
}

std::string ToString(const LogSource& source) {
  const auto part = [](const std::string& text) { return text.empty() ? "-" : text.c_str(); };
  return fmt::format("{}/{}/{}", part(source.product), part(source.category), part(source.service));
}

}  // namespace faultline::sigma
