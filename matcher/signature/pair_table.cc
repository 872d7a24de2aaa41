// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/pair_table.h"

#include "matcher/signature/value_hash.h"

namespace faultline {

bool PairTable::Takes(std::string_view literal) noexcept {
  const std::size_t equals = literal.find('=');
  return equals != std::string_view::npos && literal.size() - equals - 1 >= kValueBytes &&
         literal.find('=', equals + 1) == std::string_view::npos;
}

void PairTable::Add(std::string_view literal, std::uint32_t meaning) {
  const std::size_t equals = literal.find('=');
  slots_.Add({HashOf(literal.data() + equals + 1), static_cast<std::uint32_t>(texts_.size()),
              static_cast<std::uint32_t>(literal.size()), static_cast<std::uint32_t>(equals),
              meaning});
  texts_ += literal;
}

std::uint64_t PairTable::HashOf(const char* value) noexcept {
  return ValueHash({value, kValueBytes});
}

}  // namespace faultline
