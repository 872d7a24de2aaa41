// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/detection.h"

#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "matcher/sigma/modifiers.h"
#include "matcher/sigma/scalars.h"
#include "matcher/sigma/values.h"

namespace faultline::sigma {
namespace {

constexpr std::size_t kMaxSearches = 1000;

// What modifier says the same as the wildcards around a text; nothing where there are others.
std::string_view ModifierFor(const Value& value) {
  const auto* pattern = std::get_if<Pattern>(&value);
  if (pattern == nullptr || pattern->tokens.size() < 2 || pattern->tokens.size() > 3) return {};
  const bool open_start = pattern->tokens.front().kind == Pattern::Kind::kAny;
  const bool open_end = pattern->tokens.back().kind == Pattern::Kind::kAny;
  const std::size_t outer = (open_start ? 1U : 0U) + (open_end ? 1U : 0U);
  if (outer + 1 != pattern->tokens.size()) return {};
  if (pattern->tokens[open_start ? 1 : 0].kind != Pattern::Kind::kLiteral) return {};
  if (outer == 2) return "contains";
  return open_start ? "endswith" : "startswith";
}

// Wildcards that all values of a key have in common, and that a modifier would say.
void NoteWildcards(const Key& key, const Item& item, Reading& reading) {
  if (key.field.empty() || key.Has(Modifier::kContains) || key.Has(Modifier::kStartsWith) ||
      key.Has(Modifier::kEndsWith)) {
    return;
  }
  std::string_view modifier;
  for (const Choice& choice : item.choices) {
    for (const Value& value : choice) {
      const std::string_view one = ModifierFor(value);
      if (one.empty() || (!modifier.empty() && one != modifier)) return;
      modifier = one;
    }
  }
  reading.Note("wildcard-for-modifier", key.About("wildcards where a modifier says the same"),
               key.place,
               fmt::format("write {}|{} and leave the wildcards out", key.field, modifier));
}

void NoteItem(const Key& key, const Item& item, const yaml::Node& values, Reading& reading) {
  if (item.all && item.choices.size() == 1) {
    reading.Note("all-of-one", key.About("'all' with a single value"), key.place,
                 "leave 'all' out, or write a list");
  }
  if (key.Has(Modifier::kBase64Offset) && !key.Has(Modifier::kContains)) {
    reading.Note("base64offset-equals",
                 key.About("base64offset without contains is the whole value, not a part of it"),
                 key.place, "write base64offset|contains");
  }
  NoteWildcards(key, item, reading);
  std::set<std::pair<yaml::ScalarKind, std::string_view>> seen;
  for (const yaml::Node& value : values.items) {
    const auto scalar = yaml::Resolve(value);
    if (!scalar || seen.emplace(scalar->kind, value.scalar).second) continue;
    reading.Note("duplicate-value", key.About(fmt::format("'{}' stands twice", value.scalar)),
                 value.place, "remove it");
  }
}

Item ReadItem(const yaml::Node& key_node, const yaml::Node& values, Reading& reading) {
  const Key key = ReadKey(key_node, reading);
  Item item;
  item.field = key.field;
  item.all = key.Has(Modifier::kAll);
  item.cased =
      key.Has(Modifier::kCased) || key.Has(Modifier::kBase64) || key.Has(Modifier::kBase64Offset);
  item.negated = key.Has(Modifier::kNeq);
  item.place = key_node.place;
  const auto add = [&](const yaml::Node& value) {
    auto choices = ReadChoices(key, value, reading);
    std::move(choices.begin(), choices.end(), std::back_inserter(item.choices));
  };
  if (!values.IsSequence()) {
    add(values);
  } else if (values.items.empty()) {
    item.choices.push_back(NullChoice(key, values, reading));
  }
  for (const yaml::Node& node : values.items) {
    if (yaml::IsNull(node)) {
      reading.Refuse(key.About("null inside a list"), node.place,
                     "write a second map with the field alone and null");
    }
    if (!reading.ok()) return item;
    add(node);
  }
  NoteItem(key, item, values, reading);
  return item;
}

std::vector<Item> ReadMap(const yaml::Node& map, Reading& reading) {
  std::vector<Item> items;
  if (map.pairs.empty())
    reading.Refuse("an empty map would match every event", map.place,
                   "write fields and values, or remove it");
  for (const yaml::Pair& pair : map.pairs) items.push_back(ReadItem(pair.key, pair.value, reading));
  return items;
}

// Keywords of a list, or a single one: an item without a field.
Item ReadKeywords(const std::vector<const yaml::Node*>& words, Reading& reading) {
  Item item;
  const Key key;
  item.place = words.front()->place;
  for (const yaml::Node* word : words) {
    auto choices = ReadChoices(key, *word, reading);
    std::move(choices.begin(), choices.end(), std::back_inserter(item.choices));
  }
  return item;
}

Search ReadSearch(const yaml::Pair& pair, Reading& reading) {
  Search search;
  search.name = pair.key.scalar;
  search.place = pair.key.place;
  const yaml::Node& node = pair.value;
  if (node.IsMapping()) {
    search.alternatives.push_back(ReadMap(node, reading));
    return search;
  }
  std::vector<const yaml::Node*> words;
  if (node.IsScalar()) words.push_back(&node);
  for (const yaml::Node& item : node.items) {
    if (item.IsMapping()) {
      search.alternatives.push_back(ReadMap(item, reading));
    } else {
      words.push_back(&item);
    }
  }
  if (!words.empty()) search.alternatives.push_back({ReadKeywords(words, reading)});
  if (search.alternatives.empty()) {
    reading.Refuse(fmt::format("search '{}' is empty", search.name), node.place,
                   "write fields and values, or keywords");
  }
  return search;
}

std::vector<Search> ReadSearches(const yaml::Node& map, std::string_view other_key,
                                 Reading& reading) {
  std::vector<Search> searches;
  for (const yaml::Pair& pair : map.pairs) {
    if (pair.key.scalar == "condition" || pair.key.scalar == other_key) continue;
    if (pair.key.scalar == "timeframe") {
      reading.Refuse("'timeframe' is not supported", pair.key.place,
                     "write a correlation with a timespan");
    }
    searches.push_back(ReadSearch(pair, reading));
  }
  if (searches.size() > kMaxSearches) {
    reading.Refuse(fmt::format("more than {} searches", kMaxSearches), map.place,
                   "write several rules");
  }
  ChargeSearches(searches, reading);
  return searches;
}

void ReadCondition(const yaml::Node& node, const std::vector<std::string>& names, Reading& reading,
                   std::vector<Condition>& conditions) {
  if (!node.IsScalar() || yaml::IsNull(node)) {
    reading.Refuse("a condition must be a text", node.place,
                   "name searches, joined by and, or, not");
    return;
  }
  auto condition = ParseCondition(node.scalar, names, TextPlace(node));
  if (condition) {
    conditions.push_back(std::move(*condition));
    return;
  }
  const Error& error = condition.error();
  reading.Refuse("condition: " + error.message, node.multi_line ? node.place : error.place,
                 error.remedy);
}

std::vector<Condition> ReadConditions(const yaml::Node& node, const std::vector<Search>& searches,
                                      Reading& reading) {
  std::vector<Condition> conditions;
  std::vector<std::string> names;
  for (const Search& search : searches) names.push_back(search.name);
  if (node.IsSequence()) {
    if (node.items.empty()) {
      reading.Refuse("the list of conditions is empty", node.place, "write a condition");
    }
    for (const yaml::Node& item : node.items) ReadCondition(item, names, reading, conditions);
  } else {
    ReadCondition(node, names, reading, conditions);
  }
  return conditions;
}

}  // namespace

std::vector<Item> ReadItems(const yaml::Node& map, Reading& reading) {
  return ReadMap(map, reading);
}

void ReadDetection(const yaml::Node& node, Reading& reading, DetectionRule& rule) {
  if (!ExpectMap(node, "'detection'", reading)) return;
  rule.searches = ReadSearches(node, {}, reading);
  if (rule.searches.empty())
    reading.Refuse("the detection has no search", node.place, "add one beside 'condition'");
  const yaml::Node* condition = node.Find("condition");
  if (condition == nullptr) {
    return reading.Refuse("the detection has no condition", node.place, "add 'condition:'");
  }
  if (reading.ok()) rule.conditions = ReadConditions(*condition, rule.searches, reading);
}

void ReadFilter(const yaml::Node& node, Reading& reading, Filter& filter) {
  filter.searches = ReadSearches(node, "rules", reading);
  if (filter.searches.empty())
    reading.Refuse("the filter has no search", node.place, "add one beside 'condition'");
  const yaml::Node* condition = node.Find("condition");
  if (condition == nullptr) {
    return reading.Refuse("the filter has no condition", node.place, "add 'condition: not ...'");
  }
  if (condition->IsSequence()) {
    return reading.Refuse("a filter has one condition, this is a list", condition->place,
                          "join them by 'and' or 'or'");
  }
  if (reading.ok()) filter.conditions = ReadConditions(*condition, filter.searches, reading);
}

}  // namespace faultline::sigma
