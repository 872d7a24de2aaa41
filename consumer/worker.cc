// SPDX-License-Identifier: Apache-2.0
#include "consumer/worker.h"

#include <algorithm>
#include <condition_variable>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "consumer/clock_doubt.h"
#include "consumer/position_codec.h"

namespace faultline {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kLongestPoll{100};
constexpr milliseconds kLookAround{50};
constexpr milliseconds kViewEvery{500};
constexpr milliseconds kFrontierEvery{10000};  // commits of a frontier that the idle clock moved
constexpr milliseconds kRequestTimeout{10000};
constexpr milliseconds kClusterTimeout{2000};
constexpr milliseconds kFirstBackoff{100};
constexpr milliseconds kLongestBackoff{5000};
constexpr milliseconds kLeastDrain{100};

// What must be done before anything else can go on.
enum class Trouble : std::uint8_t {
  kNone,
  kRestore,  // sources wait for their committed positions
  kAbort,    // abort, then restore
  kRebuild,  // replace the producer, then restore
};

Trouble TroubleOf(const kafka::KafkaError& error) noexcept {
  const bool abortable = error.error_class == kafka::ErrorClass::kAbort ||
                         error.error_class == kafka::ErrorClass::kRetry;
  return abortable ? Trouble::kAbort : Trouble::kRebuild;
}

}  // namespace

// One partition that this worker reads.
struct Owned {
  SourceId id = 0;
  std::optional<SourcePosition> committed;  // what the group knows; nothing: never committed
  std::int64_t next = 0;                    // offset of the next record
  std::optional<nanoseconds> at_end;        // since when it stands at its end with nothing new
  bool paused = false;                      // too far ahead of the others
  DatedRecords this_minute;
  PartitionCounters counters;
};

class Worker::Impl final : public OwnershipListener {
 public:
  Impl(Options options, std::shared_ptr<const RuleSet> rules, Inbox* inbox, Outbox* outbox,
       Sink* sink, const Clock* clock);

  Result<WorkerEnd> Run(std::stop_token stop);
  void RequestReload(std::shared_ptr<const RuleSet> rules);
  Health health() const;
  std::shared_ptr<const WorkerView> View() const;

  std::vector<std::optional<std::int64_t>> OnAssigned(
      const std::vector<SourceName>& sources) noexcept override;
  void OnRevoked(const std::vector<SourceName>& sources) noexcept override;
  void OnLost(const std::vector<SourceName>& sources) noexcept override;

 private:
  // Start, end and the round between.
  Result<void> Start();
  Result<void> FindTopics();
  void InitProducer();
  void Round();
  void TakeBatch();
  WorkerEnd Drain();

  // What comes in.
  void Take(const SourceRecord& given, Owned& owned, const ReadEdge& edge);
  void Take(const SourceEnd& end);
  void Take(const kafka::KafkaError& error);
  void Deliver(const SourceName* source, const Record* record);
  Result<void> WriteOutput(const SourceName* source, const Record* record);

  // The transaction.
  void NoteWork();
  [[nodiscard]] bool Due() const;
  [[nodiscard]] milliseconds PollTimeout() const;
  [[nodiscard]] bool EnsureOpen();
  [[nodiscard]] std::vector<SourcePosition> Changed() const;
  [[nodiscard]] bool Commit(milliseconds timeout);
  [[nodiscard]] kafka::KafkaResult<void> End(const std::vector<SourcePosition>& positions,
                                             milliseconds timeout);
  void Committed(const std::vector<SourcePosition>& positions, nanoseconds took);
  void ForgetTransaction();

  // Trouble and restoring.
  void Meet(Trouble trouble, std::string why);
  void Recover();
  void PollInTrouble(milliseconds time);
  [[nodiscard]] bool AbortOrRebuild();
  [[nodiscard]] bool Restore();
  void ReadyEngine(const std::vector<SourcePosition>& positions);
  void MakeEngine(std::string_view why);
  [[nodiscard]] std::optional<std::vector<SourcePosition>> Load(
      const std::vector<SourceName>& sources);
  [[nodiscard]] std::optional<Journal> LoadJournal();
  [[nodiscard]] std::optional<SourcePosition> PositionOf(const SourceName& source,
                                                         const CommittedPosition& committed,
                                                         bool group_has_past);
  void Own(const std::vector<SourcePosition>& positions, const Journal& journal);
  void Disown(const std::vector<SourceName>& sources);
  [[nodiscard]] bool ContinuesOurs(const std::vector<SourcePosition>& positions) const;
  void EndWith(Error error);

