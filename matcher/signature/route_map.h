// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace faultline {

// Finds what was kept under a few numbers. At its bound it forgets all and begins anew: its keys
// come from events.
//
// Cost       One hash over the numbers, mostly one compare.
// Threads    Confined to one thread.
template <class Value>
class RouteMap {
 public:
  explicit RouteMap(std::size_t numbers) : width_(numbers), slots_(kSlots, kFree) {}

  // Requires: as many numbers as were said. Null where nothing was kept.
  [[nodiscard]] Value* Find(std::span<const std::uint32_t> key) const noexcept {
    for (std::size_t at = Home(key);; at = (at + 1) % kSlots) {
      const std::uint32_t index = slots_.data()[at];
      if (index == kFree) return nullptr;
      if (std::equal(key.begin(), key.end(), keys_.data() + index * width_)) {
        return values_.data()[index];
      }
    }
  }
  // Requires: Find(key) is null.
  void Keep(std::span<const std::uint32_t> key, Value* value) {
    if (values_.size() == kMost) {
      values_.clear();
      keys_.clear();
      std::fill(slots_.begin(), slots_.end(), kFree);
    }
    std::size_t at = Home(key);
    while (slots_[at] != kFree) at = (at + 1) % kSlots;
    slots_[at] = static_cast<std::uint32_t>(values_.size());
    keys_.insert(keys_.end(), key.begin(), key.end());
    values_.push_back(value);
  }

 private:
  static constexpr std::size_t kMost = 4096;
  static constexpr std::size_t kSlots = 4 * kMost;
  static constexpr std::uint32_t kFree = 0xffffffff;

  static std::size_t Home(std::span<const std::uint32_t> key) noexcept {
    std::uint64_t hash = 0;
    for (const std::uint32_t number : key) hash = (hash ^ number) * 0x9e3779b97f4a7c15;
    return static_cast<std::size_t>(hash >> 40) % kSlots;
  }

  std::size_t width_;
  std::vector<std::uint32_t> slots_;  // index of a value; open addressing
  std::vector<std::uint32_t> keys_;   // `width_` numbers each
  std::vector<Value*> values_;
};

}  // namespace faultline
