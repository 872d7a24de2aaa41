// SPDX-License-Identifier: Apache-2.0
//
// EventWindow, ValueWindow and PeriodWindow, as MakeOperator gives them.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "tests/support/operator_run.h"
#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using sigma::CorrelationRule;
using sigma::CorrelationType;
using sigma::RefireKind;
using sigma::Threshold;
using sigma::WindowKind;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::At;
using testing::HitAt;
using testing::OperatorRun;
using testing::WindowRule;
using Op = Threshold::Op;

CorrelationRule Rule(CorrelationType type, Op op, std::int64_t number) {
  CorrelationRule rule = WindowRule(type, 1, seconds(10));
  rule.thresholds = {{op, number}};
  return rule;
}

// A hit `after` 10 s (give or take) with the value `v`.
Hit Saying(EventTime time, std::int64_t offset, const std::string& value) {
  Hit hit = HitAt(time, offset);
  hit.fields = {{"v", {value}}};
  return hit;
}

struct Case {
  CorrelationType type;
  Op op;
  std::int64_t number;
  std::string first, second;  // values
};

// Two events, each alone not enough.
const Case kPairs[] = {
    {CorrelationType::kEventCount, Op::kGte, 2, "1", "1"},
    {CorrelationType::kEventCount, Op::kEq, 2, "1", "1"},
    {CorrelationType::kValueCount, Op::kGte, 2, "a", "b"},
    {CorrelationType::kValueSum, Op::kGte, 5, "2", "3"},
    {CorrelationType::kValueAvg, Op::kEq, 3, "4", "2"},
    {CorrelationType::kValueMedian, Op::kEq, 3, "4", "2"},
    {CorrelationType::kValuePercentile, Op::kEq, 3, "4", "2"},
};

TEST(Windows, SlidingOnesAreClosedToTheNanosecond) {
  for (const Case& pair : kPairs) {
    const CorrelationRule rule = Rule(pair.type, pair.op, pair.number);
    for (const int delta : {-1, 0, 1}) {
      OperatorRun run(rule);
      run.Feed(Saying(At(0), 1, pair.first), {0}, "g");
      run.Feed(Saying(At(10) + nanoseconds(delta), 2, pair.second), {0}, "g");
      EXPECT_EQ(run.fired().size(), delta <= 0 ? 1U : 0U) << ToString(pair.type) << " " << delta;
    }
  }
}

TEST(Windows, TumblingOnesEndBeforeTheArrivalAtTheirEnd) {
  for (const Case& pair : kPairs) {
    CorrelationRule rule = Rule(pair.type, pair.op, pair.number);
    rule.window = WindowKind::kTumbling;
    for (const int delta : {-1, 0, 1}) {
      OperatorRun run(rule);
      run.Feed(Saying(At(10), 1, pair.first), {0}, "g");
      run.Feed(Saying(At(20) + nanoseconds(delta), 2, pair.second), {0}, "g");
      run.Advance(EventTime::Max());
      ASSERT_EQ(run.fired().size(), delta < 0 ? 1U : 0U) << ToString(pair.type) << " " << delta;
      if (delta >= 0) continue;
      EXPECT_EQ(run.fired()[0].outcome.time, At(20));
      EXPECT_TRUE(run.fired()[0].outcome.deadline);
    }
  }
}

TEST(Windows, SessionsTakeTheArrivalAtTheirVeryEnd) {
  for (const Case& pair : kPairs) {
    CorrelationRule rule = Rule(pair.type, pair.op, pair.number);
    rule.window = WindowKind::kSession;
    rule.gap = seconds(3);
    for (const int delta : {-1, 0, 1}) {
      OperatorRun run(rule);
      run.Feed(Saying(At(0), 1, pair.first), {0}, "g");
      run.Feed(Saying(At(3) + nanoseconds(delta), 2, pair.second), {0}, "g");
      run.Advance(EventTime::Max());
      ASSERT_EQ(run.fired().size(), delta <= 0 ? 1U : 0U) << ToString(pair.type) << " " << delta;
      if (delta > 0) continue;
      EXPECT_EQ(run.fired()[0].outcome.time, At(6) + nanoseconds(delta));
    }
  }
}