  // Now and then.
  void LookAround();
  void LookForIdle();
  void LookForAhead();
  void LookAtClock();
  void CheckCluster();
  void ApplyReload();
  void Publish();
  void TellHealth();
  void Wait(milliseconds time);

  Options options_;
  std::shared_ptr<const RuleSet> rules_;  // those in use
  Inbox* inbox_;                          // never null
  Outbox* outbox_;                        // never null
  Sink* sink_;                            // never null
  const Clock* clock_;                    // never null
  std::stop_token stop_;

  std::optional<Engine> engine_;  // there from the first assignment on
  bool engine_clean_ = false;     // just made: has had no source
  Output output_;
  std::map<SourceName, Owned> owned_;
  std::map<SourceName, SourcePosition> ours_;  // what this worker committed last, owned or not
  std::vector<SourceName> waiting_;            // assigned, their positions still unknown
  std::vector<SourceName> fresh_;              // of Load: without anything committed
  bool begun_ = false;                         // a first assignment was loaded

  bool work_ = false;                      // something is to be committed
  bool alert_due_ = false;                 // an alert is in the open transaction
  bool caught_up_ = false;                 // since the last commit there was nothing more to read
  nanoseconds work_since_{};               // steady, of the first work in it
  nanoseconds last_commit_{};              // steady
  std::vector<EventTime> pending_alerts_;  // in the open transaction
  std::int64_t pending_dead_letters_ = 0;  // likewise
  std::int64_t pending_late_ = 0;          // likewise
  std::int64_t pending_journal_ = 0;       // likewise

  Trouble trouble_ = Trouble::kNone;
  std::string trouble_cause_;
  milliseconds backoff_ = kFirstBackoff;
  std::optional<Error> end_with_;     // Run() ends with it
  std::string cluster_cause_;         // why the cluster cannot be used now; empty: it can
  std::string clock_cause_;           // why our clock seems wrong; empty: it does not
  std::string lost_cause_;            // a position that retention took; until the next assignment
  std::size_t partitions_total_ = 0;  // of all topics, as last asked
  nanoseconds last_look_{};
  nanoseconds last_view_{};
  nanoseconds last_cluster_check_{};
  nanoseconds minute_begun_{};  // that of Owned::this_minute

  WorkerCounters counters_;
  mutable std::mutex mutex_;               // guards the rest
  std::condition_variable_any wake_;       // Wait(), ended by the stop token
  std::shared_ptr<const RuleSet> reload_;  // asked for, not yet in use
  Health health_;
  std::shared_ptr<const WorkerView> view_ = std::make_shared<WorkerView>();
};

Worker::Impl::Impl(Options options, std::shared_ptr<const RuleSet> rules, Inbox* inbox,
                   Outbox* outbox, Sink* sink, const Clock* clock)
    : options_(std::move(options)),
      rules_(std::move(rules)),
      inbox_(inbox),
      outbox_(outbox),
      sink_(sink),
      clock_(clock) {
  FAULTLINE_CHECK(inbox_ != nullptr && outbox_ != nullptr && sink_ != nullptr);
  FAULTLINE_CHECK(clock_ != nullptr && options_.input);
  if (!options_.engine.stats) options_.engine.stats = std::make_shared<EngineStats>();
}

// ---------------------------------------------------------------------------------------- the loop

// poll, process, write, commit; then stop polling -> finish and commit -> close, by a deadline
Result<WorkerEnd> Worker::Impl::Run(std::stop_token stop) {
  stop_ = std::move(stop);
  if (auto started = Start(); !started) return tl::make_unexpected(std::move(started).error());
  while (!stop_.stop_requested() && !end_with_) Round();
  const WorkerEnd end = Drain();
  if (end_with_) return tl::make_unexpected(*end_with_);
  return end;
}

void Worker::Impl::Round() {
  if (trouble_ != Trouble::kNone) return Recover();
  TakeBatch();
  if (clock_->Steady() - last_look_ >= kLookAround) LookAround();
  if (trouble_ == Trouble::kNone && Due()) static_cast<void>(Commit(kafka::kForever));
  ApplyReload();
}

