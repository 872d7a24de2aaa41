// SPDX-License-Identifier: Apache-2.0
#include "consumer/kafka_source.h"

#include <limits>
#include <utility>

#include "base/check.h"
#include "kafka/topics.h"

namespace faultline {
namespace {

constexpr std::chrono::milliseconds kRequestTimeout{10000};

kafka::TopicPartition PartitionOf(const SourceName& source) {
  return {source.topic, source.partition};
}

SourceName SourceOf(const kafka::TopicPartition& partition) {
  return {partition.topic, partition.partition};
}

std::vector<SourceName> SourcesOf(const std::vector<kafka::TopicPartition>& partitions) {
  std::vector<SourceName> sources;
  for (const auto& partition : partitions) sources.push_back(SourceOf(partition));
  return sources;
}

}  // namespace

void TakeTimestamp(const kafka::Message& message, Record& record) noexcept {
  constexpr std::int64_t kNanos = 1000000;
  record.timestamp_kind = TimestampKind::kNone;
  const std::int64_t millis = message.timestamp().count();
  if (message.timestamp_type() == kafka::TimestampType::kNone || millis < 0 ||
      millis > std::numeric_limits<std::int64_t>::max() / kNanos) {
    return;
  }
  const auto time = EventTime::FromNanos(millis * kNanos);
  if (!time) return;
  record.timestamp = *time;
  record.timestamp_kind = message.timestamp_type() == kafka::TimestampType::kLogAppendTime
                              ? TimestampKind::kLogAppendTime
                              : TimestampKind::kCreateTime;
}

std::optional<std::string_view> MessageDetails::Key() const { return message_->key(); }

std::vector<Header> MessageDetails::Headers() const {
  std::vector<Header> headers;
  for (const kafka::MessageHeader& header : message_->Headers()) {
    headers.push_back({std::string(header.name), std::nullopt});
    if (header.value) headers.back().value = std::string(*header.value);
  }
  return headers;
}

// ---------------------------------------------------------------------------------------- inbox

KafkaInbox::KafkaInbox(const Config& config, std::unique_ptr<kafka::Consumer> consumer)
    : config_(config), consumer_(std::move(consumer)) {}
KafkaInbox::~KafkaInbox() = default;

Result<std::unique_ptr<KafkaInbox>> KafkaInbox::Create(const Config& config) {
  auto consumer = kafka::Consumer::Create(config.consumer);
  if (!consumer) return tl::make_unexpected(std::move(consumer).error());
  return std::unique_ptr<KafkaInbox>(new KafkaInbox(config, std::move(*consumer)));
}

kafka::KafkaResult<void> KafkaInbox::Subscribe(OwnershipListener* listener) {
  FAULTLINE_CHECK(listener != nullptr);
  listener_ = listener;
  return consumer_->Subscribe(config_.topics, this);
}

Polled KafkaInbox::Poll(std::chrono::milliseconds timeout) {
  details_.reset();
  message_.reset();
  kafka::PollResult polled = consumer_->Poll(timeout);
  if (auto* const message = std::get_if<kafka::Message>(&polled)) {
    message_.emplace(std::move(*message));
    return Take();
  }
  if (const auto* const end = std::get_if<kafka::PartitionEnd>(&polled)) {
    source_ = {std::string(end->topic), end->partition};
    return SourceEnd{&source_, end->offset};
  }
  if (auto* const error = std::get_if<kafka::KafkaError>(&polled)) return std::move(*error);
  return std::monostate();
}

bool KafkaInbox::ready() const noexcept { return consumer_->ready(); }

bool KafkaInbox::behind() const noexcept { return consumer_->behind(); }

SourceRecord KafkaInbox::Take() {
  if (source_.topic != message_->topic()) source_.topic = message_->topic();
  source_.partition = message_->partition();
  details_.emplace(&*message_);
  SourceRecord given;
  given.source = &source_;
  given.record.offset = message_->offset();
  given.record.payload = message_->payload();
  given.record.tombstone = message_->tombstone();
  given.record.details = &*details_;
  TakeTimestamp(*message_, given.record);
  return given;
}

kafka::KafkaResult<std::vector<CommittedPosition>> KafkaInbox::Committed(
    const std::vector<SourceName>& sources) {
  std::vector<kafka::TopicPartition> partitions;
  for (const SourceName& source : sources) partitions.push_back(PartitionOf(source));
  auto committed = consumer_->Committed(partitions, kRequestTimeout);
  if (!committed) return tl::make_unexpected(std::move(committed).error());
  FAULTLINE_CHECK(committed->size() == sources.size());
  std::vector<CommittedPosition> positions;
  for (kafka::PartitionOffset& entry : *committed) {
    CommittedPosition position;
    if (entry.offset >= 0) position.offset = entry.offset;
    position.metadata = std::move(entry.metadata);
    positions.push_back(std::move(position));
  }
  return positions;
}

kafka::KafkaResult<std::int64_t> KafkaInbox::StartOf(const SourceName& source,
                                                     const StartAt& start) {
  const kafka::TopicPartition partition = PartitionOf(source);
  auto bounds = consumer_->QueryWatermarks(partition, kRequestTimeout);
  if (!bounds) return tl::make_unexpected(std::move(bounds).error());
  if (start.kind == StartAt::Kind::kEarliest) return bounds->low;
  if (start.kind == StartAt::Kind::kLatest) return bounds->high;
  auto found = consumer_->OffsetsForTime({partition}, start.time, kRequestTimeout);
  if (!found) return tl::make_unexpected(std::move(found).error());
  return found->front().offset >= 0 ? found->front().offset : bounds->high;
}

kafka::KafkaResult<void> KafkaInbox::Seek(const SourceName& source, std::int64_t offset) {
  const kafka::TopicPartition partition = PartitionOf(source);
  auto sought = consumer_->Seek({{partition, offset, {}}}, kRequestTimeout);
  if (!sought || !consumer_->Paused(partition)) return sought;
  return consumer_->Resume({partition});
}

kafka::KafkaResult<void> KafkaInbox::Pause(const SourceName& source) {
  return consumer_->Pause({PartitionOf(source)});
}

kafka::KafkaResult<void> KafkaInbox::Resume(const SourceName& source) {
  return consumer_->Resume({PartitionOf(source)});
}

std::optional<std::int64_t> KafkaInbox::EndOf(const SourceName& source) {
  const auto bounds = consumer_->CachedWatermarks(PartitionOf(source));
  if (!bounds || bounds->high < 0) return std::nullopt;
  return bounds->high;
}

Result<std::size_t> KafkaInbox::CountPartitions(std::chrono::milliseconds timeout) {
  if (!admin_) {
    auto admin = kafka::Admin::Create(config_.consumer.client);
    if (!admin) return tl::make_unexpected(std::move(admin).error());
    admin_.emplace(std::move(*admin));
  }
  auto topics = admin_->Describe(config_.topics, timeout);
  if (!topics) return tl::make_unexpected(std::move(topics).error());
  std::size_t partitions = 0;
  for (const auto& topic : *topics) partitions += static_cast<std::size_t>(topic.partitions);
  return partitions;
}

kafka::KafkaResult<void> KafkaInbox::Close(std::chrono::milliseconds deadline) {
  details_.reset();
  message_.reset();
  return consumer_->Close(deadline);
}

void KafkaInbox::OnAssigned(std::vector<kafka::StartPosition>& partitions) noexcept {
  std::vector<SourceName> sources;
  for (const auto& start : partitions) sources.push_back(SourceOf(start.partition));
  const auto offsets = listener_->OnAssigned(sources);
  FAULTLINE_CHECK(offsets.size() == partitions.size());
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    partitions[i].hold = !offsets[i];
    partitions[i].offset = offsets[i].value_or(kafka::kEnd);
  }
}

