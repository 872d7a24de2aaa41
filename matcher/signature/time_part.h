// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/event_time.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// The minute of the hour, hour of the day, day of the month, ISO week, month or calendar year of
// `time`, in UTC.
[[nodiscard]] std::int64_t PartOf(EventTime time, sigma::TimeUnit unit) noexcept;

}  // namespace faultline
