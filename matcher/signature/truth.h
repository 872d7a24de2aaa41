// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace faultline {

using PredicateId = std::uint32_t;
inline constexpr PredicateId kNoPredicate = 0xffffffff;

// One bit per predicate: what is known to hold for the event at hand; and the bits set, in order.
//
// Memory     A bit and four bytes a predicate. Clearing costs what was set.
// Threads    Confined to one thread.
class Truth {
 public:
  explicit Truth(std::uint32_t bits) : words_((bits + kWordBits - 1) / kWordBits), set_(bits) {}

  [[nodiscard]] bool Test(PredicateId id) const noexcept {
    return (words_.data()[id / kWordBits] >> (id % kWordBits) & 1) != 0;
  }
  void Set(PredicateId id) noexcept {
    std::uint64_t& word = words_.data()[id / kWordBits];
    const std::uint64_t bit = std::uint64_t{1} << id % kWordBits;
    if ((word & bit) != 0) return;
    word |= bit;
    set_.data()[count_++] = id;
  }
  void Clear() noexcept {
    for (const PredicateId id : set()) words_.data()[id / kWordBits] = 0;
    count_ = 0;
  }
  // Those set since Clear(), each once; `from` skips the first ones.
  [[nodiscard]] std::span<const PredicateId> set(std::size_t from = 0) const noexcept {
    return {set_.data() + from, count_ - from};
  }

 private:
  static constexpr std::uint32_t kWordBits = 64;

  std::vector<std::uint64_t> words_;
  std::vector<PredicateId> set_;  // the first `count_`
  std::size_t count_ = 0;
};

}  // namespace faultline
