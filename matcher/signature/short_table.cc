// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/short_table.h"

namespace faultline {

void ShortTable::Add(std::string_view literal, std::uint32_t meaning) {
  if (blocks_.empty() || blocks_.back().used == kBits) blocks_.emplace_back();
  Block& block = blocks_.back();
  const std::uint64_t bit = std::uint64_t{1} << block.used;
  block.meanings[block.used++] = meaning;
  block.first[static_cast<unsigned char>(literal[0])] |= bit;
  if (literal.size() == 2) {
    block.second[static_cast<unsigned char>(literal[1])] |= bit;
  } else {
    block.single |= bit;
    for (std::uint64_t& second : block.second) second |= bit;
  }
}

}  // namespace faultline
