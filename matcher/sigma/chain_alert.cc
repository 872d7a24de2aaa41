// SPDX-License-Identifier: Apache-2.0
// What is kept and said beside the events of a chain: registers, computed fields, conditions and the
// life of its alert.
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/correlation_reader.h"
#include "matcher/sigma/cost.h"
#include "matcher/sigma/explain.h"
#include "matcher/sigma/scalars.h"

namespace faultline::sigma {
namespace {

constexpr std::size_t kMaxRegisters = 32;
constexpr std::size_t kMaxVariants = 32;
constexpr std::size_t kMaxFields = 64;

constexpr std::array<std::pair<std::string_view, Register::Fn>, 8> kFunctions = {
    {{"last", Register::Fn::kLast},
     {"first", Register::Fn::kFirst},
     {"max", Register::Fn::kMax},
     {"min", Register::Fn::kMin},
     {"sum", Register::Fn::kSum},
     {"count", Register::Fn::kCount},
     {"distinct", Register::Fn::kDistinct},
     {"times", Register::Fn::kTimes}}};

bool TakesTime(Register::Fn fn) {
  return fn == Register::Fn::kLast || fn == Register::Fn::kFirst || fn == Register::Fn::kMax ||
         fn == Register::Fn::kMin;
}

}  // namespace

Expression CorrelationReader::ReadCondition(const yaml::Node& node, std::string_view what) {
  Expression condition = ReadExpression(node, what, scope_, reading_);
  if (!reading_.ok()) return condition;
  if (condition.type() != ExprType::kBool) {
    Refuse(fmt::format("{} is no condition", what), node.place,
           "write a comparison, or exists(...)");
  }
  if (condition.constant() == ExprValue(false)) {
    Refuse(fmt::format("{} is never true", what), node.place, "compare with what events say");
  }
  Ask(condition.names());
  return condition;
}

void CorrelationReader::ReadRegisters(const yaml::Node& map) {
  if (!ExpectMap(map, "'registers'", reading_)) return;
  if (map.pairs.size() > kMaxRegisters) {
    return Refuse(fmt::format("more than {} registers", kMaxRegisters), map.place,
                  "write several correlations");
  }
  for (const yaml::Pair& pair : map.pairs) {
    Register reg = ReadRegister(pair);
    if (!reading_.ok()) return;
    rule_.registers.push_back(std::move(reg));
  }
}

Register CorrelationReader::ReadRegister(const yaml::Pair& pair) {
  Register reg;
  reg.name = pair.key.scalar;
  const yaml::Node& map = pair.value;
  const std::string what = fmt::format("register '{}'", reg.name);
  if (!ExpectMap(map, what, reading_)) return reg;
  ExpectKeys(map, what, {"on", "fn", "field", "ttl", "by", "reset"}, {}, reading_);
  for (const std::string_view key : {"on", "fn", "ttl"}) {
    if (map.Find(key) != nullptr) continue;
    Refuse(fmt::format("{} has no '{}'", what, key), pair.key.place,
           key == "on"   ? "add on: with the id or name of a rule"
           : key == "fn" ? "add fn: last, first, max, min, sum, count, distinct or times"
                         : "add ttl: with the time to keep what it holds, for example 7d");
  }
  if (!reading_.ok()) return reg;
  reg.input = InputOf(*map.Find("on"));
  reg.ttl = ReadSpan(*map.Find("ttl"), "'ttl'");
  const yaml::Node& fn = *map.Find("fn");
  const std::string name = ReadText(fn, "'fn'", reading_);
  const auto known = std::find_if(kFunctions.begin(), kFunctions.end(),
                                  [&name](const auto& one) { return one.first == name; });
  if (known == kFunctions.end()) {
    std::vector<std::string_view> names;
    for (const auto& one : kFunctions) names.push_back(one.first);
    Refuse(fmt::format("{}: unknown function '{}'", what, name), fn.place,
           DidYouMeanOrOneOf(name, names));
    return reg;
  }
  reg.fn = known->second;
  const yaml::Node* field = map.Find("field");
  const bool wanted = reg.fn != Register::Fn::kCount && reg.fn != Register::Fn::kTimes;
  if (wanted && field == nullptr) {
    Refuse(fmt::format("{}: 'fn: {}' needs a 'field'", what, name), pair.key.place,
           "add field: with a field of its events, or time");
  } else if (!wanted && field != nullptr) {
    Refuse(fmt::format("{}: 'field' does not go with 'fn: {}'", what, name),
           map.FindKey("field")->place, "remove it, or use fn: distinct");
  } else if (field != nullptr) {
    reg.field = ReadText(*field, "'field'", reading_);
    reg.of_time = reg.field == "time";
    if (!reg.of_time) {
      Ask(reg.input, reg.field);
    } else if (!TakesTime(reg.fn)) {
      Refuse(fmt::format("{}: 'fn: {}' does not go with times", what, name), field->place,
             "use last, first, max or min; or fn: times without a field");
    }
  }
  if (const yaml::Node* reset = map.Find("reset")) reg.reset = InputOf(*reset);
  if (const yaml::Node* by = map.Find("by"); by != nullptr && reading_.ok()) {
    ReadRegisterKey(*by, reg);
  }
  return reg;
}

// A list; an entry is a name, or {name: expression}.
void CorrelationReader::ReadRegisterKey(const yaml::Node& by, Register& reg) {
  reg.by_group = false;
  CorrelationScope scope(rule_, reading_.pack());
  scope.ForKeys();
  const auto add = [&](const yaml::Node& key, Expression asked) {
    if (!reading_.ok()) return;
    for (const auto& other : reg.by) {
      if (other.first != key.scalar) continue;
      return Refuse(fmt::format("'{}' stands twice in 'by'", key.scalar), key.place,
                    "remove one of them");
    }
    Ask(reg.input, key.scalar);
    if (reg.reset) Ask(*reg.reset, key.scalar);
    Ask(asked.names());
    reg.by.emplace_back(key.scalar, std::move(asked));
  };
  const auto add_name = [&](const yaml::Node& node) {
    const std::string name = ReadText(node, "an entry of 'by'", reading_);
    if (!reading_.ok()) return;
    ExprScope::Found found = scope.Bare(name);
    add(node, Expression::OfName(std::get<ExprName>(std::move(found.what)), found.type));
  };
  const auto add_map = [&](const yaml::Node& map) {
    for (const yaml::Pair& pair : map.pairs) {
      add(pair.key,
          ReadExpression(pair.value, fmt::format("'by: {}'", pair.key.scalar), scope, reading_));
    }
  };
  if (by.IsScalar()) add_name(by);
  if (by.IsMapping()) add_map(by);
  for (const yaml::Node& item : by.items) {
    if (item.IsMapping()) {
      add_map(item);
    } else {
      add_name(item);
    }
  }
  if (reg.by.empty()) {
    Refuse("'by' is empty", by.place, "name a field, or remove it: the group is the default");
  }
}

void CorrelationReader::ReadFields(const yaml::Node& map) {
  if (!ExpectMap(map, "'fields'", reading_)) return;
  if (map.pairs.size() > kMaxFields) {
    return Refuse(fmt::format("more than {} computed fields", kMaxFields), map.place,
                  "write several correlations");
  }
  for (const yaml::Pair& pair : map.pairs) {
    const std::string& name = pair.key.scalar;
    if (!CheckFieldName(name, pair.key.place, reading_)) return;
    if (std::find(rule_.group_by.begin(), rule_.group_by.end(), name) != rule_.group_by.end()) {
      return Refuse(fmt::format("'{}' is a field of the group already", name), pair.key.place,
                    "give the computed field another name");
    }
    Expression expression =
        ReadExpression(pair.value, fmt::format("field '{}'", name), scope_, reading_);
    if (!reading_.ok()) return;
    Ask(expression.names());
    rule_.fields.emplace_back(name, std::move(expression));
  }
}

void CorrelationReader::ReadVariants(const yaml::Node& list) {
  if (!list.IsSequence() || list.items.empty()) {
    return Refuse("'variants' must be a list", list.place,
                  "write - {name: ..., when: ..., cause: ...} below it");
  }
  if (list.items.size() > kMaxVariants) {
    return Refuse(fmt::format("more than {} variants", kMaxVariants), list.place,
                  "write several correlations");
  }
  for (std::size_t i = 0; reading_.ok() && i < list.items.size(); ++i) {
    Variant variant = ReadVariant(list.items[i], i + 1, i + 1 == list.items.size());
    for (const Variant& other : rule_.variants) {
      if (other.name != variant.name) continue;
      return Refuse(fmt::format("two variants are called '{}'", variant.name), list.items[i].place,
                    "give one of them another name");
    }
    rule_.variants.push_back(std::move(variant));
  }
}

Variant CorrelationReader::ReadVariant(const yaml::Node& map, std::size_t number, bool last) {
  Variant variant;
  if (!ExpectMap(map, "a variant", reading_)) return variant;
  ExpectKeys(
      map, "a variant",
      {"name", "when", "cause", "impact", "remedy", "references", "runbook", "level", "title"}, {},
      reading_);
  const yaml::Node* name = map.Find("name");
  variant.name = name != nullptr ? ReadText(*name, "'name'", reading_) : fmt::format("{}", number);
  if (const yaml::Node* when = map.Find("when")) {
    variant.when = ReadCondition(*when, "'when'");
  } else if (!last) {
    Refuse("a variant has no 'when', but others follow it", map.place,
           "add when:, or make it the last one");
  }
  if (const yaml::Node* level = map.Find("level")) {
    const std::string text = ReadText(*level, "'level'", reading_);
    variant.level = LevelFromString(text);
    if (!variant.level) {
      Refuse(fmt::format("unknown level '{}'", text), level->place,
             DidYouMeanOrOneOf(text, {"informational", "low", "medium", "high", "critical"}));
    }
  }
  if (const yaml::Node* title = map.Find("title"); title != nullptr && reading_.ok()) {
    variant.title = ReadTemplate(*title, "'title'", scope_, reading_);
    Ask(variant.title.names());
  }
  if (reading_.ok()) variant.texts = ReadTexts(map, scope_, reading_);
  Ask(NamesOf(variant.texts));
  return variant;
}

void CorrelationReader::ReadChoose(const yaml::Node& map) {
  if (!ExpectMap(map, "'choose'", reading_)) return;
  ExpectKeys(map, "'choose'", {"group", "priority", "settle"}, {}, reading_);
  const yaml::Node* group = map.Find("group");
  const yaml::Node* priority = map.Find("priority");
  if (group == nullptr || priority == nullptr) {
    return Refuse("'choose' needs 'group' and 'priority'", map.place,
                  "write choose: {group: name, priority: 10}");
  }
  Choose choose;
  choose.group = ReadText(*group, "'group'", reading_);
  choose.priority = ReadWhole(*priority, "'priority'", -1'000'000'000, 1'000'000'000);
  const yaml::Node* settle = map.Find("settle");
  if (settle != nullptr && settle->scalar != "0s") {
    choose.settle = ReadSpan(*settle, "'settle'");
  }
  rule_.choose = std::move(choose);
}

void CorrelationReader::ReadSuppress(const yaml::Node& map) {
  if (!ExpectMap(map, "'suppress'", reading_)) return;
  ExpectKeys(map, "'suppress'", {"for", "by"}, {}, reading_);
  const yaml::Node* span = map.Find("for");
  if (span == nullptr) {
    return Refuse("'suppress' has no 'for'", map.place, "add for: with the time to hide others");
  }
  Suppress suppress;
  suppress.span = ReadSpan(*span, "'for'");
  if (const yaml::Node* by = map.Find("by")) {
    static_cast<void>(ReadTexts(*by, "'by'", reading_));
    const auto add = [&](const yaml::Node& node) {
      if (!reading_.ok()) return;
      Expression expression = ReadExpression(node, "'by'", scope_, reading_);
      Ask(expression.names());
      suppress.by.emplace_back(node.scalar, std::move(expression));
    };
    if (by->IsScalar()) add(*by);
    for (const yaml::Node& item : by->items) add(item);
  }
  rule_.suppress = std::move(suppress);
}

void CorrelationReader::ReadResolve(const yaml::Node& node) {
  Resolve resolve;
  if (!node.IsMapping()) {
    resolve.on = InputsOf(node, "'resolve'");
    rule_.resolve = std::move(resolve);
    return;
  }
  ExpectKeys(node, "'resolve'", {"on", "quiet", "of"}, {}, reading_);
  const yaml::Node* on = node.Find("on");
  const yaml::Node* quiet = node.Find("quiet");
  const yaml::Node* of = node.Find("of");
  if (on == nullptr && quiet == nullptr) {
    Refuse("'resolve' needs 'on' or 'quiet'", node.place, "name a rule, or a time without events");
  }
  if (of != nullptr && quiet == nullptr) {
    Refuse("'of' goes with 'quiet'", node.FindKey("of")->place, "add quiet:, or remove it");
  }
  if (!reading_.ok()) return;
  if (on != nullptr) resolve.on = InputsOf(*on, "'on'");
  if (quiet != nullptr) resolve.quiet = ReadSpan(*quiet, "'quiet'");
  const auto listen = [&resolve](std::uint32_t input) {
    if (std::find(resolve.of.begin(), resolve.of.end(), input) == resolve.of.end()) {
      resolve.of.push_back(input);
    }
  };
  if (of != nullptr) {
    static_cast<void>(ReadTexts(*of, "'of'", reading_));
    const auto add = [&](const yaml::Node& name) {
      if (!reading_.ok()) return;
      const auto step = std::find_if(rule_.steps.begin(), rule_.steps.end(),
                                     [&name](const Step& one) { return one.name == name.scalar; });
      listen(step != rule_.steps.end() ? step->input : InputOf(name));
    };
    if (of->IsScalar()) add(*of);
    for (const yaml::Node& item : of->items) add(item);
    if (resolve.of.empty()) Refuse("'of' is empty", of->place, "name a rule or step, or remove it");
  } else if (quiet != nullptr) {
    for (const Step& step : rule_.steps) listen(step.input);
  }
  rule_.resolve = std::move(resolve);
}

void CorrelationReader::ReadUpdateEvery(const yaml::Node& node) {
  const std::string text = ReadText(node, "'update_every'", reading_);
  if (text == "never") {
    rule_.update_every = UpdateEvery();
  } else {
    rule_.update_every = UpdateEvery(ReadSpan(node, "'update_every'"));
  }
}

void CorrelationReader::ReadAlert(const yaml::Node& map) {
  const auto read = [&](std::string_view key, auto reader) {
    const yaml::Node* node = map.Find(key);
    if (node != nullptr && reading_.ok()) reader(*node);
  };
  read("resolve", [this](const yaml::Node& node) { ReadResolve(node); });
  read("registers", [this](const yaml::Node& node) { ReadRegisters(node); });
  read("fields", [this](const yaml::Node& node) { ReadFields(node); });
  read("where", [this](const yaml::Node& node) { rule_.where = ReadCondition(node, "'where'"); });
  read("variants", [this](const yaml::Node& node) { ReadVariants(node); });
  read("choose", [this](const yaml::Node& node) { ReadChoose(node); });
  read("suppress", [this](const yaml::Node& node) { ReadSuppress(node); });
  read("update_every", [this](const yaml::Node& node) { ReadUpdateEvery(node); });
  read("explain", [this](const yaml::Node& node) {
    rule_.texts = ReadExplain(node, scope_, reading_);
    Ask(NamesOf(rule_.texts));
  });
}

}  // namespace faultline::sigma
