// SPDX-License-Identifier: Apache-2.0
#include "kafka/fetch_nudge.h"

#include <array>
#include <cstdlib>

#include "base/check.h"
#include "kafka/handles.h"

namespace faultline::kafka {
namespace {

constexpr std::size_t kPartsOfQueue = 8;

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
    : client_(client), every_(QueueBytes(client) / kPartsOfQueue) {}

void FetchNudge::Taken(const rd_kafka_message_s& message) {
  taken_ += message.len;
  if (taken_ < every_ || message.rkt == nullptr) return;
  taken_ = 0;
  const std::vector<PartitionOffset> end{
      {{rd_kafka_topic_name(message.rkt), message.partition}, kEnd, {}}};
  constexpr int kDoNotWait = 0;  // the request is on its way when this gives up
  static_cast<void>(rd_kafka_offsets_for_times(client_, MakeList(end).get(), kDoNotWait));
}

}  // namespace faultline::kafka
