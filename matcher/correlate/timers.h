// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"

namespace faultline {

// A deadline in event time.
struct Timer {
  // kExpiry: also an operator's. What it makes has a time 1 ns after it is due, so it acts behind all
  // other timers of that time.
  enum class Kind : std::uint8_t { kOperator, kQuiet, kChoice, kUpdate, kFlood, kExpiry };

  EventTime due;           // acts behind all events of that time
  std::uint32_t unit = 0;  // the correlation; children stand before parents
  Kind kind = Kind::kOperator;
  Digest key;

  friend bool operator==(const Timer&, const Timer&) = default;
  friend std::strong_ordering operator<=>(const Timer& a, const Timer& b) noexcept {
    if (const auto order = a.due <=> b.due; order != 0) return order;
    const auto last = [](const Timer& timer) { return timer.kind == Kind::kExpiry; };
    if (const auto order = last(a) <=> last(b); order != 0) return order;
    if (const auto order = a.unit <=> b.unit; order != 0) return order;
    if (const auto order = a.kind <=> b.kind; order != 0) return order;
    return a.key <=> b.key;
  }
};

// Deadlines in their fixed order: (due, expiries last, unit, kind, key). Fired by the frontier only.
//
// State      A binary heap. A timer is never taken back: whoever set it finds, when it is due,
//            whether it still means something. So timers follow from the other state and are not
//            stored; Load() of that state sets them again.
// Memory     One entry per Set() until it is due or Thin() finds that it means nothing; the same timer
//            set twice comes once.
// Threads    Confined to its correlator.
class Timers {
 public:
  void Set(const Timer& timer);
  // The next one due before `time`, taken out; nothing when there is none.
  [[nodiscard]] std::optional<Timer> TakeBefore(EventTime time);
  // Lets go of those of which `meant` is false, whenever there are twice as many as it left last time.
  // Cost: one comparison but then.
  template <class Meant>
  void Thin(const Meant& meant) {
    if (heap_.size() < thin_at_) return;
    std::erase_if(heap_, [&meant](const Timer& timer) { return !meant(timer); });
    std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
    thin_at_ = std::max(kThinAt, 2 * heap_.size());
  }
  static constexpr std::size_t kThinAt = 4096;

  void Clear() { heap_.clear(); }
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

 private:
  std::vector<Timer> heap_;        // least first
  std::size_t thin_at_ = kThinAt;  // entries
};

}  // namespace faultline
