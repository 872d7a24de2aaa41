// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"
#include "matcher/correlate/operator.h"

namespace faultline {

// State per key of one correlation, found by the key's digest, in few and flat pieces of memory.
//
// Place      Operators keep what they know of a key here. `State` is default-constructible, movable
//            and says how near it is to firing: `std::uint32_t rank() const`.
// Order      Touch() comes with non-decreasing times.
// State      A key dies when `keep` has passed since it was last touched: what can still count lies
//            in that span. When a dead key is really dropped is never seen from outside: Touch()
//            gives a fresh state in its place, and the dead go before the living are evicted.
// Memory     At most `max_keys` keys and `max_bytes` logical bytes. Above, the key with the least
//            (rank, last touched, key) goes; so what is evicted follows from the states alone. A
//            slot is sizeof(Node); 8 to 16 bytes a key find it, 16 tell when it dies. Order is
//            kept, at 32 bytes an entry, only once a cap has been met.
// Threads    Confined to its correlator.
//
// `drop` of the members below is called with each Node that goes, before it goes.
template <class State>
class FlatStore {
 public:
  // One cache line where it can be.
  struct alignas(sizeof(State) == 40 ? 64 : std::max(alignof(State), alignof(Digest))) Node {
    Digest key;
    EventTime touched;
    State state;
  };
  struct NoDrop {
    void operator()(Node&) const noexcept {}
  };
  static constexpr std::int64_t kKeyBytes = 64;  // charged for each key

  FlatStore(const Operator::Limits& limits, std::chrono::nanoseconds keep)
      : max_keys_(std::max<std::size_t>(limits.max_keys, 1)),
        max_bytes_(static_cast<std::int64_t>(limits.max_bytes)),
        keep_(keep) {}

  // The key's node; null when there is none. It may be a dead one.
  [[nodiscard]] Node* Find(const Digest& key) noexcept {
    const std::size_t at = IndexOf(key);
    return at == kNowhere ? nullptr : &NodeAt(index_[at].slot);
  }
  [[nodiscard]] const Node* Find(const Digest& key) const noexcept {
    return const_cast<FlatStore*>(this)->Find(key);
  }
  [[nodiscard]] bool Dead(const Node& node, EventTime now) const noexcept {
    return node.touched + keep_ < now;
  }

  // Fetches what Touch() will read of `keys`, for many of them at once: one after the other, each
  // would wait for its index entry and then for its node. visit(const Node&), for what lies behind
  // a node, is called with those that seem to be there. BM_MillionWindows.
  template <class Visit>
  void Prefetch(std::span<const Digest> keys, Visit visit) const noexcept {
    if (index_.empty()) return;
    const std::size_t mask = index_.size() - 1;
    for (; !keys.empty(); keys = keys.subspan(std::min(keys.size(), kAtOnce))) {
      const auto now = keys.first(std::min(keys.size(), kAtOnce));
      for (const Digest& key : now) __builtin_prefetch(&index_[TagOf(key) & mask]);
      std::array<const Node*, kAtOnce> nodes;
      std::size_t found = 0;
      for (const Digest& key : now) {
        const std::uint32_t tag = TagOf(key);
        std::size_t at = tag & mask;
        while (index_[at].slot != kFree && index_[at].tag != tag) at = (at + 1) & mask;
        if (index_[at].slot == kFree) continue;
        nodes[found] = &NodeAt(index_[at].slot);
        __builtin_prefetch(nodes[found++], 1);
      }
      for (std::size_t i = 0; i < found; ++i) visit(*nodes[i]);
    }
  }

  // The key's node, fresh if there is none or a dead one, touched at `at`. Evicts another key to
  // make room for a fresh one. When its state has changed, Settle() follows.
  template <class Drop = NoDrop>
  Node& Touch(const Digest& key, EventTime at, Drop drop = {}) {
    if (Node* node = Find(key)) {
      if (Dead(*node, at)) {
        drop(*node);
        node->state = State{};
      }
      node->touched = at;
      return *node;
    }
    if (size() == max_keys_) ExpireBefore(at, drop);
    if (size() == max_keys_) Evict(nullptr, drop);
    return Insert(key, at);
  }

  // Done with `node`: its bytes beyond kKeyBytes changed by `bytes`. Evicts others while there is
  // too much.
  template <class Drop = NoDrop>
  void Settle(Node& node, std::int64_t bytes, Drop drop = {}) {
    Charge(bytes);
    if (over()) ExpireBefore(node.touched, drop);
    while (over() && size() > 1) Evict(&node, drop);
    if (ordered_) Order(node);
  }