TEST(Windows, ASessionIsCutByTheTimespanAndTheNextOneFollowsIt) {
  CorrelationRule rule = Rule(CorrelationType::kEventCount, Op::kGte, 2);
  rule.window = WindowKind::kSession;
  rule.gap = seconds(4);
  OperatorRun run(rule);
  for (const int at : {0, 4, 8, 10, 11, 12}) run.Feed(HitAt(At(at), at), {0}, "g");
  run.Advance(EventTime::Max());
  // [0, 10] and, in its wake, [11, 12]: the predicate stays true, so one edge.
  ASSERT_EQ(run.fired().size(), 1U);
  EXPECT_EQ(run.fired()[0].outcome.time, At(10));
  EXPECT_EQ(run.fired()[0].outcome.count, 4);
}

TEST(Windows, AnExpiryMakesAnEqualityTrueTheInstantAfter) {
  OperatorRun run(Rule(CorrelationType::kEventCount, Op::kEq, 2));
  for (const int at : {0, 1, 2}) run.Feed(HitAt(At(at), at), {0}, "g");
  ASSERT_EQ(run.fired().size(), 1U);  // at the second arrival; three are not two
  run.Advance(At(10));
  EXPECT_EQ(run.fired().size(), 1U);
  run.Advance(At(10) + nanoseconds(1));
  ASSERT_EQ(run.fired().size(), 2U);
  const Outcome& out = run.fired()[1].outcome;
  EXPECT_TRUE(out.deadline);
  EXPECT_EQ(out.time, At(10) + nanoseconds(1));
  EXPECT_EQ(out.count, 2);
  ASSERT_EQ(out.steps.size(), 1U);
  EXPECT_EQ(out.steps[0].front().origin.offset, 1);
  EXPECT_EQ(run.fired()[1].group, (std::vector<NamedValue>{{"g", "g"}}));
}

TEST(Windows, FiresAtTheTenthEventNotTheEleventhAndAgainAfterExpiry) {
  OperatorRun run(Rule(CorrelationType::kEventCount, Op::kGte, 10));
  for (int i = 0; i < 12; ++i)
    run.Feed(HitAt(At(i) - std::chrono::milliseconds(500 * i), i), {0}, "g");
  ASSERT_EQ(run.fired().size(), 1U);
  EXPECT_EQ(run.fired()[0].outcome.steps[0].size(), 10U);
  EXPECT_EQ(run.fired()[0].outcome.steps[0].back().origin.offset, 9);
  run.Feed(HitAt(At(14), 20), {0}, "g");  // six are left at 14 s
  for (int i = 0; i < 12; ++i) run.Feed(HitAt(At(14), 21 + i), {0}, "g");
  EXPECT_EQ(run.fired().size(), 2U);
}

