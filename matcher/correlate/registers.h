// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"
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
// Memory     At most kMaxObservations a register and key; keys capped by Limits, the least recently
//            touched one goes; both counted.
// Threads    Confined to its correlator. Borrows the rule.
class Registers {
 public:
  static constexpr std::size_t kMaxObservations = 1024;

  Registers(const sigma::CorrelationRule& rule, const Operator::Limits& limits);

  // Takes in what one event (or timer) says, resets first. What was there before it stays readable
  // as `previous` until the next call. Hits without a `by` field are not taken in.
  void Observe(EventTime at, std::span<const InputHit> hits);

  // The register's value for a key at `at`; absent where nothing is there.
  [[nodiscard]] sigma::ExprValue Read(std::uint32_t index, const Digest& key, EventTime at,
                                      bool previous) const;
  // Observations of a `times` register in [from, to] that are still there at `at`.
  [[nodiscard]] std::int64_t CountTimes(std::uint32_t index, const Digest& key, EventTime at,
                                        EventTime from, EventTime to) const;

  // The key of register `index` for those `by` values, in the rule's order.
  [[nodiscard]] Digest KeyOf(std::uint32_t index, const std::vector<std::string>& values) const;

  void ExpireBefore(EventTime time);
  [[nodiscard]] Operator::Numbers numbers() const;
  void Save(StateWriter& out) const;
  [[nodiscard]] bool Load(StateReader& in);
};

}  // namespace faultline
