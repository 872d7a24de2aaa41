// SPDX-License-Identifier: Apache-2.0
#include "kafka/fetch_nudge.h"

#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/check.h"
#include "kafka/handles.h"

namespace faultline::kafka {

namespace {
constexpr int kPatienceMs = 250;

// What the client's queue may hold.
std::size_t QueueBytes(rd_kafka_s* client) {
  std::array<char, 32> kbytes{};
  std::size_t size = kbytes.size();
  const rd_kafka_conf_res_t found =
      rd_kafka_conf_get(rd_kafka_conf(client), "queued.max.messages.kbytes", kbytes.data(), &size);
  FAULTLINE_CHECK(found == RD_KAFKA_CONF_OK);
  return std::strtoull(kbytes.data(), nullptr, 10) << 10;
}

}  // namespace

FetchNudge::FetchNudge(rd_kafka_s* client)
    : client_(client), every_(QueueBytes(client) / 8), thread_([this] { Run(); }) {}

FetchNudge::~FetchNudge() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void FetchNudge::Taken(const rd_kafka_message_s& message) {
  taken_ += message.len;
  if (taken_ < every_ || message.rkt == nullptr) return;
  taken_ = 0;
  {
    const std::lock_guard lock(mutex_);
    asked_ = TopicPartition{rd_kafka_topic_name(message.rkt), message.partition};
  }
  changed_.notify_one();
}

void FetchNudge::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || asked_.has_value(); });
    if (ending_) return;
    const TopicPartition partition = std::move(*asked_);
    asked_.reset();
    lock.unlock();
    const ListHandle list = MakeList(std::vector<PartitionOffset>{{partition, kEnd, {}}});
    static_cast<void>(rd_kafka_offsets_for_times(client_, list.get(), kPatienceMs));
    lock.lock();
  }
}

}  // namespace faultline::kafka
