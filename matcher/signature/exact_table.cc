// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/exact_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/hash.h"

namespace faultline {

void ExactTable::Add(std::string_view text, PredicateId id, bool text_only) {
  const std::size_t size = std::min(text.size(), kSizes - 1);
  sizes_[size / 64] |= std::uint64_t{1} << size % 64;
  entries_.push_back({Hash64(text), static_cast<std::uint32_t>(texts_.size()),
                      static_cast<std::uint32_t>(text.size()), id, text_only});
  texts_ += text;
}

void ExactTable::Seal() {
  if (entries_.empty()) return;
  slots_.assign(std::bit_ceil(entries_.size() * 2), {});
  for (const Entry& entry : entries_) {
    std::size_t at = entry.hash & (slots_.size() - 1);
    while (slots_[at].id != kNoPredicate) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = entry;
  }
}

void ExactTable::Find(std::string_view text, bool valid_utf8, Truth& truth) const noexcept {
  const std::size_t size = std::min(text.size(), kSizes - 1);
  if ((sizes_[size / 64] >> size % 64 & 1) == 0) return;
  const std::uint64_t hash = Hash64(text);
  const Entry* const slots = slots_.data();
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots[at].id != kNoPredicate; at = (at + 1) & mask) {
    const Entry& entry = slots[at];
    if (entry.hash != hash || entry.size != text.size()) continue;
    if (std::memcmp(texts_.data() + entry.at, text.data(), text.size()) != 0) continue;
    if (valid_utf8 || !entry.text_only) truth.Set(entry.id);
  }
}

}  // namespace faultline
