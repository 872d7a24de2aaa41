// SPDX-License-Identifier: Apache-2.0
//
// alerts.max_per_rule for rules that alert by themselves, through the engine.
#include "matcher/flood_guard.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/engine.h"
#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using std::chrono::seconds;
using testing::At;

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kLateness = 10;

constexpr const char* kRules = R"(
title: a
id: a
logsource: {category: test}
detection: {s: {kind: a}, condition: s}
faultline: {explain: {cause: "{{who}} did it"}}
---
title: b
id: b
logsource: {category: test}
detection: {s: {kind: b}, condition: s}
)";

std::shared_ptr<const RuleSet> Rules(const std::string& text = kRules) {
  RuleSet::Options options;
  options.extra_fields = DefaultTimestamps();
  return *RuleSet::Compile(sigma::LoadRulesFromText(text, "rules.yml"), options);
}

// "rule status time hidden offset", one line an alert; of a flood the offset of the last hidden event.
std::string Told(const Alert& alert) {
  std::string line = alert.rule->id + " ";
  line += ToString(alert.status);
  line += " " + std::to_string(alert.time.nanos() / 1'000'000'000);
  if (alert.suppressed_count > 0) line += " hidden " + std::to_string(alert.suppressed_count);
  return line + " @" + std::to_string(alert.evidence.at(0).origin.source.partition) + "/" +
         std::to_string(alert.evidence.at(0).origin.offset);
}

std::string Event(std::int64_t second, const std::string& kind) {
  return R"({"@timestamp":)" + std::to_string(second) + R"(,"kind":")" + kind + R"(","who":"w)" +
         std::to_string(second) + R"("})";
}

using Lines = std::vector<std::string>;

class FloodGuardTest : public ::testing::Test {
 protected:
  FloodGuardTest() { Start(2); }

  void Start(std::int64_t most) {
    Engine::Options options;
    options.max_alerts_per_rule = most;
    engine = std::make_unique<Engine>(Rules(), options);
  }
  SourceId SourceOf(std::int32_t partition, const SourcePosition* from = nullptr,
                    const std::vector<JournalEntry>& entries = {}) {
    const auto [at, fresh] = sources.try_emplace(partition, 0);
    if (fresh) at->second = engine->AddSource({"t", partition}, {}, from, entries);
    return at->second;
  }
  void Give(Record record, const std::string& payload, std::int32_t partition = 0) {
    record.source = SourceOf(partition);
    record.offset = next[partition]++;
    record.payload = payload;
    engine->Process(record, {}, out);
    Take();
  }
  void Give(std::int64_t second, const std::string& kind, std::int32_t partition = 0) {
    Give(Record{}, Event(second, kind), partition);
  }
  void Finish() {
    engine->Finish(out);
    Take();
  }
  void Take() {
    for (const Alert& alert : out.alerts) {
      told.push_back(Told(alert));
      ids.insert(alert.id);
      last = alert;
    }
    journal.insert(journal.end(), out.journal.begin(), out.journal.end());
    out.Clear();
  }
  Lines TakeTold() { return std::exchange(told, {}); }
  // As after a crash behind a commit.
  void Restart() {
    const std::string state = engine->SaveState();
    const std::vector<SourcePosition> positions = engine->Positions();
    Start(2);
    const auto loaded = engine->LoadState(state);
    ASSERT_TRUE(loaded.has_value()) << loaded.error().ToString();
    EXPECT_EQ(engine->SaveState(), state);
    sources.clear();
    for (const SourcePosition& position : positions) {
      (void)SourceOf(position.source.partition, &position);
      ASSERT_EQ(position.committed, position.position) << "no correlation waits for anything";
    }
  }

  std::unique_ptr<Engine> engine;
  std::map<std::int32_t, SourceId> sources;
  std::map<std::int32_t, std::int64_t> next;
  std::vector<JournalEntry> journal;
  Output out;
  Lines told;
  std::set<Digest> ids;
  std::optional<Alert> last;
};

