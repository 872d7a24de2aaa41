// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "app/measure/event_store.h"
#include "matcher/engine.h"
#include "matcher/signature/plan.h"

namespace faultline::app {

// A rule that costs more than a look-up or a scan that it shares with others, and why.
struct SlowRule {
  std::string id, title, file;
  int line = 0;
  Cost cost = Cost::kHash;
  std::string reason;
  double nanoseconds = 0;  // per event, evaluated all alone
};

struct CostReport {
  std::map<Cost, std::size_t> classes;  // how many detection rules are of each
  std::vector<SlowRule> slowest;        // the dearest first
};

// What makes a rule dear by its plan; empty where nothing does.
[[nodiscard]] std::string ReasonOf(const sigma::DetectionRule& rule, const RulePlan& plan);

// The cost class of every rule, and the time of those that have a reason to be slow: each is
// compiled by itself and put to a sample of the events; the walker's time is taken off.
[[nodiscard]] CostReport MeasureCosts(const RuleSet& rules, const InputOptions& input,
                                      const EventStore& store);

}  // namespace faultline::app
