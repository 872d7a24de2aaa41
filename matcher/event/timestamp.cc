// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/timestamp.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace faultline {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

constexpr bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }

// Reads a text from its front; each step tells whether it succeeded.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
  [[nodiscard]] bool digit() const noexcept { return !rest_.empty() && IsDigit(rest_[0]); }

  bool Skip(char c) noexcept {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool Skip(std::string_view word) noexcept {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  // Exactly kCount digits.
  template <std::size_t kCount>
  [[gnu::always_inline]] bool Number(int& value) noexcept {
    if (rest_.size() < kCount) return false;
    bool digits = true;
    int sum = 0;
    for (std::size_t i = 0; i < kCount; ++i) {  // as many steps whatever they find
      const char c = rest_.data()[i];
      digits = digits & IsDigit(c);
      sum = sum * 10 + (c - '0');
    }
    if (!digits) return false;
    value = sum;
    rest_.remove_prefix(kCount);
    return true;
  }
  // One digit or more as nanoseconds of a second; what is finer is cut.
  bool Fraction(std::int64_t& nanos) noexcept {
    constexpr std::size_t kFinest = 9;
    constexpr std::int64_t kUnits[kFinest + 1] = {
        1'000'000'000, 100'000'000, 10'000'000, 1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
    std::size_t count = 0;
    std::int64_t sum = 0;
    for (; count < rest_.size() && IsDigit(rest_.data()[count]); ++count) {
      if (count < kFinest) sum = sum * 10 + (rest_.data()[count] - '0');
    }
    if (count == 0) return false;
    nanos = sum * kUnits[std::min(count, kFinest)];
    rest_.remove_prefix(count);
    return true;
  }
  // One digit or more, at most `limit` in value.
  bool Magnitude(std::uint64_t limit, std::uint64_t& value) noexcept {
    if (!digit()) return false;
    value = 0;
    for (; digit(); rest_.remove_prefix(1)) {
      const auto next = static_cast<std::uint64_t>(rest_[0] - '0');
      if (value > (limit - next) / 10) return false;
      value = value * 10 + next;
    }
    return true;
  }
  // "hh:mm", "hhmm" or "hh".
  bool ClockOffset(std::chrono::seconds& offset) noexcept {
    int hours = 0;
    int minutes = 0;
    if (!Number<2>(hours)) return false;
    if (!done()) {
      Skip(':');
      if (!Number<2>(minutes)) return false;
    }
    if (hours > 23 || minutes > 59) return false;
    offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    return true;
  }

 private:
  std::string_view rest_;
};

// Everything up to the text's end: nothing, or a zone that replaces `offset`.
bool ReadZone(Reader& in, std::chrono::seconds& offset) noexcept {
  if (in.done()) return true;
  const auto utc = [&offset] {
    offset = {};
    return true;
  };
  if (in.Skip('Z') || in.Skip('z') || in.Skip(" UTC")) return utc() && in.done();
  const bool east = in.Skip('+');
  if (!east && !in.Skip('-')) return false;
  if (!in.ClockOffset(offset) || !in.done()) return false;
  if (!east) offset = -offset;
  return true;
}

// A civil time of the zone `offset` east of UTC. A local day just outside the range may come into
// it by the zone: it is computed from the day beside it.
std::optional<EventTime> FromLocal(int year, int month, int day, int hour, int minute, int second,
                                   std::int64_t nanos, std::chrono::seconds offset) noexcept {
  std::chrono::hours shift{};
  if (year == 1677 && month == 12 && day == 31) {
    shift = std::chrono::hours(-24);
    year = 1678;
    month = day = 1;
  } else if (year == 2262 && month == 1 && day == 1) {
    shift = std::chrono::hours(24);
    year = 2261;
    month = 12;
    day = 31;
  }
  if (shift == shift.zero() && offset == offset.zero()) {
    return EventTime::FromCivil(year, month, day, hour, minute, second, nanos);
  }
  const auto time = EventTime::FromCivil(year, month, day, hour, minute, second, nanos);
  if (!time) return std::nullopt;
  return EventTime::FromNanos((*time + shift - offset).nanos());
}

std::optional<EventTime> ParseCivil(std::string_view text, std::chrono::seconds offset) noexcept {
  Reader in(text);
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::int64_t nanos = 0;
  if (!in.Number<4>(year) || !in.Skip('-') || !in.Number<2>(month) || !in.Skip('-') ||
      !in.Number<2>(day)) {
    return std::nullopt;
  }
  if (in.done()) return FromLocal(year, month, day, 0, 0, 0, 0, offset);
  if (!in.Skip('T') && !in.Skip(' ') && !in.Skip('t')) return std::nullopt;
  if (!in.Number<2>(hour) || !in.Skip(':') || !in.Number<2>(minute) || !in.Skip(':') ||
      !in.Number<2>(second)) {
    return std::nullopt;
  }
  if ((in.Skip('.') || in.Skip(',')) && !in.Fraction(nanos)) return std::nullopt;
  if (!ReadZone(in, offset)) return std::nullopt;
  return FromLocal(year, month, day, hour, minute, second, nanos, offset);
}

// Seconds below 10^11, then milliseconds, microseconds, nanoseconds, each a thousand times more.
std::optional<EventTime> ParseEpoch(std::string_view text) noexcept {
  constexpr std::uint64_t kLimit = 9'223'372'036'854'775'807;
  Reader in(text);
  const bool negative = in.Skip('-');
  std::uint64_t value = 0;
  if (!in.Magnitude(kLimit, value)) return std::nullopt;
  std::uint64_t unit = static_cast<std::uint64_t>(kNanosPerSecond);
  for (std::uint64_t bound = 100'000'000'000; unit > 1 && value >= bound; bound *= 1000) {
    unit /= 1000;
  }
  std::int64_t fraction = 0;
  if (unit == static_cast<std::uint64_t>(kNanosPerSecond) && in.Skip('.') &&
      !in.Fraction(fraction)) {
    return std::nullopt;
  }
  if (!in.done() || value > (kLimit - static_cast<std::uint64_t>(fraction)) / unit) {
    return std::nullopt;
  }
  const std::int64_t nanos = static_cast<std::int64_t>(value * unit) + fraction;
  return EventTime::FromNanos(negative ? -nanos : nanos);
}

}  // namespace

std::optional<EventTime> ParseTimestamp(std::string_view text,
                                        std::chrono::seconds offset) noexcept {
  if (text.size() >= 10 && text[4] == '-') return ParseCivil(text, offset);
  return ParseEpoch(text);
}

Result<std::chrono::seconds> ParseZone(std::string_view text) {
  if (text == "UTC" || text == "Z") return std::chrono::seconds(0);
  Reader in(text);
  std::chrono::seconds offset{};
  const bool east = in.Skip('+');
  if (text.size() == 6 && text[3] == ':' && (east || in.Skip('-')) && in.ClockOffset(offset)) {
    return east ? offset : -offset;
  }
  return Fail(Fault::kConfig, "unknown zone '" + std::string(text) + "'", {},
              "write UTC or an offset such as +02:00");
}

}  // namespace faultline