TEST_F(FloodGuardTest, TellsAsManyAsAllowedAndTheRestAsOneRecordOfTheHour) {
  Give(10, "a");
  Give(11, "a");
  EXPECT_EQ(TakeTold(), (Lines{"a firing 10 @0/0", "a firing 11 @0/1"}));
  Give(12, "a");
  Give(13, "a");
  Give(kHour + kLateness - 1, "other");
  EXPECT_EQ(TakeTold(), Lines{}) << "events of the hour may still come";
  EXPECT_EQ(engine->counters().alerts_suppressed.value(), 2);
  Give(kHour + kLateness, "other");
  EXPECT_EQ(TakeTold(), (Lines{"a flooded 3599 hidden 2 @0/3"}));
  EXPECT_EQ(last->time, EventTime::Raw(kHour * 1'000'000'000 - 1));
  EXPECT_EQ(last->kind, AlertKind::kDetection);
  EXPECT_EQ(last->explanation.cause, "w13 did it");
  EXPECT_EQ(last->evidence[0].event, "") << "no event decided";
  EXPECT_EQ(ids.size(), 3U);
  Finish();
  EXPECT_EQ(TakeTold(), Lines{});
}

TEST_F(FloodGuardTest, SaysNothingOfAnHourThatHidNothing) {
  Give(10, "a");
  Give(11, "a");
  Finish();
  EXPECT_EQ(TakeTold(), (Lines{"a firing 10 @0/0", "a firing 11 @0/1"}));
}

TEST_F(FloodGuardTest, CountsHoursRulesAndSourcesForThemselves) {
  for (const std::int64_t second : {kHour - 2, kHour - 1, kHour, kHour + 1}) {
    for (const std::int32_t partition : {0, 1}) {
      Give(second, "a", partition);
      Give(second, "b", partition);
    }
  }
  EXPECT_EQ(TakeTold().size(), 16U);
  Give(kHour - 1, "a", 1);
  Give(kHour + 2, "b", 0);
  EXPECT_EQ(TakeTold(), Lines{});
  Finish();
  EXPECT_EQ(TakeTold(), (Lines{"a flooded 3599 hidden 1 @1/8", "b flooded 7199 hidden 1 @0/8"}));
}

TEST_F(FloodGuardTest, ALateEventCountsInTheHourThatItsSourceHasReached) {
  Give(10, "a");
  Give(11, "a");
  Give(12, "a");
  Give(2 * kHour, "a");
  EXPECT_EQ(TakeTold(), (Lines{"a firing 10 @0/0", "a firing 11 @0/1", "a firing 7200 @0/3",
                               "a flooded 3599 hidden 1 @0/2"}));
  Give(13, "a");  // the watermark stands at 7190
  Give(2 * kHour - 1, "a");
  EXPECT_EQ(TakeTold(), (Lines{"a firing 13 @0/4", "a firing 7199 @0/5"}));
  Give(14, "a");
  Finish();
  EXPECT_EQ(TakeTold(), (Lines{"a flooded 7199 hidden 1 @0/6"}));
}

TEST_F(FloodGuardTest, WithoutALimitAndInMatchAllIsTold) {
  Start(0);
  sources.clear();
  for (int i = 0; i < 5; ++i) Give(10, "a");
  EXPECT_EQ(TakeTold().size(), 5U);
  Engine::Options options;
  options.max_alerts_per_rule = 2;
  options.match_only = true;
  engine = std::make_unique<Engine>(Rules(), options);
  sources.clear();
  for (int i = 0; i < 5; ++i) Give(10, "a");
  EXPECT_EQ(TakeTold().size(), 5U);
}

TEST_F(FloodGuardTest, AnIdleSourcesHourEndsByTheFrontierAndReplayFollowsTheJournal) {
  const auto first_half = [this] {
    for (int i = 0; i < 4; ++i) Give(3000 + i, "a");
  };
  const auto second_half = [this] {
    for (int i = 0; i < 3; ++i) Give(3500 + i, "a");
    Finish();
  };
  first_half();
  engine->MarkIdle(SourceOf(0), seconds(0), out);
  engine->Tick(seconds(kHour), out);
  Take();
  EXPECT_EQ(told.size(), 3U);
  EXPECT_EQ(told.back(), "a flooded 3599 hidden 2 @0/3");
  second_half();  // behind the frontier: these count in the hour after
  EXPECT_EQ(told.back(), "a flooded 7199 hidden 1 @0/6");
  const Lines live = TakeTold();

  Start(2);
  sources.clear();
  next.clear();
  (void)SourceOf(0, nullptr, journal);
  first_half();
  second_half();
  EXPECT_EQ(TakeTold(), live);
}

TEST_F(FloodGuardTest, AReloadKeepsTheCountsOfRulesThatMeanTheSame) {
  for (int i = 0; i < 3; ++i) Give(10 + i, "a");
  for (int i = 0; i < 3; ++i) Give(10 + i, "b");
  EXPECT_EQ(TakeTold().size(), 4U);
  const std::string text = kRules;
  engine->Reload(
      Rules("title: new\nid: new\nlogsource: {category: test}\n"
            "detection: {s: {kind: a}, condition: s}\n---\n" +
            text.substr(0, text.find("---"))));
  Give(20, "a");
  EXPECT_EQ(TakeTold(), (Lines{"new firing 20 @0/6"}));
  Finish();
  EXPECT_EQ(TakeTold(), (Lines{"a flooded 3599 hidden 2 @0/6"}));
}

TEST_F(FloodGuardTest, RecordsThatAreNoEventsCountInNoHourAheadOfTheEvents) {
  Start(2);
  engine->Reload(
      Rules("title: k\nid: k\nlogsource: {category: test}\n"
            "detection: {keywords: [needle], condition: keywords}\n"));
  Give(10, "other");
  for (int i = 0; i < 3; ++i) {
    Record record;
    record.timestamp_kind = TimestampKind::kLogAppendTime;
    record.timestamp = At(1'000'000 * (i + 1));
    Give(record, "needle");
  }
  EXPECT_EQ(TakeTold().size(), 2U);
  Give(2 * kHour, "other");
  EXPECT_EQ(TakeTold(), (Lines{"k flooded 3599 hidden 1 @0/3"}));
}

// Events of a log counted anew from its beginning; shares nothing with the guard.
Lines Expected(const std::vector<std::pair<std::int64_t, std::string>>& log,
               std::int32_t partition) {
  struct Count {
    std::int64_t told = 0, hidden = 0, last = 0;
  };
  Lines lines;
  std::map<std::pair<std::int64_t, std::string>, Count> counts;
  std::optional<std::int64_t> highest;
  for (std::size_t offset = 0; offset < log.size(); ++offset) {
    const auto& [second, kind] = log[offset];
    highest = std::max(highest.value_or(second), second);
    if (kind == "other") continue;
    const std::int64_t hour = std::max(second, *highest - kLateness) / kHour;
    Count& count = counts[{hour, kind}];
    if (count.told == 2) {
      ++count.hidden;
      count.last = static_cast<std::int64_t>(offset);
      continue;
    }
    ++count.told;
    lines.push_back(kind + " firing " + std::to_string(second) + " @" + std::to_string(partition) +
                    "/" + std::to_string(offset));
  }
  for (const auto& [key, count] : counts) {
    if (count.hidden == 0) continue;
    lines.push_back(key.second + " flooded " + std::to_string((key.first + 1) * kHour - 1) +
                    " hidden " + std::to_string(count.hidden) + " @" + std::to_string(partition) +
                    "/" + std::to_string(count.last));
  }
  return lines;
}

TEST_F(FloodGuardTest, TellsTheSameHoweverSourcesInterleaveAndRestartsFall) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<std::vector<std::pair<std::int64_t, std::string>>> logs(1 + random() % 3);
    for (auto& log : logs) {
      std::int64_t time = 0;
      for (std::size_t i = random() % 40; i > 0; --i) {
        time += static_cast<std::int64_t>(random() % 5 * random() % 700);
        const std::int64_t back =
            random() % 4 == 0 ? static_cast<std::int64_t>(random() % 4000) : 0;
        log.emplace_back(std::max<std::int64_t>(0, time - back),
                         std::vector<std::string>{"a", "a", "b", "other"}[random() % 4]);
      }
    }
    Lines expected;
    for (std::size_t i = 0; i < logs.size(); ++i) {
      const Lines lines = Expected(logs[i], static_cast<std::int32_t>(i));
      expected.insert(expected.end(), lines.begin(), lines.end());
    }
    Start(2);
    sources.clear();
    next.clear();
    ids.clear();
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < logs.size(); ++i) open.push_back(i);
    while (!open.empty()) {
      const std::size_t pick = random() % open.size();
      const auto partition = static_cast<std::int32_t>(open[pick]);
      const auto at = static_cast<std::size_t>(next[partition]);
      if (at == logs[open[pick]].size()) {
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(pick));
        continue;
      }
      Give(logs[open[pick]][at].first, logs[open[pick]][at].second, partition);
      if (seed % 2 == 0 && random() % 3 == 0) Restart();
    }
    Finish();
    EXPECT_EQ(ids.size(), told.size());
    Lines actual = TakeTold();
    std::sort(actual.begin(), actual.end());
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(actual, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace faultline
