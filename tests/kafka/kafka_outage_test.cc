// SPDX-License-Identifier: Apache-2.0
// A broker of its own that is killed, frozen and started again.
#include "kafka/topics.h"
#include "tests/kafka/support/client_fixture.h"

namespace faultline::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::Broker;
using testing::CountingListener;
using testing::MakeConsumer;
using testing::MakeProducer;
using testing::WaitUntil;

class KafkaOutageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = Broker::Create();
    ASSERT_TRUE(made) << made.error().ToString();
    broker_ = std::move(*made);
    broker_->CreateTopic(topic_);
  }

  std::string topic_ = "outage";
  std::unique_ptr<Broker> broker_;
};

TEST_F(KafkaOutageTest, AKilledBrokerComesBackWithWhatWasCommittedAndClientsGoOn) {
  auto producer = MakeProducer(broker_->address(), "outage");
  auto reader = MakeConsumer(broker_->address());
  ASSERT_TRUE(reader->Assign({{{topic_, 0}, kBeginning, {}}}));
  std::vector<std::string> read;
  const auto poll_until = [&](std::size_t count) {
    return WaitUntil(
        [&] {
          const PollResult got = reader->Poll(milliseconds(100));
          if (const auto* message = std::get_if<Message>(&got))
            read.emplace_back(message->payload());
          if (const auto* error = std::get_if<KafkaError>(&got)) {
            EXPECT_EQ(error->error_class, ErrorClass::kRetry) << error->ToString();
          }
          return read.size() == count;
        },
        seconds(120));
  };
  ASSERT_TRUE(producer->Begin());
  ASSERT_TRUE(producer->Produce({.topic = topic_, .value = "before"}));
  ASSERT_TRUE(producer->Commit(kForever));
  ASSERT_TRUE(poll_until(1));
  ASSERT_TRUE(producer->Begin());
  ASSERT_TRUE(producer->Produce({.topic = topic_, .value = "open at the kill"}));

  broker_->Kill9();
  EXPECT_FALSE(broker_->running());
  const auto asked = reader->QueryWatermarks({topic_, 0}, seconds(1));
  ASSERT_FALSE(asked);
  EXPECT_TRUE(IsUnreachable(asked.error())) << asked.error().ToString();
  EXPECT_EQ(asked.error().error_class, ErrorClass::kRetry);
  broker_->Start();

  // Whatever became of the open transaction: a rebuilt producer resolves it and goes on.
  ASSERT_TRUE(WaitUntil([&] { return producer->Rebuild(seconds(30)).has_value(); }, seconds(120)));
  ASSERT_TRUE(producer->Begin());
  ASSERT_TRUE(producer->Produce({.topic = topic_, .value = "after"}));
  ASSERT_TRUE(producer->Commit(kForever));
  ASSERT_TRUE(poll_until(2));
  EXPECT_EQ(read, (std::vector<std::string>{"before", "after"}));
}

TEST_F(KafkaOutageTest, ClosingDoesNotWaitForAFrozenBrokerBeyondItsDeadline) {
  CountingListener listener;
  auto consumer = MakeConsumer(broker_->address(), "frozen");
  ASSERT_TRUE(consumer->Subscribe({topic_}, &listener));
  ASSERT_TRUE(WaitUntil([&] {
    static_cast<void>(consumer->Poll(milliseconds(100)));
    return listener.assigned == 1;
  }));
  broker_->Freeze();
  const auto begin = steady_clock::now();
  const auto closed = consumer->Close(seconds(2));
  const auto took = steady_clock::now() - begin;
  EXPECT_LT(took, seconds(20)) << (closed ? "closed" : closed.error().ToString());
  EXPECT_EQ(listener.revoked + listener.lost, 1u);
  broker_->Thaw();
}

}  // namespace
}  // namespace faultline::kafka
