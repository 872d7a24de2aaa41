// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace faultline {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr int kMappedBits = 96;

bool IsMapped(const Address& address) {
  return std::equal(kMapped.begin(), kMapped.end(), address.begin());
}

}  // namespace

std::optional<Address> ParseAddress(std::string_view text) noexcept {
  const bool v6 = text.find(':') != std::string_view::npos;
  if (const std::size_t zone = text.find('%'); v6 && zone != std::string_view::npos) {
    if (zone + 1 == text.size()) return std::nullopt;
    text = text.substr(0, zone);
  }
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::memcpy(terminated.data(), text.data(), text.size());
  Address address{};
  std::copy(kMapped.begin(), kMapped.end(), address.begin());
  const int read = v6 ? inet_pton(AF_INET6, terminated.data(), address.data())
                      : inet_pton(AF_INET, terminated.data(), address.data() + kMapped.size());
  return read == 1 ? std::optional(address) : std::nullopt;
}

bool Contains(const sigma::Network& network, const Address& address) noexcept {
  if (network.prefix < kMappedBits && IsMapped(address)) return false;
  const std::size_t whole = network.prefix / 8, rest = network.prefix % 8;
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole),
                  network.address.begin())) {
    return false;
  }
  return rest == 0 || (address[whole] ^ network.address[whole]) >> (8 - rest) == 0;
}

}  // namespace faultline
