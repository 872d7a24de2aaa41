// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/known_fields.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/suggest.h"
#include "matcher/sigma/logsource.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

extern const char* const kKnownFields;  // made from known_fields.yaml at build time

namespace {

constexpr std::size_t kShortest = 4;  // shorter names are near too many others

using Names = std::vector<std::string>;
using Categories = std::map<std::string, Names, std::less<>>;

// The names of a list of names, or of lists of them.
Names NamesOf(const yaml::Node& node) {
  Names names;
  for (const yaml::Node& item : node.items) {
    if (item.IsScalar()) names.push_back(item.scalar);
    for (const yaml::Node& name : item.items) names.push_back(name.scalar);
  }
  return names;
}

// The embedded text is ours: a fault in it is our own mistake.
std::map<std::string, Categories, std::less<>> ReadTable() {
  const auto documents = yaml::ParseYaml(kKnownFields, "known_fields.yaml");
  FAULTLINE_CHECK(documents.has_value() && documents->size() == 1);
  std::map<std::string, Categories, std::less<>> table;
  for (const yaml::Pair& product : documents->front().pairs) {
    for (const yaml::Pair& category : product.value.pairs) {
      table[product.key.scalar][category.key.scalar] = NamesOf(category.value);
    }
  }
  return table;
}

void AddItems(const Search& search, std::vector<const Item*>& items) {
  for (const auto& alternative : search.alternatives) {
    for (const Item& item : alternative) items.push_back(&item);
  }
}

}  // namespace

std::vector<std::string_view> KnownFields(const LogSource& source) {
  static const auto table = ReadTable();
  const auto product = table.find(source.product);
  if (product == table.end()) return {};
  const auto category = product->second.find(source.category);
  if (source.category.empty() || category == product->second.end()) return {};
  std::vector<std::string_view> known;
  if (const auto general = product->second.find(""); general != product->second.end()) {
    known.assign(general->second.begin(), general->second.end());
  }
  known.insert(known.end(), category->second.begin(), category->second.end());
  return known;
}

void NoteMisspelt(const DetectionRule& rule, Reading& reading) {
  std::vector<std::string_view> known = KnownFields(rule.logsource);
  if (known.empty()) return;
  for (const LogSourceAlternative& source : rule.sources) {
    for (const auto& [from, to] : source.renames) known.insert(known.end(), {from, to});
  }
  std::vector<const Item*> items;
  for (const Search& search : rule.searches) AddItems(search, items);
  std::set<std::string_view> seen;  // of those that are not known
  for (const Item* const item : items) {
    if (item->field.size() < kShortest) continue;
    if (std::find(known.begin(), known.end(), item->field) != known.end()) continue;
    if (!seen.insert(item->field).second) continue;
    std::string remedy = DidYouMean(item->field, known);
    if (remedy.empty()) continue;
    reading.Note(
        "misspelt-field",
        fmt::format("field '{}' is not known in {}", item->field, ToString(rule.logsource)),
        item->place, std::move(remedy));
  }
}

}  // namespace faultline::sigma
