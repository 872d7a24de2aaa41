// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "base/event_time.h"

namespace faultline {

// The clocks, for the edges only: nothing in matcher/ reads one.
//
// Threads    Both calls may be made from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual EventTime Now() const noexcept = 0;                    // wall clock
  [[nodiscard]] virtual std::chrono::nanoseconds Steady() const noexcept = 0;  // never goes back
};

// The machine's clocks; lives for ever.
[[nodiscard]] const Clock& SystemClock() noexcept;

}  // namespace faultline
