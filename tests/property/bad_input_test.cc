// SPDX-License-Identifier: Apache-2.0
//
// What hostile or broken input does to correlations: memory stays bounded, the outcome is the stated
// one, everything is counted, and the same input gives the same again. FAULTLINE_KEYS makes the large
// cases larger; `make badinput` runs them with ten million.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "matcher/engine.h"
#include "tests/support/kind_rules.h"
#include "tests/support/sanitized.h"

namespace faultline {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStart = 1'767'225'600;  // seconds
constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kTenYears = 3652 * kDay;

const std::string kDetections = testing::KindRules("ab") + R"(title: single
id: single
logsource: {category: test}
detection: {s: {kind: single}, condition: s}
---
)";

constexpr const char* kPair = R"(
title: pair
id: pair
correlation: {type: temporal, rules: [a, b], group-by: [u], timespan: 1h}
)";

std::shared_ptr<const RuleSet> Rules(const std::string& correlations) {
  RuleSet::Options options;
  options.extra_fields = DefaultTimestamps();
  auto rules =
      RuleSet::Compile(sigma::LoadRulesFromText(kDetections + correlations, "rules.yml"), options);
  if (!rules) ADD_FAILURE() << rules.error().ToString();
  for (const Error& error : (*rules)->errors()) ADD_FAILURE() << error.ToString();
  return *rules;
}

std::int64_t Keys() {
  const char* text = std::getenv("FAULTLINE_KEYS");
  return text == nullptr ? 200'000 : std::strtoll(text, nullptr, 10);
}

// Bytes of this process that lie in memory.
std::int64_t Resident() {
  if (testing::kSanitized) return 0;  // shadow memory and quarantine are not what the engine takes
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0;
  file >> pages >> pages;
  return pages * 4096;
}

class Bench {
 public:
  explicit Bench(const std::string& correlations, const Engine::Options& options = {})
      : engine_(Rules(correlations), options) {
    Add("t", 0);
  }
  SourceId Add(const std::string& topic, std::int32_t partition) {
    const SourceId id = engine_.AddSource({topic, partition}, {}, nullptr, {});
    offsets_.resize(id + 1);
    return id;
  }

  void Give(const std::string& payload, SourceId source = 0) {
    Record record;
    record.source = source;
    Give(record, payload);
  }
  // The record's own stamp, in seconds, and the wall clock's bound if there is one.
  void GiveStamped(const std::string& payload, SourceId source, TimestampKind kind,
                   std::int64_t stamp) {
    Record record;
    record.source = source;
    record.timestamp_kind = kind;
    record.timestamp = EventTime::Raw(stamp * kSecond);
    Give(record, payload);
  }
  void Give(Record record, const std::string& payload) {
    record.offset = offsets_[record.source]++;
    record.payload = payload;
    engine_.Process(record, edge, out_);
    Take();
  }
  void Finish() {
    engine_.Finish(out_);
    Take();
  }

  [[nodiscard]] const EngineCounters& counters() const { return engine_.counters(); }
  [[nodiscard]] Engine& engine() { return engine_; }

  ReadEdge edge;
  std::vector<Alert> alerts;  // of correlations
  std::vector<JournalEntry> journal;
  std::vector<LateMatch> late;

 private:
  void Take() {
    for (Alert& alert : out_.alerts) {
      if (alert.kind != AlertKind::kDetection) alerts.push_back(std::move(alert));
    }
    for (JournalEntry& entry : out_.journal) journal.push_back(std::move(entry));
    for (LateMatch& match : out_.late) late.push_back(std::move(match));
    out_.Clear();
  }

  Engine engine_;
  std::vector<std::int64_t> offsets_;
  Output out_;
};

std::string Event(std::int64_t at, const std::string& kind, const std::string& more = "") {
  return "{\"@timestamp\":" + std::to_string(kStart + at) + ",\"kind\":\"" + kind + "\"" +
         (more.empty() ? "" : "," + more) + "}";
}
std::string Of(const std::string& user) { return "\"u\":\"" + user + "\""; }

std::vector<Digest> IdsOf(const Bench& bench) {
  std::vector<Digest> ids;
  for (const Alert& alert : bench.alerts) ids.push_back(alert.id);
  return ids;
}

