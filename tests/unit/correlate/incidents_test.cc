// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/incidents.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/correlate/key.h"
#include "matcher/correlate/state_codec.h"

namespace faultline {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

EventTime At(std::int64_t second) { return EventTime::Raw(second * 1'000'000'000); }

// A predicate that says what the test wants it to say.
class FakeOperator final : public Operator {
 public:
  EventTime holds_until = EventTime::Max();
  std::vector<BoundStep> bound;
  std::uint64_t evictions = 0;

  void Observe(const Arrival&, Judge&, Outcome&) override {}
  void OnTimer(const Digest&, EventTime, Judge&, Outcome&) override {}
  void ExpireBefore(EventTime) override {}
  [[nodiscard]] EventTime HoldsUntil(const Digest&) const override { return holds_until; }
  [[nodiscard]] std::vector<BoundStep> BoundNow(const Digest&, EventTime) const override {
    return bound;
  }
  [[nodiscard]] Numbers numbers() const override { return {0, 0, evictions}; }
  void Save(StateWriter&) const override {}
  [[nodiscard]] bool Load(StateReader&) override { return true; }
  void ForEachOpen(const std::function<void(const Open&)>&) const override {}
};

sigma::CorrelationRule Chain(const std::string& id, std::size_t steps) {
  sigma::CorrelationRule rule;
  rule.meta.id = id;
  rule.chain = true;
  rule.type = sigma::CorrelationType::kTemporal;
  rule.timespan = minutes(30);
  rule.group_by = {"who"};
  for (std::uint32_t i = 0; i < steps; ++i) {
    rule.inputs.push_back({"rule" + std::to_string(i), {false, i}, {"who"}, {}});
    sigma::Step step;
    step.name = "s" + std::to_string(i);
    step.input = i;
    rule.steps.push_back(step);
  }
  return rule;
}

BoundStep Seen(std::uint32_t input, std::int64_t second) {
  Bound bound;
  bound.input = input;
  bound.time = At(second);
  bound.origin = {{"t", 0}, second, 0};
  return {bound};
}

class IncidentsTest : public ::testing::Test {
 protected:
  void Make(const Incidents::Options& options = {}) {
    std::vector<Incidents::Unit> units;
    for (const auto& rule : rules) units.push_back({&rule, &op, nullptr, max_bytes});
    incidents.emplace(units, options, &timers);
  }

  void Fire(std::uint32_t unit, std::int64_t second, const std::string& who = "x",
            std::size_t seen = 1) {
    const GroupKey key = GroupKey::Of({{"who", who}});
    Notice notice;
    notice.correlation = unit;
    notice.time = notice.decided = At(second);
    notice.group = key.group;
    notice.steps.resize(rules[unit].steps.size());
    for (std::uint32_t i = 0; i < seen; ++i) notice.steps[i] = Seen(i, second);
    notice.first = notice.deciding = Origin{{"t", 0}, second, 0};
    const std::vector<BoundStep> steps = notice.steps;
    const Candidate candidate{&key.group, steps, {}, At(second), 1, {}};
    Advance(second);
    incidents->Fire(unit, key.digest, RuleEnvironment(rules[unit], nullptr, candidate),
                    std::move(notice), told);
  }

  void Touch(std::uint32_t unit, std::int64_t second, bool resolves = false, bool stirs = false) {
    Advance(second);
    incidents->Touch(unit, GroupKey::Of({{"who", "x"}}).digest, {At(second), resolves, stirs},
                     told);
  }

  void Advance(std::int64_t second) {
    while (const auto timer = timers.TakeBefore(At(second))) incidents->OnTimer(*timer, told);
  }

  // "rule status seq time" of each notice, then forgets them.
  std::vector<std::string> Told() {
    std::vector<std::string> lines;
    for (const Notice& notice : told) {
      std::string line = rules[notice.correlation].meta.id + " ";
      line += ToString(notice.status);
      line += " " + std::to_string(notice.seq) + " " +
              std::to_string(notice.time.nanos() / 1'000'000'000);
      if (notice.suppressed > 0) line += " hidden " + std::to_string(notice.suppressed);
      for (const std::string& other : notice.others) line += " before " + other;
      if (notice.degraded) line += " degraded";
      lines.push_back(line);
    }
    told.clear();
    return lines;
  }
  using Lines = std::vector<std::string>;

  std::vector<sigma::CorrelationRule> rules;
  FakeOperator op;
  std::size_t max_bytes = 64U << 20;
  Timers timers;
  std::optional<Incidents> incidents;
  std::vector<Notice> told;
};

TEST_F(IncidentsTest, AStepThatComesLaterUpdatesOnceAMinuteAndIsNotLost) {
  rules = {Chain("c", 3)};
  Make();
  Fire(0, 0);
  op.bound = {Seen(0, 10), Seen(1, 10), {}};
  Touch(0, 10);
  Advance(61);  // what changed inside the minute is told at its end, as of then
  EXPECT_EQ(Told(), (Lines{"c firing 0 0", "c updated 1 10"}));
  op.bound[2] = Seen(2, 130);
  Touch(0, 130);  // a minute after it was last told: at once
  Touch(0, 140);  // nothing new
  Advance(1000);
  EXPECT_EQ(Told(), Lines{"c updated 2 130"});
}

TEST_F(IncidentsTest, ABoundStepStaysAsItWas) {
  rules = {Chain("c", 2)};
  Make();
  Fire(0, 0);
  op.bound = {Seen(0, 100), Seen(1, 100)};
  Touch(0, 100);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[1].steps[0].front().time, At(0));
  EXPECT_EQ(told[1].steps[1].front().time, At(100));
}

TEST_F(IncidentsTest, ClosesWithItsPredicateUnlessSomethingResolvesIt) {
  rules = {Chain("c", 2)};
  Make();
  Fire(0, 0);
  op.holds_until = At(50);
  op.bound = {Seen(0, 100), Seen(1, 100)};
  Touch(0, 100);
  EXPECT_EQ(Told(), Lines{"c firing 0 0"});
  EXPECT_EQ(incidents->numbers().open, 0);
}

TEST_F(IncidentsTest, NeverUpdatesWhereTheRuleSaysSo) {
  rules = {Chain("c", 2)};
  rules[0].update_every = sigma::UpdateEvery{};
  Make();
  Fire(0, 0);
  op.bound = {Seen(0, 100), Seen(1, 100)};
  Touch(0, 100);
  EXPECT_EQ(Told(), Lines{"c firing 0 0"});
}

TEST_F(IncidentsTest, IsResolvedByAnEventOnce) {
  rules = {Chain("c", 1)};
  rules[0].resolve = sigma::Resolve{{0}, {}, {}};
  Make();
  op.holds_until = EventTime::Min();
  Fire(0, 0);
  Touch(0, 5000, true);
  Touch(0, 5001, true);
  EXPECT_EQ(Told(), (Lines{"c firing 0 0", "c resolved 1 5000"}));
}

TEST_F(IncidentsTest, IsResolvedByQuietCountedFromTheLastStir) {
  rules = {Chain("c", 1)};
  rules[0].resolve = sigma::Resolve{{}, hours(4), {0}};
  Make();
  Fire(0, 0);
  Touch(0, 3600, false, true);
  Advance(3600 + 4 * 3600);  // due at that very instant: not over yet
  EXPECT_EQ(Told(), Lines{"c firing 0 0"});
  Advance(3600 + 4 * 3600 + 1);
  EXPECT_EQ(Told(), Lines{"c resolved 1 18000"});
}

TEST_F(IncidentsTest, HidesWithinSuppressAndTellsHowManyLater) {
  rules = {Chain("c", 1)};
  rules[0].suppress = sigma::Suppress{hours(24), {}};
  Make();
  for (const std::int64_t second : {0, 10, 86'400, 86'401, 86'402}) Fire(0, second);
  Fire(0, 86'402, "y");
  EXPECT_EQ(Told(), (Lines{"c firing 0 0", "c firing 0 86401 hidden 2", "c firing 0 86402"}));
}

TEST_F(IncidentsTest, ChoosesTheHighestPriorityOfAGroupWithinSettle) {
  rules = {Chain("low", 1), Chain("high", 1), Chain("other", 1)};
  rules[0].choose = sigma::Choose{"g", 1, seconds(10)};
  rules[1].choose = sigma::Choose{"g", 5, seconds(10)};
  Make();
  Fire(0, 100);
  Fire(2, 105);
  Fire(1, 110);
  Advance(111);
  EXPECT_EQ(Told(), (Lines{"other firing 0 105", "high firing 0 110 before low"}));
  Fire(0, 200);
  Fire(1, 211);
  Advance(300);
  EXPECT_EQ(Told(), (Lines{"low firing 0 200", "high firing 0 211"}));
}

TEST_F(IncidentsTest, TurnsAFloodIntoOneRecordAtTheEndOfItsHour) {
  rules = {Chain("c", 1)};
  Make({100, 3, seconds(60)});
  for (std::int64_t i = 0; i < 10; ++i) Fire(0, i, std::to_string(i));
  Fire(0, 3600, "later");
  Advance(8000);
  EXPECT_EQ(Told(), (Lines{"c firing 0 0", "c firing 0 1", "c firing 0 2",
                           "c flooded 0 3599 hidden 7", "c firing 0 3600"}));
}

// A chosen firing is told behind its time: it counts in the hour in which it is told, so no hour that is
// over is opened again.
TEST_F(IncidentsTest, AChosenFiringCountsInTheHourInWhichItIsTold) {
  rules = {Chain("c", 1)};
  rules[0].choose = sigma::Choose{"g", 1, seconds(10)};
  Make({100, 2, seconds(60)});
  for (std::int64_t i = 0; i < 4; ++i) Fire(0, i, std::to_string(i));
  for (std::int64_t i = 3590; i < 3593; ++i) Fire(0, i, std::to_string(i));
  Advance(3602);
  incidents->ExpireBefore(At(3602));
  Advance(8000);
  EXPECT_EQ(Told(), (Lines{"c firing 0 0", "c firing 0 1", "c flooded 0 3599 hidden 2",
                           "c firing 0 3590", "c firing 0 3591", "c flooded 0 7199 hidden 1"}));
}

// Two keys of one `by`: the second firing lies within the span of the first whenever what is over is
// swept.
TEST_F(IncidentsTest, SweepingDoesNotUncoverWhatSuppressHides) {
  for (const bool swept : {false, true}) {
    rules = {Chain("c", 1)};
    rules[0].choose = sigma::Choose{"g", 1, seconds(60)};
    rules[0].suppress = sigma::Suppress{seconds(5), {{"level", sigma::Expression()}}};
    Make();
    Fire(0, 0, "x");
    Fire(0, 4, "y");
    Advance(64);
    if (swept) incidents->ExpireBefore(At(64));
    Advance(100);
    EXPECT_EQ(Told(), Lines{"c firing 0 0"}) << swept;
    timers.Clear();
  }
}

TEST_F(IncidentsTest, RemembersSoManyValuesOfSuppressAndNoMore) {
  rules = {Chain("c", 1)};
  rules[0].chain = false;  // leaves no incident open
  rules[0].suppress = sigma::Suppress{hours(24), {}};
  Make({3, 0, seconds(60)});
  for (std::int64_t i = 0; i < 1000; ++i) Fire(0, i, std::to_string(i));
  EXPECT_EQ(incidents->numbers().forgotten, 997U);
  told.clear();
  Fire(0, 1000, "999");
  Fire(0, 1001, "0");
  EXPECT_EQ(Told(), Lines{"c firing 0 1001 degraded"});
  StateWriter out;
  incidents->Save(out);
  EXPECT_LT(out.bytes().size(), 500U);
  // What was lost is not forgotten with the restart.
  Make({3, 0, seconds(60)});
  StateReader in(out.bytes());
  ASSERT_TRUE(incidents->Load({0U}, in));
  EXPECT_EQ(incidents->numbers().forgotten, 998U);
  Fire(0, 1002, "999");
  Fire(0, 200'000, "x");
  EXPECT_EQ(Told(), Lines{"c firing 0 200000 degraded"});
}

// However many firings wait for `choose`: above the limit the one that is due first is told early.
TEST_F(IncidentsTest, SoManyChoicesWaitAndTheNextOneSettlesTheFirst) {
  rules = {Chain("low", 1), Chain("high", 1)};
  rules[0].choose = sigma::Choose{"g", 1, hours(1)};
  rules[1].choose = sigma::Choose{"g", 2, hours(1)};
  Make({2, 0, seconds(60)});
  Fire(0, 0, "x");
  Fire(1, 1, "x");
  Fire(0, 2, "y");
  EXPECT_EQ(Told(), Lines());
  Fire(0, 3, "z");
  EXPECT_EQ(Told(), Lines{"high firing 0 1 before low degraded"});
  EXPECT_EQ(incidents->numbers().forgotten, 2U);
  Advance(100'000);
  EXPECT_EQ(Told(), (Lines{"low firing 0 2 degraded", "low firing 0 3 degraded"}));
}

// Incidents that say much are fewer.
TEST_F(IncidentsTest, KeepsWithinItsBytes) {
  rules = {Chain("c", 1), Chain("chosen", 1)};
  rules[1].choose = sigma::Choose{"g", 1, hours(1)};
  max_bytes = 100'000;
  Make({1000, 0, seconds(60)});
  std::int64_t most = 0;
  for (std::int64_t i = 0; i < 100; ++i) {
    Fire(0, i, std::string(10'000, 'x') + std::to_string(i));
    Fire(1, i, std::string(10'000, 'x') + std::to_string(i));
    most = std::max(most, incidents->numbers().bytes);
  }
  EXPECT_LE(most, 300'000);  // the open ones of both, and what waits
  EXPECT_GE(most, 200'000);
  EXPECT_LT(incidents->numbers().open, 20);
  EXPECT_GE(incidents->numbers().forgotten, 180U);
  for (std::int64_t i = 0; i < 100; ++i) Touch(0, 1000 + i, true);
  Advance(100'000);
  EXPECT_TRUE(told.back().degraded);
}

TEST_F(IncidentsTest, WhatIsToldAfterALossSaysSo) {
  rules = {Chain("c", 2)};
  rules[0].resolve = sigma::Resolve{{0}, {}, {}};
  Make();
  Fire(0, 0);
  op.evictions = 1;
  op.bound = {Seen(0, 100), Seen(1, 100)};
  Touch(0, 100);
  Touch(0, 200, true);
  EXPECT_EQ(Told(),
            (Lines{"c firing 0 0", "c updated 1 100 degraded", "c resolved 2 200 degraded"}));
}

// Every event begins the quiet anew; that takes no timer each.
TEST_F(IncidentsTest, TheQuietHasOneTimerHoweverOftenItIsStirred) {
  rules = {Chain("c", 1)};
  rules[0].resolve = sigma::Resolve{{}, hours(4), {0}};
  Make();
  for (std::int64_t i = 0; i < 1000; ++i) {
    Fire(0, 2 * i);
    Touch(0, 2 * i + 1, false, true);
  }
  EXPECT_LE(timers.size(), 1U);
  told.clear();
  Advance(1999 + 4 * 3600);
  EXPECT_EQ(Told(), Lines());
  Advance(1999 + 4 * 3600 + 1);
  EXPECT_EQ(Told(), Lines{"c resolved 1 16399"});
}

// A firing that is hidden opens nothing, and does not bring back what was over before it.
TEST_F(IncidentsTest, EndsWhatIsOverBeforeAHiddenFiring) {
  rules = {Chain("c", 2)};
  rules[0].suppress = sigma::Suppress{hours(1), {}};
  Make({100, 0, seconds(1)});
  Fire(0, 0);
  const Digest key = GroupKey::Of({{"who", "x"}}).digest;
  incidents->EndOver(0, key, At(5));  // still holds
  EXPECT_EQ(incidents->numbers().open, 1);
  op.holds_until = At(9);
  incidents->EndOver(0, key, At(10));
  op.holds_until = At(20);
  Fire(0, 10);
  op.bound = {Seen(0, 10), Seen(1, 11)};
  Touch(0, 11);
  EXPECT_EQ(Told(), (Lines{"c firing 0 0"}));
  EXPECT_EQ(incidents->numbers().open, 0);
}

TEST_F(IncidentsTest, ForgetsTheIncidentThatIsUnchangedForLongest) {
  rules = {Chain("c", 1)};
  Make({2, 0, seconds(60)});
  Fire(0, 0, "a");
  Fire(0, 1, "b");
  Fire(0, 2, "c");
  EXPECT_EQ(incidents->numbers().open, 2);
  EXPECT_EQ(incidents->numbers().forgotten, 1U);
  std::vector<std::string> open;
  incidents->ForEachOpen(0, [&](const Notice& n) { open.push_back(n.group[0].value); });
  EXPECT_EQ(std::count(open.begin(), open.end(), "a"), 0);
}

// Everything that waits, saved in its middle and loaded, ends as it would have.
TEST_F(IncidentsTest, GoesOnFromSavedState) {
  rules = {Chain("c", 3), Chain("low", 1), Chain("high", 1), Chain("quiet", 1)};
  rules[0].suppress = sigma::Suppress{hours(24), {}};
  rules[1].choose = sigma::Choose{"g", 1, seconds(10)};
  rules[2].choose = sigma::Choose{"g", 5, seconds(10)};
  rules[3].resolve = sigma::Resolve{{}, hours(4), {0}};
  const auto before = [this] {
    Make({100, 3, seconds(60)});
    Fire(0, 0);
    op.bound = {Seen(0, 10), Seen(1, 10), {}};
    Touch(0, 10);
    Fire(3, 11);
    for (std::int64_t i = 12; i < 20; ++i) Fire(3, i, std::to_string(i));
    Fire(0, 20);
    Fire(1, 21);
    Fire(2, 22);
  };
  const auto after = [this] {
    Advance(100'000);
    Fire(0, 100'000);
    Advance(200'000);
    return Told();
  };
  before();
  const Lines whole = after();
  timers.Clear();
  before();
  StateWriter out;
  incidents->Save(out);
  timers.Clear();
  Make({100, 3, seconds(60)});
  StateReader in(out.bytes());
  ASSERT_TRUE(incidents->Load({0U, 1U, 2U, 3U}, in));
  EXPECT_TRUE(in.AtEnd());
  StateWriter again;
  incidents->Save(again);
  EXPECT_EQ(again.bytes(), out.bytes());
  EXPECT_EQ(after(), whole);
}

TEST_F(IncidentsTest, PassesOverWhatBelongedToRulesThatAreGone) {
  rules = {Chain("a", 1), Chain("b", 1)};
  Make();
  Fire(0, 0);
  Fire(1, 1);
  StateWriter out;
  incidents->Save(out);
  rules.erase(rules.begin());
  Make();
  StateReader in(out.bytes());
  ASSERT_TRUE(incidents->Load({std::nullopt, 0U}, in));
  EXPECT_EQ(incidents->numbers().open, 1);
}

}  // namespace
}  // namespace faultline
