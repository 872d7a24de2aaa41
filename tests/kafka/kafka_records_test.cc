// SPDX-License-Identifier: Apache-2.0
// Records and positions on a real broker, written by kcat or by librdkafka itself.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/kafka/support/client_fixture.h"

namespace faultline::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::CountingListener;
using testing::MakeConsumer;
using testing::MakeProducer;
using testing::ReadOffsets;
using testing::ReadToEnd;
using testing::TestRecord;
using testing::WaitUntil;
using Offsets = std::vector<std::int64_t>;
using Header = std::pair<std::string, std::optional<std::string>>;

// A copy of what stands in a message.
TestRecord Copy(const Message& message) {
  TestRecord record;
  if (message.key()) record.key = std::string(*message.key());
  if (!message.tombstone()) record.value = std::string(message.payload());
  for (const MessageHeader& header : message.Headers()) {
    std::optional<std::string> value;
    if (header.value) value = std::string(*header.value);
    record.headers.emplace_back(header.name, std::move(value));
  }
  record.partition = message.partition();
  record.offset = message.offset();
  record.timestamp_ms = message.timestamp().count();
  return record;
}

class KafkaRecordsTest : public testing::KafkaTest {
 protected:
  [[nodiscard]] std::vector<TestRecord> Read() const {
    auto consumer = MakeConsumer(Brokers());
    EXPECT_TRUE(consumer->Assign({{only_, kBeginning, {}}}));
    std::vector<TestRecord> records;
    ReadToEnd(*consumer, [&](const Message& message) {
      EXPECT_EQ(message.topic(), topic_);
      records.push_back(Copy(message));
    });
    return records;
  }
};

