// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

struct rd_kafka_message_s;
struct rd_kafka_s;

namespace faultline::kafka {

// Lets a queue of few megabytes do for a backlog, with librdkafka before 2.2: once its queue is full,
// that version's thread of a broker sleeps for a second, however soon there is room, unless something
// is asked of the broker. Whenever the consumer has taken an eighth of the queue, this asks the leader
// of that partition for its end, and does not wait for the answer (docs/adr/0018).
//
// Place      Consumer, which tells what it took -> [FetchNudge] -> librdkafka's threads.
// Cost       A request for that many bytes; nothing where nothing is read.
// Threads    That of its consumer. Never waits.
// Ownership  Borrows the client, which outlives it.
// Errors     None: what cannot be asked is left, and the second is slept.
class FetchNudge {
 public:
  explicit FetchNudge(rd_kafka_s* client);

  // The consumer took this message out of the queue.
  void Taken(const rd_kafka_message_s& message);

 private:
  rd_kafka_s* client_;
  std::size_t every_;      // bytes
  std::size_t taken_ = 0;  // since the last request
};

}  // namespace faultline::kafka
