// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/correlation.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "matcher/sigma/scalars.h"
#include "matcher/sigma/suggest.h"

namespace faultline::sigma {
namespace {

std::int64_t UnitSeconds(char unit) {
  switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3'600;
    case 'd': return 86'400;
    case 'w': return 604'800;
    case 'M': return 2'629'746;
    case 'y': return 31'556'952;
    default: return 0;
  }
}

bool IsLaterType(std::string_view type) {
  for (const std::string_view later :
       {"value_count", "value_sum", "value_avg", "value_percentile", "value_median"}) {
    if (type == later) return true;
  }
  return false;
}

void ReadType(const yaml::Node& node, Reading& reading, CorrelationRule& rule) {
  const yaml::Node* type = node.Find("type");
  if (type == nullptr) return reading.Refuse("the correlation has no 'type'", node.place);
  const std::string text = ReadText(*type, "'type'", reading);
  for (const CorrelationType known : {CorrelationType::kEventCount, CorrelationType::kTemporal,
                                      CorrelationType::kTemporalOrdered}) {
    if (text != ToString(known)) continue;
    rule.type = known;
    return;
  }
  if (IsLaterType(text)) {
    return reading.Refuse(fmt::format("correlation type '{}' is not supported yet", text),
                          type->place);
  }
  reading.Refuse(fmt::format("unknown correlation type '{}'", text), type->place,
                 DidYouMean(text, {"event_count", "temporal", "temporal_ordered"}));
}

void ReadMembers(const yaml::Node& node, Reading& reading, CorrelationRule& rule) {
  const yaml::Node* rules = node.Find("rules");
  if (rules == nullptr) return reading.Refuse("the correlation names no 'rules'", node.place);
  rule.rules = ReadTexts(*rules, "'rules'", reading);
  if (rule.rules.empty()) reading.Refuse("'rules' is empty", rules->place);
}

void ReadGroupBy(const yaml::Node& node, Reading& reading, CorrelationRule& rule) {
  const yaml::Node* group_by = node.Find("group-by");
  if (group_by == nullptr) return;
  rule.group_by = ReadTexts(*group_by, "'group-by'", reading);
  if (rule.group_by.empty()) reading.Refuse("'group-by' is empty", group_by->place, "remove it");
  for (std::size_t i = 0; i < rule.group_by.size(); ++i) {
    const std::string& field = rule.group_by[i];
    const Place& place = group_by->IsSequence() ? group_by->items[i].place : group_by->place;
    if (field.find_first_of("|{}\n") != field.npos || field.front() == ' ' || field.back() == ' ') {
      reading.Refuse(fmt::format("'{}' in 'group-by' is no field name", field), place);
    }
    const auto end = rule.group_by.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(rule.group_by.begin(), end, field) != end) {
      reading.Refuse(fmt::format("'{}' stands twice in 'group-by'", field), place);
    }
  }
}

void ReadTimespan(const yaml::Node& node, Reading& reading, CorrelationRule& rule) {
  const yaml::Node* timespan = node.Find("timespan");
  if (timespan == nullptr) return reading.Refuse("the correlation has no 'timespan'", node.place);
  const auto span = ParseTimespan(ReadText(*timespan, "'timespan'", reading));
  if (!span) {
    return reading.Refuse(fmt::format("'{}' is no timespan", timespan->scalar), timespan->place,
                          "write a number and one of s, m, h, d, w, M, y, for example 10m");
  }
  rule.timespan = *span;
}

