// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/state_size.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "matcher/correlate/operator.h"
#include "matcher/correlate/registers.h"
#include "matcher/correlate/timers.h"

namespace faultline {
namespace {

constexpr std::int64_t kMostEvents = 1024;
constexpr Operator::Limits kRoom{1, std::size_t{1} << 40};

class AlwaysTrue final : public Judge {
 public:
  [[nodiscard]] bool Holds(const Candidate&) override { return true; }
};

// Events of one key of one rule, each a nanosecond behind the one before.
class Feed {
 public:
  explicit Feed(const sigma::CorrelationRule& rule)
      : rule_(rule), op_(MakeOperator(rule, 0, kRoom, &timers_)), registers_(rule, kRoom) {
    for (const std::string& name : rule.group_by) group_.push_back({name, Text(0)});
  }

  // Texts of `varied` fields are new ones.
  void See(std::uint32_t input, const std::vector<std::string>& varied) {
    const sigma::Input& source = rule_.inputs[input];
    Hit hit;
    hit.time = EventTime::Raw(++count_);
    hit.origin = {{"0123456789abcdef", 0}, count_, 0};
    for (const std::string& name : source.group_fields) hit.fields.push_back({name, {Text(0)}});
    for (const std::string& name : source.fields) {
      const bool varies = std::find(varied.begin(), varied.end(), name) != varied.end();
      hit.fields.push_back({name, {Text(varies ? count_ : 0)}});
    }
    for (const sigma::Register& reg : rule_.registers) {
      for (const auto& [name, expression] : reg.by) hit.fields.push_back({name, {Text(0)}});
    }
    const InputHit hits[] = {{input, &hit}};
    registers_.Observe(hit.time, hits);
    Outcome out;
    op_->Observe({hit.time, Digest{1, 1}, &group_, hits}, judge_, out);
    most_ = std::max(most_, op_->numbers().bytes + registers_.numbers().bytes);
  }

  [[nodiscard]] std::int64_t most() const noexcept { return most_; }

 private:
  static std::string Text(std::int64_t number) { return fmt::format("{:016}", number); }

  const sigma::CorrelationRule& rule_;
  Timers timers_;
  AlwaysTrue judge_;
  std::unique_ptr<Operator> op_;
  Registers registers_;
  std::vector<NamedValue> group_;
  std::int64_t count_ = 0;
  std::int64_t most_ = 0;
};

// Events that a count must see to reach its thresholds.
std::int64_t EventsAtThreshold(const sigma::CorrelationRule& rule) {
  if (rule.type != sigma::CorrelationType::kEventCount &&
      rule.type != sigma::CorrelationType::kValueCount) {
    return 1;
  }
  std::int64_t most = 1;
  for (const sigma::Threshold& threshold : rule.thresholds) {
    const auto* const whole = std::get_if<std::int64_t>(&threshold.number);
    const auto* const decimal = std::get_if<double>(&threshold.number);
    if (whole != nullptr) most = std::max(most, std::min(*whole, kMostEvents));
    if (decimal != nullptr && *decimal < static_cast<double>(kMostEvents)) {
      most = std::max(most, static_cast<std::int64_t>(std::ceil(*decimal)));
    }
  }
  return most;
}

bool IsChain(const sigma::CorrelationRule& rule) {
  return rule.type == sigma::CorrelationType::kTemporal ||
         rule.type == sigma::CorrelationType::kTemporalOrdered;
}

}  // namespace

std::int64_t StatePerKey(const sigma::CorrelationRule& rule) {
  Feed feed(rule);
  for (const sigma::Absence& absence : rule.absences) {
    if (absence.kind == sigma::Absence::Kind::kBefore) feed.See(absence.input, {});
  }
  for (const sigma::Register& reg : rule.registers) feed.See(reg.input, {});
  if (IsChain(rule)) {
    for (const sigma::Step& step : rule.steps) {
      for (std::uint32_t i = 0; i < step.times; ++i) feed.See(step.input, {step.distinct});
    }
  } else if (!rule.steps.empty()) {
    for (std::int64_t i = EventsAtThreshold(rule); i > 0; --i) {
      feed.See(rule.steps.front().input, rule.value_fields);
    }
  }
  return feed.most();
}

}  // namespace faultline
