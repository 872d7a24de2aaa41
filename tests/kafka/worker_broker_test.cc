// SPDX-License-Identifier: Apache-2.0
// The worker on a real broker: what stands in the topics afterwards, read back with read_committed.
#include <atomic>
#include <cstdlib>
#include <set>
#include <sstream>
#include <thread>

#include "consumer/kafka_source.h"
#include "consumer/position_codec.h"
#include "consumer/replay.h"
#include "consumer/worker.h"
#include "matcher/journal_codec.h"
#include "tests/kafka/support/broker.h"
#include "tests/unit/consumer/support.h"

namespace faultline {
namespace {

using testing::Broker;
using testing::Event;
using testing::UniqueName;
using testing::WaitUntil;

using testing::kAlarmRule;
using testing::kBothRule;

// Alerts as "id partition/offset rule", dead letters as their bytes.
class TopicSink final : public Sink {
 public:
  TopicSink(kafka::TransactionalProducer* producer, std::string alerts, std::string dead,
            std::string journal)
      : producer_(producer),
        alerts_(std::move(alerts)),
        dead_(std::move(dead)),
        journal_(std::move(journal)) {}

  Result<void> WriteAlert(const Alert& alert) override {
    const Origin& origin = alert.evidence.at(0).origin;
    return Write(alerts_, {},
                 alert.id.Hex() + " " + std::to_string(origin.source.partition) + "/" +
                     std::to_string(origin.offset) + " " + alert.rule->id);
  }
  Result<void> WriteDeadLetter(const Record& record, const SourceName&,
                               const DeadLetter&) override {
    return Write(dead_, {}, record.payload);
  }
  Result<void> WriteLate(const LateMatch&) override { return {}; }
  Result<void> WriteJournal(const JournalEntry& entry) override {
    return Write(journal_, JournalKey(entry.source), EncodeJournal(entry));
  }

 private:
  Result<void> Write(const std::string& topic, std::string_view key, std::string_view value) {
    kafka::OutgoingRecord record;
    record.topic = topic;
    record.key = key;
    record.value = value;
    auto produced = producer_->Produce(record);
    if (!produced) return tl::make_unexpected(kafka::ToError(produced.error(), "cannot write"));
    return {};
  }

  kafka::TransactionalProducer* producer_;  // never null
  std::string alerts_, dead_, journal_;
};

// The topics and names of one pipeline.
struct Pipeline {
  explicit Pipeline(Broker& broker = Broker::Shared()) {
    brokers = broker.address();
    broker.CreateTopic(input, 2);
    for (const std::string& topic : {alerts, dead, journal}) broker.CreateTopic(topic, 1);
  }
  std::string brokers;
  std::string input = UniqueName("input");
  std::string alerts = UniqueName("alerts");
  std::string dead = UniqueName("dead");
  std::string journal = UniqueName("journal");
  std::string group = UniqueName("group");
};

kafka::ConsumerProperties ConsumerOf(const Pipeline& pipeline) {
  kafka::ConsumerProperties properties;
  properties.client.brokers = pipeline.brokers;
  properties.group = pipeline.group;
  return properties;
}

// How a worker of these tests differs from the others.
struct Tuning {
  std::string instance = "t";
  std::chrono::milliseconds idle_after = std::chrono::seconds(30);
  std::chrono::milliseconds lateness = std::chrono::seconds(10);
};

InputOptions InputOf(const Tuning& tuning) {
  InputOptions input;
  input.idle_after = tuning.idle_after;
  input.lateness = tuning.lateness;
  return input;
}

// One life of a worker, on a thread of its own until it is stopped.
class Life {
 public:
  explicit Life(const Pipeline& pipeline, const Tuning& tuning = {}) {
    kafka::ProducerProperties properties;
    properties.client.brokers = pipeline.brokers;
    properties.transactional_id = pipeline.group + "-" + tuning.instance + "-0";
    producer_ = std::move(kafka::TransactionalProducer::Create(properties).value());
    inbox_ = std::move(KafkaInbox::Create({ConsumerOf(pipeline), {pipeline.input}}).value());
    outbox_.emplace(producer_.get(), inbox_.get());
    sink_.emplace(producer_.get(), pipeline.alerts, pipeline.dead, pipeline.journal);
    Worker::Options options;
    options.input = [tuning](const SourceName&) { return InputOf(tuning); };
    options.idle_after = tuning.idle_after;
    options.cluster_check = std::chrono::milliseconds(200);
    options.commit_interval = std::chrono::milliseconds(100);
    options.journal = [pipeline] {
      return ReadJournal(ConsumerOf(pipeline), pipeline.journal, std::chrono::seconds(30));
    };
    worker_.emplace(std::move(options), testing::Rules(testing::kRules), inbox_.get(), &*outbox_,
                    &*sink_, &SystemClock());
    thread_ = std::jthread([this](const std::stop_token& stop) {
      end_ = worker_->Run(stop);
      ended_ = true;
    });
  }
  Result<WorkerEnd> Stop() {
    thread_.request_stop();
    thread_.join();
    return end_;
  }
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] const Worker& worker() const { return *worker_; }

