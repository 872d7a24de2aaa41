// SPDX-License-Identifier: Apache-2.0
// What a consumer has received and not yet given, on a real broker: nothing of it is lost or given
// twice, whatever happens meanwhile.
#include <random>

#include "tests/kafka/support/client_fixture.h"

namespace faultline::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::MakeConsumer;
using testing::WaitUntil;

constexpr std::int64_t kMostReceived = 32;

// Where reading stands in each partition, over all consumers; each record must be the next one.
class Progress {
 public:
  // Polls once. True: a record came.
  bool Read(Consumer& consumer, milliseconds timeout) {
    const PollResult got = consumer.Poll(timeout);
    if (const auto* const error = std::get_if<KafkaError>(&got)) {
      EXPECT_EQ(error->error_class, ErrorClass::kRetry) << error->ToString();
    }
    if (const auto* const end = std::get_if<PartitionEnd>(&got)) {
      EXPECT_EQ(end->offset, next[end->partition]) << "an end before the records before it";
    }
    const auto* const message = std::get_if<Message>(&got);
    if (message == nullptr) return false;
    EXPECT_EQ(message->offset(), next[message->partition()]) << message->partition();
    next[message->partition()] = message->offset() + 1;
    return true;
  }

  std::map<std::int32_t, std::int64_t> next;  // by partition
};

// Partitions begin where reading stands.
class GoingOn final : public RebalanceListener {
 public:
  explicit GoingOn(Progress* progress) : progress_(progress) {}

  void OnAssigned(std::vector<StartPosition>& partitions) noexcept override {
    for (StartPosition& start : partitions) {
      start.offset = progress_->next[start.partition.partition];
    }
    assigned = partitions.size();
  }
  void OnRevoked(const std::vector<TopicPartition>&) noexcept override { assigned = 0; }
  void OnLost(const std::vector<TopicPartition>&) noexcept override { assigned = 0; }

  std::size_t assigned = 0;

 private:
  Progress* progress_;  // never null
};

class KafkaReceivedTest : public testing::KafkaTest {
 protected:
  void SetUp() override { testing::Broker::Shared().CreateTopic(topic_, 2); }

  void Fill(std::int32_t partition, std::int64_t count) {
    testing::ProduceValues(Brokers(), topic_, partition,
                           std::vector<std::string>(static_cast<std::size_t>(count), "x"));
  }
  [[nodiscard]] std::unique_ptr<Consumer> Reader() const {
    auto consumer = MakeConsumer(Brokers());
    EXPECT_TRUE(consumer->Assign({{first_, 0, {}}, {second_, 0, {}}}));
    return consumer;
  }

  TopicPartition first_{topic_, 0};
  TopicPartition second_{topic_, 1};
  Progress progress_;
};

TEST_F(KafkaReceivedTest, OfAPausedPartitionItIsGivenAndNothingElse) {
  Fill(0, 500);
  auto consumer = Reader();
  ASSERT_TRUE(
      WaitUntil([&] { return progress_.Read(*consumer, milliseconds(100)) && consumer->ready(); }));
  ASSERT_TRUE(consumer->Pause({first_}));
  const std::int64_t paused_at = progress_.next[0];
  // The other one is read to its end meanwhile, so this one would have come too.
  Fill(1, 100);
  ASSERT_TRUE(WaitUntil([&] {
    progress_.Read(*consumer, milliseconds(100));
    return progress_.next[1] == 100;
  }));
  EXPECT_GT(progress_.next[0], paused_at);
  EXPECT_LE(progress_.next[0], paused_at + kMostReceived);
  ASSERT_TRUE(consumer->Resume({first_}));
  ASSERT_TRUE(WaitUntil([&] {
    progress_.Read(*consumer, milliseconds(100));
    return progress_.next[0] == 500;
  }));
  EXPECT_EQ(consumer->duplicates_dropped(), 0u);
}

