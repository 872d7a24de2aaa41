// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <utility>

#include "consumer/journal.h"
#include "consumer/kafka_source.h"
#include "consumer/replay.h"
#include "consumer/replay_run.h"
#include "consumer/topic_reader.h"
#include "kafka/topics.h"

namespace faultline {
namespace {

// Partitions in, those too far ahead of the others held for a while.
class TopicReplay {
 public:
  TopicReplay(ReplayRun* run, TopicReader* reader) : run_(run), reader_(reader) {
    for (const SourceName& source : reader_->sources()) ids_.emplace(source, run_->Add(source));
  }

  Result<void> ReadAll();

 private:
  Result<void> Take(const kafka::Message& message);
  Result<void> HoldThoseAhead();
  [[nodiscard]] bool AllPastUntil() const;

  ReplayRun* run_;       // never null
  TopicReader* reader_;  // never null
  std::map<SourceName, SourceId> ids_;
};

Result<void> TopicReplay::Take(const kafka::Message& message) {
  const SourceName source{std::string(message.topic()), message.partition()};
  const MessageDetails details(&message);
  Record record;
  record.source = ids_.at(source);
  record.offset = message.offset();
  record.payload = message.payload();
  record.tombstone = message.tombstone();
  record.details = &details;
  TakeTimestamp(message, record);
  return run_->Process(source, record);
}

Result<void> TopicReplay::HoldThoseAhead() {
  for (const auto& [source, id] : ids_) {
    if (auto held = reader_->Hold(source, run_->engine().Ahead(id)); !held) return held;
  }
  return {};
}

bool TopicReplay::AllPastUntil() const {
  for (const auto& [source, id] : ids_) {
    if (!run_->engine().IdleSource(id) && !run_->past_until(id)) return false;
  }
  return true;
}

Result<void> TopicReplay::ReadAll() {
  std::uint64_t read = 0;
  while (!run_->stopped() && !AllPastUntil()) {
    auto step = reader_->Next();
    if (!step) return tl::make_unexpected(std::move(step).error());
    if (std::holds_alternative<TopicReader::Done>(*step)) return {};
    Result<void> done;
    if (const auto* const message = std::get_if<const kafka::Message*>(&*step)) {
      done = Take(**message);
      ++read;
      if (done && run_->progress_due()) {
        run_->Progress(read, reader_->total());
        done = HoldThoseAhead();
      }
    } else if (const auto* const ended = std::get_if<TopicReader::Ended>(&*step)) {
      done = run_->End(ids_.at(ended->source));
      if (done) done = HoldThoseAhead();
    }
    if (!done) return done;
  }
  return {};
}

// The journal, where it is kept.
Result<std::optional<Journal>> FindJournal(const ReplayTopicOptions& topic) {
  auto admin = kafka::Admin::Create(topic.consumer.client);
  if (!admin) return tl::make_unexpected(std::move(admin).error());
  const auto topics = admin->List(topic.timeout);
  if (!topics) return tl::make_unexpected(topics.error());
  const bool kept = std::any_of(topics->begin(), topics->end(),
                                [&](const auto& there) { return there.name == *topic.journal; });
  if (!kept) return std::optional<Journal>();
  auto journal = ReadJournal(topic.consumer, *topic.journal, topic.timeout);
  if (!journal) return tl::make_unexpected(std::move(journal).error());
  return std::optional<Journal>(std::move(*journal));
}

}  // namespace

Result<void> ReplayTopic(std::shared_ptr<const RuleSet> rules, const ReplayTopicOptions& topic,
                         const ReplayOptions& options, Sink& sink, ReplaySummary& summary) {
  TopicReader::Config config;
  config.consumer = topic.consumer;
  config.topics = topic.topics;
  config.offsets = topic.offsets;
  config.timeout = topic.timeout;
  if (options.since) {
    config.since = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::nanoseconds(options.since->nanos()));
  }
  auto reader = TopicReader::Open(config);
  if (!reader) return tl::make_unexpected(std::move(reader).error());
  // After the topics' ends are known, so that every entry of what will be read is there.
  ReplayOptions following = options;
  if (topic.journal) {
    auto journal = FindJournal(topic);
    if (!journal) return tl::make_unexpected(std::move(journal).error());
    following.journal = std::move(*journal);
  }
  ReplayRun run(std::move(rules), following, sink, summary);
  if (auto loaded = run.LoadState(); !loaded) return loaded;
  TopicReplay replay(&run, reader->get());
  auto read = replay.ReadAll();
  auto finished = run.Finish();  // what was read is told, whatever ended the reading
  return read ? finished : read;
}

}  // namespace faultline
