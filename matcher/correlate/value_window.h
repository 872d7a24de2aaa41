// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "matcher/correlate/aggregate.h"
#include "matcher/correlate/evidence.h"
#include "matcher/correlate/flat_store.h"
#include "matcher/correlate/operator.h"
#include "matcher/correlate/queue.h"
#include "matcher/correlate/window_edge.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// Sliding windows of the count and value types.
//
// Place      Correlator -> [ValueWindow] -> Outcome. Built by MakeOperator; EventWindow does the
//            commonest case.
// Time       Event time only. Closed: events exactly `timespan` apart count together. Where expiry can
//            make the predicate true, a timer looks at each: due at oldest + timespan, acting at the
//            first instant behind it. An empty window is never true.
// State      Per key its counted events with what each gave, and their aggregate. Texts are kept as
//            digests.
// Memory     64 bytes an event and what was captured; FlatStore's caps. A key that holds half of all
//            bytes lets its oldest events go, counted. `event_count` keeps what its predicate and
//            texts can ask for.
// Threads    Confined to its correlator. Borrows the rule and the timers.
class ValueWindow final : public Operator {
 public:
  ValueWindow(const sigma::CorrelationRule& rule, std::uint32_t unit, const Limits& limits,
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
  struct Item {
    EventRef event;
    Measure measure;
  };
  struct State {
    Queue<Item> items;    // oldest first
    Aggregate aggregate;  // of them
    WindowEdge edge;
    std::vector<NamedValue> group;       // where timers may fire
    std::int64_t bytes = 0;              // beyond FlatStore's
    EventTime timer = EventTime::Max();  // the one that is set; Max(): none

    [[nodiscard]] std::uint32_t rank() const noexcept {
      return static_cast<std::uint32_t>(aggregate.distinct());
    }
  };
  using Store = FlatStore<State>;

  [[nodiscard]] bool Holds(const Aggregate& aggregate) const;
  [[nodiscard]] std::int64_t BytesOf(const Item& item) const noexcept;
  void Add(State& state, const Item& item) const;
  void RemoveOldest(State& state);
  // Takes away what has expired at `at`; whether anything had.
  bool Expire(State& state, EventTime at);
  void SetTimer(const Digest& key, State& state);
  void Fire(State& state, const std::vector<NamedValue>* group, std::span<const InputHit> deciding,
            EventTime at, Judge& judge, Outcome& out) const;
  void Forget(Store::Node& node);

  const sigma::CorrelationRule& rule_;
  std::uint32_t unit_;
  Timers* timers_;
  bool timed_;               // expiry can make the predicate true
  std::size_t keep_;         // events a key keeps at most
  std::int64_t most_bytes_;  // of one key
  EvidenceStore evidence_;
  Store store_;
};

}  // namespace faultline