 private:
  std::unique_ptr<kafka::TransactionalProducer> producer_;
  std::unique_ptr<KafkaInbox> inbox_;
  std::optional<KafkaOutbox> outbox_;
  std::optional<TopicSink> sink_;
  std::optional<Worker> worker_;
  Result<WorkerEnd> end_ = WorkerEnd::kClean;
  std::atomic<bool> ended_{false};
  std::jthread thread_;
};

std::vector<std::string> Values(const Pipeline& pipeline, const std::string& topic) {
  std::vector<std::string> values;
  for (const auto& record : testing::ReadAll(pipeline.brokers, topic)) {
    values.push_back(record.value.value_or("(null)"));
  }
  return values;
}

struct Told {
  std::string id, origin, rule;
};

std::vector<Told> Alerts(const Pipeline& pipeline) {
  std::vector<Told> alerts;
  for (const std::string& value : Values(pipeline, pipeline.alerts)) {
    std::istringstream words(value);
    Told told;
    words >> told.id >> told.origin >> told.rule;
    alerts.push_back(std::move(told));
  }
  return alerts;
}

std::multiset<std::string> IdsOf(const Pipeline& pipeline) {
  std::multiset<std::string> ids;
  for (const Told& told : Alerts(pipeline)) ids.insert(told.id);
  return ids;
}

std::size_t CountOf(const Pipeline& pipeline, const std::string& rule) {
  std::size_t count = 0;
  for (const Told& told : Alerts(pipeline)) count += told.rule == rule ? 1 : 0;
  return count;
}

std::multiset<std::string> IdsOf(const testing::KeepingSink& sink) {
  std::multiset<std::string> ids;
  for (const Alert& alert : sink.alerts) ids.insert(alert.id.Hex());
  return ids;
}

std::multiset<std::string> Replayed(const Pipeline& pipeline, bool journal,
                                    const ReplayOptions& options) {
  ReplayTopicOptions topic;
  topic.consumer = ConsumerOf(pipeline);
  topic.topics = {pipeline.input};
  if (journal) topic.journal = pipeline.journal;
  testing::KeepingSink sink;
  ReplaySummary summary;
  const auto replayed = ReplayTopic(testing::Rules(testing::kRules), topic, options, sink, summary);
  EXPECT_TRUE(replayed) << replayed.error().ToString();
  EXPECT_EQ(summary.journal_entries.has_value(), journal);
  return IdsOf(sink);
}

void Produce(const Pipeline& pipeline, std::int32_t partition,
             const std::vector<std::string>& values) {
  static_cast<void>(testing::ProduceValues(pipeline.brokers, pipeline.input, partition, values));
}

// What the group knows of a partition; nothing before the first commit.
std::optional<SourcePosition> Position(const Pipeline& pipeline, std::int32_t partition) {
  const auto committed =
      testing::CommittedOffset(pipeline.brokers, pipeline.group, pipeline.input, partition);
  if (!committed) return std::nullopt;
  auto position = DecodePosition({pipeline.input, partition}, committed->first, committed->second);
  EXPECT_TRUE(position) << position.error().ToString();
  return position ? std::optional(*position) : std::nullopt;
}

bool ReadUpTo(const Pipeline& pipeline, std::int64_t first, std::int64_t second) {
  const auto one = Position(pipeline, 0);
  const auto two = Position(pipeline, 1);
  return one && two && one->position >= first && two->position >= second;
}

// A clock that stands.
class StoppedClock final : public Clock {
 public:
  explicit StoppedClock(EventTime now) : now_(now) {}
  EventTime Now() const noexcept override { return now_; }
  std::chrono::nanoseconds Steady() const noexcept override { return {}; }

