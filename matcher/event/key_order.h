// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/event/key_tree.h"
#include "matcher/event/lanes.h"

namespace faultline {

// What follows what: in which order the keys of a stream's objects come, and which place of the key
// tree each stands for. Programs write their objects in one order, so that the next key is mostly
// known before it is read, and one compare of its bytes with what is expected spares digest, hash
// and table.
//
// Place      walker, before it asks the key tree.
// Result     Only keys equal byte by byte are taken; what is remembered changes the cost and never
//            the answer. As speculative as Mison's pattern trees (Li et al., VLDB 2017), with the
//            keys instead of their offsets.
// Memory     At most kMostSteps steps of 16 bytes and kMostKeys keys of 64 bytes and their texts;
//            when full all is forgotten. Learning is rationed, so that objects of ever new keys cost
//            what they cost without this.
// Threads    Confined to one thread, like the walker. For one key tree.
class KeyOrder {
 public:
  // A point in an object: behind its brace or behind one of its keys.
  using Point = std::uint32_t;
  static constexpr Point kUnknown = 0xffffffff;
  static constexpr Point kRoot = 0;  // behind the brace of an event

  using Text = std::array<char, 2 * kLanes>;
  struct alignas(64) Key {
    Text text{};             // the first bytes of the key and its closing quote
    std::uint32_t size = 0;  // with that quote
    std::uint32_t rest = 0;  // where in `rests_` the bytes behind those stand
    std::uint32_t hash = 0;
    KeyTree::NodeId node = KeyTree::kNone;
  };

  KeyOrder() { Forget(); }

  // Before each event; points of events before are no longer good.
  void Begin() noexcept {
    if (full_) Forget();
    if (credit_ < kMostCredit) credit_ += kCreditPerEvent;
  }

  // The key that begins at `begin`, if it followed `point` before: then `point` is behind it, and
  // what is given is good until the next Learn. Else null. Reads up to `limit`. Requires: a raw key
  // and its quote, and nothing but blanks from there to `colon`, which is before `limit`.
  [[nodiscard]] const Key* Follow(Point& point, const char* begin, const char* colon,
                                  const char* limit) noexcept {
    if (point == kUnknown) return nullptr;
    const Point next = steps_.data()[point].next;
    if (next == kUnknown) return nullptr;
    const Key& key = keys_.data()[steps_.data()[next].key];
    if (!Is(key, begin, limit)) return FollowOther(point, begin, colon, limit);
    point = next;
    return &key;
  }

  // That raw key `key` of an object at place `object` stands for `node` and follows `point`, which
  // Follow did not know; `point` is behind it then, or unknown.
  void Learn(Point& point, std::string_view key, KeyTree::NodeId object, KeyTree::NodeId node);

  // Behind the brace of an object that is the value, or in the value, of the key before `point`.
  [[nodiscard]] Point Within(Point point) {
    if (point == kUnknown) return kUnknown;
    const Point within = steps_.data()[point].within;
    return within != kUnknown ? within : LearnWithin(point);
  }

 private:
  static constexpr std::size_t kMostSteps = 65536;
  static constexpr std::size_t kMostKeys = 8192;
  static constexpr std::size_t kLongestKey = 256;
  static constexpr int kMostCredit = 16384;
  static constexpr int kCreditPerEvent = 2;

  struct Step {
    std::uint32_t key = 0;    // number of the key before this point
    Point before = kUnknown;  // behind the key before that
    Point next = kUnknown;    // behind the key that followed last
    Point within = kUnknown;
  };

  // Per size the bytes that count.
  alignas(64) static constexpr std::array<Text, sizeof(Text) + 1> kMasks = [] {
    std::array<Text, sizeof(Text) + 1> masks{};
    for (std::size_t size = 0; size < masks.size(); ++size) {
      for (std::size_t i = 0; i < size; ++i) masks[size][i] = -1;
    }
    return masks;
  }();

  [[nodiscard]] bool Is(const Key& key, const char* begin, const char* limit) const noexcept {
    if (limit - begin < static_cast<std::ptrdiff_t>(sizeof(Text)) || key.size > sizeof(Text)) {
      return IsSlowly(key, begin, limit);
    }
    const char* const mask = kMasks.data()[key.size].data();
    const Lanes low = (LoadLanes(begin) ^ LoadLanes(key.text.data())) & LoadLanes(mask);
    const Lanes high = (LoadLanes(begin + kLanes) ^ LoadLanes(key.text.data() + kLanes)) &
                       LoadLanes(mask + kLanes);
    std::uint64_t words[2];
    const Lanes both = low | high;
    std::memcpy(words, &both, sizeof words);
    return (words[0] | words[1]) == 0;
  }
  [[nodiscard, gnu::noinline]] bool IsSlowly(const Key& key, const char* begin,
                                             const char* limit) const noexcept;
  [[nodiscard]] const Key* FollowOther(Point& point, const char* begin, const char* colon,
                                       const char* limit) noexcept;
  // Of the first bytes of a key, of which there are `size` with its quote; reads up to `limit`.
  [[nodiscard]] static std::uint32_t HashOf(const char* begin, std::size_t size,
                                            const char* limit) noexcept;
  // Where in `places_` what follows `point` by that key stands, or an empty place for it; kNoPlace
  // where there are too many others.
  [[nodiscard]] std::size_t PlaceOf(Point point, std::uint32_t hash, const char* begin,
                                    const char* limit) const noexcept;
  [[nodiscard]] bool MayLearn() const noexcept { return !full_ && credit_ > 0; }
  void Put(Point point);
  void GrowPlaces();
  [[nodiscard]] Point LearnWithin(Point point);
  [[nodiscard]] Point MakeStep(Point before, std::uint32_t key);
  [[nodiscard]] std::uint32_t NumberOf(std::string_view key, std::uint32_t hash,
                                       KeyTree::NodeId object, KeyTree::NodeId node);
  void Forget();

  std::vector<Step> steps_;
  // Steps by the one before and their keys, of points that more than one key follows; else `next`
  // is all there is. kUnknown: empty.
  std::vector<Point> places_;
  std::size_t placed_ = 0;
  std::vector<Key> keys_;
  std::string rests_;
  std::map<std::string, std::uint32_t> numbers_;  // of keys, by object and bytes
  int credit_ = kMostCredit;
  bool full_ = false;
};

}  // namespace faultline
