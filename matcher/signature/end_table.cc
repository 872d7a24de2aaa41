// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/end_table.h"

namespace faultline {

void EndTable::Add(std::string_view literal, std::uint32_t meaning) {
  slots_.Add({ValueHash(literal.substr(literal.rfind(kMark))),
              static_cast<std::uint32_t>(texts_.size()), static_cast<std::uint32_t>(literal.size()),
              meaning});
  texts_ += literal;
}

}  // namespace faultline
