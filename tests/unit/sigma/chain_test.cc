// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/chain.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "matcher/sigma/references.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Detections a, b, c and d, one line each.
std::string Bases() {
  std::string text;
  for (const std::string name : {"a", "b", "c", "d"}) {
    text += fmt::format(
        "{{title: {0}, name: {0}, id: id-{0}, level: low, logsource: {{service: s}}, detection: "
        "{{s: {{f: {0}}}, condition: s}}}}\n---\n",
        name);
  }
  return text;
}

constexpr const char* kPack =
    "{name: p, version: 1, description: d, settings: {window: {default: 7m}, limit: {default: 3}, "
    "word: {default: x}}}\n";

RuleCollection Load(const std::string& documents) {
  auto rules = LoadRulesFromFiles({{"pack.yaml", kPack}, {"f.yml", Bases() + documents}});
  EXPECT_TRUE(rules) << rules.error().ToString();
  return rules ? std::move(*rules) : RuleCollection();
}

// The only correlation, whose map `correlation` begins on line 12.
std::string Document(const std::string& correlation, const std::string& ours = "") {
  return "title: C\nid: cc\ncorrelation:\n" + correlation +
         (ours.empty() ? "" : "faultline:\n" + ours);
}

CorrelationRule Only(const std::string& correlation, const std::string& ours = "") {
  RuleCollection rules = Load(Document(correlation, ours));
  EXPECT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
  EXPECT_EQ(rules.correlations.size(), 1U);
  return rules.correlations.empty() ? CorrelationRule() : std::move(rules.correlations[0]);
}

std::string ErrorOf(const std::string& correlation, const std::string& ours = "") {
  const RuleCollection rules = Load(Document(correlation, ours));
  return rules.errors.empty() ? "" : rules.errors[0].ToString();
}

// A condition as a person would write it.
std::string Text(const StepCondition& condition) {
  std::vector<std::string> texts;
  for (const StepCondition::Node& node : condition.nodes) {
    std::vector<std::string> children;
    for (const std::uint32_t child : node.children) children.push_back(texts[child]);
    using Kind = StepCondition::Node::Kind;
    switch (node.kind) {
      case Kind::kStep: texts.push_back(fmt::format("s{}", node.number)); break;
      case Kind::kAnd: texts.push_back(fmt::format("({})", fmt::join(children, " & "))); break;
      case Kind::kOr: texts.push_back(fmt::format("({})", fmt::join(children, " | "))); break;
      case Kind::kNot: texts.push_back("!" + children[0]); break;
      case Kind::kAtLeast: texts.push_back(fmt::format(">={}", node.number)); break;
    }
  }
  return texts.empty() ? "" : texts.back();
}

const std::string kCount = "  type: event_count\n  rules: [a, b]\n  timespan: 5m\n";
const std::string kSet = "  type: temporal\n  rules: [a, b, c]\n  timespan: 5m\n";
const std::string kChain = "  type: temporal_ordered\n  timespan: 1h\n  group-by: [node]\n";
const std::string kSteps = "  steps: [{on: a}, {on: b}, {on: c}]\n";

