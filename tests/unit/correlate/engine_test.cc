// SPDX-License-Identifier: Apache-2.0
#include "matcher/engine.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/kind_rules.h"
#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::At;

constexpr const char* kRules = R"(
title: single
id: single
logsource: {category: test}
detection:
  s: {kind: single}
  condition: s
level: high
faultline:
  explain:
    cause: "{{who}} did it"
---
title: a
name: a
id: rule-a
logsource: {category: test}
detection:
  s: {kind: a}
  condition: s
faultline:
  capture:
    - {field: text, re: 'code (?<code>\d+)'}
---
title: b
name: b
id: rule-b
logsource: {category: test}
detection:
  s: {kind: b}
  condition: s
---
title: both
id: both
level: high
correlation:
  type: temporal
  rules: [a, b]
  group-by: [who]
  timespan: 10s
faultline:
  explain:
    cause: "{{who}} met {{code}} and {{nothing}}."
    remedy: [first, second]
---
title: keyword
id: keyword
logsource: {category: test}
detection:
  keywords: [needle]
  condition: keywords
)";

std::shared_ptr<const RuleSet> Rules(const char* text = kRules) {
  RuleSet::Options options;
  options.extra_fields = DefaultTimestamps();
  auto rules = RuleSet::Compile(sigma::LoadRulesFromText(text, "rules.yml"), options);
  if (!rules) ADD_FAILURE() << rules.error().ToString();
  for (const Error& error : (*rules)->errors()) ADD_FAILURE() << error.ToString();
  return *rules;
}

// An engine with one source, and what it gave so far.
struct Bench {
  explicit Bench(const Engine::Options& options = {}) : engine(Rules(), options) {
    source = engine.AddSource({"events", 0}, {}, nullptr, {});
  }

  void Give(std::string_view payload, SourceId to, ReadEdge edge = {}) {
    Record record;
    record.source = to;
    record.offset = offsets[to]++;
    record.payload = payload;
    engine.Process(record, edge, out);
  }
  void Give(std::string_view payload) { Give(payload, source); }

  Engine engine;
  SourceId source = 0;
  std::map<SourceId, std::int64_t> offsets;
  Output out;
};

std::string Event(int second, const char* kind, const char* who = "x", const char* text = "") {
  return R"({"@timestamp":)" + std::to_string(1000 + second) + R"(,"kind":")" + kind +
         R"(","who":")" + who + R"(","text":")" + text + R"("})";
}

TEST(Engine, ASingleRuleAlertsAtOnceWithItsEvidence) {
  Bench bench;
  bench.Give(Event(0, "other"));
  bench.Give(Event(1, "single", "mallory"));
  ASSERT_EQ(bench.out.alerts.size(), 1U);
  const Alert& alert = bench.out.alerts[0];
  EXPECT_EQ(alert.rule->id, "single");
  EXPECT_EQ(alert.kind, AlertKind::kDetection);
  EXPECT_EQ(alert.level, sigma::Level::kHigh);
  EXPECT_EQ(alert.time, At(1001));
  EXPECT_EQ(alert.explanation.cause, "mallory did it");
  ASSERT_EQ(alert.evidence.size(), 1U);
  EXPECT_EQ(alert.evidence[0].origin, (Origin{{"events", 0}, 1, 0}));
  EXPECT_EQ(alert.evidence[0].event, Event(1, "single", "mallory"));
}

