// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/witness_sets.h"

namespace faultline {

void WitnessSets::Add(std::span<const std::vector<PredicateId>> sets,
                      const std::vector<std::uint32_t>& plan_of) {
  for (const std::vector<PredicateId>& set : sets) {
    std::uint64_t plans = 0;
    for (const PredicateId id : set) plans |= BitOf(plan_of[id]);
    ids_.insert(ids_.end(), set.begin(), set.end());
    begin_.push_back(static_cast<std::uint32_t>(ids_.size()));
    plans_.push_back(plans);
  }
  first_.push_back(static_cast<SetId>(plans_.size()));
}

}  // namespace faultline
