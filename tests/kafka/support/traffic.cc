// SPDX-License-Identifier: Apache-2.0
// Reads and writes with librdkafka itself, so that a fault of kafka/ cannot hide here.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "kafka/handles.h"
#include "tests/kafka/support/broker.h"

namespace faultline::testing {
namespace {

using kafka::ClientHandle;
using kafka::ErrorHandle;
using kafka::Handle;
using kafka::ListHandle;
using kafka::MessageHandle;

void Acknowledge(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* /*opaque*/) {
  EXPECT_EQ(message->err, RD_KAFKA_RESP_ERR_NO_ERROR) << rd_kafka_err2str(message->err);
  auto* record = static_cast<TestRecord*>(message->_private);
  record->partition = message->partition;
  record->offset = message->offset;
}

ClientHandle MakePlain(rd_kafka_type_t type, const std::vector<kafka::Property>& properties) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> text{};
  for (const auto& [name, value] : properties) {
    rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(), text.size());
  }
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, Acknowledge);
  ClientHandle client(rd_kafka_new(type, conf, text.data(), text.size()));
  EXPECT_NE(client, nullptr) << text.data();
  return client;
}

ClientHandle MakeReader(const std::string& brokers, const std::string& group,
                        ReadIsolation isolation) {
  const bool committed = isolation == ReadIsolation::kCommitted;
  ClientHandle client = MakePlain(
      RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                          {"group.id", group},
                          {"enable.auto.commit", "false"},
                          {"auto.offset.reset", "earliest"},
                          {"enable.partition.eof", "true"},
                          {"isolation.level", committed ? "read_committed" : "read_uncommitted"}});
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

std::optional<std::string> Bytes(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(data), size);
}

TestRecord Copy(const rd_kafka_message_t& message) {
  TestRecord record;
  record.key = Bytes(message.key, message.key_len);
  record.value = Bytes(message.payload, message.len);
  record.partition = message.partition;
  record.offset = message.offset;
  record.timestamp_ms = rd_kafka_message_timestamp(&message, nullptr);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    record.headers.emplace_back(name, Bytes(value, size));
  }
  return record;
}

void Write(rd_kafka_t* client, const std::string& topic, TestRecord& record) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()),
                        value ? value->data() : nullptr,
                        value ? static_cast<ssize_t>(value->size()) : 0);
  }
  std::vector<rd_kafka_vu_t> fields;
  const auto next = [&fields](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
    fields.emplace_back().vtype = type;
    return fields.back();
  };
  const auto memory = [&next](rd_kafka_vtype_t type, std::optional<std::string>& bytes) {
    next(type).u.mem = {bytes ? bytes->data() : nullptr, bytes ? bytes->size() : 0};
  };
  next(RD_KAFKA_VTYPE_TOPIC).u.cstr = topic.c_str();
  next(RD_KAFKA_VTYPE_PARTITION).u.i32 = record.partition;
  next(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
  memory(RD_KAFKA_VTYPE_VALUE, record.value);
  memory(RD_KAFKA_VTYPE_KEY, record.key);
  next(RD_KAFKA_VTYPE_TIMESTAMP).u.i64 = std::max<std::int64_t>(record.timestamp_ms, 0);  // 0: now
  next(RD_KAFKA_VTYPE_HEADERS).u.headers = headers;
  next(RD_KAFKA_VTYPE_OPAQUE).u.ptr = &record;
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__QUEUE_FULL;
  while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
    const ErrorHandle error(rd_kafka_produceva(client, fields.data(), fields.size()));
    code = error ? rd_kafka_error_code(error.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_poll(client, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
  }
  EXPECT_EQ(code, RD_KAFKA_RESP_ERR_NO_ERROR) << rd_kafka_err2str(code);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(headers);
}

}  // namespace

void ProduceAll(const std::string& brokers, const std::string& topic,
                std::vector<TestRecord>& records) {
  const ClientHandle client = MakePlain(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                                            {"enable.idempotence", "true"},
                                                            {"partitioner", "murmur2_random"}});
  ASSERT_NE(client, nullptr);
  for (TestRecord& record : records) Write(client.get(), topic, record);
  EXPECT_EQ(rd_kafka_flush(client.get(), 60000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

std::vector<std::int64_t> ProduceValues(const std::string& brokers, const std::string& topic,
                                        std::int32_t partition,
                                        const std::vector<std::string>& values) {
  std::vector<TestRecord> records(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    records[i].value = values[i];
    records[i].partition = partition;
  }
  ProduceAll(brokers, topic, records);
  std::vector<std::int64_t> offsets;
  for (const TestRecord& record : records) offsets.push_back(record.offset);
  return offsets;
}

std::vector<TestRecord> ReadAll(const std::string& brokers, const std::string& topic,
                                ReadIsolation isolation) {
  std::vector<TestRecord> records;
  const ClientHandle client = MakeReader(brokers, "faultline-test-reader", isolation);
  if (!client) return records;
  const Handle<rd_kafka_topic_t, rd_kafka_topic_destroy> handle(
      rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
  const struct rd_kafka_metadata* raw = nullptr;
  const rd_kafka_resp_err_t code = rd_kafka_metadata(client.get(), 0, handle.get(), &raw, 30000);
  const kafka::MetadataHandle metadata(raw);
  EXPECT_EQ(code, RD_KAFKA_RESP_ERR_NO_ERROR) << rd_kafka_err2str(code);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR || metadata->topic_cnt != 1) return records;
  int open = metadata->topics[0].partition_cnt;
  const ListHandle list(rd_kafka_topic_partition_list_new(open));
  for (int i = 0; i < open; ++i) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), i)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_assign(client.get(), list.get());
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (open > 0 && std::chrono::steady_clock::now() < end) {
    const MessageHandle message(rd_kafka_consumer_poll(client.get(), 200));
    if (!message) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) --open;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) records.push_back(Copy(*message));
  }
  EXPECT_EQ(open, 0) << "the end of " << topic << " was not reached";
  rd_kafka_consumer_close(client.get());
  std::stable_sort(records.begin(), records.end(), [](const TestRecord& a, const TestRecord& b) {
    return std::pair(a.partition, a.offset) < std::pair(b.partition, b.offset);
  });
  return records;
}

std::optional<std::pair<std::int64_t, std::string>> CommittedOffset(const std::string& brokers,
                                                                    const std::string& group,
                                                                    const std::string& topic,
                                                                    std::int32_t partition) {
  const ClientHandle client = MakeReader(brokers, group, ReadIsolation::kCommitted);
  const ListHandle list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_t* entry =
      rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  const rd_kafka_resp_err_t code = rd_kafka_committed(client.get(), list.get(), 30000);
  EXPECT_EQ(code, RD_KAFKA_RESP_ERR_NO_ERROR) << rd_kafka_err2str(code);
  if (entry->offset < 0) return std::nullopt;
  return std::pair(entry->offset, Bytes(entry->metadata, entry->metadata_size).value_or(""));
}

}  // namespace faultline::testing
