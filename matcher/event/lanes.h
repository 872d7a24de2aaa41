// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace faultline {

// Sixteen bytes at once, by the compiler's vectors: any CPU.
using Lanes = signed char __attribute__((vector_size(16)));
inline constexpr std::size_t kLanes = sizeof(Lanes);

[[nodiscard]] inline Lanes LoadLanes(const char* from) noexcept {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}
inline void StoreLanes(char* to, const Lanes& lanes) noexcept {
  std::memcpy(to, &lanes, sizeof lanes);
}

// Unsigned bytes, for loops that are compiled once for each size of vectors, and whether this CPU has
// those beyond the baseline. Such loops compare nothing: the compiler takes a comparison of vectors
// apart that the baseline does not have.
using Bytes16 = unsigned char __attribute__((vector_size(16)));
#if defined(__x86_64__)
using Bytes32 = unsigned char __attribute__((vector_size(32)));
using Bytes64 = unsigned char __attribute__((vector_size(64)));
inline const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kHasAvx512 = false;  // g++ 12 then puts no local at 64 bytes (its bug 110027)
#else
inline const bool kHasAvx512 = __builtin_cpu_supports("avx512bw") != 0;
#endif
// Bytes looked up in tables of 128, and put together from two vectors.
inline const bool kHasVbmi = kHasAvx512 && __builtin_cpu_supports("avx512vbmi") != 0 &&
                             __builtin_cpu_supports("avx512vbmi2") != 0;
#else
inline constexpr bool kHasAvx2 = false;
inline constexpr bool kHasVbmi = false;
#endif

// The lowest `count` bits: a mask of as many lanes.
[[nodiscard]] constexpr std::uint64_t LowestBits(std::size_t count) noexcept {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

// The first lane that is not 0; kLanes where there is none. Requires: lanes are 0 or -1.
[[nodiscard]] inline std::size_t FirstLane(const Lanes& lanes) noexcept {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t words[2];
  std::memcpy(words, &lanes, sizeof words);
  if (words[0] != 0) return static_cast<std::size_t>(std::countr_zero(words[0])) / 8;
  if (words[1] != 0) return 8 + static_cast<std::size_t>(std::countr_zero(words[1])) / 8;
  return kLanes;
}
// Whether some lane is 0, of vectors of any size.
template <typename Vector>
[[nodiscard]] inline bool AnyZero(const Vector& lanes) noexcept {
  std::uint64_t words[sizeof(Vector) / sizeof(std::uint64_t)];
  std::memcpy(words, &lanes, sizeof words);
  std::uint64_t all = 0;
  for (const std::uint64_t word : words) all |= (word - 0x0101010101010101) & ~word;
  return (all & 0x8080808080808080) != 0;
}
// Whether the highest bit of some lane is set, of vectors of any size.
template <typename Vector>
[[nodiscard]] inline bool AnyNegative(const Vector& lanes) noexcept {
  std::uint64_t words[sizeof(Vector) / sizeof(std::uint64_t)];
  std::memcpy(words, &lanes, sizeof words);
  std::uint64_t all = 0;
  for (const std::uint64_t word : words) all |= word;
  return (all & 0x8080808080808080) != 0;
}

}  // namespace faultline
