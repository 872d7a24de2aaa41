// SPDX-License-Identifier: Apache-2.0
// Transactions, groups and topics on a real broker.
#include "kafka/topics.h"
#include "tests/kafka/support/client_fixture.h"

namespace faultline::kafka {
namespace {

using std::chrono::seconds;
using testing::CountingListener;
using testing::MakeConsumer;
using testing::MakeProducer;
using testing::ReadAll;
using testing::ReadIsolation;
using testing::ReadOffsets;
using testing::WaitUntil;
using Offsets = std::vector<std::int64_t>;

class KafkaClientTest : public testing::KafkaTest {};

TEST_F(KafkaClientTest, CommitsRecordsAndOffsetsWithMetadataTogether) {
  testing::ProduceValues(Brokers(), topic_, 0, {"a", "b"});
  CountingListener listener;
  auto consumer = MakeConsumer(Brokers(), topic_);
  ASSERT_TRUE(consumer->Subscribe({topic_}, &listener));
  EXPECT_EQ(ReadOffsets(*consumer), (Offsets{0, 1}));
  EXPECT_EQ(listener.assigned, 1u);
  ASSERT_TRUE(consumer->InGroup());
  auto producer = MakeProducer(Brokers(), topic_);
  ASSERT_TRUE(producer->Begin());
  ASSERT_TRUE(producer->Produce({.topic = topic_, .key = "k", .value = "c"}));
  ASSERT_TRUE(producer->SendOffsets(*consumer, {{only_, 2, "here"}}, seconds(30)));
  ASSERT_TRUE(producer->Commit(kForever));
  const auto committed = consumer->Committed({only_}, seconds(30));
  ASSERT_TRUE(committed);
  EXPECT_EQ(committed->at(0), (PartitionOffset{only_, 2, "here"}));
  EXPECT_EQ(testing::CommittedOffset(Brokers(), topic_, topic_, 0),
            std::pair(std::int64_t{2}, std::string("here")));
  EXPECT_EQ(ReadAll(Brokers(), topic_).size(), 3u);
  ASSERT_TRUE(consumer->Close(seconds(30)));
  EXPECT_EQ(listener.revoked, 1u);
  EXPECT_EQ(listener.lost, 0u);
}

TEST_F(KafkaClientTest, AbortedRecordsAndOffsetsNeverWere) {
  testing::ProduceValues(Brokers(), topic_, 0, {"a"});
  CountingListener listener;
  auto consumer = MakeConsumer(Brokers(), topic_);
  ASSERT_TRUE(consumer->Subscribe({topic_}, &listener));
  EXPECT_EQ(ReadOffsets(*consumer), (Offsets{0}));
  auto producer = MakeProducer(Brokers(), topic_);
  ASSERT_TRUE(producer->Begin());
  ASSERT_TRUE(producer->Produce({.topic = topic_, .value = "never"}));
  ASSERT_TRUE(WaitUntil([&] {
    producer->Serve();
    return producer->counters().delivered == 1;
  }));
  ASSERT_TRUE(producer->SendOffsets(*consumer, {{only_, 1, {}}}, seconds(30)));
  ASSERT_TRUE(producer->Abort(seconds(30)));
  EXPECT_EQ(ReadAll(Brokers(), topic_).size(), 1u);
  EXPECT_EQ(ReadAll(Brokers(), topic_, ReadIsolation::kUncommitted).size(), 2u);
  EXPECT_EQ(testing::CommittedOffset(Brokers(), topic_, topic_, 0), std::nullopt);
}

TEST_F(KafkaClientTest, OffsetsWithoutAGenerationAreRefusedAndTheTransactionCanBeAborted) {
  auto consumer = MakeConsumer(Brokers(), topic_);
  auto producer = MakeProducer(Brokers(), topic_);
  ASSERT_TRUE(producer->Begin());
  const auto sent = producer->SendOffsets(*consumer, {{only_, 1, {}}}, seconds(30));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().error_class, ErrorClass::kAbort);
  EXPECT_FALSE(consumer->InGroup());
  EXPECT_TRUE(producer->Abort(seconds(30)));
}

TEST_F(KafkaClientTest, AFencedProducerIsFatalAndARebuildHealsIt) {
  auto old = MakeProducer(Brokers(), topic_);
  ASSERT_TRUE(old->Begin());
  ASSERT_TRUE(old->Produce({.topic = topic_, .value = "old"}));
  auto young = MakeProducer(Brokers(), topic_);
  const auto committed = old->Commit(kForever);
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().error_class, ErrorClass::kFatal) << committed.error().ToString();
  EXPECT_TRUE(IsFenced(committed.error())) << committed.error().ToString();
  EXPECT_EQ(old->Begin().error().error_class, ErrorClass::kFatal);
  ASSERT_TRUE(old->Rebuild(seconds(30)));
  ASSERT_TRUE(old->Begin());
  ASSERT_TRUE(old->Produce({.topic = topic_, .value = "new"}));
  ASSERT_TRUE(old->Commit(kForever));
  const auto records = ReadAll(Brokers(), topic_);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].value, "new");
}

