// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

namespace faultline::sigma {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 96;

bool IsMapped(const Address& address) noexcept {
  return std::equal(kMapped.begin(), kMapped.end(), address.begin());
}

bool IsV6(std::string_view text) noexcept { return text.find(':') != std::string_view::npos; }

}  // namespace

std::optional<Address> ParseAddress(std::string_view text) noexcept {
  const bool v6 = IsV6(text);
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

std::optional<Network> ParseNetwork(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view written = text.substr(0, slash);
  const std::optional<Address> address = ParseAddress(written);
  if (!address || written.find('%') != std::string_view::npos) return std::nullopt;
  if (slash == text.size()) return Network{*address};
  const unsigned first_bit = IsV6(written) ? 0 : kMappedBits;
  const std::string_view digits = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  if (prefix > 128 - first_bit) return std::nullopt;
  return Network{*address, static_cast<std::uint8_t>(first_bit + prefix)};
}

Network WithoutHostBits(const Network& network) {
  Network clean = network;
  for (std::size_t i = 0; i < clean.address.size(); ++i) {
    const std::size_t kept =
        std::min<std::size_t>(8, network.prefix - std::min<std::size_t>(8 * i, network.prefix));
    clean.address[i] &= static_cast<std::uint8_t>(0xff00U >> kept);
  }
  return clean;
}

std::string ToString(const Network& network) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool mapped = network.prefix >= kMappedBits && IsMapped(network.address);
  const std::uint8_t* const bytes = network.address.data() + (mapped ? kMapped.size() : 0);
  ::inet_ntop(mapped ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return fmt::format("{}/{}", text.data(), network.prefix - (mapped ? kMappedBits : 0));
}

bool Contains(const Network& network, const Address& address) noexcept {
  if (network.prefix < kMappedBits && IsMapped(address)) return false;
  const std::size_t whole = network.prefix / 8, rest = network.prefix % 8;
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole),
                  network.address.begin())) {
    return false;
  }
  return rest == 0 || (address[whole] ^ network.address[whole]) >> (8 - rest) == 0;
}

}  // namespace faultline::sigma
