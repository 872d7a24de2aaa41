// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/reorder_buffer.h"

#include <chrono>
#include <tuple>

namespace faultline {
namespace {

template <class T>
void Prefetch(const T& object) noexcept {
  const auto* const bytes = reinterpret_cast<const char*>(&object);
  for (std::size_t at = 0; at < sizeof(T); at += 64) __builtin_prefetch(bytes + at, 1);
}

}  // namespace

bool ReorderBuffer::Less(const Key& a, const Key& b) const noexcept {
  if (a.time != b.time) return a.time < b.time;
  if (a.name != b.name) return ranks_[a.name] < ranks_[b.name];
  return std::tie(a.offset, a.index, a.ordinal) < std::tie(b.offset, b.index, b.ordinal);
}

bool ReorderBuffer::IsBefore(const Key& key, const OrderPoint& goal) const {
  if (key.time != goal.time) return key.time < goal.time;
  if (goal.kind != OrderPoint::Kind::kEvent) return goal.kind == OrderPoint::Kind::kBehind;
  return At(key.slot).entry.hit.point() < goal;
}

std::uint32_t ReorderBuffer::NameOf(const SourceName& name) {
  const auto [found, fresh] =
      name_ids_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
  if (fresh) {
    names_.push_back(name);
    ranks_.resize(names_.size());
    std::uint32_t rank = 0;
    for (const auto& each : name_ids_) ranks_[each.second] = rank++;
  }
  return found->second;
}

ReorderBuffer::Source& ReorderBuffer::SourceOf(const Entry& entry) {
  if (entry.source >= sources_.size()) sources_.resize(entry.source + 1);
  Source& source = sources_[entry.source];
  const SourceName& name = entry.hit.origin.source;
  if (names_.empty() || names_[source.name] != name) source.name = NameOf(name);
  return source;
}

ReorderBuffer::Record& ReorderBuffer::RecordOf(Source& source, std::int64_t offset) {
  if (const auto stray = source.strays.find(offset); stray != source.strays.end()) {
    return stray->second;
  }
  std::deque<Record>& records = source.records;
  while (!records.empty() && records.front().first == kNone) records.pop_front();
  if (records.empty() || records.back().offset < offset) {
    return records.emplace_back(Record{offset, kNone, kNone, {}});
  }
  const auto found = std::lower_bound(
      records.begin(), records.end(), offset,
      [](const Record& record, std::int64_t sought) { return record.offset < sought; });
  if (found->offset == offset) return *found;
  return source.strays.try_emplace(offset, Record{offset, kNone, kNone, {}}).first->second;
}

bool ReorderBuffer::Waits(const Record& record, const Hit& hit) const {
  for (std::uint32_t slot = record.first; slot != kNone; slot = At(slot).behind) {
    const Hit& held = At(slot).entry.hit;
    if (held.origin.index == hit.origin.index && held.ordinal == hit.ordinal &&
        held.time == hit.time) {
      return true;
    }
  }
  return false;
}

std::uint32_t ReorderBuffer::TakeSlot(Entry&& entry, Record& record) {
  std::uint32_t at = 0;
  if (free_slots_.empty()) {
    at = used_slots_++;
    if (at % kChunk == 0) slots_.push_back(std::make_unique<Slot[]>(kChunk));
  } else {
    at = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot& slot = At(at);
  slot.entry = std::move(entry);
  slot.record = &record;
  slot.before = record.last;
  slot.behind = kNone;
  (record.last == kNone ? record.first : At(record.last).behind) = at;
  record.last = at;
  ++size_;
  return at;
}

void ReorderBuffer::Free(std::uint32_t at) {
  Slot& slot = At(at);
  Record& record = *slot.record;
  (slot.before == kNone ? record.first : At(slot.before).behind) = slot.behind;
  (slot.behind == kNone ? record.last : At(slot.behind).before) = slot.before;
  Source& source = sources_[slot.entry.source];
  if (record.first == kNone && !source.strays.empty()) source.strays.erase(record.offset);
  free_slots_.push_back(at);
  --size_;
}

void ReorderBuffer::Push(Entry&& entry) {
  Source& source = SourceOf(entry);
  const Hit& hit = entry.hit;
  Record& record = RecordOf(source, hit.origin.offset);
  const std::pair place{hit.origin.index, hit.ordinal};
  if (record.first != kNone && place <= record.highest && Waits(record, hit)) return;
  record.highest = record.first == kNone ? place : std::max(record.highest, place);
  Key key{hit.time, hit.origin.offset, source.name, hit.origin.index, hit.ordinal, 0};
  key.slot = TakeSlot(std::move(entry), record);
  if (!calendar_.Passed(key.time)) return calendar_.Push(key);
  const auto behind = std::upper_bound(next_.begin() + left_, next_.end(), key,
                                       [this](const Key& a, const Key& b) { return Less(a, b); });
  next_.insert(behind, key);
}

// Those that leave next are fetched some way ahead, and so are their records, which slots tell.
void ReorderBuffer::PrefetchBehind(std::size_t at) const noexcept {
  if (at + kAhead < next_.size()) Prefetch(At(next_[at + kAhead].slot));
  if (at + kAhead / 2 < next_.size()) Prefetch(*At(next_[at + kAhead / 2].slot).record);
}

const ReorderBuffer::Key* ReorderBuffer::Lowest(const OrderPoint& goal) {
  if (left_ == next_.size()) {
    next_.clear();
    left_ = 0;
    const bool before = goal.kind == OrderPoint::Kind::kBefore;
    calendar_.Take(before ? goal.time - std::chrono::nanoseconds(1) : goal.time, next_);
    std::sort(next_.begin(), next_.end(), [this](const Key& a, const Key& b) {
      return a.time != b.time ? a.time < b.time : Less(a, b);
    });
    for (std::size_t i = 0; i < std::min(kAhead, next_.size()); ++i) Prefetch(At(next_[i].slot));
  }
  return left_ < next_.size() ? &next_[left_] : nullptr;
}

std::vector<Hit> ReorderBuffer::PopBefore(const OrderPoint& goal, std::size_t enough) {
  std::vector<Hit> hits;
  while (const Key* const lowest = Lowest(goal)) {
    if (!IsBefore(*lowest, goal)) break;
    Hit& hit = At(lowest->slot).entry.hit;
    if (hits.size() >= enough &&
        (hit.time != hits.back().time || hit.origin != hits.back().origin)) {
      break;
    }
    if (hits.empty()) hits.reserve(std::min(enough, next_.size() - left_));
    PrefetchBehind(left_);
    hits.push_back(std::move(hit));
    Free(lowest->slot);
    ++left_;
  }
  return hits;
}

const ReorderBuffer::Entry* ReorderBuffer::Oldest(SourceId id) const {
  if (id >= sources_.size()) return nullptr;
  const Source& source = sources_[id];
  while (!source.records.empty() && source.records.front().first == kNone) {
    source.records.pop_front();
  }
  const Record* oldest = source.records.empty() ? nullptr : &source.records.front();
  if (!source.strays.empty() &&
      (oldest == nullptr || source.strays.begin()->first < oldest->offset)) {
    oldest = &source.strays.begin()->second;
  }
  return oldest == nullptr ? nullptr : &At(oldest->first).entry;
}

}  // namespace faultline
