// SPDX-License-Identifier: Apache-2.0
// Which filters apply to which rules, and what a collection of documents becomes.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {
namespace {

constexpr const char* kRules = R"(title: A
id: a1
name: alpha
logsource: {product: p, category: c, service: s}
detection: {sel: {f: x}, condition: sel}
---
title: B
name: beta
logsource: {product: p}
detection: {sel: {f: y}, condition: sel}
---
title: C
name: gamma
correlation: {type: temporal, rules: [alpha, beta], timespan: 1m, group-by: [h]}
)";

std::string FilterFor(const std::string& rules, const std::string& logsource = "{product: p}") {
  return std::string(kRules) + "---\ntitle: F\nlogsource: " + logsource +
         "\nfilter:\n  rules: " + rules + "\n  ok: {u: svc}\n  condition: not ok\n";
}

// Titles of the rules that the only filter applies to.
std::string TargetsOf(const std::string& text) {
  const RuleCollection rules = LoadRulesFromText(text, "f.yml");
  EXPECT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
  std::string titles;
  for (const DetectionRule& rule : rules.detections) {
    EXPECT_LE(rule.filters.size(), 1U);
    if (!rule.filters.empty()) titles += rule.meta.title;
  }
  EXPECT_EQ(rules.filters.size(), titles.empty() ? 0U : 1U);
  const ReportEntry& report = rules.report.back();
  EXPECT_EQ(report.kind, "filter");
  EXPECT_EQ(report.state, titles.empty() ? RuleState::kGated : RuleState::kActive);
  return titles;
}

TEST(Filter, AppliesByIdOrNameWithinItsLogSource) {
  EXPECT_EQ(TargetsOf(FilterFor("any")), "AB");
  EXPECT_EQ(TargetsOf(FilterFor("ANY")), "AB");
  EXPECT_EQ(TargetsOf(FilterFor("[]")), "AB");
  EXPECT_EQ(TargetsOf(FilterFor("[a1]")), "A");
  EXPECT_EQ(TargetsOf(FilterFor("beta")), "B");
  EXPECT_EQ(TargetsOf(FilterFor("[a1, alpha, nobody]")), "A");
  EXPECT_EQ(TargetsOf(FilterFor("[nobody]")), "");
  EXPECT_EQ(TargetsOf(FilterFor("[gamma]")), "");
  EXPECT_EQ(TargetsOf(FilterFor("any", "{category: c}")), "A");
  EXPECT_EQ(TargetsOf(FilterFor("any", "{product: p, service: s}")), "A");
  EXPECT_EQ(TargetsOf(FilterFor("[beta]", "{category: c}")), "");
  EXPECT_EQ(TargetsOf(FilterFor("any", "{product: q}")), "");
}

std::vector<std::string> FindingsOf(const std::string& text, const std::string& code) {
  std::vector<std::string> messages;
  for (const Finding& finding : LoadRulesFromText(text, "f.yml").findings) {
    if (finding.code != code) continue;
    messages.push_back(faultline::ToString(finding.place) + ": " + finding.rule + ": " +
                       finding.message + "; " + finding.remedy);
  }
  return messages;
}

TEST(Filter, WhatItNamesInVainIsNoted) {
  EXPECT_TRUE(FindingsOf(FilterFor("any"), "filter-without-target").empty());
  const std::vector<std::string> expected = {
      "f.yml:19:11: F: no rule has the id or name 'alhpa'; did you mean 'alpha'?",
      "f.yml:19:18: F: 'gamma' is a correlation: filters apply to detections alone; ",
  };
  EXPECT_EQ(FindingsOf(FilterFor("[alhpa, gamma]"), "filter-without-target"), expected);
}

TEST(Filter, IsPartOfWhatARuleMeans) {
  const auto semantics = [](const std::string& text, std::size_t rule) {
    return LoadRulesFromText(text, "f.yml").detections.at(rule).semantics;
  };
  EXPECT_NE(semantics(kRules, 0), semantics(FilterFor("[a1]"), 0));
  EXPECT_EQ(semantics(kRules, 1), semantics(FilterFor("[a1]"), 1));
  EXPECT_EQ(semantics(FilterFor("any"), 0), semantics(FilterFor("[a1]"), 0));
  std::string other = FilterFor("any");
  other.replace(other.find("svc"), 3, "bob");
  EXPECT_NE(semantics(FilterFor("any"), 0), semantics(other, 0));
}

TEST(Filter, BadOnesSayWhereAndWhy) {
  const std::string head = "title: F\nlogsource: {product: p}\n";
  const struct {
    std::string text;
    const char* error;
  } cases[] = {
      {"title: F\nfilter: {rules: any, ok: {a: b}, condition: not ok}\n",
       "f.yml:1:1: rule 'F': the filter has no 'logsource'; add product, category or service"},
      {head + "filter: {ok: {a: b}, condition: not ok}\n",
       "f.yml:3:9: rule 'F': the filter names no 'rules'; write ids or names of rules, or any"},
      {head + "filter: {rules: any, ok: {a: b}}\n",
       "f.yml:3:9: rule 'F': the filter has no condition; add 'condition: not ...'"},
      {head + "filter: {rules: any, condition: not ok}\n",
       "f.yml:3:9: rule 'F': the filter has no search; add one beside 'condition'"},
      {head + "filter: {rules: any, ok: {a: b}, condition: [not ok]}\n",
       "f.yml:3:45: rule 'F': a filter has one condition, this is a list; join them by 'and' or "
       "'or'"},
      {head + "filter: {rules: any, ok: {a: b}, condition: not sel}\n",
       "f.yml:3:49: rule 'F': condition: unknown search 'sel'; use ok"},
      {head + "filter: {rules: any, ok: {a: b}, condition: not ok}\ndetection: {}\n",
       "f.yml:4:1: rule 'F': a document is a filter or a detection, not both; separate them by "
       "'---'"},
  };
  for (const auto& c : cases) {
    const RuleCollection rules = LoadRulesFromText(c.text, "f.yml");
    ASSERT_EQ(rules.errors.size(), 1U) << c.text;
    EXPECT_EQ(rules.errors[0].ToString(), c.error);
    EXPECT_EQ(rules.report[0].kind, "filter");
  }
}

