// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "matcher/signature/hash_slots.h"
#include "matcher/signature/value_hash.h"

namespace faultline {

// Literals that texts end with and that hold a backslash before their last part, as rules name
// programs: `\certutil.exe`. What stands from the last backslash on is the same in a literal and in a
// text that ends with it, so one hash of it finds them all, and nothing is scanned.
//
// Place      value of a field -> FieldDatabase -> [EndTable] -> Truth.
// Memory     About 48 bytes a literal and its text.
// Threads    Immutable after Seal().
class EndTable {
 public:
  // Not what ends with the backslash itself: all of these would share one hash.
  [[nodiscard]] static bool Takes(std::string_view literal) noexcept {
    const std::size_t mark = literal.rfind(kMark);
    return mark != std::string_view::npos && mark + 1 < literal.size();
  }
  // Requires: Takes(literal), and it was not added before.
  void Add(std::string_view literal, std::uint32_t meaning);
  void Seal() { slots_.Seal(); }

  // found(meaning) for each literal that `text` ends with.
  template <class Found>
  void Find(std::string_view text, const Found& found) const noexcept {
    if (slots_.empty()) return;
    const std::size_t mark = text.rfind(kMark);
    if (mark == std::string_view::npos) return;
    slots_.LookAt(ValueHash(text.substr(mark)), [&](const Entry& entry) {
      if (text.ends_with({texts_.data() + entry.at, entry.size})) found(entry.meaning);
    });
  }

 private:
  struct Entry {
    std::uint64_t hash = 0;  // of what stands from the last mark on
    std::uint32_t at = 0;    // in texts_
    std::uint32_t size = 0;
    std::uint32_t meaning = HashSlots<Entry>::kFree;
  };
  static constexpr char kMark = '\\';

  std::string texts_;
  HashSlots<Entry> slots_;
};

}  // namespace faultline