  // Puts back a key of a stored state, of `bytes` beyond kKeyBytes. ShrinkToCaps() follows the last.
  Node& Restore(const Digest& key, EventTime touched, std::int64_t bytes) {
    Charge(bytes);
    return Insert(key, touched);
  }
  template <class Drop = NoDrop>
  void ShrinkToCaps(Drop drop = {}) {
    while (size() > max_keys_ || (over() && size() > 1)) Evict(nullptr, drop);
  }

  // More or fewer bytes for some key; for `drop`, and where no room is made.
  void Charge(std::int64_t bytes) noexcept { charged_ += bytes; }

  // Drops the key, if it is there, without counting it.
  template <class Drop = NoDrop>
  void Erase(const Digest& key, Drop drop = {}) {
    const std::size_t at = IndexOf(key);
    if (at != kNowhere) EraseAt(at, drop);
  }

  // Drops the keys that are dead at `time`.
  template <class Drop = NoDrop>
  void ExpireBefore(EventTime time, Drop drop = {}) {
    while (!deaths_.empty() && deaths_.front().due < time) {
      Death death = deaths_.front();
      std::pop_heap(deaths_.begin(), deaths_.end(), std::greater<>());
      deaths_.pop_back();
      if (!(marks_[death.slot] & kLive)) {
        marks_[death.slot] = 0;
        continue;
      }
      Node& node = NodeAt(death.slot);
      if (Dead(node, time)) {
        marks_[death.slot] = kLive;
        EraseAt(IndexOf(node.key), drop);
      } else {
        death.due = node.touched + keep_;
        PushDeath(death);
      }
    }
  }

  // visit(const Node&), by key, ascending.
  template <class Visit>
  void ForEach(Visit visit) const {
    std::vector<const Node*> nodes;
    nodes.reserve(size());
    for (std::uint32_t slot = 0; slot < marks_.size(); ++slot) {
      if (marks_[slot] & kLive) nodes.push_back(&NodeAt(slot));
    }
    std::sort(nodes.begin(), nodes.end(),
              [](const Node* a, const Node* b) { return a->key < b->key; });
    for (const Node* node : nodes) visit(*node);
  }

  // Counts what went for want of room inside one key, too.
  void CountEvictions(std::uint64_t count) noexcept { evictions_ += count; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::int64_t bytes() const noexcept {
    return charged_ + static_cast<std::int64_t>(size_) * kKeyBytes;
  }
  // Too much is here though nothing but the last settled key can be left: its owner lets go of it.
  [[nodiscard]] bool over() const noexcept { return bytes() > max_bytes_; }
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }
  [[nodiscard]] Operator::Numbers numbers() const noexcept {
    return {static_cast<std::int64_t>(size_), bytes(), evictions_};
  }
  void SetEvictions(std::uint64_t count) noexcept { evictions_ = count; }  // a restored state's

 private:
  // The open-addressed index: linear probing from the tag's low bits, no tombstones.
  struct Entry {
    std::uint32_t tag = 0;  // of the key
    std::uint32_t slot = kFree;
  };
  struct Death {
    EventTime due;  // or later, if the key was touched since
    std::uint32_t slot = 0;
    friend auto operator<=>(const Death&, const Death&) = default;
  };
  struct Place {
    std::uint32_t rank = 0;
    EventTime touched;
    Digest key;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  static constexpr std::uint32_t kFree = 0xFFFFFFFF;
  static constexpr std::size_t kNowhere = ~std::size_t{0};
  static constexpr std::uint32_t kChunk = 1024;  // nodes
  static constexpr std::size_t kAtOnce = 64;     // keys; what is fetched for them fits the cache
  static constexpr std::uint8_t kLive = 1;
  static constexpr std::uint8_t kWatched = 2;  // has an entry in deaths_; exactly one

  [[nodiscard]] static std::uint32_t TagOf(const Digest& key) noexcept {
    return static_cast<std::uint32_t>(key.low);
  }
  [[nodiscard]] Node& NodeAt(std::uint32_t slot) noexcept {
    return chunks_[slot / kChunk][slot % kChunk];
  }
  [[nodiscard]] const Node& NodeAt(std::uint32_t slot) const noexcept {
    return chunks_[slot / kChunk][slot % kChunk];
  }

  [[nodiscard]] std::size_t IndexOf(const Digest& key) const noexcept {
    if (index_.empty()) return kNowhere;
    const std::size_t mask = index_.size() - 1;
    const std::uint32_t tag = TagOf(key);
    for (std::size_t at = tag & mask;; at = (at + 1) & mask) {
      const Entry& entry = index_[at];
      if (entry.slot == kFree) return kNowhere;
      if (entry.tag == tag && NodeAt(entry.slot).key == key) return at;
    }
  }