 private:
  EventTime now_;
};

TEST(WorkerOnABroker, StoppedInMidStreamItLosesAndDoublesNothing) {
  const Pipeline pipeline;
  std::set<std::string> origins;
  std::set<std::string> poison;
  for (int partition = 0; partition < 2; ++partition) {
    std::vector<std::string> values;
    for (int i = 0; i < 3000; ++i) {
      values.push_back(i % 3 == 0 ? Event("alarm", i) : Event("other", i));
      if (i % 500 == 7) {
        values.back() = "\x01poison " + std::to_string(partition) + " " + std::to_string(i);
        poison.insert(values.back());
      }
    }
    const auto offsets =
        testing::ProduceValues(pipeline.brokers, pipeline.input, partition, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] != Event("alarm", static_cast<int>(i))) continue;
      origins.insert(std::to_string(partition) + "/" + std::to_string(offsets[i]));
    }
  }
  const auto delivered = [&] { return Values(pipeline, pipeline.alerts).size(); };
  for (std::size_t share = 0; share < 2; ++share) {  // two lives end early
    Life life(pipeline);
    EXPECT_TRUE(WaitUntil([&] { return delivered() > share * origins.size() / 4; }));
    const auto end = life.Stop();
    ASSERT_TRUE(end) << end.error().ToString();
    EXPECT_EQ(*end, WorkerEnd::kClean);
  }
  Life last(pipeline);
  EXPECT_TRUE(WaitUntil([&] {
    return delivered() >= origins.size() && Values(pipeline, pipeline.dead).size() >= poison.size();
  }));
  EXPECT_TRUE(WaitUntil([&] { return last.worker().health().ready; }));
  EXPECT_TRUE(WaitUntil([&] { return last.worker().View()->worker.windows_lost.value() == 1; }));
  ASSERT_TRUE(last.Stop());

  std::multiset<std::string> told;
  std::multiset<std::string> ids;
  for (const Told& alert : Alerts(pipeline)) {
    ids.insert(alert.id);
    told.insert(alert.origin);
  }
  EXPECT_EQ(told, (std::multiset<std::string>(origins.begin(), origins.end())));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), origins.size());
  const auto dead = Values(pipeline, pipeline.dead);
  EXPECT_EQ((std::multiset<std::string>(dead.begin(), dead.end())),
            (std::multiset<std::string>(poison.begin(), poison.end())));

  EXPECT_EQ(Replayed(pipeline, true, {}), ids);
}

TEST(WorkerOnABroker, HitsThatWaitAreReadAgainAfterARestart) {
  const Pipeline pipeline;
  Produce(pipeline, 0, {Event("a", 10), Event("alarm", 11)});
  Produce(pipeline, 1, {Event("b", 12)});
  {
    Life life(pipeline);
    EXPECT_TRUE(WaitUntil([&] { return life.worker().health().ready; }));
    EXPECT_TRUE(WaitUntil([&] { return ReadUpTo(pipeline, 2, 1); }));
    ASSERT_TRUE(life.Stop());
  }
  EXPECT_EQ(Position(pipeline, 0)->committed, 0);
  EXPECT_EQ(Position(pipeline, 1)->committed, 0);
  EXPECT_EQ(CountOf(pipeline, kBothRule), 0U);
  Produce(pipeline, 0, {Event("other", 300)});
  Produce(pipeline, 1, {Event("other", 300)});
  Life life(pipeline);
  EXPECT_TRUE(WaitUntil([&] { return CountOf(pipeline, kBothRule) == 1; }));
  EXPECT_TRUE(WaitUntil([&] { return ReadUpTo(pipeline, 3, 2); }));
  ASSERT_TRUE(life.Stop());
  EXPECT_EQ(CountOf(pipeline, kAlarmRule), 1U);
  EXPECT_EQ(CountOf(pipeline, kBothRule), 1U);
  EXPECT_EQ(Position(pipeline, 0)->committed, 3);  // nothing waits any more
  EXPECT_EQ(Replayed(pipeline, true, {}), IdsOf(pipeline));
}

