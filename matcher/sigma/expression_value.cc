// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/expression_value.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "matcher/sigma/network.h"

namespace faultline::sigma {
namespace {

using std::chrono::nanoseconds;

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

template <class T>
const T* As(const ExprValue& value) noexcept {
  return std::get_if<T>(&value);
}

bool IsError(const ExprValue& value) noexcept { return As<ExprError>(value) != nullptr; }

bool IsNumber(const ExprValue& value) noexcept {
  return As<std::int64_t>(value) != nullptr || As<double>(value) != nullptr;
}

double DoubleOf(const ExprValue& number) noexcept {
  const auto* whole = As<std::int64_t>(number);
  return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(number);
}

ExprValue Finite(double number) {
  if (!std::isfinite(number)) return ExprError{};
  return number;
}

// The nanosecond that is nearest.
ExprValue Span(double nanos) {
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  if (!(nanos >= -kEnd && nanos < kEnd)) return ExprError{};
  return nanoseconds(std::llround(nanos));
}

// A number, time or span of so many.
template <class T>
ExprValue Made(std::int64_t result) {
  if constexpr (std::is_same_v<T, EventTime>) {
    return EventTime::Raw(result);
  } else {
    return T(result);
  }
}

template <class T>
ExprValue AddNanos(std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(left, right, &result)) return ExprError{};
  return Made<T>(result);
}

template <class T>
ExprValue SubtractNanos(std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  if (__builtin_sub_overflow(left, right, &result)) return ExprError{};
  return Made<T>(result);
}

template <class T>
ExprValue MultiplyWhole(std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(left, right, &result)) return ExprError{};
  return Made<T>(result);
}

// Whole where it divides, else decimal.
ExprValue DivideWhole(std::int64_t left, std::int64_t right) {
  if (right == 0 || (left == kLeast && right == -1)) return ExprError{};
  if (left % right == 0) return left / right;
  return static_cast<double>(left) / static_cast<double>(right);
}

ExprValue ScaleSpan(nanoseconds span, const ExprValue& factor) {
  if (const auto* whole = As<std::int64_t>(factor)) {
    return MultiplyWhole<nanoseconds>(span.count(), *whole);
  }
  return Span(static_cast<double>(span.count()) * std::get<double>(factor));
}

ExprValue DivideSpan(nanoseconds span, const ExprValue& divisor) {
  const auto* whole = As<std::int64_t>(divisor);
  if (whole == nullptr) return Span(static_cast<double>(span.count()) / DoubleOf(divisor));
  if (*whole == 0 || (span.count() == kLeast && *whole == -1)) return ExprError{};
  return nanoseconds(span.count() / *whole);
}

// What arithmetic gives on; nothing where both operands are there.
std::optional<ExprValue> Missing(const ExprValue& left, const ExprValue& right) {
  if (IsError(left) || IsError(right)) return ExprError{};
  if (!IsThere(left) || !IsThere(right)) return ExprAbsent{};
  return std::nullopt;
}

template <class Operation>
ExprValue Arithmetic(const ExprValue& left, const ExprValue& right, Operation operation) {
  if (auto missing = Missing(left, right)) return *missing;
  return operation(NumberOf(left), NumberOf(right));
}

// Exact: neither operand is rounded.
std::strong_ordering CompareNumbers(std::int64_t left, double right) {
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  if (right >= kEnd) return std::strong_ordering::less;
  if (right < -kEnd) return std::strong_ordering::greater;
  const double whole = std::floor(right);
  const auto floor = static_cast<std::int64_t>(whole);
  if (left != floor) return left <=> floor;
  return right > whole ? std::strong_ordering::less : std::strong_ordering::equal;
}

std::strong_ordering Reversed(std::strong_ordering order) {
  return order < 0   ? std::strong_ordering::greater
         : order > 0 ? std::strong_ordering::less
                     : std::strong_ordering::equal;
}

std::strong_ordering CompareNumbers(const ExprValue& left, const ExprValue& right) {
  const auto* l = As<std::int64_t>(left);
  const auto* r = As<std::int64_t>(right);
  if (l != nullptr && r != nullptr) return *l <=> *r;
  if (l != nullptr) return CompareNumbers(*l, std::get<double>(right));
  if (r != nullptr) return Reversed(CompareNumbers(*r, std::get<double>(left)));
  const double a = std::get<double>(left);
  const double b = std::get<double>(right);
  return a < b   ? std::strong_ordering::less
         : a > b ? std::strong_ordering::greater
                 : std::strong_ordering::equal;
}