TEST_F(KafkaRecordsTest, WhatKcatWroteIsReadWithKeyHeadersAndNullPayload) {
  const std::string file = ::testing::TempDir() + topic_ + ".txt";
  std::ofstream(file) << "k1|one\n|no key\nk3|\n";
  const std::string command = "kcat -P -b " + Brokers() + " -t " + topic_ +
                              " -p 0 -Z -K '|' -H a=1 -H b=2 -H a=3 < '" + file + "'";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  std::filesystem::remove(file);
  const std::vector<TestRecord> records = Read();
  ASSERT_EQ(records.size(), 3u);
  const std::vector<Header> headers{{"a", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(records[0].key, "k1");
  EXPECT_EQ(records[0].value, "one");
  EXPECT_EQ(records[0].headers, headers);
  EXPECT_EQ(records[1].value, "no key");
  EXPECT_EQ(records[2].key, "k3");
  EXPECT_EQ(records[2].value, std::nullopt);
  EXPECT_EQ(records[2].headers, headers);
}

TEST_F(KafkaRecordsTest, NullAndEmptyAreToldApartInBothDirections) {
  const std::vector<std::optional<std::string>> kinds{std::nullopt, "", "x",
                                                      std::string("\0\xff", 2)};
  auto producer = MakeProducer(Brokers(), topic_);
  ASSERT_TRUE(producer->Begin());
  std::vector<TestRecord> written;
  for (const auto& key : kinds) {
    for (const auto& value : kinds) {
      written.push_back({.key = key, .value = value, .headers = {{"h", value}, {"k", key}}});
      const std::vector<HeaderView> headers{{"h", value}, {"k", key}};
      ASSERT_TRUE(producer->Produce(
          {.topic = topic_, .partition = 0, .key = key, .value = value, .headers = headers}));
    }
  }
  ASSERT_TRUE(producer->Commit(kForever));
  for (const std::vector<TestRecord>& read : {Read(), testing::ReadAll(Brokers(), topic_)}) {
    ASSERT_EQ(read.size(), written.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
      EXPECT_EQ(read[i].key, written[i].key) << i;
      EXPECT_EQ(read[i].value, written[i].value) << i;
      EXPECT_EQ(read[i].headers, written[i].headers) << i;
    }
  }
}

TEST_F(KafkaRecordsTest, DeliveriesTellTheOffsetsThatReadersSee) {
  auto producer = MakeProducer(Brokers(), topic_);
  std::map<std::uint64_t, std::int64_t> delivered;
  producer->OnDelivered([&](const Delivery& delivery) {
    EXPECT_EQ(delivery.topic, topic_);
    delivered[delivery.opaque] = delivery.offset;
  });
  for (std::uint64_t i = 0; i < 20; ++i) {
    if (i % 5 == 0) {
      ASSERT_TRUE(producer->Begin());
    }
    ASSERT_TRUE(producer->Produce({.topic = topic_, .value = std::to_string(i), .opaque = i}));
    if (i % 5 == 4) {
      ASSERT_TRUE(producer->Commit(kForever));
    }
  }
  producer->Serve();
  std::map<std::uint64_t, std::int64_t> read;
  for (const TestRecord& record : testing::ReadAll(Brokers(), topic_)) {
    read[std::stoull(*record.value)] = record.offset;
  }
  EXPECT_EQ(read.size(), 20u);
  EXPECT_EQ(delivered, read);
}

TEST_F(KafkaRecordsTest, AnOpenTransactionIsInvisibleAndEndsWhatCommittedReadersSee) {
  testing::ProduceValues(Brokers(), topic_, 0, {"a", "b"});
  auto producer = MakeProducer(Brokers(), topic_);
  ASSERT_TRUE(producer->Begin());
  ASSERT_TRUE(producer->Produce({.topic = topic_, .value = "open"}));
  ASSERT_TRUE(WaitUntil([&] {
    producer->Serve();
    return producer->counters().delivered == 1;
  }));
  testing::ProduceValues(Brokers(), topic_, 0, {"behind it"});
  auto committed = MakeConsumer(Brokers());
  auto uncommitted = MakeConsumer(Brokers(), {}, Isolation::kReadUncommitted);
  EXPECT_EQ(committed->QueryWatermarks(only_, seconds(30))->high, 2);
  EXPECT_EQ(uncommitted->QueryWatermarks(only_, seconds(30))->high, 4);
  ASSERT_TRUE(committed->Assign({{only_, 0, {}}}));
  EXPECT_EQ(ReadOffsets(*committed), (Offsets{0, 1}));
  ASSERT_TRUE(uncommitted->Assign({{only_, 0, {}}}));
  EXPECT_EQ(ReadOffsets(*uncommitted), (Offsets{0, 1, 2, 3}));
  ASSERT_TRUE(producer->Commit(kForever));
  // One offset is the commit's own.
  EXPECT_EQ(ReadOffsets(*committed), (Offsets{2, 3}));
  EXPECT_EQ(committed->QueryWatermarks(only_, seconds(30))->high, 5);
}

TEST_F(KafkaRecordsTest, OffsetsForTimeAreTheFirstAtOrAfterIt) {
  // Of today: the broker would delete older ones.
  using Clock = std::chrono::system_clock;
  const milliseconds today = std::chrono::floor<milliseconds>(Clock::now().time_since_epoch());
  std::vector<TestRecord> records;
  for (const std::int64_t after : {1000, 2000, 2000, 3000}) {
    TestRecord& record = records.emplace_back();
    record.value = "v";
    record.partition = 0;
    record.timestamp_ms = today.count() + after;
  }
  testing::ProduceAll(Brokers(), topic_, records);
  auto consumer = MakeConsumer(Brokers());
  const std::map<std::int64_t, std::int64_t> expected{{0, 0},    {1000, 0}, {1001, 1},
                                                      {2000, 1}, {2001, 3}, {3001, kEnd}};
  for (const auto& [after, offset] : expected) {
    const milliseconds time = today + milliseconds(after);
    const auto found = consumer->OffsetsForTime({only_}, time, seconds(30));
    ASSERT_TRUE(found) << found.error().ToString();
    EXPECT_EQ(found->at(0).offset, offset) << after;
  }
  EXPECT_EQ(Read().at(3).timestamp_ms, today.count() + 3000);
}

TEST_F(KafkaRecordsTest, APausedPartitionIsSoughtAndGoesOnFromThere) {
  testing::ProduceValues(Brokers(), topic_, 0, {"a", "b", "c"});
  auto consumer = MakeConsumer(Brokers());
  ASSERT_TRUE(consumer->Assign({{only_, 1, {}}}));
  EXPECT_EQ(ReadOffsets(*consumer), (Offsets{1, 2}));
  ASSERT_TRUE(consumer->Pause({only_}));
  EXPECT_TRUE(consumer->Paused(only_));
  ASSERT_TRUE(consumer->Seek({{only_, 0, {}}}, seconds(30)));
  ASSERT_TRUE(consumer->Resume({only_}));
  EXPECT_EQ(ReadOffsets(*consumer), (Offsets{0, 1, 2}));
  // Resuming what is not paused must not rewind it.
  ASSERT_TRUE(consumer->Resume({only_}));
  testing::ProduceValues(Brokers(), topic_, 0, {"d"});
  EXPECT_EQ(ReadOffsets(*consumer), (Offsets{3}));
  EXPECT_EQ(consumer->duplicates_dropped(), 0u);
}

// The next one is received already while a record is worked on.
TEST_F(KafkaRecordsTest, ASeekBetweenTwoRecordsLeavesNothingOfTheOldPlace) {
  testing::ProduceValues(Brokers(), topic_, 0, {"a", "b", "c", "d", "e"});
  auto consumer = MakeConsumer(Brokers());
  ASSERT_TRUE(consumer->Assign({{only_, 1, {}}}));
  for (const std::int64_t to : {3, 0, 2}) {
    ASSERT_TRUE(WaitUntil(
        [&] { return std::holds_alternative<Message>(consumer->Poll(milliseconds(50))); }));
    ASSERT_TRUE(consumer->Seek({{only_, to, {}}}, seconds(30)));
  }
  EXPECT_EQ(ReadOffsets(*consumer), (Offsets{2, 3, 4}));
  EXPECT_EQ(consumer->duplicates_dropped(), 0u);
  EXPECT_TRUE(consumer->Close(seconds(30)));
}

TEST_F(KafkaRecordsTest, AHeldPartitionGivesNothingUntilItIsSoughtAndResumed) {
  testing::ProduceValues(Brokers(), topic_, 0, {"a", "b", "c"});
  const std::string other = testing::UniqueName("marker");
  testing::Broker::Shared().CreateTopic(other);
  CountingListener listener(/*hold=*/true);
  auto consumer = MakeConsumer(Brokers(), topic_);
  ASSERT_TRUE(consumer->Subscribe({topic_, other}, &listener));
  ASSERT_TRUE(WaitUntil([&] {
    EXPECT_TRUE(std::holds_alternative<std::monostate>(consumer->Poll(milliseconds(50))));
    return listener.assigned == 2;
  }));
  EXPECT_EQ(consumer->Assignment(), (std::vector<TopicPartition>{{topic_, 0}, {other, 0}}));
  EXPECT_TRUE(consumer->Paused(only_));
  // The other one is read to its end meanwhile, so this one would have come too.
  ASSERT_TRUE(consumer->Resume({{other, 0}}));
  EXPECT_EQ(ReadOffsets(*consumer), Offsets{});
  ASSERT_TRUE(consumer->Seek({{only_, 2, {}}}, seconds(30)));
  ASSERT_TRUE(consumer->Resume({only_}));
  EXPECT_EQ(ReadOffsets(*consumer), (Offsets{2}));
  ASSERT_TRUE(consumer->Close(seconds(30)));
}

}  // namespace
}  // namespace faultline::kafka
