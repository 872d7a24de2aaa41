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
// Looks per event that may come instead of waiting in a field whose long values a sieve then rules out.
constexpr double kLooksForASieve = 0.05;
constexpr std::uint32_t kMostForASieve = 32;  // that is waited for in a field
constexpr std::uint32_t kScansForALong = 8;   // that a sieve is made for: so many at most
constexpr std::uint64_t kMeasured = 16;       // one event in so many, whatever sieves would say
constexpr std::uint32_t kFewestAsked = 64;    // times before a sieve is judged
constexpr std::uint32_t kPassedForOne = 8;

}  // namespace

ClassState::ClassState(const SignatureClass* the_class, std::uint32_t the_number,
                       const MatcherOptions& options, MemoBudget* budget, std::uint64_t seed)
    : cls(the_class),
      number(the_number),
      witnesses(options.witnesses),
      truth(cls->predicate_count),
      known(cls->predicate_count),
      fields(cls->plans.size()),
      sieves(cls->plans.size()),
      prepared(cls->predicate_count, 0),
      scans(cls->plans.size(), 0),
      longs(cls->plans.size(), 0),
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

bool ClassState::RulesOut(std::uint32_t plan, std::string_view raw,
                          const AsciiSet& hidden) noexcept {
  PlanSieve& at = *sieves.data()[plan];
  if (raw.size() < ValueSieve::kShortestValue || events % kMeasured == 0 ||
      hidden.Meets(at.sieve.letters())) {
    return false;
  }
  ++at.asked;
  if (!at.sieve.MayHold(raw)) return true;
  MissedBySieve(plan);
  return false;
}

void ClassState::MissedBySieve(std::uint32_t plan) noexcept {
  std::unique_ptr<PlanSieve>& at = sieves.data()[plan];
  if (at == nullptr) return;
  if (++at->passed > at->asked / kPassedForOne && at->asked >= kFewestAsked) at.reset();
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
      if (!WaitsIn(p, sets[chosen[m]])) continue;
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

bool ClassState::WaitsIn(std::size_t plan, const SignatureClass::WitnessSet& set) const {
  return std::any_of(set.begin(), set.end(),
                     [&](PredicateId id) { return cls->plan_of[id] == plan; });
}

std::optional<ValueSieve> ClassState::SieveOf(std::size_t plan, const Choice& chosen) const {
  std::vector<Clue> clues;
  for (std::size_t m = 0; m < chosen.size(); ++m) {
    const auto& sets = cls->members[m].witnesses;
    if (chosen[m] == sets.size()) continue;
    for (const PredicateId id : sets[chosen[m]]) {
      if (cls->plan_of[id] == plan) clues.push_back(cls->clues[id]);
    }
  }
  return ValueSieve::Make(clues);
}

// Where too much is waited for in a field, some signatures may as well wait elsewhere.
void ClassState::MakeSieves(std::vector<bool>& allowed, const Rates& rates, Choice& chosen) {
  std::vector<std::uint32_t> waited_for(sieves.size());
  for (std::size_t m = 0; m < chosen.size(); ++m) {
    const auto& sets = cls->members[m].witnesses;
    if (chosen[m] == sets.size()) continue;
    for (const PredicateId id : sets[chosen[m]]) ++waited_for[cls->plan_of[id]];
  }
  const auto pays = [&](std::size_t p) {
    return waited_for[p] > 0 && waited_for[p] <= kMostForASieve && longs[p] > 0 &&
           scans[p] / longs[p] < kScansForALong;
  };
  for (std::size_t p = 0; p < sieves.size(); ++p) {
    if (!pays(p) || SieveOf(p, chosen)) continue;
    Choice fewer = chosen;
    double more = 0;
    allowed[p] = false;
    for (std::size_t m = 0; m < chosen.size(); ++m) {
      const auto& sets = cls->members[m].witnesses;
      if (chosen[m] == sets.size() || !WaitsIn(p, sets[chosen[m]])) continue;
      const std::size_t other = BestSet(m, allowed, rates);
      if (other == sets.size()) continue;
      const double looks = rates[m][other] - rates[m][chosen[m]];
      if (more + looks > kLooksForASieve) continue;
      more += looks;
      fewer[m] = other;
    }
    allowed[p] = true;
    if (SieveOf(p, fewer)) chosen = std::move(fewer);
  }
  for (std::size_t p = 0; p < sieves.size(); ++p) {
    auto sieve = pays(p) ? SieveOf(p, chosen) : std::nullopt;
    sieves[p] = sieve ? std::make_unique<PlanSieve>(std::move(*sieve)) : nullptr;
  }
}

void ClassState::ChooseWitnesses() {
  std::vector<bool> allowed(cls->plans.size(), true);
  const Rates rates = MeasuredRates();
  Choice best(cls->members.size());
  for (std::size_t m = 0; m < best.size(); ++m) best[m] = BestSet(m, allowed, rates);
  if (events != 0) {
    DropFields(allowed, rates, best);
    MakeSieves(allowed, rates, best);
  }
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
