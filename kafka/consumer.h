// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "kafka/error.h"
#include "kafka/properties.h"
#include "kafka/record.h"

struct rd_kafka_message_s;
struct rd_kafka_s;

namespace faultline::kafka {

class TransactionalProducer;

// A record as librdkafka holds it, read in place.
//
// Ownership  Owns the message; all views end with it. It must die before its Consumer closes.
// Threads    That of its Consumer.
class Message {
 public:
  [[nodiscard]] std::string_view topic() const noexcept;
  [[nodiscard]] std::int32_t partition() const noexcept;
  [[nodiscard]] std::int64_t offset() const noexcept;
  [[nodiscard]] std::string_view payload() const noexcept;  // empty for a tombstone
  [[nodiscard]] bool tombstone() const noexcept;            // null payload, not an empty one
  [[nodiscard]] std::optional<std::string_view> key() const noexcept;
  [[nodiscard]] TimestampType timestamp_type() const noexcept;
  [[nodiscard]] std::chrono::milliseconds timestamp() const noexcept;  // since 1970; 0 where none
  // Parsed when first asked for; in the order written, duplicates kept.
  [[nodiscard]] std::vector<MessageHeader> Headers() const;

 private:
  friend class Consumer;
  struct Deleter {
    void operator()(rd_kafka_message_s* message) const noexcept;
    std::uint64_t* alive;  // the consumer's count of such messages; never null
  };
  Message(rd_kafka_message_s* message, std::uint64_t* alive) noexcept : message_(message, {alive}) {
    ++*alive;
  }

