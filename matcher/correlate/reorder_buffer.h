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

#include "matcher/correlate/hit.h"
#include "matcher/correlate/order.h"
#include "matcher/correlate/queue.h"

namespace faultline {

// Hits wait here until every live source has passed them, and leave in the total order.
//
// Place      hit -> [ReorderBuffer] -> Correlator. correlation.md, Time, 3 to 6.
// Memory     Only hits wait, not events. The engine pauses sources that are ahead when it is full.
//            48 bytes a hit beside itself.
// Threads    Confined to its engine.
//
// Sources bring their hits nearly in order. So keys lie in few ascending runs: a new one goes behind
// the greatest last key that is not above it, the lowest one is the first key of some run.
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
  // Empty when nothing does.
  [[nodiscard]] std::vector<Hit> PopBefore(const OrderPoint& goal);
  // The entry of `source` with the lowest offset; null when none waits.
  [[nodiscard]] const Entry* Oldest(SourceId source) const;
  // Drops what `keep` refuses; `keep` may change a hit's rule but not its point.
  template <class Keep>
  void Filter(Keep keep) {
    std::vector<Key> kept;
    for (const Key& key : TakeAll()) {
      if (keep(At(key.slot).entry)) {
        kept.push_back(key);
      } else {
        At(key.slot).entry.hit = Hit{};
        Free(key.slot);
      }
    }
    for (const Key& key : kept) Append(key);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr std::uint32_t kChunk = 256;

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
  struct Slot {
    Entry entry;
    Record* record = nullptr;
    std::uint32_t before = kNone, behind = kNone;  // in the record
  };
  struct Source {
    std::uint32_t name = 0;
    mutable std::deque<Record> records;     // offsets ascend; empty ones at its front go at leisure
    std::map<std::int64_t, Record> strays;  // came with an offset below one that was here
  };

  // One end of a run, its time at hand: seldom is more than that asked for.
  struct End {
    EventTime time;
    std::uint32_t run = 0;
  };

  [[nodiscard]] bool Less(const Key& a, const Key& b) const noexcept;
  [[nodiscard]] bool FirstLess(const End& a, const End& b) const noexcept;
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
  void Append(const Key& key);
  void SinkFirst(std::size_t at);  // heads_[at] grew
  void PopLowest();
  [[nodiscard]] std::vector<Key> TakeAll();  // all keys in order; no run is left

  std::deque<Source> sources_;                    // by SourceId; they never move
  std::map<SourceName, std::uint32_t> name_ids_;  // in the order of names
  std::vector<SourceName> names_;                 // as they came
  std::vector<std::uint32_t> ranks_;              // per name its place in the order
  std::vector<std::unique_ptr<Slot[]>> slots_;    // kChunk each
  std::uint32_t used_slots_ = 0;
  std::vector<std::uint32_t> free_slots_;
  std::vector<Queue<Key>> runs_;  // each ascending
  std::vector<std::uint32_t> free_runs_;
  std::vector<End> tails_;  // runs that are not empty, their last keys descending
  std::vector<End> heads_;  // the same runs, a heap by their first keys, least first
  std::size_t size_ = 0;
};

}  // namespace faultline
