// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/event_time.h"

namespace faultline {

// State per key for one correlation, capped.
//
// Order      Touch() is called with non-decreasing times (hits arrive in the total order), so the
// list
//            of keys by last touch is also sorted by time: expiry and eviction look at its front
//            only.
// Memory     At most `max_keys` keys; a new key above that evicts the least recently touched one,
// which
//            is deterministic, and counts it.
// Threads    Confined to its correlator.
template <class State>
class KeyedStore {
 public:
  explicit KeyedStore(std::size_t max_keys) : max_keys_(max_keys) {}

  // The key's state, new if need be, and marks it as touched at `time`.
  State& Touch(const std::string& key, EventTime time) {
    const auto found = index_.find(key);
    if (found != index_.end()) {
      found->second->touched = time;
      nodes_.splice(nodes_.end(), nodes_, found->second);
      return found->second->state;
    }
    if (nodes_.size() == max_keys_) {
      Drop(nodes_.begin());
      ++evictions_;
    }
    nodes_.push_back({key, time, State{}});
    index_.emplace(std::string_view(nodes_.back().key), std::prev(nodes_.end()));
    return nodes_.back().state;
  }

  // Forgets the keys last touched before `time`: nothing in their windows can count any more.
  void ExpireBefore(EventTime time) {
    while (!nodes_.empty() && nodes_.front().touched < time) Drop(nodes_.begin());
  }

  template <class Visit>
  void ForEach(Visit visit) {
    for (Node& node : nodes_) visit(node.state);
  }

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

 private:
  struct Node {
    std::string key;
    EventTime touched;
    State state;
  };
  using Nodes = std::list<Node>;

  void Drop(typename Nodes::iterator node) {
    index_.erase(node->key);
    nodes_.erase(node);
  }

  std::size_t max_keys_;
  Nodes nodes_;  // least recently touched first
  std::unordered_map<std::string_view, typename Nodes::iterator> index_;  // views into nodes_
  std::uint64_t evictions_ = 0;
};

}  // namespace faultline
