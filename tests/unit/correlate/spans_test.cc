// SPDX-License-Identifier: Apache-2.0
//
// Every span of a correlation at T and at T plus and minus one nanosecond, a timer and an event at one
// instant, and absences that only the steady clock decides.
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "matcher/engine.h"
#include "tests/support/kind_rules.h"

namespace faultline {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStart = 1'767'225'600 * kSecond;  // a multiple of every span here

// An event `nanos` behind the start.
struct Told {
  std::int64_t nanos = 0;
  std::string kind;
  std::string more = {};  // further members
};

std::shared_ptr<const RuleSet> Rules(const std::string& correlations) {
  RuleSet::Options options;
  options.extra_fields = DefaultTimestamps();
  auto rules = RuleSet::Compile(
      sigma::LoadRulesFromText(testing::KindRules("abc") + correlations, "rules.yml"), options);
  if (!rules) ADD_FAILURE() << rules.error().ToString();
  for (const Error& error : (*rules)->errors()) ADD_FAILURE() << error.ToString();
  return *rules;
}

class Bench {
 public:
  explicit Bench(const std::string& correlations) : engine_(Rules(correlations), {}) {
    source_ = engine_.AddSource({"t", 0}, {}, nullptr, {});
  }

  void Give(const Told& told) {
    const std::string payload = "{\"@timestamp\":\"" +
                                ToString(EventTime::Raw(kStart + told.nanos)) + "\",\"kind\":\"" +
                                told.kind + "\"" + (told.more.empty() ? "" : "," + told.more) + "}";
    Record record;
    record.source = source_;
    record.offset = offset_++;
    record.payload = payload;
    engine_.Process(record, {}, out_);
  }
  // The source has nothing more, and `passed` goes by on the steady clock.
  void StandIdle(std::chrono::nanoseconds passed) {
    engine_.MarkIdle(source_, seconds(30), out_);
    engine_.Tick(seconds(30) + passed, out_);
  }
  void Finish() { engine_.Finish(out_); }
  [[nodiscard]] std::string SaveState() const { return engine_.SaveState(); }

  [[nodiscard]] const std::vector<Alert>& alerts() const { return out_.alerts; }
  // "status cause" of each record of a correlation, in order.
  [[nodiscard]] std::vector<std::string> Causes() const {
    std::vector<std::string> causes;
    for (const Alert& alert : out_.alerts) {
      if (alert.kind == AlertKind::kDetection) continue;
      causes.push_back(std::string(ToString(alert.status)) + " " + alert.explanation.cause);
    }
    return causes;
  }
  // "rule@seconds.nanos" of each record, in order.
  [[nodiscard]] std::vector<std::string> Fired() const {
    std::vector<std::string> fired;
    for (const Alert& alert : out_.alerts) {
      if (alert.kind == AlertKind::kDetection) continue;
      const std::int64_t nanos = alert.time.nanos() - kStart;
      std::string fraction = std::to_string(kSecond + nanos % kSecond).substr(1);
      fired.push_back(alert.rule->id + "@" + std::to_string(nanos / kSecond) +
                      (nanos % kSecond == 0 ? "" : "." + fraction));
    }
    return fired;
  }

