// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "kafka/consumer.h"
#include "kafka/properties.h"
#include "matcher/event/record.h"

namespace faultline {

// Reads topics from where they start to their last stable offset at the call, without a group.
//
// Place      kafka::Consumer -> [TopicReader] -> ReplayTopic, ReadJournal.
// Order      Per partition in offset order; partitions interleave as the brokers answer.
// Threads    Confined to one thread.
// Ownership  Owns the consumer and the message at hand.
// Errors     Fault::kConfig for topics that do not exist and offsets that are gone; Fault::kBroker
//            when nothing comes for `timeout`.
class TopicReader {
 public:
  struct Config {
    kafka::ConsumerProperties consumer;  // its group is ignored
    std::vector<std::string> topics;
    std::map<SourceName, std::int64_t> offsets;      // where partitions start
    std::optional<std::chrono::milliseconds> since;  // the others: by record timestamp
    // Read also what transactions have written that are still open, once they have ended.
    bool await_open = false;
    std::chrono::milliseconds timeout = std::chrono::seconds(30);
  };
  struct Nothing {};  // yet
  struct Done {};     // every partition was read to its end
  struct Ended {
    SourceName source;  // this one was
  };
  // The message lives until the next call.
  using Step = std::variant<Nothing, const kafka::Message*, Ended, Done>;

  [[nodiscard]] static Result<std::unique_ptr<TopicReader>> Open(const Config& config);

  [[nodiscard]] Result<Step> Next();

  // A partition that waits for others; unknown and ended ones are left alone.
  [[nodiscard]] Result<void> Hold(const SourceName& source, bool hold);

  [[nodiscard]] std::vector<SourceName> sources() const;                 // all, empty ones too
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }  // offsets to read, about

 private:
  struct Range {
    std::int64_t from = 0;
    std::int64_t end = 0;  // behind the last one to read
    bool done = false;
  };
  explicit TopicReader(const Config& config) : config_(config) {}
  [[nodiscard]] Result<void> Start();
  // `asked` tells where partitions end.
  [[nodiscard]] Result<void> FindRange(const SourceName& source, kafka::Consumer& asked);
  [[nodiscard]] kafka::KafkaResult<std::int64_t> FirstOffset(const SourceName& source,
                                                             const kafka::Watermarks& bounds);
  [[nodiscard]] Result<void> AssignAll();
  [[nodiscard]] Result<Step> Silence(const std::string& why);
  [[nodiscard]] std::optional<Ended> NoteEnd(const SourceName& source, std::int64_t next);

  Config config_;                              // constant
  std::unique_ptr<kafka::Consumer> consumer_;  // never null after Start; outlives message_
  std::optional<kafka::Message> message_;      // the one given last
  std::map<SourceName, Range> ranges_;
  std::vector<SourceName> ended_;  // to be told
  std::size_t open_ = 0;           // ranges not done
  std::uint64_t total_ = 0;
  std::chrono::steady_clock::time_point heard_;  // when something came last
};

}  // namespace faultline