void KafkaInbox::OnRevoked(const std::vector<kafka::TopicPartition>& partitions) noexcept {
  listener_->OnRevoked(SourcesOf(partitions));
}

void KafkaInbox::OnLost(const std::vector<kafka::TopicPartition>& partitions) noexcept {
  listener_->OnLost(SourcesOf(partitions));
}

// ---------------------------------------------------------------------------------------- outbox

kafka::KafkaResult<void> KafkaOutbox::Init(std::chrono::milliseconds timeout) {
  return producer_->Init(timeout);
}

kafka::KafkaResult<void> KafkaOutbox::Begin() { return producer_->Begin(); }

kafka::KafkaResult<void> KafkaOutbox::SendPositions(const std::vector<OutgoingPosition>& positions,
                                                    std::chrono::milliseconds timeout) {
  std::vector<kafka::PartitionOffset> offsets;
  for (const OutgoingPosition& position : positions) {
    offsets.push_back({PartitionOf(position.source), position.offset, position.metadata});
  }
  return producer_->SendOffsets(inbox_->consumer(), offsets, timeout);
}

kafka::KafkaResult<void> KafkaOutbox::Commit(std::chrono::milliseconds timeout) {
  return producer_->Commit(timeout);
}

kafka::KafkaResult<void> KafkaOutbox::Abort(std::chrono::milliseconds timeout) {
  return producer_->Abort(timeout);
}

kafka::KafkaResult<void> KafkaOutbox::Rebuild(std::chrono::milliseconds timeout) {
  return producer_->Rebuild(timeout);
}

void KafkaOutbox::Serve() { producer_->Serve(); }
bool KafkaOutbox::in_transaction() const noexcept { return producer_->in_transaction(); }

}  // namespace faultline