 private:
  Engine engine_;
  SourceId source_ = 0;
  std::int64_t offset_ = 0;
  Output out_;
};

using Names = std::vector<std::string>;

Names Fired(const std::string& correlations, const std::vector<Told>& events) {
  Bench bench(correlations);
  for (const Told& told : events) bench.Give(told);
  bench.Finish();
  return bench.Fired();
}

constexpr std::int64_t kT = 10 * kSecond;  // every span here

// A rule of which b, `apart` behind a, is the second event.
struct Span {
  const char* name;
  const char* rule;
  bool fires;  // with b at T; else what fires is what must not with b there
};

constexpr Span kSpans[] = {
    {"event_count", R"(
title: r
id: r
correlation: {type: event_count, rules: [a, b], timespan: 10s, condition: {gte: 2}}
)",
     true},
    {"value_count", R"(
title: r
id: r
correlation: {type: value_count, rules: [a, b], timespan: 10s, condition: {gte: 2, field: kind}}
)",
     true},
    {"value_sum", R"(
title: r
id: r
correlation: {type: value_sum, rules: [a, b], timespan: 10s, condition: {gte: 2, field: one}}
)",
     true},
    {"temporal", R"(
title: r
id: r
correlation: {type: temporal, rules: [a, b], timespan: 10s}
)",
     true},
    {"temporal_ordered", R"(
title: r
id: r
correlation: {type: temporal_ordered, rules: [a, b], timespan: 10s}
)",
     true},
    {"steps of a set", R"(
title: r
id: r
correlation: {type: temporal, timespan: 10s}
faultline: {steps: [{on: a}, {on: b}]}
)",
     true},
    {"since the previous step", R"(
title: r
id: r
correlation: {type: temporal_ordered, timespan: 1h}
faultline: {steps: [{on: a}, {on: b, within: 10s}]}
)",
     true},
    {"times within", R"(
title: either
name: either
id: either
correlation: {type: event_count, rules: [a, b], timespan: 1s, condition: {gte: 1}}
faultline: {refire: every}
---
title: r
id: r
correlation: {type: temporal_ordered, timespan: 1h}
faultline: {steps: [{on: either, times: {gte: 2, within: 10s}}]}
)",
     true},
    {"absent before", R"(
title: r
id: r
correlation: {type: temporal_ordered, timespan: 1h}
faultline: {steps: [{on: b}], absent: [{on: a, before: b, within: 10s}]}
)",
     false},
    {"the ttl of a register", R"(
title: r
id: r
correlation: {type: temporal_ordered, timespan: 1h}
faultline:
  steps: [{on: b}]
  registers: {seen: {on: a, fn: count, ttl: 10s}}
  where: reg.seen == 1
)",
     true},
    {"count of times", R"(
title: r
id: r
correlation: {type: temporal_ordered, timespan: 1h}
faultline:
  steps: [{on: b}]
  registers: {seen: {on: a, fn: times, ttl: 1h}}
  where: count(reg.seen, b.time - 10s, b.time) == 1
)",
     true},
};

TEST(Spans, AreClosedToTheNanosecond) {
  for (const Span& span : kSpans) {
    for (const std::int64_t off : {-1, 0, 1}) {
      const Names fired = Fired(span.rule, {{0, "a", R"("one":1)"}, {kT + off, "b", R"("one":1)"}});
      const bool within = off <= 0;
      EXPECT_EQ(fired.size(), within == span.fires ? 1U : 0U) << span.name << " at T " << off;
    }
  }
}

TEST(Spans, ASlidingWindowArmsAgainOneNanosecondBehindItsExpiry) {
  const char* rule = R"(
title: r
id: r
correlation: {type: event_count, rules: [a], timespan: 10s, condition: {gte: 2}}
)";
  // The first leaves the window behind 10 s; the third is the second of two again.
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kSecond, "a"}, {kT, "a"}}), (Names{"r@1"}));
  EXPECT_EQ(Fired(rule, {{0, "a"}, {0, "a"}, {kT + 1, "a"}, {kT + 1, "a"}}),
            (Names{"r@0", "r@10.000000001"}));
}

TEST(Spans, AnExpiryThatMakesAPredicateTrueHasTheFirstInstantOfTheNewState) {
  const char* rule = R"(
title: r
id: r
correlation: {type: value_avg, rules: [a], timespan: 10s, condition: {gt: 5, field: v}}
)";
  EXPECT_EQ(Fired(rule, {{0, "a", R"("v":1)"}, {kSecond, "a", R"("v":8)"}}),
            (Names{"r@10.000000001"}));
}

TEST(Spans, TumblingWindowsEndBeforeTheEventsOfTheirEnd) {
  const char* rule = R"(
title: r
id: r
correlation: {type: event_count, rules: [a], timespan: 10s, condition: {gte: 2}}
faultline: {window: tumbling}
)";
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT - 1, "a"}}), (Names{"r@10"}));
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT, "a"}}), Names());
  EXPECT_EQ(Fired(rule, {{kT, "a"}, {kT + 1, "a"}}), (Names{"r@20"}));
  EXPECT_EQ(Fired(rule, {{-1, "a"}, {0, "a"}}), Names());
}

