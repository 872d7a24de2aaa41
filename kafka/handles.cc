// SPDX-License-Identifier: Apache-2.0
#include "kafka/handles.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"

namespace faultline::kafka {
namespace {

// syslog's levels
LogLevel LevelOf(int level) noexcept {
  if (level <= 3) return LogLevel::kError;
  if (level == 4) return LogLevel::kWarning;
  return level <= 6 ? LogLevel::kInfo : LogLevel::kDebug;
}

void WriteLog(const rd_kafka_t* /*client*/, int level, const char* facility,
              const char* text) noexcept {
  // That a broker is too old to leave topics unmade: only the mock cluster is.
  if (std::string_view(facility) == "AUTOCREATE") return;
  Log(LevelOf(level), "librdkafka",
      fmt::format("facility={} text={}", LogValue(facility), LogValue(text)));
}

rd_kafka_topic_partition_t* Append(rd_kafka_topic_partition_list_t* list,
                                   const TopicPartition& partition) {
  return rd_kafka_topic_partition_list_add(list, partition.topic.c_str(), partition.partition);
}

// librdkafka frees it with the list.
void SetMetadata(rd_kafka_topic_partition_t* entry, const std::string& metadata) {
  if (metadata.empty()) return;
  entry->metadata = std::malloc(metadata.size());
  FAULTLINE_CHECK(entry->metadata != nullptr);
  std::memcpy(entry->metadata, metadata.data(), metadata.size());
  entry->metadata_size = metadata.size();
}

std::span<const rd_kafka_topic_partition_t> Entries(const rd_kafka_topic_partition_list_t& list) {
  return {list.elems, static_cast<std::size_t>(list.cnt)};
}

std::string MetadataOf(const rd_kafka_topic_partition_t& entry) {
  if (entry.metadata == nullptr) return {};
  return {static_cast<const char*>(entry.metadata), entry.metadata_size};
}

}  // namespace

Result<ConfHandle> MakeConf(const std::vector<Property>& properties) {
  ConfHandle conf(rd_kafka_conf_new());
  std::array<char, 512> message{};
  for (const auto& [name, value] : properties) {
    const rd_kafka_conf_res_t result =
        rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), message.data(), message.size());
    if (result == RD_KAFKA_CONF_OK) continue;
    return Fail(Fault::kConfig, fmt::format("librdkafka {} refuses the Kafka property '{}'{}{}",
                                            LibraryVersion(), name, IsSecret(name) ? "" : ": ",
                                            IsSecret(name) ? "" : message.data()));
  }
  rd_kafka_conf_set_log_cb(conf.get(), WriteLog);
  return conf;
}

Result<ClientHandle> MakeClient(rd_kafka_type_t type, ConfHandle conf) {
  std::array<char, 512> message{};
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), message.data(), message.size());
  if (client == nullptr) {
    return Fail(Fault::kConfig, fmt::format("librdkafka {} refuses the configuration: {}",
                                            LibraryVersion(), message.data()));
  }
  static_cast<void>(conf.release());  // the client's now
  return ClientHandle(client);
}

ListHandle MakeList(const std::vector<TopicPartition>& partitions) {
  ListHandle list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& partition : partitions) Append(list.get(), partition);
  return list;
}

ListHandle MakeList(const std::vector<PartitionOffset>& offsets) {
  ListHandle list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const PartitionOffset& offset : offsets) {
    rd_kafka_topic_partition_t* entry = Append(list.get(), offset.partition);
    entry->offset = offset.offset;
    SetMetadata(entry, offset.metadata);
  }
  return list;
}

KafkaResult<std::vector<PartitionOffset>> ReadList(const rd_kafka_topic_partition_list_t& list) {
  std::vector<PartitionOffset> offsets;
  for (const rd_kafka_topic_partition_t& entry : Entries(list)) {
    if (entry.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return tl::unexpected<KafkaError>(MakeError(
          entry.err,
          fmt::format("{}-{}: {}", entry.topic, entry.partition, rd_kafka_err2str(entry.err))));
    }
    offsets.push_back({{entry.topic, entry.partition}, entry.offset, MetadataOf(entry)});
  }
  return offsets;
}

std::vector<TopicPartition> PartitionsOf(const rd_kafka_topic_partition_list_t& list) {
  std::vector<TopicPartition> partitions;
  for (const rd_kafka_topic_partition_t& entry : Entries(list)) {
    partitions.push_back({entry.topic, entry.partition});
  }
  return partitions;
}

std::optional<std::int32_t> GenerationOf(const rd_kafka_consumer_group_metadata_t& metadata) {
  // The layout of rd_kafka_consumer_group_metadata_write(): a mark, then the generation.
  constexpr std::string_view kMark = "CGMDv2:";
  void* bytes = nullptr;
  std::size_t size = 0;
  const ErrorHandle error(rd_kafka_consumer_group_metadata_write(&metadata, &bytes, &size));
  if (error) return std::nullopt;
  const std::string_view text(static_cast<const char*>(bytes), size);
  std::optional<std::int32_t> generation;
  if (text.starts_with(kMark) && size >= kMark.size() + sizeof(std::int32_t)) {
    generation.emplace();
    std::memcpy(&*generation, text.data() + kMark.size(), sizeof(std::int32_t));
  }
  rd_kafka_mem_free(nullptr, bytes);
  return generation;
}

}  // namespace faultline::kafka
