// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "matcher/correlate/bound_ref.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// Whether the fields of `event` equal, as text, those of the bound steps. `step_event(step)` gives a
// step's event or null; with what is not there nothing agrees.
template <class StepEvent>
[[nodiscard]] bool Agrees(const std::vector<sigma::Binding>& bind, const Bound& event,
                          StepEvent step_event) {
  for (const sigma::Binding& binding : bind) {
    const Bound* const bound = step_event(binding.step);
    const std::string* const theirs = bound != nullptr ? bound->Find(binding.step_field) : nullptr;
    const std::string* const ours = event.Find(binding.field);
    if (theirs == nullptr || ours == nullptr || *theirs != *ours) return false;
  }
  return true;
}

// An event of an absent rule: which absence, and the event.
using AbsentEvent = std::pair<std::uint32_t, BoundRef>;

// Judges the absences of one rule: `after`, `before` and `between` a chain's steps.
//
// Order      Events of one key come in the total order; absence is judged before steps.
// Time       Event time only. Closed: exactly `within` away still counts.
// State      Per key what `before` looks back at: per absence the newest event for each combination
//            of the fields that must agree.
// Memory     At most kMaxSeen events an absence and key; the oldest goes.
class AbsenceWatch {
 public:
  static constexpr std::size_t kMaxSeen = 1024;

  struct State {
    std::vector<BoundRefs> seen;  // per absence, in the total order; empty without any `before`
  };

  explicit AbsenceWatch(const sigma::CorrelationRule& rule);

  // The last instant up to which an `after` can forbid `step`, bound at `at`; Min() without one.
  [[nodiscard]] EventTime Deadline(std::uint32_t step, EventTime at) const;

  // `absent` forbids a partial match with the first `steps` steps bound.
  template <class StepEvent>
  [[nodiscard]] bool ForbidsPartial(const AbsentEvent& absent, std::uint32_t steps,
                                    StepEvent step_event) const;
  // `absent` comes `after` its step, if that is bound, and within the time.
  template <class StepEvent>
  [[nodiscard]] bool ForbidsAfter(const AbsentEvent& absent, StepEvent step_event) const;

  // An absence keeps `step` from occurring at `event`: something seen `before`, or the same arrival.
  template <class StepEvent>
  [[nodiscard]] bool ForbidsStep(const State& state, const std::vector<AbsentEvent>& same_arrival,
                                 std::uint32_t step, const Bound& event,
                                 StepEvent step_event) const;

  // Keeps what `before` may ask for; how many events went for want of room.
  std::size_t Remember(State& state, const std::vector<AbsentEvent>& absent) const;
  void Expire(State& state, EventTime now) const;
  // False for what Remember() never leaves behind.
  [[nodiscard]] bool Fits(const State& state) const;

 private:
  const sigma::CorrelationRule* rule_;  // outlives this
  bool looks_back_ = false;             // has a `before`
};

template <class StepEvent>
bool AbsenceWatch::ForbidsAfter(const AbsentEvent& absent, StepEvent step_event) const {
  const sigma::Absence& absence = rule_->absences[absent.first];
  if (absence.kind != sigma::Absence::Kind::kAfter) return false;
  const Bound* const bound = step_event(absence.step);
  return bound != nullptr && absent.second->time <= bound->time + absence.within &&
         Agrees(absence.bind, *absent.second, step_event);
}

template <class StepEvent>
bool AbsenceWatch::ForbidsPartial(const AbsentEvent& absent, std::uint32_t steps,
                                  StepEvent step_event) const {
  const sigma::Absence& absence = rule_->absences[absent.first];
  if (absence.kind != sigma::Absence::Kind::kBetween) return ForbidsAfter(absent, step_event);
  return absence.step < steps && steps <= absence.until &&
         Agrees(absence.bind, *absent.second, step_event);
}

template <class StepEvent>
bool AbsenceWatch::ForbidsStep(const State& state, const std::vector<AbsentEvent>& same_arrival,
                               std::uint32_t step, const Bound& event, StepEvent step_event) const {
  for (const AbsentEvent& absent : same_arrival) {
    const sigma::Absence& absence = rule_->absences[absent.first];
    if (absence.kind == sigma::Absence::Kind::kAfter && absence.step == step &&
        absence.input != event.input && Agrees(absence.bind, *absent.second, step_event)) {
      return true;
    }
  }
  if (!looks_back_) return false;
  for (std::size_t i = 0; i < state.seen.size(); ++i) {
    const sigma::Absence& absence = rule_->absences[i];
    if (absence.kind != sigma::Absence::Kind::kBefore || absence.step != step) continue;
    for (const BoundRef& seen : state.seen[i]) {
      if (seen->time >= event.time - absence.within && Agrees(absence.bind, *seen, step_event)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace faultline
