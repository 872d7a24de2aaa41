// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/chain_intake.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace faultline {
namespace {

std::chrono::nanoseconds KeepOf(const sigma::CorrelationRule& rule) {
  std::chrono::nanoseconds keep = rule.timespan;
  for (const sigma::Step& step : rule.steps) {
    keep = std::max(keep, step.times_within.value_or(rule.timespan));
  }
  for (const sigma::Absence& absence : rule.absences) keep = std::max(keep, absence.within);
  return keep;
}

}  // namespace

ChainIntake::ChainIntake(const sigma::CorrelationRule& rule)
    : rule_(&rule), uses_(rule.inputs.size()), absences_(rule), keep_(KeepOf(rule)) {
  for (std::uint32_t step = 0; step < rule.steps.size(); ++step) {
    uses_[rule.steps[step].input].steps.push_back(step);
    counters_.emplace_back(rule.steps[step], rule.timespan);
  }
  for (std::uint32_t absence = 0; absence < rule.absences.size(); ++absence) {
    uses_[rule.absences[absence].input].absences.push_back(absence);
  }
  for (const std::uint32_t input : rule.until) uses_[input].until = true;
}

bool ChainIntake::Concerns(const Arrival& arrival) const {
  return std::any_of(arrival.hits.begin(), arrival.hits.end(), [this](const InputHit& hit) {
    const Use& use = uses_[hit.input];
    return use.until || !use.steps.empty() || !use.absences.empty();
  });
}

ChainArrival ChainIntake::Take(State& state, const Arrival& arrival) const {
  ChainArrival taken;
  taken.time = arrival.time;
  taken.deciding = arrival.hits;
  taken.until = std::any_of(arrival.hits.begin(), arrival.hits.end(),
                            [this](const InputHit& hit) { return uses_[hit.input].until; });
  if (taken.until) state.counters.clear();
  const InputHit* last = nullptr;
  for (const InputHit& hit : arrival.hits) {
    const Use& use = uses_[hit.input];
    const bool again = last != nullptr && last->input == hit.input;
    last = &hit;
    if (use.steps.empty() && use.absences.empty()) continue;
    const auto event = std::make_shared<const Bound>(BoundOf(*rule_, hit.input, *hit.hit));
    for (const std::uint32_t absence : use.absences) taken.absent.emplace_back(absence, event);
    for (const std::uint32_t step : use.steps) {
      StepCounter::State one;  // nothing is kept of a step without `times`
      const bool counts = counters_[step].times() > 1;
      // A child that fires for several keys at once is one arrival. Only where one event is looked for
      // that follows another, each of its edges is a way to go on.
      if (again && (counts || rule_->type == sigma::CorrelationType::kTemporal)) continue;
      if (counts) state.counters.resize(rule_->steps.size());
      BoundRefs evidence = counters_[step].Observe(counts ? state.counters[step] : one, event);
      if (evidence.empty()) continue;
      taken.occurrences.push_back({step, std::move(evidence)});
    }
  }
  std::stable_sort(taken.absent.begin(), taken.absent.end(),
                   [](const AbsentEvent& a, const AbsentEvent& b) { return a.first < b.first; });
  std::stable_sort(taken.occurrences.begin(), taken.occurrences.end(),
                   [](const Occurrence& a, const Occurrence& b) { return a.step < b.step; });
  return taken;
}

void ChainIntake::Expire(State& state, EventTime now) const {
  bool counts = false;
  for (std::size_t step = 0; step < state.counters.size(); ++step) {
    counters_[step].Expire(state.counters[step], now);
    counts = counts || !state.counters[step].newest.empty();
  }
  if (!counts) state.counters.clear();
  absences_.Expire(state.before, now);
}

std::int64_t ChainIntake::BytesOf(const State& state) const {
  std::int64_t bytes = 0;
  for (const auto& counter : state.counters) bytes += faultline::BytesOf(counter.newest);
  for (const BoundRefs& seen : state.before.seen) bytes += faultline::BytesOf(seen);
  return bytes;
}

std::string ChainIntake::Progress(const State& state) const {
  std::size_t best = 0;
  std::size_t best_step = 0;
  for (std::size_t step = 0; step < state.counters.size(); ++step) {
    const std::size_t counted = state.counters[step].newest.size();
    if (counted <= best) continue;
    best = counted;
    best_step = step;
  }
  if (best == 0) return {};
  return std::to_string(best) + " of " + std::to_string(rule_->steps[best_step].times) + " " +
         rule_->steps[best_step].name;
}

void ChainIntake::Save(const State& state, StateWriter& out, BoundWriter& bounds) const {
  out.Bool(!state.counters.empty());
  for (const auto& counter : state.counters) bounds.Write(counter.newest);
  out.Bool(!state.before.seen.empty());
  for (const BoundRefs& seen : state.before.seen) bounds.Write(seen);
}

ChainIntake::State ChainIntake::Load(StateReader& in, BoundReader& bounds) const {
  State state;
  if (in.Bool()) state.counters.resize(rule_->steps.size());
  for (std::size_t step = 0; step < state.counters.size(); ++step) {
    state.counters[step].newest = bounds.ReadAll();
    if (!counters_[step].Fits(state.counters[step])) in.Refuse();
  }
  if (in.Bool()) state.before.seen.resize(rule_->absences.size());
  for (BoundRefs& seen : state.before.seen) seen = bounds.ReadAll();
  if (!absences_.Fits(state.before)) in.Refuse();
  return state;
}

}  // namespace faultline
