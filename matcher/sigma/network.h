// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// An address in network byte order, IPv4 as v4-mapped IPv6.
using Address = std::array<std::uint8_t, 16>;

// "10.0.0.1", "fe80::1", "fe80::1%eth0" (the zone is dropped). Nothing for all else: blanks,
// leading zeros in IPv4, prefixes, ports. Allocates nothing.
[[nodiscard]] std::optional<Address> ParseAddress(std::string_view text) noexcept;

// "10.0.0.0/8", "2001:db8::/32", or an address alone. Host bits are left as they are written.
[[nodiscard]] std::optional<Network> ParseNetwork(std::string_view text);
// The same with all bits behind the prefix zero.
[[nodiscard]] Network WithoutHostBits(const Network& network);
// As it is written: an IPv4 network where it is within ::ffff:0:0/96.
[[nodiscard]] std::string ToString(const Network& network);

// An IPv4 address lies in no IPv6 network, however wide.
[[nodiscard]] bool Contains(const Network& network, const Address& address) noexcept;

}  // namespace faultline::sigma
