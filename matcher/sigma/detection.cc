// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/detection.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "matcher/sigma/pattern.h"
#include "matcher/sigma/scalars.h"
#include "matcher/sigma/suggest.h"

namespace faultline::sigma {
namespace {

constexpr std::size_t kMaxSearches = 1000;

// What a modifier does to the comparison; two of different kinds but kText and kRegex never go
// together.
enum class Group : std::uint8_t { kFree, kText, kRegex, kFlag, kOther, kExists };

struct Modifier {
  std::string_view name;
  Group group;
  bool supported;
};

constexpr std::array kModifiers = {
    Modifier{"contains", Group::kText, true},  Modifier{"startswith", Group::kText, true},
    Modifier{"endswith", Group::kText, true},  Modifier{"all", Group::kFree, true},
    Modifier{"cased", Group::kFree, true},     Modifier{"re", Group::kRegex, true},
    Modifier{"i", Group::kFlag, true},         Modifier{"m", Group::kFlag, true},
    Modifier{"s", Group::kFlag, true},         Modifier{"ignorecase", Group::kFlag, true},
    Modifier{"multiline", Group::kFlag, true}, Modifier{"dotall", Group::kFlag, true},
    Modifier{"cidr", Group::kOther, false},    Modifier{"gt", Group::kOther, false},
    Modifier{"gte", Group::kOther, false},     Modifier{"lt", Group::kOther, false},
    Modifier{"lte", Group::kOther, false},     Modifier{"exists", Group::kExists, false},
    Modifier{"neq", Group::kFree, false},      Modifier{"fieldref", Group::kFree, false},
    Modifier{"windash", Group::kFree, false},  Modifier{"expand", Group::kFree, false},
    Modifier{"base64", Group::kFree, false},   Modifier{"base64offset", Group::kFree, false},
    Modifier{"wide", Group::kFree, false},     Modifier{"utf16", Group::kFree, false},
    Modifier{"utf16le", Group::kFree, false},  Modifier{"utf16be", Group::kFree, false},
    Modifier{"minute", Group::kFree, false},   Modifier{"hour", Group::kFree, false},
    Modifier{"day", Group::kFree, false},      Modifier{"week", Group::kFree, false},
    Modifier{"month", Group::kFree, false},    Modifier{"year", Group::kFree, false},
};

const Modifier* FindModifier(std::string_view name) {
  for (const Modifier& modifier : kModifiers) {
    if (modifier.name == name) return &modifier;
  }
  return nullptr;
}

std::string SuggestModifier(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Modifier& modifier : kModifiers) {
    if (modifier.supported) names.push_back(modifier.name);
  }
  return DidYouMean(name, names);
}

// The key of an item taken apart: "Image|endswith|all".
struct Key {
  struct Part {
    const Modifier* modifier = nullptr;
    Place place;
  };
  std::string field;
  std::vector<Part> modifiers;
  const yaml::Node* node = nullptr;

  [[nodiscard]] bool Has(std::string_view name) const {
    return std::any_of(modifiers.begin(), modifiers.end(),
                       [&](const Part& part) { return part.modifier->name == name; });
  }
};

// "field 'Image': ..." or "keyword: ...".
std::string About(const Key& key, std::string_view message) {
  if (key.field.empty()) return fmt::format("keyword: {}", message);
  return fmt::format("field '{}': {}", key.field, message);
}

bool Contradict(const Modifier& first, const Modifier& second) {
  const auto compares = [](const Modifier& m) {
    return m.group == Group::kText || m.group == Group::kOther;
  };
  if (first.group == Group::kExists || second.group == Group::kExists) return true;
  if (first.name == second.name) return true;
  if (compares(first) && compares(second)) return true;
  if (first.group == Group::kRegex) return second.group == Group::kOther;
  if (second.group == Group::kRegex) return compares(first);
  return false;
}

void CheckPairs(const Key& key, Reading& reading) {
  for (std::size_t j = 0; j < key.modifiers.size(); ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      const Modifier& first = *key.modifiers[i].modifier;
      const Modifier& second = *key.modifiers[j].modifier;
      if (!Contradict(first, second)) continue;
      reading.Refuse(
          About(key, fmt::format("contradictory modifiers '{}' and '{}'", first.name, second.name)),
          key.modifiers[j].place, "keep one of them");
      return;
    }
  }
}

