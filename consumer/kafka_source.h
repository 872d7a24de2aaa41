// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "kafka/consumer.h"
#include "kafka/error.h"
#include "kafka/producer.h"
#include "kafka/properties.h"
#include "kafka/topics.h"
#include "matcher/event/record.h"

namespace faultline {

// A record of a partition; `record.source` is left to the worker. Views last until the next poll.
struct SourceRecord {
  const SourceName* source = nullptr;  // never null
  Record record;
};

// Everything there is in a partition has been read.
struct SourceEnd {
  const SourceName* source = nullptr;  // never null
  std::int64_t next_offset = 0;        // of the next record to come
};

using Polled = std::variant<std::monostate, SourceRecord, SourceEnd, kafka::KafkaError>;

// Where a partition stands in the group: what was committed, or where its log begins and ends.
struct CommittedPosition {
  std::optional<std::int64_t> offset;  // nothing: the group has committed nothing for it
  std::string metadata;
};

// Where reading starts in partitions for which the group has no offset.
struct StartAt {
  enum class Kind : std::uint8_t { kEarliest, kLatest, kTime };
  Kind kind = Kind::kEarliest;
  std::chrono::milliseconds time{};  // since 1970, by record timestamp; kTime only
};

// Told by Inbox which partitions come and go, on the polling thread, within Poll or Close.
class OwnershipListener {
 public:
  virtual ~OwnershipListener() = default;
  // The offsets to start from, in the same order; nothing for a partition that must wait: it begins
  // held and is released by Seek.
  [[nodiscard]] virtual std::vector<std::optional<std::int64_t>> OnAssigned(
      const std::vector<SourceName>& sources) noexcept = 0;
  virtual void OnRevoked(const std::vector<SourceName>& sources) noexcept = 0;
  virtual void OnLost(const std::vector<SourceName>& sources) noexcept = 0;
};

// What a worker needs of its consumer; the tests have one without Kafka.
//
// Threads    Confined to the worker's thread.
// Errors     A KafkaError as kafka/error.h sorts it.
class Inbox {
 public:
  virtual ~Inbox() = default;
  // Joins the group; `listener` outlives the inbox or its Close().
  [[nodiscard]] virtual kafka::KafkaResult<void> Subscribe(OwnershipListener* listener) = 0;
  [[nodiscard]] virtual Polled Poll(std::chrono::milliseconds timeout) = 0;
  // The next Poll() gives what is here already: it neither waits nor calls the listener.
  [[nodiscard]] virtual bool ready() const noexcept = 0;
  // More has come than was taken over at once, as far as one can tell.
  [[nodiscard]] virtual bool behind() const noexcept = 0;
  [[nodiscard]] virtual kafka::KafkaResult<std::vector<CommittedPosition>> Committed(
      const std::vector<SourceName>& sources) = 0;
  [[nodiscard]] virtual kafka::KafkaResult<std::int64_t> StartOf(const SourceName& source,
                                                                 const StartAt& start) = 0;
  // Reading goes on there; releases partitions that were held.
  [[nodiscard]] virtual kafka::KafkaResult<void> Seek(const SourceName& source,
                                                      std::int64_t offset) = 0;
  [[nodiscard]] virtual kafka::KafkaResult<void> Pause(const SourceName& source) = 0;
  [[nodiscard]] virtual kafka::KafkaResult<void> Resume(const SourceName& source) = 0;
  // Behind the newest record, as the last fetch told.
  [[nodiscard]] virtual std::optional<std::int64_t> EndOf(const SourceName& source) = 0;
  // Partitions over all topics subscribed to. Asks the cluster: Fault::kBroker without an answer in
  // time, Fault::kConfig for a topic that does not exist.
  [[nodiscard]] virtual Result<std::size_t> CountPartitions(std::chrono::milliseconds timeout) = 0;
  [[nodiscard]] virtual kafka::KafkaResult<void> Close(std::chrono::milliseconds deadline) = 0;
};

struct OutgoingPosition {
  SourceName source;
  std::int64_t offset = 0;
  std::string metadata;
};

// What a worker needs of its transactional producer.
class Outbox {
 public:
  virtual ~Outbox() = default;
  [[nodiscard]] virtual kafka::KafkaResult<void> Init(std::chrono::milliseconds timeout) = 0;
  [[nodiscard]] virtual kafka::KafkaResult<void> Begin() = 0;
  [[nodiscard]] virtual kafka::KafkaResult<void> SendPositions(
      const std::vector<OutgoingPosition>& positions, std::chrono::milliseconds timeout) = 0;
  [[nodiscard]] virtual kafka::KafkaResult<void> Commit(std::chrono::milliseconds timeout) = 0;
  [[nodiscard]] virtual kafka::KafkaResult<void> Abort(std::chrono::milliseconds timeout) = 0;
  [[nodiscard]] virtual kafka::KafkaResult<void> Rebuild(std::chrono::milliseconds timeout) = 0;
  virtual void Serve() = 0;
  [[nodiscard]] virtual bool in_transaction() const noexcept = 0;
};

// Key and headers of a message.
//
// Ownership  Borrows the message.
class MessageDetails final : public RecordDetails {
 public:
  explicit MessageDetails(const kafka::Message* message) noexcept : message_(message) {}
  std::optional<std::string_view> Key() const override;
  std::vector<Header> Headers() const override;

