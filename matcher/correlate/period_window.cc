// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/period_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "matcher/correlate/intake.h"
#include "matcher/correlate/state_codec.h"
#include "matcher/correlate/step_condition.h"
#include "matcher/correlate/timers.h"

namespace faultline {
namespace {

using sigma::CorrelationRule;
using sigma::CorrelationType;
using sigma::RefireKind;
using sigma::WindowKind;
using std::chrono::nanoseconds;

constexpr std::int64_t kStateBytes = 256;
constexpr std::int64_t kEventBytes = 64;
constexpr std::int64_t kMeasureBytes = 32;

// How long the last judged window matters, and the time of the last firing.
nanoseconds KeepFor(const CorrelationRule& rule) {
  const nanoseconds period = rule.window == WindowKind::kSession ? rule.gap : 2 * rule.timespan;
  const bool fired_counts = rule.refire == RefireKind::kAfter && !rule.where.empty();
  return period + (fired_counts ? rule.refire_after : nanoseconds(0));
}

EventTime TumblingStart(EventTime time, nanoseconds span) {
  const std::int64_t past = time.nanos() % span.count();
  return time - nanoseconds(past < 0 ? past + span.count() : past);
}

// The newest way through a sequence: one event a step, in order, the latest possible first event.
// With `any_ties` events of one time may stand in any order.
class SequenceSearch {
 public:
  SequenceSearch(const EvidenceStore& evidence, const std::vector<EventRef>& events,
                 std::size_t steps, bool any_ties)
      : evidence_(evidence), events_(events), partials_(steps), any_ties_(any_ties) {
    for (std::size_t begin = 0; begin < events.size();) {
      std::size_t end = begin + 1;
      while (any_ties && end < events.size() && events[end].time == events[begin].time) ++end;
      Take(begin, end);
      begin = end;
    }
  }

  // One event per step; empty when there is no way.
  [[nodiscard]] const std::vector<std::size_t>& found() const { return partials_.back(); }

 private:
  using Partial = std::vector<std::size_t>;  // events bound to steps 1, 2, ...
  static constexpr int kTries = 1024;

  // Extends every partial by events of [begin, end), each used once.
  void Take(std::size_t begin, std::size_t end) {
    const std::vector<Partial> before = partials_;
    tries_ = kTries;
    for (std::size_t state = before.size(); state-- > 0;) {
      Partial partial = state == 0 ? Partial{} : before[state - 1];
      if (state == 0 || !partial.empty()) Extend(partial, begin, end);
    }
  }

  void Extend(Partial& partial, std::size_t begin, std::size_t end) {
    const std::size_t step = partial.size();
    if (step == partials_.size()) return;
    for (std::size_t i = begin; i < end && tries_ > 0; ++i) {
      --tries_;
      if (!evidence_.Is(events_[i], static_cast<std::uint32_t>(step)) ||
          std::find(partial.begin(), partial.end(), i) != partial.end()) {
        continue;
      }
      partial.push_back(i);
      if (partials_[step].empty() || Newer(partial, partials_[step])) partials_[step] = partial;
      if (any_ties_) Extend(partial, begin, end);
      partial.pop_back();
    }
  }

  // A later first event is preferred; between equal ones the events that came last.
  [[nodiscard]] bool Newer(const Partial& a, const Partial& b) const {
    const EventTime first = events_[a.front()].time;
    const EventTime other = events_[b.front()].time;
    if (any_ties_ && first != other) return first > other;
    return a >= b;
  }

