// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace faultline {

// Some characters of ASCII.
class AsciiSet {
 public:
  // Requires: c is one.
  void Add(char c) noexcept { words_[IndexOf(c)] |= BitOf(c); }
  void Add(const AsciiSet& other) noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  [[nodiscard]] bool Meets(const AsciiSet& other) const noexcept {
    return (words_[0] & other.words_[0]) != 0 || (words_[1] & other.words_[1]) != 0;
  }
  [[nodiscard]] bool empty() const noexcept { return words_[0] == 0 && words_[1] == 0; }

 private:
  static std::size_t IndexOf(char c) noexcept { return static_cast<unsigned char>(c) / 64 % 2; }
  static std::uint64_t BitOf(char c) noexcept {
    return std::uint64_t{1} << static_cast<unsigned char>(c) % 64;
  }

  std::array<std::uint64_t, 2> words_{};
};

// Where the first backslash from `from` on stands; behind the text where there is none.
[[nodiscard]] std::size_t FindBackslash(std::string_view raw, std::size_t from) noexcept;

// What the escapes of a JSON string (without its quotes) are like, or those of a whole JSON text: no
// escape goes beyond its string.
struct EscapeReport {
  bool bad = false;             // a backslash that begins no escape of JSON
  bool lone_surrogate = false;  // half of a UTF-16 pair
  AsciiSet hidden;              // spelled as \uXXXX; letters as what they fold to
};
[[nodiscard]] EscapeReport InspectEscapes(std::string_view raw) noexcept;

// Writes `raw` with its escapes resolved (see Decode() in text.h) to `out`, which has room for
// raw.size() + kDecodeSlack bytes; tells how many were written. One fast pass.
inline constexpr std::size_t kDecodeSlack = 16;
[[nodiscard]] std::size_t DecodeEscapes(std::string_view raw, char* out) noexcept;

// Replaces `buffer` by `raw` with its escapes resolved: see Decode() in text.h.
void DecodeEscapes(std::string_view raw, std::string& buffer);

// What a payload may hold; only text without any of it is known. One fast pass.
struct UnicodeHints {
  bool escapes = false;         // some \u
  bool folds_to_ascii = false;  // U+017F or U+212A, which fold to s and k
};
[[nodiscard]] UnicodeHints FindUnicode(std::string_view text) noexcept;

// Appends UTF-8, for a surrogate WTF-8.
void AppendUtf8(char32_t code, std::string& text);

}  // namespace faultline
