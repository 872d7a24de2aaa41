// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kafka/properties.h"

namespace faultline::kafka {

struct TopicDescription {
  std::string name;
  std::int32_t partitions = 0;

  friend bool operator==(const TopicDescription&, const TopicDescription&) = default;
};

struct TopicSpec {
  std::string name;
  std::int32_t partitions = 1;
  std::int32_t replication = -1;              // -1: the brokers' default
  std::map<std::string, std::string> config;  // "cleanup.policy" and so on
};

// Looks at topics and makes them. Nothing here ever makes a topic by asking for it.
//
// Threads    Confined to one thread.
// Errors     No answer in time: Fault::kBroker. A topic that is not there: Fault::kConfig, named,
//            with the remedy. All calls block for `timeout` at most.
class Admin {
 public:
  [[nodiscard]] static Result<Admin> Create(const ClientProperties& client);
  ~Admin();
  Admin(Admin&&) noexcept;
  Admin& operator=(Admin&&) noexcept;

  // Every topic of the cluster, by name; internal ones (leading "__") left out.
  [[nodiscard]] Result<std::vector<TopicDescription>> List(std::chrono::milliseconds timeout);

  // The topics of `names` that exist, in that order; a name that begins with ^ is a pattern as in
  // Consumer::Subscribe and stands for all topics that it matches. A plain name that does not exist
  // is an error, and so is a pattern that librdkafka could not read; one that matches nothing is
  // not.
  [[nodiscard]] Result<std::vector<TopicDescription>> Describe(
      const std::vector<std::string>& names, std::chrono::milliseconds timeout);

  // Makes the topics that do not exist yet and waits until all brokers asked show them. One that
  // exists is left as it is, but with fewer partitions than wanted it is an error (Fault::kConfig).
  [[nodiscard]] Result<void> CreateTopics(const std::vector<TopicSpec>& topics,
                                          std::chrono::milliseconds timeout);

  // Deletes a topic and waits until it is gone from the metadata.
  [[nodiscard]] Result<void> DeleteTopic(const std::string& topic,
                                         std::chrono::milliseconds timeout);

 private:
  struct Impl;
  explicit Admin(std::unique_ptr<Impl> impl) noexcept;

  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline::kafka
