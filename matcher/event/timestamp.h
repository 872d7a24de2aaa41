// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/event_time.h"
#include "base/result.h"

namespace faultline {

// Reads a time as logs write it: RFC 3339; "YYYY-MM-DD[ T]hh:mm:ss[.f]" (f of any length, cut after
// nanoseconds; comma or point) with optional zone ("Z", "+hh:mm", "+hhmm", "+hh", " UTC"); a date
// alone; epoch seconds, milliseconds, microseconds or nanoseconds by magnitude, as number or text,
// with a fraction for seconds. `offset` is added for stamps without a zone (local = UTC + offset).
// Nothing for what is no time or outside [1678, 2262) (so 1601 and 9999 are unparsable).
[[nodiscard]] std::optional<EventTime> ParseTimestamp(std::string_view text,
                                                      std::chrono::seconds offset = {}) noexcept;

// "UTC", "Z" or "+hh:mm" as the offset of local time from UTC.
[[nodiscard]] Result<std::chrono::seconds> ParseZone(std::string_view text);

}  // namespace faultline