// What a partition says after the idle clock has passed its times is too late for chains, in a
// replay with the journal as well.
TEST(WorkerOnABroker, AChainAtTheEndFiresOnceAllPartitionsAreIdle) {
  const Pipeline pipeline;
  const Tuning tuning{"t", std::chrono::milliseconds(300), std::chrono::milliseconds(100)};
  Produce(pipeline, 0, {Event("a", 10)});
  Produce(pipeline, 1, {Event("b", 12)});
  Life life(pipeline, tuning);
  EXPECT_TRUE(WaitUntil([&] { return CountOf(pipeline, kBothRule) == 1; }));
  Produce(pipeline, 0, {Event("a", 12, "h2"), Event("alarm", 400)});
  Produce(pipeline, 1, {Event("b", 12, "h2"), Event("alarm", 400)});
  EXPECT_TRUE(WaitUntil([&] { return CountOf(pipeline, kAlarmRule) == 2; }));
  ASSERT_TRUE(life.Stop());
  EXPECT_EQ(CountOf(pipeline, kBothRule), 1U);

  ReplayOptions options;
  options.input = InputOf(tuning);
  EXPECT_EQ(Replayed(pipeline, true, options), IdsOf(pipeline));
  EXPECT_EQ(Replayed(pipeline, false, options).size(), IdsOf(pipeline).size() + 1);
}

// A time beyond the clock becomes the source's highest; a replay years later, when that time is no
// longer in the future, follows the journal, from the topic and from files.
TEST(WorkerOnABroker, SubstitutedTimesAreJournalledForReplays) {
  const Pipeline pipeline;
  std::string future = Event("b", 20);
  future.replace(future.find("2026"), 4, "2190");
  const std::vector<std::string> one = {Event("a", 10), future, Event("other", 300)};
  const std::vector<std::string> two = {Event("other", 300)};
  Produce(pipeline, 0, one);
  Produce(pipeline, 1, two);
  Life life(pipeline);
  EXPECT_TRUE(WaitUntil([&] { return CountOf(pipeline, kBothRule) == 1; }));
  ASSERT_TRUE(life.Stop());

  const StoppedClock later(*EventTime::FromCivil(2200, 1, 1, 0, 0, 0, 0));
  ReplayOptions options;
  options.clock = &later;
  EXPECT_EQ(Replayed(pipeline, true, options), IdsOf(pipeline));
  EXPECT_EQ(Replayed(pipeline, false, options).size(), 0U);

  const testing::TempDir dir;
  const std::vector<ReplayFile> files = {
      {dir.Write("0", one[0] + "\n" + one[1] + "\n" + one[2]), SourceName{pipeline.input, 0}},
      {dir.Write("1", two[0]), SourceName{pipeline.input, 1}}};
  auto journal = ReadJournal(ConsumerOf(pipeline), pipeline.journal, std::chrono::seconds(30));
  ASSERT_TRUE(journal) << journal.error().ToString();
  options.journal = std::move(*journal);
  testing::KeepingSink sink;
  ReplaySummary summary;
  ASSERT_TRUE(ReplayFiles(testing::Rules(testing::kRules), files, options, sink, summary));
  EXPECT_EQ(IdsOf(sink), IdsOf(pipeline));
}

