// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "matcher/event/lanes.h"

namespace faultline {

// Tells that none of a few pieces can stand in a text, whatever the case of its letters: at every place,
// many places at once. It errs to one side only: it may take a byte for another.
//
// With AVX-512 VBMI and VBMI2 a table says of each byte which pieces have it first, another which have it second
// and so on, a bit for each piece, or for two of them; a piece may stand where all agree (as the nibbles
// of Hyperscan's Teddy, which is for SSSE3). Without, up to three pieces are compared, three bytes of
// each.
//
// Place      an event's bytes -> KeywordCover -> [PieceSieve], before Hyperscan, which costs twice as
//            much where nothing is found (docs/performance.md); a long value -> ValueSieve -> here.
// Threads    Immutable.
class PieceSieve {
 public:
  static constexpr std::size_t kShortest = 2, kLongest = 4;  // bytes of a piece that count

  // So many pieces at most. `tables`: where the CPU has them.
  [[nodiscard]] static std::size_t Most(bool tables = true) noexcept {
    return tables && kHasVbmi ? kMostInTables : kMostCompared;
  }

  // Requires: one to Most(tables) pieces of kShortest bytes and more, all of ASCII.
  explicit PieceSieve(std::span<const std::string> pieces, bool tables = true);

  // False: none stands in `text`.
  [[nodiscard]] bool MayHold(std::string_view text) const noexcept;

 private:
  static constexpr std::size_t kMostInTables = 16, kMostCompared = 3;
  static constexpr std::size_t kBits = 8;      // of a table, for the pieces in turn
  static constexpr std::size_t kCompared = 3;  // bytes of a piece
  static constexpr std::size_t kAscii = 128;

  struct Piece {
    std::array<unsigned char, kCompared> bytes{};
    unsigned char last_counts = 0;  // all bits, or none
  };
  using Pieces = std::array<Piece, kMostCompared>;

  void FillTables(std::span<const std::string> pieces);
  [[nodiscard]] bool EndsWithShortest(std::string_view text) const noexcept;
  template <typename Vector, std::size_t kCount>
  [[nodiscard]] static bool MayHoldBy(const Pieces& pieces, std::string_view text) noexcept;
  template <typename Vector>
  [[nodiscard]] bool MayHoldBy(std::string_view text) const noexcept;
#if defined(__x86_64__)
  [[nodiscard]] bool MayHoldByTables(std::string_view text) const noexcept;
  [[nodiscard]] bool MayHoldByAvx2(std::string_view text) const noexcept;
  [[nodiscard]] bool MayHoldByAvx512(std::string_view text) const noexcept;
#endif

  bool tables_;
  std::size_t count_;
  // With tables: by a byte's lower seven bits, which pieces have it at a place; where they are over, any
  // byte will do.
  std::array<std::array<std::uint8_t, kAscii>, kLongest> having_{};
  Pieces pieces_;  // without; behind the first `count_` copies of the last
};

}  // namespace faultline
