// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/key_tree.h"

#include <algorithm>
#include <bit>

namespace faultline {

KeyTree::NodeId KeyTree::Make(NodeId parent, std::string_view key) {
  // Linear in the edges only while rules load, from the back: paths come prefix by prefix.
  const auto digest = DigestOf(key);
  const std::uint64_t hash = Hash(parent, digest, 0);
  if (slots_.size() < 4 * (edges_.size() + 1)) {
    slots_.assign(std::bit_ceil(8 * (edges_.size() + 8)), Slot{});
    mask_ = slots_.size() - 1;
    seed_ = 0;
    Place(0, true);
  }
  for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Slot& slot = slots_[at];
    if (slot.child == kNone) break;
    const Edge& edge = edges_[slot.size];  // while building, a slot's size is its edge
    if (slot.hash == hash && edge.parent == parent && edge.key == key) return edge.child;
  }
  const NodeId child = MakeDetached(parent);
  nodes_[parent].inner = true;
  edges_.push_back(Edge{parent, std::string(key), child});
  std::size_t at = hash & mask_;
  while (slots_[at].child != kNone) at = (at + 1) & mask_;
  slots_[at] = Slot{hash, nullptr, static_cast<std::uint32_t>(edges_.size() - 1), parent, child};
  return child;
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

// Fills the slots, while building with the index of the edge in `size`; tells whether every key
// stands in its own slot. Without `collisions` it stops at the first that does not.
bool KeyTree::Place(std::uint64_t seed, bool collisions) {
  std::fill(slots_.begin(), slots_.end(), Slot{});
  bool perfect = true;
  for (std::size_t i = 0; i < edges_.size(); ++i) {
    const Edge& edge = edges_[i];
    const std::uint64_t hash = Hash(edge.parent, DigestOf(edge.key), seed);
    std::size_t at = hash & mask_;
    for (; slots_[at].child != kNone; at = (at + 1) & mask_) perfect = false;
    if (!perfect && !collisions) return false;
    slots_[at] = Slot{hash, nullptr, static_cast<std::uint32_t>(i), edge.parent, edge.child};
  }
  return perfect;
}

void KeyTree::Seal() {
  constexpr std::uint64_t kTries = 16;
  slots_.assign(std::bit_ceil(4 * (edges_.size() + 1)), Slot{});
  mask_ = slots_.size() - 1;
  std::uint64_t seed = 1;
  while (seed < kTries && !Place(seed * 0xa0761d6478bd642f, false)) ++seed;
  seed_ = seed * 0xa0761d6478bd642f;
  Place(seed_, true);
  for (Slot& slot : slots_) {
    if (slot.child == kNone) continue;
    const std::string& key = edges_[slot.size].key;
    slot.key = key.data();
    slot.size = static_cast<std::uint32_t>(key.size());
  }
}

}  // namespace faultline