TEST(Engine, AnEventOfSeveralKeysIsJudgedInTheOrderOfItsValues) {
  const auto rules = Rules(R"(
title: a
name: a
id: rule-a
logsource: {category: test}
detection: {s: {kind: a}, condition: s}
---
title: each
id: each
correlation: {type: event_count, rules: [a], group-by: [who], timespan: 1s, condition: {gte: 1}}
faultline: {suppress: {for: 5s, by: [kind]}}
)");
  Engine engine(rules, {});
  const SourceId source = engine.AddSource({"events", 0}, {}, nullptr, {});
  Output out;
  std::vector<std::string> told;
  for (int i = 0; i < 6; ++i) {  // no hash of keys orders both ways
    const char* who = i % 2 == 0 ? R"(["x","y"])" : R"(["y","x"])";
    const std::string payload =
        R"({"@timestamp":)" + std::to_string(1000 + 10 * i) + R"(,"kind":"a","who":)" + who + "}";
    Record record;
    record.source = source;
    record.offset = i;
    record.payload = payload;
    engine.Process(record, {}, out);
  }
  engine.Finish(out);
  for (const Alert& alert : out.alerts) told.push_back(alert.group.at(0).value);
  EXPECT_EQ(told, (std::vector<std::string>{"x", "y", "x", "y", "x", "y"}));
}

