// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline {

// Whether `condition` is true of the steps seen; one entry per step. Without nodes: all of them.
[[nodiscard]] bool Holds(const sigma::StepCondition& condition, const std::vector<bool>& seen);

}  // namespace faultline
