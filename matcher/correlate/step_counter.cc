// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/step_counter.h"

#include <algorithm>

namespace faultline {

StepCounter::StepCounter(const sigma::Step& step, std::chrono::nanoseconds span)
    : step_(&step), within_(step.times_within.value_or(span)) {}

BoundRefs StepCounter::Observe(State& state, const BoundRef& event) const {
  const std::string* value = nullptr;
  if (!step_->distinct.empty()) {
    value = event->Find(step_->distinct);
    if (value == nullptr) return {};
  }
  if (step_->times == 1) return {event};
  Expire(state, event->time);
  if (value != nullptr) {
    const auto same =
        std::find_if(state.newest.begin(), state.newest.end(),
                     [&](const BoundRef& held) { return *held->Find(step_->distinct) == *value; });
    if (same != state.newest.end()) state.newest.erase(same);
  }
  state.newest.push_back(event);
  if (state.newest.size() > step_->times) state.newest.erase(state.newest.begin());
  return state.newest.size() < step_->times ? BoundRefs() : state.newest;
}

void StepCounter::Expire(State& state, EventTime now) const {
  const EventTime from = now - within_;
  const auto kept = std::find_if(state.newest.begin(), state.newest.end(),
                                 [from](const BoundRef& held) { return held->time >= from; });
  state.newest.erase(state.newest.begin(), kept);
}

bool StepCounter::Fits(const State& state) const {
  if (step_->times == 1 ? !state.newest.empty() : state.newest.size() > step_->times) return false;
  return step_->distinct.empty() ||
         std::all_of(state.newest.begin(), state.newest.end(), [this](const BoundRef& held) {
           return held->Find(step_->distinct) != nullptr;
         });
}

}  // namespace faultline
