// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/result.h"
#include "kafka/error.h"
#include "kafka/properties.h"
#include "kafka/record.h"

// RAII for every object of librdkafka, from birth: rd_kafka_destroy() waits for ever if one message
// was not destroyed. For the .cc files of kafka/ only.
namespace faultline::kafka {

template <auto Destroy>
struct HandleDeleter {
  template <class T>
  void operator()(T* handle) const noexcept {
    Destroy(handle);
  }
};

template <class T, auto Destroy>
using Handle = std::unique_ptr<T, HandleDeleter<Destroy>>;

using ClientHandle = Handle<rd_kafka_t, rd_kafka_destroy>;
using ConfHandle = Handle<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using ListHandle = Handle<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using MessageHandle = Handle<rd_kafka_message_t, rd_kafka_message_destroy>;
using EventHandle = Handle<rd_kafka_event_t, rd_kafka_event_destroy>;
using QueueHandle = Handle<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using HeadersHandle = Handle<rd_kafka_headers_t, rd_kafka_headers_destroy>;
using ErrorHandle = Handle<rd_kafka_error_t, rd_kafka_error_destroy>;
using GroupMetadataHandle =
    Handle<rd_kafka_consumer_group_metadata_t, rd_kafka_consumer_group_metadata_destroy>;
using AdminOptionsHandle = Handle<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using NewTopicHandle = Handle<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using MetadataHandle = Handle<const struct rd_kafka_metadata, rd_kafka_metadata_destroy>;
using MockClusterHandle = Handle<rd_kafka_mock_cluster_t, rd_kafka_mock_cluster_destroy>;

// A configuration with `properties` set, its log lines sent to base/log. Fault::kConfig on refusal.
[[nodiscard]] Result<ConfHandle> MakeConf(const std::vector<Property>& properties);

// Makes the client; `conf` is used up.
[[nodiscard]] Result<ClientHandle> MakeClient(rd_kafka_type_t type, ConfHandle conf);

[[nodiscard]] ListHandle MakeList(const std::vector<TopicPartition>& partitions);
[[nodiscard]] ListHandle MakeList(const std::vector<PartitionOffset>& offsets);

// The entries of a list that librdkafka has filled in, or the first error of one.
[[nodiscard]] KafkaResult<std::vector<PartitionOffset>> ReadList(
    const rd_kafka_topic_partition_list_t& list);
[[nodiscard]] std::vector<TopicPartition> PartitionsOf(const rd_kafka_topic_partition_list_t& list);

// The member's generation in its group; below 0 while it is in none, nothing if it cannot be read.
[[nodiscard]] std::optional<std::int32_t> GenerationOf(
    const rd_kafka_consumer_group_metadata_t& metadata);

}  // namespace faultline::kafka