TEST(Correlation, ReadsEveryTypeWithItsComparisons) {
  const CorrelationRule count =
      Only(kCount + "  condition: {gte: 3, lt: 10}\n", "  window: tumbling\n");
  ASSERT_EQ(count.thresholds.size(), 2U);
  EXPECT_EQ(count.thresholds[1].op, Threshold::Op::kLt);
  EXPECT_EQ(count.thresholds[1].number, ExprValue(std::int64_t{10}));
  EXPECT_EQ(count.window, WindowKind::kTumbling);
  EXPECT_EQ(count.steps.size(), 2U);
  EXPECT_TRUE(count.condition.nodes.empty());

  const std::string values = "  rules: a\n  timespan: 5m\n";
  const CorrelationRule tuple =
      Only("  type: value_count\n" + values + "  condition: {field: [x, y], gt: 4}\n");
  EXPECT_EQ(tuple.value_fields, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(tuple.inputs[0].fields, (std::vector<std::string>{"x", "y"}));
  const CorrelationRule part = Only("  type: value_percentile\n" + values +
                                    "  condition: {field: x, gt: 4.5, percentile: 99.5}\n");
  EXPECT_EQ(part.percentile, 99.5);
  EXPECT_EQ(part.thresholds[0].number, ExprValue(4.5));
  for (const std::string type : {"value_sum", "value_avg", "value_median"}) {
    const CorrelationRule rule =
        Only("  type: " + type + "\n" + values + "  condition: {field: x, lte: -1}\n",
             "  window: session\n  gap: 1m\n");
    EXPECT_EQ(ToString(rule.type), type);
    EXPECT_EQ(rule.gap, minutes(1));
  }
}

TEST(Correlation, TurnsConditionsOfTemporalIntoOneForm) {
  const std::string tumbling = "  window: tumbling\n";
  const std::vector<std::array<std::string, 3>> cases = {
      {"", "", ">=3"},
      {"{gte: 2}", "", ">=2"},
      {"{gt: 1}", "", ">=2"},
      {"{eq: 2}", "", "(>=2 & !>=3)"},
      {"{eq: 3}", "", ">=3"},
      {"{gte: 1, lt: 3}", tumbling, "(>=1 & !>=3)"},
      {"{neq: 2}", tumbling, "!(>=2 & !>=3)"},
      {"{lte: 3}", tumbling, ">=1"},
      {"a and (b or c)", "", "(s0 & (s1 | s2))"},
      {"a and not c", tumbling, "(s0 & !s2)"},
  };
  for (const auto& [condition, ours, wanted] : cases) {
    const std::string line = condition.empty() ? "" : "  condition: " + condition + "\n";
    EXPECT_EQ(Text(Only(kSet + line, ours).condition), wanted) << condition;
    EXPECT_TRUE(Only(kSet + line, ours).thresholds.empty());
  }
  EXPECT_EQ(Text(Only(kChain + "  rules: [a, b]\n").condition), "");
}

TEST(Correlation, RefusesWhatCannotBeMeant) {
  const std::vector<std::array<std::string, 3>> cases = {
      {kCount, "", "12:3: event_count needs a 'condition'; condition: {gte: 2}"},
      {kCount + "  condition: {lt: 3}\n", "",
       "15:15: 'lt: 3' is only known when a window closes; use gte or gt, or add faultline: "
       "{window: tumbling}"},
      {kCount + "  condition: {eq: 0}\n", "",
       "15:15: 'eq: 0' is only known when a window closes; use gte or gt, or add faultline: "
       "{window: tumbling}"},
      {kCount + "  condition: {lte: 3}\n", "",
       "15:15: 'lte: 3' is only known when a window closes; use gte or gt, or add faultline: "
       "{window: tumbling}"},
      {kCount + "  condition: {neq: 3}\n", "",
       "15:15: 'neq: 3' is only known when a window closes; use gte or gt, or add faultline: "
       "{window: tumbling}"},
      {kCount + "  condition: {lte: 3}\n", "  window: tumbling\n", ""},
      {kCount + "  condition: {neq: 3}\n", "  window: session\n  gap: 1m\n", ""},
      {kCount + "  condition: {eq: 0}\n", "  window: tumbling\n",
       "15:14: the comparisons of 'condition' can never hold; write a range that some number lies "
       "in; a window without events is not judged"},
      {kCount + "  condition: {gte: 5, eq: 4}\n", "",
       "15:14: the comparisons of 'condition' can never hold; write a range that some number lies "
       "in; a window without events is not judged"},
      {kCount + "  condition: {gte: 0}\n", "", "15:20: 'gte: 0' always holds; use gte: 1 or more"},
      {kCount + "  condition: {gte: 2.5}\n", "",
       "15:20: 'gte' must be a whole number; write a whole number"},
      {kCount + "  condition: {gte: 2, field: x}\n", "",
       "15:23: 'field' does not go with event_count; remove it, or count values with value_count"},
      {kCount + "  condition: {get: 2}\n", "",
       "15:15: unknown key 'get' in 'condition'; did you mean 'gt'?"},
      {kCount + "  condition: {}\n", "",
       "15:14: 'condition' compares nothing; add gte: and a number"},
      {kCount + "  condition: a and b\n", "",
       "15:14: a text as condition does not go with event_count; write a map: condition: {gte: "
       "2}; or use type: temporal"},
      {"  type: value_sum\n  rules: a\n  timespan: 1m\n  condition: {gte: 2}\n", "",
       "12:3: value_sum needs a 'field' in its condition; add field: with the name of the field "
       "to look at"},
      {"  type: value_sum\n  rules: a\n  timespan: 1m\n  condition: {gte: 2, field: [x, y]}\n", "",
       "15:30: value_sum looks at one field; name one field"},
      {"  type: value_percentile\n  rules: a\n  timespan: 1m\n  condition: {gte: 2, field: x}\n",
       "",
       "12:3: value_percentile needs a 'percentile' in its condition; add percentile: 95, or "
       "another number from 0 to 100"},
      {kSet + "  condition: {gte: 4}\n", "",
       "15:14: 4 different rules can never be seen: there are 3; write a smaller number"},
      {kSet + "  condition: a and x\n", "",
       "15:20: condition: unknown rule 'x'; did you mean 'a'?"},
      {kSet + "  condition: a and\n", "",
       "15:19: condition: the condition ends early; use one of a, b, c"},
      {kSet + "  condition: a and not b\n", "",
       "15:14: 'not' is only known when a window closes; add faultline: {window: tumbling}, or "
       "write steps with 'absent'"},
      {kSet + "  condition: not b\n", "  window: tumbling\n",
       "15:14: the condition holds without any of its rules; name a rule without 'not'"},
      {kSet + "  condition: a and not a\n", "  window: tumbling\n",
       "15:14: the condition can never hold; remove what contradicts the rest"},
      {kChain + "  rules: [a, b]\n  condition: {gte: 1}\n", "",
       "16:14: temporal_ordered needs all of its rules; leave the condition out"},
      {kSet + "  aliases: {x: {z: f}}\n", "", "15:17: unknown rule 'z'; did you mean 'a'?"},
      {kSet + "  aliases: {x: {d: f}}\n", "",
       "15:17: the alias 'x' names 'd', which is not among the rules; did you mean 'a'?"},
      {kSet, "  gap: 1m\n", "16:3: 'gap' goes with window: session; remove it"},
      {kSet, "  window: session\n",
       "16:11: a session needs a 'gap'; add gap: with the pause that ends it"},
      {kSet, "  window: tumblin\n", "16:11: unknown window 'tumblin'; did you mean 'tumbling'?"},
      {kSet, "  refire: window\n",
       "16:11: 'refire: window' goes with tumbling and session windows; use every, or a duration"},
      {kSet, "  refire: 10\n",
       "16:11: 'refire': '10' is no timespan; write a number and one of s, m, h, d, w, M, y, for "
       "example 10m"},
      {kSet, "  ties: any\n",
       "16:3: 'ties' does not go with temporal; remove it, or use type: temporal_ordered"},
      {kCount + "  condition: {gte: 2}\n", "  absent: []\n",
       "17:3: 'absent' does not go with event_count; remove it, or use type: temporal or "
       "temporal_ordered"},
      {kSet, "  capture: []\n",
       "16:3: 'capture' belongs to a detection; move it to the rule that matches"},
      {kSet, "  windows: 5m\n",
       "16:3: unknown key 'windows' in 'faultline'; did you mean "
       "'window'?"},
      {kSet, "  timespan: settings.windwo\n",
       "16:13: 'timespan': unknown setting 'windwo'; did you mean 'window'?"},
      {kSet, "  timespan: settings.word\n",
       "16:13: 'timespan': 'settings.word' is no duration above 0; give the setting a duration, "
       "for example 10m"},
  };
  for (const auto& [correlation, ours, wanted] : cases) {
    std::string error = ErrorOf(correlation, ours);
    const std::size_t whose = error.find("rule 'C': ");
    if (whose != error.npos) error.erase(whose, 10);
    EXPECT_EQ(error, wanted.empty() ? "" : "f.yml:" + wanted) << correlation << ours;
  }
}

// Months and years are pySigma's.
TEST(Correlation, TimespansHaveSevenUnits) {
  const std::vector<std::pair<std::string, seconds>> cases = {
      {"90s", seconds(90)},       {"15m", minutes(15)},        {"36h", hours(36)},
      {"2d", hours(48)},          {"1w", hours(168)},          {"1M", seconds(2'629'746)},
      {"3M", seconds(7'889'238)}, {"1y", seconds(31'556'952)}, {"2y", seconds(63'113'904)}};
  for (const auto& [text, wanted] : cases) {
    EXPECT_EQ(Only("  type: temporal\n  rules: [a, b]\n  timespan: " + text + "\n").timespan,
              wanted)
        << text;
  }
}

TEST(Correlation, AliasesAndGroupsGiveEachInputItsFields) {
  RuleCollection rules =
      Load(Document(kSet + "  group-by: [host, user]\n  aliases: {host: {a: src, id-b: dst}, "
                           "unused: {a: x}}\n"));
  ASSERT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
  const CorrelationRule& rule = rules.correlations[0];
  EXPECT_EQ(rule.inputs[0].group_fields, (std::vector<std::string>{"src", "user"}));
  EXPECT_EQ(rule.inputs[1].group_fields, (std::vector<std::string>{"dst", "user"}));
  EXPECT_EQ(rule.inputs[2].group_fields, (std::vector<std::string>{"host", "user"}));
  EXPECT_EQ(rules.detections[1].hit_fields, (std::vector<std::string>{"dst", "user"}));
  EXPECT_TRUE(std::any_of(rules.findings.begin(), rules.findings.end(),
                          [](const Finding& finding) { return finding.code == "alias-unused"; }));
}

TEST(Correlations, StandBehindThoseTheyReferToWhileTheReportKeepsTheFilesOrder) {
  const auto one = [](const std::string& name, const std::string& rules, const std::string& rest) {
    return fmt::format(
        "{{title: {0}, name: {0}, id: i{0}, correlation: {{type: temporal, rules: {1}, timespan: "
        "1h{2}}}}}\n---\n",
        name, rules, rest);
  };
  const RuleCollection rules =
      Load(one("top", "[middle, low, d]", ", group-by: [host]") + one("low", "[a, b]", "") +
           one("middle", "[low, c]", ", generate: true"));
  ASSERT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
  ASSERT_EQ(rules.correlations.size(), 3U);
  EXPECT_EQ(rules.correlations[0].meta.name, "low");
  EXPECT_EQ(rules.correlations[1].meta.name, "middle");
  EXPECT_EQ(rules.correlations[2].meta.name, "top");
  EXPECT_EQ(rules.report[4].title, "top");
  EXPECT_EQ(rules.report[4].horizon, hours(3));
  EXPECT_EQ(rules.report[5].horizon, hours(1));
  // Who alerts by itself, and what reaches the events at the bottom.
  EXPECT_FALSE(rules.correlations[0].silent);  // middle generates
  EXPECT_TRUE(rules.correlations[1].silent);
  EXPECT_FALSE(rules.correlations[2].silent);
  EXPECT_TRUE(rules.detections[0].silent);
  EXPECT_FALSE(rules.detections[2].silent);
  EXPECT_TRUE(rules.detections[3].silent);
  for (const DetectionRule& detection : rules.detections) {
    EXPECT_EQ(detection.hit_fields, (std::vector<std::string>{"host"})) << detection.meta.name;
  }
  EXPECT_EQ(rules.correlations[2].meta.level, Level::kLow);
}

TEST(Correlations, AskForWhatTheirParentsNameButForWhatTheyMakeThemselves) {
  const RuleCollection rules = Load(
      "{title: P, correlation: {type: temporal, rules: [child, b], timespan: 1h, group-by: "
      "[node]}, "
      "faultline: {explain: {cause: '{{child.disk}} {{child.node}} {{child.extra}}'}}}\n---\n"
      "{title: child, name: child, correlation: {type: event_count, rules: [a], timespan: 1h, "
      "condition: {gte: 2}, group-by: [node]}, faultline: {fields: {disk: lower(drive)}}}\n");
  ASSERT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
  EXPECT_EQ(rules.detections[0].hit_fields, (std::vector<std::string>{"drive", "extra", "node"}));
  EXPECT_EQ(rules.detections[1].hit_fields, (std::vector<std::string>{"node"}));
}

TEST(Correlations, AskBareNamesOfEveryEventThatCanDecide) {
  const auto asked = [](const std::string& type) {
    const RuleCollection rules = Load(
        "{title: C, correlation: {type: " + type +
        ", group-by: [k], timespan: 1h}, faultline: {steps: [{on: a, as: s}, {on: a, as: t}], "
        "absent: [{on: b, after: s, within: 1m}], registers: {r: {on: c, fn: count, ttl: 1h}}, "
        "until: d, where: reg.r > 1, explain: {cause: '{{w}}'}}}\n");
    EXPECT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
    std::string text;
    for (const DetectionRule& detection : rules.detections) {
      text += fmt::format("{}: {}; ", detection.meta.name, fmt::join(detection.hit_fields, " "));
    }
    return text;
  };
  // A set: when an absent event takes a step and its deadline away, or a register moves.
  EXPECT_EQ(asked("temporal"), "a: k w; b: k w; c: k w; d: k; ");
  EXPECT_EQ(asked("temporal_ordered"), "a: k w; b: k; c: k; d: k; ");
}

TEST(Correlations, GoTenDeepAndNoDeeperAndNeverInCircles) {
  std::string documents;
  for (int i = 11; i >= 1; --i) {
    documents += fmt::format(
        "{{title: k{0}, name: k{0}, correlation: {{type: event_count, rules: [{1}], timespan: 1m, "
        "condition: {{gte: 1}}}}}}\n---\n",
        i, i == 1 ? "a" : fmt::format("k{}", i - 1));
  }
  RuleCollection rules = Load(documents);
  EXPECT_EQ(rules.correlations.size(), 10U);
  EXPECT_EQ(rules.correlations[9].horizon, minutes(10));
  ASSERT_EQ(rules.errors.size(), 1U);
  EXPECT_EQ(rules.errors[0].message,
            "rule 'k11': correlations refer to each other more than 10 deep");

  rules = Load(
      "{title: x, name: x, correlation: {type: temporal, rules: [y, a], timespan: 1m}}\n---\n"
      "{title: y, name: y, correlation: {type: temporal, rules: [a], timespan: 1m}, faultline: "
      "{until: z}}\n---\n"
      "{title: z, name: z, correlation: {type: temporal, rules: [x], timespan: 1m}}\n---\n"
      "{title: w, name: w, correlation: {type: temporal, rules: [z], timespan: 1m}}\n");
  EXPECT_TRUE(rules.correlations.empty());
  ASSERT_EQ(rules.errors.size(), 4U);
  EXPECT_EQ(rules.errors[0].ToString(),
            "f.yml:9:1: rule 'x': correlations refer to each other in a circle: x -> y -> z -> x; "
            "take one of the references out");
  EXPECT_EQ(rules.errors[3].ToString(),
            "f.yml:15:59: rule 'w': it refers to 'z', which is rejected; repair that rule");
}

TEST(Correlations, TakeOutMovesEveryReference) {
  RuleCollection rules = Load(
      "{title: x, name: x, correlation: {type: temporal, rules: [b], timespan: 1m}}\n---\n"
      "{title: y, name: y, correlation: {type: temporal, rules: [c, d], timespan: 1m}}\n---\n"
      "{title: z, name: z, correlation: {type: temporal, rules: [y, d], timespan: 1m}}\n");
  ASSERT_EQ(rules.correlations.size(), 3U);
  EXPECT_TRUE(rules.detections[1].silent);
  Leaving leaving(rules);
  leaving.detections[0] = true;
  leaving.correlations[0] = true;
  TakeOut(leaving, rules);
  ASSERT_EQ(rules.detections.size(), 3U);
  EXPECT_FALSE(rules.detections[0].silent);  // b: x is gone
  ASSERT_EQ(rules.correlations.size(), 2U);
  EXPECT_EQ(rules.correlations[0].inputs[0].rule, (RuleRef{false, 1}));
  EXPECT_EQ(rules.correlations[1].inputs[0].rule, (RuleRef{true, 0}));
  EXPECT_EQ(rules.correlations[1].inputs[1].rule, (RuleRef{false, 2}));
}

TEST(Chain, ReadsASequence) {
  const CorrelationRule rule =
      Only(kChain,
           "  steps:\n"
           "    - {on: a, as: fault, times: {gte: 3, within: 10m, distinct: disk}}\n"
           "    - {on: b, within: 5m, bind: {node: fault.owner, x: fault.y.z}}\n"
           "    - {on: a, as: again}\n"
           "  absent:\n"
           "    - {on: c, after: again, within: settings.window}\n"
           "    - {on: d, between: [fault, b], bind: {n: fault.m}}\n"
           "    - {on: a, before: fault, within: 1d}\n"
           "  until: [d, c]\n"
           "  overlap: consume\n"
           "  ties: any\n"
           "  refire: every\n"
           "  timespan: settings.window\n");
  ASSERT_EQ(rule.steps.size(), 3U);
  EXPECT_EQ(rule.steps[0].name, "fault");
  EXPECT_EQ(rule.steps[0].times, 3U);
  EXPECT_EQ(rule.steps[0].times_within, minutes(10));
  EXPECT_EQ(rule.steps[0].distinct, "disk");
  EXPECT_EQ(rule.steps[1].name, "b");
  EXPECT_EQ(rule.steps[1].within, minutes(5));
  ASSERT_EQ(rule.steps[1].bind.size(), 2U);
  EXPECT_EQ(rule.steps[1].bind[1].step_field, "y.z");
  EXPECT_EQ(rule.steps[2].input, rule.steps[0].input);
  ASSERT_EQ(rule.inputs.size(), 4U);
  EXPECT_EQ(rule.inputs[0].fields, (std::vector<std::string>{"disk", "m", "node", "owner", "y.z"}));
  EXPECT_EQ(rule.inputs[1].fields, (std::vector<std::string>{"node", "x"}));
  EXPECT_EQ(rule.inputs[2].fields, (std::vector<std::string>{"n", "node"}));
  ASSERT_EQ(rule.absences.size(), 3U);
  EXPECT_EQ(rule.absences[0].within, minutes(7));
  EXPECT_EQ(rule.absences[1].until, 1U);
  EXPECT_EQ(rule.until, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(rule.timespan, minutes(7));
  EXPECT_TRUE(rule.ties_any);
  EXPECT_TRUE(rule.chain);
  EXPECT_EQ(rule.horizon, minutes(7) + minutes(7) + hours(24));
}

TEST(Chain, ReadsASetWithItsChoices) {
  const CorrelationRule rule =
      Only("  type: temporal\n  timespan: 1h\n",
           "  steps: [{on: a}, {on: b}, {on: c}, {on: d, as: e}]\n  some: 2\n  require: [a or b, "
           "c or e, a]\n");
  EXPECT_EQ(Text(rule.condition), "(>=2 & (s0 | s1) & (s2 | s3) & s0)");
}

TEST(Chain, ReadsRegistersFieldsAndTheLifeOfItsAlert) {
  const CorrelationRule rule =
      Only(kChain,
           kSteps +
               "  registers:\n"
               "    own: {on: d, fn: max, field: usn, ttl: 7d, reset: a}\n"
               "    seen: {on: d, fn: last, field: time, ttl: 2h, by: [node, {disk: a.drive}]}\n"
               "    beats: {on: b, fn: times, ttl: 1h}\n"
               "  fields: {gap: b.usn - reg.own, far: gap > settings.limit}\n"
               "  where: far and c.time - reg.seen < 1m and count(reg.beats, a.time, time) >= 2\n"
               "  variants:\n"
               "    - {name: first, when: seen(b), level: high, title: 'on {{node}}', cause: "
               "'{{b.why}}'}\n"
               "    - {remedy: ['{{gap}}']}\n"
               "  choose: {group: roots, priority: 5, settle: 30s}\n"
               "  suppress: {for: 1h, by: [node, b.disk]}\n"
               "  resolve: {on: d, quiet: 1d, of: [b, d]}\n"
               "  update_every: never\n"
               "  explain: {cause: '{{matched}} of {{total}}: {{reason}}', remedy: look}\n");
  ASSERT_EQ(rule.registers.size(), 3U);
  EXPECT_TRUE(rule.registers[0].by_group);
  EXPECT_EQ(rule.registers[0].reset, 0U);
  EXPECT_TRUE(rule.registers[1].of_time);
  ASSERT_EQ(rule.registers[1].by.size(), 2U);
  EXPECT_EQ(rule.registers[1].by[0].second.names()[0].kind, ExprName::Kind::kGroup);
  EXPECT_EQ(rule.registers[1].by[1].first, "disk");
  EXPECT_EQ(rule.fields[0].second.type(), ExprType::kNumber);
  EXPECT_EQ(rule.fields[1].second.type(), ExprType::kBool);
  EXPECT_EQ(rule.where.type(), ExprType::kBool);
  ASSERT_EQ(rule.variants.size(), 2U);
  EXPECT_EQ(rule.variants[0].level, Level::kHigh);
  EXPECT_EQ(rule.variants[1].name, "2");
  EXPECT_TRUE(rule.variants[1].when.empty());
  EXPECT_EQ(rule.choose->settle, seconds(30));
  EXPECT_EQ(rule.suppress->by.size(), 2U);
  EXPECT_EQ(rule.resolve->of, (std::vector<std::uint32_t>{1, 3}));
  ASSERT_TRUE(rule.update_every);
  EXPECT_FALSE(rule.update_every->has_value());
  EXPECT_EQ(rule.texts.cause.source(), "{{matched}} of {{total}}: {{reason}}");
  EXPECT_EQ(rule.horizon, hours(7 * 24));
  EXPECT_EQ(rule.inputs[0].fields, (std::vector<std::string>{"drive", "node", "reason"}));
  EXPECT_EQ(rule.inputs[1].fields,
            (std::vector<std::string>{"disk", "node", "reason", "usn", "why"}));
  EXPECT_EQ(rule.inputs[3].fields, (std::vector<std::string>{"disk", "node", "usn"}));
}

TEST(Chain, RefusesWhatCannotBeMeant) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"  steps: []\n", "16:10: 'steps' must be a list of steps; write - on: rule below it"},
      {"  steps: [{as: x}]\n", "16:11: a step has no 'on'; add on: with the id or name of a rule"},
      {"  steps: [{on: aa}]\n", "16:16: unknown rule 'aa'; did you mean 'a'?"},
      {"  steps: [{on: a}, {on: a}]\n",
       "16:20: two steps are called 'a'; give one of them another name with 'as'"},
      {"  steps: [{on: a, within: 5m}]\n",
       "16:19: 'within' of the first step: there is none before it; remove it"},
      {"  steps: [{on: a}, {on: b, bind: {x: c.y}}]\n",
       "16:38: 'bind': 'c.y' is no field of an earlier step; did you mean 'a'?"},
      {"  steps: [{on: a}, {on: b, bind: {x: a}}]\n",
       "16:38: 'bind': 'a' is no field of an earlier step; write a.field"},
      {"  steps: [{on: a, times: {gte: 2000}}]\n",
       "16:32: 'gte' must be a whole number from 1 to 1024; write one, for example 2"},
      {kSteps + "  some: 2\n",
       "17:3: 'some' does not go with temporal_ordered; remove it, or use type: temporal"},
      {kSteps + "  absent: {on: d, within: 5m}\n",
       "17:11: 'absent' needs one of 'after', 'before' and 'between'; write after: step, before: "
       "step or between: [step, step]"},
      {kSteps + "  absent: {on: d, after: x, within: 5m}\n",
       "17:26: unknown step 'x'; did you mean 'a'?"},
      {kSteps + "  absent: {on: d, after: a}\n",
       "17:11: 'absent' has no 'within'; add within: with the time to look at"},
      {kSteps + "  absent: {on: d, between: [b, a]}\n",
       "17:28: 'between': 'a' does not come behind 'b'; name the earlier step first"},
      {kSteps + "  absent: {on: c, between: [a, c]}\n",
       "17:11: the chain can never hold: this forbids the events of step 'c'; name another rule, "
       "another step or a shorter time"},
      {kSteps + "  absent: {on: c, after: b, within: 1h}\n",
       "17:11: the chain can never hold: this forbids the events of step 'c'; name another rule, "
       "another step or a shorter time"},
      {"  steps: [{on: a}, {on: b}, {on: c, within: 5m}]\n  absent: {on: b, before: c, within: "
       "5m}\n",
       "17:11: the chain can never hold: this forbids the events of step 'b'; name another rule, "
       "another step or a shorter time"},
      {kSteps + "  registers: {r: {on: d, fn: last, field: x}}\n",
       "17:15: register 'r' has no 'ttl'; add ttl: with the time to keep what it holds, for "
       "example 7d"},
      {kSteps + "  registers: {r: {on: d, fn: lst, field: x, ttl: 1h}}\n",
       "17:30: register 'r': unknown function 'lst'; did you mean 'last'?"},
      {kSteps + "  registers: {r: {on: d, fn: max, ttl: 1h}}\n",
       "17:15: register 'r': 'fn: max' needs a 'field'; add field: with a field of its events, or "
       "time"},
      {kSteps + "  registers: {r: {on: d, fn: sum, field: time, ttl: 1h}}\n",
       "17:42: register 'r': 'fn: sum' does not go with times; use last, first, max or min; or "
       "fn: times without a field"},
      {kSteps + "  registers: {r: {on: d, fn: count, ttl: 1h, by: [{x: reg.r}]}}\n",
       "17:55: 'by: x': a register's key cannot come from a register; name a field of the group "
       "or of a step"},
      {kSteps + "  where: reg.own > 1\n",
       "17:10: 'where': unknown register 'own'; declare it under 'registers'"},
      {kSteps + "  where: a.x\n",
       "17:10: 'where' is no condition; write a comparison, or "
       "exists(...)"},
      {kSteps + "  where: 1 > 2\n", "17:10: 'where' is never true; compare with what events say"},
      {kSteps + "  where: a.x > settings.limti\n",
       "17:16: 'where': unknown setting 'limti'; did you mean 'limit'?"},
      {kSteps + "  where: a > 1\n",
       "17:10: 'where': 'a' is a step, not a value; write a.field, a.time, a.count or seen(a)"},
      {"  steps: [{on: a, as: fault}]\n  where: falt.x == 1\n",
       "17:10: 'where': unknown step 'falt'; did you mean 'fault'? A field of that name goes into "
       "back quotes: `falt.x`"},
      {kSteps + "  fields: {x: y, y: x}\n  where: 'y == 1'\n", ""},
      {kSteps + "  fields: {node: a.x}\n",
       "17:12: 'node' is a field of the group already; give the computed field another name"},
      {kSteps + "  fields: {time: a.x}\n",
       "17:12: 'time' means something else in expressions; use another name"},
      {kSteps + "  variants: [{cause: x}, {cause: y}]\n",
       "17:14: a variant has no 'when', but others follow it; add when:, or make it the last one"},
      {kSteps + "  variants: [{level: hihg}]\n",
       "17:22: unknown level 'hihg'; did you mean 'high'?"},
      {kSteps + "  choose: {group: x}\n",
       "17:11: 'choose' needs 'group' and 'priority'; write choose: {group: name, priority: 10}"},
      {kSteps + "  suppress: {by: [node]}\n",
       "17:13: 'suppress' has no 'for'; add for: with the time to hide others"},
      {kSteps + "  resolve: {of: [a]}\n",
       "17:12: 'resolve' needs 'on' or 'quiet'; name a rule, or a time without events"},
      {kSteps + "  resolve: {quiet: 1d, of: []}\n",
       "17:28: 'of' is empty; name a rule or step, or remove it"},
      {kSteps + "  overlap: last\n", "17:12: unknown 'overlap: last'; did you mean 'latest'?"},
      {kSteps + "  explain: {cause: 'x {{ a.time - 1 }}'}\n",
       "17:33: 'cause': '-' does not go with a time and a number; write numbers, or times and "
       "durations"},
      {kSteps + "  explain: {cause: 'x {{ y'}\n",
       "17:23: 'cause': '{{' is not closed by '}}'; "
       "add '}}'"},
      {kSteps + "  window: tumbling\n",
       "17:11: temporal_ordered has a sliding window; remove 'window'"},
  };
  for (const auto& [ours, wanted] : cases) {
    std::string error = ErrorOf(kChain, ours);
    const std::size_t whose = error.find("rule 'C': ");
    if (whose != error.npos) error.erase(whose, 10);
    EXPECT_EQ(error, wanted.empty() ? "" : "f.yml:" + wanted) << ours;
  }
}

