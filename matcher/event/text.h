// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "matcher/event/event.h"

namespace faultline {

// The decoded text of a string value: escapes resolved, a bad escape left as its literal text, a
// lone surrogate as its three WTF-8 bytes. For other kinds the token. The view is into the payload
// where nothing had to be decoded, else into `buffer` (overwritten, capacity kept).
[[nodiscard]] std::string_view Decode(const RawValue& value, std::string& buffer);

// Copies `text` to `out` (of the same size, not overlapping) with A to Z in lower case; tells what
// was met. One fast pass.
enum class AsciiFolding : std::uint8_t { kSame, kFolded, kNotAscii };
AsciiFolding FoldAscii(std::string_view text, char* out) noexcept;

// Unicode simple case folding (1:1, status C and S of CaseFolding.txt 14.0, no locale), ASCII at
// full speed. Text that is not valid UTF-8 as a whole: ASCII folding on bytes. The view is `text`
// itself where nothing folds, else into `buffer`.
[[nodiscard]] std::string_view Fold(std::string_view text, std::string& buffer);

// The simple folding of one code point.
[[nodiscard]] char32_t FoldCodePoint(char32_t code) noexcept;

[[nodiscard]] bool IsValidUtf8(std::string_view text) noexcept;

// A decimal number in one canonical spelling, so that equal values have equal texts: "1.0", "01",
// "10e-1" -> "1"; "-0" -> "0"; false where `text` is no `-?digits(.digits)?(e[+-]?digits)?`.
// Exact for any number of digits; an exponent beyond +-9999 is no number.
[[nodiscard]] bool CanonicalNumber(std::string_view text, std::string& canonical);

}  // namespace faultline
