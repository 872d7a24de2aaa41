// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "matcher/correlate/operator.h"
#include "matcher/correlate/timers.h"

namespace faultline {

// The operator for a `temporal` or `temporal_ordered` rule with a sliding window, plain Sigma or with
// `steps`: a SetChain or a SequenceChain for each key, its ChainIntake and its Arming.
[[nodiscard]] std::unique_ptr<Operator> MakeChainOperator(const sigma::CorrelationRule& rule,
                                                          std::uint32_t unit,
                                                          const Operator::Limits& limits,
                                                          Timers* timers);

}  // namespace faultline
