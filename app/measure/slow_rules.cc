// SPDX-License-Identifier: Apache-2.0
#include "app/measure/slow_rules.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "app/measure/match_pass.h"

namespace faultline::app {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kSample = 2000;  // events, spread over all
constexpr std::size_t kPasses = 3;     // the fastest counts
constexpr std::size_t kTold = 10;

template <typename Pass>
double FastestNanoseconds(const Pass& pass) {
  auto fastest = Steady::duration::max();
  for (std::size_t i = 0; i < kPasses; ++i) {
    const Steady::time_point start = Steady::now();
    pass();
    fastest = std::min(fastest, Steady::now() - start);
  }
  return std::chrono::duration<double, std::nano>(fastest).count();
}

EventViews SampleOf(const EventStore& store) {
  EventViews sample;
  const std::size_t step = std::max<std::size_t>(1, store.events().size() / kSample);
  for (std::size_t i = 0; i < store.events().size(); i += step) {
    sample.push_back(store.events()[i]);
  }
  return sample;
}

// Nanoseconds per event that `rule` takes beyond walk and route, without any other rule.
double AloneNanoseconds(const sigma::DetectionRule& rule, const InputOptions& input,
                        const EventViews& sample) {
  sigma::RuleCollection one;
  one.detections.push_back(rule);
  one.detections.back().filters.clear();  // another collection's numbers
  RuleSet::Options options;
  options.inputs = {input.logsource};
  const auto rules = RuleSet::Compile(std::move(one), options);
  if (!rules || sample.empty()) return 0;
  MatchPass match(*rules, input, {});
  MatchPass route(*rules, input, {.route_only = true});
  const auto nanoseconds = [&sample](MatchPass& pass) {
    pass.Run(sample, Share{});
    return FastestNanoseconds([&] { pass.Run(sample, Share{}); });
  };
  const double all = nanoseconds(match);
  const double walk = nanoseconds(route);
  return std::max(0.0, all - walk) / static_cast<double>(sample.size());
}

}  // namespace

std::string ReasonOf(const sigma::DetectionRule& rule, const RulePlan& plan) {
  std::vector<std::string> reasons;
  const bool keywords = std::any_of(plan.items.begin(), plan.items.end(),
                                    [](const PlannedItem& item) { return item.keywords; });
  const bool routed = std::all_of(
      rule.sources.begin(), rule.sources.end(),
      [](const sigma::LogSourceAlternative& source) { return !source.conditions.empty(); });
  if (keywords)
    reasons.emplace_back(routed && !rule.sources.empty() ? "keywords" : "unrouted keywords");
  if (plan.cost == Cost::kBacktracking) reasons.emplace_back("PCRE2");
  if (plan.always) reasons.emplace_back("no usable literal");
  std::string text;
  for (const std::string& reason : reasons) text += (text.empty() ? "" : ", ") + reason;
  return text;
}

CostReport MeasureCosts(const RuleSet& rules, const InputOptions& input, const EventStore& store) {
  CostReport report;
  const EventViews sample = SampleOf(store);
  for (const sigma::DetectionRule& rule : rules.detections()) {
    const RulePlan plan = PlanOf(rule);
    ++report.classes[plan.cost];
    std::string reason = ReasonOf(rule, plan);
    if (reason.empty()) continue;
    report.slowest.push_back({IdentityOf(rule.meta), rule.meta.title, rule.meta.file,
                              rule.meta.place.line, plan.cost, std::move(reason),
                              AloneNanoseconds(rule, input, sample)});
  }
  std::stable_sort(
      report.slowest.begin(), report.slowest.end(),
      [](const SlowRule& a, const SlowRule& b) { return a.nanoseconds > b.nanoseconds; });
  if (report.slowest.size() > kTold) report.slowest.resize(kTold);
  return report;
}

}  // namespace faultline::app