void CheckFlags(const Key& key, Reading& reading) {
  bool regex = false;
  for (const Key::Part& part : key.modifiers) {
    regex = regex || part.modifier->group == Group::kRegex;
    if (part.modifier->group == Group::kFlag && !regex) {
      reading.Refuse(
          About(key, fmt::format("flag '{}' without 're' before it", part.modifier->name)),
          part.place, "write re|i");
    }
  }
  if (key.Has("cased") && (key.Has("i") || key.Has("ignorecase"))) {
    reading.Refuse(About(key, "contradictory modifiers 'cased' and 'i'"), key.node->place,
                   "keep one of them");
  }
}

void CheckSupported(const Key& key, Reading& reading) {
  for (const Key::Part& part : key.modifiers) {
    if (part.modifier->supported) continue;
    reading.Refuse(
        About(key, fmt::format("modifier '{}' is not supported yet", part.modifier->name)),
        part.place);
  }
}

Key ReadKey(const yaml::Node& node, Reading& reading) {
  Key key;
  key.node = &node;
  const std::string_view text = node.scalar;
  std::size_t at = std::min(text.find('|'), text.size());
  key.field = text.substr(0, at);
  while (at < text.size() && reading.ok()) {
    const std::size_t start = at + 1;
    at = std::min(text.find('|', start), text.size());
    const std::string_view name = text.substr(start, at - start);
    Place place = TextPlace(node);
    place.column += static_cast<int>(start);
    const Modifier* modifier = FindModifier(name);
    if (modifier == nullptr) {
      reading.Refuse(About(key, fmt::format("unknown modifier '{}'", name)), place,
                     SuggestModifier(name));
      return key;
    }
    key.modifiers.push_back({modifier, place});
  }
  CheckPairs(key, reading);
  CheckFlags(key, reading);
  CheckSupported(key, reading);
  return key;
}

Regex MakeRegex(const Key& key, const std::string& text) {
  Regex regex;
  regex.pattern = text;
  if (key.Has("startswith")) regex.pattern = fmt::format("\\A(?:{})", text);
  if (key.Has("endswith")) regex.pattern = fmt::format("(?:{})\\z", text);
  regex.ignore_case = key.Has("i") || key.Has("ignorecase");
  regex.multi_line = key.Has("m") || key.Has("multiline");
  regex.dot_all = key.Has("s") || key.Has("dotall");
  return regex;
}

// A pattern with the outer wildcards that the modifiers ask for; a keyword without any is found
// anywhere.
Pattern MakePattern(const Key& key, std::string_view text) {
  Pattern pattern = ParsePattern(text);
  const bool anchored = key.Has("startswith") || key.Has("endswith");
  const bool anywhere = key.Has("contains") || (key.field.empty() && !anchored);
  if (anywhere || key.Has("endswith")) OpenStart(pattern);
  if (anywhere || key.Has("startswith")) OpenEnd(pattern);
  return pattern;
}

bool IsTextual(const Key& key) {
  return key.field.empty() || key.Has("contains") || key.Has("startswith") || key.Has("endswith");
}

Value ReadNull(const Key& key, const yaml::Node& node, Reading& reading) {
  if (key.field.empty()) {
    reading.Refuse(About(key, "null is no keyword"), node.place);
  } else if (!key.modifiers.empty()) {
    reading.Refuse(About(key, "null takes no modifiers"), node.place,
                   "write the field without modifiers");
  }
  return Null{};
}

Value ReadValue(const Key& key, const yaml::Node& node, Reading& reading) {
  const auto value = yaml::Resolve(node);
  if (!value) {
    reading.Refuse(
        About(key, node.IsScalar() ? fmt::format("'{}' does not fit its tag", node.scalar)
                                   : fmt::format("a value must be a text, a number, a boolean or "
                                                 "null, this is {}",
                                                 yaml::ToString(node.kind))),
        node.place);
    return Null{};
  }
  if (value->kind == yaml::ScalarKind::kNull) return ReadNull(key, node, reading);
  if (value->kind == yaml::ScalarKind::kSpecial) {
    reading.Refuse(About(key, fmt::format("'{}' is no value of an event", node.scalar)), node.place,
                   "quote it if it is meant as text");
  }
  const bool number = value->kind == yaml::ScalarKind::kNumber;
  const std::string& text = number ? value->text : node.scalar;
  if (key.Has("re")) return MakeRegex(key, text);
  if (number && !IsTextual(key)) return Number{text};
  if (value->kind == yaml::ScalarKind::kBool && !IsTextual(key)) return Bool{value->boolean};
  if (key.field.empty() && text.empty()) {
    reading.Refuse(About(key, "an empty keyword is in every event"), node.place, "remove it");
  }
  return MakePattern(key, text);
}

