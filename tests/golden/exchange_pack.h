// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "app/commands/common.h"
#include "app/demo/story.h"
#include "matcher/engine.h"

namespace faultline::app {

// The exchange-cluster pack with its own lookup and settings; null when it does not load.
[[nodiscard]] RuleSetPtr ExchangePack();

// The incidents of the demo's story in the order of their times.
[[nodiscard]] std::vector<WindowsEvent> Incidents();

// What an alert says, its origin left out: rule, group, variant, status, time, level, remedy, cause.
using Said = std::tuple<std::string, std::string, std::string, std::string, std::int64_t, int,
                        std::vector<std::string>, std::string>;

// A record on its way to the engine; `time` is the event's.
struct Sent {
  EventTime time;
  std::string payload;
};

// All alerts of `records`, read as one source in their order, in that shape.
[[nodiscard]] std::multiset<Said> SaidOf(const RuleSetPtr& rules, const std::vector<Sent>& records,
                                         std::string_view shape);

// What one says and the other does not, a line each; empty where both say the same.
[[nodiscard]] std::string Difference(const std::multiset<Said>& expected,
                                     const std::multiset<Said>& said);

}  // namespace faultline::app
