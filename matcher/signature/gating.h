// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline {

// Takes the detections out of `rules` whose log source conflicts with what every input declares, and
// the correlations all of whose members went; each becomes a gated line of the report. A detection
// stays, gated all the same, where a correlation that stays refers to it.
void GateByInputs(const std::vector<sigma::LogSource>& inputs, sigma::RuleCollection& rules);

}  // namespace faultline