TEST(Chain, MeansTheSameWhateverItSays) {
  const auto digest = [](const std::string& ours, const std::string& correlation = kChain) {
    return Only(correlation, ours).semantics.Hex();
  };
  const std::string usual = digest(kSteps + "  where: a.x > 1\n");
  EXPECT_EQ(usual, digest(kSteps + "  where: '(a.x > 1)'\n  explain: {cause: '{{b.y}}'}\n"));
  EXPECT_EQ(usual, digest("  steps: [{on: a, as: k}, {on: b}, {on: c}]\n  where: k.x > 1\n"));
  EXPECT_NE(usual, digest(kSteps + "  where: a.x > 2\n"));
  EXPECT_NE(usual, digest(kSteps + "  where: a.x > 1\n  overlap: first\n"));
  EXPECT_NE(usual, digest(kSteps + "  where: a.x > 1\n  absent: {on: d, after: c, within: 1m}\n"));
  EXPECT_NE(usual, digest("  steps: [{on: b}, {on: a}, {on: c}]\n  where: a.x > 1\n"));
  EXPECT_EQ(digest("", kSet),
            digest("", "  type: temporal\n  rules: [c, b, id-a]\n  timespan: 300s\n"));
  EXPECT_NE(digest("", kSet),
            digest("", "  type: temporal\n  rules: [a, b, d]\n  timespan: 300s\n"));
}

