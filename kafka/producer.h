// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kafka/error.h"
#include "kafka/properties.h"
#include "kafka/record.h"

namespace faultline::kafka {

class Consumer;

// A record to write. Copied before Produce returns.
struct OutgoingRecord {
  std::string_view topic{};
  std::int32_t partition = kAnyPartition;
  std::optional<std::string_view> key{};    // nothing: null
  std::optional<std::string_view> value{};  // nothing: null, a tombstone
  std::span<const HeaderView> headers{};
  std::optional<std::chrono::milliseconds> timestamp{};  // since 1970; nothing: now
  std::uint64_t opaque = 0;                              // comes back in the delivery
};

// A record is written: where it stands. (Within a transaction: visible only after the commit.)
struct Delivery {
  std::string_view topic;  // lives for the callback only
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::uint64_t opaque = 0;
};

struct ProducerCounters {
  std::uint64_t produced = 0;   // accepted by Produce
  std::uint64_t delivered = 0;  // acknowledged by the broker
  std::uint64_t purged = 0;     // thrown away by an abort; expected
  std::uint64_t failed = 0;     // refused or timed out
  std::uint64_t too_large = 0;  // of these: refused by a broker for their size
};

// Writes records and consumed offsets, all together or not at all.
//
// Place      sink -> [TransactionalProducer] -> brokers. One per worker.
// Order      Init, then (Begin, Produce..., SendOffsets, Commit or Abort)... ; after an error of
//            class kIndefinite or kFatal only Rebuild() helps.
// Memory     librdkafka's queue: 100,000 records or 64 MiB; at the cap Produce serves it and waits.
// Threads    Confined to one thread; OnDelivered is called there, within any of the calls.
// Errors     Create: Fault::kConfig. Afterwards the class of the KafkaError says what to do. A
//            record that was accepted and fails later fails the commit.
class TransactionalProducer {
 public:
  // Requires: a transactional id.
  [[nodiscard]] static Result<std::unique_ptr<TransactionalProducer>> Create(
      const ProducerProperties& properties);
  // Does not wait: what is not committed never becomes visible.
  ~TransactionalProducer();
  TransactionalProducer(const TransactionalProducer&) = delete;
  TransactionalProducer& operator=(const TransactionalProducer&) = delete;

  // Fences every older producer of the id and resolves the transaction it left. After a time-out it
  // may be called again.
  [[nodiscard]] KafkaResult<void> Init(std::chrono::milliseconds timeout);

  [[nodiscard]] KafkaResult<void> Begin();
  // Requires: in_transaction(). IsTooLarge(error): this record was refused and the transaction can
  // go on.
  [[nodiscard]] KafkaResult<void> Produce(const OutgoingRecord& record);
  // `offsets` are those of the next records to read. Refused with kAbort when the consumer is in no
  // generation of its group.
  [[nodiscard]] KafkaResult<void> SendOffsets(const Consumer& consumer,
                                              const std::vector<PartitionOffset>& offsets,
                                              std::chrono::milliseconds timeout);
  // Flushes and ends the transaction. kForever is the timeout of daily use.
  [[nodiscard]] KafkaResult<void> Commit(std::chrono::milliseconds timeout);
  [[nodiscard]] KafkaResult<void> Abort(std::chrono::milliseconds timeout);

  // Throws the client away and makes a new one of the same id, initialised: fences the old one and
  // resolves its transaction. After an error call it again.
  [[nodiscard]] KafkaResult<void> Rebuild(std::chrono::milliseconds timeout);

  // Serves delivery reports without waiting. Call it now and then while nothing is written.
  void Serve();

  void OnDelivered(std::function<void(const Delivery&)> callback);

  [[nodiscard]] bool in_transaction() const noexcept;
  // Records produced since Begin.
  [[nodiscard]] std::uint64_t records_in_transaction() const noexcept;
  [[nodiscard]] const ProducerCounters& counters() const noexcept;
  [[nodiscard]] std::size_t max_message_bytes() const noexcept;

 private:
  struct Impl;
  explicit TransactionalProducer(std::unique_ptr<Impl> impl) noexcept;

  std::unique_ptr<Impl> impl_;  // never null
};

// An idempotent producer without transactions, for the demo and for tests.
//
// Threads    Confined to one thread.
class PlainProducer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<PlainProducer>> Create(
      const ProducerProperties& properties);
  ~PlainProducer();
  PlainProducer(const PlainProducer&) = delete;
  PlainProducer& operator=(const PlainProducer&) = delete;

  // Waits while the queue is full.
  [[nodiscard]] KafkaResult<void> Produce(const OutgoingRecord& record);
  // Waits until everything is delivered; an error if time passed or any record failed since the
  // last call.
  [[nodiscard]] KafkaResult<void> Flush(std::chrono::milliseconds timeout);

  void OnDelivered(std::function<void(const Delivery&)> callback);
  [[nodiscard]] const ProducerCounters& counters() const noexcept;

 private:
  struct Impl;
  explicit PlainProducer(std::unique_ptr<Impl> impl) noexcept;

  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline::kafka
