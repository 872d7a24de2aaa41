// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/piece_sieve.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "matcher/event/lanes.h"

namespace faultline {
namespace {

constexpr unsigned char kLowerCase = 0x20;  // set in lower-case letters, not in upper-case ones

}  // namespace

PieceSieve::PieceSieve(std::span<const std::string> pieces) : count_(pieces.size()) {
  FAULTLINE_CHECK(!pieces.empty() && pieces.size() <= kMost);
  for (std::size_t i = 0; i < kMost; ++i) {
    const std::string& piece = pieces[std::min(i, pieces.size() - 1)];
    FAULTLINE_CHECK(piece.size() >= kShortest && piece.size() <= kLongest);
    for (std::size_t at = 0; at < piece.size(); ++at) {
      pieces_[i].bytes[at] = static_cast<unsigned char>(piece[at]) | kLowerCase;
    }
    pieces_[i].last_counts = piece.size() == kLongest ? 0xff : 0;
  }
}

// The last place is not among those that vectors compare.
bool PieceSieve::EndsWithShortest(std::string_view text) const noexcept {
  if (text.size() < kShortest) return false;
  const char* const end = text.data() + text.size() - kShortest;
  return std::any_of(pieces_.begin(), pieces_.end(), [end](const Piece& piece) {
    return piece.last_counts == 0 &&
           std::equal(end, end + kShortest, piece.bytes.begin(), [](char c, unsigned char byte) {
             return (static_cast<unsigned char>(c) | kLowerCase) == byte;
           });
  });
}

// By vectors, the last of which overlaps the one before. Requires: text of a vector's bytes and
// kLongest - 1 more.
template <typename Vector, std::size_t kCount>
[[gnu::always_inline]] inline bool PieceSieve::MayHoldBy(const Pieces& pieces,
                                                         std::string_view text) noexcept {
  const char* next = text.data();
  const char* const last = next + text.size() - (sizeof(Vector) + kLongest - 1);
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
[[gnu::target("avx2")]] bool PieceSieve::MayHoldByAvx2(std::string_view text) const noexcept {
  return MayHoldBy<Bytes32>(text);
}
[[gnu::target("avx512bw")]] bool PieceSieve::MayHoldByAvx512(std::string_view text) const noexcept {
  return MayHoldBy<Bytes64>(text);
}
#endif

bool PieceSieve::MayHold(std::string_view text) const noexcept {
  if (EndsWithShortest(text)) return true;
  const auto fills = [&text](std::size_t vector) { return text.size() >= vector + kLongest - 1; };
#if defined(__x86_64__)
  if (kHasAvx512 && fills(sizeof(Bytes64))) return MayHoldByAvx512(text);
  if (kHasAvx2 && fills(sizeof(Bytes32))) return MayHoldByAvx2(text);
#endif
  return !fills(sizeof(Bytes16)) || MayHoldBy<Bytes16>(text);
}

}  // namespace faultline
