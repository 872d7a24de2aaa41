// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "matcher/signature/rule_set.h"

namespace faultline::app {

// How a correlation was compiled: what it listens to, its operator and window, registers, timers of
// absence, policies, and who listens to it. `index` counts RuleSet::correlations().

// For people, each line ended.
[[nodiscard]] std::string CorrelationPlanText(const RuleSet& rules, std::uint32_t index,
                                              bool color);
// The same as one JSON object.
[[nodiscard]] std::string CorrelationPlanJson(const RuleSet& rules, std::uint32_t index);

}  // namespace faultline::app