TEST(Detection, ComputesFieldsAndTexts) {
  const std::string rule =
      "title: T\nid: t\nlogsource: {service: s}\ndetection: {s: {f: x}, condition: "
      "s}\nfaultline:\n";
  RuleCollection rules = LoadRulesFromText(
      rule +
          "  fields: {host: host(Computer), code: code32(Error)}\n  explain: {cause: 'on "
          "{{host}}: {{Message}} at {{time}}'}\n",
      "f.yml");
  ASSERT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
  const DetectionRule& detection = rules.detections[0];
  ASSERT_EQ(detection.fields.size(), 2U);
  EXPECT_EQ(detection.fields[0].first, "host");
  EXPECT_EQ(detection.fields[1].second.type(), ExprType::kText);
  const std::vector<ExprName> names = NamesOf(detection.texts);
  ASSERT_EQ(names.size(), 3U);
  EXPECT_EQ(names[0].kind, ExprName::Kind::kComputed);
  EXPECT_EQ(names[1].kind, ExprName::Kind::kEvent);
  const auto error = [&](const std::string& ours) {
    const RuleCollection bad = LoadRulesFromText(rule + ours, "f.yml");
    return bad.errors.empty() ? "" : bad.errors[0].ToString();
  };
  EXPECT_EQ(error("  fields: {x: seen(a)}\n"),
            "f.yml:6:20: rule 'T': field 'x': a detection has no steps; remove seen(...)");
  EXPECT_EQ(error("  where: a > 1\n"),
            "f.yml:6:3: rule 'T': 'where' belongs to a correlation; move it to a correlation that "
            "refers to this rule");
}

}  // namespace
}  // namespace faultline::sigma