TEST(Spans, ASessionHoldsWhatComesExactlyItsGapLater) {
  const char* rule = R"(
title: r
id: r
correlation: {type: event_count, rules: [a], timespan: 1h, condition: {gte: 2}}
faultline: {window: session, gap: 10s}
)";
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT - 1, "a"}}), (Names{"r@19.999999999"}));
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT, "a"}}), (Names{"r@20"}));
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT + 1, "a"}}), Names());
}

TEST(Spans, ASessionIsCutAtTheTimespan) {
  const char* rule = R"(
title: r
id: r
correlation: {type: event_count, rules: [a], timespan: 10s, condition: {gte: 3}}
faultline: {window: session, gap: 6s}
)";
  const std::int64_t half = 5 * kSecond;
  EXPECT_EQ(Fired(rule, {{0, "a"}, {half, "a"}, {kT - 1, "a"}}), (Names{"r@10"}));
  EXPECT_EQ(Fired(rule, {{0, "a"}, {half, "a"}, {kT, "a"}}), (Names{"r@10"}));
  EXPECT_EQ(Fired(rule, {{0, "a"}, {half, "a"}, {kT + 1, "a"}}), Names());
}

TEST(Spans, AnAbsenceForbidsUpToItsDeadlineAndTheEventOfThatInstantComesFirst) {
  const char* rule = R"(
title: r
id: r
correlation: {type: temporal_ordered, timespan: 1s}
faultline: {steps: [{on: a}], absent: [{on: b, after: a, within: 10s}]}
)";
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT - 1, "b"}}), Names());
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT, "b"}}), Names());
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT + 1, "b"}}), (Names{"r@10"}));
}

TEST(Spans, TwoTimersOfOneInstantActChildrenFirst) {
  // The child's deadline is the end of the parent's: it is seen in time.
  const char* rule = R"(
title: child
name: child
id: child
correlation: {type: temporal_ordered, timespan: 1s}
faultline: {steps: [{on: a}], absent: [{on: b, after: a, within: 10s}]}
---
title: parent
id: parent
correlation: {type: temporal_ordered, timespan: 1s}
faultline: {steps: [{on: c}], absent: [{on: child, after: c, within: 10s}]}
)";
  EXPECT_EQ(Fired(rule, {{0, "a"}, {0, "c"}}), Names());
  EXPECT_EQ(Fired(rule, {{0, "c"}, {1, "a"}}), (Names{"parent@10"}));
}

// Each timer is a point of its own, behind the events of its time and those that came before it.
TEST(Spans, TimersOfOneInstantFollowEachOther) {
  const std::string kids = R"(
title: first
name: first
id: first
correlation: {type: temporal_ordered, timespan: 1s}
faultline: {steps: [{on: a}], absent: [{on: c, after: a, within: 10s}]}
---
title: then
name: then
id: then
correlation: {type: temporal_ordered, group-by: [u], timespan: 1s}
faultline: {steps: [{on: b}], absent: [{on: c, after: b, within: 10s}]}
---
title: r
id: r
correlation: {type: temporal_ordered, timespan: 1h}
faultline: {steps: )";
  const std::vector<Told> events = {{0, "a"}, {0, "b", R"("u":"x")"}, {0, "b", R"("u":"y")"}};
  EXPECT_EQ(Fired(kids + "[{on: first}, {on: then, times: {gte: 2}}]}\n", events), (Names{"r@10"}));
  EXPECT_EQ(Fired(kids + "[{on: then, times: {gte: 2}}, {on: first}]}\n", events), Names());
  EXPECT_EQ(Fired(kids + "[{on: first}, {on: then}, {on: then, as: again}]}\n", events),
            (Names{"r@10"}));
}

