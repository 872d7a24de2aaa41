// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/exact_table.h"

#include <algorithm>
#include <cstring>

#include "matcher/signature/value_hash.h"

namespace faultline {

void ExactTable::Add(std::string_view text, PredicateId id, bool text_only) {
  const std::size_t size = std::min(text.size(), kSizes - 1);
  sizes_[size / 64] |= std::uint64_t{1} << size % 64;
  slots_.Add({ValueHash(text), static_cast<std::uint32_t>(texts_.size()),
              static_cast<std::uint32_t>(text.size()), id, text_only});
  texts_ += text;
}

void ExactTable::Find(std::string_view text, bool valid_utf8, Truth& truth) const noexcept {
  const std::size_t size = std::min(text.size(), kSizes - 1);
  if ((sizes_[size / 64] >> size % 64 & 1) == 0) return;
  slots_.LookAt(ValueHash(text), [&](const Entry& entry) {
    if (entry.size != text.size()) return;
    if (std::memcmp(texts_.data() + entry.at, text.data(), text.size()) != 0) return;
    if (valid_utf8 || !entry.text_only) truth.Set(entry.meaning);
  });
}

}  // namespace faultline
