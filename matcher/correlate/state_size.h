// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "matcher/sigma/rule.h"

namespace faultline {

// Logical bytes that a rule keeps of one key when there is most to keep: every step has occurred once,
// counts stand at their threshold (at most 1,024 events are kept), each absent rule and each register
// has seen one event, all texts have 16 bytes. Measured on the rule's own operator, not estimated.
[[nodiscard]] std::int64_t StatePerKey(const sigma::CorrelationRule& rule);

}  // namespace faultline
