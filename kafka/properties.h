// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace faultline::kafka {

// How to reach the brokers: common to consumers, producers and admin clients.
struct ClientProperties {
  std::string brokers{};  // "host:port,host:port"
  std::string client_id = "faultline";
  std::map<std::string, std::string> user{};  // librdkafka properties of the user, secrets resolved
  bool allow_plaintext = false;               // without TLS to a broker that is not on loopback
};

enum class Isolation : std::uint8_t { kReadCommitted, kReadUncommitted };

struct ConsumerProperties {
  ClientProperties client{};
  std::string group{};                          // empty: no group, Assign() only (replay)
  std::optional<std::string> group_instance{};  // static membership
  std::vector<std::string> never{};  // topics that no pattern of Subscribe() takes: our own
  Isolation isolation = Isolation::kReadCommitted;
  std::chrono::milliseconds session_timeout = std::chrono::seconds(45);
};

struct ProducerProperties {
  ClientProperties client{};
  std::string transactional_id{};  // required by TransactionalProducer, else unused
  std::chrono::milliseconds transaction_timeout = std::chrono::seconds(12);  // 1 s to 15 min
  std::size_t max_message_bytes = 1000000;  // of one record; the topic's max.message.bytes
};

// One property as it is given to librdkafka.
using Property = std::pair<std::string, std::string>;

// Refuses what the user must not set: what runs code, breaks a guarantee or is ours to set; and a
// plain-text connection to a broker that is not on loopback. Each refusal says why and what to do.
// Never shows a value. Errors are Fault::kConfig.
[[nodiscard]] Result<void> CheckClient(const ClientProperties& client);

// All properties in effect, the user's first and ours over them. Errors as CheckClient.
[[nodiscard]] Result<std::vector<Property>> AdminConfiguration(const ClientProperties& client);
[[nodiscard]] Result<std::vector<Property>> Configuration(const ConsumerProperties& consumer);
// With a transactional id when `properties.transactional_id` is not empty.
[[nodiscard]] Result<std::vector<Property>> Configuration(const ProducerProperties& producer);

// True when the value of property `name` must not be shown: passwords, secrets, keys, tokens.
[[nodiscard]] bool IsSecret(std::string_view name);

// True when every broker of "host:port,..." is on the loopback interface by its name or address.
[[nodiscard]] bool IsLoopback(std::string_view brokers);

// "2.0.2": the librdkafka in this process.
// Whether this librdkafka knows fetch.queue.backoff.ms. Else it leaves a partition alone for a second
// once its queue is full, see FetchNudge.
[[nodiscard]] bool BackoffCanBeTold();

[[nodiscard]] std::string LibraryVersion();

}  // namespace faultline::kafka
