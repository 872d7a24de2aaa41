// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tests/kafka/support/wait.h"

namespace faultline::testing {

// A record as the tests write and read it.
struct TestRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::int32_t partition = -1;     // written: -1 lets the partitioner decide
  std::int64_t offset = -1;        // set by ProduceAll and ReadAll
  std::int64_t timestamp_ms = -1;  // -1: now
};

enum class ReadIsolation : std::uint8_t { kCommitted, kUncommitted };

// A real Apache Kafka (one node, KRaft) in a process of its own, in a fresh folder, on free ports.
//
// The jars come from Maven once per machine: ${FAULTLINE_KAFKA_JARS} if set (a folder of jars),
// else ${XDG_CACHE_HOME:-$HOME/.cache}/faultline/kafka-<version>.
// Place      One per test program, through Shared(); one of its own for a test that harms it.
// Ownership  The process dies with this object, and with the test program however that ends.
// Threads    Any one at a time; Create() and the operations from the thread that lives longest
//            (Linux ties the broker's life to the thread that started it): the test's main thread.
// Errors     Where Java or the jars cannot be had the Result says why: the test fails, it is not
//            skipped.
class Broker {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Broker>> Create();
  // The one of this test program, started when first asked for; gone with the program. Where it
  // cannot be started it throws the reason, which GoogleTest reports as the failure of each test.
  [[nodiscard]] static Broker& Shared();
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  [[nodiscard]] const std::string& address() const noexcept;  // "127.0.0.1:PORT", constant for life

  // Each ends with a gtest failure when it does not succeed.
  void CreateTopic(const std::string& topic, std::int32_t partitions = 1);
  void DeleteTopic(const std::string& topic);
  void Stop();     // SIGTERM, waits for its end; SIGKILL after 30 s
  void Kill9();    // SIGKILL, waits for its end
  void Start();    // on the same folder and ports, waits until it answers. Requires: stopped
  void Restart();  // Stop, Start
  void Freeze();   // SIGSTOP: sockets stay open
  void Thaw();     // SIGCONT
  [[nodiscard]] bool running() const noexcept;
  [[nodiscard]] pid_t pid() const noexcept;
  [[nodiscard]] std::filesystem::path log() const;  // what the broker printed

 private:
  struct Impl;
  explicit Broker(std::unique_ptr<Impl> impl) noexcept;

  std::unique_ptr<Impl> impl_;  // never null
};

// A name that no other test of this program uses: `stem` and a number.
[[nodiscard]] std::string UniqueName(std::string_view stem);

// Writes the records with librdkafka's plain producer (not with kafka/), sets their partition and
// offset, and waits until all are acknowledged.
void ProduceAll(const std::string& brokers, const std::string& topic,
                std::vector<TestRecord>& records);
// The same for plain values to one partition; their offsets.
std::vector<std::int64_t> ProduceValues(const std::string& brokers, const std::string& topic,
                                        std::int32_t partition,
                                        const std::vector<std::string>& values);

// Everything in the topic, partition by partition in offset order, read with librdkafka's plain
// consumer up to the end that the isolation shows (committed: the last stable offset).
[[nodiscard]] std::vector<TestRecord> ReadAll(const std::string& brokers, const std::string& topic,
                                              ReadIsolation isolation = ReadIsolation::kCommitted);

// What `group` has committed for a partition, with its metadata; nothing if there is none.
[[nodiscard]] std::optional<std::pair<std::int64_t, std::string>> CommittedOffset(
    const std::string& brokers, const std::string& group, const std::string& topic,
    std::int32_t partition);

}  // namespace faultline::testing
