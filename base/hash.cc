// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace faultline {
namespace {

// Little-endian whatever the machine, so that a digest is the same everywhere.
void Append(std::string& bytes, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

std::string Digest::Hex() const { return fmt::format("{:016x}{:016x}", high, low); }

DigestBuilder& DigestBuilder::Add(std::string_view part) {
  bytes_.push_back('s');
  Append(bytes_, part.size());
  bytes_.append(part);
  return *this;
}

DigestBuilder& DigestBuilder::Add(std::int64_t part) {
  bytes_.push_back('i');
  Append(bytes_, static_cast<std::uint64_t>(part));
  return *this;
}

Digest DigestBuilder::Finish() const {
  const XXH128_hash_t hash = XXH3_128bits(bytes_.data(), bytes_.size());
  return Digest{hash.high64, hash.low64};
}

std::uint64_t Hash64(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace faultline
