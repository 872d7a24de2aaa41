// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_time.h"
#include "base/result.h"
#include "consumer/journal.h"
#include "kafka/properties.h"
#include "matcher/engine.h"
#include "matcher/ports.h"

namespace faultline {

// A file to replay; "-" is standard input.
struct ReplayFile {
  std::string path;
  std::optional<SourceName> as;  // --as TOPIC:PARTITION
};

// "TOPIC:PARTITION" as a name; Fault::kUsage for anything else.
[[nodiscard]] Result<SourceName> ParseSourceName(const std::string& text);

struct ReplayProgress {
  std::uint64_t bytes_read = 0;   // of the files as stored, or records read of a topic
  std::uint64_t bytes_total = 0;  // 0: unknown
  std::uint64_t records = 0;
  std::chrono::nanoseconds elapsed{};
  EventTime reached = EventTime::Min();  // frontier of event time
  const std::array<std::uint64_t, 5>* alerts_by_level = nullptr;
};

struct ReplayOptions {
  Engine::Options engine;
  InputOptions input;
  std::optional<EventTime> since;  // alerts before it are not written
  std::optional<EventTime>
      until;  // nor those at or after it; reading ends once all sources are past it
  std::function<void(const ReplayProgress&)> progress;  // every few thousand records; may be empty
  std::function<void(const SourceName&, std::int64_t offset, const DeadLetter&)>
      dead_letter;  // told of each
  // What clocks decided in the live run. With one, even an empty one, no clock is asked for times:
  // a record takes what its entry says, or keeps its own. ReplayTopic reads one itself if told.
  std::optional<Journal> journal;
  // What an earlier replay left in ReplaySummary::state: this one goes on from there.
  std::optional<std::string> load_state;
  bool save_state = false;       // more follows: the end of what is read is not the end of time
  const Clock* clock = nullptr;  // nothing: SystemClock(). Bounds future times, measures seconds
  std::stop_token stop;          // SIGINT: ends the reading, then as at the end
};

struct ReplaySummary {
  std::uint64_t records = 0;
  std::uint64_t events = 0;  // records that were events (a split array counts each)
  std::uint64_t bytes = 0;   // of payloads
  std::uint64_t tombstones = 0;
  std::uint64_t late = 0;  // matches that correlators could not take
  std::uint64_t dead_letters = 0;
  std::uint64_t substituted = 0;                 // times replaced, see correlation.md
  std::map<std::string, std::uint64_t> invalid;  // dead letters by reason
  std::uint64_t alerts = 0;
  std::array<std::uint64_t, 5> alerts_by_level{};        // index = sigma::Level
  std::map<std::string, std::uint64_t> alerts_by_rule;   // by rule id
  std::map<std::string, std::string> rule_titles;        // of the rules that alerted
  std::map<std::int64_t, std::uint64_t> alerts_by_hour;  // hours since 1970 of event time
  std::chrono::nanoseconds seconds{};                    // taken by the run
  std::chrono::nanoseconds lateness_needed{};            // that would have made nothing late
  std::optional<std::uint64_t> journal_entries;          // followed; nothing: there was no journal
  bool stopped = false;                                  // by the stop token
  std::string state;  // Engine::SaveState() at the end; with ReplayOptions::save_state only
};

// Replays files through the engine: always the source with the lowest watermark first, all released
// at the end. A file that is damaged ends the run after what stood before it. Errors: Fault::kIo,
// kData, and what the sink says; `summary` holds what was done until then.
[[nodiscard]] Result<void> ReplayFiles(std::shared_ptr<const RuleSet> rules,
                                       const std::vector<ReplayFile>& files,
                                       const ReplayOptions& options, Sink& sink,
                                       ReplaySummary& summary);

// A part of a topic: every partition from its start to its last stable offset at the call.
struct ReplayTopicOptions {
  kafka::ConsumerProperties consumer;  // its group is left empty: none is joined
  std::vector<std::string> topics;
  std::map<SourceName, std::int64_t> offsets;  // --offsets: where partitions start
  // Topic internal.markers, followed if it exists (see ReplaySummary); nothing: not looked for.
  std::optional<std::string> journal;
  std::chrono::milliseconds timeout = std::chrono::seconds(30);  // of metadata requests
};

// Replays topics without a group. ReplayOptions::since also chooses where reading starts, by record
// timestamp, for partitions without an offset.
[[nodiscard]] Result<void> ReplayTopic(std::shared_ptr<const RuleSet> rules,
                                       const ReplayTopicOptions& topic,
                                       const ReplayOptions& options, Sink& sink,
                                       ReplaySummary& summary);

}  // namespace faultline
