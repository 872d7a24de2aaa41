// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/gram_table.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/free_memory.h"
#include "matcher/event/lanes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace faultline {
namespace {

constexpr unsigned kHashBits = 32;
constexpr unsigned kWordBits = 32;
// Bits of a bitmap for each literal: three bytes stand in texts more often than four by chance.
constexpr std::size_t kBitsForGram = 48;
constexpr std::size_t kBitsForShort = 256;
constexpr std::size_t kMostBits = std::size_t{1} << 20;
constexpr std::size_t kFewestBits = 1024;
// What the marks of a block read, in steps of kStep places each of which reads kReads bytes.
constexpr std::size_t kStep = 8;
constexpr std::size_t kReads = 20;

}  // namespace

GramTable::GramTable(bool lanes) noexcept : lanes_(lanes && kHasAvx2) {}

void GramTable::Add(std::string_view literal, std::uint32_t meaning) {
  literals_.push_back({{static_cast<std::uint32_t>(texts_.size()),
                        static_cast<std::uint32_t>(literal.size()), 0, meaning}});
  texts_.append(literal);
}

void GramTable::Seal() {
  if (literals_.empty()) return;
  // How many literals hold four bytes, each literal once.
  std::unordered_map<std::uint32_t, std::pair<std::uint32_t, const Literal*>> holders;
  for (const Literal& literal : literals_) {
    for (std::size_t at = 0; at + kGram <= literal.entry.size; ++at) {
      auto& [count, last] = holders[Gram(texts_.data() + literal.entry.text + at)];
      if (std::exchange(last, &literal) != &literal) ++count;
    }
  }
  std::size_t shorts = 0;
  for (Literal& literal : literals_) {
    const char* const text = texts_.data() + literal.entry.text;
    if (literal.entry.size < kGram) {
      literal.hash = HashOf(ShortGram(text));
      ++shorts;
      continue;
    }
    std::uint32_t fewest = ~std::uint32_t{0};
    for (std::uint32_t at = 0; at + kGram <= literal.entry.size; ++at) {
      const std::uint32_t count = holders[Gram(text + at)].first;
      if (count > fewest) continue;
      fewest = count;
      literal.entry.gram = at;
    }
    literal.hash = HashOf(Gram(text + literal.entry.gram));
  }

  const auto make = [](Bitmap& bitmap, std::size_t wanted) {
    const std::size_t bits = std::clamp(std::bit_ceil(wanted), kFewestBits, kMostBits);
    bitmap.words.assign(bits / kWordBits, 0);
    bitmap.shift = kHashBits - static_cast<unsigned>(std::countr_zero(bits));
  };
  make(grams_, (literals_.size() - shorts) * kBitsForGram);
  if (shorts != 0) make(shorts_, shorts * kBitsForShort);
  const std::size_t buckets = std::bit_ceil(literals_.size() * 2 + 1);
  bucket_shift_ = kHashBits - static_cast<unsigned>(std::countr_zero(buckets));
  buckets_.assign(buckets + 1, 0);
  std::sort(literals_.begin(), literals_.end(),
            [](const Literal& a, const Literal& b) { return a.hash < b.hash; });
  for (const Literal& literal : literals_) {
    Bitmap& bitmap = literal.entry.size < kGram ? shorts_ : grams_;
    const std::uint32_t bit = literal.hash >> bitmap.shift;
    bitmap.words[bit / kWordBits] |= std::uint32_t{1} << bit % kWordBits;
    ++buckets_[(literal.hash >> bucket_shift_) + 1];
    entries_.push_back(literal.entry);
  }
  entries_.emplace_back();
  for (std::size_t i = 1; i < buckets_.size(); ++i) buckets_[i] += buckets_[i - 1];
  FreeMemory(literals_);
}

GramTable::Marks GramTable::Mark(std::string_view text, std::size_t begin) const noexcept {
  const std::size_t left = text.size() - begin;
  const std::size_t places = std::min(left - kShortest + 1, kBlock);
  const char* at = text.data() + begin;
  std::array<char, kBlock + kReads> end;
  if (left < end.size()) {
    std::memcpy(end.data(), at, left);
    std::memset(end.data() + left, 0, end.size() - left);
    at = end.data();
  }
  Marks marks =
      lanes_ ? MarkByLanes(grams_, shorts_, at, places) : MarkPlainly(grams_, shorts_, at, places);
  marks.shorts &= LowestBits(places);
  marks.grams &= LowestBits(std::min(left - kShortest, kBlock));
  return marks;
}

GramTable::Marks GramTable::MarkPlainly(const Bitmap& grams, const Bitmap& shorts, const char* at,
                                        std::size_t places) noexcept {
  const auto bit = [](const Bitmap& bitmap, std::uint32_t hash) -> std::uint64_t {
    const std::uint32_t number = hash >> bitmap.shift;
    return bitmap.words.data()[number / kWordBits] >> number % kWordBits & 1;
  };
  Marks marks;
  for (std::size_t i = 0; i < places; ++i) {
    const std::uint32_t gram = Gram(at + i);
    marks.grams |= bit(grams, HashOf(gram)) << i;
    if (!shorts.words.empty()) marks.shorts |= bit(shorts, HashOf(gram << 8)) << i;
  }
  return marks;
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] GramTable::Marks GramTable::MarkByLanes(const Bitmap& grams,
                                                                const Bitmap& shorts,
                                                                const char* at,
                                                                std::size_t places) noexcept {
  // Lane i of eight gets the four bytes from byte i on, the first eight bytes half of them.
  const __m256i fours =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6));
  const __m256i multiplier = _mm256_set1_epi32(static_cast<int>(kMultiplier));
  const __m256i last = _mm256_set1_epi32(kWordBits - 1);
  // The sign of each lane: whether the bitmap holds its hash.
  const auto held = [last](const Bitmap& bitmap, __m256i hash) __attribute__((target("avx2"))) {
    const __m256i bit = _mm256_srl_epi32(hash, _mm_cvtsi32_si128(static_cast<int>(bitmap.shift)));
    const __m256i words = _mm256_i32gather_epi32(reinterpret_cast<const int*>(bitmap.words.data()),
                                                 _mm256_srli_epi32(bit, 5), 4);
    return _mm256_sllv_epi32(words, _mm256_andnot_si256(bit, last));
  };
  const auto signs = [](__m256i lanes) __attribute__((target("avx2"))) {
    return static_cast<std::uint64_t>(
        static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(lanes))));
  };
  const auto fours_from = [fours](const char* from) __attribute__((target("avx2"))) {
    const auto load = [](const char* half) __attribute__((target("avx2"))) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(half));
    };
    return _mm256_shuffle_epi8(
        _mm256_inserti128_si256(_mm256_castsi128_si256(load(from)), load(from + 4), 1), fours);
  };
  Marks marks;
  for (std::size_t i = 0; i < places; i += kStep) {
    marks.grams |= signs(held(grams, _mm256_mullo_epi32(fours_from(at + i), multiplier))) << i;
  }
  if (shorts.words.empty()) return marks;
  for (std::size_t i = 0; i < places; i += kStep) {
    const __m256i three = _mm256_slli_epi32(fours_from(at + i), 8);
    marks.shorts |= signs(held(shorts, _mm256_mullo_epi32(three, multiplier))) << i;
  }
  return marks;
}
#else
GramTable::Marks GramTable::MarkByLanes(const Bitmap& grams, const Bitmap& shorts, const char* at,
                                        std::size_t places) noexcept {
  return MarkPlainly(grams, shorts, at, places);
}
#endif

}  // namespace faultline