// What has come, at one reading of the clocks. What writes something ends it, so that a transaction
// is looked after in time; its rest is the next one's, or nobody's if this one is given up.
void Worker::Impl::TakeBatch() {
  Polled polled = inbox_->Poll(PollTimeout());
  const ReadEdge edge{clock_->Now(), clock_->Steady()};
  auto owned = owned_.end();  // whose record came last; nothing comes or goes within a batch
  for (;;) {
    if (const auto* const record = std::get_if<SourceRecord>(&polled)) {
      if (owned == owned_.end() || owned->first != *record->source) {
        owned = owned_.find(*record->source);
      }
      // Else given up meanwhile; whoever owns it reads it.
      if (owned != owned_.end()) Take(*record, owned->second, edge);
    }
    if (const auto* const end = std::get_if<SourceEnd>(&polled)) Take(*end);
    if (const auto* const error = std::get_if<kafka::KafkaError>(&polled)) Take(*error);
    if (!inbox_->ready() || !output_.empty() || trouble_ != Trouble::kNone || end_with_) break;
    polled = inbox_->Poll(milliseconds(0));
  }
  caught_up_ = caught_up_ || !inbox_->behind();
}

Result<void> Worker::Impl::Start() {
  if (auto found = FindTopics(); !found) return found;
  InitProducer();
  while (!stop_.stop_requested()) {
    auto subscribed = inbox_->Subscribe(this);
    if (subscribed) return {};
    cluster_cause_ = subscribed.error().ToString();
    TellHealth();
    Wait(kFirstBackoff);
  }
  return {};
}

// Waits for a cluster that answers; an answer that a topic is missing ends the start.
Result<void> Worker::Impl::FindTopics() {
  while (!stop_.stop_requested()) {
    auto partitions = inbox_->CountPartitions(kClusterTimeout);
    if (partitions) {
      partitions_total_ = *partitions;
      cluster_cause_.clear();
      return {};
    }
    if (partitions.error().fault != Fault::kBroker) {
      return tl::make_unexpected(std::move(partitions).error());
    }
    cluster_cause_ = partitions.error().ToString();
    Log(LogLevel::kWarning, "brokers_unreachable", LogValue(cluster_cause_));
    TellHealth();
    Wait(backoff_);
    backoff_ = std::min(backoff_ * 2, kLongestBackoff);
  }
  return {};
}

void Worker::Impl::InitProducer() {
  for (bool again = false; !stop_.stop_requested(); again = true) {
    auto ready = again ? outbox_->Rebuild(kRequestTimeout) : outbox_->Init(kRequestTimeout);
    if (ready) break;
    cluster_cause_ = "the producer does not start: " + ready.error().ToString();
    Log(LogLevel::kWarning, "producer_not_ready", LogValue(cluster_cause_));
    TellHealth();
    Wait(backoff_);
    backoff_ = std::min(backoff_ * 2, kLongestBackoff);
  }
  backoff_ = kFirstBackoff;
  cluster_cause_.clear();
}

WorkerEnd Worker::Impl::Drain() {
  const nanoseconds deadline = clock_->Steady() + options_.drain;
  const auto left = [&] {
    const auto rest = std::chrono::duration_cast<milliseconds>(deadline - clock_->Steady());
    return std::max(rest, kLeastDrain);
  };
  WorkerEnd end = WorkerEnd::kClean;
  // In trouble nothing of what is open may be committed; it is read again.
  if (trouble_ == Trouble::kNone && !end_with_ && !Commit(left())) end = WorkerEnd::kDrainLimit;
  if (outbox_->in_transaction()) {
    const auto aborted = outbox_->Abort(left());
    if (!aborted) end = WorkerEnd::kDrainLimit;
  }
  ForgetTransaction();
  owned_.clear();  // what is revoked by closing has been committed or given up
  const auto closed = inbox_->Close(left());
  if (!closed) end = WorkerEnd::kDrainLimit;
  Log(LogLevel::kInfo, "worker_stopped",
      end == WorkerEnd::kClean ? "end=clean" : "end=drain_limit");
  Publish();
  return end;
}

void Worker::Impl::Wait(milliseconds time) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop_, time, [] { return false; });
}

// ---------------------------------------------------------------------------------------- records

