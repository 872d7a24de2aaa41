// SPDX-License-Identifier: Apache-2.0
#include "exporters/escape.h"

#include <cstdint>

namespace faultline {
namespace {

constexpr CodePoint Broken(std::size_t length) noexcept { return {U'\uFFFD', length, false}; }

// What a lead byte asks for: length, bits of its own, range of the second byte (Unicode, table
// 3-7).
struct Lead {
  std::size_t length = 0;  // 0: no lead byte
  std::uint8_t bits = 0;
  std::uint8_t lowest = 0x80;
  std::uint8_t highest = 0xBF;
};

constexpr Lead LeadOf(std::uint8_t byte) noexcept {
  const auto low = [byte](unsigned mask) { return static_cast<std::uint8_t>(byte & mask); };
  if (byte >= 0xC2 && byte <= 0xDF) return {2, low(0x1F)};
  if (byte == 0xE0) return {3, low(0x0F), 0xA0, 0xBF};
  if (byte == 0xED) return {3, low(0x0F), 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, low(0x0F)};
  if (byte == 0xF0) return {4, low(0x07), 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, low(0x07)};
  if (byte == 0xF4) return {4, low(0x07), 0x80, 0x8F};
  return {};
}

bool IsBlank(char32_t code) noexcept { return code == '\n' || code == '\t' || code == '\r'; }

// East Asian wide forms and emoji take two columns; combining marks of the common block none.
std::size_t ColumnsOf(char32_t code) noexcept {
  if (code >= 0x300 && code <= 0x36F) return 0;
  const bool wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
                    (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
                    (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
                    (code >= 0xFFE0 && code <= 0xFFE6) || (code >= 0x1F300 && code <= 0x1FAFF) ||
                    (code >= 0x20000 && code <= 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

CodePoint DecodeUtf8(std::string_view text, std::size_t at) noexcept {
  const auto first = static_cast<std::uint8_t>(text[at]);
  if (first < 0x80) return {first, 1, true};
  const Lead lead = LeadOf(first);
  if (lead.length == 0) return Broken(1);
  char32_t code = lead.bits;
  for (std::size_t i = 1; i < lead.length; ++i) {
    if (at + i >= text.size()) return Broken(i);
    const auto byte = static_cast<std::uint8_t>(text[at + i]);
    const std::uint8_t lowest = i == 1 ? lead.lowest : 0x80;
    const std::uint8_t highest = i == 1 ? lead.highest : 0xBF;
    if (byte < lowest || byte > highest) return Broken(i);
    code = (code << 6) | (byte & 0x3FU);
  }
  return {code, lead.length, true};
}

void AppendUtf8(std::string& out, char32_t code) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | (code >> 6));
  } else {
    if (code < 0x10000) {
      put(0xE0 | (code >> 12));
    } else {
      put(0xF0 | (code >> 18));
      put(0x80 | ((code >> 12) & 0x3F));
    }
    put(0x80 | ((code >> 6) & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

bool IsUnsafe(char32_t code) noexcept {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x061C || code == 0x200E ||
         code == 0x200F || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeUtf8(text, at);
    if (IsBlank(point.code)) {
      out.push_back(' ');
    } else if (!IsUnsafe(point.code)) {
      AppendUtf8(out, point.code);
    }
    at += point.length;
  }
  return out;
}

std::size_t DisplayWidth(std::string_view printable) noexcept {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < printable.size();) {
    const CodePoint point = DecodeUtf8(printable, at);
    columns += ColumnsOf(point.code);
    at += point.length;
  }
  return columns;
}

std::string Fitted(std::string_view printable, std::size_t width) {
  const std::size_t columns = DisplayWidth(printable);
  if (columns <= width) return std::string(printable) + std::string(width - columns, ' ');
  if (width == 0) return {};
  std::string out;
  std::size_t used = 0;
  for (std::size_t at = 0; at < printable.size();) {
    const CodePoint point = DecodeUtf8(printable, at);
    if (used + ColumnsOf(point.code) > width - 1) break;
    used += ColumnsOf(point.code);
    out += printable.substr(at, point.length);
    at += point.length;
  }
  return out + "\u2026" + std::string(width - 1 - used, ' ');
}

std::string_view Shortened(std::string_view text, std::size_t bytes) noexcept {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  // Back over continuation bytes to the lead of the character that the cut would split.
  while (end > 0 && bytes - end < 3 && (static_cast<std::uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace faultline
