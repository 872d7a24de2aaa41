// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/escapes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "matcher/event/lanes.h"
#include "matcher/event/text.h"

namespace faultline {
namespace {

constexpr char32_t kNoCode = 0xffffffff;

constexpr bool IsHigh(char32_t code) noexcept { return code >= 0xd800 && code < 0xdc00; }
constexpr bool IsLow(char32_t code) noexcept { return code >= 0xdc00 && code < 0xe000; }

constexpr char32_t HexDigit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<char32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<char32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<char32_t>(c - 'A' + 10);
  return kNoCode;
}

// The UTF-16 unit of a "\uXXXX" at `at`; kNoCode where none stands.
char32_t UnitAt(std::string_view raw, std::size_t at) noexcept {
  if (raw.size() - at < 6 || raw[at] != '\\' || raw[at + 1] != 'u') return kNoCode;
  char32_t unit = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const char32_t digit = HexDigit(raw[i]);
    if (digit == kNoCode) return kNoCode;
    unit = (unit << 4) | digit;
  }
  return unit;
}

constexpr char32_t SimpleEscape(char c) noexcept {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return kNoCode;
  }
}

struct Escape {
  char32_t code = kNoCode;  // kNoCode: a bad escape
  std::size_t size = 1;     // bytes it takes; for a bad one its backslash alone
};

// The escape whose backslash stands at `at`.
Escape EscapeAt(std::string_view raw, std::size_t at) noexcept {
  if (at + 1 == raw.size()) return {};
  const char32_t simple = SimpleEscape(raw[at + 1]);
  if (simple != kNoCode) return {simple, 2};
  const char32_t unit = UnitAt(raw, at);
  if (unit == kNoCode) return {};
  if (!IsHigh(unit)) return {unit, 6};
  const char32_t next = UnitAt(raw, at + 6);
  if (next == kNoCode || !IsLow(next)) return {unit, 6};
  return {0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00), 12};
}

// Writes at most four bytes; tells where they end.
char* PutUtf8(char32_t code, char* out) noexcept {
  const auto put = [&out](char32_t byte) { *out++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return out;
}

std::size_t FindBackslash(std::string_view raw, std::size_t from) noexcept {
  if (from == raw.size()) return from;
  const void* found = std::memchr(raw.data() + from, '\\', raw.size() - from);
  return found == nullptr ? raw.size()
                          : static_cast<std::size_t>(static_cast<const char*>(found) - raw.data());
}

}  // namespace

EscapeReport InspectEscapes(std::string_view raw) noexcept {
  EscapeReport report;
  for (std::size_t at = FindBackslash(raw, 0); at < raw.size();) {
    const Escape escape = EscapeAt(raw, at);
    if (escape.code == kNoCode) {
      report.bad = true;
    } else if (IsHigh(escape.code) || IsLow(escape.code)) {
      report.lone_surrogate = true;
    } else if (escape.size == 6 && FoldCodePoint(escape.code) < 0x80) {
      report.hides_ascii = true;
    }
    at = FindBackslash(raw, at + escape.size);
  }
  return report;
}

std::size_t DecodeEscapes(std::string_view raw, char* out) noexcept {
  char* const begin = out;
  for (std::size_t at = 0; at < raw.size();) {
    std::size_t plain = 0;  // bytes before the next backslash
    if (raw.size() - at >= kLanes) {
      const Lanes lanes = LoadLanes(raw.data() + at);
      StoreLanes(out, lanes);
      plain = FirstLane(lanes == '\\');
      at += plain;
      out += plain;
      if (plain == kLanes) continue;
    } else {
      while (at < raw.size() && raw[at] != '\\') *out++ = raw[at++];
      if (at == raw.size()) break;
    }
    const Escape escape = EscapeAt(raw, at);
    out = PutUtf8(escape.code == kNoCode ? U'\\' : escape.code, out);
    at += escape.size;
  }
  return static_cast<std::size_t>(out - begin);
}

void DecodeEscapes(std::string_view raw, std::string& buffer) {
  buffer.resize(raw.size() + kDecodeSlack);
  buffer.resize(DecodeEscapes(raw, buffer.data()));
}

namespace {

// Both code points by their last byte and the one before: C5 BF, (E2) 84 AA.
constexpr auto kLongS = "\xc5\xbf", kKelvin = "\x84\xaa";

// FindUnicode by vectors, the last of which overlaps the one before. Most text holds neither. Requires:
// text longer than a vector.
template <typename Vector>
[[gnu::always_inline]] inline UnicodeHints FindUnicodeBy(std::string_view text) noexcept {
  const char* const begin = text.data();
  const char* const last = begin + text.size() - 1 - sizeof(Vector);
  Vector odd{}, escapes{}, folds{}, first, second;
  for (const char* at = begin;; at = std::min(at + sizeof(Vector), last)) {
    std::memcpy(&first, at, sizeof first);
    std::memcpy(&second, at + 1, sizeof second);
    odd |= ((first == '\\') & (second == 'u')) | first | second;
    if (at == last) break;
  }
  if (!AnyNegative(odd)) return {};
  for (const char* at = begin;; at = std::min(at + sizeof(Vector), last)) {
    std::memcpy(&first, at, sizeof first);
    std::memcpy(&second, at + 1, sizeof second);
    escapes |= (first == '\\') & (second == 'u');
    folds |= ((first == kLongS[0]) & (second == kLongS[1])) |
             ((first == kKelvin[0]) & (second == kKelvin[1]));
    if (at == last) break;
  }
  return {AnyNegative(escapes), AnyNegative(folds)};
}

#if defined(__x86_64__)
using WideLanes = signed char __attribute__((vector_size(32)));
const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;

[[gnu::target("avx2")]] UnicodeHints FindUnicodeWide(std::string_view text) noexcept {
  return FindUnicodeBy<WideLanes>(text);
}
#endif

}  // namespace

UnicodeHints FindUnicode(std::string_view text) noexcept {
#if defined(__x86_64__)
  if (kHasAvx2 && text.size() > sizeof(WideLanes)) return FindUnicodeWide(text);
#endif
  if (text.size() > kLanes) return FindUnicodeBy<Lanes>(text);
  UnicodeHints hints;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    const std::string_view pair = text.substr(at, 2);
    hints.escapes = hints.escapes || pair == "\\u";
    hints.folds_to_ascii = hints.folds_to_ascii || pair == kLongS || pair == kKelvin;
  }
  return hints;
}

void AppendUtf8(char32_t code, std::string& text) {
  char bytes[4];
  text.append(bytes, PutUtf8(code, bytes));
}

}  // namespace faultline
