// SPDX-License-Identifier: Apache-2.0
#include "base/event_time.h"

#include <fmt/format.h>

namespace faultline {
namespace {

__extension__ using Wide = __int128;  // sums that may leave 64 bits

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

// Days from 1970-01-01 of a proleptic Gregorian date; Howard Hinnant, "chrono-Compatible Low-Level
// Date Algorithms", days_from_civil.
constexpr std::int64_t DaysFromCivil(std::int64_t y, unsigned m, unsigned d) noexcept {
  y -= m <= 2 ? 1 : 0;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const auto yoe = static_cast<unsigned>(y - era * 400);
  const unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
  const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146'097 + static_cast<std::int64_t>(doe) - 719'468;
}

constexpr bool IsLeap(int year) noexcept {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

constexpr int DaysInMonth(int year, int month) noexcept {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

EventTime Saturated(Wide nanos) noexcept {
  if (nanos <= EventTime::Min().nanos()) return EventTime::Min();
  if (nanos >= EventTime::Max().nanos()) return EventTime::Max();
  return EventTime::Raw(static_cast<std::int64_t>(nanos));
}

}  // namespace

std::optional<EventTime> EventTime::FromCivil(int year, int month, int day, int hour, int minute,
                                              int second, std::int64_t nanos) noexcept {
  static_assert(kLowest == DaysFromCivil(1678, 1, 1) * kSecondsPerDay * kNanosPerSecond);
  static_assert(kBeyond == DaysFromCivil(2262, 1, 1) * kSecondsPerDay * kNanosPerSecond);
  if (month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month)) return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 ||
      nanos < 0 || nanos >= kNanosPerSecond) {
    return std::nullopt;
  }
  if (second == 60) nanos = 0;
  if (year < 1678 || year >= 2262) return std::nullopt;
  const std::int64_t days =
      DaysFromCivil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  const std::int64_t seconds = days * kSecondsPerDay + hour * 3600 + minute * 60 + second;
  return FromNanos(seconds * kNanosPerSecond + nanos);
}

EventTime operator+(EventTime time, std::chrono::nanoseconds span) noexcept {
  if (!time.finite()) return time;
  return Saturated(static_cast<Wide>(time.nanos_) + span.count());
}

EventTime operator-(EventTime time, std::chrono::nanoseconds span) noexcept {
  if (!time.finite()) return time;
  return Saturated(static_cast<Wide>(time.nanos_) - span.count());
}

std::chrono::nanoseconds operator-(EventTime later, EventTime earlier) noexcept {
  return std::chrono::nanoseconds(
      Saturated(static_cast<Wide>(later.nanos_) - earlier.nanos_).nanos());
}

std::string ToString(EventTime time) {
  if (time == EventTime::Min()) return "-infinity";
  if (time == EventTime::Max()) return "infinity";
  std::int64_t seconds = time.nanos() / kNanosPerSecond;
  std::int64_t nanos = time.nanos() % kNanosPerSecond;
  if (nanos < 0) {
    nanos += kNanosPerSecond;
    --seconds;
  }
  std::int64_t days = seconds / kSecondsPerDay;
  std::int64_t rest = seconds % kSecondsPerDay;
  if (rest < 0) {
    rest += kSecondsPerDay;
    --days;
  }
  // civil_from_days of the same source.
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t doe = days - era * 146'097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const std::int64_t day = doy - (153 * mp + 2) / 5 + 1;
  const std::int64_t month = mp < 10 ? mp + 3 : mp - 9;
  const std::int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", year, month, day,
                                 rest / 3600, rest / 60 % 60, rest % 60);
  if (nanos % 1'000'000 == 0) {
    text += fmt::format(".{:03}Z", nanos / 1'000'000);
  } else if (nanos % 1'000 == 0) {
    text += fmt::format(".{:06}Z", nanos / 1'000);
  } else {
    text += fmt::format(".{:09}Z", nanos);
  }
  return text;
}

}  // namespace faultline
