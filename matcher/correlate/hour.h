// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/event_time.h"

namespace faultline {

// Hours of event time, numbered from the epoch: alerts.max_per_rule holds in each.

inline constexpr std::int64_t kHourNanos = 3'600'000'000'000;
inline constexpr std::int64_t kLastHour = std::numeric_limits<std::int64_t>::max() / kHourNanos - 1;

[[nodiscard]] inline std::int64_t HourOf(EventTime time) noexcept {
  const std::int64_t nanos = time.nanos();
  return std::clamp(nanos / kHourNanos - (nanos % kHourNanos < 0 ? 1 : 0), -kLastHour, kLastHour);
}

[[nodiscard]] inline bool IsHour(std::int64_t hour) noexcept {
  return hour >= -kLastHour && hour <= kLastHour;
}

// The last instant of an hour.
[[nodiscard]] inline EventTime EndOfHour(std::int64_t hour) noexcept {
  return EventTime::Raw((hour + 1) * kHourNanos - 1);
}

}  // namespace faultline
