// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/absence_watch.h"

#include <algorithm>

namespace faultline {
namespace {

using sigma::Absence;
using sigma::Binding;

bool HasAll(const std::vector<Binding>& bind, const Bound& event) {
  return std::all_of(bind.begin(), bind.end(), [&event](const Binding& binding) {
    return event.Find(binding.field) != nullptr;
  });
}

bool SameFields(const std::vector<Binding>& bind, const Bound& a, const Bound& b) {
  return std::all_of(bind.begin(), bind.end(), [&](const Binding& binding) {
    return *a.Find(binding.field) == *b.Find(binding.field);
  });
}

}  // namespace

AbsenceWatch::AbsenceWatch(const sigma::CorrelationRule& rule) : rule_(&rule) {
  looks_back_ = std::any_of(rule.absences.begin(), rule.absences.end(), [](const Absence& absence) {
    return absence.kind == Absence::Kind::kBefore;
  });
}

EventTime AbsenceWatch::Deadline(std::uint32_t step, EventTime at) const {
  EventTime last = EventTime::Min();
  for (const Absence& absence : rule_->absences) {
    if (absence.kind == Absence::Kind::kAfter && absence.step == step) {
      last = std::max(last, at + absence.within);
    }
  }
  return last;
}

std::size_t AbsenceWatch::Remember(State& state, const std::vector<AbsentEvent>& absent) const {
  if (!looks_back_) return 0;
  std::size_t forgotten = 0;
  for (const auto& [index, event] : absent) {
    const Absence& absence = rule_->absences[index];
    if (absence.kind != Absence::Kind::kBefore || !HasAll(absence.bind, *event)) continue;
    state.seen.resize(rule_->absences.size());
    BoundRefs& seen = state.seen[index];
    const auto same = std::find_if(
        seen.begin(), seen.end(),
        [&, &bound = *event](const auto& held) { return SameFields(absence.bind, *held, bound); });
    if (same != seen.end()) seen.erase(same);
    seen.push_back(event);
    if (seen.size() <= kMaxSeen) continue;
    seen.erase(seen.begin());
    ++forgotten;
  }
  return forgotten;
}

void AbsenceWatch::Expire(State& state, EventTime now) const {
  bool any = false;
  for (std::size_t i = 0; i < state.seen.size(); ++i) {
    BoundRefs& seen = state.seen[i];
    const EventTime from = now - rule_->absences[i].within;
    seen.erase(seen.begin(), std::find_if(seen.begin(), seen.end(),
                                          [from](const auto& held) { return held->time >= from; }));
    any = any || !seen.empty();
  }
  if (!any) state.seen.clear();
}

bool AbsenceWatch::Fits(const State& state) const {
  for (std::size_t i = 0; i < state.seen.size(); ++i) {
    const Absence& absence = rule_->absences[i];
    const BoundRefs& seen = state.seen[i];
    if (seen.empty()) continue;
    if (absence.kind != Absence::Kind::kBefore || seen.size() > kMaxSeen) return false;
    if (!std::all_of(seen.begin(), seen.end(),
                     [&absence](const auto& held) { return HasAll(absence.bind, *held); })) {
      return false;
    }
  }
  return true;
}

}  // namespace faultline
