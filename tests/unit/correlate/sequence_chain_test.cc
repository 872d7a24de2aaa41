// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/sequence_chain.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/correlate/builders.h"
#include "tests/unit/correlate/chain_driver.h"

namespace faultline {
namespace {

using sigma::Absence;
using sigma::CorrelationRule;
using sigma::OverlapKind;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::At;
using testing::ChainDriver;
using testing::PlainChain;
using testing::StepOn;

using Lines = std::vector<std::string>;

CorrelationRule SequenceOf(const std::vector<std::string>& inputs, std::size_t steps) {
  return PlainChain(sigma::CorrelationType::kTemporalOrdered, inputs, steps, seconds(10));
}

Absence Absent(Absence::Kind kind, std::uint32_t input, std::uint32_t step,
               std::chrono::nanoseconds within, std::uint32_t until = 0) {
  Absence absence;
  absence.kind = kind;
  absence.input = input;
  absence.step = step;
  absence.within = within;
  absence.until = until;
  return absence;
}

TEST(SequenceChain, WantsTheOrder) {
  ChainDriver chain(SequenceOf({"a", "b"}, 2));
  chain.See(At(0), "b").See(At(1), "a").See(At(2), "b");
  EXPECT_EQ(chain.Take(), Lines{"2s a=1 b=2"});
}

TEST(SequenceChain, OneEventFillsOneStep) {
  ChainDriver chain(SequenceOf({"a", "b"}, 2));
  EXPECT_EQ(chain.See(At(0), "ab").Take(), Lines{});
  EXPECT_EQ(chain.See(At(0), "ab").Take(), Lines{"0s a=0 b=1"});
}

TEST(SequenceChain, OneRuleMayBeTwoSteps) {
  CorrelationRule rule = SequenceOf({"a"}, 1);
  rule.steps.push_back(StepOn(0, "again"));
  ChainDriver chain(rule);
  chain.See(At(0), "a").See(At(5), "a").See(At(8), "a");
  EXPECT_EQ(chain.Take(), Lines{"5s a=0 again=1"});
}

TEST(SequenceChain, PrefersTheNewerFirstStep) {
  ChainDriver chain(SequenceOf({"a", "b", "c"}, 3));
  chain.See(At(0), "a").See(At(1), "b").See(At(5), "a").See(At(6), "b").See(At(12), "c");
  EXPECT_EQ(chain.Take(), Lines{"12s a=2 b=3 c=4"});
}

TEST(SequenceChain, AnOlderStartSurvivesUntilANewerOneHasItsNextStep) {
  ChainDriver chain(SequenceOf({"a", "b", "c"}, 3));
  chain.See(At(0), "a").See(At(1), "b").See(At(5), "a").See(At(9), "c");
  EXPECT_EQ(chain.Take(), Lines{"9s a=0 b=1 c=3"});
}

TEST(SequenceChain, IsClosedToTheNanosecond) {
  for (const int delta : {-1, 0, 1}) {
    ChainDriver chain(SequenceOf({"a", "b"}, 2));
    chain.See(At(0), "a").See(At(10) + nanoseconds(delta), "b");
    EXPECT_EQ(chain.Take().size(), delta <= 0 ? 1U : 0U) << delta;

    CorrelationRule rule = SequenceOf({"a", "b"}, 2);
    rule.steps[1].within = seconds(3);
    ChainDriver within(rule);
    within.See(At(0), "a").See(At(3) + nanoseconds(delta), "b");
    EXPECT_EQ(within.Take().size(), delta <= 0 ? 1U : 0U) << delta;
  }
}

TEST(SequenceChain, HoldsUntilItsFirstEventLeaves) {
  for (const int delta : {-1, 0, 1}) {
    ChainDriver chain(SequenceOf({"a", "b"}, 2));
    chain.See(At(0), "a").See(At(1), "b");
    EXPECT_EQ(chain.op().HoldsUntil(ChainDriver::KeyOf("k")), At(10));
    chain.See(At(9), "a").See(At(10) + nanoseconds(delta), "b");
    EXPECT_EQ(chain.Take().size(), delta <= 0 ? 1U : 2U) << delta;
    EXPECT_EQ(chain.op().HoldsUntil(ChainDriver::KeyOf("k")), At(19));
  }
}

TEST(SequenceChain, BindsFieldsAsText) {
  CorrelationRule rule = SequenceOf({"a", "b"}, 2);
  rule.steps[1].bind = {{"y", 0, "x"}};
  ChainDriver chain(rule);
  chain.See(At(0), "a", {{"x", "1"}}).See(At(1), "b", {{"y", "1.0"}}).See(At(2), "b");
  EXPECT_EQ(chain.Take(), Lines{});
  chain.See(At(3), "b", {{"y", "1"}});
  EXPECT_EQ(chain.Take(), Lines{"3s a=0 b=3"});
}

TEST(SequenceChain, TimesLiesBehindThePreviousStep) {
  CorrelationRule rule = SequenceOf({"a", "b"}, 2);
  rule.steps[1].times = 2;
  ChainDriver chain(rule);
  chain.See(At(0), "b").See(At(1), "a").See(At(2), "b");
  EXPECT_EQ(chain.Take(), Lines{});  // the first b lies before a
  chain.See(At(3), "b");
  EXPECT_EQ(chain.Take(), Lines{"3s a=1 b=2,3"});
}

TEST(SequenceChain, TheTimespanBeginsWithTheOldestEvidence) {
  for (const int delta : {-1, 0, 1}) {
    CorrelationRule rule = SequenceOf({"a", "b"}, 2);
    rule.steps[0].times = 2;
    ChainDriver chain(rule);
    chain.See(At(0), "a").See(At(4), "a").See(At(10) + nanoseconds(delta), "b");
    EXPECT_EQ(chain.Take().size(), delta <= 0 ? 1U : 0U) << delta;
  }
}

TEST(SequenceChain, OverlapFirstKeepsTheOlderPartial) {
  CorrelationRule rule = SequenceOf({"a", "b"}, 2);
  rule.overlap = OverlapKind::kFirst;
  rule.steps[1].within = seconds(4);
  ChainDriver chain(rule);
  chain.See(At(0), "a").See(At(1), "a").See(At(2), "b");
  EXPECT_EQ(chain.Take(), Lines{"2s a=0 b=2"});
  ChainDriver late(rule);
  late.See(At(0), "a").See(At(4) + nanoseconds(1), "a").See(At(5), "b");
  EXPECT_EQ(late.Take(), Lines{"5s a=1 b=2"});  // the first could not go on any more
}

TEST(SequenceChain, OverlapAllFindsTheOneThatBinds) {
  CorrelationRule rule = SequenceOf({"a", "b"}, 2);
  rule.steps[1].bind = {{"x", 0, "x"}};
  ChainDriver latest(rule);
  latest.See(At(0), "a", {{"x", "p"}}).See(At(1), "a", {{"x", "q"}}).See(At(2), "b", {{"x", "p"}});
  EXPECT_EQ(latest.Take(), Lines{});
  rule.overlap = OverlapKind::kAll;
  ChainDriver all(rule);
  all.See(At(0), "a", {{"x", "p"}}).See(At(1), "a", {{"x", "q"}}).See(At(2), "b", {{"x", "p"}});
  EXPECT_EQ(all.Take(), Lines{"2s a=0 b=2"});
}

TEST(SequenceChain, OverlapAllForgetsTheOldestOfTooMany) {
  CorrelationRule rule = SequenceOf({"a", "b"}, 2);
  rule.steps[1].bind = {{"x", 0, "x"}};
  rule.overlap = OverlapKind::kAll;
  for (const std::size_t extra : {0U, 1U}) {
    ChainDriver chain(rule);
    const std::size_t count = SequenceChain::kMaxOverlap + extra;
    for (std::size_t i = 0; i < count; ++i) chain.See(At(1), "a", {{"x", std::to_string(i)}});
    EXPECT_EQ(chain.op().numbers().evictions, extra);
    chain.See(At(2), "b", {{"x", "0"}});
    EXPECT_EQ(chain.Take().size(), 1U - extra);
    chain.See(At(3), "b", {{"x", "63"}});
    EXPECT_EQ(chain.Take().size(), extra);  // without the first it is the edge; else silent
  }
}

TEST(SequenceChain, OverlapConsumeStartsAfresh) {
  CorrelationRule rule = SequenceOf({"a", "b"}, 2);
  rule.overlap = OverlapKind::kConsume;
  ChainDriver chain(rule);
  chain.See(At(0), "a").See(At(1), "b").See(At(2), "b").See(At(3), "a").See(At(4), "b");
  EXPECT_EQ(chain.Take(), (Lines{"1s a=0 b=1", "4s a=3 b=4"}));
}

TEST(SequenceChain, RefiresWithWhatIsCompleteThen) {
  CorrelationRule rule = SequenceOf({"a", "b", "x"}, 2);
  rule.refire = sigma::RefireKind::kEvery;
  rule.absences = {Absent(Absence::Kind::kBetween, 2, 0, {}, 1)};
  ChainDriver chain(rule);
  chain.See(At(0), "a").See(At(1), "b").See(At(2), "x").See(At(3), "a").See(At(4), "b");
  EXPECT_EQ(chain.Take(), (Lines{"1s a=0 b=1", "3s a=0 b=1", "4s a=3 b=4"}));
}

TEST(SequenceChain, BetweenDropsThePartial) {
  CorrelationRule rule = SequenceOf({"a", "b", "c", "x"}, 3);
  rule.absences = {Absent(Absence::Kind::kBetween, 3, 0, {}, 1)};
  const auto run = [&rule](const std::vector<std::string>& events) {
    ChainDriver chain(rule);
    for (std::size_t i = 0; i < events.size(); ++i) {
      chain.See(At(static_cast<std::int64_t>(i)), events[i]);
    }
    return chain.Take().size();
  };
  EXPECT_EQ(run({"a", "b", "c"}), 1U);
  EXPECT_EQ(run({"x", "a", "b", "c"}), 1U);
  EXPECT_EQ(run({"a", "x", "b", "c"}), 0U);
  EXPECT_EQ(run({"a", "b", "x", "c"}), 1U);
  EXPECT_EQ(run({"a", "bx", "c"}), 0U);  // absence is judged before steps
  EXPECT_EQ(run({"ax", "b", "c"}), 1U);  // not behind a
  EXPECT_EQ(run({"a", "x", "a", "b", "c"}), 1U);
}

TEST(SequenceChain, AbsenceAfterAMiddleStepForbidsToTheNanosecond) {
  for (const int delta : {-1, 0, 1}) {
    CorrelationRule rule = SequenceOf({"a", "b", "x"}, 2);
    rule.absences = {Absent(Absence::Kind::kAfter, 2, 0, seconds(4))};
    ChainDriver chain(rule);
    chain.See(At(0), "a").See(At(4) + nanoseconds(delta), "x").See(At(6), "b");
    // Behind the deadline nothing has to be waited for.
    EXPECT_EQ(chain.Take(), delta <= 0 ? Lines{} : Lines{"6s a=0 b=2"}) << delta;
  }
}

TEST(SequenceChain, CompletingAtTheDeadlineItselfIsDecidedByTheTimer) {
  CorrelationRule rule = SequenceOf({"a", "b", "x"}, 2);
  rule.absences = {Absent(Absence::Kind::kAfter, 2, 0, seconds(4))};
  ChainDriver chain(rule);
  chain.See(At(0), "a").See(At(4), "b");
  EXPECT_EQ(chain.Take(), Lines{});
  EXPECT_EQ(chain.See(At(9), "x").Take(), Lines{"4s! a=0 b=1"});
  ChainDriver forbidden(rule);
  forbidden.See(At(0), "a").See(At(4), "b").See(At(4), "x").PassTo(At(99));
  EXPECT_EQ(forbidden.Take(), Lines{});
}

TEST(SequenceChain, WaitsBeyondItsTimespanAndHoldsAtThatInstant) {
  CorrelationRule rule = SequenceOf({"a", "b", "x"}, 2);
  rule.absences = {Absent(Absence::Kind::kAfter, 2, 1, seconds(100))};
  ChainDriver chain(rule);
  chain.See(At(0), "a").See(At(1), "b").PassTo(At(101));
  EXPECT_EQ(chain.Take(), Lines{});
  EXPECT_EQ(chain.Open(), Lines{"k 0s..101s absence of x"});
  chain.PassTo(At(101) + nanoseconds(1));
  EXPECT_EQ(chain.Take(), Lines{"101s! a=0 b=1"});
  EXPECT_EQ(chain.held_until(), At(101));
  chain.PassTo(At(102));
  EXPECT_EQ(chain.op().numbers().keys, 0);
}

TEST(SequenceChain, ANewerCompletionThatWaitsEndsWhatHolds) {
  CorrelationRule rule = SequenceOf({"h"}, 1);
  rule.timespan = seconds(3600);
  rule.absences = {Absent(Absence::Kind::kAfter, 0, 0, seconds(60))};
  ChainDriver chain(rule);
  chain.See(At(0), "h").See(At(100), "h");
  EXPECT_EQ(chain.Take(), Lines{"60s! h=0"});
  EXPECT_EQ(chain.op().HoldsUntil(ChainDriver::KeyOf("k")), EventTime::Min());
  chain.See(At(160), "h");  // just in time
  EXPECT_EQ(chain.Take(), Lines{});
  chain.PassTo(At(9999));
  EXPECT_EQ(chain.Take(), Lines{"220s! h=2"});
}

TEST(SequenceChain, BeforeWithABindLooksAtTheBoundStep) {
  CorrelationRule rule = SequenceOf({"a", "b", "x"}, 2);
  Absence before = Absent(Absence::Kind::kBefore, 2, 1, seconds(60));
  before.bind = {{"x", 0, "x"}};
  rule.absences = {before};
  ChainDriver chain(rule);
  chain.See(At(0), "x", {{"x", "p"}}).See(At(1), "x", {{"x", "q"}}).See(At(2), "x", {{"x", "p"}});
  chain.See(At(20), "a", {{"x", "q"}}).See(At(21), "b");
  EXPECT_EQ(chain.Take(), Lines{});
  chain.See(At(22), "a", {{"x", "r"}}).See(At(23), "b");
  EXPECT_EQ(chain.Take(), Lines{"23s a=5 b=6"});
}

TEST(SequenceChain, UntilDropsThePartialsAndArmsAgain) {
  CorrelationRule rule = SequenceOf({"a", "b", "z"}, 2);
  rule.until = {2};
  ChainDriver chain(rule);
  chain.See(At(0), "a").See(At(1), "z").See(At(2), "b");
  EXPECT_EQ(chain.Take(), Lines{});
  chain.See(At(3), "a").See(At(4), "b").See(At(5), "az").See(At(6), "b");
  EXPECT_EQ(chain.Take(), (Lines{"4s a=3 b=4", "6s a=5 b=6"}));
}

TEST(SequenceChain, WithWhereFalseNothingWasReached) {
  CorrelationRule rule = SequenceOf({"a", "b"}, 2);
  rule.where = testing::SomeWhere();
  ChainDriver chain(rule);
  chain.where = [](const Candidate& candidate) {
    return candidate.steps[1].back().origin.offset % 2 == 0;
  };
  chain.See(At(0), "a").See(At(1), "b").See(At(2), "b").See(At(3), "b").See(At(4), "b");
  EXPECT_EQ(chain.Take(), Lines{"2s a=0 b=2"});
  EXPECT_EQ(chain.op().HoldsUntil(ChainDriver::KeyOf("k")), At(10));
}

TEST(SequenceChain, WhereDecidesAtTheDeadline) {
  CorrelationRule rule = SequenceOf({"a", "b", "x"}, 2);
  rule.absences = {Absent(Absence::Kind::kAfter, 2, 1, seconds(5))};
  rule.where = testing::SomeWhere();
  ChainDriver chain(rule);
  chain.where = [](const Candidate& candidate) { return candidate.at == At(26); };
  chain.See(At(0), "a").See(At(1), "b").PassTo(At(7));
  EXPECT_EQ(chain.Take(), Lines{});
  chain.See(At(20), "a").See(At(21), "b").PassTo(At(99));
  EXPECT_EQ(chain.Take(), Lines{"26s! a=2 b=3"});
}

TEST(SequenceChain, OverlapAllTellsTheOneThatBeganLast) {
  CorrelationRule rule = SequenceOf({"a", "b"}, 2);
  rule.overlap = OverlapKind::kAll;
  rule.where = testing::SomeWhere();
  ChainDriver chain(rule);
  chain.where = [](const Candidate& candidate) {
    return candidate.steps[0].back().origin.offset < 2;
  };
  chain.See(At(0), "a").See(At(1), "a").See(At(2), "a").See(At(3), "b");
  EXPECT_EQ(chain.Take(), Lines{"3s a=1 b=3"});
  EXPECT_EQ(chain.held_until(), At(11));
}

TEST(SequenceChain, TiesAnyTakesEqualTimesInEitherOrder) {
  CorrelationRule rule = SequenceOf({"a", "b", "c"}, 3);
  ChainDriver strict(rule);
  strict.See(At(0), "c").See(At(0), "b").See(At(0), "a");
  EXPECT_EQ(strict.Take(), Lines{});
  rule.ties_any = true;
  ChainDriver any(rule);
  any.See(At(0), "c").See(At(0), "b").See(At(0), "a");
  EXPECT_EQ(any.Take(), Lines{"0s a=2 b=1 c=0"});
  ChainDriver later(rule);  // not across different times
  later.See(At(0), "c").See(At(0), "b").See(At(0) + nanoseconds(1), "a");
  EXPECT_EQ(later.Take(), Lines{});
}

TEST(SequenceChain, TiesAnyTriesAllWaysToUseOneEventOnce) {
  CorrelationRule rule = SequenceOf({"a", "b", "c"}, 3);
  rule.ties_any = true;
  ChainDriver chain(rule);
  chain.See(At(0), "ab").See(At(0), "bc").See(At(0), "a");
  EXPECT_EQ(chain.Take(), Lines{"0s a=2 b=0 c=1"});
}

TEST(SequenceChain, TiesAnyLetsAnAbsentEventPart) {
  CorrelationRule rule = SequenceOf({"a", "b", "x"}, 2);
  rule.ties_any = true;
  rule.absences = {Absent(Absence::Kind::kBetween, 2, 0, {}, 1)};
  ChainDriver chain(rule);
  chain.See(At(0), "b").See(At(0), "x").See(At(0), "a");
  EXPECT_EQ(chain.Take(), Lines{});
}

TEST(SequenceChain, TiesAnyStandsAFlood) {
  CorrelationRule rule = SequenceOf({"a", "b", "c"}, 3);
  rule.ties_any = true;
  ChainDriver chain(rule);
  for (int i = 0; i < 500; ++i) chain.See(At(0), "bc");
  chain.See(At(0), "a");
  EXPECT_EQ(chain.Take().size(), 1U);
}

TEST(SequenceChain, AChildsDeadlineFillsAStep) {
  ChainDriver chain(SequenceOf({"a", "b", "c"}, 3));
  chain.See(At(0), "a").SeeEdge(At(1), "b").See(At(1) + nanoseconds(1), "c");
  EXPECT_EQ(chain.Take(), Lines{"1s+1 a=0 b=edge c=1"});
}

TEST(SequenceChain, SaysWhatItWaitsFor) {
  CorrelationRule rule = SequenceOf({"a", "b"}, 2);
  rule.steps[0].times = 3;
  rule.steps[1].within = seconds(3);
  ChainDriver chain(rule);
  chain.See(At(1), "a").See(At(2), "a");
  EXPECT_EQ(chain.Open(), Lines{"k 2s..12s 2 of 3 a"});
  chain.See(At(4), "a");
  EXPECT_EQ(chain.Open(), Lines{"k 1s..7s step b"});
  chain.See(At(5), "b");
  EXPECT_EQ(chain.Open(), Lines{"k 1s..11s nothing: complete"});
}

}  // namespace
}  // namespace faultline