TEST(Spans, AnEdgeThatAnExpiryMakesComesBeforeTheEventsOfItsTime) {
  const std::string kid = R"(
title: kid
name: kid
id: kid
correlation: {type: value_avg, rules: [a], timespan: 10s, condition: {gt: 5, field: v}}
---
title: r
id: r
correlation: {type: temporal_ordered, timespan: 1h}
faultline: {steps: )";
  const std::vector<Told> events = {
      {0, "a", R"("v":1)"}, {kSecond, "a", R"("v":8)"}, {kT + 1, "b"}, {kT + 1, "b"}};
  EXPECT_EQ(Fired(kid + "[{on: kid}, {on: b, times: {gte: 2}}]}\n", events),
            (Names{"r@10.000000001"}));
  EXPECT_EQ(Fired(kid + "[{on: b, times: {gte: 2}}, {on: kid}]}\n", events), Names());
}

TEST(Spans, AnIdleSourceDecidesAnAbsence) {
  Bench bench(R"(
title: r
id: r
correlation: {type: temporal_ordered, timespan: 1s}
faultline: {steps: [{on: a}], absent: [{on: b, after: a, within: 10s}]}
)");
  bench.Give({0, "a"});
  // The watermark stands 10 s behind the event; the deadline lies 10 s ahead of it and acts behind it.
  bench.StandIdle(seconds(20));
  EXPECT_EQ(bench.Fired(), Names());
  bench.StandIdle(seconds(20) + std::chrono::nanoseconds(1));
  EXPECT_EQ(bench.Fired(), (Names{"r@10"}));
}

TEST(Spans, RefireAfterASpanAtTheFirstArrivalNotBeforeIt) {
  const char* rule = R"(
title: r
id: r
correlation: {type: event_count, rules: [a], timespan: 1h, condition: {gte: 1}}
faultline: {refire: 10s}
)";
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT - 1, "a"}}), (Names{"r@0"}));
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT, "a"}}), (Names{"r@0", "r@10"}));
}

TEST(Spans, SuppressionIsClosed) {
  const char* rule = R"(
title: r
id: r
correlation: {type: event_count, rules: [a], timespan: 1s, condition: {gte: 1}}
faultline: {suppress: {for: 10s}}
)";
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT, "a"}}), (Names{"r@0"}));
  EXPECT_EQ(Fired(rule, {{0, "a"}, {kT + 1, "a"}}), (Names{"r@0", "r@10.000000001"}));
}

TEST(Spans, ChooseWaitsBehindTheLastInstantOfSettle) {
  const char* rules = R"(
title: low
id: low
correlation: {type: event_count, rules: [a], timespan: 1s, condition: {gte: 1}}
faultline: {choose: {group: g, priority: 1, settle: 10s}}
---
title: high
id: high
correlation: {type: event_count, rules: [b], timespan: 1s, condition: {gte: 1}}
faultline: {choose: {group: g, priority: 2, settle: 10s}}
)";
  EXPECT_EQ(Fired(rules, {{0, "a"}, {kT, "b"}}), (Names{"high@10"}));
  EXPECT_EQ(Fired(rules, {{0, "a"}, {kT + 1, "b"}}), (Names{"low@0", "high@10.000000001"}));
}

// A child fires again by expiry at the first instant at which its first edge no longer counts.
constexpr const char* kTurnsByExpiry = R"(
title: kid
name: kid
id: kid
correlation: {type: value_avg, rules: [a], timespan: 5s, condition: {gt: 5, field: v}}
---
)";
const std::vector<Told> kTurns = {{0, "a", "\"v\":9"},
                                  {kT / 2, "a", "\"v\":0"},
                                  {kT / 2 + 1, "b"},
                                  {kT / 2 + kSecond, "a", "\"v\":9"}};

TEST(Spans, AnExpiryOfChildAndParentAtOneInstantArmsBeforeItFires) {
  const char* const parents[] = {
      "correlation: {type: event_count, rules: [kid], timespan: 10s, condition: {gte: 1}}",
      "correlation: {type: value_count, rules: [kid], timespan: 10s, condition: {gte: 1, field: "
      "v}}",
      "correlation: {type: temporal, rules: [kid], timespan: 10s}",
      "correlation: {type: temporal_ordered, rules: [kid], timespan: 10s}",
      "correlation: {type: temporal_ordered, rules: [kid], timespan: 10s}\n"
      "faultline: {ties: any}",
      "correlation: {type: temporal, timespan: 10s}\n"
      "faultline: {steps: [{on: kid}], where: matched > 0}"};
  for (const std::string parent : parents) {
    const std::string rules = kTurnsByExpiry + ("title: r\nid: r\n" + parent);
    // The edge that a timer makes has no field v.
    const bool valued = parent.find("value_count") != parent.npos;
    EXPECT_EQ(Fired(rules, kTurns), valued ? (Names{"r@0"}) : (Names{"r@0", "r@10.000000001"}))
        << parent;
  }
}

