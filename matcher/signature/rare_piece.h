// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace faultline {

// Whether JSON has one spelling of the byte besides \u escapes.
[[nodiscard]] bool SpelledOneWay(char c) noexcept;

// How seldom a piece of text stands in logs, by its letters, which are folded: of three average ones 12.
[[nodiscard]] int Rarity(std::string_view piece) noexcept;
[[nodiscard]] bool IsDoubledSign(char a, char b) noexcept;  // of punctuation: rarer than it looks

// The rarest of the pieces of `size` bytes that `text` is made of; all of it where it is no longer.
[[nodiscard]] std::string_view RarestPiece(std::string_view text, std::size_t size) noexcept;

}  // namespace faultline