  const EvidenceStore& evidence_;
  const std::vector<EventRef>& events_;
  std::vector<Partial> partials_;  // [k]: steps 1 to k + 1 bound
  bool any_ties_;
  int tries_ = 0;
};

}  // namespace

PeriodWindow::PeriodWindow(const CorrelationRule& rule, std::uint32_t unit, const Limits& limits,
                           Timers* timers)
    : rule_(rule),
      unit_(unit),
      timers_(timers),
      most_bytes_(static_cast<std::int64_t>(limits.max_bytes / 2)),
      evidence_(rule),
      store_(limits, KeepFor(rule)) {}

bool PeriodWindow::tumbling() const noexcept { return rule_.window == WindowKind::kTumbling; }
bool PeriodWindow::sequence() const noexcept {
  return rule_.type == CorrelationType::kTemporalOrdered;
}
bool PeriodWindow::set() const noexcept { return rule_.type == CorrelationType::kTemporal; }

EventTime PeriodWindow::EndOf(const Window& window) const {
  if (tumbling()) return TumblingStart(window.first, rule_.timespan) + rule_.timespan;
  return std::min(window.last + rule_.gap, window.first + rule_.timespan);
}

void PeriodWindow::DropEvent(State& state, Window& window, std::size_t at) {
  state.bytes -= kEventBytes + evidence_.BytesOf(window.events[at]);
  evidence_.Drop(window.events[at]);
  window.events.erase(window.events.begin() + static_cast<std::ptrdiff_t>(at));
}

void PeriodWindow::Clear(State& state, Window& window) {
  while (!window.events.empty()) DropEvent(state, window, window.events.size() - 1);
  state.bytes -= static_cast<std::int64_t>(window.measures.size()) * kMeasureBytes;
  window = Window{};
}

void PeriodWindow::Add(State& state, Window& window, const EventRef& event,
                       const Measure& measure) {
  if (window.count == 0) {
    window.first = event.time;
    window.aggregate = Aggregate(rule_.type);
  }
  window.last = event.time;
  ++window.count;
  if (!std::holds_alternative<std::monostate>(measure)) {
    const std::size_t distinct = window.aggregate.distinct();
    window.aggregate.Add(measure);
    const bool repeated =
        std::holds_alternative<Digest>(measure) && window.aggregate.distinct() == distinct;
    if (repeated) {
      window.aggregate.Remove(measure);  // once is enough
    } else {
      window.measures.Push(measure);
      state.bytes += kMeasureBytes;
    }
  }
  window.events.push_back(event);
  state.bytes += kEventBytes + evidence_.BytesOf(event);
  Trim(state, window);
}

// Lets go of what the window does not need, or has no room for.
void PeriodWindow::Trim(State& state, Window& window) {
  if (set()) {
    // An event stays while it is the newest of some step.
    std::vector<bool> newer(rule_.steps.size());
    for (std::size_t at = window.events.size(); at-- > 0;) {
      bool newest = false;
      for (std::uint32_t step = 0; step < newer.size(); ++step) {
        if (newer[step] || !evidence_.Is(window.events[at], step)) continue;
        newer[step] = newest = true;
      }
      if (!newest) DropEvent(state, window, at);
    }
  } else if (window.events.size() > EvidenceStore::kTold) {
    DropEvent(state, window, sequence() ? 0 : 1);
    if (sequence()) store_.CountEvictions(1);
  }
  while (state.bytes > most_bytes_) {
    if (window.measures.size() > 1) {
      window.aggregate.Remove(window.measures.front());
      window.measures.Pop();
      state.bytes -= kMeasureBytes;
    } else if (window.events.size() > 2) {
      DropEvent(state, window, sequence() ? 0 : 1);
    } else {
      return;
    }
    store_.CountEvictions(1);
  }
}

void PeriodWindow::SetTimer(const Digest& key, State& state) {
  if (state.open.count == 0 || state.timer != EventTime::Max()) return;
  state.timer = EndOf(state.open);
  timers_->Set({state.timer, unit_, Timer::Kind::kOperator, key});
}

void PeriodWindow::Observe(const Arrival& arrival, Judge&, Outcome& out) {
  const InputHit* const counted = evidence_.Counted(arrival);
  if (counted == nullptr) return;
  const std::optional<Measure> measure = MeasureOf(rule_, *counted->hit, out);
  if (!measure) return;
  const auto drop = [this](Store::Node& node) { Forget(node); };
  Store::Node& node = store_.Touch(arrival.key, arrival.time, drop);
  State& state = node.state;
  const std::int64_t before = state.bytes;
  if (state.bytes == 0) {
    state.group = *arrival.group;
    state.bytes = kStateBytes + BytesOfGroup(state.group);
  }
  if (tumbling() && state.open.count > 0 && EndOf(state.open) <= arrival.time) {
    Clear(state, state.ended);
    state.ended = std::exchange(state.open, Window{});
    state.timer = EventTime::Max();  // the ended window's one is set and known by its end
  }
  Add(state, state.open, evidence_.Keep(arrival), *measure);
  SetTimer(arrival.key, state);
  store_.Settle(node, state.bytes - before, drop);
}

void PeriodWindow::OnTimer(const Digest& key, EventTime due, Judge& judge, Outcome& out) {
  Store::Node* const node = store_.Find(key);
  if (node == nullptr) return;
  State& state = node->state;
  const std::int64_t before = state.bytes;
  if (state.timer == due) state.timer = EventTime::Max();
  Window& window = state.ended.count > 0 ? state.ended : state.open;
  if (window.count > 0 && EndOf(window) == due) {
    JudgeWindow(state, window, judge, out);
    Clear(state, window);
  }
  SetTimer(key, state);
  store_.Settle(*node, state.bytes - before, [this](Store::Node& other) { Forget(other); });
}

void PeriodWindow::JudgeWindow(State& state, Window& window, Judge& judge, Outcome& out) {
  const EventTime end = EndOf(window);
  const bool follows =
      tumbling() ? state.judged + rule_.timespan == end : window.first <= state.judged + rule_.gap;
  if (!follows) state.edge.on = false;
  state.judged = tumbling() ? end : window.last;

  std::vector<BoundStep> steps = StepsOf(window);
  std::int64_t count = window.count;
  sigma::ExprValue value = count;
  bool holds = false;
  if (set() || sequence()) {
    std::vector<bool> seen;
    for (const BoundStep& step : steps) seen.push_back(!step.empty());
    count = std::count(seen.begin(), seen.end(), true);
    value = count;
    holds =
        sequence() ? count == static_cast<std::int64_t>(seen.size()) : Holds(rule_.condition, seen);
  } else {
    if (rule_.type != CorrelationType::kEventCount) value = window.aggregate.Value(rule_);
    holds = Meets(rule_.thresholds, value);
  }
  if (!state.edge.Take(rule_, WindowEdge::Look::kWindowEnd, holds, end)) return;
  if (!judge.Holds({&state.group, steps, {}, end, count, value})) return;
  state.edge.fired = end;
  out.fired = out.deadline = true;
  out.time = end;
  out.group = state.group;
  out.steps = std::move(steps);
  out.count = count;
  out.value = std::move(value);
}

std::vector<BoundStep> PeriodWindow::StepsOf(const Window& window) const {
  if (sequence()) return SequenceOf(window);
  std::vector<BoundStep> steps = evidence_.TellAll(
      window.events.size(), [&window](std::size_t i) { return window.events[i]; });
  if (!set()) return steps;
  for (BoundStep& step : steps) {  // of each step its newest event alone
    if (step.size() > 1) step.erase(step.begin(), step.end() - 1);
  }
  return steps;
}

std::vector<BoundStep> PeriodWindow::SequenceOf(const Window& window) const {
  std::vector<BoundStep> steps(rule_.steps.size());
  const SequenceSearch search(evidence_, window.events, steps.size(), rule_.ties_any);
  for (std::uint32_t step = 0; step < search.found().size(); ++step) {
    steps[step].push_back(evidence_.TellAs(window.events[search.found()[step]], step));
  }
  return steps;
}

void PeriodWindow::Forget(Store::Node& node) {
  State& state = node.state;
  const std::int64_t bytes = state.bytes;
  Clear(state, state.open);
  Clear(state, state.ended);
  store_.Charge(-bytes);
}

bool PeriodWindow::Awaits(const Digest& key, EventTime due) const {
  const Store::Node* const node = store_.Find(key);
  if (node == nullptr) return false;
  const Window& ended = node->state.ended;
  return node->state.timer == due || (ended.count > 0 && EndOf(ended) == due);
}

void PeriodWindow::ExpireBefore(EventTime time) {
  store_.ExpireBefore(time, [this](Store::Node& node) { Forget(node); });
}

// What a window said stays as it was judged: nothing of a later one belongs to it.
EventTime PeriodWindow::HoldsUntil(const Digest&) const { return EventTime::Min(); }

std::vector<BoundStep> PeriodWindow::BoundNow(const Digest&, EventTime) const {
  return std::vector<BoundStep>(rule_.steps.size());
}

void PeriodWindow::SaveWindow(const Window& window, StateWriter& out) const {
  out.I64(window.count);
  if (window.count == 0) return;
  out.Time(window.first);
  out.Time(window.last);
  out.U32(static_cast<std::uint32_t>(window.measures.size()));
  for (std::size_t i = 0; i < window.measures.size(); ++i) SaveMeasure(window.measures[i], out);
  out.U32(static_cast<std::uint32_t>(window.events.size()));
  for (const EventRef& event : window.events) evidence_.Save(event, out);
}

bool PeriodWindow::LoadWindow(StateReader& in, State& state, Window& window) {
  window.count = in.I64();
  if (window.count == 0) return in.ok();
  window.first = in.Time();
  window.last = in.Time();
  window.aggregate = Aggregate(rule_.type);
  for (std::uint32_t i = in.Count(9); i > 0 && in.ok(); --i) {
    const Measure measure = LoadMeasure(rule_, in);
    if (std::holds_alternative<std::monostate>(measure)) in.Refuse();
    if (!in.ok()) return false;
    window.aggregate.Add(measure);
    window.measures.Push(measure);
    state.bytes += kMeasureBytes;
  }
  EventTime latest = window.first;
  for (std::uint32_t i = in.Count(EvidenceStore::kLeastSaved); i > 0 && in.ok(); --i) {
    const std::optional<EventRef> event = evidence_.Load(in);
    if (!event) return false;
    if (event->time < latest || window.last < event->time) in.Refuse();
    latest = event->time;
    window.events.push_back(*event);
    state.bytes += kEventBytes + evidence_.BytesOf(*event);
  }
  if (window.count < 0 || window.count >> 62 != 0 || window.events.empty() ||
      window.last < window.first || window.events.size() > EvidenceStore::kTold) {
    in.Refuse();
  }
  return in.ok();
}

void PeriodWindow::Save(StateWriter& out) const {
  out.U64(store_.evictions());
  out.U32(static_cast<std::uint32_t>(store_.size()));
  store_.ForEach([&](const Store::Node& node) {
    const State& state = node.state;
    out.Hash(node.key);
    out.Time(node.touched);
    out.Bool(state.edge.on);
    out.Time(state.edge.fired);
    out.Time(state.judged);
    out.Named(state.group);
    SaveWindow(state.open, out);
    SaveWindow(state.ended, out);
  });
}

bool PeriodWindow::Load(StateReader& in) {
  const std::uint64_t evictions = in.U64();
  std::optional<Digest> before;
  for (std::uint32_t left = in.Count(16 + 8 + 1 + 8 + 8 + 4 + 8 + 8); left > 0; --left) {
    const Digest key = in.Hash();
    const EventTime touched = in.Time();
    State state;
    state.edge.on = in.Bool();
    state.edge.fired = in.Time();
    state.judged = in.Time();
    state.group = in.Named();
    state.bytes = kStateBytes + BytesOfGroup(state.group);
    if (!IsGroupOf(rule_, state.group, true) || (before && !(*before < key))) in.Refuse();
    if (!LoadWindow(in, state, state.open) || !LoadWindow(in, state, state.ended)) return false;
    if (state.ended.count > 0 && !tumbling()) return false;
    before = key;
    Store::Node& node = store_.Restore(key, touched, state.bytes);
    node.state = std::move(state);
    if (node.state.ended.count > 0) {
      timers_->Set({EndOf(node.state.ended), unit_, Timer::Kind::kOperator, key});
    }
    SetTimer(key, node.state);
  }
  store_.SetEvictions(evictions);
  store_.ShrinkToCaps([this](Store::Node& node) { Forget(node); });
  return in.ok();
}

void PeriodWindow::ForEachOpen(const std::function<void(const Open&)>& visit) const {
  store_.ForEach([&](const Store::Node& node) {
    const State& state = node.state;
    for (const Window* window : {&state.ended, &state.open}) {
      if (window->count == 0) continue;
      visit({state.group, node.key, window->first, EndOf(*window),
             fmt::format("the end of its {} window: {} events so far",
                         tumbling() ? "tumbling" : "session", window->count)});
    }
  });
}

}  // namespace faultline
