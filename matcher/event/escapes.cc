// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/escapes.h"

#include <cstddef>
#include <cstring>

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
    }
    at = FindBackslash(raw, at + escape.size);
  }
  return report;
}

void DecodeEscapes(std::string_view raw, std::string& buffer) {
  buffer.clear();
  for (std::size_t at = 0;;) {
    const std::size_t backslash = FindBackslash(raw, at);
    buffer.append(raw.substr(at, backslash - at));
    if (backslash == raw.size()) return;
    const Escape escape = EscapeAt(raw, backslash);
    if (escape.code == kNoCode) {
      buffer.push_back('\\');
    } else {
      AppendUtf8(escape.code, buffer);
    }
    at = backslash + escape.size;
  }
}

bool MayHoldSurrogate(std::string_view text) noexcept {
  // Vectors of the compiler: 16 places at once, any CPU.
  using Bytes = unsigned char __attribute__((vector_size(16)));
  const auto load = [](const char* from) {
    Bytes bytes;
    std::memcpy(&bytes, from, sizeof bytes);
    return bytes;
  };
  const char* at = text.data();
  std::size_t left = text.size();
  while (left >= 16 + 2) {
    const auto hit = (load(at) == '\\') & (load(at + 1) == 'u') & ((load(at + 2) | 0x20) == 'd');
    std::uint64_t words[2];
    std::memcpy(words, &hit, sizeof words);
    if ((words[0] | words[1]) != 0) return true;
    at += 16;
    left -= 16;
  }
  for (; left >= 3; ++at, --left) {
    if (at[0] == '\\' && at[1] == 'u' && (at[2] | 0x20) == 'd') return true;
  }
  return false;
}

void AppendUtf8(char32_t code, std::string& text) {
  const auto put = [&text](char32_t byte) { text.push_back(static_cast<char>(byte)); };
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
}

}  // namespace faultline