 private:
  const kafka::Message* message_;  // never null
};

// The inbox over one member of a Kafka group.
//
// Place      kafka::Consumer -> [KafkaInbox] -> Worker.
// Ownership  Owns the consumer and the message at hand.
class KafkaInbox final : public Inbox, private kafka::RebalanceListener {
 public:
  struct Config {
    kafka::ConsumerProperties consumer;
    std::vector<std::string> topics;  // names, or patterns that begin with ^
  };

  [[nodiscard]] static Result<std::unique_ptr<KafkaInbox>> Create(const Config& config);
  ~KafkaInbox() override;

  kafka::KafkaResult<void> Subscribe(OwnershipListener* listener) override;
  Polled Poll(std::chrono::milliseconds timeout) override;
  bool ready() const noexcept override;
  bool behind() const noexcept override;
  kafka::KafkaResult<std::vector<CommittedPosition>> Committed(
      const std::vector<SourceName>& sources) override;
  kafka::KafkaResult<std::int64_t> StartOf(const SourceName& source, const StartAt& start) override;
  kafka::KafkaResult<void> Seek(const SourceName& source, std::int64_t offset) override;
  kafka::KafkaResult<void> Pause(const SourceName& source) override;
  kafka::KafkaResult<void> Resume(const SourceName& source) override;
  std::optional<std::int64_t> EndOf(const SourceName& source) override;
  Result<std::size_t> CountPartitions(std::chrono::milliseconds timeout) override;
  kafka::KafkaResult<void> Close(std::chrono::milliseconds deadline) override;

  [[nodiscard]] const kafka::Consumer& consumer() const noexcept { return *consumer_; }

 private:
  KafkaInbox(const Config& config, std::unique_ptr<kafka::Consumer> consumer);

  [[nodiscard]] SourceRecord Take();
  void OnAssigned(std::vector<kafka::StartPosition>& partitions) noexcept override;
  void OnRevoked(const std::vector<kafka::TopicPartition>& partitions) noexcept override;
  void OnLost(const std::vector<kafka::TopicPartition>& partitions) noexcept override;

  Config config_;                              // constant
  std::unique_ptr<kafka::Consumer> consumer_;  // never null; outlives message_
  std::optional<kafka::Message> message_;      // the one given last
  std::optional<MessageDetails> details_;      // reads message_
  std::optional<kafka::Admin> admin_;          // made when first asked
  SourceName source_;                          // of what was given last
  OwnershipListener* listener_ = nullptr;      // set by Subscribe
};

// The outbox over a producer that the sink writes to as well.
//
// Ownership  Borrows both, which outlive it.
class KafkaOutbox final : public Outbox {
 public:
  KafkaOutbox(kafka::TransactionalProducer* producer, const KafkaInbox* inbox) noexcept
      : producer_(producer), inbox_(inbox) {}

  kafka::KafkaResult<void> Init(std::chrono::milliseconds timeout) override;
  kafka::KafkaResult<void> Begin() override;
  kafka::KafkaResult<void> SendPositions(const std::vector<OutgoingPosition>& positions,
                                         std::chrono::milliseconds timeout) override;
  kafka::KafkaResult<void> Commit(std::chrono::milliseconds timeout) override;
  kafka::KafkaResult<void> Abort(std::chrono::milliseconds timeout) override;
  kafka::KafkaResult<void> Rebuild(std::chrono::milliseconds timeout) override;
  void Serve() override;
  bool in_transaction() const noexcept override;

 private:
  kafka::TransactionalProducer* producer_;  // never null
  const KafkaInbox* inbox_;                 // never null; its generation goes with the offsets
};

// A consumer's timestamp as the matcher has it, into `record`.
void TakeTimestamp(const kafka::Message& message, Record& record) noexcept;

}  // namespace faultline