// One comparison of a condition as "at least n".
void ReadComparison(const yaml::Pair& pair, Reading& reading, std::int64_t& threshold) {
  const std::string& key = pair.key.scalar;
  if (key == "lt" || key == "lte" || key == "eq" || key == "neq") {
    return reading.Refuse(
        fmt::format("'{}' is not supported yet: it is decided when a window closes", key),
        pair.key.place, "use gte or gt");
  }
  if (key == "field" || key == "percentile") {
    return reading.Refuse(fmt::format("'{}' goes with the value types, not supported yet", key),
                          pair.key.place);
  }
  if (key != "gte" && key != "gt") {
    return reading.Refuse(fmt::format("unknown key '{}' in 'condition'", key), pair.key.place,
                          "use gte or gt");
  }
  const auto number = yaml::AsInteger(pair.value);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max() - 1) {
    return reading.Refuse(fmt::format("'{}' must be a whole number", key), pair.value.place);
  }
  const std::int64_t least = key == "gt" ? *number + 1 : *number;
  if (least < 1) {
    return reading.Refuse(fmt::format("'{}: {}' always holds", key, *number), pair.value.place,
                          "use gte: 1 or more");
  }
  threshold = std::max(threshold, least);
}

std::int64_t ReadThreshold(const yaml::Node& condition, Reading& reading) {
  std::int64_t threshold = 0;
  if (condition.IsScalar()) {
    reading.Refuse("a text as condition is not supported yet", condition.place,
                   "use a map: condition: {gte: 2}");
    return threshold;
  }
  if (!ExpectMap(condition, "'condition'", reading)) return threshold;
  for (const yaml::Pair& pair : condition.pairs) ReadComparison(pair, reading, threshold);
  if (condition.pairs.empty()) reading.Refuse("'condition' is empty", condition.place);
  return threshold;
}

void ReadCondition(const yaml::Node& node, Reading& reading, CorrelationRule& rule) {
  const yaml::Node* condition = node.Find("condition");
  const auto members = static_cast<std::int64_t>(rule.rules.size());
  const bool counts = rule.type == CorrelationType::kEventCount;
  if (condition == nullptr) {
    if (counts)
      reading.Refuse("event_count needs a 'condition'", node.place, "condition: {gte: 2}");
    rule.threshold = static_cast<std::uint32_t>(members);
    return;
  }
  const std::int64_t threshold = ReadThreshold(*condition, reading);
  if (!reading.ok()) return;
  if (!counts && threshold > members) {
    return reading.Refuse(
        fmt::format("{} different rules can never be seen: there are {}", threshold, members),
        condition->place);
  }
  if (rule.type == CorrelationType::kTemporalOrdered && threshold != members) {
    return reading.Refuse("temporal_ordered with fewer than all rules is not supported yet",
                          condition->place, "leave the condition out");
  }
  rule.threshold = static_cast<std::uint32_t>(threshold);
}

void ReadGenerate(const yaml::Node& node, Reading& reading, CorrelationRule& rule) {
  const yaml::Node* generate = node.Find("generate");
  if (generate == nullptr) return;
  const auto value = yaml::AsBool(*generate);
  if (!value) return reading.Refuse("'generate' must be true or false", generate->place);
  rule.generate = *value;
}

}  // namespace

std::optional<std::chrono::nanoseconds> ParseTimespan(std::string_view text) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, count);
  if (parsed.ec != std::errc() || parsed.ptr + 1 != end || count <= 0) return std::nullopt;
  const std::int64_t seconds = UnitSeconds(*parsed.ptr);
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
  if (seconds == 0 || count > kMost / seconds) return std::nullopt;
  return std::chrono::seconds(count * seconds);
}

void ReadCorrelation(const yaml::Node& node, Reading& reading, CorrelationRule& rule) {
  if (!ExpectMap(node, "'correlation'", reading)) return;
  ExpectKeys(node, "'correlation'",
             {"type", "rules", "group-by", "timespan", "condition", "generate"}, {"aliases"},
             reading);
  ReadType(node, reading, rule);
  ReadMembers(node, reading, rule);
  ReadGroupBy(node, reading, rule);
  ChargeFields(rule.group_by, node.place, reading);
  ReadTimespan(node, reading, rule);
  ReadGenerate(node, reading, rule);
  if (reading.ok()) ReadCondition(node, reading, rule);
}

}  // namespace faultline::sigma
