// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/step_condition.h"

#include <gtest/gtest.h>

namespace faultline {
namespace {

using Node = sigma::StepCondition::Node;
using Kind = sigma::StepCondition::Node::Kind;

TEST(StepCondition, WithoutNodesWantsAll) {
  EXPECT_TRUE(Holds({}, {true, true}));
  EXPECT_FALSE(Holds({}, {true, false}));
}

TEST(StepCondition, CountsDifferentSteps) {
  const sigma::StepCondition two = {{Node{Kind::kAtLeast, 2, {}}}};
  EXPECT_FALSE(Holds(two, {false, true, false}));
  EXPECT_TRUE(Holds(two, {true, false, true}));
}

TEST(StepCondition, CombinesInPostfixOrder) {
  // a and (b or not c)
  const sigma::StepCondition condition = {
      {Node{Kind::kStep, 0, {}}, Node{Kind::kStep, 1, {}}, Node{Kind::kStep, 2, {}},
       Node{Kind::kNot, 0, {2}}, Node{Kind::kOr, 0, {1, 3}}, Node{Kind::kAnd, 0, {0, 4}}}};
  for (unsigned bits = 0; bits < 8; ++bits) {
    const bool a = (bits & 1U) != 0;
    const bool b = (bits & 2U) != 0;
    const bool c = (bits & 4U) != 0;
    EXPECT_EQ(Holds(condition, {a, b, c}), a && (b || !c)) << bits;
  }
}

}  // namespace
}  // namespace faultline
