// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/free_memory.h"

namespace faultline {

// Entries that are looked up by 64 bits of a hash: open addressing, filled once. An Entry has a `hash`
// and a `meaning`, which is kFree where it was made by default and in no entry that is added.
//
// Threads    Immutable after Seal().
template <class Entry>
class HashSlots {
 public:
  static constexpr std::uint32_t kFree = 0xffffffff;

  void Add(const Entry& entry) { entries_.push_back(entry); }
  void Seal() {
    if (entries_.empty()) return;
    slots_.assign(std::bit_ceil(entries_.size() * 2), {});
    for (const Entry& entry : entries_) {
      std::size_t at = entry.hash & (slots_.size() - 1);
      while (slots_[at].meaning != kFree) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = entry;
    }
    FreeMemory(entries_);
  }
  [[nodiscard]] bool empty() const noexcept { return slots_.empty(); }

  // look(entry) at each that has this hash. Requires: Seal(), and that it is not empty.
  template <class Look>
  void LookAt(std::uint64_t hash, const Look& look) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    const Entry* const slots = slots_.data();
    for (std::size_t at = hash & mask; slots[at].meaning != kFree; at = (at + 1) & mask) {
      if (slots[at].hash == hash) look(slots[at]);
    }
  }

 private:
  std::vector<Entry> entries_;  // until Seal
  std::vector<Entry> slots_;    // a power of two
};

}  // namespace faultline