void Worker::Impl::Take(const SourceRecord& given, Owned& owned, const ReadEdge& edge) {
  Record record = given.record;
  record.source = owned.id;
  owned.next = record.offset + 1;
  owned.at_end.reset();
  owned.counters.records.Add();
  owned.counters.bytes.Add(static_cast<std::int64_t>(record.payload.size()));
  NoteWork();
  output_.Clear();
  engine_->Process(record, edge, output_);
  if (!output_.dead_letter) ++owned.this_minute.all;
  if (!output_.journal.empty()) ++owned.this_minute.substituted;
  Deliver(given.source, &record);
}

void Worker::Impl::Take(const SourceEnd& end) {
  const auto found = owned_.find(*end.source);
  if (found == owned_.end()) return;
  Owned& owned = found->second;
  if (!owned.at_end) owned.at_end = clock_->Steady();
  if (end.next_offset > owned.next) {  // what lay there was no record
    owned.next = end.next_offset;
    NoteWork();
  }
  output_.Clear();
  engine_->AtEnd(owned.id, end.next_offset, clock_->Steady(), output_);
  Deliver(nullptr, nullptr);
}

void Worker::Impl::Take(const kafka::KafkaError& error) {
  Log(LogLevel::kWarning, "consumer_error", LogValue(error.ToString()));
  if (error.error_class == kafka::ErrorClass::kFatal) {
    return EndWith(kafka::ToError(error, "the consumer cannot go on",
                                  "give every process an `instance` of its own"));
  }
  if (kafka::IsPositionLost(error)) {
    lost_cause_ = "a position to read from is gone: " + error.ToString();
  } else if (kafka::IsUnreachable(error) || kafka::IsUnknownTopic(error)) {
    cluster_cause_ = error.ToString();
  }
  TellHealth();
}

// The engine's output into the open transaction.
void Worker::Impl::Deliver(const SourceName* source, const Record* record) {
  if (output_.empty()) return;
  NoteWork();
  if (!EnsureOpen()) return;
  auto written = WriteOutput(source, record);
  if (!written) return Meet(Trouble::kAbort, written.error().ToString());
  alert_due_ = alert_due_ || !output_.alerts.empty();
}

Result<void> Worker::Impl::WriteOutput(const SourceName* source, const Record* record) {
  for (const JournalEntry& entry : output_.journal) {
    if (auto written = sink_->WriteJournal(entry); !written) return written;
    ++pending_journal_;
  }
  for (const Alert& alert : output_.alerts) {
    if (auto written = sink_->WriteAlert(alert); !written) return written;
    pending_alerts_.push_back(alert.time);
  }
  if (output_.dead_letter) {
    FAULTLINE_CHECK(source != nullptr && record != nullptr);
    auto written = sink_->WriteDeadLetter(*record, *source, *output_.dead_letter);
    if (!written) return written;
    ++pending_dead_letters_;
  }
  for (const LateMatch& late : output_.late) {
    if (auto written = sink_->WriteLate(late); !written) return written;
    ++pending_late_;
  }
  return {};
}

// ---------------------------------------------------------------------------------------- commit

void Worker::Impl::NoteWork() {
  if (!std::exchange(work_, true)) work_since_ = clock_->Steady();
}

// An alert out of a backlog is late already, and commits cost the time that works it off.
bool Worker::Impl::Due() const {
  if (!work_) return false;
  const nanoseconds now = clock_->Steady();
  return now - work_since_ >= options_.commit_interval ||
         (alert_due_ && caught_up_ && now - last_commit_ >= options_.alert_linger);
}

milliseconds Worker::Impl::PollTimeout() const {
  if (!work_) return kLongestPoll;
  const nanoseconds now = clock_->Steady();
  nanoseconds left = options_.commit_interval - (now - work_since_);
  if (alert_due_) left = std::min(left, options_.alert_linger - (now - last_commit_));
  return std::clamp(std::chrono::duration_cast<milliseconds>(left), milliseconds(0), kLongestPoll);
}

bool Worker::Impl::EnsureOpen() {
  if (outbox_->in_transaction()) return true;
  const auto begun = outbox_->Begin();
  if (!begun) Meet(TroubleOf(begun.error()), begun.error().ToString());
  return begun.has_value();
}

std::vector<SourcePosition> Worker::Impl::Changed() const {
  std::vector<SourcePosition> changed;
  if (!engine_) return changed;
  for (SourcePosition& position : engine_->Positions()) {
    const auto owned = owned_.find(position.source);
    if (owned == owned_.end()) continue;
    if (owned->second.committed) position.journal_from = owned->second.committed->journal_from;
    if (owned->second.committed != position) changed.push_back(std::move(position));
  }
  return changed;
}

