// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/reorder_buffer.h"

#include <algorithm>
#include <utility>

namespace faultline {

void ReorderBuffer::Push(Entry entry) {
  OrderPoint point = entry.hit.point();
  const auto [it, fresh] = entries_.try_emplace(std::move(point), std::move(entry));
  if (!fresh) return;
  const Entry& kept = it->second;
  by_offset_[kept.source][kept.hit.origin.offset].push_back(&kept);
}

ReorderBuffer::Entries::iterator ReorderBuffer::Erase(Entries::iterator it) {
  const Entry& entry = it->second;
  const auto source = by_offset_.find(entry.source);
  const auto offset = source->second.find(entry.hit.origin.offset);
  std::erase(offset->second, &entry);
  if (offset->second.empty()) source->second.erase(offset);
  if (source->second.empty()) by_offset_.erase(source);
  return entries_.erase(it);
}

std::vector<Hit> ReorderBuffer::PopBefore(const OrderPoint& goal) {
  std::vector<Hit> hits;
  while (!entries_.empty()) {
    const auto first = entries_.begin();
    if (!(first->first < goal)) break;
    if (!hits.empty() &&
        (first->first.time != hits[0].time || first->first.origin != hits[0].origin)) {
      break;
    }
    Hit hit = std::move(first->second.hit);
    first->second.hit.origin = hit.origin;  // Erase() still looks it up
    hits.push_back(std::move(hit));
    Erase(first);
  }
  return hits;
}

const ReorderBuffer::Entry* ReorderBuffer::Oldest(SourceId source) const {
  const auto it = by_offset_.find(source);
  return it == by_offset_.end() ? nullptr : it->second.begin()->second.front();
}

}  // namespace faultline
