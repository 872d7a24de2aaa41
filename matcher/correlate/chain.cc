// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/chain.h"

#include <algorithm>
#include <tuple>

namespace faultline {

bool SetWindow::Holds(const State& state, EventTime at) const {
  std::uint32_t seen = 0;
  for (const auto& event : state.newest) {
    if (event && event->time >= at - config_.span) ++seen;
  }
  return seen >= config_.threshold;
}

bool SetWindow::Observe(State& state, const std::vector<std::uint32_t>& members,
                        const std::vector<BoundEvent>& bound) const {
  state.newest.resize(config_.members);
  const EventTime at = bound.front().time;
  state.on = state.on && Holds(state, at);
  for (std::size_t i = 0; i < members.size(); ++i) state.newest[members[i]] = bound[i];
  if (state.on || !Holds(state, at)) return false;
  state.on = true;
  return true;
}

std::vector<BoundEvent> SetWindow::Evidence(const State& state, EventTime at) const {
  std::vector<BoundEvent> events;
  for (const auto& event : state.newest) {
    if (event && event->time >= at - config_.span) events.push_back(*event);
  }
  std::stable_sort(events.begin(), events.end(), [](const BoundEvent& a, const BoundEvent& b) {
    return std::tie(a.time, a.origin) < std::tie(b.time, b.origin);
  });
  return events;
}

bool SequenceWindow::Holds(const State& state, EventTime at) const {
  const auto& whole = state.prefix.back();
  return !whole.empty() && whole.front().time >= at - config_.span;
}

bool SequenceWindow::Observe(State& state, const std::vector<std::uint32_t>& steps,
                             const std::vector<BoundEvent>& bound) const {
  state.prefix.resize(config_.steps);
  const EventTime at = bound.front().time;
  state.on = state.on && Holds(state, at);
  // Last step first: the event may extend what earlier events built, never itself.
  std::vector<std::size_t> order(steps.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&steps](std::size_t a, std::size_t b) { return steps[a] > steps[b]; });
  for (const std::size_t i : order) {
    const std::uint32_t step = steps[i];
    if (step == 0) {
      state.prefix[0] = {bound[i]};
    } else if (!state.prefix[step - 1].empty()) {
      // The shorter prefix is at least as new as the one that was extended before.
      state.prefix[step] = state.prefix[step - 1];
      state.prefix[step].push_back(bound[i]);
    }
  }
  if (state.on || !Holds(state, at)) return false;
  state.on = true;
  return true;
}

std::vector<BoundEvent> SequenceWindow::Evidence(const State& state) const {
  return state.prefix.back();
}

}  // namespace faultline