TEST(Spans, WhatStillHoldsWhenAnExpiryOfTheChildTakesAStepsPlaceDoesNotFireAgain) {
  const std::string rules = std::string(kTurnsByExpiry) + R"(
title: r
id: r
correlation: {type: temporal, timespan: 10s}
faultline: {steps: [{on: kid}, {on: b}], some: 1, where: matched > 0, update_every: never}
)";
  EXPECT_EQ(Fired(rules, kTurns), (Names{"r@0"}));
}

TEST(Spans, AChildThatFiresForSeveralKeysAtOnceIsOneArrivalThatIsSavedAndLoaded) {
  const std::string rules = R"(
title: kid
name: kid
id: kid
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 5s, condition: {gte: 1}}
---
title: r
id: r
correlation: {type: event_count, rules: [kid], timespan: 10s, condition: {gte: 2}}
)";
  Bench bench(rules);
  bench.Give({0, "a", "\"u\":[\"x\",\"y\"]"});
  bench.Give({20 * kSecond, "c"});  // the first one is out
  const std::string state = bench.SaveState();
  Engine other(Rules(rules), {});
  const auto loaded = other.LoadState(state);
  ASSERT_TRUE(loaded) << loaded.error().ToString();
  EXPECT_EQ(other.SaveState(), state);
  bench.Finish();
  EXPECT_EQ(bench.Fired(), Names{});
}

TEST(Spans, AChildThatFiresForSeveralKeysAtOnceFillsAStepOnceWithTheFirst) {
  const std::string kid = R"(
title: kid
name: kid
id: kid
correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1s, condition: {gte: 1}}
---
title: r
id: r
correlation: {type: )";
  const std::string explain = R"(, explain: {cause: "{{kid.u}}"}})";
  const std::vector<Told> events = {
      {0, "a", R"("u":["y","x"])"}, {5 * kSecond, "a", R"("u":"z")"}, {6 * kSecond, "b"}};
  const auto causes = [&](const std::string& rest) {
    Bench bench(kid + rest + explain + "\n");
    for (const Told& told : events) bench.Give(told);
    bench.Finish();
    return bench.Causes();
  };
  for (const std::string type : {"temporal", "temporal_ordered"}) {
    const std::string head = type + ", timespan: 1h}\nfaultline: {update_every: never, steps: ";
    EXPECT_EQ(causes(head + "[{on: kid, times: {gte: 3}}]"), Names()) << type;
    EXPECT_EQ(causes(head + "[{on: kid, times: {gte: 2}}]"), (Names{"firing z"})) << type;
    EXPECT_EQ(causes(head + "[{on: kid}]"), (Names{"firing y"})) << type;
  }
  // Looking for the one that agrees, it looks at each.
  EXPECT_EQ(Fired(kid + "temporal_ordered, timespan: 1h}\nfaultline: {steps: [{on: a, as: first}, "
                        "{on: kid, bind: {u: first.v}}]}\n",
                  {{0, "a", R"("u":"w","v":"x")"}, {1, "a", R"("u":["y","x"])"}}),
            (Names{"r@0.000000001"}));
}

TEST(Spans, TumblingWindowsCountFromTheEpochAlsoBeforeIt) {
  const char* rule = R"(
title: r
id: r
correlation: {type: event_count, rules: [a], timespan: 10s, condition: {gte: 2}}
faultline: {window: tumbling}
)";
  EXPECT_EQ(Fired(rule, {{-kStart - 10 * kSecond, "a"}, {-kStart - 1, "a"}, {-kStart, "a"}}),
            (Names{"r@" + std::to_string(-kStart / kSecond)}));
  EXPECT_EQ(Fired(rule, {{-kStart - 1, "a"}, {-kStart, "a"}}), Names());
}