// "title: level: product: value of f" of each rule.
std::vector<std::string> RulesOf(const std::string& text) {
  const RuleCollection rules = LoadRulesFromText(text, "f.yml");
  EXPECT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
  std::vector<std::string> shown;
  for (const DetectionRule& rule : rules.detections) {
    std::string one = rule.meta.title + ":" + std::string(ToString(rule.meta.level)) + ":" +
                      rule.logsource.product;
    for (const Item& item : rule.searches.at(0).alternatives.at(0)) {
      const auto& pattern = std::get<Pattern>(item.choices.at(0).at(0));
      one += ":" + item.field + "=" + pattern.tokens.at(0).text;
    }
    shown.push_back(one);
  }
  return shown;
}

TEST(Collection, GlobalPartsAreMergedUntilReset) {
  const std::vector<std::string> expected = {"G:high:p:f=x:g=y", "G:high:q:f=x:g=z", "R:low:r:f=w"};
  EXPECT_EQ(RulesOf("action: global\ntitle: G\nlevel: low\n"
                    "detection: {condition: s}\n"
                    "---\naction: global\nlevel: high\n"  // several add up
                    "---\nlogsource: {product: p}\ndetection: {s: {f: x, g: y}}\n"
                    "---\ntitle: lost\nlogsource: {product: q}\ndetection: {s: {f: x, g: z}}\n"
                    "---\naction: reset\n"
                    "---\ntitle: R\nlevel: low\nlogsource: {product: r}\n"
                    "detection: {s: {f: w}, condition: s}\n"),
            expected);
}

TEST(Collection, RepeatIsTheRuleBeforeItWithChanges) {
  const std::vector<std::string> expected = {"A:low:p:f=x", "B:low:p:f=x:g=y", "B:high:p:f=z:g=y"};
  EXPECT_EQ(RulesOf("title: A\nlevel: low\nlogsource: {product: p}\n"
                    "detection: {s: {f: x}, condition: s}\n"
                    "---\naction: repeat\ntitle: B\ndetection: {s: {g: y}}\n"
                    "---\naction: repeat\nlevel: high\ndetection: {s: {f: z}}\n"),
            expected);
}

TEST(Collection, GlobalPartsLeaveCorrelationsAndFiltersAlone) {
  const RuleCollection rules = LoadRulesFromText(
      "action: global\nlevel: high\nlogsource: {product: p}\ndetection: {condition: s}\n"
      "---\ntitle: A\nname: a\ndetection: {s: {f: x}}\n"
      "---\ntitle: C\ncorrelation: {type: temporal, rules: [a], timespan: 1m}\n"
      "---\ntitle: F\nlogsource: {product: p}\n"
      "filter: {rules: any, ok: {u: x}, condition: not ok}\n",
      "f.yml");
  ASSERT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
  EXPECT_EQ(rules.detections.at(0).filters.size(), 1U);
  EXPECT_EQ(rules.correlations.at(0).meta.level, Level::kHigh);
  EXPECT_FALSE(rules.correlations.at(0).meta.has_level);
}

std::string ErrorOf(const std::string& text) {
  const RuleCollection rules = LoadRulesFromText(text, "f.yml");
  return rules.errors.empty() ? std::string() : rules.errors[0].ToString();
}

TEST(Collection, FaultsSayWhereAndWhy) {
  EXPECT_EQ(ErrorOf("action: repeat\ntitle: A\n"),
            "f.yml:1:9: 'repeat' has no rule before it; put the rule that it repeats in front of "
            "it");
  const std::string twins = ErrorOf(
      "title: A\nid: i\nlogsource: {product: p}\ndetection: {s: {f: x}, condition: s}\n"
      "---\naction: repeat\ntitle: B\n");
  EXPECT_EQ(twins,
            "f.yml:1:1: rule 'A': the id 'i' is also that of f.yml:6:1; give each rule its "
            "own");
  std::string bomb = "action: global\ndetection: {condition: s}\nlist: [";
  for (int i = 0; i < 2000; ++i) bomb += "x, ";
  bomb += "x]\n";
  for (int i = 0; i < 2000; ++i) bomb += "---\ntitle: A\n";
  const RuleCollection rules = LoadRulesFromText(bomb, "f.yml");
  EXPECT_EQ(rules.errors.back().ToString(),
            "f.yml:4003:1: the documents of this file are merged to too much; split the file");
}

}  // namespace
}  // namespace faultline::sigma
