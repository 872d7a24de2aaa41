// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_time.h"
#include "matcher/correlate/bound_ref.h"
#include "matcher/correlate/state_codec.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// Whether a chain's predicate is true now.
struct Standing {
  bool holds = false;
  EventTime until;  // where it holds: the last instant, if nothing else comes
  BoundRefs row;    // where it holds: what it rests on
};

// Decides when a predicate that is true fires: once, until it has been false, or again as `refire` says.
//
// Time       Event time only.
// State      Per key whether it held when last looked at, up to when, and when it fired.
class Arming {
 public:
  struct State {
    bool on = false;
    EventTime until;  // of use while `on`
    EventTime fired;  // likewise
  };

  explicit Arming(const sigma::CorrelationRule& rule) : rule_(&rule) {}

  // Looks at the predicate at `at`, after an arrival of a step's rule or not; `before` is the last
  // instant before that arrival or timer. True when it fires.
  [[nodiscard]] bool Look(State& state, const Standing& standing, EventTime before, EventTime at,
                          bool step_arrived) const {
    const bool was = Holds(state, before);
    state = {standing.holds, standing.holds ? standing.until : EventTime(),
             standing.holds ? state.fired : EventTime()};
    if (!standing.holds || (was && !(step_arrived && Again(state, at)))) return false;
    state.fired = at;
    return true;
  }

  // What it rests on has expired in part: it holds on where it still holds; else time arms it.
  static void Extend(State& state, const Standing& left) {
    if (state.on && left.holds) state.until = left.until;
  }

  // It held when last looked at and nothing but time has passed.
  [[nodiscard]] static bool Holds(const State& state, EventTime at) {
    return state.on && at <= state.until;
  }

  static void Save(const State& state, StateWriter& out) {
    out.Bool(state.on);
    out.Time(state.until);
    out.Time(state.fired);
  }
  [[nodiscard]] static State Load(StateReader& in) {
    State state;
    state.on = in.Bool();
    state.until = in.Time();
    state.fired = in.Time();
    return state;
  }

 private:
  [[nodiscard]] bool Again(const State& state, EventTime at) const {
    return rule_->refire == sigma::RefireKind::kEvery ||
           (rule_->refire == sigma::RefireKind::kAfter && at >= state.fired + rule_->refire_after);
  }

  const sigma::CorrelationRule* rule_;  // outlives this
};

}  // namespace faultline
