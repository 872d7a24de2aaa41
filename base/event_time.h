// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace faultline {

// A point of event time: nanoseconds since 1970-01-01T00:00:00Z.
//
// Range      Real times lie in [1678-01-01, 2262-01-01); FromNanos() and FromCivil() refuse others.
//            Min() and Max() stand for "before everything" and "after everything".
// Errors     Arithmetic saturates at Min() and Max(), so no span can wrap a time.
class EventTime {
 public:
  constexpr EventTime() noexcept = default;

  [[nodiscard]] static constexpr EventTime Min() noexcept {
    return EventTime(std::numeric_limits<std::int64_t>::min());
  }
  [[nodiscard]] static constexpr EventTime Max() noexcept {
    return EventTime(std::numeric_limits<std::int64_t>::max());
  }
  // `nanos` as it is, without the range check: for stored values and tests.
  [[nodiscard]] static constexpr EventTime Raw(std::int64_t nanos) noexcept {
    return EventTime(nanos);
  }
  // Nothing outside [1678, 2262).
  [[nodiscard]] static constexpr std::optional<EventTime> FromNanos(std::int64_t nanos) noexcept {
    if (nanos < kLowest || nanos >= kBeyond) return std::nullopt;
    return EventTime(nanos);
  }
  // A civil UTC date and time; second 60 (a leap second) is the first instant after it.
  // Nothing for a date that does not exist or lies outside [1678, 2262).
  [[nodiscard]] static std::optional<EventTime> FromCivil(int year, int month, int day, int hour,
                                                          int minute, int second,
                                                          std::int64_t nanos) noexcept;

  [[nodiscard]] constexpr std::int64_t nanos() const noexcept { return nanos_; }
  [[nodiscard]] constexpr bool finite() const noexcept {
    return nanos_ != Min().nanos_ && nanos_ != Max().nanos_;
  }

  friend constexpr auto operator<=>(EventTime, EventTime) noexcept = default;
  friend EventTime operator+(EventTime time, std::chrono::nanoseconds span) noexcept;
  friend EventTime operator-(EventTime time, std::chrono::nanoseconds span) noexcept;
  // The distance, saturated.
  friend std::chrono::nanoseconds operator-(EventTime later, EventTime earlier) noexcept;

 private:
  static constexpr std::int64_t kLowest = -9'214'560'000'000'000'000;  // 1678-01-01
  static constexpr std::int64_t kBeyond = 9'214'646'400'000'000'000;   // 2262-01-01

  explicit constexpr EventTime(std::int64_t nanos) noexcept : nanos_(nanos) {}

  std::int64_t nanos_ = 0;
};

// RFC 3339 in UTC with 3, 6 or 9 digits of a second, whichever is exact:
// "2026-11-23T09:30:00.000Z". "-infinity" and "infinity" for Min() and Max().
[[nodiscard]] std::string ToString(EventTime time);

}  // namespace faultline