  std::unique_ptr<rd_kafka_message_s, Deleter> message_;  // never null
};

// The consumer has read everything there is in a partition (up to the last stable offset).
struct PartitionEnd {
  std::string_view topic;  // lives as long as the consumer is subscribed or assigned to it
  std::int32_t partition = 0;
  std::int64_t offset = 0;  // of the next record to come
};

// std::monostate: nothing came within the timeout.
using PollResult = std::variant<std::monostate, Message, PartitionEnd, KafkaError>;

// Where reading of a partition that has just come begins.
struct StartPosition {
  TopicPartition partition;
  std::int64_t offset = kNoOffset;  // kNoOffset: the committed one, an error if there is none
  bool hold = false;                // begins paused, to be sought and resumed later
};

// Hears which partitions come and go. Called on the thread that polls or closes, within that call.
class RebalanceListener {
 public:
  virtual ~RebalanceListener() = default;
  // May set offset and hold of every entry; may call Committed(), OffsetsForTime(),
  // QueryWatermarks().
  virtual void OnAssigned(std::vector<StartPosition>& partitions) noexcept = 0;
  // They are still ours: finish and commit here.
  virtual void OnRevoked(const std::vector<TopicPartition>& partitions) noexcept = 0;
  // They are somebody else's already: abort and drop.
  virtual void OnLost(const std::vector<TopicPartition>& partitions) noexcept = 0;
};

// One member of a group, or a reader of named partitions.
//
// Place      brokers -> [Consumer] -> worker, replay.
// Order      Per partition in offset order, each offset at most once: what comes again below the
//            last one seen is dropped and counted, unless Seek() or an assignment went back on
//            purpose.
// Ahead      Up to 32 records, or what passes 256 KiB, are received behind the one given, and the bytes
//            of the next one come closer while it is worked on. A rebalance takes all of them back, and
//            Seek() those of its partitions.
// Memory     librdkafka's queue while there is a backlog: `queued.max.messages.kbytes`, by default 64 MiB
//            before librdkafka 2.2, where FetchNudge makes that enough, from then on 32 MiB.
// Threads    Confined to one thread, the listener's calls included.
// Ownership  Borrows the listener, which outlives it. All messages must be gone before Close().
// Errors     Create: Fault::kConfig. Afterwards a KafkaError; kRetry ones may be logged and
//            ignored.
class Consumer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Consumer>> Create(
      const ConsumerProperties& properties);
  // Closes within 10 s if Close() was not called; what hangs longer is left behind.
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Joins the group for topics by name or, with a leading ^, by pattern (POSIX extended, anchored
  // at both ends as librdkafka does it at the front only: write ^...$). Requires: a group;
  // `listener` not null.
  [[nodiscard]] KafkaResult<void> Subscribe(const std::vector<std::string>& topics,
                                            RebalanceListener* listener);
  // Reads exactly these partitions from these offsets; no group needed. Replaces what was assigned.
  [[nodiscard]] KafkaResult<void> Assign(const std::vector<PartitionOffset>& partitions);
  // The partitions held now, by Subscribe or Assign, ordered.
  [[nodiscard]] std::vector<TopicPartition> Assignment() const;

  // The next record, end of a partition or error; also serves the rebalance callbacks, unless
  // ready().
  [[nodiscard]] PollResult Poll(std::chrono::milliseconds timeout);
  // The next Poll() gives what is here already: it neither waits nor serves callbacks.
  [[nodiscard]] bool ready() const noexcept;
  // As much was received at once as ever is: more has come, as far as one can tell.
  [[nodiscard]] bool behind() const noexcept;

  // Pauses and resumes; the set is tracked exactly, so a partition that is not paused is never
  // resumed. What librdkafka has prefetched of a paused partition is thrown away and fetched again;
  // what was received from it is still given.
  [[nodiscard]] KafkaResult<void> Pause(const std::vector<TopicPartition>& partitions);
  [[nodiscard]] KafkaResult<void> Resume(const std::vector<TopicPartition>& partitions);
  [[nodiscard]] bool Paused(const TopicPartition& partition) const;

  // The next record of each partition is the one at its offset (or the first one behind it); paused
  // ones stay paused. Requires: the partitions are assigned.
  [[nodiscard]] KafkaResult<void> Seek(const std::vector<PartitionOffset>& positions,
                                       std::chrono::milliseconds timeout);

  // What the group has committed, with its metadata; kNoOffset where nothing is. Waits while a
  // transaction that commits offsets is open (stable offsets). Requires: a group.
  [[nodiscard]] KafkaResult<std::vector<PartitionOffset>> Committed(
      const std::vector<TopicPartition>& partitions, std::chrono::milliseconds timeout);

  // Asks the broker: what this consumer can read, so for read_committed up to the last stable
  // offset.
  [[nodiscard]] KafkaResult<Watermarks> QueryWatermarks(const TopicPartition& partition,
                                                        std::chrono::milliseconds timeout);
  // What the last fetch told; nothing before it. For the lag.
  [[nodiscard]] std::optional<Watermarks> CachedWatermarks(const TopicPartition& partition) const;
  // Per partition the first offset whose timestamp is at or after `time` (milliseconds since 1970);
  // kEnd where there is none.
  [[nodiscard]] KafkaResult<std::vector<PartitionOffset>> OffsetsForTime(
      const std::vector<TopicPartition>& partitions, std::chrono::milliseconds time,
      std::chrono::milliseconds timeout);

  // True while the member's generation is one that may commit.
  [[nodiscard]] bool InGroup() const;

  // Leaves the group (a static member stays known to it), with OnRevoked before, and ends
  // librdkafka's threads. An error when the deadline passed or a message is still held: the client
  // is then left behind with its threads, as ending it could wait for ever, and the process should
  // end with _exit. Behind the deadline only the ending of threads can reach, by the time that the
  // system takes to resolve a broker's name.
  [[nodiscard]] KafkaResult<void> Close(std::chrono::milliseconds deadline);

  [[nodiscard]] std::uint64_t duplicates_dropped() const noexcept;  // by the guard

 private:
  friend class TransactionalProducer;  // takes the group's metadata
  struct Impl;
  explicit Consumer(std::unique_ptr<Impl> impl) noexcept;

  [[nodiscard]] rd_kafka_s* handle() const noexcept;  // never null; Requires: not closed

  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline::kafka
