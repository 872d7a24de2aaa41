// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "matcher/correlate/hit.h"
#include "matcher/correlate/order.h"

namespace faultline {

// Hits wait here until every live source has passed them, and leave in the total order.
//
// Place      hit -> [ReorderBuffer] -> Correlator. correlation.md, Time, 3 to 6.
// Memory     Only hits wait, not events. The engine pauses sources that are ahead when it is full.
// Threads    Confined to its engine.
class ReorderBuffer {
 public:
  // One hit and what its source must be put back to so that the hit is read again.
  struct Entry {
    Hit hit;
    SourceId source = 0;
    std::optional<EventTime> highest;  // of the source, before the hit's record
  };

  // Takes the hit; a hit that is here already (the same point) is not taken twice.
  void Push(Entry entry);
  // The hits of the lowest event, all of them, in ordinal order: only when it lies before `goal`.
  // Empty when nothing does.
  [[nodiscard]] std::vector<Hit> PopBefore(const OrderPoint& goal);
  // The entry of `source` with the lowest offset; null when none waits.
  [[nodiscard]] const Entry* Oldest(SourceId source) const;
  // Drops what `keep` refuses; `keep` may change a hit's rule but not its point.
  template <class Keep>
  void Filter(Keep keep) {
    for (auto it = entries_.begin(); it != entries_.end();) {
      it = keep(it->second) ? std::next(it) : Erase(it);
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  using Entries = std::map<OrderPoint, Entry>;
  Entries::iterator Erase(Entries::iterator it);

  Entries entries_;
  // (source, offset) -> how many hits of that record wait, so that a commit finds the oldest at
  // once.
  std::map<SourceId, std::map<std::int64_t, std::vector<const Entry*>>> by_offset_;
};

}  // namespace faultline
