// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kafka/consumer.h"
#include "kafka/producer.h"
#include "kafka/topics.h"
#include "tests/kafka/support/broker.h"

namespace faultline::kafka {
namespace {

using std::chrono::seconds;
using testing::Broker;
using testing::ReadAll;
using testing::ReadIsolation;

class Listener : public RebalanceListener {
 public:
  void OnAssigned(std::vector<StartPosition>& partitions) noexcept override {
    for (StartPosition& start : partitions) start.offset = kBeginning;
    assigned = partitions.size();
  }
  void OnRevoked(const std::vector<TopicPartition>& partitions) noexcept override {
    revoked += partitions.size();
  }
  void OnLost(const std::vector<TopicPartition>&) noexcept override {}

  std::size_t assigned = 0, revoked = 0;
};

class KafkaClientTest : public ::testing::Test {
 protected:
  void SetUp() override { Broker::Shared().CreateTopic(topic_); }

  ClientProperties Client() const { return {.brokers = Broker::Shared().address()}; }
  std::unique_ptr<TransactionalProducer> Producer() const {
    ProducerProperties properties{.client = Client(), .transactional_id = topic_};
    auto producer = TransactionalProducer::Create(properties);
    EXPECT_TRUE(producer && (*producer)->Init(seconds(60)));
    return std::move(*producer);
  }
  std::unique_ptr<Consumer> Reader(std::string group) const {
    return std::move(*Consumer::Create({.client = Client(), .group = std::move(group)}));
  }
  std::vector<std::int64_t> ReadOffsets(Consumer& consumer) const {
    std::vector<std::int64_t> offsets;
    EXPECT_TRUE(testing::WaitUntil([&] {
      const PollResult got = consumer.Poll(std::chrono::milliseconds(100));
      if (const auto* message = std::get_if<Message>(&got)) offsets.push_back(message->offset());
      return std::holds_alternative<PartitionEnd>(got);
    }));
    return offsets;
  }

  std::string topic_ = testing::UniqueName("client");
};

TEST_F(KafkaClientTest, CommitsRecordsAndOffsetsWithMetadataTogether) {
  testing::ProduceValues(Client().brokers, topic_, 0, {"a", "b"});
  Listener listener;
  auto consumer = Reader(topic_);
  ASSERT_TRUE(consumer->Subscribe({topic_}, &listener));
  EXPECT_EQ(ReadOffsets(*consumer), (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(listener.assigned, 1u);
  ASSERT_TRUE(consumer->InGroup());
  auto producer = Producer();
  ASSERT_TRUE(producer->Begin());
  ASSERT_TRUE(producer->Produce({.topic = topic_, .key = "k", .value = "c"}));
  ASSERT_TRUE(producer->SendOffsets(*consumer, {{{topic_, 0}, 2, "here"}}, seconds(30)));
  ASSERT_TRUE(producer->Commit(kForever));
  const auto committed = consumer->Committed({{topic_, 0}}, seconds(30));
  ASSERT_TRUE(committed);
  EXPECT_EQ(committed->at(0).offset, 2);
  EXPECT_EQ(committed->at(0).metadata, "here");
  EXPECT_EQ(ReadAll(Client().brokers, topic_).size(), 3u);
  ASSERT_TRUE(consumer->Close(seconds(30)));
  EXPECT_EQ(listener.revoked, 1u);
}

TEST_F(KafkaClientTest, AbortedRecordsAreInvisibleToCommittedReaders) {
  auto producer = Producer();
  ASSERT_TRUE(producer->Begin());
  ASSERT_TRUE(producer->Produce({.topic = topic_, .value = "never"}));
  ASSERT_TRUE(testing::WaitUntil([&] {
    producer->Serve();
    return producer->counters().delivered == 1;
  }));
  ASSERT_TRUE(producer->Abort(seconds(30)));
  EXPECT_TRUE(ReadAll(Client().brokers, topic_).empty());
  EXPECT_EQ(ReadAll(Client().brokers, topic_, ReadIsolation::kUncommitted).size(), 1u);
}

TEST_F(KafkaClientTest, AFencedProducerIsFatalAndARebuildHealsIt) {
  auto old = Producer();
  ASSERT_TRUE(old->Begin());
  ASSERT_TRUE(old->Produce({.topic = topic_, .value = "old"}));
  auto young = Producer();
  const auto committed = old->Commit(kForever);
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().error_class, ErrorClass::kFatal) << committed.error().ToString();
  ASSERT_TRUE(old->Rebuild(seconds(30)));
  ASSERT_TRUE(old->Begin());
  ASSERT_TRUE(old->Produce({.topic = topic_, .value = "new"}));
  ASSERT_TRUE(old->Commit(kForever));
  ASSERT_EQ(ReadAll(Client().brokers, topic_).size(), 1u);
}

TEST_F(KafkaClientTest, SeeksBackPausedAndResumed) {
  testing::ProduceValues(Client().brokers, topic_, 0, {"a", "b", "c"});
  auto consumer = Reader("");
  const TopicPartition only{topic_, 0};
  ASSERT_TRUE(consumer->Assign({{only, 1, {}}}));
  EXPECT_EQ(ReadOffsets(*consumer), (std::vector<std::int64_t>{1, 2}));
  ASSERT_TRUE(consumer->Pause({only}));
  EXPECT_TRUE(consumer->Paused(only));
  ASSERT_TRUE(consumer->Seek({{only, 0, {}}}, seconds(30)));
  ASSERT_TRUE(consumer->Resume({only}));
  EXPECT_EQ(ReadOffsets(*consumer), (std::vector<std::int64_t>{0, 1, 2}));
}

TEST_F(KafkaClientTest, AMissingTopicIsNamedAndAnUnreachableBrokerIsTold) {
  auto admin = Admin::Create(Client());
  const auto missing = admin->Describe({"no-such-topic"}, seconds(30));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().fault, Fault::kConfig);
  EXPECT_NE(missing.error().message.find("no-such-topic"), std::string::npos);
  auto nowhere = Admin::Create({.brokers = "127.0.0.1:1"});
  EXPECT_EQ(nowhere->List(seconds(1)).error().fault, Fault::kBroker);
}

}  // namespace
}  // namespace faultline::kafka
