// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/event_time.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// What is remembered of one key's predicate: whether it is true, and when it last fired.
struct WindowEdge {
  bool on = false;
  EventTime fired = EventTime::Min();

  enum class Look : std::uint8_t { kArrival, kExpiry, kWindowEnd };
  // The predicate is looked at and `holds`. True when the rule is to fire now, if its `where` agrees.
  [[nodiscard]] bool Take(const sigma::CorrelationRule& rule, Look look, bool holds, EventTime at) {
    const bool turned = holds && !on;
    on = holds;
    if (turned) return true;
    if (!holds || look == Look::kExpiry) return false;
    switch (rule.refire) {
      case sigma::RefireKind::kEdge: return false;
      case sigma::RefireKind::kEvery: return true;
      case sigma::RefireKind::kWindow: return look == Look::kWindowEnd;
      case sigma::RefireKind::kAfter: return fired + rule.refire_after <= at;
    }
    return false;
  }
};

}  // namespace faultline
