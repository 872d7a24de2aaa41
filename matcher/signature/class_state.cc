// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/class_state.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "matcher/signature/witness_choice.h"

namespace faultline {
namespace {

// Events of a class after which its witnesses are chosen anew, by what was seen.
constexpr std::uint64_t kChooseAt[] = {64, 512, 4096, 32768};
constexpr std::uint64_t kAllMeasured = 512;
constexpr unsigned kMeasuredBits = 4;       // then one event in 2^4, of no period that a stream has
constexpr std::uint32_t kFewestAsked = 64;  // times before a sieve is judged
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

bool ClassState::Measured() const noexcept {
  if (events >= *std::prev(std::end(kChooseAt))) return false;
  return events < kAllMeasured || events * 0x9e3779b97f4a7c15 >> (64 - kMeasuredBits) == 0;
}

// As the memo has noted it since the last choice.
bool ClassState::Idle(std::uint32_t plan, FieldMemo::Kept kept) noexcept {
  FieldMemo& memo = memos.data()[plan];
  std::uint8_t mark = memo.Mark(kept);
  if (mark >> 1 != choices_) {
    const std::span<const PredicateId> held = memo.Held(kept);
    const bool idle = std::all_of(held.begin(), held.end(), [this](PredicateId id) {
      return first_waiting[id] == first_waiting[id + 1];
    });
    mark = static_cast<std::uint8_t>(choices_ << 1 | (idle ? 1 : 0));
    memo.Mark(kept, mark);
  }
  return (mark & 1) != 0;
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
  if (raw.size() < ValueSieve::kShortestValue || hidden.Meets(at.sieve.letters())) return false;
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

void ClassState::ChooseWitnesses() {
  ++choices_;
  always.clear();
  eager.clear();
  std::vector<bool> waited_for(cls->plans.size());
  first_waiting.assign(cls->predicate_count + 1, 0);
  if (!witnesses) {
    for (std::uint32_t m = 0; m < cls->members.size(); ++m) always.push_back(m);
    return;
  }
  WitnessChoice choice(*cls, {scans, longs, seen});
  if (events != 0) {
    choice.DropFields();
    auto made = choice.MakeSieves();
    for (std::size_t p = 0; p < made.size(); ++p) {
      sieves[p] = made[p] ? std::make_unique<PlanSieve>(std::move(*made[p])) : nullptr;
    }
  } else {  // all that can be chosen are measured
    for (WitnessSets::SetId set = 0; set < cls->witnesses.size(); ++set) {
      for (const PredicateId id : cls->witnesses[set]) waited_for[cls->plan_of[id]] = true;
    }
  }
  for (std::uint32_t m = 0; m < cls->members.size(); ++m) {
    const auto ids = choice.WaitedFor(m);
    if (ids.empty()) always.push_back(m);
    for (const PredicateId id : ids) {
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
  for (std::uint32_t m = 0; m < cls->members.size(); ++m) {
    for (const PredicateId id : choice.WaitedFor(m)) waiting[next[id]++] = m;
  }
}

}  // namespace faultline
