// SPDX-License-Identifier: Apache-2.0
#include "kafka/mock_cluster.h"

#include <gtest/gtest.h>

#include "kafka/consumer.h"
#include "kafka/producer.h"
#include "kafka/topics.h"

namespace faultline::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class MockClusterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = MockCluster::Create();
    ASSERT_TRUE(made) << made.error().ToString();
    cluster_ = std::move(*made);
    ASSERT_TRUE(cluster_->CreateTopic("events", 2));
  }
  [[nodiscard]] ClientProperties Client() const { return {.brokers = cluster_->brokers()}; }

  std::unique_ptr<MockCluster> cluster_;
};

TEST_F(MockClusterTest, TopicsAreThere) {
  auto admin = Admin::Create(Client());
  ASSERT_TRUE(admin);
  const auto found = admin->Describe({"events"}, seconds(30));
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_EQ(*found, (std::vector<TopicDescription>{{"events", 2}}));
  EXPECT_EQ(admin->Describe({"none"}, seconds(30)).error().fault, Fault::kConfig);
}

TEST_F(MockClusterTest, WhatIsWrittenPlainlyOrInATransactionIsRead) {
  auto plain = PlainProducer::Create({.client = Client()});
  ASSERT_TRUE(plain) << plain.error().ToString();
  std::vector<std::int64_t> delivered;
  (*plain)->OnDelivered([&](const Delivery& delivery) { delivered.push_back(delivery.offset); });
  ASSERT_TRUE((*plain)->Produce({.topic = "events", .partition = 1, .key = "k", .value = "a"}));
  ASSERT_TRUE((*plain)->Flush(seconds(30)));
  EXPECT_EQ(delivered, std::vector<std::int64_t>{0});
  EXPECT_EQ((*plain)->counters().delivered, 1u);

  auto writer = TransactionalProducer::Create({.client = Client(), .transactional_id = "t"});
  ASSERT_TRUE(writer && (*writer)->Init(seconds(30)));
  ASSERT_TRUE((*writer)->Begin());
  EXPECT_TRUE((*writer)->in_transaction());
  ASSERT_TRUE((*writer)->Produce({.topic = "events", .partition = 1, .value = "b"}));
  EXPECT_EQ((*writer)->records_in_transaction(), 1u);
  ASSERT_TRUE((*writer)->Commit(seconds(30)));
  EXPECT_FALSE((*writer)->in_transaction());

  auto reader = Consumer::Create({.client = Client()});
  ASSERT_TRUE(reader);
  ASSERT_TRUE((*reader)->Assign({{{"events", 1}, kBeginning, {}}}));
  std::vector<std::string> values;
  const auto end = steady_clock::now() + seconds(60);
  while (values.size() < 2 && steady_clock::now() < end) {
    const PollResult got = (*reader)->Poll(milliseconds(100));
    const auto* message = std::get_if<Message>(&got);
    if (message != nullptr) values.emplace_back(message->payload());
  }
  EXPECT_EQ(values, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE((*reader)->Close(seconds(30)));
  EXPECT_TRUE((*reader)->Close(seconds(30)));
}

TEST_F(MockClusterTest, AHeldMessageMakesClosingAnErrorNotAHang) {
  // Lives as long as what a refused Close() leaves behind: the process.
  static std::unique_ptr<Consumer> reader;
  static std::optional<Message> held;
  auto plain = PlainProducer::Create({.client = Client()});
  ASSERT_TRUE(plain && (*plain)->Produce({.topic = "events", .partition = 0, .value = "a"}));
  ASSERT_TRUE((*plain)->Flush(seconds(30)));
  reader = std::move(*Consumer::Create({.client = Client()}));
  ASSERT_TRUE(reader->Assign({{{"events", 0}, kBeginning, {}}}));
  const auto end = steady_clock::now() + seconds(60);
  while (!held && steady_clock::now() < end) {
    PollResult got = reader->Poll(milliseconds(100));
    if (auto* message = std::get_if<Message>(&got)) held.emplace(std::move(*message));
  }
  ASSERT_TRUE(held);
  const auto closed = reader->Close(seconds(30));
  ASSERT_FALSE(closed);
  EXPECT_NE(closed.error().message.find("held"), std::string::npos);
}

}  // namespace
}  // namespace faultline::kafka
