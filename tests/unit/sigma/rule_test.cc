// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/rule.h"

#include <string>

#include <gtest/gtest.h>

namespace faultline::sigma {
namespace {

// A rule around the lines of one search `s`, each already indented by four.
std::string RuleWith(const std::string& search, const std::string& rest = "") {
  return "title: T\nid: i1\nlogsource: {product: windows, service: system}\ndetection:\n  s:\n" +
         search + "  condition: s\n" + rest;
}

std::string ErrorOf(const std::string& text) {
  const RuleCollection rules = LoadRulesFromText(text, "f.yml");
  return rules.errors.empty() ? std::string() : rules.errors.front().ToString();
}

TEST(Rule, BadRulesSayWhereAndWhy) {
  const struct {
    std::string text;
    const char* error;
  } cases[] = {
      {RuleWith("    Image|contain: x\n"),
       "f.yml:6:11: rule 'T': field 'Image': unknown modifier 'contain'; did you mean 'contains'?"},
      {RuleWith("    Image|contains|endswith: x\n"),
       "f.yml:6:20: rule 'T': field 'Image': contradictory modifiers 'contains' and 'endswith'; "
       "keep "
       "one of them"},
      {RuleWith("    Image|i: x\n"),
       "f.yml:6:11: rule 'T': field 'Image': flag 'i' without 're' before it; write re|i"},
      {RuleWith("    Image: [a, null]\n"),
       "f.yml:6:16: rule 'T': field 'Image': null inside a list; write a second map with the field "
       "alone and null"},
      {RuleWith("    Image: {a: b}\n"),
       "f.yml:6:12: rule 'T': field 'Image': a value must be a text, a number, a boolean or null, "
       "this is a map; write a list of values, or a field per line"},
      {RuleWith("    Image: x\n  timeframe: 5m\n"),
       "f.yml:7:3: rule 'T': 'timeframe' is not supported; write a correlation with a timespan"},
      {RuleWith("    Image: x\n", "level: hihg\n"),
       "f.yml:8:8: rule 'T': unknown level 'hihg'; did you mean 'high'?"},
      {RuleWith("    Image: x\n", "faultline: {captures: []}\n"),
       "f.yml:8:13: rule 'T': unknown key 'captures' in 'faultline'; did you mean 'capture'?"},
      {RuleWith("    Image: x\n", "faultline: {steps: []}\n"),
       "f.yml:8:13: rule 'T': 'steps' belongs to a correlation; move it to a correlation that "
       "refers to this rule"},
      {RuleWith("    Image: x\n", "faultline: {explain: {cause: 'on {{Computer'}}\n"),
       "f.yml:8:34: rule 'T': 'cause': '{{' is not closed by '}}'; add '}}'"},
      {"title: T\nlogsource: {product: windows}\n",
       "f.yml:1:1: rule 'T': the rule has no 'detection' and no 'correlation'; add 'detection:' "
       "with searches and a condition"},
      {"action: globle\n", "f.yml:1:9: unknown action 'globle'; did you mean 'global'?"},
      {RuleWith("    Image: x\n", "status: tset\n"),
       "f.yml:8:9: rule 'T': unknown status 'tset'; did you mean 'test'?"},
      {RuleWith("    Image: x\n", "related: [{id: a, type: none}]\n"),
       "f.yml:8:25: rule 'T': unknown type 'none'; use one of derived, obsolete, obsoletes, "
       "merged, "
       "renamed, similar, correlation"},
      {"title: T\nlogsource: {product: windows}\ndetection:\n  s: {a: b}\n  condition: s and t\n",
       "f.yml:5:20: rule 'T': condition: unknown search 't'; did you mean 's'?"},
  };
  for (const auto& c : cases) EXPECT_EQ(ErrorOf(c.text), c.error) << c.text;
}

std::string Correlation(const std::string& body) {
  return RuleWith("    Image: x\n", "name: base\n") + "---\ntitle: C\nid: c1\ncorrelation:\n" +
         body;
}

TEST(Correlation, BadOnesSayWhereAndWhy) {
  const struct {
    const char* body;
    const char* error;
  } cases[] = {
      {"  type: value_count\n  rules: base\n  timespan: 1m\n",
       "f.yml:13:3: rule 'C': value_count needs a 'condition'; condition: {field: name, gte: 2}"},
      {"  type: temporl\n  rules: base\n  timespan: 1m\n",
       "f.yml:13:9: rule 'C': unknown correlation type 'temporl'; did you mean 'temporal'?"},
      {"  type: temporal\n  rules: [bse]\n  timespan: 1m\n",
       "f.yml:14:11: rule 'C': unknown rule 'bse'; did you mean 'base'?"},
      {"  type: temporal\n  rules: [base]\n  timespan: 1x\n",
       "f.yml:15:13: rule 'C': '1x' is no timespan; write a number and one of s, m, h, d, w, M, y, "
       "for example 10m"},
      {"  type: temporal\n  rules: [base]\n  timespan: 1m\n  groupby: x\n",
       "f.yml:16:3: rule 'C': unknown key 'groupby' in 'correlation'; did you mean 'group-by'?"},
      {"  type: temporal\n  rules: [base, i1]\n  timespan: 1m\n",
       "f.yml:14:17: rule 'C': 'i1' stands twice in 'rules'; remove one of them"},
      {"  type: temporal\n  rules: [c1]\n  timespan: 1m\n",
       "f.yml:10:1: rule 'C': correlations refer to each other in a circle: C -> C; take one of "
       "the references out"},
  };
  for (const auto& c : cases) EXPECT_EQ(ErrorOf(Correlation(c.body)), c.error) << c.body;
}

TEST(Correlation, ReadsThresholdSpanAndLevel) {
  const RuleCollection rules = LoadRulesFromText(
      Correlation("  type: event_count\n  rules: base\n  timespan: 1M\n  condition: {gt: 4}\n") +
          "---\ntitle: second\nid: x\n",
      "f.yml");
  ASSERT_EQ(rules.correlations.size(), 1U);
  ASSERT_EQ(rules.correlations[0].thresholds.size(), 1U);
  EXPECT_EQ(rules.correlations[0].thresholds[0].op, Threshold::Op::kGt);
  EXPECT_EQ(rules.correlations[0].thresholds[0].number, ExprValue(std::int64_t{4}));
  EXPECT_EQ(rules.correlations[0].timespan, std::chrono::seconds(2'629'746));
  EXPECT_EQ(rules.report[1].horizon, std::chrono::seconds(2'629'746));
  EXPECT_EQ(rules.report[2].state, RuleState::kRejected);
}

TEST(Rule, TwinsAreBothRejectedAndTakeTheirCorrelationAlong) {
  const RuleCollection rules = LoadRulesFromText(
      RuleWith("    a: b\n") + "---\n" + RuleWith("    a: c\n") +
          "---\ntitle: C\ncorrelation: {type: temporal, rules: [i1], timespan: 1m}\n",
      "f.yml");
  ASSERT_EQ(rules.errors.size(), 3U);
  EXPECT_EQ(rules.errors[0].ToString(),
            "f.yml:1:1: rule 'T': the id 'i1' is also that of f.yml:9:1; give each rule its own");
  EXPECT_EQ(rules.errors[1].ToString(),
            "f.yml:9:1: rule 'T': the id 'i1' is also that of f.yml:1:1; give each rule its own");
  EXPECT_TRUE(rules.detections.empty());
}

Digest SemanticsOf(const std::string& text) {
  const RuleCollection rules = LoadRulesFromText(text, "f.yml");
  EXPECT_EQ(rules.detections.size(), 1U) << text;
  return rules.detections.empty() ? Digest{} : rules.detections[0].semantics;
}

TEST(Semantics, DependOnWhatARuleDoesAlone) {
  const Digest one = SemanticsOf(RuleWith("    a: b\n    c|contains: d\n"));
  EXPECT_EQ(one,
            SemanticsOf("# note\n" + RuleWith("    c|contains: d\n    a: b\n", "level: low\n")));
  EXPECT_NE(one, SemanticsOf(RuleWith("    a: b\n    c|startswith: d\n")));
  EXPECT_NE(one, SemanticsOf(RuleWith("    a: 'B'\n    c|contains: d\n")));
  EXPECT_NE(one, SemanticsOf(RuleWith("    a: b\n    c|contains: d\n",
                                      "faultline: {capture: [{field: m, re: '(?<x>.)'}]}\n")));
}

TEST(LogSource, BecomesConditionsAndRenames) {
  const RuleCollection rules = LoadRulesFromText(
      "title: T\nlogsource: {product: windows, category: process_creation}\ndetection: {s: {a: b}, "
      "condition: s}\n---\ntitle: U\nlogsource: {category: made_up}\ndetection: {s: [word], "
      "condition: s}\n",
      "f.yml");
  ASSERT_EQ(rules.detections.size(), 2U);
  ASSERT_EQ(rules.detections[0].sources.size(), 5U);  // two rows; on inputs that declare more
  EXPECT_TRUE(rules.detections[0].sources.begin()[0].renames.empty());
  const std::pair<std::string, std::string> image("Image", "NewProcessName");
  EXPECT_EQ(rules.detections[0].sources.begin()[1].renames[0], image);
  EXPECT_TRUE(rules.detections[1].unmapped_logsource);
  EXPECT_TRUE(rules.detections[1].sources.empty());
  EXPECT_NE(rules.report[1].reason, "");
}

TEST(Rule, DocumentsThatAreNoRulesAreSkipped) {
  const RuleCollection rules = LoadRulesFromText("---\n---\na: 1\n---\n[x]\n", "f.yml");
  EXPECT_TRUE(rules.report.empty());
}

}  // namespace
}  // namespace faultline::sigma
