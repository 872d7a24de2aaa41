// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace faultline {

// 64 bits of a value under `seed`, by which tables of this process find it: never stored, never told, and
// another one on another machine. Half of the values have tens of bytes and the others up to thousands;
// a call of XXH3, as Debian builds it, costs more for either.
//
// Algorithm  Folded multiplication: sixteen bytes are multiplied by each other under keys, and the
//            product's halves joined, as in wyhash (Wang Yi, 2019), four at a time in long values. All keys
//            come from the seed: with known ones a factor could be made 0, whatever the seed is.
[[nodiscard]] inline std::uint64_t ValueHash(std::string_view value,
                                             std::uint64_t seed = 0) noexcept {
  const auto word = [](const char* at) {
    std::uint64_t bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    return bytes;
  };
  const auto half = [](const char* at) {
    std::uint32_t bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    return std::uint64_t{bytes};
  };
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  constexpr std::size_t kPair = 16, kRow = 4 * kPair;
  const std::uint64_t keys[] = {seed ^ 0x9e3779b97f4a7c15, seed + 0xbf58476d1ce4e5b9,
                                ~seed ^ 0x94d049bb133111eb, 0xd6e8feb86659fd93 - seed};
  const char* at = value.data();
  const std::size_t size = value.size();
  const char* const end = at + size;
  std::uint64_t first = 0, second = 0, sum = keys[3];
  if (size > kPair) {
    if (size > kRow) {
      std::uint64_t sums[] = {keys[0], keys[1], keys[2]};
      for (; end - at > static_cast<std::ptrdiff_t>(kRow); at += kRow) {
        sum = mix(word(at) ^ keys[0], word(at + 8) ^ sum);
        sums[0] = mix(word(at + 16) ^ keys[1], word(at + 24) ^ sums[0]);
        sums[1] = mix(word(at + 32) ^ keys[2], word(at + 40) ^ sums[1]);
        sums[2] = mix(word(at + 48) ^ keys[3], word(at + 56) ^ sums[2]);
      }
      sum ^= sums[0] ^ sums[1] ^ sums[2];
    }
    for (; end - at > static_cast<std::ptrdiff_t>(kPair); at += kPair) {
      sum = mix(word(at) ^ keys[0], word(at + 8) ^ sum);
    }
    first = word(end - 16);
    second = word(end - 8);
  } else if (size >= 8) {
    first = word(at);
    second = word(end - 8);
  } else if (size >= 4) {
    first = half(at);
    second = half(end - 4);
  } else if (size > 0) {
    const auto byte = [at](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(at[i])};
    };
    first = byte(0) << 16 | byte(size / 2) << 8 | byte(size - 1);
  }
  return mix(size ^ keys[2], mix(first ^ keys[1], second ^ sum));
}

}  // namespace faultline