std::int64_t CounterOf(Bench& bench, const std::string& rule, Counter RuleCounters::*counter) {
  std::int64_t value = -1;
  bench.engine().stats()->ForEachRule(
      [&](const std::string& id, sigma::Level, const RuleCounters& counters) {
        if (id == rule) value = (counters.*counter).value();
      });
  return value;
}

constexpr const char* kCount = R"(
title: count
id: count
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1h, condition: {gte: 2}}
)";

// Every key once, and every thousandth a second time ten keys later.
void ManyKeys(Bench& bench, std::int64_t keys) {
  for (std::int64_t i = 0; i < keys; ++i) {
    bench.Give(Event(i / 100, "a", Of("user-" + std::to_string(i))));
    if (i % 1000 == 10) {
      bench.Give(Event(i / 100, "a", Of("user-" + std::to_string(i - 10))));
    }
  }
  bench.Finish();
}

TEST(BadInput, MoreKeysThanThereIsRoomForEvictsCountsAndMarks) {
  const std::int64_t keys = Keys();
  const std::int64_t before = Resident();
  Bench bench(kCount);
  ManyKeys(bench, keys);
  EXPECT_LT(Resident() - before, std::int64_t{256} << 20);
  EXPECT_EQ(static_cast<std::int64_t>(bench.alerts.size()), (keys + 989) / 1000);
  EXPECT_LE(bench.counters().windows_open.value(), 15'625);
  EXPECT_GE(bench.counters().window_evictions.value(), keys - 15'625 - keys / 1000 - 1);
  EXPECT_FALSE(bench.alerts.front().degraded) << "nothing was evicted yet";
  EXPECT_TRUE(bench.alerts.back().degraded);
  if (keys > 1'000'000) return;
  Bench again(kCount);
  ManyKeys(again, keys);
  EXPECT_EQ(IdsOf(again), IdsOf(bench));
}

// Keys that are evicted leave timers behind; those go as well, whatever kind of state set them.
TEST(BadInput, TimersOfKeysThatAreGoneGoToo) {
  const char* const rules[] = {
      "{type: value_avg, rules: [a], group-by: [u], timespan: 1w, condition: {gt: 5, field: v}}",
      "{type: event_count, rules: [a], group-by: [u], timespan: 1w, condition: {gte: 9}}\n"
      "faultline: {window: tumbling}",
      "{type: event_count, rules: [a], group-by: [u], timespan: 1w, condition: {gte: 9}}\n"
      "faultline: {window: session, gap: 1d}",
      "{type: temporal_ordered, group-by: [u], timespan: 1w}\n"
      "faultline: {steps: [{on: a}], absent: [{on: b, after: a, within: 1w}]}",
      "{type: event_count, rules: [a], group-by: [u], timespan: 1m, condition: {gte: 1}}\n"
      "faultline: {resolve: {quiet: 1w}}",
      "{type: event_count, rules: [a], group-by: [u], timespan: 1m, condition: {gte: 1}}\n"
      "faultline: {choose: {group: g, priority: 1, settle: 1w}}",
  };
  for (const char* rule : rules) {
    Engine::Options options;
    options.max_keys = 1000;
    options.max_alerts_per_rule = 0;
    Bench bench(std::string("\ntitle: r\nid: r\ncorrelation: ") + rule + "\n", options);
    for (int i = 0; i < 30'000; ++i) {
      bench.Give(Event(i / 100, "a", Of("user-" + std::to_string(i)) + ",\"v\":1"));
    }
    EXPECT_LE(bench.engine().correlator().numbers().timers, 4096) << rule;
    EXPECT_GT(bench.counters().window_evictions.value(), 0) << rule;
  }
}

// A key close to firing stays, whatever the others do.
TEST(BadInput, EvictionKeepsTheGroupThatIsClosestToFiring) {
  Bench bench(R"(
title: count
id: count
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1h, condition: {gte: 5}}
)");
  for (int i = 0; i < 4; ++i) bench.Give(Event(0, "a", Of("close")));
  for (int i = 0; i < 40'000; ++i) bench.Give(Event(1, "a", Of("user-" + std::to_string(i))));
  bench.Give(Event(2, "a", Of("close")));
  bench.Finish();
  ASSERT_EQ(bench.alerts.size(), 1U);
  EXPECT_EQ(bench.alerts[0].group[0].value, "close");
  EXPECT_TRUE(bench.alerts[0].degraded);
}

TEST(BadInput, OneKeyWithVeryManyEventsTakesNoMoreThanItsShare) {
  const std::int64_t events = Keys();
  const std::int64_t before = Resident();
  Bench bench(std::string(kCount) + R"(---
title: five thousand
id: many
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1w, condition: {gte: 5000}}
)");
  for (std::int64_t i = 0; i < events; ++i) {
    bench.Give(Event(i / 1000, "a", Of("one")));
  }
  bench.Finish();
  EXPECT_LT(Resident() - before, std::int64_t{128} << 20);
  ASSERT_EQ(bench.alerts.size(), 2U);
  EXPECT_EQ(bench.alerts[0].rule->id, "count");
  EXPECT_EQ(bench.alerts[1].rule->id, "many");
  EXPECT_LE(bench.alerts[1].evidence.size(), 100U);
  EXPECT_EQ(bench.alerts[1].time.nanos() / kSecond, kStart + 4);
}

// ------------------------------------------------------------------------------------------ clocks

// The pair of another source is recognised in its time, whatever the wrong clock says.
void ExpectPairAndNoMore(Bench& bench, SourceId good) {
  bench.Give(Event(0, "a", Of("x")), good);
  bench.Give(Event(5, "b", Of("x")), good);
  bench.Give(Event(60, "other"), good);
}

TEST(BadInput, AClockTenYearsAheadIsBoundByOurs) {
  Bench bench(kPair);
  bench.edge.now = EventTime::Raw((kStart + 10) * kSecond);
  const SourceId good = bench.Add("t", 1);
  bench.Give(Event(0, "other"));
  bench.Give(Event(kTenYears, "a", Of("y")));
  ExpectPairAndNoMore(bench, good);
  bench.Give(Event(40, "b", Of("y")));
  bench.Finish();
  ASSERT_EQ(bench.alerts.size(), 2U);
  EXPECT_EQ(bench.alerts[0].time.nanos(), (kStart + 5) * kSecond);
  EXPECT_EQ(bench.counters().substituted.value(), 1);
  ASSERT_EQ(bench.journal.size(), 1U);
  EXPECT_EQ(bench.journal[0].time.nanos(), kStart * kSecond) << "its source's highest so far";
  EXPECT_EQ(bench.counters().late_events.value(), 0);
}

TEST(BadInput, AClockTenYearsAheadWithItsRecordStampToo) {
  Bench bench(kPair);
  bench.edge.now = EventTime::Raw((kStart + 10) * kSecond);
  const SourceId good = bench.Add("t", 1);
  bench.GiveStamped(Event(kTenYears, "a", Of("y")), 0, TimestampKind::kCreateTime,
                    kStart + kTenYears);
  ExpectPairAndNoMore(bench, good);
  bench.Give(Event(11, "b", Of("y")));
  bench.Finish();
  EXPECT_EQ(bench.alerts.size(), 2U);
  ASSERT_EQ(bench.journal.size(), 1U);
  EXPECT_EQ(bench.journal[0].time.nanos(), (kStart + 10) * kSecond)
      << "nothing but our clock is left";
}

TEST(BadInput, ABrokersStampRefutesAClockTenYearsAheadWithoutOurs) {
  Bench bench(kPair);
  const SourceId good = bench.Add("t", 1);
  bench.GiveStamped(Event(kTenYears, "a", Of("y")), 0, TimestampKind::kLogAppendTime, kStart);
  ExpectPairAndNoMore(bench, good);
  bench.GiveStamped(Event(1, "b", Of("y")), 0, TimestampKind::kLogAppendTime, kStart + 1);
  bench.Finish();
  EXPECT_EQ(bench.alerts.size(), 2U);
  EXPECT_EQ(bench.counters().substituted.value(), 1);
  EXPECT_TRUE(bench.journal.empty()) << "no clock decided";
}

TEST(BadInput, AWholeBatchTenYearsAheadMovesNobodysTime) {
  Bench bench(kPair);
  bench.edge.now = EventTime::Raw((kStart + 100) * kSecond);
  const SourceId good = bench.Add("t", 1);
  bench.Give(Event(0, "other"));
  for (int i = 0; i < 1000; ++i) bench.Give(Event(kTenYears + i, "a", Of("y")));
  ExpectPairAndNoMore(bench, good);
  bench.Give(Event(20, "b", Of("y")));
  bench.Finish();
  EXPECT_EQ(bench.alerts.size(), 2U);
  EXPECT_EQ(bench.counters().substituted.value(), 1000);
  EXPECT_EQ(bench.journal.size(), 1000U);
  EXPECT_EQ(bench.counters().late_events.value(), 0);
}

TEST(BadInput, ASourceThatJumpsBackADayIsLateUntilItIsBack) {
  Bench bench(kPair);
  bench.Give(Event(kDay, "other"));
  bench.Give(Event(0, "a", Of("x")));
  bench.Give(Event(1, "b", Of("x")));
  bench.Give(Event(0, "single"));
  EXPECT_EQ(bench.counters().late_events.value(), 3);
  EXPECT_EQ(bench.counters().late_le_1d.value(), 3);
  EXPECT_EQ(bench.late.size(), 2U);
  EXPECT_EQ(bench.counters().lateness_needed_nanos.value(), kDay * kSecond);
  bench.Give(Event(kDay + 1, "a", Of("x")));
  bench.Give(Event(kDay + 2, "b", Of("x")));
  bench.Finish();
  ASSERT_EQ(bench.alerts.size(), 1U);
  EXPECT_EQ(bench.alerts[0].time.nanos(), (kStart + kDay + 2) * kSecond);
}

TEST(BadInput, ATimeThatIsMissingOrUnparsableTakesTheRecordsElseTheHighest) {
  for (const char* time : {"", R"("@timestamp":"yesterday",)", R"("@timestamp":null,)",
                           R"("@timestamp":"1601-01-01T00:00:00Z",)",
                           R"("@timestamp":"9999-12-31T23:59:59.9999999Z",)",
                           R"("@timestamp":1e400,)", R"("@timestamp":{},)"}) {
    Bench bench(kPair);
    bench.Give(Event(0, "a", Of("x")));
    const std::string payload = std::string("{") + time + R"("kind":"b","u":"x"})";
    bench.GiveStamped(payload, 0, TimestampKind::kCreateTime, kStart + 7);
    bench.Give(payload);  // a plain file
    bench.Finish();
    ASSERT_EQ(bench.alerts.size(), 1U) << time;
    EXPECT_EQ(bench.alerts[0].time.nanos(), (kStart + 7) * kSecond) << time;
    EXPECT_EQ(bench.counters().unparsable_times.value(), 2) << time;
    EXPECT_EQ(bench.counters().substituted.value(), 2) << time;
  }
}

TEST(BadInput, TicksEpochsZonesAndLeapSecondsAreTimesOfEvents) {
  // Each is one second behind the start, but for what the comment says.
  const std::string times[] = {"\"2026-01-01T00:00:01Z\"",
                               "\"2026-01-01T00:00:01.0000000Z\"",
                               "\"2026-01-01T02:00:01.0000000+02:00\"",
                               "\"2025-12-31T18:30:01-0530\"",
                               "\"2026-01-01 00:00:01\"",
                               "1767225601",
                               "1767225601000",
                               "1767225601000000",
                               "1767225601000000000",
                               "\"1767225601000\"",
                               "1767225601.0"};
  for (const std::string& time : times) {
    Bench bench(kPair);
    bench.Give(Event(0, "a", Of("x")));
    bench.Give("{\"@timestamp\":" + time + R"(,"kind":"b","u":"x"})");
    bench.Finish();
    ASSERT_EQ(bench.alerts.size(), 1U) << time;
    EXPECT_EQ(bench.alerts[0].time.nanos(), (kStart + 1) * kSecond) << time;
  }
  Bench bench(kPair);
  bench.Give(R"({"@timestamp":"2016-12-31T23:59:60Z","kind":"a","u":"x"})");
  bench.Give(R"({"@timestamp":"2017-01-01T00:00:00.0000001Z","kind":"b","u":"x"})");
  bench.Finish();
  ASSERT_EQ(bench.alerts.size(), 1U);
  EXPECT_EQ(ToString(bench.alerts[0].time), "2017-01-01T00:00:00.000000100Z");
  EXPECT_EQ(ToString(bench.alerts[0].window->start), "2017-01-01T00:00:00.000Z");
}

// ------------------------------------------------------------------------------------------ values

constexpr const char* kSum = R"(
title: sum
id: sum
correlation: {type: value_sum, rules: [a], group-by: [u], timespan: 1h, condition: {gte: 10000000000000000000, field: v}}
)";

