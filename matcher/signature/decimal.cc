// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/decimal.h"

#include <cstddef>

namespace faultline {
namespace {

constexpr std::int64_t kMaxExponent = 9999;  // as CanonicalNumber

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t SkipDigits(std::string_view text, std::size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

// The number behind the letter e; nothing where there is none or it is too great.
std::optional<std::int64_t> ParseExponent(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || SkipDigits(text, 0) != text.size()) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    value = value * 10 + (c - '0');
    if (value > kMaxExponent) return std::nullopt;
  }
  return minus ? -value : value;
}

// The next digit at or after `at`, which moves behind it; -1 at the end.
int NextDigit(std::string_view digits, std::size_t& at) {
  if (at < digits.size() && digits[at] == '.') ++at;
  return at < digits.size() ? digits[at++] - '0' : -1;
}

std::strong_ordering CompareDigits(std::string_view left, std::string_view right) {
  for (std::size_t l = 0, r = 0;;) {
    const int a = NextDigit(left, l), b = NextDigit(right, r);
    if (a != b || a < 0) return a <=> b;
  }
}

}  // namespace

std::optional<Decimal> ParseDecimal(std::string_view text) noexcept {
  Decimal number;
  if (text.starts_with('-')) {
    number.negative = true;
    text.remove_prefix(1);
  }
  const std::size_t point = SkipDigits(text, 0);
  if (point == 0) return std::nullopt;
  std::size_t end = point;
  if (end < text.size() && text[end] == '.') {
    end = SkipDigits(text, point + 1);
    if (end == point + 1) return std::nullopt;
  }
  if (end < text.size()) {
    if (text[end] != 'e' && text[end] != 'E') return std::nullopt;
    const std::optional<std::int64_t> exponent = ParseExponent(text.substr(end + 1));
    if (!exponent) return std::nullopt;
    number.scale = *exponent;
  }
  const std::string_view all = text.substr(0, end);
  const std::size_t first = all.find_first_not_of("0.");
  if (first == std::string_view::npos) return Decimal{};
  number.digits = all.substr(first, all.find_last_not_of("0.") + 1 - first);
  // Digits between the first significant one and the point; zeros behind the point count below 0.
  number.scale += static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  if (first > point) ++number.scale;
  return number;
}

std::strong_ordering Compare(const Decimal& left, const Decimal& right) noexcept {
  const auto sign = [](const Decimal& n) { return n.digits.empty() ? 0 : n.negative ? -1 : 1; };
  if (sign(left) != sign(right)) return sign(left) <=> sign(right);
  if (left.digits.empty()) return std::strong_ordering::equal;
  const Decimal& low = left.negative ? right : left;
  const Decimal& high = left.negative ? left : right;
  if (low.scale != high.scale) return low.scale <=> high.scale;
  return CompareDigits(low.digits, high.digits);
}

bool InOrder(std::strong_ordering found, sigma::Order wanted) noexcept {
  switch (wanted) {
    case sigma::Order::kEqual: return found == 0;
    case sigma::Order::kLess: return found < 0;
    case sigma::Order::kLessOrEqual: return found <= 0;
    case sigma::Order::kGreater: return found > 0;
    case sigma::Order::kGreaterOrEqual: return found >= 0;
  }
  return false;
}

}  // namespace faultline
