// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/counter.h"
#include "base/event_time.h"
#include "base/result.h"
#include "matcher/correlate/correlator.h"
#include "matcher/correlate/order.h"
#include "matcher/event/record.h"
#include "matcher/event/walker.h"
#include "matcher/output.h"
#include "matcher/signature/rule_set.h"

namespace faultline {

// How records of one input are read.
struct InputOptions {
  Walker::Options walk;                // shape, limits, strictness
  sigma::LogSource logsource;          // declared; one of RuleSet::Options::inputs, or empty
  std::vector<std::string> timestamp;  // fields in order; empty: kDefaultTimestamps
  std::chrono::seconds zone{};         // offset of stamps without a zone
  std::chrono::nanoseconds lateness = std::chrono::seconds(10);
  std::chrono::nanoseconds max_future = std::chrono::minutes(5);
  std::chrono::nanoseconds idle_after = std::chrono::seconds(30);
};

// Fields that carry an event's own time when the configuration names none, best first.
[[nodiscard]] const std::vector<std::string>& DefaultTimestamps();

// What the edge knows when it hands a record over. Without a bound no time is substituted.
struct ReadEdge {
  std::optional<EventTime> now;       // the wall clock; nothing in rule tests
  std::chrono::nanoseconds steady{};  // for "stood at the end for idle_after"
};

// What is committed for a source and given back at the next start: correlation.md, Time, 6.
struct SourcePosition {
  SourceName source;
  std::int64_t committed = 0;  // C: the oldest unreleased record, where reading starts again
  std::int64_t position = 0;   // P: the next record to read; below it nothing is emitted again
  std::optional<EventTime> highest;  // before C
  bool idle = false;
  OrderPoint frontier = OrderPoint::Before(EventTime::Min());
  // The reader's own: where its substitutions from C on begin in the journal.
  std::int64_t journal_from = 0;

  friend bool operator==(const SourcePosition&, const SourcePosition&) = default;
};

// Numbers of one rule; written by the worker's thread.
struct RuleCounters {
  Counter matches;    // of a detection rule
  Counter alerts;     // of any rule
  Counter late;       // matches that came too late for the correlators
  Counter no_key;     // correlation: events without a group-by field
  Counter no_number;  // correlation: events without a number where one is compared
};

struct EngineCounters {
  Counter records, bytes, events, tombstones, blank;
  Counter substituted, unparsable_times;
  Counter hits, windows_open, window_state_bytes, window_evictions, chains_completed, returns;
  Counter alerts_suppressed;     // alerts that were not told: suppress, choose, flood
  Counter prefilter_candidates;  // rules that were looked at
  Counter regex_fallbacks;       // values that PCRE2 had to be asked for
  Counter regex_limits;          // searches that gave up at a limit: no match
  Counter reorder_buffered;      // hits waiting now
  Counter flags_invalid_utf8, flags_duplicate_key, flags_byte_order_mark, flags_lone_surrogate,
      flags_big_number;
  Counter invalid_json, invalid_not_object, invalid_depth, invalid_fields, invalid_size,
      invalid_escape;
  Counter late_events;  // below their own source's watermark
  Counter late_idle;    // hits of returned sources, below the frontier
  // How far behind their source's highest time late events were: each in one bucket, by upper
  // bound.
  Counter late_le_10s, late_le_1m, late_le_10m, late_le_1h, late_le_1d, late_more;
  Counter late_nanos_sum;         // by how much, summed over late_events
  Counter lateness_needed_nanos;  // the lateness with which no event would have been late
};

// An engine's numbers. They outlive the engine and its rule sets, so a scrape never meets a gap.
//
// Threads    Counters are written by the engine's thread. Of() and OfFilter() are called by that
//            thread when rules are loaded; ForEachRule() and ForEachFilter() by any.
class EngineStats {
 public:
  EngineCounters engine;

  // The numbers of a rule, new at zero if need be; they stay where they are for ever.
  [[nodiscard]] RuleCounters* Of(const std::string& rule_id, sigma::Level level);
  // Events that a filter took from a rule; the same for ever, as above.
  [[nodiscard]] Counter* OfFilter(const std::string& filter_id);
  // visit(rule id, level, counters), by rule id.
  void ForEachRule(const std::function<void(const std::string&, sigma::Level, const RuleCounters&)>&
                       visit) const;
  // visit(filter id, events taken out), by filter id.
  void ForEachFilter(const std::function<void(const std::string&, const Counter&)>& visit) const;

