// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"
#include "exporters/alert_json.h"
#include "kafka/producer.h"
#include "kafka/properties.h"
#include "kafka/topics.h"
#include "matcher/ports.h"

namespace faultline::app {

// The configuration as kafka/ wants it.
[[nodiscard]] kafka::ClientProperties ClientOf(const Config& config);
// Whether the client settings can be used; kafka::CheckClient with the place of what is wrong.
[[nodiscard]] Result<void> CheckClient(const Config& config);
// One member of the group, number `worker` from 0.
[[nodiscard]] kafka::ConsumerProperties ConsumerOf(const Config& config, std::int64_t worker);
[[nodiscard]] kafka::ProducerProperties ProducerOf(const Config& config, std::int64_t worker);
// A reader without a group.
[[nodiscard]] kafka::ConsumerProperties ReaderOf(const Config& config);

// Topics of all inputs, in order.
[[nodiscard]] std::vector<std::string> InputTopics(const Config& config);
// Topics that we write ourselves: alerts, dead letters, journal, late matches where they are sent.
[[nodiscard]] std::vector<std::string> OwnTopics(const Config& config);
// The same, and the plain names among the inputs, as --create-topics makes them.
[[nodiscard]] std::vector<kafka::TopicSpec> TopicsToCreate(const Config& config);

// Sends a replay's alerts to a topic that was named for it.
//
// Place      Engine -> [TopicSink] -> Kafka. Without a transaction: an alert's id tells it again.
// Threads    Its caller's.
// Errors     Fault::kBroker.
class TopicSink final : public Sink {
 public:
  // Null where `topic` is empty.
  [[nodiscard]] static Result<std::unique_ptr<TopicSink>> Open(const Config& config,
                                                               const std::string& topic,
                                                               const AlertContext& context);

  [[nodiscard]] Result<void> WriteAlert(const Alert& alert) override;
  [[nodiscard]] Result<void> WriteDeadLetter(const Record& record, const SourceName& source,
                                             const DeadLetter& why) override;
  [[nodiscard]] Result<void> WriteLate(const LateMatch& late) override;
  [[nodiscard]] Result<void> WriteJournal(const JournalEntry& entry) override;
  // Waits until everything is delivered.
  [[nodiscard]] Result<void> Finish();

 private:
  TopicSink(std::string topic, const AlertContext& context, std::size_t max_bytes,
            std::unique_ptr<kafka::PlainProducer> producer);

  std::string topic_;
  AlertContext context_;
  std::size_t max_bytes_;                           // of one record
  std::unique_ptr<kafka::PlainProducer> producer_;  // never null
};

}  // namespace faultline::app
