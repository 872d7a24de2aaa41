// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/sequence_chain.h"

#include <algorithm>
#include <utility>

namespace faultline {

// Looks for all partial matches that extend those of `base` by tied arrivals, the newest among them,
// in any order of theirs. With one arrival, as ever without `ties: any`, that is by this one.
struct SequenceChain::Search {
  const SequenceChain& chain;
  const std::vector<std::vector<Occurrence>>& tied;
  const std::vector<AbsentEvent>& absent;
  const AbsenceWatch::State& before;
  std::vector<bool> used = std::vector<bool>(tied.size());
  std::size_t tries = 0;
  std::vector<Partial> found = {};

  void From(const Partial& partial) {
    if (partial.steps == chain.layout_.steps()) return;
    for (std::size_t i = tied.size(); i-- > 0;) {  // the latest first
      if (used[i]) continue;
      for (const Occurrence& occurrence : tied[i]) {
        if (occurrence.step == partial.steps) Try(partial, i, occurrence);
      }
    }
  }

  void Try(const Partial& partial, std::size_t arrival, const Occurrence& occurrence) {
    if (tries == kMaxTries || !chain.Extends(partial, occurrence, absent, before)) return;
    ++tries;
    Partial longer{partial.row, partial.steps + 1, false, EventTime::Min()};
    longer.row.insert(longer.row.end(), occurrence.evidence.begin(), occurrence.evidence.end());
    used[arrival] = true;
    if (used.back()) found.push_back(longer);
    From(longer);
    used[arrival] = false;
  }
};

SequenceChain::SequenceChain(const sigma::CorrelationRule& rule, const ChainIntake& intake)
    : rule_(&rule), absences_(&intake.absences()), layout_(rule) {}

std::size_t SequenceChain::Observe(State& state, const ChainArrival& arrival,
                                   const AbsenceWatch::State& before, const RowJudge& judge) const {
  Expire(state, arrival.time);
  for (const AbsentEvent& absent : arrival.absent) Forbid(state.partials, absent);
  if (!arrival.absent.empty()) LetGoOfTies(state);
  if (arrival.occurrences.empty()) return 0;
  std::vector<Partial> found;
  if (rule_->ties_any) {
    if (state.tied.empty()) state.base = state.partials;
    if (state.tied.size() == kMaxTied) state.tied.erase(state.tied.begin());
    state.tied.push_back(arrival.occurrences);
    state.tied_at = arrival.time;
    found = Extended(state.base, state.tied, arrival.absent, before);
  } else {
    found = Extended(state.partials, {arrival.occurrences}, arrival.absent, before);
  }
  std::size_t forgotten = 0;
  std::uint32_t placed = 0;  // steps of the last one
  for (Partial& partial : found) {
    if (partial.steps == placed && rule_->overlap != sigma::OverlapKind::kAll) continue;
    placed = partial.steps;
    forgotten += Place(state, std::move(partial), arrival, judge);
  }
  return forgotten;
}

// The longest first, and of equally long ones those that are to be preferred.
std::vector<SequenceChain::Partial> SequenceChain::Extended(
    const std::vector<Partial>& base, const std::vector<std::vector<Occurrence>>& tied,
    const std::vector<AbsentEvent>& absent, const AbsenceWatch::State& before) const {
  Search search{*this, tied, absent, before};
  search.From(Partial());
  for (const Partial& partial : base) search.From(partial);
  std::stable_sort(search.found.begin(), search.found.end(),
                   [this](const Partial& a, const Partial& b) {
                     if (a.steps != b.steps) return a.steps > b.steps;
                     return rule_->overlap != sigma::OverlapKind::kAll && Newer(a, b);
                   });
  return std::move(search.found);
}

// The latest event of the first step, then of the second ...
bool SequenceChain::Newer(const Partial& a, const Partial& b) const {
  for (std::uint32_t step = 0; step < a.steps; ++step) {
    const Bound& ours = layout_.EventOf(a.row, step);
    const Bound& theirs = layout_.EventOf(b.row, step);
    if (theirs.Before(ours)) return true;
    if (ours.Before(theirs)) return false;
  }
  return false;
}

bool SequenceChain::Extends(const Partial& partial, const Occurrence& occurrence,
                            const std::vector<AbsentEvent>& same_arrival,
                            const AbsenceWatch::State& before) const {
  const sigma::Step& step = rule_->steps[occurrence.step];
  const Bound& event = *occurrence.evidence.back();
  const Bound& first = partial.steps == 0 ? *occurrence.evidence.front() : *partial.row.front();
  if (event.time > first.time + rule_->timespan) return false;
  if (partial.steps > 0) {
    const Bound& previous = layout_.EventOf(partial.row, partial.steps - 1);
    if (step.within && event.time > previous.time + *step.within) return false;
    if (step.times > 1 && !Behind(*occurrence.evidence.front(), previous)) return false;
  }
  const auto step_event = [&](std::uint32_t asked) -> const Bound* {
    if (asked == occurrence.step) return &event;
    return asked < partial.steps ? &layout_.EventOf(partial.row, asked) : nullptr;
  };
  return std::all_of(occurrence.evidence.begin(), occurrence.evidence.end(),
                     [&](const BoundRef& held) { return Agrees(step.bind, *held, step_event); }) &&
         !absences_->ForbidsStep(before, same_arrival, occurrence.step, event, step_event);
}

bool SequenceChain::Behind(const Bound& later, const Bound& earlier) const {
  if (!rule_->ties_any) return earlier.Before(later);
  return later.time > earlier.time || (later.time == earlier.time && !later.SamePoint(earlier));
}

void SequenceChain::Forbid(std::vector<Partial>& partials, const AbsentEvent& absent) const {
  const auto forbidden = [&](const Partial& partial) {
    if (Complete(partial) && !partial.waits) return false;
    return absences_->ForbidsPartial(absent, partial.steps, [&](std::uint32_t step) {
      return step < partial.steps ? &layout_.EventOf(partial.row, step) : nullptr;
    });
  };
  partials.erase(std::remove_if(partials.begin(), partials.end(), forbidden), partials.end());
}

std::size_t SequenceChain::Place(State& state, Partial partial, const ChainArrival& arrival,
                                 const RowJudge& judge) const {
  const auto same = [steps = partial.steps](const Partial& held) { return held.steps == steps; };
  auto& partials = state.partials;
  const auto held = std::find_if(partials.begin(), partials.end(), same);
  if (held != partials.end() && rule_->overlap == sigma::OverlapKind::kFirst) return 0;
  if (Complete(partial)) {
    partial.deadline = LastDeadline(partial.row);
    partial.waits = partial.deadline >= arrival.time;
    if (!partial.waits && !judge.Holds(partial.row, arrival.deciding, arrival.time)) return 0;
  }
  std::size_t forgotten = 0;
  if (rule_->overlap == sigma::OverlapKind::kAll) {
    const auto count = std::count_if(partials.begin(), partials.end(), same);
    if (static_cast<std::size_t>(count) >= kMaxOverlap) {
      partials.erase(held);
      ++forgotten;
    }
  } else if (held != partials.end()) {
    partials.erase(held);
  }
  partials.push_back(std::move(partial));
  return forgotten;
}

Standing SequenceChain::Look(State& state, const ChainArrival& arrival, const RowJudge&) const {
  return StandingOf(state, arrival.time);
}

std::optional<Standing> SequenceChain::LookAtDeadline(State& state, EventTime due,
                                                      const RowJudge& judge) const {
  bool decided = false;
  std::vector<Partial> kept;
  for (Partial& partial : state.partials) {
    if (partial.waits && partial.deadline == due) {
      decided = true;
      partial.waits = false;
      if (!judge.Holds(partial.row, {}, due)) continue;
    }
    kept.push_back(std::move(partial));
  }
  state.partials = std::move(kept);
  if (!decided) return std::nullopt;
  return StandingOf(state, due);
}

Standing SequenceChain::StandingOf(const State& state, EventTime now) const {
  Standing standing;
  const Partial* told = nullptr;
  for (const Partial& partial : state.partials) {
    if (!Complete(partial) || partial.waits || LastInstant(partial) < now) continue;
    standing.holds = true;
    standing.until =
        std::max(told == nullptr ? EventTime::Min() : standing.until, LastInstant(partial));
    if (told == nullptr || !partial.row.front()->Before(*told->row.front())) told = &partial;
  }
  if (told != nullptr) standing.row = told->row;
  return standing;
}

EventTime SequenceChain::NextDeadline(const State& state) const {
  EventTime next = EventTime::Max();
  for (const Partial& partial : state.partials) {
    if (partial.waits) next = std::min(next, partial.deadline);
  }
  return next;
}

void SequenceChain::Expire(State& state, EventTime now) const {
  const auto dead = [&](const Partial& partial) {
    return !partial.waits && LastInstant(partial) < now;  // a timer sees to those that wait
  };
  auto& partials = state.partials;
  partials.erase(std::remove_if(partials.begin(), partials.end(), dead), partials.end());
  if (state.tied_at != now) LetGoOfTies(state);
}

void SequenceChain::LetGoOfTies(State& state) {
  state.base.clear();
  state.tied.clear();
}

// Up to when it can be extended, waits or holds.
EventTime SequenceChain::LastInstant(const Partial& partial) const {
  if (partial.waits) return partial.deadline;
  const EventTime end = partial.row.front()->time + rule_->timespan;
  if (Complete(partial)) return std::max(end, partial.deadline);
  const auto& within = rule_->steps[partial.steps].within;
  if (!within) return end;
  return std::min(end, layout_.EventOf(partial.row, partial.steps - 1).time + *within);
}

BoundRefs SequenceChain::RowAt(const State& state, EventTime now) const {
  const Partial* best = nullptr;
  for (const Partial& partial : state.partials) {
    if (LastInstant(partial) < now) continue;
    if (best == nullptr || partial.steps >= best->steps) best = &partial;
  }
  return best != nullptr ? best->row : BoundRefs();
}

std::uint32_t SequenceChain::Rank(const State& state) const {
  std::uint32_t rank = 0;
  for (const Partial& partial : state.partials) rank = std::max(rank, partial.steps);
  return rank;
}

std::int64_t SequenceChain::BytesOf(const State& state) const {
  constexpr std::int64_t kPartialBytes = 64;
  std::int64_t bytes = 0;
  for (const auto* partials : {&state.partials, &state.base}) {
    for (const Partial& partial : *partials) {
      bytes += kPartialBytes + faultline::BytesOf(partial.row);
    }
  }
  for (const auto& occurrences : state.tied) {
    for (const Occurrence& occurrence : occurrences) {
      bytes += kPartialBytes + faultline::BytesOf(occurrence.evidence);
    }
  }
  return bytes;
}

void SequenceChain::Describe(const State& state, Operator::Open& open) const {
  const Partial* best = nullptr;
  for (const Partial& partial : state.partials) {
    if (best == nullptr || partial.steps >= best->steps) best = &partial;
  }
  if (best == nullptr) return;
  open.until = LastInstant(*best);
  if (best->waits) {
    for (const sigma::Absence& absence : rule_->absences) {
      if (absence.kind != sigma::Absence::Kind::kAfter) continue;
      open.waits += open.waits.empty() ? "absence of " : ", ";
      open.waits += rule_->inputs[absence.input].reference;
    }
  } else if (Complete(*best)) {
    open.waits = "nothing: complete";
  } else {
    open.waits = "step " + rule_->steps[best->steps].name;
  }
}

bool SequenceChain::Complete(const Partial& partial) const {
  return partial.steps == layout_.steps();
}

EventTime SequenceChain::LastDeadline(const BoundRefs& row) const {
  EventTime last = EventTime::Min();
  for (std::uint32_t step = 0; step < layout_.steps(); ++step) {
    last = std::max(last, absences_->Deadline(step, layout_.EventOf(row, step).time));
  }
  return last;
}

void SequenceChain::SavePartials(const std::vector<Partial>& partials, StateWriter& out,
                                 BoundWriter& bounds) const {
  out.U32(static_cast<std::uint32_t>(partials.size()));
  for (const Partial& partial : partials) {
    out.U32(partial.steps);
    for (const BoundRef& bound : partial.row) bounds.Write(bound);
    if (Complete(partial)) out.Bool(partial.waits);
  }
}

std::vector<SequenceChain::Partial> SequenceChain::LoadPartials(StateReader& in,
                                                                BoundReader& bounds) const {
  std::vector<Partial> partials(in.Count(8));
  for (Partial& partial : partials) {
    partial.steps = in.U32();
    if (partial.steps == 0 || partial.steps > layout_.steps()) in.Refuse();
    if (!in.ok()) return {};
    for (std::size_t i = 0; i < layout_.End(partial.steps - 1); ++i) {
      partial.row.push_back(bounds.Read());
    }
    if (!in.ok()) return {};
    partial.deadline = EventTime::Min();
    if (!Complete(partial)) continue;
    partial.deadline = LastDeadline(partial.row);
    partial.waits = in.Bool();
    if (partial.waits && partial.deadline == EventTime::Min()) in.Refuse();
  }
  return partials;
}

void SequenceChain::Save(const State& state, StateWriter& out, BoundWriter& bounds) const {
  SavePartials(state.partials, out, bounds);
  out.Bool(!state.tied.empty());
  if (state.tied.empty()) return;
  SavePartials(state.base, out, bounds);
  out.Time(state.tied_at);
  out.U32(static_cast<std::uint32_t>(state.tied.size()));
  for (const auto& occurrences : state.tied) {
    out.U32(static_cast<std::uint32_t>(occurrences.size()));
    for (const Occurrence& occurrence : occurrences) {
      out.U32(occurrence.step);
      bounds.Write(occurrence.evidence);
    }
  }
}

SequenceChain::State SequenceChain::Load(StateReader& in, BoundReader& bounds) const {
  State state;
  state.partials = LoadPartials(in, bounds);
  if (!in.Bool()) return state;
  if (!rule_->ties_any) in.Refuse();
  state.base = LoadPartials(in, bounds);
  state.tied_at = in.Time();
  state.tied.resize(in.Count(4));
  if (state.tied.empty() || state.tied.size() > kMaxTied) in.Refuse();
  for (auto& occurrences : state.tied) {
    occurrences.resize(in.Count(8));
    for (Occurrence& occurrence : occurrences) {
      occurrence.step = in.U32();
      occurrence.evidence = bounds.ReadAll();
      if (!in.ok()) return {};
      if (occurrence.step >= layout_.steps() ||
          occurrence.evidence.size() != rule_->steps[occurrence.step].times) {
        in.Refuse();
        return {};
      }
    }
  }
  return state;
}

}  // namespace faultline
