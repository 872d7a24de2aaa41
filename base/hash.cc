// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <algorithm>

#include <xxhash.h>

namespace faultline {
namespace {

constexpr std::size_t kHexDigits = 32;
constexpr std::size_t kNumberBytes = 1 + sizeof(std::uint64_t);

void WriteHex(const Digest& digest, char* out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t i = 0; i < kHexDigits / 2; ++i) {
    const std::size_t shift = 60 - 4 * i;
    out[i] = kDigits[digest.high >> shift & 0xF];
    out[kHexDigits / 2 + i] = kDigits[digest.low >> shift & 0xF];
  }
}

// A letter for the type and a number; gives the place behind it. Little-endian whatever the machine, so
// that a digest is the same everywhere.
char* WriteNumber(char type, std::uint64_t value, char* out) {
  out[0] = type;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    out[1 + i] = static_cast<char>(value >> (8 * i));
  }
  return out + kNumberBytes;
}

}  // namespace

std::string Digest::Hex() const {
  std::string hex(kHexDigits, '0');
  WriteHex(*this, hex.data());
  return hex;
}

DigestBuilder& DigestBuilder::Add(std::string_view part) {
  char* const out = Extend(kNumberBytes + part.size());
  std::copy(part.begin(), part.end(), WriteNumber('s', part.size(), out));
  return *this;
}

DigestBuilder& DigestBuilder::Add(std::int64_t part) {
  WriteNumber('i', static_cast<std::uint64_t>(part), Extend(kNumberBytes));
  return *this;
}

DigestBuilder& DigestBuilder::AddHex(const Digest& part) {
  char* const out = Extend(kNumberBytes + kHexDigits);
  WriteHex(part, WriteNumber('s', kHexDigits, out));
  return *this;
}

Digest DigestBuilder::Finish() const {
  return DigestOf(many_.empty() ? std::string_view(few_.data(), size_) : many_);
}

char* DigestBuilder::Extend(std::size_t bytes) {
  const std::size_t before = size_;
  size_ += bytes;
  if (size_ <= few_.size()) return few_.data() + before;
  if (many_.empty()) many_.assign(few_.data(), before);
  many_.resize(size_);
  return many_.data() + before;
}

Digest DigestOf(std::string_view bytes) noexcept {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return Digest{hash.high64, hash.low64};
}

std::uint64_t Hash64(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace faultline
