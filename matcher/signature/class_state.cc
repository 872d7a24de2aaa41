// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/class_state.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace faultline {
namespace {

// Events of a class after which its witnesses are chosen anew, by what was seen.
constexpr std::uint64_t kChooseAt[] = {64, 512, 4096, 32768};
// Looks at signatures that cost as much as a field of every event.
constexpr double kLooksForAField = 0.5;

}  // namespace

ClassState::ClassState(const SignatureClass* the_class, std::uint32_t the_number,
                       const MatcherOptions& options, MemoBudget* budget, std::uint64_t seed)
    : cls(the_class),
      number(the_number),
      witnesses(options.witnesses),
      truth(cls->predicate_count),
      known(cls->predicate_count),
      fields(cls->plans.size()),
      prepared(cls->predicate_count, 0),
      scans(cls->plans.size(), 0),
      seen(cls->predicate_count, 0),
      marks(cls->members.size(), 0) {
  for (std::size_t p = 0; p < cls->plans.size(); ++p)
    memos.emplace_back(budget, seed, options.memo);
  triggered.reserve(cls->members.size());
  ChooseWitnesses();
}

void ClassState::CountEvent() {
  ++events;
  if (std::find(std::begin(kChooseAt), std::end(kChooseAt), events) != std::end(kChooseAt)) {
    ChooseWitnesses();
  }
}

ClassState::Rates ClassState::MeasuredRates() const {
  Rates rates(cls->members.size());
  for (std::size_t m = 0; m < rates.size(); ++m) {
    for (const SignatureClass::WitnessSet& set : cls->members[m].witnesses) {
      double& rate = rates[m].emplace_back(0);
      for (const PredicateId id : set) {
        rate += seen[id] / static_cast<double>(std::max(1u, scans[cls->plan_of[id]]));
      }
    }
  }
  return rates;
}

// The number of the member's set that was seen least; that of its sets where none will do.
std::size_t ClassState::BestSet(std::size_t member, const std::vector<bool>& allowed,
                                const Rates& rates) const {
  const auto& sets = cls->members[member].witnesses;
  std::size_t best = sets.size();
  for (std::size_t i = 0; witnesses && i < sets.size(); ++i) {
    if (best != sets.size() && rates[member][i] >= rates[member][best]) continue;
    if (std::all_of(sets[i].begin(), sets[i].end(),
                    [&](PredicateId id) { return allowed[cls->plan_of[id]]; })) {
      best = i;
    }
  }
  return best;
}

// A field that few signatures gain from is looked at only when a signature asks for it.
void ClassState::DropFields(std::vector<bool>& allowed, const Rates& rates, Choice& chosen) const {
  for (std::size_t p = 0; p < allowed.size(); ++p) {
    allowed[p] = false;
    std::vector<std::pair<std::size_t, std::size_t>> instead;  // member, its set without the field
    double more = 0;                                           // looks at members per event
    for (std::size_t m = 0; m < chosen.size() && more < kLooksForAField; ++m) {
      const auto& sets = cls->members[m].witnesses;
      if (chosen[m] == sets.size()) continue;
      const SignatureClass::WitnessSet& set = sets[chosen[m]];
      if (std::none_of(set.begin(), set.end(),
                       [&](PredicateId id) { return cls->plan_of[id] == p; })) {
        continue;
      }
      const std::size_t other = BestSet(m, allowed, rates);
      instead.emplace_back(m, other);
      more += other == sets.size() ? kLooksForAField : rates[m][other] - rates[m][chosen[m]];
    }
    if (more < kLooksForAField) {
      for (const auto& [m, other] : instead) chosen[m] = other;
    } else {
      allowed[p] = true;
    }
  }
}

void ClassState::ChooseWitnesses() {
  std::vector<bool> allowed(cls->plans.size(), true);
  const Rates rates = MeasuredRates();
  Choice best(cls->members.size());
  for (std::size_t m = 0; m < best.size(); ++m) best[m] = BestSet(m, allowed, rates);
  if (events != 0) DropFields(allowed, rates, best);
  std::vector<const SignatureClass::WitnessSet*> chosen;  // null: none
  for (std::size_t m = 0; m < best.size(); ++m) {
    const auto& sets = cls->members[m].witnesses;
    chosen.push_back(best[m] == sets.size() ? nullptr : &sets[best[m]]);
  }
  always.clear();
  eager.clear();
  std::vector<bool> waited_for(cls->plans.size());
  if (events == 0 && witnesses) {  // all that can be chosen are measured
    for (const SignatureClass::Member& member : cls->members) {
      for (const SignatureClass::WitnessSet& set : member.witnesses) {
        for (const PredicateId id : set) waited_for[cls->plan_of[id]] = true;
      }
    }
  }
  first_waiting.assign(cls->predicate_count + 1, 0);
  for (std::uint32_t m = 0; m < chosen.size(); ++m) {
    if (chosen[m] == nullptr) {
      always.push_back(m);
      continue;
    }
    for (const PredicateId id : *chosen[m]) {
      ++first_waiting[id + 1];
      waited_for[cls->plan_of[id]] = true;
    }
  }
  for (std::uint32_t p = 0; p < waited_for.size(); ++p) {
    if (waited_for[p]) eager.push_back(p);
  }
  for (std::size_t id = 1; id < first_waiting.size(); ++id) {
    first_waiting[id] += first_waiting[id - 1];
  }
  waiting.resize(first_waiting.back());
  std::vector<std::uint32_t> next(first_waiting.begin(), first_waiting.end() - 1);
  for (std::uint32_t m = 0; m < chosen.size(); ++m) {
    if (chosen[m] == nullptr) continue;
    for (const PredicateId id : *chosen[m]) waiting[next[id]++] = m;
  }
}

}  // namespace faultline