// True when all there was is committed.
bool Worker::Impl::Commit(milliseconds timeout) {
  const std::vector<SourcePosition> positions = Changed();
  if (positions.empty() && !outbox_->in_transaction()) {
    ForgetTransaction();
    return true;
  }
  if (!EnsureOpen()) return false;
  const nanoseconds begun = clock_->Steady();
  const auto ended = End(positions, timeout);
  if (!ended) {
    Meet(TroubleOf(ended.error()), ended.error().ToString());
    return false;
  }
  Committed(positions, clock_->Steady() - begun);
  return true;
}

kafka::KafkaResult<void> Worker::Impl::End(const std::vector<SourcePosition>& positions,
                                           milliseconds timeout) {
  std::vector<OutgoingPosition> outgoing;
  for (const SourcePosition& position : positions) {
    outgoing.push_back({position.source, position.committed, EncodePosition(position)});
  }
  if (!outgoing.empty()) {
    if (auto sent = outbox_->SendPositions(outgoing, timeout); !sent) return sent;
  }
  return outbox_->Commit(timeout);
}

void Worker::Impl::Committed(const std::vector<SourcePosition>& positions, nanoseconds took) {
  for (const SourcePosition& position : positions) {
    owned_.at(position.source).committed = position;
    ours_[position.source] = position;
  }
  const EventTime now = clock_->Now();
  for (const EventTime time : pending_alerts_) {
    counters_.latency_nanos.Add(std::max<std::int64_t>(0, (now - time).count()));
  }
  counters_.alerts_delivered.Add(static_cast<std::int64_t>(pending_alerts_.size()));
  counters_.dead_letters.Add(pending_dead_letters_);
  counters_.late.Add(pending_late_);
  counters_.journalled.Add(pending_journal_);
  counters_.committed.Add();
  counters_.commit_nanos.Add(took.count());
  ForgetTransaction();
  backoff_ = kFirstBackoff;
}

void Worker::Impl::ForgetTransaction() {
  work_ = alert_due_ = caught_up_ = false;
  last_commit_ = clock_->Steady();
  pending_alerts_.clear();
  pending_dead_letters_ = pending_late_ = pending_journal_ = 0;
}

// ---------------------------------------------------------------------------------------- trouble

void Worker::Impl::Meet(Trouble trouble, std::string why) {
  trouble_ = std::max(trouble_, trouble);
  trouble_cause_ = std::move(why);
  Log(LogLevel::kWarning, "transaction_given_up", LogValue(trouble_cause_));
  TellHealth();
}

void Worker::Impl::EndWith(Error error) {
  if (!end_with_) end_with_ = std::move(error);
}

// Abort or replace the producer, then everything back to the committed positions; again and again
// until it works, ever more slowly.
void Worker::Impl::Recover() {
  counters_.last_progress_steady_nanos.Set(clock_->Steady().count());
  const bool restored = AbortOrRebuild() && Restore();
  Publish();
  if (restored) {
    trouble_ = Trouble::kNone;
    trouble_cause_.clear();
    TellHealth();
    // All the same: what made the trouble may be there still, and aborting in a circle helps
    // nobody. A commit resets it.
    Wait(backoff_);
  } else {
    PollInTrouble(backoff_);
  }
  backoff_ = std::min(backoff_ * 2, kLongestBackoff);
}

// Stays a member of the group. The records are dropped: Restore() seeks back to the committed ones.
void Worker::Impl::PollInTrouble(milliseconds time) {
  const nanoseconds until = clock_->Steady() + time;
  while (!stop_.stop_requested() && clock_->Steady() < until) {
    const Polled polled = inbox_->Poll(std::min(time, kLongestPoll));
    if (const auto* const error = std::get_if<kafka::KafkaError>(&polled)) Take(*error);
  }
}

