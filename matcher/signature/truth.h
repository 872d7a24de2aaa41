// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace faultline {

using PredicateId = std::uint32_t;
inline constexpr PredicateId kNoPredicate = 0xffffffff;

// One bit per predicate: what is known to hold for the event at hand.
//
// Threads    Confined to one thread.
class Truth {
 public:
  static constexpr std::uint32_t kWordBits = 64;

  explicit Truth(std::uint32_t bits) : words_((bits + kWordBits - 1) / kWordBits) {}

  [[nodiscard]] bool Test(PredicateId id) const noexcept {
    return (words_[id / kWordBits] >> (id % kWordBits) & 1) != 0;
  }
  void Set(PredicateId id) noexcept {
    words_[id / kWordBits] |= std::uint64_t{1} << id % kWordBits;
  }
  // Requires: `first` is a multiple of kWordBits; clears up to the end of the last word touched.
  void Clear(PredicateId first, std::uint32_t count) noexcept {
    std::fill_n(words_.begin() + first / kWordBits, (count + kWordBits - 1) / kWordBits, 0);
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace faultline
