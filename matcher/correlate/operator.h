// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"
#include "matcher/correlate/hit.h"
#include "matcher/sigma/rule.h"

namespace faultline {

class StateReader;
class StateWriter;
class Timers;

// What is remembered of one event: where it lies and what it said, not the event itself.
struct Bound {
  std::uint32_t input = 0;  // index into CorrelationRule::inputs
  EventTime time;
  Origin origin;
  // As in Hit. Not 0: the edge of a child that a timer made, no event of this time. `origin` is that of
  // the newest event that the edge rests on; it is for people, and no part of any order or identity.
  std::int32_t turn = 0;
  std::vector<NamedValue> values;  // what was captured, then the fields that the rule asks for
  std::uint32_t captures = 0;      // so many of `values` were captured

  // The first value of that name; null when there is none.
  [[nodiscard]] const std::string* Find(std::string_view name) const;
  [[nodiscard]] bool deadline() const noexcept { return turn != 0; }
  [[nodiscard]] bool Before(const Bound& other) const;  // in the total order
  [[nodiscard]] bool SamePoint(const Bound& other) const;
};

// `hit` as input `input` of `rule` remembers it: the captures, and for rules with a `faultline:` map the
// first value of each field that they ask for.
[[nodiscard]] Bound BoundOf(const sigma::CorrelationRule& rule, std::uint32_t input,
                            const Hit& hit);

// The events of one step, oldest first; the last one is the step's own. Empty: not seen.
using BoundStep = std::vector<Bound>;

// One hit as one input of a correlation.
struct InputHit {
  std::uint32_t input = 0;
  const Hit* hit = nullptr;
};

// All that happened at one point of the order and counts for one key of one correlation: the rules
// that one event matched and the edges of children that it made, or the edges that a timer made.
struct Arrival {
  EventTime time;
  Digest key;  // of `group`
  const std::vector<NamedValue>* group = nullptr;
  std::span<const InputHit> hits;  // by input, ascending; at least one
};

// What a predicate would rest on, for `where`.
struct Candidate {
  const std::vector<NamedValue>* group = nullptr;
  std::span<const BoundStep> steps;    // one per CorrelationRule::steps
  std::span<const InputHit> deciding;  // what arrived, by input; empty at a timer
  EventTime at;
  std::int64_t count = 0;  // as in Outcome
  sigma::ExprValue value;  // likewise
};

// Says whether a rule's `where` is true for a candidate; true where the rule has none. The
// correlator's: it knows the registers.
class Judge {
 public:
  virtual ~Judge() = default;
  [[nodiscard]] virtual bool Holds(const Candidate& candidate) = 0;
};

// What one arrival or timer did to one key.
struct Outcome {
  bool fired = false;             // an edge, with `refire` and the arming seen to
  bool deadline = false;          // ... that a timer made: by expiry, at a window's end, by absence
  EventTime time;                 // ... its time
  std::vector<NamedValue> group;  // the key, where a timer fired
  std::vector<BoundStep> steps;   // where it fired: one per step of the rule
  std::int64_t count = 0;         // events counted, or steps seen
  sigma::ExprValue value;         // what was compared
  std::uint64_t no_number = 0;    // arrivals without a number where one was asked for
};

// One correlation's predicate and its state per key. Each kind of window or chain is one.
//
// Place      Correlator -> [Operator] -> Outcome.
// Order      Arrivals of one key come in the total order; timers when they are due, between them.
// Time       Event time only.
// State      Per key; a key whose state can never count again is dropped by ExpireBefore.
// Memory     Capped by Limits: the key farthest from firing, then least recently touched, goes
//            first; counted in Numbers::evictions.
// Threads    Confined to its correlator.
// Ownership  Borrows the rule and the timers, which outlive it.
class Operator {
 public:
  struct Limits {
    std::size_t max_keys = 15625;
    std::size_t max_bytes = 64U << 20;  // logical bytes of state
  };
  struct Numbers {
    std::int64_t keys = 0;
    std::int64_t bytes = 0;
    std::uint64_t evictions =
        0;  // keys, partial matches and observations that went for want of room
  };

  virtual ~Operator() = default;
  virtual void Observe(const Arrival& arrival, Judge& judge, Outcome& out) = 0;
  // Arrivals of `keys` are next: fetches what they will read, at once. Changes nothing.
  virtual void Prefetch(std::span<const Digest> /*keys*/) const noexcept {}
  // A timer that this operator set for `key` is due. A timer that the state has overtaken does
  // nothing.
  virtual void OnTimer(const Digest& key, EventTime due, Judge& judge, Outcome& out) = 0;
  // Whether a timer for `key` that is due then would still mean something: what is not awaited may be
  // left out.
  [[nodiscard]] virtual bool Awaits(const Digest& /*key*/, EventTime /*due*/) const {
    return false;
  }
  // Arrivals and timers before `time` are over.
  virtual void ExpireBefore(EventTime time) = 0;
  // The last instant up to which the predicate of `key` stays true if nothing else comes; Min()
  // when it is not true.
  [[nodiscard]] virtual EventTime HoldsUntil(const Digest& key) const = 0;
  // What is bound for `key` now, one per step; all empty when nothing is.
  [[nodiscard]] virtual std::vector<BoundStep> BoundNow(const Digest& key, EventTime now) const = 0;
  [[nodiscard]] virtual Numbers numbers() const = 0;
  // The whole state, keys in a fixed order: equal states, equal bytes. Load is called on a fresh
  // operator of a rule with the same semantics, sets the timers again, and refuses what does not fit.
  virtual void Save(StateWriter& out) const = 0;
  [[nodiscard]] virtual bool Load(StateReader& in) = 0;
  // visit(group, what it waits for and until when), for people.
  struct Open {
    std::vector<NamedValue> group;  // empty where only the key's hash is kept
    Digest key;
    EventTime since;
    EventTime until;    // when the state goes or a timer decides, if nothing else comes
    std::string waits;  // "2 of 5 events", "step failover", "absence of heartbeat"
  };
  virtual void ForEachOpen(const std::function<void(const Open&)>& visit) const = 0;
};

// The operator for `rule`; `unit` names it in its timers.
[[nodiscard]] std::unique_ptr<Operator> MakeOperator(const sigma::CorrelationRule& rule,
                                                     std::uint32_t unit,
                                                     const Operator::Limits& limits,
                                                     Timers* timers);

}  // namespace faultline
