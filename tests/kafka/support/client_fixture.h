// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kafka/consumer.h"
#include "kafka/producer.h"
#include "tests/kafka/support/broker.h"

namespace faultline::testing {

// Takes every partition from its beginning, or held.
class CountingListener final : public kafka::RebalanceListener {
 public:
  explicit CountingListener(bool hold = false) : hold_(hold) {}

  void OnAssigned(std::vector<kafka::StartPosition>& partitions) noexcept override {
    for (kafka::StartPosition& start : partitions) {
      start.offset = kafka::kBeginning;
      start.hold = hold_;
    }
    assigned += partitions.size();
  }
  void OnRevoked(const std::vector<kafka::TopicPartition>& partitions) noexcept override {
    revoked += partitions.size();
  }
  void OnLost(const std::vector<kafka::TopicPartition>& partitions) noexcept override {
    lost += partitions.size();
  }

  std::size_t assigned = 0;
  std::size_t revoked = 0;
  std::size_t lost = 0;

 private:
  bool hold_;
};

// Everything up to the end that the consumer is told, `read` called with each record.
template <class Read>
void ReadToEnd(kafka::Consumer& consumer, Read read) {
  EXPECT_TRUE(WaitUntil([&] {
    const kafka::PollResult got = consumer.Poll(std::chrono::milliseconds(100));
    if (const auto* message = std::get_if<kafka::Message>(&got)) read(*message);
    return std::holds_alternative<kafka::PartitionEnd>(got);
  }));
}

inline std::vector<std::int64_t> ReadOffsets(kafka::Consumer& consumer) {
  std::vector<std::int64_t> offsets;
  ReadToEnd(consumer, [&](const kafka::Message& message) { offsets.push_back(message.offset()); });
  return offsets;
}

inline std::unique_ptr<kafka::TransactionalProducer> MakeProducer(const std::string& brokers,
                                                                  const std::string& id) {
  auto producer = kafka::TransactionalProducer::Create(
      {.client = {.brokers = brokers}, .transactional_id = id});
  EXPECT_TRUE(producer && (*producer)->Init(std::chrono::seconds(60)));
  return std::move(*producer);
}

inline std::unique_ptr<kafka::Consumer> MakeConsumer(
    const std::string& brokers, std::string group = {},
    kafka::Isolation isolation = kafka::Isolation::kReadCommitted) {
  return std::move(*kafka::Consumer::Create(
      {.client = {.brokers = brokers}, .group = std::move(group), .isolation = isolation}));
}

// The shared broker with a fresh topic of one partition.
class KafkaTest : public ::testing::Test {
 protected:
  void SetUp() override { Broker::Shared().CreateTopic(topic_); }

  [[nodiscard]] static const std::string& Brokers() { return Broker::Shared().address(); }

  std::string topic_ = UniqueName("client");
  kafka::TopicPartition only_{topic_, 0};
};

}  // namespace faultline::testing
