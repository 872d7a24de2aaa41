// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <thread>

namespace faultline::app {

// Blocks SIGINT, SIGTERM and SIGHUP for this thread and those it starts; ignores SIGPIPE, so a
// closed pipe is a write error. Call before any thread is started.
void BlockSignals();

// Waits for one of the blocked signals; 0 when `timeout` passed first.
[[nodiscard]] int WaitForSignal(std::chrono::milliseconds timeout);

// While it lives, the first SIGINT or SIGTERM asks `source` to stop; a second one, or `grace`
// without an end, leaves the program with 130: a read from a terminal cannot be woken.
//
// Threads    One of its own, ended by the destructor.
class Interrupt {
 public:
  explicit Interrupt(std::chrono::milliseconds grace = std::chrono::seconds(5));

  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }
  [[nodiscard]] bool requested() const noexcept { return source_.stop_requested(); }

 private:
  std::stop_source source_;
  std::jthread thread_;
};

}  // namespace faultline::app