bool Worker::Impl::AbortOrRebuild() {
  if (trouble_ == Trouble::kRestore) return true;
  if (trouble_ == Trouble::kAbort && outbox_->in_transaction()) {
    const auto aborted = outbox_->Abort(kRequestTimeout);
    if (!aborted) Meet(Trouble::kRebuild, aborted.error().ToString());
  }
  if (trouble_ == Trouble::kRebuild) {
    const auto rebuilt = outbox_->Rebuild(kRequestTimeout);
    if (!rebuilt) {
      Meet(Trouble::kRebuild, rebuilt.error().ToString());
      return false;
    }
    counters_.producer_rebuilds.Add();
  }
  counters_.aborted.Add();
  ForgetTransaction();
  trouble_ = Trouble::kRestore;
  for (const auto& [name, owned] : owned_) waiting_.push_back(name);
  owned_.clear();
  MakeEngine("transaction given up");
  return true;
}

bool Worker::Impl::Restore() {
  if (waiting_.empty()) return true;
  auto positions = Load(waiting_);
  if (!positions) return false;
  auto journal = LoadJournal();
  if (!journal) return false;
  ReadyEngine(*positions);
  for (const SourcePosition& position : *positions) {
    const auto sought = inbox_->Seek(position.source, position.committed);
    if (sought) continue;
    trouble_cause_ = sought.error().ToString();
    return false;
  }
  Own(*positions, *journal);
  waiting_.clear();
  return true;
}

// The engine at hand may go on where it left these sources itself; else a new one begins.
void Worker::Impl::ReadyEngine(const std::vector<SourcePosition>& positions) {
  if (engine_clean_) return;
  if (!engine_) {
    if (fresh_.size() < positions.size()) return MakeEngine("started anew");
    engine_.emplace(rules_, options_.engine);  // nobody was here before
  } else if (owned_.empty() && !ContinuesOurs(positions)) {
    MakeEngine("partitions taken over");
  }
}

// Windows begin empty: said so wherever a past is behind it.
void Worker::Impl::MakeEngine(std::string_view why) {
  engine_.emplace(rules_, options_.engine);
  engine_clean_ = true;
  ours_.clear();
  if (rules_->correlations().empty()) return;
  counters_.windows_lost.Add();
  Log(LogLevel::kWarning, "windows_lost", fmt::format("why={}", LogValue(why)));
}

// Where the group stands with each of `sources`; nothing when it cannot be told now.
std::optional<std::vector<SourcePosition>> Worker::Impl::Load(
    const std::vector<SourceName>& sources) {
  auto committed = inbox_->Committed(sources);
  if (!committed) {
    trouble_cause_ = committed.error().ToString();
    return std::nullopt;
  }
  const bool past = !owned_.empty() || std::any_of(committed->begin(), committed->end(),
                                                   [](const auto& c) { return c.offset; });
  fresh_.clear();
  std::vector<SourcePosition> positions;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto position = PositionOf(sources[i], (*committed)[i], past);
    if (!position) return std::nullopt;
    positions.push_back(std::move(*position));
  }
  return positions;
}

std::optional<SourcePosition> Worker::Impl::PositionOf(const SourceName& source,
                                                       const CommittedPosition& committed,
                                                       bool group_has_past) {
  if (committed.offset) {
    auto position = DecodePosition(source, *committed.offset, committed.metadata);
    if (position) return std::move(*position);
    EndWith(std::move(position).error());
    return std::nullopt;
  }
  const auto start = inbox_->StartOf(source, options_.start);
  if (!start) {
    trouble_cause_ = start.error().ToString();
    return std::nullopt;
  }
  fresh_.push_back(source);
  SourcePosition position;
  position.source = source;
  position.committed = position.position = *start;
  position.idle = group_has_past;  // a partition added later holds nobody back until it speaks
  return position;
}

std::optional<Journal> Worker::Impl::LoadJournal() {
  if (!options_.journal) return Journal();
  auto journal = options_.journal();
  if (journal) return std::move(*journal);
  trouble_cause_ = journal.error().ToString();
  if (journal.error().fault != Fault::kBroker) EndWith(std::move(journal).error());
  return std::nullopt;
}

bool Worker::Impl::ContinuesOurs(const std::vector<SourcePosition>& positions) const {
  return std::all_of(positions.begin(), positions.end(), [this](const SourcePosition& position) {
    const auto known = ours_.find(position.source);
    if (known != ours_.end()) return known->second == position;
    return std::find(fresh_.begin(), fresh_.end(), position.source) != fresh_.end();
  });
}

