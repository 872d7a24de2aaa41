// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

namespace faultline {
namespace {

class MachineClock final : public Clock {
 public:
  EventTime Now() const noexcept override {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return EventTime::Raw(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
  }
  std::chrono::nanoseconds Steady() const noexcept override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
};

}  // namespace

const Clock& SystemClock() noexcept {
  static const MachineClock clock;
  return clock;
}

}  // namespace faultline
