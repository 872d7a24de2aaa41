// SPDX-License-Identifier: Apache-2.0
#include "consumer/replay_run.h"

#include <algorithm>
#include <utility>

namespace faultline {
namespace {

// How often, in records, clocks are read and progress is told.
constexpr std::uint64_t kClockEvery = 256;
constexpr std::uint64_t kProgressEvery = 4096;

// The hour of event time, rounded down before 1970 as well.
std::int64_t HourOf(EventTime time) noexcept {
  constexpr std::int64_t kHour = 3600LL * 1000000000LL;
  const std::int64_t nanos = time.nanos();
  return nanos / kHour - (nanos % kHour < 0 ? 1 : 0);
}

std::uint64_t Number(const Counter& counter) noexcept {
  return static_cast<std::uint64_t>(counter.value());
}

}  // namespace

ReplayRun::ReplayRun(std::shared_ptr<const RuleSet> rules, const ReplayOptions& options, Sink& sink,
                     ReplaySummary& summary)
    : options_(&options),
      sink_(&sink),
      summary_(&summary),
      clock_(options.clock != nullptr ? options.clock : &SystemClock()),
      begun_(clock_->Steady()),
      engine_(std::move(rules), options.engine) {
  if (!options.journal) return;
  summary.journal_entries = 0;
  for (const auto& [source, entries] : *options.journal) {
    *summary.journal_entries += entries.size();
  }
}

Result<void> ReplayRun::LoadState() {
  return options_->load_state ? engine_.LoadState(*options_->load_state) : Result<void>();
}

SourceId ReplayRun::Add(const SourceName& name) {
  static const std::vector<JournalEntry> kNothing;
  const std::vector<JournalEntry>* entries = &kNothing;
  if (options_->journal) {
    const auto found = options_->journal->find(name);
    if (found != options_->journal->end()) entries = &found->second;
  }
  return engine_.AddSource(name, options_->input, nullptr, *entries);
}

Result<void> ReplayRun::Process(const SourceName& name, const Record& record) {
  if (taken_++ % kClockEvery == 0 && !options_->journal) edge_.now = clock_->Now();
  ++summary_->records;
  output_.Clear();
  engine_.Process(record, edge_, output_);
  return Drain(&name, &record);
}

Result<void> ReplayRun::Reject(const SourceName& name, const Record& record,
                               const DeadLetter& why) {
  ++taken_;
  ++summary_->records;
  output_.Clear();
  output_.dead_letter = why;
  return Drain(&name, &record);
}

Result<void> ReplayRun::End(SourceId source) {
  output_.Clear();
  engine_.MarkIdle(source, edge_.steady, output_);
  return Drain(nullptr, nullptr);
}

Result<void> ReplayRun::Finish() {
  output_.Clear();
  if (options_->save_state) {
    engine_.FinishPart(output_);
    summary_->state = engine_.SaveState();
  } else {
    engine_.Finish(output_);
  }
  auto drained = Drain(nullptr, nullptr);
  const EngineCounters& counters = engine_.counters();
  summary_->events = Number(counters.events);
  summary_->bytes = Number(counters.bytes);
  summary_->tombstones = Number(counters.tombstones);
  summary_->substituted = Number(counters.substituted);
  summary_->lateness_needed = std::chrono::nanoseconds(counters.lateness_needed_nanos.value());
  summary_->seconds = clock_->Steady() - begun_;
  return drained;
}

bool ReplayRun::stopped() {
  summary_->stopped = options_->stop.stop_requested();
  return summary_->stopped;
}

bool ReplayRun::past_until(SourceId source) const {
  return options_->until && engine_.WatermarkOf(source) >= *options_->until;
}

bool ReplayRun::progress_due() const noexcept { return taken_ % kProgressEvery == 0; }

void ReplayRun::Progress(std::uint64_t bytes_read, std::uint64_t bytes_total) {
  if (!options_->progress) return;
  ReplayProgress progress;
  progress.bytes_read = bytes_read;
  progress.bytes_total = bytes_total;
  progress.records = summary_->records;
  progress.elapsed = clock_->Steady() - begun_;
  progress.reached = engine_.frontier_time();
  progress.alerts_by_level = &summary_->alerts_by_level;
  options_->progress(progress);
}

bool ReplayRun::Wanted(EventTime time) const {
  return (!options_->since || time >= *options_->since) &&
         (!options_->until || time < *options_->until);
}

Result<void> ReplayRun::Write(const Alert& alert) {
  ++summary_->alerts;
  ++summary_->alerts_by_level.at(static_cast<std::size_t>(alert.level));
  ++summary_->alerts_by_rule[alert.rule->id];
  summary_->rule_titles[alert.rule->id] = alert.rule->title;
  ++summary_->alerts_by_hour[HourOf(alert.time)];
  return sink_->WriteAlert(alert);
}

Result<void> ReplayRun::Drain(const SourceName* name, const Record* record) {
  for (const Alert& alert : output_.alerts) {
    if (!Wanted(alert.time)) continue;
    if (auto written = Write(alert); !written) return written;
  }
  if (output_.dead_letter) {
    ++summary_->dead_letters;
    ++summary_->invalid[output_.dead_letter->reason];
    if (options_->dead_letter) options_->dead_letter(*name, record->offset, *output_.dead_letter);
    auto written = sink_->WriteDeadLetter(*record, *name, *output_.dead_letter);
    if (!written) return written;
  }
  for (const LateMatch& late : output_.late) {
    if (!Wanted(late.time)) continue;
    ++summary_->late;
    if (auto written = sink_->WriteLate(late); !written) return written;
  }
  return {};  // the journal is the live run's to write: a replay only follows it
}

}  // namespace faultline
