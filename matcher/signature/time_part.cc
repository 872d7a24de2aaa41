// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/time_part.h"

#include <chrono>

namespace faultline {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

// A week belongs to the year of its Thursday.
std::int64_t IsoWeek(sys_days day) {
  const unsigned weekday = std::chrono::weekday(day).iso_encoding();  // Monday is 1
  const sys_days thursday = day + days(4) - days(weekday);
  const auto year = year_month_day(thursday).year();
  const sys_days first(year / std::chrono::January / 1);
  return (thursday - first).count() / 7 + 1;
}

}  // namespace

std::int64_t PartOf(EventTime time, sigma::TimeUnit unit) noexcept {
  const std::chrono::sys_time<std::chrono::nanoseconds> now{std::chrono::nanoseconds(time.nanos())};
  const sys_days day = std::chrono::floor<days>(now);
  const std::int64_t minutes = std::chrono::floor<std::chrono::minutes>(now - day).count();
  const year_month_day date(day);
  switch (unit) {
    case sigma::TimeUnit::kMinute: return minutes % 60;
    case sigma::TimeUnit::kHour: return minutes / 60;
    case sigma::TimeUnit::kDay: return static_cast<unsigned>(date.day());
    case sigma::TimeUnit::kWeek: return IsoWeek(day);
    case sigma::TimeUnit::kMonth: return static_cast<unsigned>(date.month());
    case sigma::TimeUnit::kYear: return static_cast<int>(date.year());
  }
  return 0;
}

}  // namespace faultline
