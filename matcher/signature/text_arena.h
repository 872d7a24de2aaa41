// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace faultline {

// Keeps the decoded and folded texts of one event together; forgets them all at once.
//
// Memory     One block of the largest event's need; above kKeep it is given back.
// Threads    Confined to one thread.
class TextArena {
 public:
  // A copy of `text` that lives until Clear().
  [[nodiscard]] std::string_view Keep(std::string_view text);
  // Room for `size` bytes to be written; Take() then keeps the first of them until Clear().
  [[nodiscard]] char* Room(std::size_t size) {
    if (blocks_.empty() || blocks_.back().size - used_ < size) AddBlock(size);
    return blocks_.back().bytes.get() + used_;
  }
  [[nodiscard]] std::string_view Take(std::size_t size) noexcept {
    used_ += size;
    return {blocks_.back().bytes.get() + used_ - size, size};
  }
  void Clear();

 private:
  static constexpr std::size_t kBlock = std::size_t{64} << 10;
  static constexpr std::size_t kKeep = std::size_t{4} << 20;
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };

  void AddBlock(std::size_t size);

  std::vector<Block> blocks_;  // the last one is being filled
  std::size_t used_ = 0;       // of the last block
};

}  // namespace faultline
