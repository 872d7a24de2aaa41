// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace faultline {

// Literals looked for in short texts, or thousands of them in any, as in command lines. Each is known
// by four bytes of it, those that fewest others hold; for every place of a text one bit tells whether
// such four bytes may begin there, eight places at a time, and where they do the literal is compared.
// Of a q-gram filter (Karp and Rabin 1987; one bitmap in place of a hash set, as in Moraru and
// Andersen, "Exact Pattern Matching with Feed-Forward Bloom Filters", 2012) no place is skipped: texts
// are too short for that. Hyperscan's matcher for thousands of literals has few bits for each and
// confirms at nearly every byte; for few literals a call of it costs more than a short text
// (docs/performance.md has the figures, also where it is better).
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
      FindIn<false>(text, begin, marks.grams, found);
      FindIn<true>(text, begin, marks.shorts, found);
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

  // Looks at the marked places. What they wait for from memory is asked for at once, step by step.
  template <bool kShort, class Found>
  void FindIn(std::string_view text, std::size_t begin, std::uint64_t marks,
              const Found& found) const noexcept {
    const std::uint32_t* const firsts = buckets_.data();
    const Entry* const entries = entries_.data();
    std::array<std::uint32_t, kBlock> places, buckets;
    std::size_t count = 0;
    for (; marks != 0; marks &= marks - 1) {
      const auto at = static_cast<std::uint32_t>(std::countr_zero(marks));
      const char* const gram = text.data() + begin + at;
      places[count] = at;
      buckets[count] = HashOf(kShort ? ShortGram(gram) : Gram(gram)) >> bucket_shift_;
      __builtin_prefetch(firsts + buckets[count++]);
    }
    for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(entries + firsts[buckets[i]]);
    for (std::size_t i = 0; i < count; ++i) {
      __builtin_prefetch(texts_.data() + entries[firsts[buckets[i]]].text);
    }
    for (std::size_t i = 0; i < count; ++i) {
      FindAt<kShort>(text, begin + places[i], firsts + buckets[i], found);
    }
  }
  template <bool kShort, class Found>
  void FindAt(std::string_view text, std::size_t at, const std::uint32_t* first,
              const Found& found) const noexcept {
    for (std::uint32_t i = first[0]; i < first[1]; ++i) {
      const Entry& entry = entries_.data()[i];
      if ((entry.size < kGram) != kShort || entry.gram > at ||
          at - entry.gram + entry.size > text.size())
        continue;
      const std::size_t begin = at - entry.gram;
      if (!Same<kShort>(text.data() + begin, texts_.data() + entry.text, entry.size)) continue;
      found(entry.meaning, begin + entry.size);
    }
  }
  // Without a call for most literals, by two words that may overlap.
  template <bool kShort>
  [[nodiscard]] static bool Same(const char* a, const char* b, std::size_t size) noexcept {
    if (kShort) return ShortGram(a) == ShortGram(b);
    const auto ends_are = [a, b, size]<class Word>(Word) {
      Word words[4];
      std::memcpy(&words[0], a, sizeof(Word));
      std::memcpy(&words[1], b, sizeof(Word));
      std::memcpy(&words[2], a + size - sizeof(Word), sizeof(Word));
      std::memcpy(&words[3], b + size - sizeof(Word), sizeof(Word));
      return ((words[0] ^ words[1]) | (words[2] ^ words[3])) == 0;
    };
    if (size > 2 * sizeof(std::uint64_t)) return std::memcmp(a, b, size) == 0;
    return size < sizeof(std::uint64_t) ? ends_are(std::uint32_t{}) : ends_are(std::uint64_t{});
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
  std::vector<Entry> entries_;  // and one more: where an empty last bucket points
};

}  // namespace faultline
