// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/piece_sieve.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "matcher/signature/rare_piece.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace faultline {
namespace {

constexpr unsigned char kLowerCase = 0x20;  // set in lower-case letters, not in upper-case ones

unsigned char Lowered(char c) { return static_cast<unsigned char>(c) | kLowerCase; }

}  // namespace

PieceSieve::PieceSieve(std::span<const std::string> pieces, bool tables)
    : tables_(tables && kHasVbmi), count_(pieces.size()) {
  FAULTLINE_CHECK(!pieces.empty() && pieces.size() <= Most(tables));
  for (const std::string& piece : pieces) FAULTLINE_CHECK(piece.size() >= kShortest);
  if (tables_) {
    FillTables(pieces);
    return;
  }
  for (std::size_t i = 0; i < kMostCompared; ++i) {
    const std::string_view piece = RarestPiece(pieces[std::min(i, pieces.size() - 1)], kCompared);
    std::transform(piece.begin(), piece.end(), pieces_[i].bytes.begin(), Lowered);
    pieces_[i].last_counts = piece.size() == kCompared ? 0xff : 0;
  }
}

void PieceSieve::FillTables(std::span<const std::string> pieces) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    for (std::size_t at = 0; at < kLongest; ++at) {
      for (std::size_t byte = 0; byte < kAscii; ++byte) {
        if (at >= pieces[i].size() || Lowered(static_cast<char>(byte)) == Lowered(pieces[i][at])) {
          having_[at][byte] |= static_cast<std::uint8_t>(1 << i % kBits);
        }
      }
    }
  }
}

// The last place is not among those that vectors compare.
bool PieceSieve::EndsWithShortest(std::string_view text) const noexcept {
  if (text.size() < kShortest) return false;
  const char* const end = text.data() + text.size() - kShortest;
  return std::any_of(pieces_.begin(), pieces_.end(), [end](const Piece& piece) {
    return piece.last_counts == 0 &&
           std::equal(end, end + kShortest, piece.bytes.begin(),
                      [](char c, unsigned char byte) { return Lowered(c) == byte; });
  });
}

// By vectors, the last of which overlaps the one before. Requires: text of a vector's bytes and
// kCompared - 1 more.
template <typename Vector, std::size_t kCount>
[[gnu::always_inline]] inline bool PieceSieve::MayHoldBy(const Pieces& pieces,
                                                         std::string_view text) noexcept {
  const char* next = text.data();
  const char* const last = next + text.size() - (sizeof(Vector) + kCompared - 1);
  Vector all = ~Vector{}, first, second, third;
  // One by one: the compiler keeps no array of vectors in registers.
  const Vector a0 = Vector{} + pieces[0].bytes[0], b0 = Vector{} + pieces[0].bytes[1],
               c0 = Vector{} + pieces[0].bytes[2], m0 = Vector{} + pieces[0].last_counts;
  const Vector a1 = Vector{} + pieces[1].bytes[0], b1 = Vector{} + pieces[1].bytes[1],
               c1 = Vector{} + pieces[1].bytes[2], m1 = Vector{} + pieces[1].last_counts;
  const Vector a2 = Vector{} + pieces[2].bytes[0], b2 = Vector{} + pieces[2].bytes[1],
               c2 = Vector{} + pieces[2].bytes[2], m2 = Vector{} + pieces[2].last_counts;
  for (const char* at = last;; at = next, next += sizeof(Vector)) {  // the last one first
    std::memcpy(&first, at, sizeof first);
    std::memcpy(&second, at + 1, sizeof second);
    std::memcpy(&third, at + 2, sizeof third);
    first |= kLowerCase;
    second |= kLowerCase;
    third |= kLowerCase;
    Vector d = (first ^ a0) | (second ^ b0) | ((third ^ c0) & m0);
    if constexpr (kCount > 1) {
      const Vector d1 = (first ^ a1) | (second ^ b1) | ((third ^ c1) & m1);
      d = d1 < d ? d1 : d;
    }
    all = d < all ? d : all;
    if constexpr (kCount > 2) {
      const Vector d2 = (first ^ a2) | (second ^ b2) | ((third ^ c2) & m2);
      all = d2 < all ? d2 : all;
    }
    if (next >= last) return AnyZero(all);
  }
}

