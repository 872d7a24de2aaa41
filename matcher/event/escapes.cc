// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/escapes.h"

#include <algorithm>
#include <array>
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

// What a backslash and this letter stand for; 0 where that is more than a letter, or nothing.
constexpr auto kSimpleEscapes = [] {
  std::array<char, 256> table{};
  table['"'] = '"';
  table['\\'] = '\\';
  table['/'] = '/';
  table['b'] = '\b';
  table['f'] = '\f';
  table['n'] = '\n';
  table['r'] = '\r';
  table['t'] = '\t';
  return table;
}();

// The same for the escape whose backslash stands at `at`.
char SimpleEscapeAt(std::string_view raw, std::size_t at) noexcept {
  return at + 1 < raw.size() ? kSimpleEscapes[static_cast<unsigned char>(raw[at + 1])] : '\0';
}

struct Escape {
  char32_t code = kNoCode;  // kNoCode: a bad escape
  std::size_t size = 1;     // bytes it takes; for a bad one its backslash alone
};

// The escape whose backslash stands at `at`. Requires: no simple one.
Escape LongEscapeAt(std::string_view raw, std::size_t at) noexcept {
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

}  // namespace

std::size_t FindBackslash(std::string_view raw, std::size_t from) noexcept {
  while (from + kLanes <= raw.size()) {
    const std::size_t plain = FirstLane(LoadLanes(raw.data() + from) == '\\');
    from += plain;
    if (plain != kLanes) return from;
  }
  while (from < raw.size() && raw[from] != '\\') ++from;
  return from;
}

EscapeReport InspectEscapes(std::string_view raw) noexcept {
  EscapeReport report;
  for (std::size_t at = FindBackslash(raw, 0); at < raw.size();) {
    if (SimpleEscapeAt(raw, at) != 0) {
      at = FindBackslash(raw, at + 2);
      continue;
    }
    const Escape escape = LongEscapeAt(raw, at);
    if (escape.code == kNoCode) {
      report.bad = true;
    } else if (IsHigh(escape.code) || IsLow(escape.code)) {
      report.lone_surrogate = true;
    } else if (const char32_t folded = FoldCodePoint(escape.code); folded < 0x80) {
      report.hidden.Add(static_cast<char>(folded));
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
    if (const char simple = SimpleEscapeAt(raw, at); simple != 0) {
      *out++ = simple;
      at += 2;
      continue;
    }
    const Escape escape = LongEscapeAt(raw, at);
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

// The code points by their last byte and the one before: C5 BF, (E2) 84 AA.
constexpr unsigned char kEscape[] = {'\\', 'u'}, kLongS[] = {0xc5, 0xbf}, kKelvin[] = {0x84, 0xaa};

// Makes lanes of `all` 0 where the first of two bytes is `pair[0]` and the second `pair[1]`.
template <typename Vector>
[[gnu::always_inline]] inline void Gather(const Vector& first, const Vector& second,
                                          const unsigned char (&pair)[2], Vector& all) noexcept {
  const Vector differs = (first ^ pair[0]) | (second ^ pair[1]);
  all = differs < all ? differs : all;
}

// FindUnicode by vectors of unsigned bytes, the last of which overlaps the one before. Most text holds
// neither. Requires: text longer than a vector.
template <typename Vector>
[[gnu::always_inline]] inline UnicodeHints FindUnicodeBy(std::string_view text) noexcept {
  const char* const begin = text.data();
  const char* const last = begin + text.size() - 1 - sizeof(Vector);
  Vector odd{}, escapes = ~odd, folds = ~odd, first, second;
  const char* next = begin;
  for (const char* at = last;; at = next, next += sizeof(Vector)) {  // the last one first
    std::memcpy(&first, at, sizeof first);
    std::memcpy(&second, at + 1, sizeof second);
    Gather(first, second, kEscape, escapes);
    odd |= first;
    if (next >= last) break;
  }
  if (!AnyNegative(odd)) return {AnyZero(escapes), false};
  next = begin;
  for (const char* at = last;; at = next, next += sizeof(Vector)) {
    std::memcpy(&first, at, sizeof first);
    std::memcpy(&second, at + 1, sizeof second);
    Gather(first, second, kLongS, folds);
    Gather(first, second, kKelvin, folds);
    if (next >= last) break;
  }
  return {AnyZero(escapes), AnyZero(folds)};
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] UnicodeHints FindUnicodeAvx2(std::string_view text) noexcept {
  return FindUnicodeBy<Bytes32>(text);
}
[[gnu::target("avx512bw")]] UnicodeHints FindUnicodeAvx512(std::string_view text) noexcept {
  return FindUnicodeBy<Bytes64>(text);
}
#endif

}  // namespace

UnicodeHints FindUnicode(std::string_view text) noexcept {
#if defined(__x86_64__)
  if (kHasAvx512 && text.size() > sizeof(Bytes64)) return FindUnicodeAvx512(text);
  if (kHasAvx2 && text.size() > sizeof(Bytes32)) return FindUnicodeAvx2(text);
#endif
  if (text.size() > sizeof(Bytes16)) return FindUnicodeBy<Bytes16>(text);
  UnicodeHints hints;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    const auto holds = [pair = text.data() + at](const auto& two) {
      return std::memcmp(pair, two, 2) == 0;
    };
    hints.escapes = hints.escapes || holds(kEscape);
    hints.folds_to_ascii = hints.folds_to_ascii || holds(kLongS) || holds(kKelvin);
  }
  return hints;
}

void AppendUtf8(char32_t code, std::string& text) {
  char bytes[4];
  text.append(bytes, PutUtf8(code, bytes));
}

}  // namespace faultline
