// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace faultline {

// A tree of object keys, looked up on the hot path: one hash and one compare per key.
//
// Place      filled by FieldTable::Builder -> [KeyTree] -> walker.
// Memory     A slot of 32 bytes per key at a load of at most a quarter; lookups allocate nothing.
// Threads    Immutable after Seal; shared.
class KeyTree {
 public:
  using NodeId = std::uint32_t;
  static constexpr NodeId kRoot = 0;
  static constexpr NodeId kNone = 0xffffffff;

  struct Node {
    NodeId parent = kNone;
    NodeId wildcard = kNone;    // the child for a key that no literal child has
    NodeId also = kNone;        // a second place that gets this one's values
    NodeId named_list = kNone;  // index into the table's named lists when this is one
    bool recorded = false;      // somebody asks for the values of this place
    bool inner = false;         // has children
    bool is_wildcard = false;   // stands for several keys, so two of them are no duplicates
    bool blanks = false;        // blanks in the keys of this object do not count
  };

  KeyTree() : nodes_(1) {}
  KeyTree(const KeyTree&) = delete;  // slots point into edges
  KeyTree& operator=(const KeyTree&) = delete;
  KeyTree(KeyTree&&) noexcept = default;
  KeyTree& operator=(KeyTree&&) noexcept = default;
  ~KeyTree() = default;

  // Building. The child under `key`, made where it is not there.
  NodeId Make(NodeId parent, std::string_view key);
  NodeId MakeWildcard(NodeId parent);
  NodeId MakeDetached(NodeId parent);                                // reached by `also` only
  [[nodiscard]] std::vector<NodeId> ObjectsOf(NodeId parent) const;  // children with children
  Node& at(NodeId node) { return nodes_[node]; }
  void Seal();  // from here on Child() may be called

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] const Node& at(NodeId node) const noexcept { return nodes_[node]; }
  [[nodiscard]] const Node* nodes() const noexcept { return nodes_.data(); }

  // A key's first and last bytes, from which its hash is made. Reads nothing outside the key.
  struct Digest {
    std::uint64_t front = 0;
    std::uint64_t back = 0;
    std::size_t size = 0;
  };
  [[nodiscard]] static Digest DigestOf(std::string_view key) noexcept {
    const char* data = key.data();
    const std::size_t size = key.size();
    if (size >= 8) return {Load<std::uint64_t>(data), Load<std::uint64_t>(data + size - 8), size};
    if (size >= 4) return {Load<std::uint32_t>(data), Load<std::uint32_t>(data + size - 4), size};
    if (size == 0) return {};
    const auto byte = [data](std::size_t i) { return static_cast<unsigned char>(data[i]); };
    return {byte(0) | std::uint64_t{byte(size / 2)} << 8, byte(size - 1), size};
  }
  // Whether a backslash stands among the bytes of the digest: all bytes of a key of up to 16.
  [[nodiscard]] static bool HoldsBackslash(const Digest& digest) noexcept {
    const auto some = [](std::uint64_t word) {
      const std::uint64_t x = word ^ 0x5c5c5c5c5c5c5c5c;
      return ((x - 0x0101010101010101) & ~x & 0x8080808080808080) != 0;
    };
    return some(digest.front) || some(digest.back);
  }

  // The literal child of `parent` under `key`, else its wildcard child, else kNone.
  [[nodiscard]] NodeId Child(NodeId parent, std::string_view key,
                             const Digest& digest) const noexcept {
    const std::uint64_t hash = Hash(parent, digest, seed_);
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.child == kNone) return nodes_[parent].wildcard;
      if (slot.hash == hash && slot.parent == parent && slot.size == key.size() &&
          std::memcmp(slot.key, key.data(), key.size()) == 0) {
        return slot.child;
      }
    }
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    const char* key = nullptr;
    std::uint32_t size = 0;
    NodeId parent = kNone;
    NodeId child = kNone;  // kNone: empty
  };
  struct Edge {
    NodeId parent;
    std::string key;
    NodeId child;
  };

  template <class T>
  static T Load(const char* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  static std::uint64_t Hash(NodeId parent, const Digest& digest, std::uint64_t seed) noexcept {
    std::uint64_t x = (digest.front ^ seed) * 0x9e3779b97f4a7c15;
    x ^= (digest.back + parent) * 0xc2b2ae3d27d4eb4f + digest.size;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93;
    return x ^ (x >> 32);
  }
  bool Place(std::uint64_t seed, bool collisions);

  std::vector<Node> nodes_;
  std::vector<Edge> edges_;  // keeps the bytes of all keys; not touched after Seal
  std::vector<Slot> slots_;  // a power of two
  std::uint64_t seed_ = 0;
  std::size_t mask_ = 0;
};

}  // namespace faultline
