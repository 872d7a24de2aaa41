// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "matcher/correlate/chain_operator.h"
#include "matcher/correlate/event_window.h"
#include "matcher/correlate/operator.h"
#include "matcher/correlate/period_window.h"
#include "matcher/correlate/value_window.h"

namespace faultline {

std::unique_ptr<Operator> MakeOperator(const sigma::CorrelationRule& rule, std::uint32_t unit,
                                       const Operator::Limits& limits, Timers* timers) {
  if (rule.window != sigma::WindowKind::kSliding) {
    return std::make_unique<PeriodWindow>(rule, unit, limits, timers);
  }
  if (EventWindow::Judges(rule)) return std::make_unique<EventWindow>(rule, limits);
  if (rule.type == sigma::CorrelationType::kTemporal ||
      rule.type == sigma::CorrelationType::kTemporalOrdered) {
    return MakeChainOperator(rule, unit, limits, timers);
  }
  return std::make_unique<ValueWindow>(rule, unit, limits, timers);
}

}  // namespace faultline
