// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/end_table.h"

#include <bit>

namespace faultline {

void EndTable::Add(std::string_view literal, std::uint32_t meaning) {
  entries_.push_back({Hash64(literal.substr(literal.rfind(kMark))),
                      static_cast<std::uint32_t>(texts_.size()),
                      static_cast<std::uint32_t>(literal.size()), meaning});
  texts_ += literal;
}

void EndTable::Seal() {
  if (entries_.empty()) return;
  slots_.assign(std::bit_ceil(entries_.size() * 2), {});
  for (const Entry& entry : entries_) {
    std::size_t at = entry.hash & (slots_.size() - 1);
    while (slots_[at].meaning != kFree) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = entry;
  }
  entries_ = {};
}

}  // namespace faultline
