// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "matcher/sigma/rule.h"

namespace faultline::reference {

// A decimal number as sign, digits and power of ten; equal numbers give equal texts. Empty for what
// is no decimal number.
[[nodiscard]] std::string DecimalOf(const std::string& text);

// -1, 0 or 1 as `left` is below, equal to or above `right`. Requires: both are DecimalOf something.
[[nodiscard]] int CompareDecimals(const std::string& left, const std::string& right);

// Whether -1, 0 or 1 is what `order` asks for.
[[nodiscard]] bool Stands(int comparison, sigma::Order order);

// An address as 32 or 128 characters '0' and '1'; v4-mapped IPv6 is IPv4. Empty for what is none.
[[nodiscard]] std::string BitsOfAddress(const std::string& text);
// The same for a network, cut after its prefix; `v6` tells which addresses it is about.
struct NetworkBits {
  bool v6 = false;
  std::string bits;
};
[[nodiscard]] NetworkBits BitsOfNetwork(const sigma::Network& network);

// A part of a time given as text, in UTC.
[[nodiscard]] std::optional<std::int64_t> TimePartOf(const std::string& text, sigma::TimeUnit unit);

}  // namespace faultline::reference