// One line per piece of evidence: its rule, time, origin and captures.
std::vector<std::string> EvidenceOf(const Alert& alert) {
  std::vector<std::string> lines;
  for (const Evidence& each : alert.evidence) {
    std::string line = each.rule + " " + std::to_string(each.time.nanos() / 1'000'000'000) + " @" +
                       std::to_string(each.origin.offset);
    for (const NamedValue& value : each.captures) line += " " + value.name + "=" + value.value;
    lines.push_back(line + (each.event.empty() ? "" : " with its event"));
  }
  return lines;
}

// An edge that a timer made has no event: it is told with its time and its key, and with where the
// newest event lies that it rests on. Whatever keeps it, through a restart as well.
TEST(Engine, EvidenceNamesTheEdgesThatTimersMade) {
  for (const bool restarts : {false, true}) {
    const auto rules = Rules(R"(
title: a
name: a
id: rule-a
logsource: {category: test}
detection: {s: {kind: a}, condition: s}
---
title: busy
name: busy
id: busy
correlation: {type: event_count, rules: [a], group-by: [who], timespan: 10s, condition: {gte: 2}}
faultline: {window: tumbling}
---
title: often
name: often
id: often
correlation: {type: event_count, rules: [busy], timespan: 1h, condition: {gte: 2}}
---
title: values
id: values
correlation: {type: value_count, rules: [busy], timespan: 1h, condition: {gte: 2, field: who}}
---
title: chain
id: chain
correlation: {type: temporal_ordered, timespan: 1h}
faultline: {steps: [{on: busy, as: one}, {on: busy, as: two}]}
---
title: above
id: above
correlation: {type: event_count, rules: [often], timespan: 1h, condition: {gte: 1}, generate: true}
)");
    auto engine = std::make_unique<Engine>(rules, Engine::Options{});
    SourceId source = engine->AddSource({"events", 0}, {}, nullptr, {});
    Output out;
    std::int64_t offset = 0;
    for (const auto& [second, who] : std::vector<std::pair<int, const char*>>{
             {0, "x"}, {1, "x"}, {12, "y"}, {13, "y"}, {14, "x"}, {60, "z"}}) {
      const std::string payload = Event(second, "a", who);
      Record record;
      record.source = source;
      record.offset = offset++;
      record.payload = payload;
      engine->Process(record, {}, out);
      if (!restarts) continue;
      const std::string state = engine->SaveState();
      const std::vector<SourcePosition> positions = engine->Positions();
      engine = std::make_unique<Engine>(rules, Engine::Options{});
      ASSERT_TRUE(engine->LoadState(state).has_value());
      EXPECT_EQ(engine->SaveState(), state);
      source = engine->AddSource(positions[0].source, {}, positions.data(), {});
      offset = positions[0].committed;
      for (; offset < positions[0].position; ++offset) {
        const std::pair<int, const char*> again[] = {{0, "x"},  {1, "x"},  {12, "y"},
                                                     {13, "y"}, {14, "x"}, {60, "z"}};
        const std::string read = Event(again[offset].first, "a", again[offset].second);
        record.source = source;
        record.offset = offset;
        record.payload = read;
        engine->Process(record, {}, out);
      }
    }
    engine->Finish(out);
    const std::vector<std::string> edges = {"busy 1010 @1 who=x", "busy 1020 @3 who=y"};
    std::map<std::string, std::vector<std::string>> told;
    for (const Alert& alert : out.alerts) {
      told[alert.rule->id] = EvidenceOf(alert);
      EXPECT_EQ(alert.evidence_total, static_cast<std::int64_t>(alert.evidence.size()));
      for (const Step& step : alert.steps) EXPECT_FALSE(step.evidence.empty()) << alert.rule->id;
    }
    EXPECT_EQ(told["often"], edges);
    EXPECT_EQ(told["values"], edges);
    EXPECT_EQ(told["chain"], edges);
    EXPECT_EQ(told["above"], (std::vector<std::string>{"often 1020 @3"}));
    EXPECT_EQ(out.alerts.size(), 4U);
  }
}

// What an alert of the chain says, hit by hit.
std::string Said(const Alert& alert) {
  std::string said = alert.id.Hex() + alert.explanation.cause;
  for (const Evidence& evidence : alert.evidence) {
    said += ToString(evidence.time) + evidence.event;
    for (const NamedValue& capture : evidence.captures) said += capture.name + capture.value;
  }
  for (const std::string& flag : alert.flags) said += flag;
  return said;
}

TEST(Engine, HitsSayTheSameAsBytes) {
  Engine::Options as_bytes;
  as_bytes.hits_as_bytes = true;
  Bench bench;
  Bench through(as_bytes);
  for (Bench* one : {&bench, &through}) {
    one->Give(Event(0, "a", "x", "code 42"));
    one->Give(R"({"@timestamp":1005,"kind":"b","who":["x","\ud800"],"who":"y"})");
    one->Give(Event(6, "a", "y"));
    one->engine.Finish(one->out);
  }
  ASSERT_EQ(bench.out.alerts.size(), 2U);
  ASSERT_EQ(through.out.alerts.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(Said(through.out.alerts[i]), Said(bench.out.alerts[i]));
  }
}

TEST(Engine, AChainWaitsForTheWatermarkAndTellsItsSteps) {
  Bench bench;
  bench.Give(Event(0, "a", "x", "code 42"));
  bench.Give(Event(5, "b"));
  EXPECT_TRUE(bench.out.alerts.empty()) << "the watermark has not passed them";
  bench.Give(Event(15, "other"));
  EXPECT_TRUE(bench.out.alerts.empty()) << "an event at the watermark itself may still come";
  bench.Give(Event(16, "other"));
  ASSERT_EQ(bench.out.alerts.size(), 1U);
  const Alert& alert = bench.out.alerts[0];
  EXPECT_EQ(alert.kind, AlertKind::kChain);
  EXPECT_EQ(alert.time, At(1005));
  EXPECT_EQ(alert.group, (std::vector<NamedValue>{{"who", "x"}}));
  EXPECT_EQ(alert.explanation.cause, "x met 42 and .");
  EXPECT_EQ(alert.explanation.remedy, (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(alert.matched, "2 of 2");
  ASSERT_EQ(alert.evidence.size(), 2U);
  EXPECT_EQ(alert.evidence[0].captures, (std::vector<NamedValue>{{"code", "42"}}));
  EXPECT_TRUE(alert.evidence[0].event.empty()) << "only the deciding event's bytes are told";
  EXPECT_EQ(alert.evidence[1].event, Event(5, "b"));
  ASSERT_EQ(alert.steps.size(), 2U);
  EXPECT_EQ(alert.steps[1].name, "b");
  EXPECT_EQ(alert.steps[1].time, At(1005));
}

TEST(Engine, OfTheDecidingEventAtMost8KiBAreTold) {
  Bench bench;
  const std::string big = Event(1, "single", "x", std::string(20'000, 't').c_str());
  bench.Give(big);
  bench.Give(Event(2, "a"));
  bench.Give(Event(3, "b", "x", std::string(20'000, 't').c_str()));
  bench.engine.Finish(bench.out);
  ASSERT_EQ(bench.out.alerts.size(), 2U);
  EXPECT_EQ(bench.out.alerts[0].evidence.at(0).event, big.substr(0, 8192));
  EXPECT_TRUE(bench.out.alerts[1].evidence.at(0).event.empty());
  EXPECT_EQ(bench.out.alerts[1].evidence.at(1).event.size(), 8192U);
}

// The first field of the list that holds a time, however the others read.
TEST(Engine, TheEventsTimeIsThatOfTheFirstFieldThatHasOne) {
  RuleSet::Options fields;
  fields.extra_fields = {"first", "second"};
  auto rules = RuleSet::Compile(sigma::LoadRulesFromText(kRules, "rules.yml"), fields);
  ASSERT_TRUE(rules);
  Engine engine(*rules, {});
  InputOptions input;
  input.timestamp = {"first", "second"};
  const SourceId source = engine.AddSource({"events", 0}, input, nullptr, {});
  const std::pair<const char*, std::int64_t> cases[] = {
      {R"("second":2000,"first":1500,)", 1500},
      {R"("first":"soon","second":2000,)", 2000},
      {R"("first":null,"second":"2000",)", 2000},
      {R"("first":["soon",2500],"second":2000,)", 2500},
      {R"("second":3000,)", 3000},  // neither of the default names
      {R"("@timestamp":9000,)", 3000},
  };
  Output out;
  std::int64_t offset = 0;
  for (const auto& [times, wanted] : cases) {
    const std::string payload = std::string("{") + times + R"("kind":"single"})";
    Record record;
    record.source = source;
    record.offset = offset++;
    record.payload = payload;
    engine.Process(record, {}, out);
    ASSERT_EQ(out.alerts.size(), 1U) << times;
    EXPECT_EQ(out.alerts[0].time, At(wanted)) << times;
    out.Clear();
  }
}

TEST(Engine, RulesThatACorrelationRefersToStaySilent) {
  Bench bench;
  bench.Give(Event(0, "a"));
  bench.engine.Finish(bench.out);
  EXPECT_TRUE(bench.out.alerts.empty());
}

TEST(Engine, MatchOnlyReportsEveryDetectionRule) {
  Engine::Options options;
  options.match_only = true;
  Bench bench(options);
  bench.Give(Event(0, "a"));
  bench.Give(Event(1, "b"));
  ASSERT_EQ(bench.out.alerts.size(), 2U);
  EXPECT_EQ(bench.out.alerts[0].rule->id, "rule-a");
}

TEST(Engine, OutOfOrderWithinTheLatenessGivesTheSameIds) {
  Bench sorted, shuffled;
  const std::pair<int, const char*> events[] = {{0, "a"}, {5, "b"}};
  const auto give = [](Bench& bench, std::int64_t offset, int second, const char* kind) {
    const std::string payload = Event(second, kind);
    Record record;
    record.offset = offset;
    record.payload = payload;
    bench.engine.Process(record, {}, bench.out);
  };
  give(sorted, 0, events[0].first, events[0].second);
  give(sorted, 1, events[1].first, events[1].second);
  give(shuffled, 1, events[1].first, events[1].second);
  give(shuffled, 0, events[0].first, events[0].second);
  sorted.engine.Finish(sorted.out);
  shuffled.engine.Finish(shuffled.out);
  ASSERT_EQ(sorted.out.alerts.size(), 1U);
  ASSERT_EQ(shuffled.out.alerts.size(), 1U);
  EXPECT_EQ(sorted.out.alerts[0].id, shuffled.out.alerts[0].id);
}

TEST(Engine, ALateMatchIsToldAndNeverCorrelated) {
  Bench bench;
  bench.Give(Event(100, "b"));
  bench.Give(Event(80, "a"));
  bench.engine.Finish(bench.out);
  EXPECT_TRUE(bench.out.alerts.empty());
  ASSERT_EQ(bench.out.late.size(), 1U);
  EXPECT_EQ(bench.out.late[0].rule, "rule-a");
  EXPECT_EQ(bench.out.late[0].cause, "watermark");
  EXPECT_EQ(bench.out.late[0].late_by, seconds(20));
  EXPECT_EQ(bench.engine.counters().late_events.value(), 1);
  EXPECT_EQ(bench.engine.counters().late_le_1m.value(), 1);
}

// By how much behind its source's highest time: each event in one bucket, its bound included.
TEST(Engine, HowLateEventsAreIsCountedInBuckets) {
  const std::tuple<std::int64_t, Counter EngineCounters::*> cases[] = {
      {11, &EngineCounters::late_le_1m},    {60, &EngineCounters::late_le_1m},
      {61, &EngineCounters::late_le_10m},   {600, &EngineCounters::late_le_10m},
      {601, &EngineCounters::late_le_1h},   {3600, &EngineCounters::late_le_1h},
      {3601, &EngineCounters::late_le_1d},  {86'400, &EngineCounters::late_le_1d},
      {86'401, &EngineCounters::late_more}, {400'000, &EngineCounters::late_more},
  };
  for (const auto& [seconds_late, bucket] : cases) {
    Bench bench;
    bench.Give(Event(1'000'000, "other"));
    bench.Give(Event(1'000'000 - 10, "other"));  // at the watermark: not late
    EXPECT_EQ(bench.engine.counters().late_events.value(), 0);
    bench.Give(Event(static_cast<int>(1'000'000 - seconds_late), "other"));
    const EngineCounters& counters = bench.engine.counters();
    EXPECT_EQ(counters.late_events.value(), 1) << seconds_late;
    EXPECT_EQ((counters.*bucket).value(), 1) << seconds_late;
    EXPECT_EQ(counters.late_nanos_sum.value(), seconds_late * 1'000'000'000);
    EXPECT_EQ(counters.lateness_needed_nanos.value(), seconds_late * 1'000'000'000);
  }
}

TEST(Engine, ALateEventStillAlertsForSingleRules) {
  Bench bench;
  bench.Give(Event(100, "other"));
  bench.Give(Event(0, "single"));
  EXPECT_EQ(bench.out.alerts.size(), 1U);
}

TEST(Engine, WhatIsNoJsonIsADeadLetterAndKeywordRulesSeeItAllTheSame) {
  Bench bench;
  bench.Give("a needle in no JSON");
  ASSERT_TRUE(bench.out.dead_letter.has_value());
  EXPECT_EQ(bench.out.dead_letter->reason, "json");
  ASSERT_EQ(bench.out.alerts.size(), 1U);
  EXPECT_EQ(bench.out.alerts[0].rule->id, "keyword");
  EXPECT_EQ(bench.engine.counters().invalid_json.value(), 1);
}

TEST(Engine, ARootArrayIsSplitAndEachElementHasItsIndex) {
  Bench bench;
  bench.Give("[" + Event(0, "other") + "," + Event(1, "single") + "]");
  ASSERT_EQ(bench.out.alerts.size(), 1U);
  EXPECT_EQ(bench.out.alerts[0].evidence[0].origin.index, 1U);
}

TEST(Engine, TombstonesAndBlanksAreCountedAndNothingElse) {
  Bench bench;
  Record record;
  record.tombstone = true;
  bench.engine.Process(record, {}, bench.out);
  record.tombstone = false;
  record.offset = 1;
  record.payload = "  \n";
  bench.engine.Process(record, {}, bench.out);
  EXPECT_TRUE(bench.out.empty());
  EXPECT_EQ(bench.engine.counters().tombstones.value(), 1);
  EXPECT_EQ(bench.engine.counters().blank.value(), 1);
}

TEST(Engine, ASlowSourceHoldsTheOthersBackUntilItIsIdle) {
  Bench bench;
  const SourceId slow = bench.engine.AddSource({"events", 1}, {}, nullptr, {});
  bench.Give(Event(0, "a"));
  bench.Give(Event(5, "b"));
  bench.Give(Event(100, "other"));
  EXPECT_TRUE(bench.out.alerts.empty());
  bench.engine.MarkIdle(slow, seconds(30), bench.out);
  EXPECT_EQ(bench.out.alerts.size(), 1U);
}

TEST(Engine, ASourceThatIsGoneHoldsNobodyBack) {
  Bench bench;
  const SourceId slow = bench.engine.AddSource({"events", 1}, {}, nullptr, {});
  bench.Give(Event(0, "other"), slow);
  bench.Give(Event(0, "a"));
  bench.Give(Event(5, "b"));
  bench.Give(Event(100, "other"));
  bench.engine.RemoveSource(slow);
  EXPECT_TRUE(bench.out.alerts.empty());
  bench.Give(Event(101, "other"));
  EXPECT_EQ(bench.out.alerts.size(), 1U);
}

TEST(Engine, ASourceThatIsReadAgainHoldsTheOthersBackUntilItIsDone) {
  Bench bench;
  bench.Give(Event(0, "other"));
  SourcePosition stored;
  stored.source = {"events", 1};
  stored.position = 1;
  stored.highest = At(1050);
  const SourceId again = bench.engine.AddSource(stored.source, {}, &stored, {});
  bench.Give(Event(1, "a"));
  bench.Give(Event(5, "b"));
  bench.Give(Event(100, "other"));
  EXPECT_TRUE(bench.out.alerts.empty());
  bench.Give(Event(51, "other"), again);
  EXPECT_EQ(bench.out.alerts.size(), 1U);
}

TEST(Engine, WhenAllAreIdleTheSteadyClockMovesTheFrontier) {
  Bench bench;
  bench.Give(Event(0, "a"));
  bench.Give(Event(5, "b"));
  bench.engine.MarkIdle(bench.source, seconds(100), bench.out);
  bench.engine.Tick(seconds(110), bench.out);
  EXPECT_TRUE(bench.out.alerts.empty()) << "the frontier stands at 1005 s, before that event";
  bench.engine.Tick(seconds(111), bench.out);
  EXPECT_EQ(bench.out.alerts.size(), 1U);
}

TEST(Engine, AReturningSourceIsJournalledAndItsOldHitsAreLate) {
  Bench bench;
  const SourceId other = bench.engine.AddSource({"events", 1}, {}, nullptr, {});
  bench.Give(Event(0, "other"), other);
  bench.engine.MarkIdle(other, seconds(30), bench.out);
  bench.Give(Event(100, "other"));
  bench.out.Clear();
  bench.Give(Event(50, "a"), other);
  ASSERT_EQ(bench.out.journal.size(), 1U);
  EXPECT_EQ(bench.out.journal[0].kind, JournalEntry::Kind::kReturn);
  EXPECT_EQ(bench.out.journal[0].offset, 1);
  EXPECT_EQ(bench.out.journal[0].frontier, OrderPoint::Before(At(1090)));
  ASSERT_EQ(bench.out.late.size(), 1U);
  EXPECT_EQ(bench.out.late[0].cause, "idle");
}

TEST(Engine, PositionsCoverWhatStillWaits) {
  Bench bench;
  bench.Give(Event(0, "other"));
  bench.Give(Event(5, "a"));
  bench.Give(Event(6, "other"));
  const auto positions = bench.engine.Positions();
  ASSERT_EQ(positions.size(), 1U);
  EXPECT_EQ(positions[0].committed, 1);
  EXPECT_EQ(positions[0].position, 3);
  EXPECT_EQ(positions[0].highest, At(1000));
}

TEST(Engine, BelowTheCommittedPositionNothingIsEmittedAgain) {
  Bench bench;
  bench.Give(Event(0, "single"));
  bench.Give(Event(1, "a"));
  bench.Give("broken");
  bench.Give(Event(2, "single"));
  const SourcePosition stored = bench.engine.Positions()[0];
  EXPECT_EQ(stored.committed, 1);

  Engine again(Rules(), {});
  const SourceId source = again.AddSource(stored.source, {}, &stored, {});
  Output out;
  const std::string payloads[] = {Event(1, "a"), "broken", Event(2, "single"), Event(3, "b")};
  for (std::int64_t offset = 1; offset < 5; ++offset) {
    Record record;
    record.source = source;
    record.offset = offset;
    record.payload = payloads[offset - 1];
    again.Process(record, {}, out);
    EXPECT_TRUE(out.alerts.empty());
    EXPECT_FALSE(out.dead_letter.has_value());
  }
  again.Finish(out);
  ASSERT_EQ(out.alerts.size(), 1U) << "the waiting hit was read again and met its partner";
  EXPECT_EQ(out.alerts[0].rule->id, "both");
}

TEST(Engine, ATimeBeyondTheClockIsSubstitutedFlaggedAndJournalled) {
  Bench bench;
  const ReadEdge edge{At(2000), seconds(0)};
  bench.Give(Event(0, "other"), bench.source, edge);
  bench.Give(R"({"@timestamp":"2100-01-01T00:00:00Z","kind":"single"})", bench.source, edge);
  ASSERT_EQ(bench.out.journal.size(), 1U);
  EXPECT_EQ(bench.out.journal[0].time, At(1000));
  ASSERT_EQ(bench.out.alerts.size(), 1U);
  EXPECT_EQ(bench.out.alerts[0].time, At(1000));
  EXPECT_EQ(bench.out.alerts[0].flags, (std::vector<std::string>{"substituted_time"}));
}

TEST(Engine, ReloadKeepsChainsThatMeanTheSame) {
  Bench bench;
  bench.Give(Event(0, "a"));
  bench.Give(Event(3, "other"));
  const std::string retitled =
      "title: newcomer\nid: newcomer\nlogsource: {category: test}\ndetection:\n  s: {kind: "
      "single}\n"
      "  condition: s\n---" +
      std::string(kRules);
  bench.engine.Reload(Rules(retitled.c_str()));
  bench.Give(Event(5, "b"));
  bench.Give(Event(6, "single"));
  bench.engine.Finish(bench.out);
  std::vector<std::string> ids;
  for (const Alert& alert : bench.out.alerts) ids.push_back(alert.rule->id);
  EXPECT_EQ(ids, (std::vector<std::string>{"newcomer", "single", "both"}));
}

// The order of its rules is no part of what a set means, but what is kept counts on it.
TEST(Engine, AnAlertKeepsItsRuleBeyondReloadAndEngine) {
  Output out;
  std::weak_ptr<const RuleSet> first;
  {
    std::shared_ptr<const RuleSet> rules = Rules();
    first = rules;
    Engine engine(std::move(rules), {});
    const std::string events[] = {Event(1, "single"), Event(2, "a"), Event(3, "b")};
    Record record;
    record.source = engine.AddSource({"events", 0}, {}, nullptr, {});
    for (const std::string& event : events) {
      record.payload = event;
      engine.Process(record, {}, out);
      ++record.offset;
    }
    engine.Finish(out);
    engine.Reload(Rules());
  }
  ASSERT_EQ(out.alerts.size(), 2U);
  EXPECT_EQ(out.alerts[0].rule->title, "single");
  EXPECT_EQ(out.alerts[1].rule->title, "both");
  EXPECT_FALSE(first.expired());
  out.Clear();
  EXPECT_TRUE(first.expired());  // and no longer
}

TEST(Engine, AReloadInWhichTheRulesChangePlacesTakesNoneForAnother) {
  const auto rules = [](const std::string& order) {
    return Rules((testing::KindRules("ab") + R"(title: set
id: set
correlation: {type: temporal, timespan: 1m, rules: )" +
                  order + "}\n")
                     .c_str());
  };
  ASSERT_EQ(rules("[a, b]")->correlations()[0].semantics,
            rules("[b, a]")->correlations()[0].semantics);
  Engine engine(rules("[a, b]"), {});
  const SourceId source = engine.AddSource({"events", 0}, {}, nullptr, {});
  Output out;
  std::int64_t offset = 0;
  const auto give = [&](const std::string& payload) {
    Record record;
    record.source = source;
    record.offset = offset++;
    record.payload = payload;
    engine.Process(record, {}, out);
  };
  give(Event(0, "a"));
  give(Event(20, "other"));
  engine.Reload(rules("[b, a]"));
  give(Event(21, "a"));
  engine.FinishPart(out);
  EXPECT_TRUE(out.alerts.empty()) << "there was no b";
  engine.Reload(rules("[b, a]"));
  give(Event(41, "b"));
  engine.Finish(out);
  EXPECT_EQ(out.alerts.size(), 1U) << "what stands in the same order is kept";
}

TEST(Engine, WhereTheReorderBufferIsFullWhoIsAheadShouldWait) {
  Engine::Options options;
  options.max_waiting = 2;
  Bench bench(options);
  const SourceId fast = bench.engine.AddSource({"events", 1}, {}, nullptr, {});
  bench.Give(Event(0, "other"));
  bench.Give(Event(20, "a"), fast);
  EXPECT_FALSE(bench.engine.Ahead(fast));
  bench.Give(Event(21, "b"), fast);
  EXPECT_TRUE(bench.engine.Ahead(fast));
  EXPECT_FALSE(bench.engine.Ahead(bench.source)) << "what it waits for comes from there";
  bench.Give(Event(40, "other"));
  EXPECT_FALSE(bench.engine.Ahead(fast));
}

TEST(Engine, AReloadBringsTheTablesAsTheyAreThen) {
  const auto rules = [](const std::string& table) {
    RuleSet::Options options;
    options.extra_fields = DefaultTimestamps();
    auto loaded = sigma::LoadRulesFromFiles(
        {{"pack.yaml",
          "{name: p, version: 1, description: d, lookups: {sites: {columns: [who, "
          "site]}}}"},
         {"lookups/sites.csv", "who,site\n" + table},
         {"rules.yml", R"(
title: a
name: a
id: rule-a
logsource: {category: test}
detection: {s: {kind: a}, condition: s}
faultline: {lookup: {field: site, from: who, table: sites}}
---
title: site
id: site
correlation: {type: event_count, rules: [a], group-by: [site], timespan: 1m, condition: {gte: 2}}
)"}});
    EXPECT_TRUE(loaded);
    auto compiled = RuleSet::Compile(std::move(*loaded), options);
    EXPECT_TRUE(compiled);
    EXPECT_TRUE((*compiled)->errors().empty());
    return *compiled;
  };
  Engine engine(rules("x,north\n"), {});
  const SourceId source = engine.AddSource({"events", 0}, {}, nullptr, {});
  Output out;
  std::int64_t offset = 0;
  const auto give = [&](const std::string& payload) {
    Record record;
    record.source = source;
    record.offset = offset++;
    record.payload = payload;
    engine.Process(record, {}, out);
  };
  give(Event(0, "a", "x"));
  give(Event(1, "a", "y"));
  engine.Reload(rules("y,north\nx,south\n"));
  give(Event(2, "a", "x"));
  give(Event(3, "a", "y"));
  engine.Finish(out);
  ASSERT_EQ(out.alerts.size(), 1U) << "what the old table brought stays";
  EXPECT_EQ(out.alerts[0].time, At(1003));
  EXPECT_EQ(out.alerts[0].group[0].value, "north");
}

TEST(Engine, ASourceFarAheadShouldWaitAndTheSlowestNever) {
  Bench bench;
  const SourceId fast = bench.engine.AddSource({"events", 1}, {}, nullptr, {});
  bench.Give(Event(0, "other"));
  bench.Give(Event(3601, "other"), fast);
  EXPECT_TRUE(bench.engine.Ahead(fast));
  EXPECT_FALSE(bench.engine.Ahead(bench.source));
  bench.Give(Event(1, "other"));
  EXPECT_FALSE(bench.engine.Ahead(fast));
}

}  // namespace
}  // namespace faultline
