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

// Tells whether the steps have occurred in their order within a span: `temporal_ordered`.
//
// Order      Arrivals of one key come in the total order, timers between them when they are due. One
//            arrival fills one step of a partial match.
// Time       Event time only. Closed: events exactly the timespan apart count together.
// State      Per key the partial matches: one for each number of bound steps, with `overlap: all` up to
//            kMaxOverlap. With `ties: any` those before the present instant too, and its arrivals.
class SequenceChain {
 public:
  static constexpr std::size_t kMaxOverlap = 64;
  static constexpr std::size_t kMaxTied = 32;     // arrivals of one instant that may change places
  static constexpr std::size_t kMaxTries = 1024;  // orders of them tried at one arrival

  struct Partial {
    BoundRefs row;            // the evidence of the first `steps` steps
    std::uint32_t steps = 0;  // >= 1; all of them: complete
    bool waits = false;       // complete, but for a deadline
    EventTime deadline;       // of a complete one with an `after`; else Min()
  };
  struct State {
    std::vector<Partial> partials;  // in the order in which they were made
    // With `ties: any`, of the instant `tied_at`:
    std::vector<Partial> base;  // the partial matches that its arrivals may extend in any order
    std::vector<std::vector<Occurrence>> tied;  // ... and what those arrivals said
    EventTime tied_at;

    [[nodiscard]] bool empty() const noexcept { return partials.empty() && tied.empty(); }
  };

  SequenceChain(const sigma::CorrelationRule& rule, const ChainIntake& intake);

  // As SetChain's.
  std::size_t Observe(State& state, const ChainArrival& arrival, const AbsenceWatch::State& before,
                      const RowJudge& judge) const;
  [[nodiscard]] Standing Look(State& state, const ChainArrival& arrival,
                              const RowJudge& judge) const;
  [[nodiscard]] std::optional<Standing> LookAtDeadline(State& state, EventTime due,
                                                       const RowJudge& judge) const;
  [[nodiscard]] std::optional<Standing> LookBehind(State&, EventTime, const RowJudge&) const {
    return std::nullopt;  // expiry makes no sequence true
  }
  [[nodiscard]] EventTime NextDeadline(const State& state) const;
  [[nodiscard]] EventTime NextExpiry(const State&) const { return EventTime::Max(); }

  void Expire(State& state, EventTime now) const;
  // The complete chain, or what has come farthest.
  [[nodiscard]] BoundRefs RowAt(const State& state, EventTime now) const;
  [[nodiscard]] std::uint32_t Rank(const State& state) const;
  [[nodiscard]] std::int64_t BytesOf(const State& state) const;
  void Describe(const State& state, Operator::Open& open) const;

  void Save(const State& state, StateWriter& out, BoundWriter& bounds) const;
  [[nodiscard]] State Load(StateReader& in, BoundReader& bounds) const;

 private:
  struct Search;  // for the partial matches that an arrival makes

  [[nodiscard]] bool Complete(const Partial& partial) const;
  [[nodiscard]] EventTime LastInstant(const Partial& partial) const;
  [[nodiscard]] bool Newer(const Partial& a, const Partial& b) const;  // of equally many steps
  [[nodiscard]] bool Extends(const Partial& partial, const Occurrence& occurrence,
                             const std::vector<AbsentEvent>& same_arrival,
                             const AbsenceWatch::State& before) const;
  [[nodiscard]] bool Behind(const Bound& later, const Bound& earlier) const;
  static void LetGoOfTies(State& state);
  void Forbid(std::vector<Partial>& partials, const AbsentEvent& absent) const;
  [[nodiscard]] std::vector<Partial> Extended(const std::vector<Partial>& base,
                                              const std::vector<std::vector<Occurrence>>& tied,
                                              const std::vector<AbsentEvent>& absent,
                                              const AbsenceWatch::State& before) const;
  // Puts a new partial match in its place, as `overlap` says; how many went for want of room.
  std::size_t Place(State& state, Partial partial, const ChainArrival& arrival,
                    const RowJudge& judge) const;
  [[nodiscard]] Standing StandingOf(const State& state, EventTime now) const;
  [[nodiscard]] EventTime LastDeadline(const BoundRefs& row) const;
  void SavePartials(const std::vector<Partial>& partials, StateWriter& out,
                    BoundWriter& bounds) const;
  [[nodiscard]] std::vector<Partial> LoadPartials(StateReader& in, BoundReader& bounds) const;

  const sigma::CorrelationRule* rule_;  // outlives this, as does the intake
  const AbsenceWatch* absences_;
  StepLayout layout_;
};

}  // namespace faultline