TEST(Windows, RepeatAsTheRuleSays) {
  CorrelationRule rule = Rule(CorrelationType::kEventCount, Op::kGte, 2);
  const auto times = [&rule] {
    OperatorRun run(rule);
    std::vector<std::int64_t> at;
    for (int i = 0; i < 6; ++i) run.Feed(HitAt(At(i), i), {0}, "g");
    for (const auto& fired : run.fired()) at.push_back(fired.outcome.time.nanos() / 1'000'000'000);
    return at;
  };
  EXPECT_EQ(times(), (std::vector<std::int64_t>{1}));
  rule.refire = RefireKind::kEvery;
  EXPECT_EQ(times(), (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
  rule.refire = RefireKind::kAfter;
  rule.refire_after = seconds(2);
  EXPECT_EQ(times(), (std::vector<std::int64_t>{1, 3, 5}));
}

TEST(Windows, AnEventThatMatchesTwoRulesCountsOnceAndIsTheNewestOfBoth) {
  CorrelationRule rule = WindowRule(CorrelationType::kEventCount, 2, seconds(10));
  rule.thresholds = {{Op::kGte, std::int64_t{2}}};
  OperatorRun run(rule);
  run.Feed(HitAt(At(0), 1), {0, 1}, "g");
  EXPECT_TRUE(run.fired().empty());
  run.Feed(HitAt(At(1), 2), {1}, "g");
  ASSERT_EQ(run.fired().size(), 1U);
  const Outcome& out = run.fired()[0].outcome;
  EXPECT_EQ(out.count, 2);
  EXPECT_EQ(out.steps[0].back().origin.offset, 1);
  EXPECT_EQ(out.steps[1].back().origin.offset, 2);
  EXPECT_EQ(out.steps[1].size(), 2U);
}

TEST(Windows, WhatIsNoNumberDoesNotCountAndIsTold) {
  CorrelationRule rule = Rule(CorrelationType::kValueSum, Op::kGte, 1);
  OperatorRun run(rule);
  for (const char* text : {"nan", "inf", "-inf", "many", ""}) {
    run.Feed(Saying(At(0), 1, text), {0}, "g");
  }
  run.Feed(HitAt(At(0), 2), {0}, "g");  // no field at all
  EXPECT_EQ(run.no_number(), 6U);
  EXPECT_EQ(run.op().numbers().keys, 0);
}

TEST(Windows, AJudgeIsAskedWhenThePredicateTurns) {
  class No final : public Judge {
   public:
    bool Holds(const Candidate& candidate) override {
      asked.push_back(candidate.count);
      return false;
    }
    std::vector<std::int64_t> asked;
  };
  const CorrelationRule rule = Rule(CorrelationType::kEventCount, Op::kGte, 2);
  No no;
  OperatorRun run(rule, {}, &no);
  for (int i = 0; i < 5; ++i) run.Feed(HitAt(At(i), i), {0}, "g");
  EXPECT_TRUE(run.fired().empty());
  EXPECT_EQ(no.asked, (std::vector<std::int64_t>{2}));
}

TEST(Windows, TellHowLongThePredicateHolds) {
  CorrelationRule rule = Rule(CorrelationType::kEventCount, Op::kGte, 2);
  for (const RefireKind refire : {RefireKind::kEdge, RefireKind::kAfter}) {  // two classes
    rule.refire = refire;
    rule.refire_after = seconds(100);
    OperatorRun run(rule);
    const Digest key = OperatorRun::KeyOf("g");
    run.Feed(HitAt(At(0), 0), {0}, "g");
    EXPECT_EQ(run.op().HoldsUntil(key), EventTime::Min());
    run.Feed(HitAt(At(1), 1), {0}, "g");
    EXPECT_EQ(run.op().HoldsUntil(key), At(10));
    run.Feed(HitAt(At(2), 2), {0}, "g");
    EXPECT_EQ(run.op().HoldsUntil(key), At(11));
    EXPECT_EQ(run.op().BoundNow(OperatorRun::KeyOf("other"), At(2))[0].size(), 0U);
  }
  rule.refire = RefireKind::kEvery;
  OperatorRun run(rule);
  for (const int at : {0, 1, 2}) run.Feed(HitAt(At(at), at), {0}, "g");
  EXPECT_EQ(run.op().BoundNow(OperatorRun::KeyOf("g"), At(11))[0].size(), 2U);
}

TEST(Windows, KeepCapturedValuesForEvidence) {
  for (const CorrelationType type : {CorrelationType::kEventCount, CorrelationType::kValueCount}) {
    const CorrelationRule rule = Rule(type, Op::kGte, 1);
    OperatorRun run(rule);
    Hit hit = Saying(At(0), 1, "x");
    hit.origin.index = 4;
    hit.captures = {{"disk", "sda"}};
    run.Feed(hit, {0}, "g");
    ASSERT_EQ(run.fired().size(), 1U);
    const Bound& bound = run.fired()[0].outcome.steps[0].at(0);
    EXPECT_EQ(bound.origin, hit.origin);
    EXPECT_EQ(bound.values, hit.captures);
    EXPECT_EQ(bound.captures, 1U);
  }
}

TEST(Windows, TenThousandEventsOfOneKeyStayWithinTheirBytes) {
  const std::size_t room = 64U << 10;
  for (const WindowKind window : {WindowKind::kSliding, WindowKind::kTumbling}) {
    for (const Case& pair : kPairs) {
      CorrelationRule rule = Rule(pair.type, pair.op, 1'000'000);
      rule.window = window;
      OperatorRun run(rule, {100, room});
      for (int i = 0; i < 10'000; ++i) {
        run.Feed(Saying(At(0) + nanoseconds(i), i, std::to_string(i * 0.5)), {0}, "g");
        ASSERT_LE(run.op().numbers().bytes, static_cast<std::int64_t>(room));
      }
      if (pair.type == CorrelationType::kEventCount && window == WindowKind::kTumbling) continue;
      if (pair.type == CorrelationType::kEventCount && pair.op == Op::kEq) continue;
      EXPECT_GT(run.op().numbers().evictions, 0U) << ToString(pair.type);
    }
  }
}

TEST(Windows, ManyKeysStayWithinTheirNumberAndTheNearestToFiringStay) {
  const CorrelationRule rule = Rule(CorrelationType::kEventCount, Op::kGte, 3);
  OperatorRun run(rule, {10, 64U << 20});
  run.Feed(HitAt(At(0), 0), {0}, "near");
  run.Feed(HitAt(At(0), 1), {0}, "near");
  for (int i = 0; i < 1000; ++i) run.Feed(HitAt(At(1), 2 + i), {0}, std::to_string(i));
  EXPECT_EQ(run.op().numbers().keys, 10);
  EXPECT_EQ(run.op().numbers().evictions, 991U);
  run.Feed(HitAt(At(2), 5000), {0}, "near");
  EXPECT_EQ(run.fired().size(), 1U);
}

TEST(Windows, DifferentTextsOfAnySizeCostTheSame) {
  const CorrelationRule rule = Rule(CorrelationType::kValueCount, Op::kGte, 3);
  OperatorRun run(rule);
  std::string huge(1U << 20, 'x');
  run.Feed(Saying(At(0), 0, huge), {0}, "g");
  const std::int64_t once = run.op().numbers().bytes;
  huge.back() = 'y';
  run.Feed(Saying(At(0), 1, huge), {0}, "g");
  EXPECT_LT(once, 1000);
  EXPECT_LT(run.op().numbers().bytes, 2 * once);
  huge.back() = 'x';
  run.Feed(Saying(At(0), 2, huge), {0}, "g");
  EXPECT_TRUE(run.fired().empty());
  huge.back() = 'z';
  run.Feed(Saying(At(0), 3, huge), {0}, "g");
  EXPECT_EQ(run.fired().size(), 1U);
}

TEST(Windows, ASequenceOfEqualTimesHoldsInEitherOrderWhereTiesMay) {
  CorrelationRule rule = WindowRule(CorrelationType::kTemporalOrdered, 3, seconds(10));
  rule.window = WindowKind::kTumbling;
  for (const bool any : {false, true}) {
    rule.ties_any = any;
    OperatorRun run(rule);
    run.Feed(HitAt(At(1), 1), {2}, "g");
    run.Feed(HitAt(At(1), 2), {0}, "g");
    run.Feed(HitAt(At(1), 3), {1}, "g");
    run.Advance(EventTime::Max());
    EXPECT_EQ(run.fired().size(), any ? 1U : 0U);
  }
}

TEST(Windows, AnAbsentRuleIsDecidedWhenTheWindowCloses) {
  using Node = sigma::StepCondition::Node;
  CorrelationRule rule = WindowRule(CorrelationType::kTemporal, 2, seconds(10));
  rule.window = WindowKind::kTumbling;
  rule.condition.nodes = {{Node::Kind::kStep, 0, {}},
                          {Node::Kind::kStep, 1, {}},
                          {Node::Kind::kNot, 0, {1}},
                          {Node::Kind::kAnd, 0, {0, 2}}};
  OperatorRun run(rule);
  run.Feed(HitAt(At(1), 1), {0}, "alone");
  run.Feed(HitAt(At(1), 2), {0}, "both");
  run.Feed(HitAt(At(2), 3), {1}, "both");
  run.Advance(EventTime::Max());
  ASSERT_EQ(run.fired().size(), 1U);
  EXPECT_EQ(run.fired()[0].group[0].value, "alone");
  EXPECT_EQ(run.fired()[0].outcome.time, At(10));
}

}  // namespace
}  // namespace faultline
