// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/text_arena.h"

#include <algorithm>
#include <cstring>

namespace faultline {

std::string_view TextArena::Keep(std::string_view text) {
  if (text.empty()) return {"", 0};
  if (blocks_.empty() || blocks_.back().size - used_ < text.size()) {
    const std::size_t size = std::max(kBlock, text.size());
    blocks_.push_back({std::make_unique<char[]>(size), size});
    used_ = 0;
  }
  char* at = blocks_.back().bytes.get() + used_;
  std::memcpy(at, text.data(), text.size());
  used_ += text.size();
  return {at, text.size()};
}

// Several blocks become one, so that the next event of this size needs no memory.
void TextArena::Clear() {
  used_ = 0;
  if (blocks_.size() <= 1) return;
  std::size_t size = 0;
  for (const Block& block : blocks_) size += block.size;
  blocks_.clear();
  if (size <= kKeep) blocks_.push_back({std::make_unique<char[]>(size), size});
}

}  // namespace faultline
