// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"
#include "matcher/correlate/environment.h"
#include "matcher/correlate/notice.h"
#include "matcher/correlate/operator.h"
#include "matcher/correlate/registers.h"
#include "matcher/correlate/suppression.h"
#include "matcher/correlate/timers.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// What becomes of a firing until it is told, and what is told of it later: `choose`, `suppress`, the
// flood guard, then the INCIDENT with its updates and its resolution
// (docs/chains-reference.md, What an alert says).
//
// Place      Correlator -> [Incidents] -> Notice -> alert.
// Order      Calls come in the total order, timers in theirs.
// Time       Event time only.
// State      Per (rule, key) at most one open incident; per choose group and key what waits; per
//            rule and `by` when it was last told; per rule and hour how much was told.
// Memory     At most max_open incidents and Unit::max_bytes a rule: the one told least recently is
//            forgotten, of several the one of the least key. As many choices: the one that is due
//            first is settled early. As many values of `by`. What goes is counted, and the rule's
//            notices are `degraded` from then on.
// Threads    Confined to its correlator. Borrows rules, registers, operators and timers.
class Incidents {
 public:
  struct Options {
    std::size_t max_open = 15625;       // per rule
    std::int64_t max_per_rule = 10000;  // notices a rule and hour of event time; 0: no guard
    sigma::UpdateEvery update_every = std::chrono::seconds(60);
  };
  // One correlation; its place is its unit number.
  struct Unit {
    const sigma::CorrelationRule* rule = nullptr;
    const Operator* op = nullptr;
    const Registers* registers = nullptr;  // null: none
    std::size_t max_bytes = 64U << 20;     // logical bytes of its incidents, and of its choices
  };
  struct Numbers {
    std::int64_t open = 0;
    std::int64_t bytes = 0;        // of what is open and what waits
    std::uint64_t forgotten = 0;   // for want of room; choices that were settled early among them
    std::uint64_t suppressed = 0;  // firings that were not told: suppress, choose, flood
  };

  Incidents(std::vector<Unit> units, const Options& options, Timers* timers);

  // `unit` fired for `key`; `candidate` is what it rests on, `notice` says all but texts and level.
  void Fire(std::uint32_t unit, const Digest& key, const RuleEnvironment& environment,
            Notice notice, std::vector<Notice>& out);

  // Before the operator sees what comes for `key` at `at`, which may make its predicate true again: an
  // incident that is over by then ends.
  void EndOver(std::uint32_t unit, const Digest& key, EventTime at);

  // An arrival or a register's observation of `key`, or nothing but a look.
  struct Touched {
    EventTime at;
    bool resolves = false;  // an event of `resolve.on`
    bool stirs = false;     // an event of `resolve.of`: the quiet begins anew
  };
  void Touch(std::uint32_t unit, const Digest& key, const Touched& touched,
             std::vector<Notice>& out);

  void OnTimer(const Timer& timer, std::vector<Notice>& out);
  // Whether the timer, which is one of ours, would still mean something.
  [[nodiscard]] bool Awaits(const Timer& timer) const;
  void ExpireBefore(EventTime time);

  [[nodiscard]] Numbers numbers() const;
  void ForEachOpen(std::uint32_t unit, const std::function<void(const Notice&)>& visit) const;

  // `moved[i]`: where the saved unit i is now; nothing: it is gone.
  void Save(StateWriter& out) const;
  [[nodiscard]] bool Load(const std::vector<std::optional<std::uint32_t>>& moved, StateReader& in);

 private:
  using Key = std::pair<std::uint32_t, Digest>;  // unit and group key, or `by` values

  struct Open {
    Notice notice;                     // as last told; steps that came later are in it
    Digest said;                       // of what it said
    EventTime told_at;                 // event time at which it was told
    std::optional<EventTime> changed;  // a change that is not told yet, and when
    EventTime stirred;                 // the quiet runs from here
    std::optional<EventTime> quiet;    // the next look at it, for which a timer is set
    std::int64_t bytes = 0;            // charged
  };
  struct Waiting {
    std::uint32_t unit = 0;
    Digest key;
    Digest by;
    Notice notice;
  };
  struct Choice {
    EventTime due;
    std::vector<Waiting> waiting;  // in order of firing, one per unit
    std::int64_t bytes = 0;        // charged
  };
  struct Room {
    std::size_t entries = 0;
    std::int64_t bytes = 0;
  };
  struct Flood {
    std::int64_t told = 0;
    std::int64_t hidden = 0;
    Notice last;  // set where something is hidden
  };

  [[nodiscard]] sigma::UpdateEvery UpdateEveryOf(std::uint32_t unit) const;
  [[nodiscard]] bool StaysOpen(std::uint32_t unit) const;
  [[nodiscard]] bool Over(const Key& key, const Open& open, EventTime at) const;
  void Tell(Waiting waiting, EventTime at, std::vector<Notice>& out);
  [[nodiscard]] bool Flooded(std::uint32_t unit, const Notice& notice, EventTime at);
  [[nodiscard]] bool Degraded(std::uint32_t unit) const;
  [[nodiscard]] bool Full(std::uint32_t unit, const Room& room) const;
  void OpenIncident(const Waiting& waiting, EventTime at);
  void Put(const Key& key, Open open);
  void Close(std::map<Key, Open>::iterator at);
  void Charge(const Key& key, Open& open);
  void MakeRoom(std::uint32_t unit, EventTime at);
  void ForgetOldest(std::uint32_t unit);
  void ExpireOpen(std::uint32_t unit, EventTime time);
  void Wait(const Key& place, Choice& choice, Waiting waiting);
  void Consider(const Key& key, Open& open, EventTime at, std::vector<Notice>& out);
  void Say(const Key& key, Open& open, AlertStatus status, EventTime time, EventTime at,
           std::vector<Notice>& out);
  void Compose(std::uint32_t unit, EventTime at, Notice& notice) const;
  static void SaveOpen(const Open& open, StateWriter& out);
  void LoadOpen(const Key& key, StateReader& in);
  void LoadWaiting(const Key& key, const Digest& choice, EventTime due, StateReader& in);
  [[nodiscard]] Notice LoadNoticeOf(std::uint32_t unit, StateReader& in) const;
  void Quiet(const Key& key, Open& open);
  void Settle(const Key& place, EventTime at, std::vector<Notice>& out);
  void EndFlood(std::uint32_t unit, EventTime due, std::vector<Notice>& out);

  std::vector<Unit> units_;
  std::vector<std::uint32_t> choice_unit_;  // per unit: the last one of its choose group
  Options options_;
  Timers* timers_;
  std::map<Key, Open> open_;
  std::map<Key, Choice> choices_;  // by the last unit of the choose group
  std::set<std::tuple<std::uint32_t, EventTime, Digest>> choices_due_;  // each of choices_
  std::vector<Room> open_room_, choice_room_;                           // per unit
  Suppression suppression_;
  std::map<std::pair<std::uint32_t, std::int64_t>, Flood> floods_;  // by unit and hour
  std::vector<std::uint64_t> forgotten_;  // per unit: incidents, and choices settled early
  std::uint64_t suppressed_ = 0;
};

}  // namespace faultline
