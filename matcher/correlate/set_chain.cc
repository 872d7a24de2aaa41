// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/set_chain.h"

#include <algorithm>
#include <utility>

#include "matcher/correlate/step_condition.h"

namespace faultline {

SetChain::SetChain(const sigma::CorrelationRule& rule, const ChainIntake& intake)
    : rule_(&rule), absences_(&intake.absences()), layout_(rule) {}

std::size_t SetChain::Observe(State& state, const ChainArrival& arrival,
                              const AbsenceWatch::State& before, const RowJudge&) const {
  Expire(state, arrival.time);
  const auto in = [this](const BoundRefs& row) {
    return [this, &row](std::uint32_t step) -> const Bound* {
      return row.empty() || row[layout_.Begin(step)] == nullptr ? nullptr
                                                                : &layout_.EventOf(row, step);
    };
  };
  for (const AbsentEvent& absent : arrival.absent) {
    if (absences_->ForbidsAfter(absent, in(state.waiting))) state.waiting.clear();
    if (absences_->ForbidsAfter(absent, in(state.newest))) {
      Clear(state.newest, rule_->absences[absent.first].step);
    }
  }
  for (const Occurrence& occurrence : arrival.occurrences) {
    const Bound& event = *occurrence.evidence.back();
    const auto step_event = [&](std::uint32_t step) {
      return step == occurrence.step ? &event : in(state.newest)(step);
    };
    if (absences_->ForbidsStep(before, arrival.absent, occurrence.step, event, step_event))
      continue;
    state.newest.resize(layout_.total());
    std::copy(occurrence.evidence.begin(), occurrence.evidence.end(),
              state.newest.begin() + static_cast<std::ptrdiff_t>(layout_.Begin(occurrence.step)));
  }
  Expire(state, arrival.time);  // evidence that is too old from the start
  return 0;
}

Standing SetChain::Look(State& state, const ChainArrival& arrival, const RowJudge& judge) const {
  if (!Holds(rule_->condition, SeenIn(state.newest))) return {};
  state.waiting.clear();
  const EventTime deadline = LastDeadline(state.newest);
  if (deadline >= arrival.time) {
    state.waiting = state.newest;
    state.deadline = deadline;
    return {};
  }
  if (!judge.Holds(state.newest, arrival.deciding, arrival.time)) return {};
  return {true, HoldsUntil(state.newest), state.newest};
}

std::optional<Standing> SetChain::LookAtDeadline(State& state, EventTime due,
                                                 const RowJudge& judge) const {
  if (NextDeadline(state) != due) return std::nullopt;
  const BoundRefs row = std::exchange(state.waiting, {});
  if (!judge.Holds(row, {}, due)) return Standing();
  Expire(state, due);
  const bool longer = Holds(rule_->condition, SeenIn(state.newest));
  return Standing{true, longer ? std::max(due, HoldsUntil(state.newest)) : due, row};
}

std::optional<Standing> SetChain::LookBehind(State& state, EventTime due,
                                             const RowJudge& judge) const {
  if (NextExpiry(state) != due) return std::nullopt;
  const EventTime at = due + std::chrono::nanoseconds(1);
  Expire(state, at);
  if (!state.waiting.empty() || !Holds(rule_->condition, SeenIn(state.newest)) ||
      LastDeadline(state.newest) >= at || !judge.Holds(state.newest, {}, at)) {
    return Standing();
  }
  return Standing{true, HoldsUntil(state.newest), state.newest};
}

EventTime SetChain::NextDeadline(const State& state) const {
  return state.waiting.empty() ? EventTime::Max() : state.deadline;
}

EventTime SetChain::NextExpiry(const State& state) const {
  // Without `where` a set cannot become true by expiry.
  return rule_->where.empty() ? EventTime::Max() : FirstExpiry(state.newest);
}

void SetChain::Expire(State& state, EventTime now) const {
  if (state.newest.empty()) return;
  for (std::size_t step = 0; step < layout_.steps(); ++step) {
    if (state.newest[layout_.Begin(step)] != nullptr &&
        layout_.OldestOf(state.newest, step).time < now - rule_->timespan) {
      Clear(state.newest, step);
      if (state.newest.empty()) return;
    }
  }
}

BoundRefs SetChain::RowAt(const State& state, EventTime now) const {
  State then{state.newest, {}, {}};
  Expire(then, now);
  return then.newest;
}

std::uint32_t SetChain::Rank(const State& state) const {
  const std::vector<bool> newest = SeenIn(state.newest);
  const std::vector<bool> waiting = SeenIn(state.waiting);
  return static_cast<std::uint32_t>(std::max(std::count(newest.begin(), newest.end(), true),
                                             std::count(waiting.begin(), waiting.end(), true)));
}

std::int64_t SetChain::BytesOf(const State& state) const {
  std::int64_t bytes = 0;
  for (const BoundRefs* row : {&state.newest, &state.waiting}) {
    for (const BoundRef& bound : *row) {
      if (bound != nullptr) bytes += faultline::BytesOf(bound);
    }
  }
  return bytes;
}

void SetChain::Describe(const State& state, Operator::Open& open) const {
  if (!state.waiting.empty()) {
    open.until = state.deadline;
    for (const sigma::Absence& absence : rule_->absences) {
      if (absence.kind != sigma::Absence::Kind::kAfter) continue;
      open.waits += open.waits.empty() ? "absence of " : ", ";
      open.waits += rule_->inputs[absence.input].reference;
    }
    return;
  }
  const std::vector<bool> seen = SeenIn(state.newest);
  const auto count = std::count(seen.begin(), seen.end(), true);
  if (count == 0) return;
  open.until = FirstExpiry(state.newest);
  open.waits = std::to_string(count) + " of " + std::to_string(seen.size()) + " steps";
  std::string_view before = ", not ";
  for (std::size_t step = 0; step < seen.size(); ++step) {
    if (seen[step]) continue;
    open.waits += std::exchange(before, ", ");
    open.waits += rule_->steps[step].name;
  }
}

void SetChain::Save(const State& state, StateWriter& out, BoundWriter& bounds) const {
  SaveRow(state.newest, out, bounds);
  SaveRow(state.waiting, out, bounds);
  if (!state.waiting.empty()) out.Time(state.deadline);
}

SetChain::State SetChain::Load(StateReader& in, BoundReader& bounds) const {
  State state;
  state.newest = LoadRow(in, bounds);
  state.waiting = LoadRow(in, bounds);
  if (!state.waiting.empty()) {
    state.deadline = in.Time();
    if (in.ok() && state.deadline != LastDeadline(state.waiting)) in.Refuse();
  }
  return state;
}

std::vector<bool> SetChain::SeenIn(const BoundRefs& row) const {
  std::vector<bool> seen(layout_.steps());
  for (std::size_t step = 0; step < seen.size() && !row.empty(); ++step) {
    seen[step] = row[layout_.Begin(step)] != nullptr;
  }
  return seen;
}

EventTime SetChain::LastDeadline(const BoundRefs& row) const {
  EventTime last = EventTime::Min();
  if (rule_->absences.empty()) return last;
  for (std::uint32_t step = 0; step < layout_.steps(); ++step) {
    if (row[layout_.Begin(step)] == nullptr) continue;
    last = std::max(last, absences_->Deadline(step, layout_.EventOf(row, step).time));
  }
  return last;
}

EventTime SetChain::HoldsUntil(const BoundRefs& row) const {
  if (!rule_->where.empty()) return FirstExpiry(row);  // then it is judged again
  std::vector<std::pair<EventTime, std::size_t>> oldest;
  std::vector<bool> seen = SeenIn(row);
  for (std::size_t step = 0; step < seen.size(); ++step) {
    if (seen[step]) oldest.emplace_back(layout_.OldestOf(row, step).time, step);
  }
  std::sort(oldest.begin(), oldest.end());
  for (const auto& [time, step] : oldest) {
    seen[step] = false;
    if (!Holds(rule_->condition, seen)) return time + rule_->timespan;
  }
  return oldest.back().first + rule_->timespan;
}

EventTime SetChain::FirstExpiry(const BoundRefs& row) const {
  EventTime first = EventTime::Max();
  for (std::size_t step = 0; step < layout_.steps() && !row.empty(); ++step) {
    if (row[layout_.Begin(step)] == nullptr) continue;
    first = std::min(first, layout_.OldestOf(row, step).time + rule_->timespan);
  }
  return first;
}

void SetChain::Clear(BoundRefs& row, std::size_t step) const {
  for (std::size_t i = layout_.Begin(step); i < layout_.End(step); ++i) row[i] = nullptr;
  if (std::all_of(row.begin(), row.end(), [](const BoundRef& held) { return held == nullptr; })) {
    row.clear();
  }
}

void SetChain::SaveRow(const BoundRefs& row, StateWriter& out, BoundWriter& bounds) const {
  const std::vector<bool> seen = SeenIn(row);
  out.U32(static_cast<std::uint32_t>(std::count(seen.begin(), seen.end(), true)));
  for (std::uint32_t step = 0; step < seen.size(); ++step) {
    if (!seen[step]) continue;
    out.U32(step);
    for (std::size_t i = layout_.Begin(step); i < layout_.End(step); ++i) bounds.Write(row[i]);
  }
}

BoundRefs SetChain::LoadRow(StateReader& in, BoundReader& bounds) const {
  const std::uint32_t count = in.Count(8);
  BoundRefs row(count == 0 ? 0 : layout_.total());
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::uint32_t step = in.U32();
    if (step >= layout_.steps() || row[layout_.Begin(step)] != nullptr) in.Refuse();
    if (!in.ok()) break;
    for (std::size_t at = layout_.Begin(step); at < layout_.End(step); ++at)
      row[at] = bounds.Read();
  }
  if (!in.ok()) row.clear();
  return row;
}

}  // namespace faultline
