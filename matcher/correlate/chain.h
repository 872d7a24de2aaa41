// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "matcher/correlate/hit.h"

namespace faultline {

// Tells when so many different members (rules) were seen within a span, in any order.
//
// Place      ReorderBuffer -> [SetWindow] -> firing. One for each `temporal` correlation.
// Order      Events of one key come in the total order.
// Time       Event time only. Closed: members exactly `span` apart count together.
// State      Per key the newest event of each member: a newer one makes an older one needless.
class SetWindow {
 public:
  struct Config {
    std::chrono::nanoseconds span{};  // > 0
    std::uint32_t members = 1;
    std::uint32_t threshold = 1;  // 1 .. members
  };
  struct State {
    std::vector<std::optional<BoundEvent>> newest;  // per member
    bool on = false;                                // the condition holds
  };

  explicit SetWindow(const Config& config) : config_(config) {}

  // Takes one event that stands for `members` (indices, at least one); `bound[i]` is the event as
  // matched by members[i]. True when the event makes the condition true.
  [[nodiscard]] bool Observe(State& state, const std::vector<std::uint32_t>& members,
                             const std::vector<BoundEvent>& bound) const;
  // The newest event of each member within the window that ends at `at`, in the total order.
  [[nodiscard]] std::vector<BoundEvent> Evidence(const State& state, EventTime at) const;

 private:
  [[nodiscard]] bool Holds(const State& state, EventTime at) const;

  Config config_;
};

// Tells when its members were seen in their order within a span: non-decreasing times in the total
// order, one event fills one step, the newest possible first step is preferred.
//
// Place      ReorderBuffer -> [SequenceWindow] -> firing. One for each `temporal_ordered`
// correlation. Time       Event time only. Closed. State      Per key and step the prefix of the
// chain up to that step whose first event is newest: any
//            longer chain that an older prefix could complete in time, this one completes too.
class SequenceWindow {
 public:
  struct Config {
    std::chrono::nanoseconds span{};  // > 0
    std::uint32_t steps = 1;
  };
  struct State {
    std::vector<std::vector<BoundEvent>> prefix;  // per step: empty, or step + 1 events
    bool on = false;                              // the condition holds
  };

  explicit SequenceWindow(const Config& config) : config_(config) {}

  [[nodiscard]] bool Observe(State& state, const std::vector<std::uint32_t>& steps,
                             const std::vector<BoundEvent>& bound) const;
  // The complete chain, first step first.
  [[nodiscard]] std::vector<BoundEvent> Evidence(const State& state) const;

 private:
  [[nodiscard]] bool Holds(const State& state, EventTime at) const;

  Config config_;
};

}  // namespace faultline
