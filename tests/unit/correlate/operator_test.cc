// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/operator.h"

#include <gtest/gtest.h>

#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using testing::At;
using testing::HitAt;

sigma::CorrelationRule RuleAsking(std::vector<std::string> fields) {
  sigma::CorrelationRule rule;
  rule.chain = true;
  rule.inputs.resize(1);
  rule.inputs[0].fields = std::move(fields);
  return rule;
}

TEST(BoundOf, KeepsCapturesAndTheFieldsAskedForOnce) {
  Hit hit = HitAt(At(1), 7);
  hit.captures = {{"disk", "sda"}};
  hit.fields = {{"disk", {"hidden"}}, {"host", {"a", "b"}}, {"empty", {}}, {"other", {"x"}}};
  const Bound bound = BoundOf(RuleAsking({"disk", "host", "empty"}), 0, hit);
  EXPECT_EQ(bound.time, At(1));
  EXPECT_EQ(bound.origin, hit.origin);
  EXPECT_FALSE(bound.deadline());
  EXPECT_EQ(bound.values, (std::vector<NamedValue>{{"disk", "sda"}, {"host", "a"}}));
  EXPECT_EQ(bound.captures, 1U);
  ASSERT_NE(bound.Find("disk"), nullptr);
  EXPECT_EQ(*bound.Find("disk"), "sda");
  EXPECT_EQ(bound.Find("empty"), nullptr);
}

TEST(BoundOf, KeepsCapturesAloneWhereNothingCanAskForMore) {
  sigma::CorrelationRule rule = RuleAsking({"host"});
  rule.chain = false;
  Hit hit = HitAt(At(1), 7);
  hit.captures = {{"disk", "sda"}};
  hit.fields = {{"host", {"a"}}};
  EXPECT_EQ(BoundOf(rule, 0, hit).values, hit.captures);
}

TEST(Bound, StandsInTheTotalOrderExpiriesFirstTimersLast) {
  const sigma::CorrelationRule rule = RuleAsking({});
  const Bound first = BoundOf(rule, 0, HitAt(At(1), 7));
  const Bound second = BoundOf(rule, 0, HitAt(At(1), 8));
  Hit edge = HitAt(At(1), 0);
  edge.origin = {};
  edge.edge = true;
  edge.turn = 1;
  const Bound deadline = BoundOf(rule, 0, edge);
  edge.turn = 2;
  const Bound next = BoundOf(rule, 0, edge);
  edge.turn = -1;
  const Bound expiry = BoundOf(rule, 0, edge);
  const Bound later = BoundOf(rule, 0, HitAt(At(2), 0));
  EXPECT_TRUE(deadline.deadline());
  EXPECT_TRUE(first.Before(second));
  EXPECT_FALSE(second.Before(first));
  EXPECT_FALSE(first.Before(first));
  EXPECT_TRUE(second.Before(deadline));
  EXPECT_FALSE(deadline.Before(second));
  EXPECT_TRUE(deadline.Before(next));
  EXPECT_FALSE(next.Before(deadline));
  EXPECT_FALSE(next.SamePoint(deadline));
  EXPECT_TRUE(next.Before(later));
  EXPECT_TRUE(expiry.Before(first));
}

}  // namespace
}  // namespace faultline