TEST(BadInput, ASumThatLeaves64BitsGoesOnAsADecimal) {
  Bench bench(kSum);
  bench.Give(Event(0, "a", R"("u":"x","v":9223372036854775807)"));
  bench.Give(Event(1, "a", R"("u":"x","v":9223372036854775807)"));
  bench.Finish();
  ASSERT_EQ(bench.alerts.size(), 1U) << "no wrap to a negative sum";
  EXPECT_EQ(bench.alerts[0].time.nanos(), (kStart + 1) * kSecond);
}

TEST(BadInput, AnOverflowInAnExpressionIsAnErrorAndNoCondition) {
  const char* rule = R"(
title: where
id: where
correlation: {type: temporal, group-by: [u], timespan: 1h}
faultline:
  steps: [{on: a}, {on: b}]
  where: a.v + b.v < 0 or a.v + b.v >= 0
)";
  Bench overflow(rule);
  overflow.Give(Event(0, "a", R"("u":"x","v":9223372036854775807)"));
  overflow.Give(Event(1, "b", R"("u":"x","v":1)"));
  overflow.Finish();
  EXPECT_TRUE(overflow.alerts.empty());
  Bench fits(rule);
  fits.Give(Event(0, "a", R"("u":"x","v":9223372036854775806)"));
  fits.Give(Event(1, "b", R"("u":"x","v":1)"));
  fits.Finish();
  EXPECT_EQ(fits.alerts.size(), 1U);
}

