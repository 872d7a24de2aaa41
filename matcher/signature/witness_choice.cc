// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/witness_choice.h"

#include <algorithm>
#include <utility>

namespace faultline {
namespace {

// Looks at signatures that cost as much as a field of every event.
constexpr double kLooksForAField = 0.5;
// Looks per event that may come instead of waiting in a field whose long values a sieve then rules out.
constexpr double kLooksForASieve = 0.05;
constexpr std::uint32_t kMostForASieve = 32;  // that is waited for in a field
constexpr std::uint32_t kScansForALong = 8;   // that a sieve is made for: so many at most

}  // namespace

WitnessChoice::WitnessChoice(const SignatureClass& of, const Seen& seen)
    : class_(of),
      seen_(seen),
      rates_(of.witnesses.size()),
      allowed_(of.plans.size(), true),
      chosen_(of.members.size()) {
  std::vector<double> of_one(of.predicate_count);
  for (std::size_t id = 0; id < of_one.size(); ++id) {
    if (seen.held[id] == 0) continue;
    of_one[id] = seen.held[id] / static_cast<double>(std::max(1u, seen.scans[of.plan_of[id]]));
  }
  for (SetId set = 0; set < rates_.size(); ++set) {
    for (const PredicateId id : of.witnesses[set]) rates_.data()[set] += of_one.data()[id];
  }
  for (std::size_t s = 0; s < chosen_.size(); ++s) chosen_[s] = BestSet(s);
}

// Of the signature's sets that are allowed the one seen least.
WitnessChoice::SetId WitnessChoice::BestSet(std::size_t signature) const noexcept {
  const double* const rates = rates_.data();
  SetId best = kNone;
  for (SetId set = class_.witnesses.first(signature); set < class_.witnesses.first(signature + 1);
       ++set) {
    if ((best == kNone || rates[set] < rates[best]) && Allowed(set)) best = set;
  }
  return best;
}

bool WitnessChoice::Allowed(SetId set) const noexcept {
  if ((class_.witnesses.plans(set) & barred_) == 0) return true;
  const auto ids = class_.witnesses[set];
  return std::all_of(ids.begin(), ids.end(),
                     [this](PredicateId id) { return allowed_[class_.plan_of[id]]; });
}

bool WitnessChoice::WaitsIn(std::size_t plan, SetId set) const noexcept {
  if (set == kNone || (class_.witnesses.plans(set) & WitnessSets::BitOf(plan)) == 0) return false;
  const auto ids = class_.witnesses[set];
  return std::any_of(ids.begin(), ids.end(),
                     [&](PredicateId id) { return class_.plan_of[id] == plan; });
}

void WitnessChoice::DropFields() {
  for (std::size_t p = 0; p < allowed_.size(); ++p) {
    const std::uint64_t barred_before = barred_;
    allowed_[p] = false;
    barred_ |= WitnessSets::BitOf(p);
    std::vector<std::pair<std::size_t, SetId>> instead;  // signature, its set without the field
    double more = 0;                                     // looks at signatures per event
    for (std::size_t s = 0; s < chosen_.size() && more < kLooksForAField; ++s) {
      if (!WaitsIn(p, chosen_[s])) continue;
      const SetId other = BestSet(s);
      instead.emplace_back(s, other);
      more += other == kNone ? kLooksForAField : rates_[other] - rates_[chosen_[s]];
    }
    if (more < kLooksForAField) {
      for (const auto& [s, other] : instead) chosen_[s] = other;
    } else {
      allowed_[p] = true;
      barred_ = barred_before;
    }
  }
}

std::optional<ValueSieve> WitnessChoice::SieveOf(std::size_t plan, const Choice& chosen) const {
  std::vector<Clue> clues;
  for (const SetId set : chosen) {
    if (!WaitsIn(plan, set)) continue;
    for (const PredicateId id : class_.witnesses[set]) {
      if (class_.plan_of[id] == plan) clues.push_back(class_.clues[id]);
    }
  }
  return ValueSieve::Make(clues);
}

// With those elsewhere that cause few looks there.
WitnessChoice::Choice WitnessChoice::WithFewerIn(std::size_t plan) {
  Choice fewer = chosen_;
  double more = 0;
  const std::uint64_t barred_before = barred_;
  allowed_[plan] = false;
  barred_ |= WitnessSets::BitOf(plan);
  for (std::size_t s = 0; s < fewer.size(); ++s) {
    if (!WaitsIn(plan, chosen_[s])) continue;
    const SetId other = BestSet(s);
    if (other == kNone) continue;
    const double looks = rates_[other] - rates_[chosen_[s]];
    if (more + looks > kLooksForASieve) continue;
    more += looks;
    fewer[s] = other;
  }
  allowed_[plan] = true;
  barred_ = barred_before;
  return fewer;
}

std::vector<std::optional<ValueSieve>> WitnessChoice::MakeSieves() {
  std::vector<std::uint32_t> waited_for(allowed_.size());
  for (std::size_t s = 0; s < chosen_.size(); ++s) {
    for (const PredicateId id : WaitedFor(s)) ++waited_for[class_.plan_of[id]];
  }
  const auto pays = [&](std::size_t p) {
    return waited_for[p] > 0 && waited_for[p] <= kMostForASieve && seen_.longs[p] > 0 &&
           seen_.scans[p] / seen_.longs[p] < kScansForALong;
  };
  for (std::size_t p = 0; p < allowed_.size(); ++p) {
    if (!pays(p)) continue;
    Choice fewer = WithFewerIn(p);
    if (SieveOf(p, fewer)) chosen_ = std::move(fewer);
  }
  std::vector<std::optional<ValueSieve>> sieves(allowed_.size());
  for (std::size_t p = 0; p < sieves.size(); ++p) {
    if (pays(p)) sieves[p] = SieveOf(p, chosen_);
  }
  return sieves;
}

}  // namespace faultline