 private:
  struct Entry {
    sigma::Level level = sigma::Level::kInformational;
    RuleCounters counters;
  };
  mutable std::mutex mutex_;                // guards the maps, not the counters
  std::map<std::string, Entry> rules_;      // by rule id; entries never move and never go
  std::map<std::string, Counter> filters_;  // by filter id; likewise
};

// The river in order: record -> event -> match -> hit -> window -> alert.
//
// Place      consumer -> [Engine] -> Output -> exporters. The same object in run, replay, match, test.
// Order      Records of one source in offset order; sources interleave as they like.
// Time       Event time; the clock enters through ReadEdge and the idle calls only, and is journalled.
// Threads    Confined to its worker's thread; counters may be read by any.
// Ownership  Shares the RuleSet; keeps no view of any record.
// Errors     From Process() down nothing fails: bad records are outcomes.
class Engine {
 public:
  struct Options {
    bool match_only = false;       // every detection rule reports; no correlation state
    MatcherOptions matching;       // never changes what matches
    std::string domain = "all";    // name of the release domain in the journal
    std::size_t max_keys = 15625;  // groups per correlation; the one farthest from firing goes
    std::size_t max_state_bytes = 64U << 20;  // of one correlation's state; likewise
    std::int64_t max_alerts_per_rule =
        10000;  // per hour of event time, of a detection rule and source; 0: no limit
    sigma::UpdateEvery update_every =
        std::chrono::seconds(60);  // of open incidents; nothing: never
    bool hits_as_bytes =
        false;  // hits pass the seam between the stages as bytes, as through a topic
    std::size_t max_evidence = 100;     // events told in one alert
    std::size_t max_waiting = 1000000;  // hits in the reorder buffer before sources ahead must wait
    std::chrono::nanoseconds max_skew = std::chrono::hours(1);
    std::shared_ptr<EngineStats> stats;  // where to count; null: the engine makes its own
  };

  Engine(std::shared_ptr<const RuleSet> rules, const Options& options);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // A source starts live and empty, or where `restored` says; `idle` for a partition that is new to
  // a running group. Journal entries of the source from C on are given before its first record.
  SourceId AddSource(const SourceName& name, const InputOptions& input,
                     const SourcePosition* restored, const std::vector<JournalEntry>& journal);
  void RemoveSource(SourceId source);

  // record -> event -> match -> alert of a single rule, or hit -> reorder buffer -> what is
  // released.
  void Process(const Record& record, const ReadEdge& edge, Output& out) noexcept;

  // The source stands at its end: everything below `next_offset` was read (or is no record).
  void AtEnd(SourceId source, std::int64_t next_offset, std::chrono::nanoseconds steady,
             Output& out) noexcept;
  // The source has stood at its end for idle_after with nothing new. No effect while it is below P.
  void MarkIdle(SourceId source, std::chrono::nanoseconds steady, Output& out) noexcept;
  // All sources idle: the frontier moves on by the steady clock. Call now and then.
  void Tick(std::chrono::nanoseconds steady, Output& out) noexcept;
  // End of an archive: all watermarks to infinity, everything is released.
  void Finish(Output& out) noexcept;
  // End of a part: everything that was read is released, and no more. What is read later, here or
  // from SaveState() on, is late at or below the highest time so far.
  void FinishPart(Output& out) noexcept;

  // Reading order of a replay: the source whose watermark is lowest.
  [[nodiscard]] EventTime WatermarkOf(SourceId source) const noexcept;
  [[nodiscard]] bool IdleSource(SourceId source) const noexcept;
  // The source is so far ahead of the slowest live one that its reader should pause it: max_skew,
  // or a full reorder buffer. Never true of the slowest.
  [[nodiscard]] bool Ahead(SourceId source) const noexcept;
  [[nodiscard]] EventTime frontier_time() const noexcept;

  // For the commit: one entry per source, in AddSource order.
  [[nodiscard]] std::vector<SourcePosition> Positions() const;

  // All that the correlators keep and what floods hid, with the frontier; what waits in the reorder
  // buffer is read again from Positions() on. The same state gives the same bytes.
  [[nodiscard]] std::string SaveState() const;
  // Before the first source: takes over the state of the correlations that mean the same here.
  [[nodiscard]] Result<void> LoadState(std::string_view bytes);
  // What is open, for people.
  [[nodiscard]] const Correlator& correlator() const noexcept;

  // New rules between two records. State of correlations with the same semantics is kept.
  void Reload(std::shared_ptr<const RuleSet> rules);

  [[nodiscard]] const RuleSet& rules() const noexcept;
  [[nodiscard]] const EngineCounters& counters() const noexcept;
  [[nodiscard]] const std::shared_ptr<EngineStats>& stats() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline
