// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace faultline {

// Tells that none of up to three pieces can stand in a text, whatever the case of its letters: all are
// compared at every place, many places at once. It errs to one side only: it may take another byte for
// a letter's upper case.
//
// Place      an event's bytes -> KeywordCover -> [PieceSieve], before Hyperscan, which costs twice as
//            much where nothing is found (docs/performance.md); a long value -> ValueSieve -> here.
// Threads    Immutable.
class PieceSieve {
 public:
  static constexpr std::size_t kMost = 3;                    // pieces
  static constexpr std::size_t kShortest = 2, kLongest = 3;  // bytes of a piece

  // Requires: one to kMost pieces of such sizes, all of ASCII.
  explicit PieceSieve(std::span<const std::string> pieces);

  // False: none stands in `text`.
  [[nodiscard]] bool MayHold(std::string_view text) const noexcept;

 private:
  struct Piece {
    std::array<unsigned char, kLongest> bytes{};
    unsigned char last_counts = 0;  // all bits, or none
  };
  using Pieces = std::array<Piece, kMost>;

  [[nodiscard]] bool EndsWithShortest(std::string_view text) const noexcept;
  template <typename Vector, std::size_t kCount>
  [[nodiscard]] static bool MayHoldBy(const Pieces& pieces, std::string_view text) noexcept;
  template <typename Vector>
  [[nodiscard]] bool MayHoldBy(std::string_view text) const noexcept;
#if defined(__x86_64__)
  [[nodiscard]] bool MayHoldByAvx2(std::string_view text) const noexcept;
  [[nodiscard]] bool MayHoldByAvx512(std::string_view text) const noexcept;
#endif

  std::size_t count_;
  Pieces pieces_;  // behind the first `count_` copies of the last
};

}  // namespace faultline
