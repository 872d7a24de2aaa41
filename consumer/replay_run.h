// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "consumer/replay.h"
#include "matcher/engine.h"
#include "matcher/ports.h"

namespace faultline {

// One replay on its way, whatever the records come from: engine, sink and summary together.
//
// Place      FileSource, TopicReader -> [ReplayRun -> Engine] -> Sink.
// Threads    Confined to one thread.
// Ownership  Borrows options, sink and summary, which outlive it.
// Errors     Those of the sink.
class ReplayRun {
 public:
  ReplayRun(std::shared_ptr<const RuleSet> rules, const ReplayOptions& options, Sink& sink,
            ReplaySummary& summary);

  // Takes over ReplayOptions::load_state, if there is one; before the first source.
  [[nodiscard]] Result<void> LoadState();
  // A source, with what the journal knows of it.
  [[nodiscard]] SourceId Add(const SourceName& name);
  [[nodiscard]] Result<void> Process(const SourceName& name, const Record& record);
  // A record that is damaged before the engine could see it.
  [[nodiscard]] Result<void> Reject(const SourceName& name, const Record& record,
                                    const DeadLetter& why);
  // The source has given all it has: it holds nobody back.
  [[nodiscard]] Result<void> End(SourceId source);
  // Everything that waits is released, the summary completed.
  [[nodiscard]] Result<void> Finish();

  // The stop token asks for the end.
  [[nodiscard]] bool stopped();
  // The source stands at or behind `until`.
  [[nodiscard]] bool past_until(SourceId source) const;
  // True every few thousand records, so that callers can look around and tell the progress.
  [[nodiscard]] bool progress_due() const noexcept;
  void Progress(std::uint64_t bytes_read, std::uint64_t bytes_total);
  [[nodiscard]] const Engine& engine() const noexcept { return engine_; }

 private:
  [[nodiscard]] Result<void> Drain(const SourceName* name, const Record* record);
  [[nodiscard]] Result<void> Write(const Alert& alert);
  [[nodiscard]] bool Wanted(EventTime time) const;

  const ReplayOptions* options_;    // never null
  Sink* sink_;                      // never null
  ReplaySummary* summary_;          // never null
  const Clock* clock_;              // never null
  std::chrono::nanoseconds begun_;  // steady time of the start
  Engine engine_;
  Output output_;
  ReadEdge edge_;            // refreshed every few hundred records
  std::uint64_t taken_ = 0;  // records so far
};

}  // namespace faultline
