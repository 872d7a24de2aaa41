// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace faultline {

// One step of reading text that may not be UTF-8.
struct CodePoint {
  char32_t code = 0;       // U+FFFD where `valid` is false
  std::size_t length = 1;  // bytes taken; of a broken sequence its longest well-formed beginning
  bool valid = false;
};

// The code point that starts at `text[at]`. Requires: at < text.size().
[[nodiscard]] CodePoint DecodeUtf8(std::string_view text, std::size_t at) noexcept;

// Appends `code` as UTF-8. Requires: a scalar value.
void AppendUtf8(std::string& out, char32_t code);

// Control characters (C0, DEL, C1), line and paragraph separators and the controls that reorder
// text. None of them reaches a terminal or stands unescaped in an alert.
[[nodiscard]] bool IsUnsafe(char32_t code) noexcept;

// `text` as people see it: one line, without unsafe characters (white space becomes a blank),
// invalid UTF-8 as U+FFFD.
[[nodiscard]] std::string Printable(std::string_view text);

// Columns that printable text takes on a terminal.
[[nodiscard]] std::size_t DisplayWidth(std::string_view printable) noexcept;

// Printable text cut or filled with blanks to exactly `width` columns; what is cut ends in U+2026.
[[nodiscard]] std::string Fitted(std::string_view printable, std::size_t width);

// The longest beginning of at most `bytes` bytes that does not end inside a character.
[[nodiscard]] std::string_view Shortened(std::string_view text, std::size_t bytes) noexcept;

}  // namespace faultline