void Worker::Impl::Own(const std::vector<SourcePosition>& positions, const Journal& journal) {
  for (const SourcePosition& position : positions) {
    const auto entries = journal.find(position.source);
    Owned owned;
    owned.id = engine_->AddSource(
        position.source, options_.input(position.source), &position,
        entries == journal.end() ? std::vector<JournalEntry>() : entries->second);
    owned.next = position.committed;
    const bool fresh = std::find(fresh_.begin(), fresh_.end(), position.source) != fresh_.end();
    if (!fresh) owned.committed = position;
    if (fresh) NoteWork();  // so that the group knows all its partitions from the first commit on
    owned_.insert_or_assign(position.source, std::move(owned));
  }
  engine_clean_ = engine_clean_ && positions.empty();
  lost_cause_.clear();
}

void Worker::Impl::Disown(const std::vector<SourceName>& sources) {
  for (const SourceName& source : sources) {
    std::erase(waiting_, source);
    const auto found = owned_.find(source);
    if (found == owned_.end()) continue;
    engine_->RemoveSource(found->second.id);
    owned_.erase(found);
  }
}

// ----------------------------------------------------------------------------------------
// rebalance

std::vector<std::optional<std::int64_t>> Worker::Impl::OnAssigned(
    const std::vector<SourceName>& sources) noexcept {
  if (std::exchange(begun_, true)) counters_.rebalances.Add();
  Log(LogLevel::kInfo, "partitions_assigned", fmt::format("count={}", sources.size()));
  std::vector<std::optional<std::int64_t>> offsets(sources.size());
  auto positions = trouble_ == Trouble::kNone ? Load(sources) : std::nullopt;
  auto journal = positions ? LoadJournal() : std::nullopt;
  if (!positions || !journal) {  // held; Restore() seeks to the right place
    waiting_.insert(waiting_.end(), sources.begin(), sources.end());
    Meet(Trouble::kRestore, trouble_cause_);
    return offsets;
  }
  ReadyEngine(*positions);
  Own(*positions, *journal);
  for (std::size_t i = 0; i < sources.size(); ++i) offsets[i] = (*positions)[i].committed;
  TellHealth();
  return offsets;
}

void Worker::Impl::OnRevoked(const std::vector<SourceName>& sources) noexcept {
  counters_.rebalances.Add();
  Log(LogLevel::kInfo, "partitions_revoked", fmt::format("count={}", sources.size()));
  if (trouble_ == Trouble::kNone && !owned_.empty()) {
    static_cast<void>(Commit(kafka::kForever));
  }
  Disown(sources);
  TellHealth();
}

void Worker::Impl::OnLost(const std::vector<SourceName>& sources) noexcept {
  counters_.rebalances.Add();
  Log(LogLevel::kWarning, "partitions_lost", fmt::format("count={}", sources.size()));
  Disown(sources);
  Meet(Trouble::kAbort, "partitions were lost to another member");
}

// ---------------------------------------------------------------------------------------- now and
// then

void Worker::Impl::LookAround() {
  last_look_ = clock_->Steady();
  counters_.last_progress_steady_nanos.Set(last_look_.count());
  outbox_->Serve();
  if (engine_ && trouble_ == Trouble::kNone) {
    LookForIdle();
    LookForAhead();
  }
  if (last_look_ - minute_begun_ >= std::chrono::minutes(1)) LookAtClock();
  if (last_look_ - last_cluster_check_ >= options_.cluster_check) CheckCluster();
  if (last_look_ - last_view_ >= kViewEvery) Publish();
}

void Worker::Impl::LookForIdle() {
  bool all = !owned_.empty();
  for (auto& [name, owned] : owned_) {
    const bool silent =
        owned.at_end && !owned.paused && last_look_ - *owned.at_end >= options_.idle_after;
    if (silent && !engine_->IdleSource(owned.id)) {
      NoteWork();
      output_.Clear();
      engine_->MarkIdle(owned.id, last_look_, output_);
      Deliver(nullptr, nullptr);
    }
    all = all && engine_->IdleSource(owned.id);
  }
  if (!all || trouble_ != Trouble::kNone) return;
  output_.Clear();
  engine_->Tick(last_look_, output_);
  Deliver(nullptr, nullptr);
  if (last_look_ - last_commit_ >= kFrontierEvery) NoteWork();
}

// A partition far ahead waits for the others: it would only fill the reorder buffer.
void Worker::Impl::LookForAhead() {
  for (auto& [name, owned] : owned_) {
    const bool ahead = engine_->Ahead(owned.id);
    if (ahead == owned.paused) continue;
    const auto done = ahead ? inbox_->Pause(name) : inbox_->Resume(name);
    if (done) owned.paused = ahead;
    if (ahead) owned.at_end.reset();
  }
}

