// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {

inline constexpr std::size_t kMaxDashes = 4;

// Where `windash` applies: a `-` or `/` with a letter, number or underscore of Unicode right behind
// it and none right before it, each literal stretch of the pattern by itself.
[[nodiscard]] std::size_t CountDashes(const Pattern& pattern);

// The pattern with each such place being `-`, `/`, en dash, em dash and horizontal bar in turn: 5^n
// patterns for n places.
// Requires: at most kMaxDashes places.
[[nodiscard]] std::vector<Pattern> ExpandDashes(const Pattern& pattern);

[[nodiscard]] std::string EncodeBase64(std::string_view bytes);

// What of the base64 text of anything that holds `bytes` depends on them alone, for each of the
// three ways they can lie in groups of three.
// Requires: at least two bytes; of less nothing, or next to nothing, is left.
[[nodiscard]] std::array<std::string, 3> Base64Slices(std::string_view bytes);

enum class Utf16 : std::uint8_t { kLittle, kBig };

// UTF-8 as UTF-16 without byte order mark; nothing where it is no UTF-8.
[[nodiscard]] std::optional<std::string> ToUtf16(std::string_view utf8, Utf16 order);

// -?digits(.digits)?(e[+-]?digits)? with an exponent of at most four digits: what compares as a
// number.
[[nodiscard]] bool IsDecimal(std::string_view text) noexcept;

}  // namespace faultline::sigma
