// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/value_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "matcher/correlate/intake.h"
#include "matcher/correlate/state_codec.h"
#include "matcher/correlate/timers.h"

namespace faultline {
namespace {

using sigma::CorrelationRule;
using sigma::CorrelationType;
using sigma::RefireKind;
using sigma::Threshold;
using std::chrono::nanoseconds;

constexpr std::int64_t kStateBytes = 128;
constexpr std::int64_t kItemBytes = 64;

// Counts only fall by expiry, so only an upper bound can become true by it.
bool TurnsByExpiry(const CorrelationRule& rule) {
  if (rule.type != CorrelationType::kEventCount && rule.type != CorrelationType::kValueCount) {
    return true;
  }
  return std::any_of(rule.thresholds.begin(), rule.thresholds.end(), [](const Threshold& each) {
    return each.op != Threshold::Op::kGt && each.op != Threshold::Op::kGte;
  });
}

// How many events `event_count` has to keep: one more than any threshold names, and what is told.
std::size_t EventsToKeep(const CorrelationRule& rule) {
  constexpr std::size_t kMost = std::size_t{1} << 27;
  std::size_t keep = rule.type == CorrelationType::kEventCount ? EvidenceStore::kTold : kMost;
  for (const Threshold& threshold : rule.thresholds) {
    const Number number = Number::From(threshold.number).value_or(Number{});
    const double named = std::clamp(number.decimal(), 0.0, static_cast<double>(kMost));
    keep = std::max(keep, static_cast<std::size_t>(named) + 2);
  }
  return keep;
}

// A key is dead when nothing in its window can count, nor the time of its last firing.
nanoseconds KeepFor(const CorrelationRule& rule) {
  const bool fired_counts = rule.refire == RefireKind::kAfter && !rule.where.empty();
  return rule.timespan + (fired_counts ? rule.refire_after : nanoseconds(0));
}

}  // namespace

ValueWindow::ValueWindow(const CorrelationRule& rule, std::uint32_t unit, const Limits& limits,
                         Timers* timers)
    : rule_(rule),
      unit_(unit),
      timers_(timers),
      timed_(TurnsByExpiry(rule)),
      keep_(EventsToKeep(rule)),
      most_bytes_(static_cast<std::int64_t>(limits.max_bytes / 2)),
      evidence_(rule),
      store_(limits, KeepFor(rule)) {}

bool ValueWindow::Holds(const Aggregate& aggregate) const {
  return Meets(rule_.thresholds, aggregate.Value(rule_));
}

std::int64_t ValueWindow::BytesOf(const Item& item) const noexcept {
  return kItemBytes + evidence_.BytesOf(item.event);
}

void ValueWindow::Add(State& state, const Item& item) const {
  state.items.Push(item);
  state.aggregate.Add(item.measure);
  state.bytes += BytesOf(item);
}

void ValueWindow::RemoveOldest(State& state) {
  const Item& oldest = state.items.front();
  state.aggregate.Remove(oldest.measure);
  state.bytes -= BytesOf(oldest);
  evidence_.Drop(oldest.event);
  state.items.Pop();
}

bool ValueWindow::Expire(State& state, EventTime at) {
  const EventTime from = at - rule_.timespan;
  bool any = false;
  while (!state.items.empty() && state.items.front().event.time < from) {
    RemoveOldest(state);
    any = true;
  }
  return any;
}

void ValueWindow::SetTimer(const Digest& key, State& state) {
  if (!timed_ || state.timer != EventTime::Max() || state.items.empty()) return;
  state.timer = state.items.front().event.time + rule_.timespan;
  timers_->Set({state.timer, unit_, Timer::Kind::kExpiry, key});
}

void ValueWindow::Fire(State& state, const std::vector<NamedValue>* group,
                       std::span<const InputHit> deciding, EventTime at, Judge& judge,
                       Outcome& out) const {
  std::vector<BoundStep> steps =
      evidence_.TellAll(state.items.size(), [&](std::size_t i) { return state.items[i].event; });
  const auto count = static_cast<std::int64_t>(state.items.size());
  const sigma::ExprValue value = state.aggregate.Value(rule_);
  if (!judge.Holds({group, steps, deciding, at, count, value})) return;
  state.edge.fired = at;
  out.fired = true;
  out.time = at;
  out.steps = std::move(steps);
  out.count = count;
  out.value = value;
}

void ValueWindow::Observe(const Arrival& arrival, Judge& judge, Outcome& out) {
  const InputHit* const counted = evidence_.Counted(arrival);
  if (counted == nullptr) return;
  const std::optional<Measure> measure = MeasureOf(rule_, *counted->hit, out);
  if (!measure) return;
  const auto drop = [this](Store::Node& node) { Forget(node); };
  Store::Node& node = store_.Touch(arrival.key, arrival.time, drop);
  State& state = node.state;
  const std::int64_t before = state.bytes;
  if (state.bytes == 0) {
    state.aggregate = Aggregate(rule_.type);
    if (timed_) state.group = *arrival.group;
    state.bytes = kStateBytes + BytesOfGroup(state.group);
  }
  if (Expire(state, arrival.time)) state.edge.on = state.edge.on && Holds(state.aggregate);
  if (state.items.size() == keep_) RemoveOldest(state);
  Add(state, {evidence_.Keep(arrival), *measure});
  while (state.bytes > most_bytes_ && state.items.size() > 1) {
    RemoveOldest(state);
    store_.CountEvictions(1);
  }
  if (state.edge.Take(rule_, WindowEdge::Look::kArrival, Holds(state.aggregate), arrival.time)) {
    Fire(state, arrival.group, arrival.hits, arrival.time, judge, out);
  }
  SetTimer(arrival.key, state);
  store_.Settle(node, state.bytes - before, drop);
}

void ValueWindow::OnTimer(const Digest& key, EventTime due, Judge& judge, Outcome& out) {
  Store::Node* const node = store_.Find(key);
  if (node == nullptr || node->state.timer != due) return;
  State& state = node->state;
  const std::int64_t before = state.bytes;
  const EventTime at = due + nanoseconds(1);  // the first instant without what expires
  state.timer = EventTime::Max();
  Expire(state, at);
  if (state.edge.Take(rule_, WindowEdge::Look::kExpiry, Holds(state.aggregate), at)) {
    Fire(state, &state.group, {}, at, judge, out);
    if (out.fired) {
      out.deadline = true;
      out.group = state.group;
    }
  }
  SetTimer(key, state);
  store_.Settle(*node, state.bytes - before, [this](Store::Node& other) { Forget(other); });
}

void ValueWindow::Forget(Store::Node& node) {
  const Queue<Item>& items = node.state.items;
  for (std::size_t i = 0; i < items.size(); ++i) evidence_.Drop(items[i].event);
  store_.Charge(-node.state.bytes);
}

bool ValueWindow::Awaits(const Digest& key, EventTime due) const {
  const Store::Node* const node = store_.Find(key);
  return node != nullptr && node->state.timer == due;
}

void ValueWindow::ExpireBefore(EventTime time) {
  store_.ExpireBefore(time, [this](Store::Node& node) { Forget(node); });
}

EventTime ValueWindow::HoldsUntil(const Digest& key) const {
  const Store::Node* node = store_.Find(key);
  if (node == nullptr || !node->state.edge.on) return EventTime::Min();
  const Queue<Item>& items = node->state.items;
  Aggregate left = node->state.aggregate;
  for (std::size_t i = 0; i < items.size();) {
    const EventTime time = items[i].event.time;
    for (; i < items.size() && items[i].event.time == time; ++i) left.Remove(items[i].measure);
    if (!Holds(left)) return time + rule_.timespan;
  }
  return EventTime::Min();
}

std::vector<BoundStep> ValueWindow::BoundNow(const Digest& key, EventTime now) const {
  const Store::Node* node = store_.Find(key);
  if (node == nullptr) return std::vector<BoundStep>(rule_.steps.size());
  const Queue<Item>& items = node->state.items;
  std::size_t first = 0;
  while (first < items.size() && items[first].event.time < now - rule_.timespan) ++first;
  return evidence_.TellAll(items.size() - first,
                           [&](std::size_t i) { return items[first + i].event; });
}

void ValueWindow::Save(StateWriter& out) const {
  out.U64(store_.evictions());
  out.U32(static_cast<std::uint32_t>(store_.size()));
  store_.ForEach([&](const Store::Node& node) {
    const State& state = node.state;
    out.Hash(node.key);
    out.Time(node.touched);
    out.Bool(state.edge.on);
    out.Time(state.edge.fired);
    out.Named(state.group);
    out.U32(static_cast<std::uint32_t>(state.items.size()));
    for (std::size_t i = 0; i < state.items.size(); ++i) {
      evidence_.Save(state.items[i].event, out);
      SaveMeasure(state.items[i].measure, out);
    }
  });
}

bool ValueWindow::Load(StateReader& in) {
  const std::uint64_t evictions = in.U64();
  std::optional<Digest> before;
  for (std::uint32_t left = in.Count(16 + 8 + 1 + 8 + 4 + 4); left > 0; --left) {
    const Digest key = in.Hash();
    const EventTime touched = in.Time();
    State state;
    state.aggregate = Aggregate(rule_.type);
    state.edge.on = in.Bool();
    state.edge.fired = in.Time();
    state.group = in.Named();
    state.bytes = kStateBytes + BytesOfGroup(state.group);
    for (std::uint32_t i = in.Count(EvidenceStore::kLeastSaved); i > 0; --i) {
      const std::optional<EventRef> event = evidence_.Load(in);
      const Measure measure = LoadMeasure(rule_, in);
      if (!in.ok()) return false;
      if (touched < event->time ||
          (!state.items.empty() && event->time < state.items.back().event.time)) {
        in.Refuse();
      }
      Add(state, {*event, measure});
    }
    if (!IsGroupOf(rule_, state.group, timed_) || (before && !(*before < key))) in.Refuse();
    if (!in.ok()) return false;
    before = key;
    while (state.items.size() > keep_) RemoveOldest(state);
    Store::Node& node = store_.Restore(key, touched, state.bytes);
    node.state = std::move(state);
    SetTimer(key, node.state);
  }
  store_.SetEvictions(evictions);
  store_.ShrinkToCaps([this](Store::Node& node) { Forget(node); });
  return in.ok();
}

void ValueWindow::ForEachOpen(const std::function<void(const Open&)>& visit) const {
  store_.ForEach([&](const Store::Node& node) {
    const State& state = node.state;
    if (state.items.empty()) return;
    visit({state.group, node.key, state.items.front().event.time, node.touched + rule_.timespan,
           fmt::format("{} events, {} {}", state.items.size(), ToString(rule_.type),
                       sigma::ToText(state.aggregate.Value(rule_)))});
  });
}

}  // namespace faultline
