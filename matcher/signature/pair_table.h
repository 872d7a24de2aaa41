// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "matcher/signature/hash_slots.h"

namespace faultline {

// Literals of the form "name=value" with one equals sign and a long value, like those of Sysmon's
// Hashes: thousands of them cost one look-up at each equals sign of a text.
//
// Threads    Immutable after Seal().
class PairTable {
 public:
  static constexpr std::size_t kValueBytes = 16;  // of the value, by which it is looked up

  [[nodiscard]] static bool Takes(std::string_view literal) noexcept;
  // Requires: Takes(literal).
  void Add(std::string_view literal, std::uint32_t meaning);
  void Seal() { slots_.Seal(); }

  // found(meaning, where the literal ends) for each place where a literal stands in `text`.
  template <class Found>
  void Find(std::string_view text, const Found& found) const noexcept {
    if (slots_.empty()) return;
    for (std::size_t equals = text.find('='); equals < text.size();
         equals = text.find('=', equals + 1)) {
      if (text.size() - equals - 1 < kValueBytes) return;
      FindAt(text, equals, found);
    }
  }

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint32_t at = 0;  // in texts_
    std::uint32_t size = 0;
    std::uint32_t equals = 0;  // where the sign stands in it
    std::uint32_t meaning = HashSlots<Entry>::kFree;
  };

  [[nodiscard]] static std::uint64_t HashOf(const char* value) noexcept;

  template <class Found>
  void FindAt(std::string_view text, std::size_t equals, const Found& found) const noexcept {
    const std::uint64_t hash = HashOf(text.data() + equals + 1);
    slots_.LookAt(hash, [&](const Entry& entry) {
      if (entry.equals > equals) return;
      const std::size_t begin = equals - entry.equals;
      if (text.substr(begin, entry.size) != std::string_view(texts_).substr(entry.at, entry.size)) {
        return;
      }
      found(entry.meaning, begin + entry.size);
    });
  }

  std::string texts_;
  HashSlots<Entry> slots_;
};

}  // namespace faultline
