// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/window.h"

namespace faultline {

bool CountWindow::Observe(State& state, const BoundEvent& event) const {
  const EventTime from = event.time - config_.span;
  while (!state.last.empty() && state.last.front().time < from) state.last.pop_front();
  if (state.last.size() < config_.threshold) state.on = false;
  if (state.last.size() == config_.threshold) state.last.pop_front();
  state.last.push_back(event);
  if (state.on || state.last.size() < config_.threshold) return false;
  state.on = true;
  return true;
}

std::vector<BoundEvent> CountWindow::Evidence(const State& state) const {
  return {state.last.begin(), state.last.end()};
}

}  // namespace faultline
