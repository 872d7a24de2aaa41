// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "matcher/correlate/aggregate.h"
#include "matcher/correlate/evidence.h"
#include "matcher/correlate/flat_store.h"
#include "matcher/correlate/operator.h"
#include "matcher/correlate/queue.h"
#include "matcher/correlate/window_edge.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// Tumbling and session windows of every type: they gather, and a timer judges them when they end.
//
// Place      Correlator -> [PeriodWindow] -> Outcome. Built by MakeOperator.
// Time       Event time only. Tumbling: [k T, (k+1) T) from the epoch, judged at (k+1) T; arrivals at
//            that instant come before the timer and open the next window. Session: judged at min(last
//            arrival + gap, first + timespan); an arrival at that very instant belongs to it.
// State      Per key the window that gathers and, at its end's instant, the one that waits for its
//            timer; each with its aggregate and the events that are told of it. And how the last
//            window was judged: the predicate is edge-triggered over windows that follow each other.
// Memory     64 bytes an event told, 32 a number or different value; FlatStore's caps. A window keeps
//            the events that its steps rest on; of count and value types the first and the newest;
//            of a sequence the newest EvidenceStore::kTold, what goes before is counted. A key that holds
//            half of all bytes lets its oldest values go, counted.
// Threads    Confined to its correlator. Borrows the rule and the timers.
class PeriodWindow final : public Operator {
 public:
  PeriodWindow(const sigma::CorrelationRule& rule, std::uint32_t unit, const Limits& limits,
               Timers* timers);

  void Observe(const Arrival& arrival, Judge& judge, Outcome& out) override;
  void OnTimer(const Digest& key, EventTime due, Judge& judge, Outcome& out) override;
  [[nodiscard]] bool Awaits(const Digest& key, EventTime due) const override;
  void ExpireBefore(EventTime time) override;
  [[nodiscard]] EventTime HoldsUntil(const Digest& key) const override;
  [[nodiscard]] std::vector<BoundStep> BoundNow(const Digest& key, EventTime now) const override;
  [[nodiscard]] Numbers numbers() const override { return store_.numbers(); }
  void Save(StateWriter& out) const override;
  [[nodiscard]] bool Load(StateReader& in) override;
  void ForEachOpen(const std::function<void(const Open&)>& visit) const override;

 private:
  struct Window {
    EventTime first, last;         // of its arrivals
    std::int64_t count = 0;        // arrivals; 0: there is no window
    Queue<Measure> measures;       // what was added to the aggregate
    Aggregate aggregate;           // of the value types
    std::vector<EventRef> events;  // told, oldest first
  };
  struct State {
    Window open;
    Window ended;  // tumbling: not judged yet; only while arrivals at its end come
    WindowEdge edge;
    EventTime judged = EventTime::Min();  // the last judged window's: end; session: last arrival
    std::vector<NamedValue> group;
    std::int64_t bytes = 0;              // beyond FlatStore's
    EventTime timer = EventTime::Max();  // session: the one that is set; Max(): none

    [[nodiscard]] std::uint32_t rank() const noexcept {
      return static_cast<std::uint32_t>(open.events.size());
    }
  };
  using Store = FlatStore<State>;

  [[nodiscard]] bool tumbling() const noexcept;
  [[nodiscard]] bool sequence() const noexcept;
  [[nodiscard]] bool set() const noexcept;
  [[nodiscard]] EventTime EndOf(const Window& window) const;
  void Add(State& state, Window& window, const EventRef& event, const Measure& measure);
  void Trim(State& state, Window& window);
  void DropEvent(State& state, Window& window, std::size_t at);
  void Clear(State& state, Window& window);
  void SetTimer(const Digest& key, State& state);
  void JudgeWindow(State& state, Window& window, Judge& judge, Outcome& out);
  [[nodiscard]] std::vector<BoundStep> StepsOf(const Window& window) const;
  [[nodiscard]] std::vector<BoundStep> SequenceOf(const Window& window) const;
  void Forget(Store::Node& node);
  void SaveWindow(const Window& window, StateWriter& out) const;
  [[nodiscard]] bool LoadWindow(StateReader& in, State& state, Window& window);

  const sigma::CorrelationRule& rule_;
  std::uint32_t unit_;
  Timers* timers_;
  std::int64_t most_bytes_;  // of one key
  EvidenceStore evidence_;
  Store store_;
};

}  // namespace faultline
