// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/wording.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <variant>

#include <fmt/format.h>

namespace faultline::sigma {
namespace {

using Kind = Pattern::Kind;

bool IsAny(const Pattern::Token& token) { return token.kind == Kind::kAny; }

// Bytes that a rule's own text cannot hold come from base64 and UTF-16: a zero among them tells.
std::string Shown(std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return std::string(text);
  std::string shown;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    shown += byte >= 0x20 && byte < 0x7F ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return shown;
}

std::string Quoted(std::string_view text) { return fmt::format("'{}'", Shown(text)); }

std::string OfPattern(const Pattern& pattern) {
  const auto& tokens = pattern.tokens;
  if (tokens.empty()) return "is empty";
  if (tokens.size() == 1 && IsAny(tokens[0])) return "is there and not null";
  const bool open_start = IsAny(tokens.front());
  const bool open_end = tokens.size() > 1 && IsAny(tokens.back());
  const std::size_t inner = tokens.size() - (open_start ? 1 : 0) - (open_end ? 1 : 0);
  const Pattern::Token& token = tokens[open_start ? 1 : 0];
  if (inner != 1 || token.kind != Kind::kLiteral)
    return fmt::format("is like '{}'", Spelled(pattern));
  const std::string_view how = open_start && open_end ? "contains"
                               : open_start           ? "ends with"
                               : open_end             ? "starts with"
                                                      : "is";
  return fmt::format("{} {}", how, Quoted(token.text));
}

std::string_view ToString(Order order) noexcept {
  switch (order) {
    case Order::kEqual: return "=";
    case Order::kLess: return "<";
    case Order::kLessOrEqual: return "<=";
    case Order::kGreater: return ">";
    case Order::kGreaterOrEqual: break;
  }
  return ">=";
}

std::string_view ToString(TimeUnit unit) noexcept {
  switch (unit) {
    case TimeUnit::kMinute: return "minute";
    case TimeUnit::kHour: return "hour";
    case TimeUnit::kDay: return "day";
    case TimeUnit::kWeek: return "week";
    case TimeUnit::kMonth: return "month";
    case TimeUnit::kYear: break;
  }
  return "year";
}

std::string OfNetwork(const Network& network) {
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const auto& bytes = network.address;
  if (network.prefix >= 96 && std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return fmt::format("{}.{}.{}.{}/{}", bytes[12], bytes[13], bytes[14], bytes[15],
                       network.prefix - 96);
  }
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    text += fmt::format("{}{:x}", i == 0 ? "" : ":", bytes[i] << 8 | bytes[i + 1]);
  }
  return fmt::format("{}/{}", text, network.prefix);
}

std::string OfReference(const FieldRef& reference) {
  switch (reference.how) {
    case TextMatch::kEquals: break;
    case TextMatch::kContains: return fmt::format("contains field {}", reference.field);
    case TextMatch::kStartsWith: return fmt::format("starts with field {}", reference.field);
    case TextMatch::kEndsWith: return fmt::format("ends with field {}", reference.field);
  }
  return fmt::format("equals field {}", reference.field);
}

struct Wording {
  std::string operator()(const Null& /*value*/) const { return "is null or absent"; }
  std::string operator()(const Bool& value) const { return value.value ? "is true" : "is false"; }
  std::string operator()(const Number& value) const { return "is " + value.text; }
  std::string operator()(const Pattern& value) const { return OfPattern(value); }
  std::string operator()(const Regex& value) const {
    return fmt::format("matches /{}/{}{}{}", value.pattern, value.ignore_case ? "i" : "",
                       value.multi_line ? "m" : "", value.dot_all ? "s" : "");
  }
  std::string operator()(const Exists& value) const {
    return value.wanted ? "is there" : "is not there";
  }
  std::string operator()(const FieldRef& value) const { return OfReference(value); }
  std::string operator()(const Network& value) const { return "is in " + OfNetwork(value); }
  std::string operator()(const Comparison& value) const {
    return fmt::format("{} {}", ToString(value.order), value.number.text);
  }
  std::string operator()(const TimePart& value) const {
    return fmt::format("has {} {} {}", ToString(value.unit), ToString(value.order), value.number);
  }
};

}  // namespace

std::string Spelled(const Pattern& pattern) {
  std::string text;
  for (std::size_t i = 0; i < pattern.tokens.size(); ++i) {
    const Pattern::Token& token = pattern.tokens[i];
    if (token.kind == Kind::kAny) text += '*';
    if (token.kind == Kind::kOne) text += '?';
    for (std::size_t at = 0; at < token.text.size(); ++at) {
      const char c = token.text[at];
      // A backslash is literal unless a wildcard or another backslash follows.
      const char next = at + 1 < token.text.size()      ? token.text[at + 1]
                        : i + 1 < pattern.tokens.size() ? '*'
                                                        : 'x';
      const bool escaped =
          c == '*' || c == '?' || (c == '\\' && (next == '*' || next == '?' || next == '\\'));
      if (escaped) text += '\\';
      text += Shown(std::string_view(&c, 1));
    }
  }
  return text;
}

std::string InWords(const Value& value, bool cased) {
  const bool text =
      std::holds_alternative<Pattern>(value) || std::holds_alternative<FieldRef>(value);
  return std::visit(Wording{}, value) + (text && cased ? " (cased)" : "");
}

}  // namespace faultline::sigma
