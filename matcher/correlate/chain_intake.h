// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "matcher/correlate/absence_watch.h"
#include "matcher/correlate/bound_ref.h"
#include "matcher/correlate/step_counter.h"

namespace faultline {

// A step that occurs, with its evidence (step.times events, the step's own last).
struct Occurrence {
  std::uint32_t step = 0;
  BoundRefs evidence;
};

// What one arrival says to a chain.
struct ChainArrival {
  EventTime time;
  bool until = false;
  std::vector<AbsentEvent> absent;
  std::vector<Occurrence> occurrences;  // by step, ascending
  std::span<const InputHit> deciding;   // all of it
};

// Sorts out, for sets and sequences alike, what an arrival says: which steps occur, what is absent no
// more, what ends everything.
//
// Order      Arrivals of one key come in the total order.
// State      Per key what steps with `times` have counted and what `before` looks back at.
class ChainIntake {
 public:
  struct State {
    std::vector<StepCounter::State> counters;  // per step; empty while no `times` has counted
    AbsenceWatch::State before;

    [[nodiscard]] bool empty() const noexcept { return counters.empty() && before.seen.empty(); }
  };

  explicit ChainIntake(const sigma::CorrelationRule& rule);

  // Some hit is of a step's rule, of an absent or of an `until` one.
  [[nodiscard]] bool Concerns(const Arrival& arrival) const;
  // Counts the arrival's events, behind what `until` drops.
  [[nodiscard]] ChainArrival Take(State& state, const Arrival& arrival) const;
  // Keeps what later steps look back at, once those of this arrival were tried; how many events went
  // for want of room.
  std::size_t Remember(State& state, const ChainArrival& arrival) const {
    return absences_.Remember(state.before, arrival.absent);
  }
  void Expire(State& state, EventTime now) const;

  [[nodiscard]] const AbsenceWatch& absences() const noexcept { return absences_; }
  // How long after an event something of it may still count, at most.
  [[nodiscard]] std::chrono::nanoseconds keep() const noexcept { return keep_; }

  [[nodiscard]] std::int64_t BytesOf(const State& state) const;
  // The counter that has come farthest, as "2 of 3 NAME"; empty when none counts.
  [[nodiscard]] std::string Progress(const State& state) const;
  void Save(const State& state, StateWriter& out, BoundWriter& bounds) const;
  [[nodiscard]] State Load(StateReader& in, BoundReader& bounds) const;

 private:
  struct Use {  // of one input
    std::vector<std::uint32_t> steps, absences;
    bool until = false;
  };

  const sigma::CorrelationRule* rule_;  // outlives this
  std::vector<Use> uses_;               // per input
  std::vector<StepCounter> counters_;   // per step
  AbsenceWatch absences_;
  std::chrono::nanoseconds keep_;
};

}  // namespace faultline
