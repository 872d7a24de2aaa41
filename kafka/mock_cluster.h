// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace faultline::kafka {

// librdkafka's Kafka in this process, for the demo and for error injection. It proves no guarantee:
// it shows aborted and open transactions to read_committed readers and lets a fenced producer
// commit.
//
// Threads    Any; it has threads of its own.
// Ownership  Outlives every client that talks to it.
class MockCluster {
 public:
  [[nodiscard]] static Result<std::unique_ptr<MockCluster>> Create(int brokers = 1);
  ~MockCluster();
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  [[nodiscard]] const std::string& brokers() const noexcept;  // "127.0.0.1:PORT,..."
  [[nodiscard]] Result<void> CreateTopic(const std::string& topic, std::int32_t partitions);

 private:
  struct Impl;
  explicit MockCluster(std::unique_ptr<Impl> impl) noexcept;

  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline::kafka
