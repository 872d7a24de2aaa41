// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"

namespace faultline {

// A deadline in event time.
struct Timer {
  enum class Kind : std::uint8_t { kOperator, kQuiet, kChoice, kUpdate, kFlood };

  EventTime due;           // acts behind all events of that time
  std::uint32_t unit = 0;  // the correlation; children stand before parents
  Kind kind = Kind::kOperator;
  Digest key;

  friend auto operator<=>(const Timer&, const Timer&) = default;
};

// Deadlines in their fixed order: (due, unit, kind, key). Fired by the frontier only.
//
// State      A binary heap. A timer is never taken back: whoever set it finds, when it is due,
//            whether it still means something. So timers follow from the other state and are not
//            stored; Load() of that state sets them again.
// Memory     One entry per Set() until it is due; the same timer set twice comes once.
// Threads    Confined to its correlator.
class Timers {
 public:
  void Set(const Timer& timer);
  // The next one due before `time`, taken out; nothing when there is none.
  [[nodiscard]] std::optional<Timer> TakeBefore(EventTime time);
  void Clear() { heap_.clear(); }
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

 private:
  std::vector<Timer> heap_;  // least first
};

}  // namespace faultline
