// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>

#include "kafka/record.h"

struct rd_kafka_message_s;
struct rd_kafka_s;

namespace faultline::kafka {

// Lets a queue of few megabytes do for a backlog, with librdkafka before 2.2: once its queue is full,
// that version's thread of a broker sleeps for a second, however soon there is room, unless something
// is asked of the broker. Whenever the consumer has taken an eighth of the queue, this asks the leader
// of that partition for its end, and drops the answer.
//
// Place      Consumer, which tells what it took -> [FetchNudge] -> librdkafka's threads.
// Cost       A request for that many bytes; nothing where nothing is read. One more thread.
// Threads    Taken() on the consumer's; requests are made on one of its own, so that nobody waits.
// Ownership  Borrows the client, which outlives it.
// Errors     None: what is not answered in time is forgotten, and the second is slept.
class FetchNudge {
 public:
  explicit FetchNudge(rd_kafka_s* client);
  ~FetchNudge();  // waits for the request at hand, a quarter of a second at most
  FetchNudge(const FetchNudge&) = delete;
  FetchNudge& operator=(const FetchNudge&) = delete;

  // The consumer took this message out of the queue.
  void Taken(const rd_kafka_message_s& message);

 private:
  void Run();

  rd_kafka_s* client_;
  std::size_t every_;      // bytes
  std::size_t taken_ = 0;  // bytes since the last request
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<TopicPartition> asked_;  // the request to be made
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace faultline::kafka
