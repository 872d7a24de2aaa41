// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/event_time.h"
#include "matcher/correlate/hit.h"
#include "matcher/correlate/state_codec.h"
#include "matcher/signature/rule_set.h"

namespace faultline {

// Turns a flood of alerts of one detection rule into one record with a count: alerts.max_per_rule.
//
// Place      match -> [FloodGuard] -> alert of a single rule. Correlations: Incidents.
// Order      Records of one source in offset order. Each source is counted for itself, so what is told
//            follows from its log alone, however sources interleave.
// Time       Event time only. An event counts in its own hour; one whose hour its source has passed
//            counts in the hour that the source has reached.
// State      Per source, hour and rule how many alerts were told and hidden, and the last hidden hit;
//            until the source has passed the hour.
// Memory     Hours between a source's watermark and its highest time, for rules that alerted in them.
// Threads    Confined to its engine.
class FloodGuard {
 public:
  // What an hour hid of a rule.
  struct Flood {
    std::int64_t told = 0;
    std::int64_t hidden = 0;
    Origin first;  // the first hidden event
    Hit last;      // the last one, without its raw slice
    EventTime due;
  };
  // What is counted of one source; it stays where it is.
  class Lane {
   public:
    // Some hour has ended when the source has come to `reached`.
    [[nodiscard]] bool Ended(EventTime reached) const noexcept { return first_end_ < reached; }

   private:
    friend class FloodGuard;
    std::map<std::pair<std::int64_t, std::uint32_t>, Flood> floods_;  // by hour and rule
    EventTime first_end_ = EventTime::Max();                          // of the oldest hour
  };
  // Where a source stands: up to `reached` it has passed, `highest` is the highest time of its events.
  struct Position {
    EventTime reached, highest;
  };

  // `most` alerts are told per rule, source and hour; 0: no limit.
  explicit FloodGuard(std::int64_t most) : most_(most) {}

  [[nodiscard]] Lane* LaneOf(const SourceName& source) { return &lanes_[source]; }

  // Counts an alert of `hit`. True where it is to be told.
  [[nodiscard]] bool Tells(Lane& lane, const Hit& hit, const Position& position);
  // The hours that ended before `reached`, in order of time and rule: what they hid; they are forgotten.
  [[nodiscard]] std::vector<Flood> End(Lane& lane, EventTime reached);
  // The same for all hours of all sources.
  [[nodiscard]] std::vector<Flood> EndAll();

  [[nodiscard]] std::int64_t hidden() const noexcept { return hidden_; }

  void Save(const RuleSet& rules, StateWriter& out) const;
  // In place of all that is counted: that of the rules that mean the same in `rules`. Lanes stay.
  void Load(const RuleSet& rules, StateReader& in);

 private:
  std::int64_t most_;
  std::map<SourceName, Lane> lanes_;
  std::int64_t hidden_ = 0;  // since the beginning
};

}  // namespace faultline
