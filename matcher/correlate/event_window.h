// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "matcher/correlate/event_rings.h"
#include "matcher/correlate/evidence.h"
#include "matcher/correlate/flat_store.h"
#include "matcher/correlate/operator.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// Sliding `event_count` that only arrivals can make true: `gt` and `gte`, edge-triggered or at every
// arrival. The commonest correlation, so it is the one made for speed: 64 bytes a key.
//
// Place      Correlator -> [EventWindow] -> Outcome. Built by MakeOperator.
// Time       Event time only. Closed: events exactly `timespan` apart count together. The count
//            falls by expiry, which needs no timer: the next arrival sees what became of it.
// State      Per key its newest events, as many as the predicate and what is told can ask for: the
//            threshold; where every arrival fires or texts may ask, at least EvidenceStore::kTold.
// Memory     64 bytes a key, 24 an event that is not its only one; FlatStore's caps. One key keeps
//            at most what half of all bytes can hold, and lets its oldest events go, counted, where
//            even that is too much.
// Threads    Confined to its correlator. Borrows the rule.
class EventWindow final : public Operator {
 public:
  // Whether `rule` is one that this class can judge.
  [[nodiscard]] static bool Judges(const sigma::CorrelationRule& rule);

  EventWindow(const sigma::CorrelationRule& rule, const Limits& limits);

  void Observe(const Arrival& arrival, Judge& judge, Outcome& out) override;
  void Prefetch(std::span<const Digest> keys) const noexcept override;
  void OnTimer(const Digest& key, EventTime due, Judge& judge, Outcome& out) override;
  void ExpireBefore(EventTime time) override;
  [[nodiscard]] EventTime HoldsUntil(const Digest& key) const override;
  [[nodiscard]] std::vector<BoundStep> BoundNow(const Digest& key, EventTime now) const override;
  [[nodiscard]] Numbers numbers() const override { return store_.numbers(); }
  void Save(StateWriter& out) const override;
  [[nodiscard]] bool Load(StateReader& in) override;
  void ForEachOpen(const std::function<void(const Open&)>& visit) const override;

 private:
  // A ring whose oldest event lies here, the others in a block of rings_.
  struct State {
    EventRef first;
    std::uint32_t block = 0;
    std::uint32_t count = 0;  // events, the first one too
    std::uint32_t head = 0;   // of the block: the second event
    std::uint8_t size = 0;    // of the block; 0: none
    bool on = false;          // the predicate is true, as of the last arrival

    [[nodiscard]] std::uint32_t rank() const noexcept { return count; }
  };
  using Store = FlatStore<State>;
  static_assert(sizeof(Store::Node) == 64);

  [[nodiscard]] const EventRef& At(const State& state, std::size_t i) const noexcept;
  // Both give the bytes that this takes or frees.
  [[nodiscard]] std::int64_t Push(State& state, const EventRef& event);
  [[nodiscard]] std::int64_t Pop(State& state);
  void Resize(State& state, std::uint8_t size);
  // The first event in the window that ends at `at`.
  [[nodiscard]] std::uint32_t FirstIn(const State& state, EventTime at) const noexcept;
  void Fire(const State& state, const Arrival& arrival, Judge& judge, Outcome& out) const;
  void Forget(Store::Node& node);  // what FlatStore drops

  const sigma::CorrelationRule& rule_;
  std::uint32_t threshold_;  // the least count that is enough
  std::uint32_t keep_;       // events a key keeps
  bool cramped_ = false;     // ... which is less than it would
  EvidenceStore evidence_;
  EventRings rings_;
  Store store_;
};

}  // namespace faultline
