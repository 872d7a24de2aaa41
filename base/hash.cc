// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <cstddef>

#include <fmt/format.h>
#include <xxhash.h>

namespace faultline {
namespace {

// A letter for the type and a number. Little-endian whatever the machine, so that a digest is the same
// everywhere.
void Append(std::string& bytes, char type, std::uint64_t value) {
  char number[1 + sizeof value];
  number[0] = type;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    number[1 + i] = static_cast<char>(value >> (8 * i));
  }
  bytes.append(number, sizeof number);
}

}  // namespace

std::string Digest::Hex() const { return fmt::format("{:016x}{:016x}", high, low); }

DigestBuilder& DigestBuilder::Add(std::string_view part) {
  Append(bytes_, 's', part.size());
  bytes_.append(part);
  return *this;
}

DigestBuilder& DigestBuilder::Add(std::int64_t part) {
  Append(bytes_, 'i', static_cast<std::uint64_t>(part));
  return *this;
}

Digest DigestBuilder::Finish() const { return DigestOf(bytes_); }

Digest DigestOf(std::string_view bytes) noexcept {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return Digest{hash.high64, hash.low64};
}

std::uint64_t Hash64(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace faultline