Item ReadItem(const yaml::Node& key_node, const yaml::Node& values, Reading& reading) {
  const Key key = ReadKey(key_node, reading);
  Item item;
  item.field = key.field;
  item.all = key.Has("all");
  item.cased = key.Has("cased");
  item.place = key_node.place;
  if (key.field.empty() && key.modifiers.empty()) {
    reading.Refuse("a field has no name", key_node.place);
  }
  if (!values.IsSequence()) {
    item.choices.push_back({ReadValue(key, values, reading)});
    return item;
  }
  for (const yaml::Node& node : values.items) {
    if (yaml::IsNull(node)) {
      reading.Refuse(About(key, "null inside a list"), node.place,
                     "write a second map with the field alone and null");
    }
    item.choices.push_back({ReadValue(key, node, reading)});
  }
  if (values.items.empty()) item.choices.push_back({ReadNull(key, values, reading)});
  return item;
}

std::vector<Item> ReadMap(const yaml::Node& map, Reading& reading) {
  std::vector<Item> items;
  if (map.pairs.empty()) reading.Refuse("an empty map would match every event", map.place);
  for (const yaml::Pair& pair : map.pairs) items.push_back(ReadItem(pair.key, pair.value, reading));
  return items;
}

// Keywords of a list, or a single one: an item without a field.
Item ReadKeywords(const std::vector<const yaml::Node*>& words, Reading& reading) {
  Item item;
  const Key key;
  item.place = words.front()->place;
  for (const yaml::Node* word : words) item.choices.push_back({ReadValue(key, *word, reading)});
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
    reading.Refuse(fmt::format("search '{}' is empty", search.name), node.place);
  }
  return search;
}

void ReadCondition(const yaml::Node& node, const std::vector<std::string>& names, Reading& reading,
                   DetectionRule& rule) {
  if (!node.IsScalar() || yaml::IsNull(node)) {
    reading.Refuse("a condition must be a text", node.place);
    return;
  }
  auto condition = ParseCondition(node.scalar, names, TextPlace(node));
  if (condition) {
    rule.conditions.push_back(std::move(*condition));
    return;
  }
  const Error& error = condition.error();
  reading.Refuse("condition: " + error.message, node.multi_line ? node.place : error.place,
                 error.remedy);
}

void ReadConditions(const yaml::Node& detection, Reading& reading, DetectionRule& rule) {
  const yaml::Node* node = detection.Find("condition");
  if (node == nullptr) {
    return reading.Refuse("the detection has no condition", detection.place, "add 'condition:'");
  }
  std::vector<std::string> names;
  for (const Search& search : rule.searches) names.push_back(search.name);
  if (!node->IsSequence()) return ReadCondition(*node, names, reading, rule);
  if (node->items.empty()) reading.Refuse("the list of conditions is empty", node->place);
  for (const yaml::Node& item : node->items) ReadCondition(item, names, reading, rule);
}

}  // namespace

void ReadDetection(const yaml::Node& node, Reading& reading, DetectionRule& rule) {
  if (!ExpectMap(node, "'detection'", reading)) return;
  for (const yaml::Pair& pair : node.pairs) {
    if (pair.key.scalar == "condition") continue;
    if (pair.key.scalar == "timeframe") {
      reading.Refuse("'timeframe' is not supported", pair.key.place,
                     "write a correlation with a timespan");
    }
    rule.searches.push_back(ReadSearch(pair, reading));
  }
  if (rule.searches.empty()) reading.Refuse("the detection has no search", node.place);
  if (rule.searches.size() > kMaxSearches) {
    reading.Refuse(fmt::format("more than {} searches", kMaxSearches), node.place);
  }
  if (reading.ok()) ReadConditions(node, reading, rule);
}

}  // namespace faultline::sigma
