// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "matcher/signature/hash_slots.h"
#include "matcher/signature/truth.h"

namespace faultline {

// Texts with what each means, looked up whole. The same text may stand for several predicates.
//
// Cost       A bit for a text of a size that no entry has; else one hash and mostly one compare.
// Threads    Immutable after Seal().
class ExactTable {
 public:
  // `text_only`: not for texts that are not valid UTF-8.
  void Add(std::string_view text, PredicateId id, bool text_only);
  void Seal() { slots_.Seal(); }

  [[nodiscard]] bool empty() const noexcept { return slots_.empty(); }
  // Sets what equals `text`.
  void Find(std::string_view text, bool valid_utf8, Truth& truth) const noexcept;

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint32_t at = 0;  // in texts_
    std::uint32_t size = 0;
    PredicateId meaning = HashSlots<Entry>::kFree;
    bool text_only = false;
  };
  static constexpr std::size_t kSizes = 256;  // longer ones count as the last

  std::string texts_;
  HashSlots<Entry> slots_;
  std::array<std::uint64_t, kSizes / 64> sizes_{};  // one bit per size of a text
};

}  // namespace faultline