  Node& Insert(const Digest& key, EventTime at) {
    if ((size_ + 1) * 4 > index_.size() * 3) Grow();
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(marks_.size());
      if (slot % kChunk == 0) chunks_.push_back(std::make_unique<Node[]>(kChunk));
      marks_.push_back(0);
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    Put({TagOf(key), slot});
    ++size_;
    Node& node = NodeAt(slot);
    node.key = key;
    node.touched = at;
    if (!(marks_[slot] & kWatched)) PushDeath({at + keep_, slot});
    marks_[slot] = kLive | kWatched;
    return node;
  }

  void PushDeath(const Death& death) {
    deaths_.push_back(death);
    std::push_heap(deaths_.begin(), deaths_.end(), std::greater<>());
  }

  void Put(const Entry& entry) noexcept {
    const std::size_t mask = index_.size() - 1;
    std::size_t at = entry.tag & mask;
    while (index_[at].slot != kFree) at = (at + 1) & mask;
    index_[at] = entry;
  }

  void Grow() {
    std::vector<Entry> old(std::max<std::size_t>(index_.size() * 2, 16));
    old.swap(index_);
    for (const Entry& entry : old) {
      if (entry.slot != kFree) Put(entry);
    }
  }

  template <class Drop>
  void EraseAt(std::size_t at, Drop& drop) {
    const std::uint32_t slot = index_[at].slot;
    Node& node = NodeAt(slot);
    drop(node);
    node.state = State{};
    marks_[slot] &= static_cast<std::uint8_t>(~kLive);
    free_.push_back(slot);
    --size_;
    // Entries behind move up, so that no probe meets a gap before its key.
    const std::size_t mask = index_.size() - 1;
    for (std::size_t next = (at + 1) & mask; index_[next].slot != kFree; next = (next + 1) & mask) {
      const std::size_t home = index_[next].tag & mask;
      if (((next - home) & mask) < ((next - at) & mask)) continue;
      index_[at] = index_[next];
      at = next;
    }
    index_[at] = Entry{};
  }

  // Evicts the least key but `spare`.
  template <class Drop>
  void Evict(const Node* spare, Drop& drop) {
    if (!ordered_) OrderAll();
    bool spared = false;
    while (true) {
      if (order_.empty()) OrderAll();
      const Place least = order_.front();
      std::pop_heap(order_.begin(), order_.end(), std::greater<>());
      order_.pop_back();
      const std::size_t at = IndexOf(least.key);
      if (at == kNowhere) continue;
      const Node& node = NodeAt(index_[at].slot);
      if (node.touched != least.touched || node.state.rank() != least.rank) continue;
      if (&node == spare) {
        spared = true;
        continue;
      }
      EraseAt(at, drop);
      ++evictions_;
      break;
    }
    if (spared) Order(*spare);
  }

  // Places that the states have left stay behind in order_; Evict() sees through them.
  void Order(const Node& node) {
    if (order_.size() > 4 * size_ + 64) return OrderAll();
    order_.push_back({node.state.rank(), node.touched, node.key});
    std::push_heap(order_.begin(), order_.end(), std::greater<>());
  }

  void OrderAll() {
    order_.clear();
    ordered_ = size_ * 2 > max_keys_ || bytes() * 2 > max_bytes_;
    if (!ordered_) return;  // far from the caps again
    for (std::uint32_t slot = 0; slot < marks_.size(); ++slot) {
      if (!(marks_[slot] & kLive)) continue;
      const Node& node = NodeAt(slot);
      order_.push_back({node.state.rank(), node.touched, node.key});
    }
    std::make_heap(order_.begin(), order_.end(), std::greater<>());
  }

  std::size_t max_keys_;
  std::int64_t max_bytes_;
  std::chrono::nanoseconds keep_;
  std::vector<std::unique_ptr<Node[]>> chunks_;
  std::vector<std::uint8_t> marks_;  // per slot: kLive, kWatched
  std::vector<std::uint32_t> free_;  // slots to use again
  std::vector<Entry> index_;         // a power of two, at most three quarters full
  std::vector<Death> deaths_;        // heap, least first
  std::vector<Place> order_;         // heap, least first; of use while ordered_
  bool ordered_ = false;
  std::size_t size_ = 0;
  std::int64_t charged_ = 0;
  std::uint64_t evictions_ = 0;
};

}  // namespace faultline