TEST(BadInput, WhatIsNoNumberIsNotSummed) {
  Bench bench(R"(
title: sum
id: sum
correlation: {type: value_sum, rules: [a], group-by: [u], timespan: 1h, condition: {gte: 3, field: v}}
)");
  for (const char* value : {R"("NaN")", R"("nan")", R"("inf")", R"("-Infinity")", R"("")", "null",
                            "true", "{}", R"("1e999")", R"("0x10")"}) {
    bench.Give(Event(0, "a", Of("x") + ",\"v\":" + value));
  }
  bench.Give(Event(1, "a", R"("u":"x","v":1)"));
  bench.Give(Event(2, "a", R"("u":"x","v":"2")"));
  bench.Finish();
  ASSERT_EQ(bench.alerts.size(), 1U);
  EXPECT_EQ(bench.alerts[0].time.nanos(), (kStart + 2) * kSecond);
}

TEST(BadInput, DifferentTextsOfAMebibyteAreCountedNotKept) {
  Bench bench(R"(
title: distinct
id: distinct
correlation: {type: value_count, rules: [a], group-by: [u], timespan: 1h, condition: {gte: 300, field: v}}
)");
  std::string text((1U << 20) - 1024, 'x');
  const auto give = [&](int i) {
    text.replace(0, 3, std::to_string(100 + i % 900));
    bench.Give(Event(i / 100, "a", R"("u":"x","v":")" + text + "\""));
  };
  for (int i = 0; i < 20; ++i) give(i);
  const std::int64_t before = Resident();
  for (int i = 20; i < 299; ++i) {
    give(i);
    give(i - 20);  // seen before: counts no more
  }
  EXPECT_LT(Resident() - before, std::int64_t{64} << 20);
  give(299);
  bench.Finish();
  ASSERT_EQ(bench.alerts.size(), 1U);
  EXPECT_EQ(bench.alerts[0].time.nanos(), (kStart + 2) * kSecond);
}

TEST(BadInput, AGroupByArrayOfTenThousandElementsCountsForSixteenGroups) {
  Bench bench(kCount);
  std::string users = "\"u\":[";
  for (int i = 0; i < 10'000; ++i) users += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\"";
  users += "]";
  bench.Give(Event(0, "a", users));
  bench.Give(Event(1, "a", users));
  bench.Finish();
  EXPECT_EQ(bench.alerts.size(), 16U);
  EXPECT_LE(bench.counters().windows_open.value(), 16);
}

TEST(BadInput, AnEventWithoutItsGroupIsCounted) {
  Bench bench(kCount);
  for (const char* more : {"", R"("u":null)", R"("u":[])", R"("u":{})"}) {
    bench.Give(Event(0, "a", more));
    bench.Give(Event(0, "a", more));
  }
  bench.Finish();
  EXPECT_TRUE(bench.alerts.empty());
  EXPECT_EQ(CounterOf(bench, "count", &RuleCounters::no_key), 8);
}

}  // namespace
}  // namespace faultline
