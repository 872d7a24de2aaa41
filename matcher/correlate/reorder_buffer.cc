// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/reorder_buffer.h"

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
  Append(key);
}

bool ReorderBuffer::FirstLess(const End& a, const End& b) const noexcept {
  return a.time != b.time ? a.time < b.time : Less(runs_[a.run].front(), runs_[b.run].front());
}

void ReorderBuffer::Append(const Key& key) {
  const auto tail = std::partition_point(tails_.begin(), tails_.end(), [&](const End& last) {
    return key.time != last.time ? key.time < last.time : Less(key, runs_[last.run].back());
  });
  if (tail != tails_.end()) {
    tail->time = key.time;
    return runs_[tail->run].Push(key);
  }
  std::uint32_t run = static_cast<std::uint32_t>(runs_.size());
  if (free_runs_.empty()) {
    runs_.emplace_back();
  } else {
    run = free_runs_.back();
    free_runs_.pop_back();
  }
  runs_[run].Push(key);
  tails_.push_back({key.time, run});
  heads_.push_back({key.time, run});
  std::push_heap(heads_.begin(), heads_.end(),
                 [this](const End& a, const End& b) { return FirstLess(b, a); });
}

void ReorderBuffer::SinkFirst(std::size_t at) {
  while (true) {
    std::size_t least = at;
    for (const std::size_t child : {2 * at + 1, 2 * at + 2}) {
      if (child < heads_.size() && FirstLess(heads_[child], heads_[least])) least = child;
    }
    if (least == at) return;
    std::swap(heads_[at], heads_[least]);
    at = least;
  }
}

void ReorderBuffer::PopLowest() {
  const std::uint32_t run = heads_.front().run;
  runs_[run].Pop();
  if (runs_[run].empty()) {
    heads_.front() = heads_.back();
    heads_.pop_back();
    tails_.erase(std::find_if(tails_.begin(), tails_.end(),
                              [run](const End& last) { return last.run == run; }));
    free_runs_.push_back(run);
  } else {
    const Queue<Key>& keys = runs_[run];
    heads_.front().time = keys.front().time;
    Prefetch(At(keys.front().slot));  // it leaves after about as many hits as there are runs
    if (keys.size() > 4) Prefetch(keys[4]);
  }
  SinkFirst(0);
}

std::vector<Hit> ReorderBuffer::PopBefore(const OrderPoint& goal) {
  std::vector<Hit> hits;
  while (!heads_.empty()) {
    const Key lowest = runs_[heads_.front().run].front();
    Hit& hit = At(lowest.slot).entry.hit;
    if (hits.empty() ? !IsBefore(lowest, goal)
                     : lowest.time != hits[0].time || hit.origin != hits[0].origin ||
                           !IsBefore(lowest, goal)) {
      break;
    }
    PopLowest();
    hits.push_back(std::move(hit));
    Free(lowest.slot);
  }
  return hits;
}

std::vector<ReorderBuffer::Key> ReorderBuffer::TakeAll() {
  std::vector<Key> keys;
  keys.reserve(size_);
  while (!heads_.empty()) {
    keys.push_back(runs_[heads_.front().run].front());
    PopLowest();
  }
  return keys;
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
