// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "matcher/correlate/calendar.h"
#include "matcher/correlate/hit.h"
#include "matcher/correlate/order.h"

namespace faultline {

// Hits wait here until every live source has passed them, and leave in the total order.
//
// Place      hit -> [ReorderBuffer] -> Correlator. correlation.md, Time, 3 to 6.
// Memory     Only hits wait, not events. The engine pauses sources that are ahead when it is full.
//            60 to 100 bytes a hit beside itself.
// Threads    Confined to its engine.
//
// Keys wait in a Calendar by their times alone. Those that leave next are taken out of it some at a
// time and sorted; a hit that comes before one of those (the engine brings none) is put in its place
// among them.
class ReorderBuffer {
 public:
  // One hit and what its source must be put back to so that the hit is read again.
  struct Entry {
    Hit hit;
    SourceId source = 0;               // one for each SourceName
    std::optional<EventTime> highest;  // of the source, before the hit's record
  };

  // Takes the hit; a hit that is here already (the same point) is not taken twice.
  void Push(Entry&& entry);
  // The hits of the lowest event, all of them, in ordinal order: only when it lies before `goal`.
  // Empty when nothing does. The next events follow, whole ones, until there are `enough` hits.
  [[nodiscard]] std::vector<Hit> PopBefore(const OrderPoint& goal, std::size_t enough = 1);
  // The entry of `source` with the lowest offset; null when none waits.
  [[nodiscard]] const Entry* Oldest(SourceId source) const;
  // Drops what `keep` refuses; `keep` may change a hit's rule but not its point.
  template <class Keep>
  void Filter(Keep keep) {
    const auto drop = [&](const Key& key) {
      if (keep(At(key.slot).entry)) return false;
      At(key.slot).entry.hit = Hit{};
      Free(key.slot);
      return true;
    };
    next_.erase(next_.begin(), next_.begin() + left_);
    left_ = 0;
    std::erase_if(next_, drop);
    calendar_.EraseIf(drop);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr std::uint32_t kChunk = 256;
  static constexpr std::size_t kAhead = 32;  // hits that are fetched before they leave

  // A point of the order; names compare by their rank.
  struct Key {
    EventTime time;
    std::int64_t offset = 0;
    std::uint32_t name = 0;  // of names_
    std::uint32_t index = 0;
    std::uint32_t ordinal = 0;
    std::uint32_t slot = 0;
  };
  // The hits of one record that wait, linked through their slots.
  struct Record {
    std::int64_t offset = 0;
    std::uint32_t first = kNone, last = kNone;
    // The highest (index, ordinal) that came: what lies above is new.
    std::pair<std::uint32_t, std::uint32_t> highest;
  };
  struct alignas(64) Slot {
    Entry entry;
    Record* record = nullptr;
    std::uint32_t before = kNone, behind = kNone;  // in the record
  };
  struct Source {
    std::uint32_t name = 0;
    mutable std::deque<Record> records;     // offsets ascend; empty ones at its front go at leisure
    std::map<std::int64_t, Record> strays;  // came with an offset below one that was here
  };

  [[nodiscard]] bool Less(const Key& a, const Key& b) const noexcept;
  [[nodiscard]] bool IsBefore(const Key& key, const OrderPoint& goal) const;
  [[nodiscard]] Source& SourceOf(const Entry& entry);
  [[nodiscard]] std::uint32_t NameOf(const SourceName& name);
  [[nodiscard]] Record& RecordOf(Source& source, std::int64_t offset);
  [[nodiscard]] bool Waits(const Record& record, const Hit& hit) const;
  [[nodiscard]] Slot& At(std::uint32_t slot) const noexcept {
    return slots_[slot / kChunk][slot % kChunk];
  }
  [[nodiscard]] std::uint32_t TakeSlot(Entry&& entry, Record& record);
  void Free(std::uint32_t slot);  // its hit has been moved out
  // The first key; null where none can lie before `goal`, though what it gives need not do so.
  [[nodiscard]] const Key* Lowest(const OrderPoint& goal);
  void PrefetchBehind(std::size_t at) const noexcept;  // ... which leaves next_

  std::deque<Source> sources_;                    // by SourceId; they never move
  std::map<SourceName, std::uint32_t> name_ids_;  // in the order of names
  std::vector<SourceName> names_;                 // as they came
  std::vector<std::uint32_t> ranks_;              // per name its place in the order
  std::vector<std::unique_ptr<Slot[]>> slots_;    // kChunk each
  std::uint32_t used_slots_ = 0;
  std::vector<std::uint32_t> free_slots_;
  Calendar<Key> calendar_;
  std::vector<Key> next_;  // in order, before all of calendar_
  std::size_t left_ = 0;   // so many of next_ have left
  std::size_t size_ = 0;
};

}  // namespace faultline
