// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "matcher/sigma/expression.h"

namespace faultline::sigma {

// An operator or function. Their numbers are part of digests: new ones go to the end.
enum class ExprOp : std::uint8_t {
  kConstant,
  kName,
  kOr,
  kAnd,
  kNot,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kNegate,
  kExists,
  kAbs,
  kMin,
  kMax,
  kCoalesce,
  kIf,
  kLower,
  kUpper,
  kSqueeze,
  kHost,
  kCode32,
  kNumber,
  kHex,
  kText,
  kCountTimes
};

struct ExprNode {
  ExprOp op = ExprOp::kConstant;
  ExprType type = ExprType::kEvent;
  ExprValue value;         // kConstant
  std::uint32_t name = 0;  // kName: into Tree::names; kCountTimes: that of the register
  std::vector<std::uint32_t> children;
};

struct Expression::Tree {
  std::string text;
  std::vector<ExprNode> nodes;  // children before parents; some are left over from folding
  std::uint32_t root = 0;
  std::vector<ExprName> names;
};

// What the nodes from `root` down give.
[[nodiscard]] ExprValue Evaluate(const std::vector<ExprNode>& nodes,
                                 const std::vector<ExprName>& names, std::uint32_t root,
                                 const ExprEnvironment& environment);

}  // namespace faultline::sigma
