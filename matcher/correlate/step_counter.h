// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>

#include "matcher/correlate/bound_ref.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// Tells when a step occurs: at each of its events, or with `times` at each at which so many of the
// newest (with `distinct`: the newest of each of so many values), this one included, lie close enough.
//
// Order      Events of one key come in the total order.
// Time       Event time only. Closed: events exactly `times_within` apart count together.
// State      Per key the newest `times` events; none where one event is enough.
class StepCounter {
 public:
  struct State {
    BoundRefs newest;  // oldest first; with `distinct` one for each value
  };

  // `span`: the timespan, where the step does not say `within`.
  StepCounter(const sigma::Step& step, std::chrono::nanoseconds span);

  // Takes in one event. The evidence, `times` events with this one last; empty when the step does not
  // occur. An event without the `distinct` field does not count.
  [[nodiscard]] BoundRefs Observe(State& state, const BoundRef& event) const;
  // Forgets what cannot count at `now` any more.
  void Expire(State& state, EventTime now) const;

  // How many events an occurrence has.
  [[nodiscard]] std::size_t times() const noexcept { return step_->times; }
  [[nodiscard]] std::chrono::nanoseconds within() const noexcept { return within_; }
  // False for what Observe() never leaves behind.
  [[nodiscard]] bool Fits(const State& state) const;

 private:
  const sigma::Step* step_;  // the rule's, which outlives it
  std::chrono::nanoseconds within_;
};

}  // namespace faultline