// Keys and values are texts: 1 and "1" are one, 1 and 1.0 are two, and so are x and X.
TEST(Spans, KeysAndCountedValuesAreComparedAsTexts) {
  const std::string keyed = R"(
title: r
id: r
correlation: {type: event_count, rules: [a], group-by: [k], timespan: 10s, condition: {gte: 2}}
)";
  const std::string counted = R"(
title: r
id: r
correlation: {type: value_count, rules: [a], timespan: 10s, condition: {field: k, gte: 2}}
)";
  const std::vector<std::array<const char*, 2>> same = {{"1", R"("1")"}, {R"("x")", R"("x")"}};
  const std::vector<std::array<const char*, 2>> other = {
      {"1", "1.0"}, {R"("x")", R"("X")"}, {R"("x")", R"("x ")"}};
  const auto fired = [](const std::string& rule, const std::array<const char*, 2>& values) {
    return Fired(rule, {{0, "a", std::string("\"k\":") + values[0]},
                        {1, "a", std::string("\"k\":") + values[1]}})
        .size();
  };
  for (const auto& values : same) {
    EXPECT_EQ(fired(keyed, values), 1U) << values[0] << ' ' << values[1];
    EXPECT_EQ(fired(counted, values), 0U) << values[0] << ' ' << values[1];
  }
  for (const auto& values : other) {
    EXPECT_EQ(fired(keyed, values), 0U) << values[0] << ' ' << values[1];
    EXPECT_EQ(fired(counted, values), 1U) << values[0] << ' ' << values[1];
  }
}

TEST(Spans, AValueCountOfSeveralFieldsCountsTuples) {
  const char* rule = R"(
title: r
id: r
correlation: {type: value_count, rules: [a], timespan: 10s, condition: {field: [k, l], gte: 3}}
)";
  const Told one{0, "a", R"("k":"x","l":"yz")"}, two{1, "a", R"("k":"xy","l":"z")"};
  const Told lacking{2, "a", R"("k":"x")"}, three{3, "a", R"("k":"x","l":"z")"};
  EXPECT_EQ(Fired(rule, {one, two, one, lacking}), Names());
  EXPECT_EQ(Fired(rule, {one, two, lacking, three}), (Names{"r@0.000000003"}));
}

// A correlation's edge resolves as a rule's event does; all records are of one incident, each has an id
// of its own.
TEST(Spans, AnEdgeResolvesAndAllRecordsNameTheIncident) {
  Bench bench(R"(
title: calm
name: calm
id: calm
correlation: {type: event_count, rules: [c], group-by: [u], timespan: 10s, condition: {gte: 2}}
---
title: r
id: r
correlation: {type: temporal, group-by: [u], timespan: 10s}
faultline:
  steps: [{on: a}, {on: b}]
  some: 1
  resolve: calm
  update_every: 1s
)");
  const auto give = [&bench](std::int64_t nanos, const char* kind, const char* who) {
    bench.Give({nanos, kind, std::string("\"u\":\"") + who + "\""});
  };
  give(0, "a", "x");
  give(1, "a", "y");
  give(2 * kSecond, "b", "x");
  give(30 * kSecond, "c", "x");
  give(31 * kSecond, "c", "y");
  give(32 * kSecond, "c", "x");
  give(33 * kSecond, "c", "x");
  bench.Finish();
  EXPECT_EQ(bench.Fired(), (Names{"r@0", "r@0.000000001", "r@2", "r@32"}));
  std::vector<const Alert*> of_x;
  std::set<std::string> ids, incidents, fingerprints;
  for (const Alert& alert : bench.alerts()) {
    if (alert.group.at(0).value == "x") of_x.push_back(&alert);
    ids.insert(alert.id.Hex());
    incidents.insert(alert.incident.Hex());
    fingerprints.insert(alert.fingerprint.Hex());
  }
  EXPECT_EQ(ids.size(), 4U);
  EXPECT_EQ(incidents.size(), 2U);
  EXPECT_EQ(fingerprints.size(), 2U);
  ASSERT_EQ(of_x.size(), 3U);
  const AlertStatus lived[] = {AlertStatus::kFiring, AlertStatus::kUpdated, AlertStatus::kResolved};
  for (std::uint32_t seq = 0; seq < 3; ++seq) {
    EXPECT_EQ(of_x[seq]->seq, seq);
    EXPECT_EQ(of_x[seq]->status, lived[seq]);
    EXPECT_EQ(of_x[seq]->incident, of_x[0]->incident);
    EXPECT_EQ(of_x[seq]->id, AlertIdOf(of_x[0]->incident, seq));
  }
}