TEST(WorkerOnABroker, MembersThatComeAndGoLoseAndDoubleNothing) {
  const Pipeline pipeline;
  std::size_t expected = 0;
  const auto more = [&] {
    for (std::int32_t partition = 0; partition < 2; ++partition) {
      std::vector<std::string> values;
      for (int i = 0; i < 500; ++i) values.push_back(Event("alarm", static_cast<int>(expected++)));
      Produce(pipeline, partition, values);
    }
  };
  const auto owned = [](const Life& life) { return life.worker().View()->partitions.size(); };
  more();
  Life one(pipeline, {.instance = "one"});
  EXPECT_TRUE(WaitUntil([&] { return !Alerts(pipeline).empty(); }));
  more();
  Life two(pipeline, {.instance = "two"});
  EXPECT_TRUE(WaitUntil([&] { return owned(one) == 1 && owned(two) == 1; }));
  EXPECT_FALSE(two.worker().health().ready);
  more();
  ASSERT_TRUE(one.Stop());
  more();
  EXPECT_TRUE(WaitUntil([&] { return owned(two) == 2; }));
  EXPECT_TRUE(WaitUntil([&] { return Alerts(pipeline).size() >= expected; }));
  EXPECT_TRUE(WaitUntil([&] { return two.worker().health().ready; }));
  ASSERT_TRUE(two.Stop());
  const auto ids = IdsOf(pipeline);
  EXPECT_EQ(ids.size(), expected);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), expected);
}

TEST(WorkerOnABroker, WaitsForABrokerThatIsNotThereAndOutlivesItsRestart) {
  auto broker = Broker::Create();
  ASSERT_TRUE(broker) << broker.error().ToString();
  const Pipeline pipeline(**broker);
  (*broker)->Stop();
  Life life(pipeline);
  EXPECT_TRUE(WaitUntil([&] {
    return life.worker().health().cause.find("no answer from the brokers") != std::string::npos;
  }));
  EXPECT_FALSE(life.worker().health().ready);
  (*broker)->Start();
  EXPECT_TRUE(WaitUntil([&] { return life.worker().health().ready; }));
  Produce(pipeline, 0, {Event("alarm", 1)});
  EXPECT_TRUE(WaitUntil([&] { return Alerts(pipeline).size() == 1; }));

  (*broker)->Stop();
  EXPECT_TRUE(WaitUntil([&] { return !life.worker().health().ready; }));
  (*broker)->Start();
  Produce(pipeline, 0, {Event("alarm", 2)});
  EXPECT_TRUE(WaitUntil([&] { return Alerts(pipeline).size() >= 2; }));
  EXPECT_TRUE(WaitUntil([&] { return life.worker().health().ready; }));
  EXPECT_FALSE(life.ended());
  ASSERT_TRUE(life.Stop());
  EXPECT_EQ(Alerts(pipeline).size(), 2U);
}

TEST(WorkerOnABroker, ReadsWhatKcatWrites) {
  const Pipeline pipeline;
  const testing::TempDir dir;
  const std::string file =
      dir.Write("lines", Event("alarm", 1) + "\n" + Event("other", 2) + "\n" + Event("alarm", 3));
  const std::string command =
      "kcat -P -b " + pipeline.brokers + " -t " + pipeline.input + " -p 1 -l " + file;
  ASSERT_EQ(std::system(command.c_str()), 0);
  Life life(pipeline);
  EXPECT_TRUE(WaitUntil([&] { return Alerts(pipeline).size() >= 2; }));
  ASSERT_TRUE(life.Stop());
  std::multiset<std::string> origins;
  for (const Told& told : Alerts(pipeline)) origins.insert(told.origin);
  EXPECT_EQ(origins, (std::multiset<std::string>{"1/0", "1/2"}));
}

TEST(WorkerOnABroker, ATopicMissingAtTheStartIsAConfigurationError) {
  Pipeline pipeline;
  pipeline.input = UniqueName("never-made");
  Life life(pipeline);
  EXPECT_TRUE(WaitUntil([&] { return life.ended(); }));
  const auto end = life.Stop();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().fault, Fault::kConfig);
  EXPECT_NE(end.error().ToString().find(pipeline.input), std::string::npos);
  ReplayTopicOptions topic;
  topic.consumer = ConsumerOf(pipeline);
  topic.topics = {pipeline.input};
  testing::KeepingSink sink;
  ReplaySummary summary;
  const auto replayed =
      ReplayTopic(testing::Rules(testing::kRules), topic, ReplayOptions(), sink, summary);
  ASSERT_FALSE(replayed);
  EXPECT_EQ(replayed.error().fault, Fault::kConfig);
}

}  // namespace
}  // namespace faultline