ExprValue Best(const std::vector<ExprValue>& values, bool greatest) {
  ExprValue best = NumberOf(values.front());
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (auto missing = Missing(best, values[i])) {
      best = *missing;
      continue;
    }
    ExprValue value = NumberOf(values[i]);
    const auto order = Compare(value, best);
    if (!order || As<std::string>(value) != nullptr) return ExprError{};
    if (greatest ? *order > 0 : *order < 0) best = std::move(value);
  }
  return As<std::string>(best) != nullptr ? ExprError{} : best;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t SkipDigits(std::string_view text, std::size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

enum class Reads : std::uint8_t { kNoNumber, kWhole, kDecimal };

// -?digits(.digits)?(e[+-]?digits)?
Reads ReadsAs(std::string_view text) {
  const std::size_t start = text.starts_with('-') ? 1 : 0;
  std::size_t end = SkipDigits(text, start);
  if (end == start) return Reads::kNoNumber;
  if (end == text.size()) return Reads::kWhole;
  if (text[end] == '.') {
    const std::size_t fraction = end + 1;
    end = SkipDigits(text, fraction);
    if (end == fraction) return Reads::kNoNumber;
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    std::size_t exponent = end + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    end = SkipDigits(text, exponent);
    if (end == exponent) return Reads::kNoNumber;
  }
  return end == text.size() ? Reads::kDecimal : Reads::kNoNumber;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// 1 to 16 hexadecimal digits.
std::optional<std::uint64_t> FromHex(std::string_view digits) {
  std::uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number, 16);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

bool TakePrefix0x(std::string_view& text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return false;
  text.remove_prefix(2);
  return true;
}

ExprValue Code32(std::uint64_t code) {
  if (code > std::numeric_limits<std::uint32_t>::max()) return ExprError{};
  return fmt::format("{:08x}", code);
}

// Negative ones are those whose highest bit is set.
ExprValue Code32Signed(std::int64_t code) {
  if (code < std::numeric_limits<std::int32_t>::min()) return ExprError{};
  return code < 0 ? Code32(static_cast<std::uint32_t>(code))
                  : Code32(static_cast<std::uint64_t>(code));
}

std::string SpanText(nanoseconds span) {
  const bool minus = span.count() < 0;
  const auto whole = static_cast<std::uint64_t>(span.count());
  const std::uint64_t nanos = minus ? 0 - whole : whole;
  std::uint64_t seconds = nanos / 1'000'000'000;
  std::string text = minus ? "-" : "";
  constexpr std::array<std::pair<char, std::uint64_t>, 3> kUnits = {
      {{'d', 86'400}, {'h', 3'600}, {'m', 60}}};
  for (const auto& [unit, size] : kUnits) {
    if (seconds >= size) text += fmt::format("{}{}", seconds / size, unit);
    seconds %= size;
  }
  std::string fraction = fmt::format("{:09}", nanos % 1'000'000'000);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) {
    text += fmt::format("{}.{}s", seconds, fraction);
  } else if (seconds > 0 || nanos == 0) {
    text += fmt::format("{}s", seconds);
  }
  return text;
}

}  // namespace

ExprType TypeOf(const ExprValue& value) noexcept {
  if (As<bool>(value) != nullptr) return ExprType::kBool;
  if (IsNumber(value)) return ExprType::kNumber;
  if (As<std::string>(value) != nullptr) return ExprType::kText;
  if (As<EventTime>(value) != nullptr) return ExprType::kTime;
  if (As<nanoseconds>(value) != nullptr) return ExprType::kDuration;
  return ExprType::kEvent;
}

bool IsThere(const ExprValue& value) noexcept {
  return As<ExprAbsent>(value) == nullptr && !IsError(value);
}

std::string ToText(const ExprValue& value) {
  struct Writer {
    std::string operator()(ExprAbsent) const { return {}; }
    std::string operator()(ExprError) const { return "(error)"; }
    std::string operator()(bool held) const { return held ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(double number) const { return fmt::format("{:.15g}", number); }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(EventTime time) const { return faultline::ToString(time); }
    std::string operator()(nanoseconds span) const { return SpanText(span); }
  };
  return std::visit(Writer{}, value);
}

ExprValue NumberOf(const ExprValue& value) {
  const auto* text = As<std::string>(value);
  if (text == nullptr) return value;
  const Reads reads = ReadsAs(*text);
  if (reads == Reads::kNoNumber) return value;
  const char* const end = text->data() + text->size();
  std::int64_t whole = 0;
  if (reads == Reads::kWhole && std::from_chars(text->data(), end, whole).ec == std::errc()) {
    return whole;
  }
  double decimal = 0;
  if (std::from_chars(text->data(), end, decimal).ec != std::errc()) return ExprError{};
  return Finite(decimal);
}

ExprValue Add(const ExprValue& left, const ExprValue& right) {
  return Arithmetic(left, right, [](const ExprValue& l, const ExprValue& r) -> ExprValue {
    const auto* time = As<EventTime>(l) != nullptr ? As<EventTime>(l) : As<EventTime>(r);
    const auto* span = As<nanoseconds>(l) != nullptr ? As<nanoseconds>(l) : As<nanoseconds>(r);
    if (time != nullptr && span != nullptr) {
      return AddNanos<EventTime>(time->nanos(), span->count());
    }
    if (As<nanoseconds>(l) != nullptr && As<nanoseconds>(r) != nullptr) {
      return AddNanos<nanoseconds>(As<nanoseconds>(l)->count(), As<nanoseconds>(r)->count());
    }
    if (!IsNumber(l) || !IsNumber(r)) return ExprError{};
    if (As<double>(l) == nullptr && As<double>(r) == nullptr) {
      return AddNanos<std::int64_t>(*As<std::int64_t>(l), *As<std::int64_t>(r));
    }
    return Finite(DoubleOf(l) + DoubleOf(r));
  });
}

ExprValue Subtract(const ExprValue& left, const ExprValue& right) {
  return Arithmetic(left, right, [](const ExprValue& l, const ExprValue& r) -> ExprValue {
    const auto* time = As<EventTime>(l);
    const auto* span = As<nanoseconds>(r);
    if (time != nullptr && span != nullptr) {
      return SubtractNanos<EventTime>(time->nanos(), span->count());
    }
    if (time != nullptr && As<EventTime>(r) != nullptr) {
      return SubtractNanos<nanoseconds>(time->nanos(), As<EventTime>(r)->nanos());
    }
    if (As<nanoseconds>(l) != nullptr && span != nullptr) {
      return SubtractNanos<nanoseconds>(As<nanoseconds>(l)->count(), span->count());
    }
    if (!IsNumber(l) || !IsNumber(r)) return ExprError{};
    if (As<double>(l) == nullptr && As<double>(r) == nullptr) {
      return SubtractNanos<std::int64_t>(*As<std::int64_t>(l), *As<std::int64_t>(r));
    }
    return Finite(DoubleOf(l) - DoubleOf(r));
  });
}

ExprValue Multiply(const ExprValue& left, const ExprValue& right) {
  return Arithmetic(left, right, [](const ExprValue& l, const ExprValue& r) -> ExprValue {
    if (As<nanoseconds>(l) != nullptr && IsNumber(r)) return ScaleSpan(*As<nanoseconds>(l), r);
    if (As<nanoseconds>(r) != nullptr && IsNumber(l)) return ScaleSpan(*As<nanoseconds>(r), l);
    if (!IsNumber(l) || !IsNumber(r)) return ExprError{};
    if (As<double>(l) == nullptr && As<double>(r) == nullptr) {
      return MultiplyWhole<std::int64_t>(*As<std::int64_t>(l), *As<std::int64_t>(r));
    }
    return Finite(DoubleOf(l) * DoubleOf(r));
  });
}

ExprValue Divide(const ExprValue& left, const ExprValue& right) {
  return Arithmetic(left, right, [](const ExprValue& l, const ExprValue& r) -> ExprValue {
    const auto* span = As<nanoseconds>(l);
    if (span != nullptr && As<nanoseconds>(r) != nullptr) {
      return DivideWhole(span->count(), As<nanoseconds>(r)->count());
    }
    if (span != nullptr && IsNumber(r)) return DivideSpan(*span, r);
    if (!IsNumber(l) || !IsNumber(r)) return ExprError{};
    if (As<double>(l) == nullptr && As<double>(r) == nullptr) {
      return DivideWhole(*As<std::int64_t>(l), *As<std::int64_t>(r));
    }
    return Finite(DoubleOf(l) / DoubleOf(r));
  });
}

ExprValue Negate(const ExprValue& value) {
  if (As<nanoseconds>(value) != nullptr) return Subtract(nanoseconds(0), value);
  const ExprValue number = NumberOf(value);
  if (As<double>(number) != nullptr) return -std::get<double>(number);
  return Subtract(std::int64_t{0}, number);
}

ExprValue Absolute(const ExprValue& value) {
  const ExprValue number = NumberOf(value);
  if (const auto* decimal = As<double>(number)) return std::fabs(*decimal);
  const auto* whole = As<std::int64_t>(number);
  const auto* span = As<nanoseconds>(number);
  const bool minus =
      (whole != nullptr && *whole < 0) || (span != nullptr && *span < nanoseconds(0));
  if (IsThere(number) && whole == nullptr && span == nullptr) return ExprError{};
  return minus ? Negate(number) : number;
}

ExprValue Least(const std::vector<ExprValue>& values) { return Best(values, false); }

ExprValue Greatest(const std::vector<ExprValue>& values) { return Best(values, true); }

std::optional<std::strong_ordering> Compare(const ExprValue& left, const ExprValue& right) {
  if (!IsThere(left) || !IsThere(right)) return std::nullopt;
  if (IsNumber(left) || IsNumber(right)) {
    const ExprValue l = NumberOf(left);
    const ExprValue r = NumberOf(right);
    if (!IsNumber(l) || !IsNumber(r)) return std::nullopt;
    return CompareNumbers(l, r);
  }
  if (left.index() != right.index()) return std::nullopt;
  if (const auto* text = As<std::string>(left)) {
    return text->compare(std::get<std::string>(right)) <=> 0;
  }
  if (const auto* time = As<EventTime>(left)) {
    return time->nanos() <=> std::get<EventTime>(right).nanos();
  }
  if (const auto* span = As<nanoseconds>(left)) {
    return span->count() <=> std::get<nanoseconds>(right).count();
  }
  return std::get<bool>(left) <=> std::get<bool>(right);
}

ExprValue LowerOf(const ExprValue& value) {
  const auto* text = As<std::string>(value);
  return text != nullptr ? ExprValue(Lower(*text)) : value;
}

ExprValue UpperOf(const ExprValue& value) {
  const auto* text = As<std::string>(value);
  if (text == nullptr) return value;
  std::string upper = *text;
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

ExprValue SqueezedOf(const ExprValue& value) {
  const auto* text = As<std::string>(value);
  if (text == nullptr) return value;
  std::string squeezed;
  bool gap = false;
  for (const char c : *text) {
    const bool blank = c == ' ' || (c >= '\t' && c <= '\r');
    if (!blank && gap && !squeezed.empty()) squeezed += ' ';
    if (!blank) squeezed += c;
    gap = blank;
  }
  return squeezed;
}

ExprValue HostOf(const ExprValue& value) {
  const auto* text = As<std::string>(value);
  if (text == nullptr || ParseAddress(*text)) return value;
  return Lower(std::string_view(*text).substr(0, text->find('.')));
}

ExprValue Code32Of(const ExprValue& value) {
  if (const auto* whole = As<std::int64_t>(value)) return Code32Signed(*whole);
  if (As<double>(value) != nullptr) return ExprError{};
  const auto* text = As<std::string>(value);
  if (text == nullptr) return value;
  std::string_view digits = *text;
  if (TakePrefix0x(digits) || digits.size() == 8) {
    if (const auto code = FromHex(digits)) return Code32(*code);
  }
  const ExprValue number = NumberOf(value);
  const auto* whole = As<std::int64_t>(number);
  return whole != nullptr ? Code32Signed(*whole) : ExprError{};
}

ExprValue StrictNumberOf(const ExprValue& value) {
  const ExprValue number = NumberOf(value);
  return IsThere(number) && !IsNumber(number) ? ExprError{} : number;
}

ExprValue HexOf(const ExprValue& value) {
  const auto* text = As<std::string>(value);
  if (text == nullptr) return value;
  std::string_view digits = *text;
  static_cast<void>(TakePrefix0x(digits));
  const auto number = FromHex(digits);
  if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return ExprError{};
  }
  return static_cast<std::int64_t>(*number);
}

ExprValue TextOf(const ExprValue& value) {
  return IsThere(value) ? ExprValue(ToText(value)) : value;
}

}  // namespace faultline::sigma
