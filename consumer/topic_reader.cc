// SPDX-License-Identifier: Apache-2.0
#include "consumer/topic_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kafka/topics.h"

namespace faultline {
namespace {

constexpr std::chrono::milliseconds kPollTimeout{100};

template <class T>
tl::unexpected<Error> Refused(const kafka::KafkaResult<T>& result, std::string_view what) {
  return tl::make_unexpected(kafka::ToError(result.error(), what));
}

}  // namespace

Result<std::unique_ptr<TopicReader>> TopicReader::Open(const Config& config) {
  std::unique_ptr<TopicReader> reader(new TopicReader(config));
  auto started = reader->Start();
  if (!started) return tl::make_unexpected(std::move(started).error());
  return reader;
}

Result<void> TopicReader::Start() {
  auto admin = kafka::Admin::Create(config_.consumer.client);
  if (!admin) return tl::make_unexpected(std::move(admin).error());
  auto topics = admin->Describe(config_.topics, config_.timeout);
  if (!topics) return tl::make_unexpected(std::move(topics).error());

  config_.consumer.group.clear();
  config_.consumer.group_instance.reset();
  auto consumer = kafka::Consumer::Create(config_.consumer);
  if (!consumer) return tl::make_unexpected(std::move(consumer).error());
  consumer_ = std::move(*consumer);
  kafka::ConsumerProperties seeing_all = config_.consumer;
  seeing_all.isolation = kafka::Isolation::kReadUncommitted;
  auto asked = kafka::Consumer::Create(config_.await_open ? seeing_all : config_.consumer);
  if (!asked) return tl::make_unexpected(std::move(asked).error());
  for (const auto& topic : *topics) {
    for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
      if (auto found = FindRange({topic.name, partition}, **asked); !found) return found;
    }
  }
  return AssignAll();
}

Result<void> TopicReader::FindRange(const SourceName& source, kafka::Consumer& asked) {
  auto bounds = asked.QueryWatermarks({source.topic, source.partition}, config_.timeout);
  if (!bounds) return Refused(bounds, "cannot ask for the ends of " + source.topic);
  auto from = FirstOffset(source, *bounds);
  if (!from) return Refused(from, "cannot find where to start in " + source.topic);
  if (*from < bounds->low || *from > bounds->high) {
    return Fail(Fault::kConfig,
                fmt::format("offset {} of {}/{} is not there: it holds {} to {}", *from,
                            source.topic, source.partition, bounds->low, bounds->high),
                {}, "choose an offset that is kept");
  }
  Range range{*from, bounds->high, *from >= bounds->high};
  if (range.done) {
    ended_.push_back(source);
  } else {
    ++open_;
    total_ += static_cast<std::uint64_t>(range.end - range.from);
  }
  ranges_.emplace(source, range);
  return {};
}

kafka::KafkaResult<std::int64_t> TopicReader::FirstOffset(const SourceName& source,
                                                          const kafka::Watermarks& bounds) {
  const auto told = config_.offsets.find(source);
  if (told != config_.offsets.end()) return told->second;
  if (!config_.since) return bounds.low;
  auto found = consumer_->OffsetsForTime({{source.topic, source.partition}}, *config_.since,
                                         config_.timeout);
  if (!found) return tl::make_unexpected(std::move(found).error());
  const std::int64_t offset = found->front().offset;
  return offset >= 0 ? std::min(offset, bounds.high) : bounds.high;
}

Result<void> TopicReader::AssignAll() {
  std::vector<kafka::PartitionOffset> starts;
  for (const auto& [source, range] : ranges_) {
    if (!range.done) starts.push_back({{source.topic, source.partition}, range.from, {}});
  }
  heard_ = std::chrono::steady_clock::now();
  if (starts.empty()) return {};
  auto assigned = consumer_->Assign(starts);
  if (!assigned) return Refused(assigned, "cannot read the topics");
  return {};
}

// Nothing came: an error once that has lasted for the timeout.
Result<TopicReader::Step> TopicReader::Silence(const std::string& why) {
  if (std::chrono::steady_clock::now() - heard_ < config_.timeout) return Nothing();
  return Fail(Fault::kBroker, "nothing more came from the brokers" + why, {},
              "see that they are up and reachable");
}

std::optional<TopicReader::Ended> TopicReader::NoteEnd(const SourceName& source,
                                                       std::int64_t next) {
  const auto found = ranges_.find(source);
  if (found == ranges_.end() || found->second.done || next < found->second.end) return std::nullopt;
  found->second.done = true;
  --open_;
  return Ended{source};
}

Result<TopicReader::Step> TopicReader::Next() {
  if (!ended_.empty()) {
    Ended ended{ended_.back()};
    ended_.pop_back();
    return ended;
  }
  if (open_ == 0) return Done();
  message_.reset();
  kafka::PollResult polled = consumer_->Poll(kPollTimeout);
  if (auto* const message = std::get_if<kafka::Message>(&polled)) {
    heard_ = std::chrono::steady_clock::now();
    const SourceName source{std::string(message->topic()), message->partition()};
    const Range& range = ranges_[source];
    if (range.done || message->offset() >= range.end) {
      auto ended = NoteEnd(source, message->offset());
      return ended ? Step(std::move(*ended)) : Step(Nothing());
    }
    if (auto ended = NoteEnd(source, message->offset() + 1)) ended_.push_back(ended->source);
    message_.emplace(std::move(*message));
    return &*message_;
  }
  if (const auto* const end = std::get_if<kafka::PartitionEnd>(&polled)) {
    heard_ = std::chrono::steady_clock::now();
    auto ended = NoteEnd({std::string(end->topic), end->partition}, end->offset);
    return ended ? Step(std::move(*ended)) : Step(Nothing());
  }
  if (const auto* const error = std::get_if<kafka::KafkaError>(&polled)) {
    if (error->error_class == kafka::ErrorClass::kRetry) return Silence(": " + error->ToString());
    return tl::make_unexpected(kafka::ToError(*error, "cannot read on"));
  }
  return Silence("");
}

Result<void> TopicReader::Hold(const SourceName& source, bool hold) {
  const auto found = ranges_.find(source);
  if (found == ranges_.end() || found->second.done) return {};
  const kafka::TopicPartition partition{source.topic, source.partition};
  if (consumer_->Paused(partition) == hold) return {};
  auto done = hold ? consumer_->Pause({partition}) : consumer_->Resume({partition});
  if (!done) return Refused(done, "cannot pause or resume " + source.topic);
  return {};
}

std::vector<SourceName> TopicReader::sources() const {
  std::vector<SourceName> names;
  for (const auto& [source, range] : ranges_) names.push_back(source);
  return names;
}

}  // namespace faultline
