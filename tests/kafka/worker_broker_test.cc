// SPDX-License-Identifier: Apache-2.0
// The worker on a real broker: what stands in the topics afterwards, read back with read_committed.
#include <atomic>
#include <set>
#include <thread>

#include "consumer/kafka_source.h"
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

constexpr const char* kSite = "t";

// Alerts as "id topic/partition/offset", dead letters as their bytes.
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
                     std::to_string(origin.offset));
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
  Pipeline() {
    Broker& broker = Broker::Shared();
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

// One life of a worker, on a thread of its own until it is stopped.
class Life {
 public:
  explicit Life(const Pipeline& pipeline) {
    kafka::ProducerProperties properties;
    properties.client.brokers = pipeline.brokers;
    properties.transactional_id = pipeline.group + "-" + kSite + "-0";
    producer_ = std::move(kafka::TransactionalProducer::Create(properties).value());
    inbox_ = std::move(KafkaInbox::Create({ConsumerOf(pipeline), {pipeline.input}}).value());
    outbox_.emplace(producer_.get(), inbox_.get());
    sink_.emplace(producer_.get(), pipeline.alerts, pipeline.dead, pipeline.journal);
    Worker::Options options;
    options.input = [](const SourceName&) { return InputOptions(); };
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
  std::set<std::string> ids;
  for (const std::string& value : Values(pipeline, pipeline.alerts)) {
    ids.insert(value.substr(0, 32));
    told.insert(value.substr(33));
  }
  EXPECT_EQ(told, (std::multiset<std::string>(origins.begin(), origins.end())));
  EXPECT_EQ(ids.size(), origins.size());
  const auto dead = Values(pipeline, pipeline.dead);
  EXPECT_EQ((std::multiset<std::string>(dead.begin(), dead.end())),
            (std::multiset<std::string>(poison.begin(), poison.end())));

  // A replay of the topic gives the live run's ids.
  ReplayTopicOptions topic;
  topic.consumer = ConsumerOf(pipeline);
  topic.topics = {pipeline.input};
  topic.journal = pipeline.journal;
  testing::KeepingSink sink;
  ReplaySummary summary;
  const auto replayed =
      ReplayTopic(testing::Rules(testing::kRules), topic, ReplayOptions(), sink, summary);
  ASSERT_TRUE(replayed) << replayed.error().ToString();
  std::set<std::string> again;
  for (const Alert& alert : sink.alerts) again.insert(alert.id.Hex());
  EXPECT_EQ(again, ids);
  EXPECT_TRUE(summary.journal_entries.has_value());
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
