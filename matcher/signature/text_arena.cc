// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/text_arena.h"

#include <algorithm>

namespace faultline {

std::string_view TextArena::Keep(std::string_view text) {
  std::copy(text.begin(), text.end(), Room(text.size()));
  return Take(text.size());
}

void TextArena::AddBlock(std::size_t wanted) {
  const std::size_t size = std::max(kBlock, wanted);
  blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
  used_ = 0;
}

// Several blocks become one, so that the next event of this size needs no memory.
void TextArena::Clear() {
  used_ = 0;
  if (blocks_.size() <= 1) return;
  std::size_t size = 0;
  for (const Block& block : blocks_) size += block.size;
  blocks_.clear();
  if (size <= kKeep) blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
}

}  // namespace faultline
