// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <optional>
#include <string_view>
#include <vector>

#include "matcher/sigma/expression.h"

// What expressions do with values. Nothing here fails: what cannot be said is absent or an error, and
// both are passed on (an error before an absent one).
namespace faultline::sigma {

[[nodiscard]] ExprType TypeOf(const ExprValue& value) noexcept;
// Neither absent nor an error.
[[nodiscard]] bool IsThere(const ExprValue& value) noexcept;

// Numbers, times and durations; texts count as the numbers that they read as.
[[nodiscard]] ExprValue Add(const ExprValue& left, const ExprValue& right);
[[nodiscard]] ExprValue Subtract(const ExprValue& left, const ExprValue& right);
[[nodiscard]] ExprValue Multiply(const ExprValue& left, const ExprValue& right);
[[nodiscard]] ExprValue Divide(const ExprValue& left, const ExprValue& right);
[[nodiscard]] ExprValue Negate(const ExprValue& value);
[[nodiscard]] ExprValue Absolute(const ExprValue& value);
[[nodiscard]] ExprValue Least(const std::vector<ExprValue>& values);
[[nodiscard]] ExprValue Greatest(const std::vector<ExprValue>& values);

// How two values stand to each other: numbers exactly, whatever their kind; a number and a text as
// numbers; texts byte by byte; false before true. Nothing where they cannot be compared.
[[nodiscard]] std::optional<std::strong_ordering> Compare(const ExprValue& left,
                                                          const ExprValue& right);

[[nodiscard]] ExprValue LowerOf(const ExprValue& value);
[[nodiscard]] ExprValue UpperOf(const ExprValue& value);
// Runs of ASCII white space as one blank each, none at the ends.
[[nodiscard]] ExprValue SqueezedOf(const ExprValue& value);
[[nodiscard]] ExprValue HostOf(const ExprValue& value);
[[nodiscard]] ExprValue Code32Of(const ExprValue& value);
// NumberOf, but what is no number is an error.
[[nodiscard]] ExprValue StrictNumberOf(const ExprValue& value);
[[nodiscard]] ExprValue HexOf(const ExprValue& value);
[[nodiscard]] ExprValue TextOf(const ExprValue& value);

}  // namespace faultline::sigma
