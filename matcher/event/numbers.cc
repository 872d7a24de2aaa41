// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/numbers.h"

#include <charconv>
#include <cstddef>
#include <string_view>
#include <system_error>

namespace faultline {
namespace {

constexpr bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }

const char* SkipDigits(const char* at, const char* limit) noexcept {
  while (at != limit && IsDigit(*at)) ++at;
  return at;
}

// `digits` has no leading zero. Beyond int64 when negative, beyond uint64 when not.
bool BigInteger(std::string_view digits, bool negative) noexcept {
  const std::string_view limit = negative ? "9223372036854775808" : "18446744073709551615";
  return digits.size() > limit.size() || (digits.size() == limit.size() && digits > limit);
}

// Only a number with a great exponent, or very many digits, can leave the doubles.
bool BigReal(const char* begin, const char* exponent, const char* end) noexcept {
  constexpr std::ptrdiff_t kSafeDigits = 200;
  constexpr std::ptrdiff_t kSafeExponent = 3;  // "e99" with its letter
  if (exponent - begin < kSafeDigits && end - exponent <= kSafeExponent) return false;
  double value = 0;
  if (std::from_chars(begin, end, value).ec != std::errc::result_out_of_range) return false;
  // Out of range is also what is too small. Of those, a great number has a significant digit and
  // its decimal point far to the right of it.
  const char* at = *begin == '-' ? begin + 1 : begin;
  std::int64_t scale = 0;  // of the first significant digit
  bool point = false;
  bool found = false;
  for (; at != exponent; ++at) {
    if (*at == '.') {
      point = true;
      continue;
    }
    if (found && point) break;
    found = found || *at != '0';
    if (found && !point) ++scale;
    if (!found && point) --scale;
  }
  std::int64_t power = 0;
  if (exponent != end) {
    const bool minus = exponent[1] == '-';
    for (const char* digit = exponent + 1; digit != end; ++digit) {
      if (IsDigit(*digit) && power < 1'000'000'000) power = power * 10 + (*digit - '0');
    }
    if (minus) power = -power;
  }
  return scale + power > 0;
}

}  // namespace

NumberToken ReadNumber(const char* begin, const char* limit) noexcept {
  constexpr std::ptrdiff_t kSafeDigits = 18;
  const char* at = begin;
  const bool negative = at != limit && *at == '-';
  if (negative) ++at;
  const char* const whole = at;
  at = SkipDigits(at, limit);
  if (at == whole || (*whole == '0' && at - whole > 1)) return {};
  const char* const whole_end = at;
  if (at != limit && *at == '.') {
    const char* const fraction = at + 1;
    at = SkipDigits(fraction, limit);
    if (at == fraction) return {};
  }
  const char* const exponent = at;
  if (at != limit && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != limit && (*at == '+' || *at == '-')) ++at;
    const char* const power = at;
    at = SkipDigits(at, limit);
    if (at == power) return {};
  }
  if (at != whole_end) return {at, BigReal(begin, exponent, at)};
  const std::ptrdiff_t digits = whole_end - whole;
  if (digits <= kSafeDigits) return {at, false};
  return {at, BigInteger({whole, static_cast<std::size_t>(digits)}, negative)};
}

}  // namespace faultline
