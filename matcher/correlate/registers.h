// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"
#include "matcher/correlate/flat_store.h"
#include "matcher/correlate/hit.h"
#include "matcher/correlate/operator.h"
#include "matcher/sigma/rule.h"

namespace faultline {

class StateReader;
class StateWriter;

// The REGISTERS of one correlation: per register and key what its rule's events said, for `ttl`
// (docs/chains-reference.md, Registers).
//
// Place      Correlator -> [Registers] -> expressions.
// Order      Events in the total order, each with all its hits, before the operator sees it.
// Time       Event time only. Closed: an observation is still there exactly `ttl` later.
// Memory     At most kMaxObservations a register and key; keys of each register capped by Limits, which
//            share the bytes evenly; the least recently touched one goes; both counted.
// Threads    Confined to its correlator. Borrows the rule.
class Registers {
 public:
  static constexpr std::size_t kMaxObservations = 1024;

  Registers(const sigma::CorrelationRule& rule, const Operator::Limits& limits);

  // Takes in what one event (or timer: maybe no hits) says, resets first. What was there before it
  // stays readable as `previous` until the next call. Hits without a `by` field are not taken in.
  void Observe(EventTime at, std::span<const InputHit> hits);

  // The register's value for a key at `at`; absent where nothing is there. A `times` register has
  // none. A sum of whole numbers beyond 64 bits is an error.
  [[nodiscard]] sigma::ExprValue Read(std::uint32_t index, const Digest& key, EventTime at,
                                      bool previous) const;
  // Observations of a `times` register in [from, to] that are still there at `at`.
  [[nodiscard]] std::int64_t CountTimes(std::uint32_t index, const Digest& key, EventTime at,
                                        EventTime from, EventTime to) const;

  // The key of register `index` for those `by` values, in the rule's order; of the group key's values
  // where it is by group.
  [[nodiscard]] Digest KeyOf(std::uint32_t index, const std::vector<std::string>& values) const;

  void ExpireBefore(EventTime time);
  [[nodiscard]] Operator::Numbers numbers() const;
  // Events without a number where max, min or sum wanted one, since the last call.
  [[nodiscard]] std::uint64_t TakeNoNumber() noexcept { return std::exchange(no_number_, 0); }
  // The whole state but for `previous`: equal states, equal bytes. Load is called on fresh registers
  // of a rule with the same semantics and refuses what does not fit.
  void Save(StateWriter& out) const;
  [[nodiscard]] bool Load(StateReader& in);

 private:
  struct Observation {
    EventTime time;
    sigma::ExprValue value;  // a text, a number or a time, as the register needs it; else absent
  };
  // Observations of one register and key, oldest first.
  struct Row {
    std::vector<Observation> held;
    std::size_t head = 0;  // those before it are gone

    [[nodiscard]] std::uint32_t rank() const noexcept { return 0; }
    [[nodiscard]] std::size_t size() const noexcept { return held.size() - head; }
    [[nodiscard]] std::span<const Observation> live() const {
      return std::span<const Observation>(held).subspan(head);
    }
    Observation TakeFront();
  };
  using Store = FlatStore<Row>;
  // What the last event changed of one register and key.
  struct Change {
    std::uint32_t index = 0;
    Digest key;
    std::vector<Observation> gone;  // stood before all that is there now
    std::size_t added = 0;          // so many at the end are new
  };

  void Reset(std::uint32_t index, const Hit& hit, std::uint32_t input);
  void TakeIn(std::uint32_t index, EventTime at, const InputHit& hit);
  void Append(std::uint32_t index, const Digest& key, const Observation& observation);
  // What the register keeps of an event; false when it keeps nothing.
  [[nodiscard]] bool ValueOf(const sigma::Register& reg, const InputHit& hit,
                             sigma::ExprValue& value);
  [[nodiscard]] std::vector<Digest> KeysOfHit(std::uint32_t index, std::uint32_t input,
                                              const Hit& hit) const;
  [[nodiscard]] Change& ChangeOf(std::uint32_t index, const Digest& key);
  // Observations still there at `at`, oldest first.
  [[nodiscard]] std::vector<const Observation*> At(std::uint32_t index, const Digest& key,
                                                   EventTime at, bool previous) const;
  [[nodiscard]] bool Fits(const sigma::Register& reg, const Observation& observation) const;

  const sigma::CorrelationRule* rule_;  // outlives this
  std::vector<Store> stores_;           // per register
  std::vector<Change> changes_;         // by the last event
  std::uint64_t no_number_ = 0;
};

}  // namespace faultline
