// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "matcher/signature/signature_class.h"
#include "matcher/signature/value_sieve.h"
#include "matcher/signature/witness_sets.h"

namespace faultline {

// Chooses by what was seen which set of witnesses each signature of a class waits for: the one that is
// seen least, and few fields besides.
//
// Place      what was seen -> [WitnessChoice] -> ClassState.
// Threads    Confined to one thread; the class and what was seen outlive it.
class WitnessChoice {
 public:
  // Of the class's events so far; all zero: nothing was measured yet.
  struct Seen {
    std::span<const std::uint32_t> scans;  // per plan, events in which its literals were looked for
    std::span<const std::uint32_t> longs;  // per plan, values that a sieve could be asked of
    std::span<const std::uint32_t> held;   // per predicate, how often it held in those events
  };

  // Each has the set that was seen least, the first of several.
  WitnessChoice(const SignatureClass& of, const Seen& seen);

  // A field that few signatures gain from is looked at only when a signature asks for it.
  void DropFields();
  // Per plan what rules out long values of its field, where that pays. Signatures for which that costs
  // little wait elsewhere then: the fewer pieces are looked for, the fewer values hold one.
  [[nodiscard]] std::vector<std::optional<ValueSieve>> MakeSieves();

  // What the signature waits for, one of these; none: it must always be looked at.
  [[nodiscard]] std::span<const PredicateId> WaitedFor(std::size_t signature) const noexcept {
    const SetId set = chosen_.data()[signature];
    return set == kNone ? std::span<const PredicateId>() : class_.witnesses[set];
  }

 private:
  using SetId = WitnessSets::SetId;
  static constexpr SetId kNone = 0xffffffff;
  using Choice = std::vector<SetId>;  // per signature

  [[nodiscard]] SetId BestSet(std::size_t signature) const noexcept;
  [[nodiscard]] bool Allowed(SetId set) const noexcept;
  [[nodiscard]] bool WaitsIn(std::size_t plan, SetId set) const noexcept;
  [[nodiscard]] std::optional<ValueSieve> SieveOf(std::size_t plan, const Choice& chosen) const;
  [[nodiscard]] Choice WithFewerIn(std::size_t plan);

  const SignatureClass& class_;
  Seen seen_;
  std::vector<double> rates_;  // per set how many looks at its signature an event would cause
  std::vector<bool> allowed_;  // per plan, whether a signature may wait in it
  std::uint64_t barred_ = 0;   // bits of the plans that are not allowed
  Choice chosen_;
};

}  // namespace faultline
