// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/rule.h"

#include <algorithm>
#include <array>
#include <set>

namespace faultline::sigma {
namespace {

constexpr std::array kLevels = {Level::kInformational, Level::kLow, Level::kMedium, Level::kHigh,
                                Level::kCritical};

}  // namespace

std::string_view ToString(Level level) noexcept {
  switch (level) {
    case Level::kInformational: return "informational";
    case Level::kLow: return "low";
    case Level::kMedium: return "medium";
    case Level::kHigh: return "high";
    case Level::kCritical: return "critical";
  }
  return "informational";
}

std::optional<Level> LevelFromString(std::string_view text) noexcept {
  for (const Level level : kLevels) {
    if (ToString(level) == text) return level;
  }
  return std::nullopt;
}

const std::string& IdentityOf(const Metadata& meta) noexcept {
  if (!meta.id.empty()) return meta.id;
  return meta.name.empty() ? meta.title : meta.name;
}

std::vector<ExprName> NamesOf(const Texts& texts) {
  ExprNames names;
  texts.cause.AddNames(names);
  texts.impact.AddNames(names);
  texts.runbook.AddNames(names);
  for (const Template& text : texts.remedy) text.AddNames(names);
  for (const Template& text : texts.references) text.AddNames(names);
  return std::move(names).Take();
}

std::string_view ToString(CorrelationType type) noexcept {
  switch (type) {
    case CorrelationType::kEventCount: return "event_count";
    case CorrelationType::kValueCount: return "value_count";
    case CorrelationType::kValueSum: return "value_sum";
    case CorrelationType::kValueAvg: return "value_avg";
    case CorrelationType::kValuePercentile: return "value_percentile";
    case CorrelationType::kValueMedian: return "value_median";
    case CorrelationType::kTemporal: return "temporal";
    case CorrelationType::kTemporalOrdered: return "temporal_ordered";
  }
  return "event_count";
}

std::vector<std::uint32_t> DecidingInputs(const CorrelationRule& rule) {
  std::set<std::uint32_t> inputs;
  for (const Step& step : rule.steps) inputs.insert(step.input);
  if (rule.type == CorrelationType::kTemporal) {
    for (const Absence& absence : rule.absences) inputs.insert(absence.input);
    for (const Register& reg : rule.registers) {
      inputs.insert(reg.input);
      if (reg.reset) inputs.insert(*reg.reset);
    }
  }
  return {inputs.begin(), inputs.end()};
}

}  // namespace faultline::sigma
