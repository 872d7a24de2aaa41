// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/lint.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {
namespace {

const std::string kHead =
    "title: T\nid: 3f1c2a00-0000-4000-8000-000000000001\nlevel: low\nstatus: test\n"
    "logsource: {product: p}\n";

std::string RuleWith(const std::string& search, const std::string& condition = "s") {
  return kHead + "detection:\n  s:\n    " + search + "\n  condition: " + condition + "\n";
}

std::vector<std::string> FindingsOf(const std::string& text) {
  LoadOptions options;
  options.placeholders["one"] = {"x"};
  options.placeholders["two"] = {"x", "y"};
  const RuleCollection rules = LoadRulesFromText(text, "f.yml", options);
  EXPECT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
  std::vector<std::string> shown;
  for (const Finding& finding : rules.findings) {
    std::string one =
        faultline::ToString(finding.place) + ": " + finding.code + ": " + finding.message;
    if (!finding.remedy.empty()) one += "; " + finding.remedy;
    shown.push_back(one);
  }
  return shown;
}

TEST(Lint, AWellWrittenRuleHasNone) {
  EXPECT_TRUE(FindingsOf(RuleWith("f|contains|all: [abc, def]")).empty());
  EXPECT_TRUE(FindingsOf(RuleWith("f|base64offset|contains: abc")).empty());
  EXPECT_TRUE(FindingsOf(RuleWith("f|expand|all: '%two%'")).empty());
  EXPECT_TRUE(FindingsOf(RuleWith("'|all': [a, abc]")).empty());
  EXPECT_TRUE(FindingsOf(RuleWith("f: [1, '1']")).empty());
  EXPECT_TRUE(FindingsOf(RuleWith("f: ['*', 'a*b', '*a*', 'b*']")).empty());
  EXPECT_TRUE(FindingsOf(RuleWith("f|hour: 23")).empty());
}

TEST(Lint, EachFindingSaysWhereWhatAndWhatToWrite) {
  const struct {
    std::string text;
    const char* finding;
  } cases[] = {
      {RuleWith("f|contains|all: abc"),
       "f.yml:8:5: all-of-one: field 'f': 'all' with a single value; leave 'all' out, or write a "
       "list"},
      {RuleWith("f|expand|all: '%one%'"),
       "f.yml:8:5: all-of-one: field 'f': 'all' with a single value; leave 'all' out, or write a "
       "list"},
      {RuleWith("f|base64offset: abc"),
       "f.yml:8:5: base64offset-equals: field 'f': base64offset without contains is the whole "
       "value, not a part of it; write base64offset|contains"},
      {RuleWith("f: [a, b, a]"),
       "f.yml:8:15: duplicate-value: field 'f': 'a' stands twice; remove it"},
      {RuleWith("f: ['*a*', '*b*']"),
       "f.yml:8:5: wildcard-for-modifier: field 'f': wildcards where a modifier says the same; "
       "write f|contains and leave the wildcards out"},
      {RuleWith("f: 'a*'"),
       "f.yml:8:5: wildcard-for-modifier: field 'f': wildcards where a modifier says the same; "
       "write f|startswith and leave the wildcards out"},
      {RuleWith("f: '*.exe'"),
       "f.yml:8:5: wildcard-for-modifier: field 'f': wildcards where a modifier says the same; "
       "write f|endswith and leave the wildcards out"},
      {RuleWith("'|all': [a, bc]"),
       "f.yml:8:5: keyword-not-indexed: every event is searched in full for these keywords; name a "
       "field, or write keywords of three letters and more"},
      {RuleWith("'|re': abc"),
       "f.yml:8:5: keyword-not-indexed: every event is searched in full for these keywords; name a "
       "field, or write keywords of three letters and more"},
      {RuleWith("f|hour: 24"),
       "f.yml:8:5: time-out-of-range: field 'f': no time has 24 there; write 0 to 23"},
      {RuleWith("f: x\n  t:\n    f: y"),
       "f.yml:9:3: unused-search: no condition names the search 't'; remove it, or name it in the "
       "condition"},
      {RuleWith("f: x") + "levle: high\n",
       "f.yml:10:1: unknown-attribute: unknown attribute 'levle'; did you mean 'level'?"},
      {kHead + "filter: {rules: [], ok: {a: b}, condition: ok}\n",
       "f.yml:6:9: filter-narrows: the filter's condition has no 'not': its rules match only what "
       "it describes; write condition: not ..."},
  };
  for (const auto& c : cases) {
    const std::vector<std::string> findings = FindingsOf(c.text);
    ASSERT_EQ(findings.size(), 1U) << c.text;
    EXPECT_EQ(findings[0], c.finding);
  }
}

TEST(Lint, WhatARuleDoesNotSayOfItself) {
  const std::string body = "logsource: {product: p}\ndetection: {s: {a: b}, condition: s}\n";
  const std::vector<std::string> expected = {
      "f.yml:1:1: missing-id: the rule has no id; add id: and a new UUID",
      "f.yml:1:1: missing-level: the rule has no level; add level: informational, low, medium, "
      "high or critical",
      "f.yml:1:1: missing-status: the rule has no status; add status: experimental, test or "
      "stable"};
  EXPECT_EQ(FindingsOf("title: T\n" + body), expected);
  const std::vector<std::string> id = {
      "f.yml:2:5: id-no-uuid: the id 'x1' is no UUID; write a new UUID, and what you had as name:"};
  EXPECT_EQ(FindingsOf("title: T\nid: x1\nlevel: low\nstatus: test\n" + body), id);
}

TEST(Lint, ACorrelationWithoutGroupBy) {
  const std::string base = RuleWith("f: x") + "name: base\n---\ntitle: C\n" +
                           "id: 3f1c2a00-0000-4000-8000-000000000002\nstatus: test\n";
  EXPECT_TRUE(FindingsOf(base + "correlation: {type: event_count, rules: base, timespan: 1m, "
                                "group-by: g, condition: {gte: 2}}\n")
                  .empty());
  const std::vector<std::string> expected = {
      "f.yml:15:14: correlation-ungrouped: the correlation has no 'group-by': all events count as "
      "one; add group-by: with the field that tells them apart"};
  EXPECT_EQ(FindingsOf(base + "correlation: {type: event_count, rules: base, timespan: 1m, "
                              "condition: {gte: 2}}\n"),
            expected);
}

TEST(Lint, WhatAChainMayNotMean) {
  const std::string base =
      RuleWith("f: x") + "name: base\n---\ntitle: C\n" +
      "id: 3f1c2a00-0000-4000-8000-000000000002\nstatus: test\n"
      "correlation: {type: temporal_ordered, timespan: 1m, group-by: node}\n"
      "faultline:\n"
      "  steps: [{on: base, as: a}, {on: base, as: b, within: 5m}]\n"
      "  registers: {used: {on: base, fn: count, ttl: 1h}, idle: {on: base, fn: count, ttl: 1h}}\n"
      "  fields: {delay: b.time - a.time}\n"
      "  explain: {cause: '{{dealy}} on {{node}} of {{reg.used}}: {{message}}'}\n";
  const std::vector<std::string> expected = {
      "f.yml:17:30: span-beyond-timespan: 'within' of step 'b' is longer than the timespan; make "
      "it shorter, or the timespan longer",
      "f.yml:15:14: unused-register: no expression reads the register 'idle'; remove it, or name "
      "it in an expression",
      "f.yml:15:14: misspelt-name: 'dealy' is read as a field of an event; did you mean 'delay'?"};
  EXPECT_EQ(FindingsOf(base), expected);
}

TEST(Lint, ARejectedRuleHasNone) {
  const RuleCollection rules = LoadRulesFromText(RuleWith("f|all: a\n    g|nope: a"), "f.yml");
  EXPECT_EQ(rules.errors.size(), 1U);
  EXPECT_TRUE(rules.findings.empty());
}

}  // namespace
}  // namespace faultline::sigma
