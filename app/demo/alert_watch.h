// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "kafka/consumer.h"
#include "kafka/properties.h"
#include "matcher/ports.h"

namespace faultline::app {

// Shows each alert when it is read back from the alert topic: what a user sees has been through
// Kafka.
//
// Place      engine -> [Around] -> sink -> alert topic -> [ShowArrived] -> terminal.
// Threads    Around()'s sink is called by the worker; all else by the demo's own thread.
class AlertWatch {
 public:
  AlertWatch(bool color, std::size_t width) : color_(color), width_(width) {}

  // A sink that remembers alerts on their way to `sink`.
  [[nodiscard]] std::unique_ptr<Sink> Around(Sink* sink);
  // From now on reads `topic` (one partition) from its beginning.
  [[nodiscard]] Result<void> Read(const kafka::ConsumerProperties& reader,
                                  const std::string& topic);
  // Prints what has arrived since the last call on standard output.
  [[nodiscard]] Result<void> ShowArrived();

  [[nodiscard]] std::size_t written() const noexcept { return written_; }  // different alerts
  [[nodiscard]] std::size_t seen() const noexcept { return seen_; }        // read back

 private:
  class Remembering;

  bool color_;
  std::size_t width_;
  std::mutex mutex_;                     // guards alerts_
  std::map<std::string, Alert> alerts_;  // by id, those not shown yet
  std::atomic<std::size_t> written_{0};  // writer: the worker
  std::size_t seen_ = 0;
  std::string topic_;
  std::unique_ptr<kafka::Consumer> consumer_;
};

}  // namespace faultline::app
