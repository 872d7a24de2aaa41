// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/event_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "matcher/correlate/aggregate.h"
#include "matcher/correlate/state_codec.h"

namespace faultline {
namespace {

using sigma::CorrelationRule;
using sigma::Threshold;

constexpr std::uint32_t kMostEvents = 1U << 27;  // what EventRings can hold of one key
constexpr auto kEventBytes = static_cast<std::int64_t>(sizeof(EventRef));

// The least count that satisfies `gt` and `gte`; at least one event.
std::uint32_t LeastCount(const CorrelationRule& rule) {
  std::int64_t least = 1;
  for (const Threshold& threshold : rule.thresholds) {
    const Number number = Number::From(threshold.number).value_or(Number{});
    const double above = std::clamp(number.decimal(), 0.0, static_cast<double>(kMostEvents));
    std::int64_t enough = static_cast<std::int64_t>(std::ceil(above));
    if (threshold.op == Threshold::Op::kGt && number == Number::Of(enough)) ++enough;
    least = std::max(least, enough);
  }
  return static_cast<std::uint32_t>(std::min<std::int64_t>(least, kMostEvents));
}

}  // namespace

bool EventWindow::Judges(const CorrelationRule& rule) {
  return rule.type == sigma::CorrelationType::kEventCount &&
         rule.window == sigma::WindowKind::kSliding &&
         (rule.refire == sigma::RefireKind::kEdge || rule.refire == sigma::RefireKind::kEvery) &&
         std::all_of(rule.thresholds.begin(), rule.thresholds.end(), [](const Threshold& each) {
           return each.op == Threshold::Op::kGt || each.op == Threshold::Op::kGte;
         });
}

EventWindow::EventWindow(const CorrelationRule& rule, const Limits& limits)
    : rule_(rule),
      threshold_(LeastCount(rule)),
      keep_(threshold_),
      evidence_(rule),
      store_(limits, rule.timespan) {
  if (rule.chain || rule.refire == sigma::RefireKind::kEvery) {
    keep_ = std::max<std::uint32_t>(keep_, EvidenceStore::kTold);
  }
  const std::size_t room = limits.max_bytes / 2 / sizeof(EventRef) + 1;
  cramped_ = keep_ > room;
  if (cramped_) keep_ = static_cast<std::uint32_t>(room);
}

const EventRef& EventWindow::At(const State& state, std::size_t i) const noexcept {
  if (i == 0) return state.first;
  const std::uint32_t mask = EventRings::CapacityOf(state.size) - 1;
  return rings_.At(state.size, state.block)[(state.head + i - 1) & mask];
}

void EventWindow::Resize(State& state, std::uint8_t size) {
  State resized = state;
  resized.size = size;
  resized.head = 0;
  if (size != 0) {
    resized.block = rings_.Take(size);
    EventRef* const events = rings_.At(size, resized.block);
    for (std::uint32_t i = 1; i < state.count; ++i) events[i - 1] = At(state, i);
  }
  if (state.size != 0) rings_.Give(state.size, state.block);
  state = resized;
}

std::int64_t EventWindow::Push(State& state, const EventRef& event) {
  if (state.count == 0) {
    state.first = event;
  } else {
    if (state.size == 0 || state.count - 1 == EventRings::CapacityOf(state.size)) {
      Resize(state, static_cast<std::uint8_t>(state.size + 1));
    }
    const std::uint32_t mask = EventRings::CapacityOf(state.size) - 1;
    rings_.At(state.size, state.block)[(state.head + state.count - 1) & mask] = event;
  }
  ++state.count;
  return kEventBytes + evidence_.BytesOf(event);
}

std::int64_t EventWindow::Pop(State& state) {
  const std::int64_t freed = kEventBytes + evidence_.BytesOf(state.first);
  evidence_.Drop(state.first);
  if (state.count > 1) {
    state.first = At(state, 1);
    state.head = (state.head + 1) & (EventRings::CapacityOf(state.size) - 1);
  }
  --state.count;
  if (state.size == 1 && state.count <= 1) Resize(state, 0);
  if (state.size > 1 && state.count < EventRings::CapacityOf(state.size) / 4) {
    Resize(state, static_cast<std::uint8_t>(state.size - 1));
  }
  return -freed;
}

void EventWindow::Forget(Store::Node& node) {
  State& state = node.state;
  std::int64_t bytes = 0;
  for (std::uint32_t i = 0; i < state.count; ++i) {
    bytes += kEventBytes + evidence_.BytesOf(At(state, i));
    evidence_.Drop(At(state, i));
  }
  if (state.size != 0) rings_.Give(state.size, state.block);
  store_.Charge(-bytes);
}

void EventWindow::Observe(const Arrival& arrival, Judge& judge, Outcome& out) {
  const InputHit* const counted = evidence_.Counted(arrival);
  if (counted == nullptr) return;
  const auto drop = [this](Store::Node& node) { Forget(node); };
  Store::Node& node = store_.Touch(arrival.key, arrival.time, drop);
  State& state = node.state;
  std::int64_t bytes = 0;
  const EventTime from = arrival.time - rule_.timespan;
  while (state.count > 0 && state.first.time < from) bytes += Pop(state);
  if (state.count < threshold_) state.on = false;  // by expiry, before this arrival
  if (state.count == keep_) {
    bytes += Pop(state);
    if (cramped_) store_.CountEvictions(1);
  }
  bytes += Push(state, evidence_.Keep(arrival));
  if (state.count >= threshold_) {
    const bool fires = !state.on || rule_.refire == sigma::RefireKind::kEvery;
    state.on = true;
    if (fires) Fire(state, arrival, judge, out);
  }
  store_.Settle(node, bytes, drop);
  while (store_.over() && state.count > 1) {
    bytes = Pop(state);
    if (state.count < threshold_) state.on = false;
    store_.CountEvictions(1);
    store_.Settle(node, bytes, drop);
  }
}

void EventWindow::Prefetch(std::span<const Digest> keys) const noexcept {
  store_.Prefetch(keys, [this](const Store::Node& node) {
    const State& state = node.state;
    if (state.size == 0) return;
    const EventRef* const ring = rings_.At(state.size, state.block);
    const std::uint32_t mask = EventRings::CapacityOf(state.size) - 1;
    __builtin_prefetch(&ring[(state.head + state.count - 1) & mask], 1);  // the next event's place
  });
}

void EventWindow::Fire(const State& state, const Arrival& arrival, Judge& judge,
                       Outcome& out) const {
  std::vector<BoundStep> steps =
      evidence_.TellAll(state.count, [&](std::size_t i) { return At(state, i); });
  const std::int64_t count = state.count;
  if (!judge.Holds({arrival.group, steps, arrival.hits, arrival.time, count, count})) return;
  out.fired = true;
  out.time = arrival.time;
  out.steps = std::move(steps);
  out.count = count;
  out.value = count;
}

void EventWindow::OnTimer(const Digest&, EventTime, Judge&, Outcome&) {}  // it sets none

void EventWindow::ExpireBefore(EventTime time) {
  store_.ExpireBefore(time, [this](Store::Node& node) { Forget(node); });
}

EventTime EventWindow::HoldsUntil(const Digest& key) const {
  const Store::Node* node = store_.Find(key);
  if (node == nullptr || !node->state.on) return EventTime::Min();
  return At(node->state, node->state.count - threshold_).time + rule_.timespan;
}

std::uint32_t EventWindow::FirstIn(const State& state, EventTime at) const noexcept {
  std::uint32_t first = 0;
  while (first < state.count && At(state, first).time < at - rule_.timespan) ++first;
  return first;
}

std::vector<BoundStep> EventWindow::BoundNow(const Digest& key, EventTime now) const {
  const Store::Node* node = store_.Find(key);
  if (node == nullptr) return std::vector<BoundStep>(rule_.steps.size());
  const std::uint32_t first = FirstIn(node->state, now);
  return evidence_.TellAll(node->state.count - first,
                           [&](std::size_t i) { return At(node->state, first + i); });
}

void EventWindow::Save(StateWriter& out) const {
  out.U64(store_.evictions());
  out.U32(static_cast<std::uint32_t>(store_.size()));
  store_.ForEach([&](const Store::Node& node) {
    const State& state = node.state;
    out.Hash(node.key);
    out.Bool(state.on);
    out.U32(state.count);
    for (std::uint32_t i = 0; i < state.count; ++i) evidence_.Save(At(state, i), out);
  });
}

bool EventWindow::Load(StateReader& in) {
  const auto drop = [this](Store::Node& node) { Forget(node); };
  const std::uint64_t evictions = in.U64();
  std::optional<Digest> before;
  for (std::uint32_t left = in.Count(16 + 1 + 4 + EvidenceStore::kLeastSaved); left > 0; --left) {
    const Digest key = in.Hash();
    const bool on = in.Bool();
    const std::uint32_t count = in.Count(EvidenceStore::kLeastSaved);
    State state;
    std::int64_t bytes = 0;
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      const std::optional<EventRef> event = evidence_.Load(in);
      if (!event) break;
      if (i > 0 && event->time < At(state, i - 1).time) in.Refuse();
      bytes += Push(state, *event);
    }
    const bool held = count >= threshold_;
    if (!in.ok() || count == 0 || (before && !(*before < key)) || (on && !held)) return false;
    before = key;
    while (state.count > keep_) bytes += Pop(state);
    state.on = on && state.count >= threshold_;
    store_.Restore(key, At(state, state.count - 1).time, bytes).state = state;
  }
  store_.SetEvictions(evictions);
  store_.ShrinkToCaps(drop);
  return in.ok();
}

void EventWindow::ForEachOpen(const std::function<void(const Open&)>& visit) const {
  store_.ForEach([&](const Store::Node& node) {
    const State& state = node.state;
    visit({{},
           node.key,
           state.first.time,
           node.touched + rule_.timespan,
           fmt::format("{} of {} events", state.count, threshold_)});
  });
}

}  // namespace faultline
