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

// Thousands of literals looked for in short texts, as command lines are. Each literal is known by
// four bytes of it, those that fewest others hold; for every place of a text one bit tells whether
// such four bytes may begin there, eight places at a time, and where they do the literal is
// compared. Of a q-gram filter (Karp and Rabin 1987; one bitmap in place of a hash set, as in Moraru
// and Andersen, "Exact Pattern Matching with Feed-Forward Bloom Filters", 2012) no place is skipped:
// texts are too short for that. Hyperscan's matcher for thousands of literals has few bits for each
// and confirms at nearly every byte (docs/performance.md has the figures, also where it is better).
//
// Place      value of a field -> FieldDatabase -> [GramTable] -> Truth.
// Memory     About 20 bytes a literal and its text, and at most 256 KiB of bitmaps.
// Threads    Immutable after Seal().
class GramTable {
 public:
  static constexpr std::size_t kShortest = 3;  // bytes of a literal

  // `lanes`: by vectors where the CPU has them.
  explicit GramTable(bool lanes = true) noexcept;

  // Requires: at least kShortest bytes, and it was not added before.
  void Add(std::string_view literal, std::uint32_t meaning);
  void Seal();
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

  // found(meaning, where the literal ends) for each place where a literal stands in `text`.
  template <class Found>
  void Find(std::string_view text, const Found& found) const noexcept {
    if (empty()) return;
    for (std::size_t begin = 0; begin + kShortest <= text.size(); begin += kBlock) {
      const Marks marks = Mark(text, begin);
      for (std::uint64_t left = marks.grams; left != 0; left &= left - 1) {
        const std::size_t at = begin + static_cast<std::size_t>(std::countr_zero(left));
        FindAt<false>(text, at, HashOf(Gram(text.data() + at)), found);
      }
      for (std::uint64_t left = marks.shorts; left != 0; left &= left - 1) {
        const std::size_t at = begin + static_cast<std::size_t>(std::countr_zero(left));
        FindAt<true>(text, at, HashOf(ShortGram(text.data() + at)), found);
      }
    }
  }

 private:
  static constexpr std::size_t kGram = sizeof(std::uint32_t);
  static constexpr std::size_t kBlock = 64;  // places that are marked at once

  // A bit for each place of a block at which a literal's four or only three bytes may begin.
  struct Marks {
    std::uint64_t grams = 0, shorts = 0;
  };
  struct Bitmap {
    std::vector<std::uint32_t> words;  // a power of two
    unsigned shift = 0;                // of a hash, to the number of its bit
  };
  struct Entry {
    std::uint32_t text = 0;  // where in texts_
    std::uint32_t size = 0;
    std::uint32_t gram = 0;  // where in the literal its four bytes are
    std::uint32_t meaning = 0;
  };
  struct Literal {
    Entry entry;
    std::uint32_t hash = 0;
  };

  [[nodiscard]] static std::uint32_t Gram(const char* at) noexcept {
    std::uint32_t gram;
    std::memcpy(&gram, at, sizeof gram);
    return gram;
  }
  [[nodiscard]] static std::uint32_t ShortGram(const char* at) noexcept {
    std::uint32_t gram = 0;
    std::memcpy(&gram, at, kShortest);
    return gram << 8;
  }
  [[nodiscard]] static std::uint32_t HashOf(std::uint32_t gram) noexcept {
    return gram * kMultiplier;
  }
  static constexpr std::uint32_t kMultiplier = 0x9e3779b1;

  template <bool kShort, class Found>
  void FindAt(std::string_view text, std::size_t at, std::uint32_t hash,
              const Found& found) const noexcept {
    const std::uint32_t* const first = buckets_.data() + (hash >> bucket_shift_);
    for (std::uint32_t i = first[0]; i < first[1]; ++i) {
      const Entry& entry = entries_.data()[i];
      if ((entry.size < kGram) != kShort || entry.gram > at ||
          at - entry.gram + entry.size > text.size())
        continue;
      const std::size_t begin = at - entry.gram;
      if (std::memcmp(text.data() + begin, texts_.data() + entry.text, entry.size) != 0) continue;
      found(entry.meaning, begin + entry.size);
    }
  }
  [[nodiscard]] Marks Mark(std::string_view text, std::size_t begin) const noexcept;
  [[nodiscard]] static Marks MarkPlainly(const Bitmap& grams, const Bitmap& shorts, const char* at,
                                         std::size_t places) noexcept;
  [[nodiscard]] static Marks MarkByLanes(const Bitmap& grams, const Bitmap& shorts, const char* at,
                                         std::size_t places) noexcept;

  bool lanes_;
  std::vector<Literal> literals_;  // until Seal
  std::string texts_;
  Bitmap grams_, shorts_;
  std::vector<std::uint32_t> buckets_;  // by the upper bits of a hash, the first of its entries
  unsigned bucket_shift_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace faultline
