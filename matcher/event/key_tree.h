// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
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
// Memory     48 bytes per key at most, of which those of one object lie together; lookups allocate
//            nothing.
// Threads    Immutable after Seal; shared.
class KeyTree {
 public:
  using NodeId = std::uint32_t;
  static constexpr std::size_t kHalf = sizeof(std::uint64_t);  // of what a digest takes of a key
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
    std::uint32_t first = 0;    // where the slots of its keys begin, and how many there are less 1;
    std::uint32_t mask = 0;     // without keys an empty one
  };

  KeyTree() : nodes_(1) {}
  KeyTree(const KeyTree&) = delete;  // entries point into edges
  KeyTree& operator=(const KeyTree&) = delete;
  KeyTree(KeyTree&&) noexcept = default;
  KeyTree& operator=(KeyTree&&) noexcept = default;
  ~KeyTree() = default;

  // Building. The child under `key`, made where it is not there.
  NodeId Make(NodeId parent, std::string_view key);
  NodeId MakeWildcard(NodeId parent);
  NodeId MakeDetached(NodeId parent);                                // reached by `also` only
  [[nodiscard]] std::vector<NodeId> ObjectsOf(NodeId parent) const;  // children with children
  [[nodiscard]] std::string_view KeyOf(NodeId node) const noexcept;  // empty where it has none
  Node& at(NodeId node) { return nodes_[node]; }
  void Seal();  // from here on Child() may be called

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] const Node& at(NodeId node) const noexcept { return nodes_.data()[node]; }
  [[nodiscard]] const Node* nodes() const noexcept { return nodes_.data(); }

  // A key's first and last eight bytes, from which its hash is made: the whole of a key of up to 16.
  struct Digest {
    std::uint64_t front = 0;
    std::uint64_t back = 0;
    std::size_t size = 0;
  };
  // Reads nothing outside the key.
  [[nodiscard]] static Digest DigestOf(std::string_view key) noexcept {
    if (key.size() >= kHalf) return DigestBehind(key);
    std::uint64_t whole = 0;
    if (!key.empty()) std::memcpy(&whole, key.data(), key.size());
    return {whole, whole, key.size()};
  }
  // The same without a branch. Requires: the key is not empty, and the kHalf bytes that end where it
  // ends can be read.
  [[nodiscard]] static Digest DigestBehind(std::string_view key) noexcept {
    static_assert(std::endian::native == std::endian::little);
    const char* const last = key.data() + key.size() - kHalf;
    const bool whole = key.size() < kHalf;
    const std::size_t shift = whole ? 8 * (kHalf - key.size()) : 0;
    return {Load(whole ? last : key.data()) >> shift, Load(last) >> shift, key.size()};
  }
  // Whether `c`, which is not 0, stands in the key of that digest.
  [[nodiscard]] static bool Holds(std::string_view key, const Digest& digest, char c) noexcept {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    const auto some = [c](std::uint64_t word) {
      const std::uint64_t x = word ^ kOnes * static_cast<unsigned char>(c);
      return ((x - kOnes) & ~x & 0x8080808080808080) != 0;
    };
    return some(digest.front) || some(digest.back) ||
           (key.size() > kInDigest && std::memchr(key.data(), c, key.size()) != nullptr);
  }

  // The literal child of `parent` under `key`, else its wildcard child, else kNone.
  [[nodiscard]] NodeId Child(NodeId parent, std::string_view key,
                             const Digest& digest) const noexcept {
    const Node& node = nodes_.data()[parent];
    const Slot* const slots = slots_.data() + node.first;
    const std::uint64_t hash = Hash(digest);
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::uint64_t at = hash & node.mask;; at = (at + 1) & node.mask) {
      const Slot& slot = slots[at];
      if (slot.entry == kNone) return node.wildcard;
      if (slot.tag != tag) continue;
      const Entry& entry = entries_.data()[slot.entry];
      if (entry.front != digest.front || entry.back != digest.back || entry.size != digest.size) {
        continue;
      }
      if (entry.size <= kInDigest ||
          std::memcmp(entry.key + kHalf, key.data() + kHalf, entry.size - kInDigest) == 0) {
        return entry.child;
      }
    }
  }

 private:
  static constexpr std::size_t kInDigest = 2 * kHalf;  // keys up to this size are in their digest

  struct Slot {
    std::uint32_t tag = 0;        // upper half of the hash
    std::uint32_t entry = kNone;  // kNone: empty
  };
  struct Entry {
    std::uint64_t front = 0;
    std::uint64_t back = 0;
    const char* key = nullptr;
    std::uint32_t size = 0;
    NodeId child = kNone;
  };
  struct Edge {
    NodeId parent;
    std::string key;
    NodeId child;
  };

  static std::uint64_t Load(const char* from) noexcept {
    std::uint64_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  static std::uint64_t Hash(const Digest& digest) noexcept {
    std::uint64_t x = digest.front * 0x9e3779b97f4a7c15;
    x ^= digest.back * 0xc2b2ae3d27d4eb4f + digest.size;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93;
    return x ^ (x >> 32);
  }
  [[nodiscard]] std::size_t HomeOf(NodeId parent, std::string_view key) const noexcept {
    return (Hash(DigestOf(key)) + parent * std::size_t{0x9e3779b1}) & (building_.size() - 1);
  }
  void GrowBuilding();

  std::vector<Node> nodes_;
  std::vector<Edge> edges_;              // keeps the bytes of all keys; not touched after Seal
  std::vector<std::uint32_t> building_;  // numbers of edges by hash, kNone: empty; until Seal
  std::vector<Slot> slots_;              // per object a power of two; after Seal
  std::vector<Entry> entries_;           // likewise, those of an object together
};

}  // namespace faultline
