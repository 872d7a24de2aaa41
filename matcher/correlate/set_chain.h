// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "matcher/correlate/arming.h"
#include "matcher/correlate/chain_intake.h"
#include "matcher/correlate/row_judge.h"
#include "matcher/correlate/step_layout.h"

namespace faultline {

// Tells whether enough steps have occurred within a span, in any order: `temporal`.
//
// Order      Arrivals of one key come in the total order, timers between them when they are due.
// Time       Event time only. Closed: events exactly the timespan apart count together.
// State      Per key the newest occurrence of each step (a newer one makes an older one needless), and
//            what waits for the deadline of an `after`.
class SetChain {
 public:
  struct State {
    BoundRefs newest;    // a row with gaps; empty: no step
    BoundRefs waiting;   // likewise: what was complete and waits for `deadline`
    EventTime deadline;  // of use while something waits

    [[nodiscard]] bool empty() const noexcept { return newest.empty() && waiting.empty(); }
  };

  SetChain(const sigma::CorrelationRule& rule, const ChainIntake& intake);

  // Takes one arrival: what it forbids, then the steps that occur. How many partial matches went for
  // want of room: none here.
  std::size_t Observe(State& state, const ChainArrival& arrival, const AbsenceWatch::State& before,
                      const RowJudge& judge) const;
  // How it stands behind an arrival. Complete but for a deadline: waits from now on.
  [[nodiscard]] Standing Look(State& state, const ChainArrival& arrival,
                              const RowJudge& judge) const;
  // How it stands when a deadline is over, at the deadline; nothing when none is due then.
  [[nodiscard]] std::optional<Standing> LookAtDeadline(State& state, EventTime due,
                                                       const RowJudge& judge) const;
  // How it stands 1 ns behind `due`, the last instant of some step; nothing when there is none.
  [[nodiscard]] std::optional<Standing> LookBehind(State& state, EventTime due,
                                                   const RowJudge& judge) const;
  // When those must be asked next; Max() for never.
  [[nodiscard]] EventTime NextDeadline(const State& state) const;
  [[nodiscard]] EventTime NextExpiry(const State& state) const;

  void Expire(State& state, EventTime now) const;
  // What is bound at `now`.
  [[nodiscard]] BoundRefs RowAt(const State& state, EventTime now) const;
  [[nodiscard]] std::uint32_t Rank(const State& state) const;  // steps bound
  [[nodiscard]] std::int64_t BytesOf(const State& state) const;
  // What it waits for and until when, for people.
  void Describe(const State& state, Operator::Open& open) const;

  void Save(const State& state, StateWriter& out, BoundWriter& bounds) const;
  [[nodiscard]] State Load(StateReader& in, BoundReader& bounds) const;

 private:
  [[nodiscard]] std::vector<bool> SeenIn(const BoundRefs& row) const;
  [[nodiscard]] EventTime LastDeadline(const BoundRefs& row) const;
  [[nodiscard]] EventTime HoldsUntil(const BoundRefs& row) const;
  [[nodiscard]] EventTime FirstExpiry(const BoundRefs& row) const;
  void Clear(BoundRefs& row, std::size_t step) const;
  void SaveRow(const BoundRefs& row, StateWriter& out, BoundWriter& bounds) const;
  [[nodiscard]] BoundRefs LoadRow(StateReader& in, BoundReader& bounds) const;

  const sigma::CorrelationRule* rule_;  // outlives this, as does the intake
  const AbsenceWatch* absences_;
  StepLayout layout_;
};

}  // namespace faultline
