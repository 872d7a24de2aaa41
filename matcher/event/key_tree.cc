// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/key_tree.h"

#include <algorithm>
#include <bit>

#include "base/free_memory.h"

namespace faultline {

KeyTree::NodeId KeyTree::Make(NodeId parent, std::string_view key) {
  if (building_.size() < 2 * (edges_.size() + 1)) GrowBuilding();
  std::size_t at = HomeOf(parent, key);
  for (; building_[at] != kNone; at = (at + 1) & (building_.size() - 1)) {
    const Edge& edge = edges_[building_[at]];
    if (edge.parent == parent && edge.key == key) return edge.child;
  }
  building_[at] = static_cast<std::uint32_t>(edges_.size());
  const NodeId child = MakeDetached(parent);
  nodes_[parent].inner = true;
  edges_.push_back(Edge{parent, std::string(key), child});
  return child;
}

void KeyTree::GrowBuilding() {
  building_.assign(std::bit_ceil(4 * (edges_.size() + 8)), kNone);
  for (std::size_t i = 0; i < edges_.size(); ++i) {
    std::size_t at = HomeOf(edges_[i].parent, edges_[i].key);
    while (building_[at] != kNone) at = (at + 1) & (building_.size() - 1);
    building_[at] = static_cast<std::uint32_t>(i);
  }
}

KeyTree::NodeId KeyTree::MakeWildcard(NodeId parent) {
  if (nodes_[parent].wildcard != kNone) return nodes_[parent].wildcard;
  const NodeId child = MakeDetached(parent);
  nodes_[child].is_wildcard = true;
  nodes_[parent].wildcard = child;
  nodes_[parent].inner = true;
  return child;
}

KeyTree::NodeId KeyTree::MakeDetached(NodeId parent) {
  nodes_.emplace_back();
  nodes_.back().parent = parent;
  return static_cast<NodeId>(nodes_.size() - 1);
}

std::vector<KeyTree::NodeId> KeyTree::ObjectsOf(NodeId parent) const {
  std::vector<NodeId> objects;
  for (NodeId node = 0; node < nodes_.size(); ++node) {
    const Node& child = nodes_[node];
    if (child.parent == parent && child.inner && !child.is_wildcard) objects.push_back(node);
  }
  return objects;
}

std::string_view KeyTree::KeyOf(NodeId node) const noexcept {
  const auto edge = std::find_if(edges_.begin(), edges_.end(),
                                 [node](const Edge& other) { return other.child == node; });
  return edge == edges_.end() ? std::string_view() : std::string_view(edge->key);
}

void KeyTree::Seal() {
  FreeMemory(building_);
  std::stable_sort(edges_.begin(), edges_.end(),
                   [](const Edge& a, const Edge& b) { return a.parent < b.parent; });
  slots_.assign(1, {});  // that of an object without keys
  entries_.reserve(edges_.size());
  for (std::size_t begin = 0, end = 0; begin < edges_.size(); begin = end) {
    while (end < edges_.size() && edges_[end].parent == edges_[begin].parent) ++end;
    Node& object = nodes_[edges_[begin].parent];
    object.first = static_cast<std::uint32_t>(slots_.size());
    object.mask = static_cast<std::uint32_t>(std::bit_ceil(2 * (end - begin)) - 1);
    slots_.resize(slots_.size() + object.mask + 1);
    Slot* const slots = slots_.data() + object.first;
    for (std::size_t i = begin; i < end; ++i) {
      const std::string& key = edges_[i].key;
      const Digest digest = DigestOf(key);
      const std::uint64_t hash = Hash(digest);
      std::uint64_t at = hash & object.mask;
      while (slots[at].entry != kNone) at = (at + 1) & object.mask;
      slots[at] = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(i)};
      entries_.push_back({digest.front, digest.back, key.data(),
                          static_cast<std::uint32_t>(key.size()), edges_[i].child});
    }
  }
}

}  // namespace faultline
