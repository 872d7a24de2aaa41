// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <vector>

#include "matcher/correlate/hit.h"

namespace faultline {

// Counts events within a span of event time; tells the one that lifts the count to the threshold.
//
// Place      ReorderBuffer -> [CountWindow] -> firing. One for each event_count correlation.
// Order      Events of one key come in the total order.
// Time       Event time only. Closed: events exactly `span` apart count together. The count falls
// by
//            expiry, just after `span` has passed since an event, whether or not an event is there
//            to see it.
// State      Per key the last `threshold` events: the threshold-th newest tells all.
class CountWindow {
 public:
  struct Config {
    std::chrono::nanoseconds span{};  // > 0
    std::uint32_t threshold = 1;      // >= 1
  };
  struct State {
    std::deque<BoundEvent> last;  // at most `threshold`, oldest first
    bool on = false;              // the condition holds
  };

  explicit CountWindow(const Config& config) : config_(config) {}

  // Counts one event; true when it makes the condition true. An event that matched several of the
  // correlation's rules is one event: give it once.
  [[nodiscard]] bool Observe(State& state, const BoundEvent& event) const;
  // What the condition rests on, oldest first.
  [[nodiscard]] std::vector<BoundEvent> Evidence(const State& state) const;

 private:
  Config config_;
};

}  // namespace faultline
