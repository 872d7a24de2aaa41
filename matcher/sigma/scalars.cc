// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/scalars.h"

#include <charconv>
#include <string_view>
#include <utility>

namespace faultline::yaml {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int DigitOf(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Digits of another base as decimal text, exact at any length that a rule has use for.
std::optional<std::string> ToDecimal(std::string_view digits, int base) {
  if (digits.empty() || digits.size() > 256) return std::nullopt;
  std::string reversed = "0";
  for (const char c : digits) {
    int carry = DigitOf(c);
    if (carry >= base) return std::nullopt;
    for (char& digit : reversed) {
      carry += (digit - '0') * base;
      digit = static_cast<char>('0' + carry % 10);
      carry /= 10;
    }
    for (; carry > 0; carry /= 10) reversed.push_back(static_cast<char>('0' + carry % 10));
  }
  return std::string(reversed.rbegin(), reversed.rend());
}

std::string_view TakeDigits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && IsDigit(text[length])) ++length;
  const std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

// The exponent at the end of a float; false where there is something else.
bool TakeExponent(std::string_view text, std::string& out) {
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  out += 'e';
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    out += text[0];
    text.remove_prefix(1);
  }
  const std::string_view digits = TakeDigits(text);
  out += digits;
  return !digits.empty() && text.empty();
}

// Integers and floats of the core schema as decimal text.
std::optional<std::string> NumberText(std::string_view text) {
  if (text.substr(0, 2) == "0o") return ToDecimal(text.substr(2), 8);
  if (text.substr(0, 2) == "0x") return ToDecimal(text.substr(2), 16);
  std::string out;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    if (text[0] == '-') out += '-';
    text.remove_prefix(1);
  }
  const std::string_view whole = TakeDigits(text);
  std::string_view fraction;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    fraction = TakeDigits(text);
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  out += whole.empty() ? std::string_view("0") : whole;
  if (!fraction.empty()) (out += '.') += fraction;
  if (!TakeExponent(text, out)) return std::nullopt;
  return out;
}

bool IsNullText(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

std::optional<bool> BoolText(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

bool IsSpecial(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF";
}

ScalarValue ResolvePlain(const std::string& text) {
  if (IsNullText(text)) return {ScalarKind::kNull, false, {}};
  if (const auto boolean = BoolText(text)) return {ScalarKind::kBool, *boolean, {}};
  if (IsSpecial(text)) return {ScalarKind::kSpecial, false, text};
  if (auto number = NumberText(text)) return {ScalarKind::kNumber, false, std::move(*number)};
  return {ScalarKind::kString, false, text};
}

// The kind that a core tag demands.
bool TagAllows(std::string_view name, ScalarKind kind) {
  if (name == "null") return kind == ScalarKind::kNull;
  if (name == "bool") return kind == ScalarKind::kBool;
  if (name == "int") return kind == ScalarKind::kNumber;
  if (name == "float") return kind == ScalarKind::kNumber || kind == ScalarKind::kSpecial;
  return false;
}

}  // namespace

std::optional<ScalarValue> Resolve(const Node& node) {
  if (!node.IsScalar()) return std::nullopt;
  constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
  const std::string_view tag = node.tag;
  if (tag.empty() && !node.quoted) return ResolvePlain(node.scalar);
  if (tag.substr(0, kPrefix.size()) != kPrefix || tag.substr(kPrefix.size()) == "str") {
    return ScalarValue{ScalarKind::kString, false, node.scalar};
  }
  ScalarValue value = ResolvePlain(node.scalar);
  if (!TagAllows(tag.substr(kPrefix.size()), value.kind)) return std::nullopt;
  return value;
}

bool IsNull(const Node& node) {
  const auto value = Resolve(node);
  return value && value->kind == ScalarKind::kNull;
}

std::optional<bool> AsBool(const Node& node) {
  const auto value = Resolve(node);
  if (!value || value->kind != ScalarKind::kBool) return std::nullopt;
  return value->boolean;
}

std::optional<std::int64_t> AsInteger(const Node& node) {
  const auto value = Resolve(node);
  if (!value || value->kind != ScalarKind::kNumber) return std::nullopt;
  std::int64_t integer = 0;
  const char* const end = value->text.data() + value->text.size();
  const auto parsed = std::from_chars(value->text.data(), end, integer);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return integer;
}

std::optional<double> AsDouble(const Node& node) {
  const auto value = Resolve(node);
  if (!value || value->kind != ScalarKind::kNumber) return std::nullopt;
  double number = 0;
  const char* const end = value->text.data() + value->text.size();
  const auto parsed = std::from_chars(value->text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::optional<std::string> AsText(const Node& node) {
  const auto value = Resolve(node);
  if (!value || value->kind == ScalarKind::kNull) return std::nullopt;
  return node.scalar;
}

}  // namespace faultline::yaml
