// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace faultline::sigma {

// A condition as a flat tree: nodes in one vector, children before parents, the last node is the root.
struct Condition {
  enum class Op : std::uint8_t { kSearch, kNot, kAnd, kOr, kAtLeast };
  struct Node {
    Op op = Op::kSearch;
    std::uint32_t search = 0;             // kSearch: index into the rule's searches
    std::uint32_t at_least = 0;           // kAtLeast: how many children must hold ("N of")
    std::vector<std::uint32_t> children;  // indices of earlier nodes
  };
  std::vector<Node> nodes;
};

// Parses `text` over searches of the given names. Precedence: or < and < not < of < parentheses; words
// in any case; iterative, at most 64 levels of nesting. `place` is where the text begins: errors
// point at the offending word. `what` is what they call that which has the names.
[[nodiscard]] Result<Condition> ParseCondition(std::string_view text,
                                               const std::vector<std::string>& searches,
                                               const Place& place,
                                               std::string_view what = "search");

}  // namespace faultline::sigma