template <typename Vector>
[[gnu::always_inline]] inline bool PieceSieve::MayHoldBy(std::string_view text) const noexcept {
  if (count_ == 1) return MayHoldBy<Vector, 1>(pieces_, text);
  if (count_ == 2) return MayHoldBy<Vector, 2>(pieces_, text);
  return MayHoldBy<Vector, 3>(pieces_, text);
}

#if defined(__x86_64__)
#define FAULTLINE_VBMI target("avx512vbmi,avx512vbmi2,avx512bw")
// Each vector is loaded once: what stands one to three bytes on is put together from it and the one
// behind, which costs less than loads that span two lines of the cache.
[[gnu::FAULTLINE_VBMI]] bool PieceSieve::MayHoldByTables(std::string_view text) const noexcept {
  constexpr std::size_t kVector = sizeof(__m512i);
  static_assert(kLongest == 4 && kAscii == 2 * kVector);
  const auto half = [this](std::size_t place, std::size_t of)
      __attribute__((FAULTLINE_VBMI, always_inline)) {
    return _mm512_loadu_si512(having_[place].data() + of * kVector);
  };
  const __m512i low0 = half(0, 0), low1 = half(1, 0), low2 = half(2, 0), low3 = half(3, 0);
  const __m512i high0 = half(0, 1), high1 = half(1, 1), high2 = half(2, 1), high3 = half(3, 1);
  constexpr int kAllThree = 0x80, kOneOrBoth = 0xf8;  // a & b & c, a | (b & c)
  __m512i met = _mm512_setzero_si512();
  const auto meet = [&](__m512i at, __m512i behind) __attribute__((FAULTLINE_VBMI, always_inline)) {
    const __m512i word_on = _mm512_maskz_alignr_epi32(0xffff, behind, at, 1);
    const __m512i first = _mm512_permutex2var_epi8(low0, at, high0);
    const __m512i second =
        _mm512_permutex2var_epi8(low1, _mm512_shrdi_epi32(at, word_on, 8), high1);
    const __m512i third =
        _mm512_permutex2var_epi8(low2, _mm512_shrdi_epi32(at, word_on, 16), high2);
    const __m512i fourth =
        _mm512_permutex2var_epi8(low3, _mm512_shrdi_epi32(at, word_on, 24), high3);
    met = _mm512_ternarylogic_epi32(met, _mm512_ternarylogic_epi32(first, second, third, kAllThree),
                                    fourth, kOneOrBoth);
  };
  const char* at = text.data();
  std::size_t left = text.size();
  // Behind the end there are zeros.
  __m512i now = _mm512_maskz_loadu_epi8(LowestBits(left), at);
  for (; left >= 2 * kVector; left -= kVector) {
    at += kVector;
    const __m512i behind = _mm512_loadu_si512(at);
    meet(now, behind);
    now = behind;
  }
  if (left > kVector) {
    const __m512i behind = _mm512_maskz_loadu_epi8(LowestBits(left - kVector), at + kVector);
    meet(now, behind);
    now = behind;
  }
  meet(now, _mm512_setzero_si512());
  return _mm512_test_epi8_mask(met, met) != 0;
}
#undef FAULTLINE_VBMI
[[gnu::target("avx2")]] bool PieceSieve::MayHoldByAvx2(std::string_view text) const noexcept {
  return MayHoldBy<Bytes32>(text);
}
[[gnu::target("avx512bw")]] bool PieceSieve::MayHoldByAvx512(std::string_view text) const noexcept {
  return MayHoldBy<Bytes64>(text);
}
#endif

bool PieceSieve::MayHold(std::string_view text) const noexcept {
#if defined(__x86_64__)
  if (tables_) return MayHoldByTables(text);
#endif
  if (EndsWithShortest(text)) return true;
  const auto fills = [&text](std::size_t vector) { return text.size() >= vector + kCompared - 1; };
#if defined(__x86_64__)
  if (kHasAvx512 && fills(sizeof(Bytes64))) return MayHoldByAvx512(text);
  if (kHasAvx2 && fills(sizeof(Bytes32))) return MayHoldByAvx2(text);
#endif
  return !fills(sizeof(Bytes16)) || MayHoldBy<Bytes16>(text);
}

}  // namespace faultline