TEST(Spans, WhatAWindowSaidIsNotTouchedByTheNextOne) {
  const std::string rule = R"(
title: r
id: r
correlation: {type: temporal, rules: [a, b], timespan: 1m, condition: a and not b}
faultline: {explain: {cause: "b: {{seen(b)}}"}, update_every: 1s, window: )";
  const std::vector<Told> events = {
      {0, "a"}, {70 * kSecond, "a"}, {71 * kSecond, "b"}, {200 * kSecond, "c"}};
  for (const char* window : {"tumbling", "session, gap: 30s"}) {
    Bench bench(rule + window + "}\n");
    Bench resolved(rule + window + ", resolve: c}\n");
    for (Bench* each : {&bench, &resolved}) {
      for (const Told& told : events) each->Give(told);
      each->Finish();
    }
    EXPECT_EQ(bench.Causes(), Names{"firing b: false"}) << window;
    EXPECT_EQ(resolved.Causes(), (Names{"firing b: false", "resolved b: false"})) << window;
  }
}

TEST(Spans, PreviousIsTheRegisterItselfAtATimer) {
  Bench bench(R"(
title: r
id: r
correlation: {type: temporal, timespan: 1m}
faultline:
  steps: [{on: a}]
  registers: {n: {on: b, fn: count, ttl: 1h}}
  update_every: 10s
  explain: {cause: "{{coalesce(prev.n, 0)}} of {{coalesce(reg.n, 0)}}"}
)");
  for (const Told& told : std::vector<Told>{{0, "a"}, {1, "b"}, {2, "b"}}) bench.Give(told);
  bench.Finish();
  EXPECT_EQ(bench.Causes(), (Names{"firing 0 of 0", "updated 2 of 2"}));
}

TEST(Spans, ABareNameIsWhatAnyRuleOfTheDecidingEventSays) {
  const char* const deciding = R"(
title: d
name: d
id: rule-d
logsource: {category: test}
detection: {s: {kind: b}, condition: s}
faultline: {capture: [{field: text, re: '(?<code>[0-9]+)'}]}
---
title: r
id: r
correlation: {type: temporal, timespan: 1m}
faultline:
  steps: [{on: a}, {on: d}, {on: b}]
  some: 2
  absent: [{on: c, after: b, within: 30s}]
  explain: {cause: "{{w}} {{code}}"}
)";
  Bench step(deciding);
  step.Give({0, "a"});
  step.Give({1, "b", "\"w\":\"this\",\"text\":\"code 7\""});  // waits for b's deadline
  // c takes b and its deadline away: it decides.
  step.Give({2, "c", "\"w\":\"that\""});
  step.Finish();
  EXPECT_EQ(step.Causes(), (Names{"firing that 7"}));
}

TEST(Spans, CorrelationsOfCorrelationsToDepthTen) {
  std::string rules;
  std::string child = "a";
  for (int depth = 1; depth <= 10; ++depth) {
    const std::string name = "d" + std::to_string(depth);
    rules += "title: " + name + "\nname: " + name + "\nid: " + name +
             "\ncorrelation: {type: event_count, rules: [" + child +
             "], timespan: 1s, condition: {gte: 1}}\n---\n";
    child = name;
  }
  EXPECT_EQ(Fired(rules, {{5, "a"}}), (Names{"d10@0.000000005"}));
}

}  // namespace
}  // namespace faultline
