// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace faultline {

// What the escapes of one JSON string (without its quotes) are like.
struct EscapeReport {
  bool bad = false;             // a backslash that begins no escape of JSON
  bool lone_surrogate = false;  // half of a UTF-16 pair
};
[[nodiscard]] EscapeReport InspectEscapes(std::string_view raw) noexcept;

// Replaces `buffer` by `raw` with its escapes resolved: see Decode() in text.h.
void DecodeEscapes(std::string_view raw, std::string& buffer);

// Whether `text` holds a \ud... or \uD..., the only way to write a surrogate. One fast pass.
[[nodiscard]] bool MayHoldSurrogate(std::string_view text) noexcept;

// Appends UTF-8, for a surrogate WTF-8.
void AppendUtf8(char32_t code, std::string& text);

}  // namespace faultline
