// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "matcher/correlate/evidence.h"

namespace faultline {

// Blocks of EventRefs for the rings of many keys, 2 << size events each, cut from larger pieces.
//
// Memory     A block given back is used again by the next of its size; pieces stay.
// Threads    Confined to its operator.
class EventRings {
 public:
  static constexpr std::uint8_t kSizes = 28;
  [[nodiscard]] static constexpr std::uint32_t CapacityOf(std::uint8_t size) noexcept {
    return 2U << size;
  }

  [[nodiscard]] std::uint32_t Take(std::uint8_t size) {
    Blocks& blocks = of_[size];
    if (blocks.free.empty()) {
      const std::uint32_t fresh = blocks.used++;
      if (fresh % PerPiece(size) == 0) {
        blocks.pieces.push_back(
            std::make_unique<EventRef[]>(std::size_t{PerPiece(size)} * CapacityOf(size)));
      }
      return fresh;
    }
    const std::uint32_t block = blocks.free.back();
    blocks.free.pop_back();
    return block;
  }
  void Give(std::uint8_t size, std::uint32_t block) { of_[size].free.push_back(block); }

  [[nodiscard]] EventRef* At(std::uint8_t size, std::uint32_t block) const noexcept {
    const std::uint32_t per_piece = PerPiece(size);
    return of_[size].pieces[block / per_piece].get() +
           std::size_t{block % per_piece} * CapacityOf(size);
  }

 private:
  struct Blocks {
    std::vector<std::unique_ptr<EventRef[]>> pieces;
    std::vector<std::uint32_t> free;
    std::uint32_t used = 0;
  };
  [[nodiscard]] static constexpr std::uint32_t PerPiece(std::uint8_t size) noexcept {
    return std::max(4096U / CapacityOf(size), 1U);
  }

  std::array<Blocks, kSizes> of_;
};

}  // namespace faultline
