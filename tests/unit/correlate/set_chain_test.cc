// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/set_chain.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/correlate/builders.h"
#include "tests/unit/correlate/chain_driver.h"

namespace faultline {
namespace {

using sigma::Absence;
using sigma::CorrelationRule;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::At;
using testing::AtLeast;
using testing::ChainDriver;
using testing::PlainChain;
using testing::StepOn;

using Lines = std::vector<std::string>;

CorrelationRule SetOf(const std::vector<std::string>& inputs, std::size_t steps) {
  return PlainChain(sigma::CorrelationType::kTemporal, inputs, steps, seconds(10));
}

Absence After(std::uint32_t input, std::uint32_t step, std::chrono::nanoseconds within) {
  Absence absence;
  absence.kind = Absence::Kind::kAfter;
  absence.input = input;
  absence.step = step;
  absence.within = within;
  return absence;
}

TEST(SetChain, TakesEitherOrder) {
  ChainDriver ab(SetOf({"a", "b"}, 2));
  EXPECT_EQ(ab.See(At(0), "a").See(At(10), "b").Take(), Lines{"10s a=0 b=1"});
  ChainDriver ba(SetOf({"a", "b"}, 2));
  EXPECT_EQ(ba.See(At(0), "b").See(At(10), "a").Take(), Lines{"10s a=1 b=0"});
}

TEST(SetChain, IsClosedToTheNanosecond) {
  for (const int delta : {-1, 0, 1}) {
    ChainDriver set(SetOf({"a", "b"}, 2));
    set.See(At(0), "a").See(At(10) + nanoseconds(delta), "b");
    EXPECT_EQ(set.Take().size(), delta <= 0 ? 1U : 0U) << delta;
  }
}

TEST(SetChain, OneEventMayStandForSeveralSteps) {
  ChainDriver set(SetOf({"a", "b"}, 2));
  EXPECT_EQ(set.See(At(3), "ab").Take(), Lines{"3s a=0 b=0"});
}

TEST(SetChain, KOfNFiresAtTheKthAndLaterStepsAreBoundSilently) {
  CorrelationRule rule = SetOf({"a", "b", "c", "d"}, 4);
  rule.condition = AtLeast(3);
  ChainDriver set(rule);
  set.See(At(0), "d").See(At(1), "d").See(At(2), "b").See(At(3), "a").See(At(4), "c");
  EXPECT_EQ(set.Take(), Lines{"3s a=3 b=2 d=1"});
  const auto bound = set.op().BoundNow(ChainDriver::KeyOf("k"), At(4));
  ASSERT_EQ(bound.size(), 4U);
  EXPECT_EQ(bound[2].front().origin.offset, 4);
}

TEST(SetChain, ReArmsAsSoonAsAStepHasExpired) {
  for (const int delta : {-1, 0, 1}) {
    ChainDriver set(SetOf({"a", "b"}, 2));
    set.See(At(0), "a").See(At(5), "b").See(At(10) + nanoseconds(delta), "a");
    EXPECT_EQ(set.Take().size(), delta <= 0 ? 1U : 2U) << delta;
  }
}

TEST(SetChain, HoldsUntilTheConditionFailsByExpiry) {
  CorrelationRule rule = SetOf({"a", "b", "c"}, 3);
  rule.condition = AtLeast(2);
  ChainDriver set(rule);
  const Digest key = ChainDriver::KeyOf("k");
  set.See(At(0), "a");
  EXPECT_EQ(set.op().HoldsUntil(key), EventTime::Min());
  set.See(At(1), "b");
  EXPECT_EQ(set.op().HoldsUntil(key), At(10));
  set.See(At(3), "c");
  EXPECT_EQ(set.op().HoldsUntil(key), At(11));
}

TEST(SetChain, RefiresAtEachArrivalOrAfterADuration) {
  CorrelationRule every = SetOf({"a", "b"}, 2);
  every.refire = sigma::RefireKind::kEvery;
  ChainDriver each(every);
  each.See(At(0), "a").See(At(1), "b").See(At(2), "b").See(At(10), "a");
  EXPECT_EQ(each.Take(), (Lines{"1s a=0 b=1", "2s a=0 b=2", "10s a=3 b=2"}));

  CorrelationRule after = SetOf({"a", "b"}, 2);
  after.refire = sigma::RefireKind::kAfter;
  after.refire_after = seconds(4);
  ChainDriver later(after);
  later.See(At(0), "a").See(At(1), "b").See(At(5) - nanoseconds(1), "b").See(At(5), "b");
  later.See(At(8), "a");
  EXPECT_EQ(later.Take(), (Lines{"1s a=0 b=1", "5s a=0 b=3"}));
}

TEST(SetChain, TimesCountsEvidenceWithinTheTimespan) {
  CorrelationRule rule = SetOf({"a", "b"}, 2);
  rule.steps[0].times = 2;
  ChainDriver set(rule);
  set.See(At(0), "a").See(At(6), "a").See(At(10), "b");
  EXPECT_EQ(set.Take(), Lines{"10s a=0,1 b=2"});
  ChainDriver late(rule);  // the older of the two is out by then
  late.See(At(0), "a").See(At(6), "a").See(At(10) + nanoseconds(1), "b");
  EXPECT_EQ(late.Take(), Lines{});
  late.See(At(16), "a");
  EXPECT_EQ(late.Take(), Lines{"16s a=1,3 b=2"});
}

TEST(SetChain, AbsenceAfterDecidesAtTheDeadlineByTimer) {
  CorrelationRule rule = SetOf({"a", "b", "x"}, 2);
  rule.absences = {After(2, 1, seconds(30))};
  ChainDriver quiet(rule);
  quiet.See(At(0), "a").See(At(5), "b").PassTo(At(35));
  EXPECT_EQ(quiet.Take(), Lines{});
  EXPECT_EQ(quiet.op().HoldsUntil(ChainDriver::KeyOf("k")), EventTime::Min());
  EXPECT_EQ(quiet.Open(), Lines{"k 0s..35s absence of x"});
  quiet.PassTo(At(35) + nanoseconds(1));
  EXPECT_EQ(quiet.Take(), Lines{"35s! a=0 b=1"});
  EXPECT_EQ(quiet.held_until(), At(35));

  for (const int delta : {-1, 0, 1}) {
    ChainDriver set(rule);
    set.See(At(0), "a").See(At(5), "b").See(At(35) + nanoseconds(delta), "x").PassTo(At(99));
    EXPECT_EQ(set.Take().size(), delta <= 0 ? 0U : 1U) << delta;
  }
}

TEST(SetChain, AForbiddenStepIsUnboundAndMayComeAgain) {
  CorrelationRule rule = SetOf({"a", "b", "x"}, 2);
  rule.absences = {After(2, 1, seconds(3))};
  ChainDriver set(rule);
  set.See(At(0), "b").See(At(1), "x").See(At(2), "a").PassTo(At(8));
  EXPECT_EQ(set.Take(), Lines{});
  set.See(At(8), "b").PassTo(At(99));
  EXPECT_EQ(set.Take(), Lines{"11s! a=2 b=3"});
}

TEST(SetChain, WhatWaitsIsReplacedByANewerCompletion) {
  CorrelationRule rule = SetOf({"a", "b", "x"}, 2);
  rule.absences = {After(2, 1, seconds(20))};
  ChainDriver set(rule);
  set.See(At(0), "a").See(At(5), "b").See(At(8), "b").PassTo(At(99));
  EXPECT_EQ(set.Take(), Lines{"28s! a=0 b=2"});
  // A later b without an a in time completes nothing and replaces nothing.
  ChainDriver kept(rule);
  kept.See(At(0), "a").See(At(5), "b").See(At(15), "b").PassTo(At(99));
  EXPECT_EQ(kept.Take(), Lines{"25s! a=0 b=1"});
}

TEST(SetChain, OneStepWithoutTheOthersByADeadline) {
  CorrelationRule rule = SetOf({"s", "x", "y"}, 1);
  rule.absences = {After(1, 0, seconds(600)), After(2, 0, seconds(600))};
  ChainDriver set(rule);
  set.See(At(0), "s").See(At(600), "y").See(At(1000), "s").PassTo(At(9999));
  EXPECT_EQ(set.Take(), Lines{"1600s! s=2"});
}

TEST(SetChain, AnEventThatIsStepAndAbsentForbidsItself) {
  CorrelationRule rule = SetOf({"a", "x"}, 1);
  rule.absences = {After(1, 0, seconds(5))};
  ChainDriver set(rule);
  EXPECT_EQ(set.See(At(0), "ax").PassTo(At(99)).Take(), Lines{});
  EXPECT_EQ(set.See(At(100), "a").PassTo(At(199)).Take(), Lines{"105s! a=1"});
}

TEST(SetChain, AHeartbeatThatStops) {
  CorrelationRule rule = SetOf({"h"}, 1);
  rule.absences = {After(0, 0, seconds(60))};
  ChainDriver set(rule);
  for (int i = 0; i <= 10; ++i) set.See(At(60 * i), "h");
  EXPECT_EQ(set.Take(), Lines{});
  EXPECT_LE(set.timers(), 2U);
  set.See(At(700), "h");  // a minute and forty behind the last one
  EXPECT_EQ(set.Take(), Lines{"660s! h=10"});
  set.PassTo(At(9999));
  EXPECT_EQ(set.Take(), Lines{"760s! h=11"});
}

TEST(SetChain, AbsenceBeforeLooksBackClosedAndNotAtItself) {
  for (const int delta : {-1, 0, 1}) {
    CorrelationRule rule = SetOf({"a", "x"}, 1);
    Absence before;
    before.kind = Absence::Kind::kBefore;
    before.input = 1;
    before.step = 0;
    before.within = seconds(30);
    rule.absences = {before};
    ChainDriver set(rule);
    set.See(At(0), "x").See(At(30) + nanoseconds(delta), "a");
    EXPECT_EQ(set.Take().size(), delta <= 0 ? 0U : 1U) << delta;
    set.See(At(99), "ax").See(At(99), "a");
    EXPECT_EQ(set.Take(), Lines{"99s a=2"}) << delta;  // the second one has the first before it
  }
}

TEST(SetChain, AbsenceBindsFields) {
  CorrelationRule rule = SetOf({"a", "x"}, 1);
  Absence absence = After(1, 0, seconds(5));
  absence.bind = {{"y", 0, "x"}};
  rule.absences = {absence};
  ChainDriver set(rule);
  set.See(At(0), "a", {{"x", "n1"}}).See(At(1), "x", {{"y", "n2"}}).See(At(2), "x").PassTo(At(9));
  EXPECT_EQ(set.Take(), Lines{"5s! a=0"});
  set.See(At(20), "a", {{"x", "n1"}}).See(At(21), "x", {{"y", "n1"}}).PassTo(At(99));
  EXPECT_EQ(set.Take(), Lines{});
}

TEST(SetChain, UntilDropsAllAndArmsAgain) {
  CorrelationRule rule = SetOf({"a", "b", "z"}, 2);
  rule.steps[0].times = 2;
  rule.until = {2};
  ChainDriver set(rule);
  set.See(At(0), "a").See(At(1), "z").See(At(2), "a").See(At(3), "b");
  EXPECT_EQ(set.Take(), Lines{});  // one a since
  set.See(At(4), "a");
  EXPECT_EQ(set.Take(), Lines{"4s a=2,4 b=3"});
  set.See(At(5), "za").See(At(6), "a").See(At(7), "b");
  EXPECT_EQ(set.Take(), Lines{"7s a=5,6 b=7"});
}

TEST(SetChain, ConsumeStartsAfresh) {
  CorrelationRule rule = SetOf({"a", "b"}, 2);
  rule.overlap = sigma::OverlapKind::kConsume;
  ChainDriver set(rule);
  set.See(At(0), "a").See(At(1), "b").See(At(2), "b").See(At(3), "a").See(At(4), "b");
  EXPECT_EQ(set.Take(), (Lines{"1s a=0 b=1", "3s a=3 b=2"}));
}

TEST(SetChain, WhereIsLookedAtAfterEachArrivalAndExpiry) {
  CorrelationRule rule = SetOf({"a", "b", "c"}, 3);
  rule.condition = AtLeast(2);
  rule.where = testing::SomeWhere();
  ChainDriver set(rule);
  set.where = [](const Candidate& candidate) {  // not seen(c)
    EXPECT_EQ(candidate.group->at(0).value, "k");
    return candidate.steps[2].empty() && candidate.count == 2;
  };
  set.See(At(0), "c").See(At(1), "a").See(At(2), "b");
  EXPECT_EQ(set.Take(), Lines{});
  set.PassTo(At(10));
  EXPECT_EQ(set.Take(), Lines{});
  set.PassTo(At(99));  // true as soon as c has expired
  EXPECT_EQ(set.Take(), Lines{"10s+1! a=1 b=2"});
  EXPECT_EQ(set.held_until(), At(11));
}

TEST(SetChain, WhereThatStaysTrueOverAnExpiryIsSilent) {
  CorrelationRule rule = SetOf({"a", "b", "c"}, 3);
  rule.condition = AtLeast(1);
  rule.where = testing::SomeWhere();
  ChainDriver set(rule);
  set.See(At(0), "a").See(At(5), "b").See(At(12), "c").PassTo(At(22));
  EXPECT_EQ(set.Take(), Lines{"0s a=0"});
  set.PassTo(At(99)).See(At(99), "a");
  EXPECT_EQ(set.Take(), Lines{"99s a=3"});
}

TEST(SetChain, WhereDecidesAtTheDeadline) {
  CorrelationRule rule = SetOf({"a", "x"}, 1);
  rule.absences = {After(1, 0, seconds(5))};
  rule.where = testing::SomeWhere();
  ChainDriver set(rule);
  set.where = [](const Candidate& candidate) {
    EXPECT_TRUE(candidate.deciding.empty());
    return candidate.at == At(25);
  };
  set.See(At(0), "a").See(At(20), "a").PassTo(At(99));
  EXPECT_EQ(set.Take(), Lines{"25s! a=1"});
}

TEST(SetChain, KeysAreApart) {
  ChainDriver set(SetOf({"a", "b"}, 2));
  set.See(At(0), "a", {}, "p").See(At(1), "b", {}, "q").See(At(2), "b", {}, "p");
  EXPECT_EQ(set.Take(), Lines{"2s a=0 b=2"});
}

TEST(SetChain, AChildsDeadlineIsAnArrivalBehindItsInstant) {
  CorrelationRule rule = SetOf({"a", "b", "x"}, 2);
  rule.absences = {After(2, 1, seconds(3))};
  ChainDriver set(rule);
  set.See(At(0), "a").See(At(1), "b").SeeEdge(At(4), "x").PassTo(At(99));
  EXPECT_EQ(set.Take(), Lines{});  // the child's edge at the deadline still forbids
  ChainDriver bound(SetOf({"a", "b"}, 2));
  bound.See(At(0), "a").SeeEdge(At(4), "b");
  EXPECT_EQ(bound.Take(), Lines{"4s a=0 b=edge"});
}

TEST(SetChain, AnArrivalThatLeavesNothingTakesNoRoom) {
  CorrelationRule rule = SetOf({"a", "b", "x", "z"}, 2);
  rule.absences = {After(2, 1, seconds(3))};
  rule.until = {3};
  ChainDriver set(rule);
  set.See(At(0), "x").See(At(1), "z");
  EXPECT_EQ(set.op().numbers().keys, 0);
  set.See(At(2), "a");
  EXPECT_EQ(set.op().numbers().keys, 1);
  EXPECT_EQ(set.Open(), Lines{"k 2s..12s 1 of 2 steps, not b"});
  set.See(At(3), "z");
  EXPECT_EQ(set.op().numbers().keys, 0);
  EXPECT_EQ(set.op().numbers().bytes, 0);
}

}  // namespace
}  // namespace faultline
