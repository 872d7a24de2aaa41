// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "matcher/signature/truth.h"

namespace faultline {

// Per signature of a class some sets of literals of which one must be seen for it to hold. Any one set
// will do. Of all signatures they lie in a row: to look at each takes microseconds.
//
// Threads    Immutable once all are added; shared.
class WitnessSets {
 public:
  using SetId = std::uint32_t;

  // Those of the next signature, the most telling first; none: it must always be looked at. `plan_of`:
  // of each predicate the number of its field.
  void Add(std::span<const std::vector<PredicateId>> sets,
           const std::vector<std::uint32_t>& plan_of);

  // The numbers of a signature's sets: from first(s) on, below first(s + 1).
  [[nodiscard]] SetId first(std::size_t signature) const noexcept {
    return first_.data()[signature];
  }
  [[nodiscard]] std::size_t size() const noexcept { return plans_.size(); }  // of all sets
  [[nodiscard]] std::span<const PredicateId> operator[](SetId set) const noexcept {
    return {ids_.data() + begin_.data()[set], ids_.data() + begin_.data()[set + 1]};
  }
  // The fields that a set looks at, a bit for each; one bit stands for every 64th field.
  [[nodiscard]] std::uint64_t plans(SetId set) const noexcept { return plans_.data()[set]; }
  [[nodiscard]] static std::uint64_t BitOf(std::size_t plan) noexcept {
    return std::uint64_t{1} << plan % 64;
  }

 private:
  std::vector<SetId> first_{0};          // per signature, and what follows the last
  std::vector<std::uint32_t> begin_{0};  // per set where in ids_, and what follows the last
  std::vector<PredicateId> ids_;
  std::vector<std::uint64_t> plans_;  // per set
};

}  // namespace faultline
