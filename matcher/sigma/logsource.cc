// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/logsource.h"

#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "matcher/sigma/pattern.h"
#include "matcher/sigma/scalars.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

extern const char* const kLogSources;  // made from logsources.yaml at build time

namespace {

// One product's rows.
struct Product {
  std::map<std::string, Item, std::less<>> services;  // the channels
  struct Row {
    std::string service;
    LogSourceAlternative alternative;
  };
  std::map<std::string, std::vector<Row>, std::less<>> categories;
};
using Table = std::map<std::string, Product, std::less<>>;

// A list or a single value as choices of an item; numbers stay numbers.
std::vector<Choice> Choices(const yaml::Node& node) {
  std::vector<Choice> choices;
  const auto add = [&](const yaml::Node& scalar) {
    const auto value = yaml::Resolve(scalar);
    FAULTLINE_CHECK(value.has_value());
    if (value->kind == yaml::ScalarKind::kNumber) {
      choices.push_back({Number{value->text}});
    } else {
      choices.push_back({LiteralPattern(scalar.scalar)});
    }
  };
  if (node.IsScalar()) add(node);
  for (const yaml::Node& item : node.items) add(item);
  return choices;
}

Item MakeItem(const std::string& field, const yaml::Node& values) {
  Item item;
  item.field = field;
  item.choices = Choices(values);
  return item;
}

Product::Row ReadRow(const yaml::Node& node, const Product& product) {
  Product::Row row;
  const yaml::Node* service = node.Find("service");
  FAULTLINE_CHECK(service != nullptr);
  row.service = service->scalar;
  const auto channel = product.services.find(row.service);
  FAULTLINE_CHECK(channel != product.services.end());
  row.alternative.conditions.push_back(channel->second);
  if (const yaml::Node* where = node.Find("where")) {
    for (const yaml::Pair& pair : where->pairs) {
      row.alternative.conditions.push_back(MakeItem(pair.key.scalar, pair.value));
    }
  }
  if (const yaml::Node* fields = node.Find("fields")) {
    for (const yaml::Pair& pair : fields->pairs) {
      row.alternative.renames.emplace_back(pair.key.scalar, pair.value.scalar);
    }
  }
  return row;
}

Product ReadProduct(const yaml::Node& node) {
  Product product;
  if (const yaml::Node* services = node.Find("services")) {
    for (const yaml::Pair& pair : services->pairs) {
      product.services.emplace(pair.key.scalar, MakeItem("Channel", pair.value));
    }
  }
  if (const yaml::Node* categories = node.Find("categories")) {
    for (const yaml::Pair& pair : categories->pairs) {
      auto& rows = product.categories[pair.key.scalar];
      for (const yaml::Node& row : pair.value.items) rows.push_back(ReadRow(row, product));
    }
  }
  return product;
}

// The embedded text is ours: a fault in it is our own mistake.
Table ReadTable() {
  const auto documents = yaml::ParseYaml(kLogSources, "logsources.yaml");
  FAULTLINE_CHECK(documents.has_value() && documents->size() == 1);
  Table table;
  for (const yaml::Pair& pair : documents->front().pairs) {
    table.emplace(pair.key.scalar, ReadProduct(pair.value));
  }
  // These name no product in Sigma; their rows are those of the product that has them.
  const auto windows = table.find("windows");
  FAULTLINE_CHECK(windows != table.end());
  table[""].categories["antivirus"] = windows->second.categories["antivirus"];
  return table;
}

const Table& BuiltIn() {
  static const Table table = ReadTable();
  return table;
}

std::optional<std::vector<LogSourceAlternative>> OfCategory(const Product& product,
                                                            const LogSource& source) {
  const auto found = product.categories.find(source.category);
  if (found == product.categories.end()) return std::nullopt;
  std::vector<LogSourceAlternative> alternatives;
  for (const Product::Row& row : found->second) {
    if (source.service.empty() || source.service == row.service) {
      alternatives.push_back(row.alternative);
    }
  }
  if (alternatives.empty()) return std::nullopt;
  return alternatives;
}

std::optional<std::vector<LogSourceAlternative>> OfService(const Product& product,
                                                           const LogSource& source) {
  const auto found = product.services.find(source.service);
  if (found == product.services.end()) return std::nullopt;
  LogSourceAlternative alternative;
  alternative.conditions.push_back(found->second);
  return std::vector<LogSourceAlternative>{std::move(alternative)};
}

}  // namespace

std::optional<std::vector<LogSourceAlternative>> FindLogSource(const LogSource& source) {
  const auto product = BuiltIn().find(source.product);
  if (product == BuiltIn().end()) return std::nullopt;
  if (!source.category.empty()) return OfCategory(product->second, source);
  if (!source.service.empty()) return OfService(product->second, source);
  return std::vector<LogSourceAlternative>{};
}

bool Contains(const LogSource& outer, const LogSource& inner) noexcept {
  const auto covers = [](const std::string& wide, const std::string& narrow) {
    return wide.empty() || wide == narrow;
  };
  return covers(outer.product, inner.product) && covers(outer.category, inner.category) &&
         covers(outer.service, inner.service);
}

std::string ToString(const LogSource& source) {
  const auto part = [](const std::string& text) { return text.empty() ? "-" : text.c_str(); };
  return fmt::format("{}/{}/{}", part(source.product), part(source.category), part(source.service));
}

}  // namespace faultline::sigma
