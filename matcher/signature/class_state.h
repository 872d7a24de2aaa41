// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "matcher/signature/field_memo.h"
#include "matcher/signature/rule_set.h"
#include "matcher/signature/signature_class.h"
#include "matcher/signature/text_view.h"
#include "matcher/signature/truth.h"
#include "matcher/signature/value_sieve.h"

namespace faultline {

// The values of one field, ready for predicates that are asked one by one.
struct PreparedField {
  std::uint64_t scanned = 0;  // epoch in which its literals were answered
  std::uint64_t idle = 0;     // ... or left in `kept`, as no member waits for one that holds
  std::uint64_t decoded = 0;  // ... and in which `texts` was filled
  FieldMemo::Kept kept = FieldMemo::kUnknown;  // of the value that was scanned, where it is kept
  std::vector<TextView> texts;
};

// What tells quickly that no member waits for anything that a long value of a field holds, and how often
// it did not: where it seldom does it is dropped.
struct PlanSieve {
  explicit PlanSieve(ValueSieve the_sieve) : sieve(std::move(the_sieve)) {}

  ValueSieve sieve;
  std::uint32_t asked = 0, passed = 0;
};

// A class and what a worker keeps for it: what holds for the event at hand, what its values were known
// to hold, and which witness each signature waits for.
//
// Place      SignatureClass -> [ClassState] -> Matcher, which works on it.
// Memory     A few bytes for each predicate and member, and the memos.
// Threads    Confined to one thread; class and budget outlive it.
struct ClassState {
  ClassState(const SignatureClass* the_class, std::uint32_t the_number,
             const MatcherOptions& options, MemoBudget* budget, std::uint64_t seed);

  // Whether it is counted what holds for the event at hand: for all of the first events, then for some,
  // until the witnesses are chosen for the last time.
  [[nodiscard]] bool Measured() const noexcept;
  // Whether no member waits for anything that held for a value of the plan's memo.
  [[nodiscard]] bool Idle(std::uint32_t plan, FieldMemo::Kept kept) noexcept;
  // One event more. After some of them the witnesses are chosen anew.
  void CountEvent();

  // Whether the only value of a field, a string, holds nothing that a member waits for. `hidden`: what
  // ASCII the event may hide.
  // Requires: the plan has a sieve; valid UTF-8.
  [[nodiscard]] bool RulesOut(std::uint32_t plan, std::string_view raw,
                              const AsciiSet& hidden) noexcept;
  // A sieve has not spared a scan: the value passed, or a rule asked for it later.
  void MissedBySieve(std::uint32_t plan) noexcept;

  const SignatureClass* cls;
  std::uint32_t number;                            // among the worker's
  bool witnesses;                                  // else every member is always looked at
  Truth truth;                                     // what holds for the event at hand
  Truth known;                                     // lazy predicates that were evaluated for it
  std::vector<PreparedField> fields;               // per plan
  std::vector<FieldMemo> memos;                    // per plan
  std::vector<std::unique_ptr<PlanSieve>> sieves;  // per plan; null: none
  std::vector<std::uint32_t> eager;                // plans whose literals some member waits for
  std::vector<std::uint32_t> always;               // members without witnesses
  // Per predicate the members that wait for it: waiting[first_waiting[id] .. first_waiting[id + 1]).
  std::vector<std::uint32_t> first_waiting, waiting;
  std::vector<char> prepared;        // per predicate, whether a lazy one has its scratch
  std::vector<std::uint32_t> scans;  // per plan, measured events in which it was eager
  std::vector<std::uint32_t> longs;  // per plan, values of those that a sieve could be asked of
  std::vector<std::uint32_t> seen;   // per predicate, in how many of those it held
  std::vector<std::uint64_t> marks;  // per member, epoch in which it was triggered
  std::vector<std::uint32_t> triggered;
  std::uint64_t events = 0;

 private:
  // By what was seen; before anything was measured all fields are looked at.
  void ChooseWitnesses();

  std::uint8_t choices_ = 0;  // how often they were chosen
};

}  // namespace faultline
