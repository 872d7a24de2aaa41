// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/event_time.h"
#include "matcher/event/record.h"

namespace faultline {

// A point of the total order of correlation.md, Time, 3: (event time, topic, partition, offset,
// index, ordinal), or the point before all events of a time, or the one behind them (timers).
struct OrderPoint {
  enum class Kind : std::uint8_t { kBefore, kEvent, kBehind };

  EventTime time;
  Kind kind = Kind::kBefore;
  Origin origin;              // kEvent only
  std::uint32_t ordinal = 0;  // kEvent only: of the hit within its element

  [[nodiscard]] static OrderPoint Before(EventTime time) { return {time, Kind::kBefore, {}, 0}; }
  [[nodiscard]] static OrderPoint Behind(EventTime time) { return {time, Kind::kBehind, {}, 0}; }
  [[nodiscard]] static OrderPoint At(EventTime time, Origin origin, std::uint32_t ordinal) {
    return {time, Kind::kEvent, std::move(origin), ordinal};
  }

  friend auto operator<=>(const OrderPoint&, const OrderPoint&) = default;
};

}  // namespace faultline
