// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/value_hash.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace faultline {
namespace {

TEST(ValueHash, EveryBitOfValuesOfAnySizeCounts) {
  std::mt19937_64 random(3);
  double flipped = 0, changes = 0;
  for (std::size_t size = 0; size < 300; ++size) {
    std::string value(size, '\0');
    for (char& c : value) c = static_cast<char>(random());
    const std::uint64_t seed = random();
    const std::uint64_t before = ValueHash(value, seed);
    EXPECT_EQ(before, ValueHash(std::string(value), seed)) << size;
    EXPECT_NE(before, ValueHash(value + '\0', seed)) << size;
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      std::string other = value;
      other[bit / 8] = static_cast<char>(other[bit / 8] ^ 1 << bit % 8);
      const std::uint64_t after = ValueHash(other, seed);
      ASSERT_NE(before, after) << size << " " << bit;
      flipped += std::popcount(before ^ after);
      ++changes;
    }
    for (int bit = 0; bit < 64; ++bit) {
      ASSERT_NE(before, ValueHash(value, seed ^ std::uint64_t{1} << bit)) << size << " " << bit;
    }
  }
  EXPECT_NEAR(flipped / changes, 32, 0.1);
}

// As many of n places are taken by n values as if each had been thrown there: all but 1/e.
TEST(ValueHash, ValuesThatDifferByANumberSpread) {
  constexpr std::uint32_t kPlaces = 1 << 16;
  for (const char* const where :
       {"", "HR001.shire.example/", R"(C:\\Windows\\System32\\drivers\\)"}) {
    for (const std::size_t padding : {0, 40, 400}) {
      std::vector<bool> low(kPlaces), high(kPlaces);
      for (std::uint32_t i = 0; i < kPlaces; ++i) {
        const std::uint64_t hash =
            ValueHash(where + std::to_string(i) + std::string(padding, 'x'), 11);
        low[hash % kPlaces] = true;
        high[hash >> 32 & (kPlaces - 1)] = true;
      }
      for (const auto* const places : {&low, &high}) {
        const auto taken = std::count(places->begin(), places->end(), true);
        EXPECT_NEAR(static_cast<double>(taken) / kPlaces, 0.632, 0.006) << where << padding;
      }
    }
  }
}

// What cancels a key of one seed cancels none of others: who writes values cannot have them collide.
TEST(ValueHash, NoValueCollidesUnderAllSeeds) {
  const std::uint64_t keys_of_seed_0[] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9,
                                          0x6b2fb644ecceee14, 0xd6e8feb86659fd93};
  for (const std::uint64_t key : keys_of_seed_0) {
    std::string one;
    for (int i = 0; i < 20; ++i) {
      one.append(reinterpret_cast<const char*>(&key), sizeof key);
      one += "12345678";
    }
    std::string other = one;
    for (std::size_t at = 8; at < other.size(); at += 16) other[at] = '9';
    for (std::uint64_t seed = 1; seed < 1000; ++seed) {
      ASSERT_NE(ValueHash(one, seed), ValueHash(other, seed)) << seed;
    }
  }
}

}  // namespace
}  // namespace faultline
