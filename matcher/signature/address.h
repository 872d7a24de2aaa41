// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "matcher/sigma/rule.h"

namespace faultline {

// An address in network byte order, IPv4 as v4-mapped IPv6.
using Address = std::array<std::uint8_t, 16>;

// "10.0.0.1", "fe80::1", "fe80::1%eth0" (the zone is dropped). Nothing for all else: blanks,
// leading zeros in IPv4, prefixes, ports. Allocates nothing.
[[nodiscard]] std::optional<Address> ParseAddress(std::string_view text) noexcept;

// An IPv4 address lies in no IPv6 network, however wide.
[[nodiscard]] bool Contains(const sigma::Network& network, const Address& address) noexcept;

}  // namespace faultline
