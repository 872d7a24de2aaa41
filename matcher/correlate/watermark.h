// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "base/event_time.h"
#include "matcher/event/record.h"

namespace faultline {

// The event time of one source: which time each of its events takes, and its WATERMARK, the highest
// time so far less the lateness.
//
// Place      event -> [SourceClock] -> engine. correlation.md, Time, 1 and 2.
// Order      Events in offset order, elements of one record in index order.
// Time       The wall clock comes in as an argument and only bounds what a record may claim; what it
//            decided is returned for the journal, and Remember() makes a later reading decide alike.
// Memory     One entry per substitution that may be read again; Forget() drops the others.
// Threads    Confined to its engine.
class SourceClock {
 public:
  struct Config {
    std::chrono::nanoseconds lateness{};    // >= 0
    std::chrono::nanoseconds max_future{};  // >= 0
    std::chrono::nanoseconds idle_after{};  // >= 0
  };

  // What the record and its event say of the time.
  struct Claim {
    std::int64_t offset = 0;
    std::uint32_t index = 0;
    std::optional<EventTime> own;  // of the event's fields; nothing where none could be read
    TimestampKind stamp_kind = TimestampKind::kNone;
    EventTime stamp;  // the record's; meaningless for kNone
  };

  struct Verdict {
    EventTime time;
    bool late = false;                   // below the watermark as it stood before this event
    std::chrono::nanoseconds late_by{};  // behind the highest time; 0 where it is not behind
    bool substituted = false;            // the time is not the event's own
    bool by_clock = false;  // ... because of the wall clock: a new entry for the journal
  };

  explicit SourceClock(const Config& config) : config_(config) {}

  // `now` is the wall clock's bound; nothing: no clock is asked (re-reading, rule tests).
  [[nodiscard]] Verdict Take(const Claim& claim, std::optional<EventTime> now,
                             std::chrono::nanoseconds steady);

  // A journalled substitution: that event takes that time, whatever any clock says.
  void Remember(std::int64_t offset, std::uint32_t index, EventTime time);
  // Substitutions below `offset` will not be asked for again.
  void Forget(std::int64_t offset);
  // The source stood at its end with nothing more to read.
  void AtEnd(std::chrono::nanoseconds steady);
  // The highest time that a restored source stood at.
  void Restore(std::optional<EventTime> highest) { highest_ = highest; }

  [[nodiscard]] std::optional<EventTime> highest() const noexcept { return highest_; }
  // Min() before the first event.
  [[nodiscard]] EventTime watermark() const noexcept;

 private:
  [[nodiscard]] EventTime Beyond(const Claim& claim, EventTime now,
                                 std::chrono::nanoseconds steady) const;

  Config config_;
  std::optional<EventTime> highest_;
  std::map<std::pair<std::int64_t, std::uint32_t>, EventTime> taken_;  // (offset, index) -> time
  std::optional<std::chrono::nanoseconds>
      kept_at_;          // steady time of the last event with a credible time
  bool at_end_ = false;  // stood at its end since then
};

}  // namespace faultline