TEST_F(KafkaClientTest, ARecordTooLargeIsRefusedAndTheTransactionGoesOn) {
  auto producer = MakeProducer(Brokers(), topic_);
  ASSERT_TRUE(producer->Begin());
  const std::string large(producer->max_message_bytes() + 1, 'x');
  const auto refused = producer->Produce({.topic = topic_, .value = large});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(IsTooLarge(refused.error())) << refused.error().ToString();
  ASSERT_TRUE(producer->Produce({.topic = topic_, .value = "small"}));
  ASSERT_TRUE(producer->Commit(kForever));
  EXPECT_EQ(ReadAll(Brokers(), topic_).size(), 1u);
}

TEST_F(KafkaClientTest, ALostPositionIsAnErrorNotAJump) {
  testing::ProduceValues(Brokers(), topic_, 0, {"a"});
  auto consumer = MakeConsumer(Brokers());
  ASSERT_TRUE(consumer->Assign({{only_, 1000, {}}}));
  std::optional<KafkaError> error;
  ASSERT_TRUE(WaitUntil([&] {
    const PollResult got = consumer->Poll(std::chrono::milliseconds(100));
    EXPECT_FALSE(std::holds_alternative<Message>(got));
    if (const auto* told = std::get_if<KafkaError>(&got)) error = *told;
    return error.has_value();
  }));
  EXPECT_TRUE(IsPositionLost(*error)) << error->ToString();
  EXPECT_NE(error->message.find(topic_), std::string::npos) << error->message;
}

TEST_F(KafkaClientTest, TopicsAreMadeDescribedAndDeleted) {
  auto admin = Admin::Create({.brokers = Brokers()});
  ASSERT_TRUE(admin);
  const std::string name = testing::UniqueName("made");
  ASSERT_TRUE(admin->CreateTopics({{name, 3, 1, {{"cleanup.policy", "compact"}}}}, seconds(30)));
  ASSERT_TRUE(admin->CreateTopics({{name, 2, 1, {}}}, seconds(30)));
  EXPECT_EQ(admin->CreateTopics({{name, 4, 1, {}}}, seconds(30)).error().fault, Fault::kConfig);
  const auto found = admin->Describe({"^" + name + "$", name}, seconds(30));
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (std::vector<TopicDescription>{{name, 3}}));
  const std::string other = testing::UniqueName("refused");
  const auto refused =
      admin->CreateTopics({{other, 1, 1, {{"cleanup.policy", "no-policy"}}}}, seconds(30));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::kConfig);
  EXPECT_NE(refused.error().message.find(other), std::string::npos);
  ASSERT_TRUE(admin->DeleteTopic(name, seconds(30)));
  EXPECT_FALSE(admin->Describe({name}, seconds(30)));
}

TEST_F(KafkaClientTest, AMissingTopicIsNamedAndAnUnreachableBrokerIsTold) {
  auto admin = Admin::Create({.brokers = Brokers()});
  const auto missing = admin->Describe({"no-such-topic"}, seconds(30));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().fault, Fault::kConfig);
  EXPECT_NE(missing.error().message.find("no-such-topic"), std::string::npos);
  auto nowhere = Admin::Create({.brokers = "127.0.0.1:1"});
  EXPECT_EQ(nowhere->List(seconds(1)).error().fault, Fault::kBroker);
}

}  // namespace
}  // namespace faultline::kafka