void Worker::Impl::LookAtClock() {
  minute_begun_ = last_look_;
  std::vector<DatedRecords> minute;
  for (auto& [name, owned] : owned_) minute.push_back(std::exchange(owned.this_minute, {}));
  std::optional<bool> doubted = ClockIsDoubted(minute);
  if (minute.size() < 2) doubted = false;  // who has one partition cannot tell
  if (!doubted) return;
  clock_cause_ = *doubted ? "the clock of this machine seems to be behind: for a minute most event "
                            "times of several partitions lay too far ahead of it"
                          : "";
  TellHealth();
}

void Worker::Impl::CheckCluster() {
  last_cluster_check_ = last_look_;
  const auto partitions = inbox_->CountPartitions(kClusterTimeout);
  if (partitions) {
    partitions_total_ = *partitions;
    cluster_cause_.clear();
  } else {
    cluster_cause_ = partitions.error().ToString();
  }
  TellHealth();
}

// Between two transactions: what is open is committed first.
void Worker::Impl::ApplyReload() {
  std::shared_ptr<const RuleSet> wanted;
  {
    const std::lock_guard lock(mutex_);
    if (!reload_) return;
    wanted = reload_;
  }
  if (trouble_ != Trouble::kNone || (work_ && !Commit(kafka::kForever))) return;
  rules_ = wanted;
  if (engine_) engine_->Reload(rules_);
  counters_.reloads.Add();
  Log(LogLevel::kInfo, "rules_in_use", fmt::format("revision={}", rules_->revision()));
  const std::lock_guard lock(mutex_);
  if (reload_ == wanted) reload_.reset();
}

void Worker::Impl::Publish() {
  last_view_ = clock_->Steady();
  auto view = std::make_shared<WorkerView>();
  view->worker = counters_;
  for (auto& [name, owned] : owned_) {
    const auto end = inbox_->EndOf(name);
    if (end) owned.counters.lag.Set(std::max<std::int64_t>(0, *end - owned.next));
    owned.counters.watermark.Set(engine_->WatermarkOf(owned.id).nanos());
    view->partitions.emplace(name, owned.counters);
  }
  if (engine_) view->frontier = engine_->frontier_time();
  const std::lock_guard lock(mutex_);
  view_ = std::move(view);
}

void Worker::Impl::TellHealth() {
  Health health;
  if (!cluster_cause_.empty()) {
    health.cause = cluster_cause_;
  } else if (!lost_cause_.empty()) {
    health.cause = lost_cause_;
  } else if (!clock_cause_.empty()) {
    health.cause = clock_cause_;
  } else if (trouble_ != Trouble::kNone) {
    health.cause = "restoring: " + trouble_cause_;
  } else if (owned_.empty() ||
             (options_.needs_all_partitions && owned_.size() < partitions_total_)) {
    health.cause = fmt::format("owns {} of {} partitions", owned_.size(), partitions_total_);
  } else {
    health = {true, {}};
  }
  const std::lock_guard lock(mutex_);
  if (health_.ready != health.ready) {
    Log(LogLevel::kInfo, health.ready ? "ready" : "not_ready", LogValue(health.cause));
  }
  health_ = std::move(health);
}

void Worker::Impl::RequestReload(std::shared_ptr<const RuleSet> rules) {
  const std::lock_guard lock(mutex_);
  reload_ = std::move(rules);
}

Health Worker::Impl::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

std::shared_ptr<const WorkerView> Worker::Impl::View() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

// ---------------------------------------------------------------------------------------- Worker

Worker::Worker(Options options, std::shared_ptr<const RuleSet> rules, Inbox* inbox, Outbox* outbox,
               Sink* sink, const Clock* clock)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(rules), inbox, outbox, sink,
                                   clock)) {}
Worker::~Worker() = default;

Result<WorkerEnd> Worker::Run(std::stop_token stop) { return impl_->Run(std::move(stop)); }
void Worker::RequestReload(std::shared_ptr<const RuleSet> rules) {
  impl_->RequestReload(std::move(rules));
}
Health Worker::health() const { return impl_->health(); }
std::shared_ptr<const WorkerView> Worker::View() const { return impl_->View(); }

}  // namespace faultline
