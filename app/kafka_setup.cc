// SPDX-License-Identifier: Apache-2.0
#include "app/kafka_setup.h"

#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "kafka/error.h"

namespace faultline::app {
namespace {

constexpr std::chrono::seconds kFlushTimeout{30};
constexpr std::int32_t kJournalPartitions = 1;  // read whole at each start; a handful of records

std::string MemberName(const Config& config, std::int64_t worker) {
  return fmt::format("{}-{}-{}", config.pipeline, config.instance, worker);
}

}  // namespace

kafka::ClientProperties ClientOf(const Config& config) {
  kafka::ClientProperties client;
  client.brokers = config.kafka.brokers;
  client.client_id = fmt::format("faultline-{}-{}", config.pipeline, config.instance);
  client.allow_plaintext = config.allow_plaintext;
  for (const auto& [name, value] : config.kafka.properties) client.user[name] = value.text;
  return client;
}

Result<void> CheckClient(const Config& config) {
  const kafka::ClientProperties client = ClientOf(config);
  for (const auto& [name, value] : client.user) {
    kafka::ClientProperties one;
    one.brokers = "localhost";
    one.user[name] = value;
    if (auto ok = kafka::CheckClient(one); !ok) {
      return tl::unexpected<Error>(AtSetting(config, "kafka.properties." + name, ok.error()));
    }
  }
  if (auto ok = kafka::CheckClient(client); !ok) {
    return tl::unexpected<Error>(AtSetting(config, "kafka.brokers", ok.error()));
  }
  return {};
}

kafka::ConsumerProperties ReaderOf(const Config& config) {
  kafka::ConsumerProperties consumer;
  consumer.client = ClientOf(config);
  return consumer;
}

kafka::ConsumerProperties ConsumerOf(const Config& config, std::int64_t worker) {
  kafka::ConsumerProperties consumer = ReaderOf(config);
  consumer.group = config.kafka.group;
  consumer.group_instance = MemberName(config, worker);
  consumer.never = OwnTopics(config);
  consumer.never.push_back(config.internal.hits);
  consumer.never.push_back(config.internal.changelog);
  return consumer;
}

kafka::ProducerProperties ProducerOf(const Config& config, std::int64_t worker) {
  kafka::ProducerProperties producer;
  producer.client = ClientOf(config);
  producer.transactional_id = MemberName(config, worker);
  return producer;
}

std::vector<std::string> InputTopics(const Config& config) {
  std::vector<std::string> topics;
  for (const InputConfig& input : config.inputs) {
    topics.insert(topics.end(), input.topics.begin(), input.topics.end());
  }
  return topics;
}

std::vector<std::string> OwnTopics(const Config& config) {
  std::vector<std::string> topics = {config.alerts.topic, config.dead_letters_topic,
                                     config.internal.markers};
  if (config.late_topic) topics.push_back(*config.late_topic);
  return topics;
}

std::vector<kafka::TopicSpec> TopicsToCreate(const Config& config) {
  std::vector<kafka::TopicSpec> specs;
  for (const std::string& topic : OwnTopics(config)) {
    kafka::TopicSpec spec;
    spec.name = topic;
    spec.partitions = kJournalPartitions;
    specs.push_back(std::move(spec));
  }
  for (const std::string& topic : InputTopics(config)) {
    if (topic.front() == '^') continue;
    kafka::TopicSpec spec;
    spec.name = topic;
    specs.push_back(std::move(spec));
  }
  return specs;
}

TopicSink::TopicSink(std::string topic, const AlertContext& context, std::size_t max_bytes,
                     std::unique_ptr<kafka::PlainProducer> producer)
    : topic_(std::move(topic)),
      context_(context),
      max_bytes_(max_bytes),
      producer_(std::move(producer)) {}

Result<std::unique_ptr<TopicSink>> TopicSink::Open(const Config& config, const std::string& topic,
                                                   const AlertContext& context) {
  if (topic.empty()) return std::unique_ptr<TopicSink>();
  kafka::ProducerProperties properties;
  properties.client = ClientOf(config);
  Result<kafka::Admin> admin = kafka::Admin::Create(properties.client);
  if (!admin) return tl::unexpected<Error>(admin.error());
  const auto described = admin->Describe({topic}, std::chrono::seconds(15));
  if (!described) return tl::unexpected<Error>(described.error());
  auto producer = kafka::PlainProducer::Create(properties);
  if (!producer) return tl::unexpected<Error>(producer.error());
  constexpr std::size_t kEnvelope = 16384;  // key, headers and the record's own frame
  return std::unique_ptr<TopicSink>(new TopicSink(
      topic, context, properties.max_message_bytes - kEnvelope, std::move(*producer)));
}

Result<void> TopicSink::WriteAlert(const Alert& alert) {
  context_.detected_at = SystemClock().Now();
  const std::string value = AlertJson(alert, context_, max_bytes_);
  const std::string key = AlertKey(alert);
  const std::vector<Header> headers = AlertHeaders(alert, context_);
  std::vector<kafka::HeaderView> views;
  for (const Header& header : headers) views.push_back({header.name, header.value});
  kafka::OutgoingRecord record;
  record.topic = topic_;
  record.key = key;
  record.value = value;
  record.headers = views;
  const auto produced = producer_->Produce(record);
  if (produced) return {};
  return tl::unexpected<Error>(kafka::ToError(produced.error(), "cannot write to " + topic_));
}

Result<void> TopicSink::WriteDeadLetter(const Record&, const SourceName&, const DeadLetter&) {
  return {};
}
Result<void> TopicSink::WriteLate(const LateMatch&) { return {}; }
Result<void> TopicSink::WriteJournal(const JournalEntry&) { return {}; }

Result<void> TopicSink::Finish() {
  const auto flushed = producer_->Flush(kFlushTimeout);
  if (flushed) return {};
  return tl::unexpected<Error>(kafka::ToError(flushed.error(), "cannot write to " + topic_));
}

}  // namespace faultline::app
