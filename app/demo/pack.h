// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/commands/common.h"
#include "app/config.h"
#include "base/result.h"

namespace faultline::app {

// The exchange-cluster pack as it was built into the program, so that the demo needs no files.
[[nodiscard]] Result<RuleSetPtr> BundledRules(const Config& config);

}  // namespace faultline::app