// To seek where reading stands changes nothing, whatever of either partition is received by then.
TEST_F(KafkaReceivedTest, ASeekDropsThatOfItsPartitionOnly) {
  Fill(0, 40);
  Fill(1, 40);
  auto consumer = Reader();
  ASSERT_TRUE(WaitUntil([&] {
    if (progress_.Read(*consumer, milliseconds(100))) {
      EXPECT_TRUE(consumer->Seek({{first_, progress_.next[0], {}}}, seconds(30)));
    }
    return progress_.next[0] == 40 && progress_.next[1] == 40;
  }));
  EXPECT_EQ(consumer->duplicates_dropped(), 0u);
}

TEST_F(KafkaReceivedTest, ReadyMeansThatSomethingIsGivenAtOnce) {
  Fill(0, 200);
  auto consumer = Reader();
  std::size_t at_once = 0;
  ASSERT_TRUE(WaitUntil([&] {
    const bool ready = consumer->ready();
    const bool read = progress_.Read(*consumer, milliseconds(ready ? 0 : 100));
    if (ready && read) ++at_once;
    return progress_.next[0] == 200;
  }));
  EXPECT_GT(at_once, 0u);
}

// librdkafka before 2.2 would leave the partition alone for a second each time its queue is full.
TEST_F(KafkaReceivedTest, AFullQueueIsFilledAgainAsSoonAsThereIsRoom) {
  constexpr std::size_t kRecords = 600, kBytes = 50'000, kQueue = 1 << 20;
  std::mt19937_64 random(20261128);
  std::vector<std::string> values(kRecords);
  for (std::string& value : values) {
    while (value.size() < kBytes) value += static_cast<char>(random());
  }
  testing::ProduceValues(Brokers(), topic_, 0, values);
  auto consumer = std::move(*Consumer::Create(
      {.client = {.brokers = Brokers(),
                  .user = {{"queued.max.messages.kbytes", std::to_string(kQueue >> 10)},
                           {"fetch.message.max.bytes", "200000"}}}}));
  ASSERT_TRUE(consumer->Assign({{first_, 0, {}}}));
  std::size_t waited = 0;  // times that nothing came for long
  ASSERT_TRUE(WaitUntil([&] {
    if (!progress_.Read(*consumer, milliseconds(200)) && progress_.next[0] > 0) ++waited;
    return progress_.next[0] == kRecords;
  }));
  EXPECT_LT(waited, kRecords * kBytes / kQueue / 2);
}

// Another member comes and goes while records wait.
TEST_F(KafkaReceivedTest, ARebalanceDropsItAndTheNextOwnerReadsIt) {
  constexpr std::int64_t kRecords = 5000;
  Fill(0, kRecords);
  Fill(1, kRecords);
  GoingOn one(&progress_);
  GoingOn two(&progress_);
  auto first = MakeConsumer(Brokers(), topic_);
  ASSERT_TRUE(first->Subscribe({topic_}, &one));
  ASSERT_TRUE(
      WaitUntil([&] { return progress_.Read(*first, milliseconds(100)) && first->ready(); }));
  auto second = MakeConsumer(Brokers(), topic_);
  ASSERT_TRUE(second->Subscribe({topic_}, &two));
  ASSERT_TRUE(WaitUntil([&] {
    progress_.Read(*first, milliseconds(0));
    progress_.Read(*second, milliseconds(5));
    return one.assigned == 1 && two.assigned == 1 && first->ready() && second->ready();
  }));
  EXPECT_LT(progress_.next[0], kRecords);
  EXPECT_LT(progress_.next[1], kRecords);
  ASSERT_TRUE(second->Close(seconds(30)));
  ASSERT_TRUE(WaitUntil([&] {
    while (progress_.Read(*first, milliseconds(100))) continue;
    return progress_.next[0] == kRecords && progress_.next[1] == kRecords;
  }));
  EXPECT_EQ(one.assigned, 2u);
  EXPECT_EQ(first->duplicates_dropped(), 0u);
  EXPECT_EQ(second->duplicates_dropped(), 0u);
  EXPECT_TRUE(first->Close(seconds(30)));
}

}  // namespace
}  // namespace faultline::kafka
