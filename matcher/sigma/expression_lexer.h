// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "matcher/sigma/expression.h"

namespace faultline::sigma {

struct ExprToken {
  enum class Kind : std::uint8_t { kEnd, kSymbol, kWord, kName, kConstant };
  Kind kind = Kind::kEnd;
  std::size_t at = 0;              // offset of its first byte
  std::string_view text;           // as it stands
  std::vector<std::string> parts;  // kWord, kName: split at its dots, back quotes removed
  ExprValue value;                 // kConstant
};

// The tokens of an expression, kEnd the last. A kWord is one bare part and may be an operator (`and`)
// or a function; a kName is dotted or quoted and never is. `place` is that of the first byte.
[[nodiscard]] Result<std::vector<ExprToken>> ReadTokens(std::string_view text, const Place& place);

// `place` moved `offset` bytes to the right where its column is known.
[[nodiscard]] Place Moved(const Place& place, std::size_t offset);

}  // namespace faultline::sigma
