// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "matcher/sigma/rule.h"

namespace faultline {

// A decimal number of any size, read in place: 0.d1d2d3... * 10^scale.
//
// Ownership  Views the text it was read from.
struct Decimal {
  bool negative = false;    // never for zero
  std::string_view digits;  // first to last significant one, perhaps with the point; none: zero
  std::int64_t scale = 0;
};

// Nothing where `text` is not wholly decimal text (text.h, CanonicalNumber). Exact; allocates
// nothing.
[[nodiscard]] std::optional<Decimal> ParseDecimal(std::string_view text) noexcept;

[[nodiscard]] std::strong_ordering Compare(const Decimal& left, const Decimal& right) noexcept;

// Whether two things that compare like `found` stand in the order that a rule asks for.
[[nodiscard]] bool InOrder(std::strong_ordering found, sigma::Order wanted) noexcept;

}  // namespace faultline
