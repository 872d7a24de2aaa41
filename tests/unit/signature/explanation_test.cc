// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/explanation.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "matcher/signature/plan.h"

namespace faultline {
namespace {

using Kind = ExplainedPart::Kind;

constexpr const char* kRule = R"(title: Whoami
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b10
logsource: {product: windows, category: process_creation}
detection:
  selection:
    Image|endswith: '\whoami.exe'
    CommandLine|contains: ['/all', '/priv']
  filter:
    ParentImage: C:\agent.exe
  condition: selection and not filter
)";

Explanation ExplainedBy(const std::string& rule, std::string_view event,
                        Explainer::Depth depth = Explainer::Depth::kValues) {
  auto rules = RuleSet::Compile(sigma::LoadRulesFromText(rule, "rule.yml"), {});
  EXPECT_TRUE(rules.has_value());
  EXPECT_TRUE((*rules)->errors().empty());
  auto explainer = Explainer::Create(*rules, {0}, depth);
  EXPECT_TRUE(explainer.has_value());
  Explainer::OfPayload explained = explainer->Explain(event, {});
  EXPECT_EQ(explained.fault, WalkFault::kNone);
  return std::move(explained.events.at(0).rules.at(0));
}

TEST(Explanation, TellsPartByPartWhatHeldAndWhichValueDecided) {
  const Explanation told = ExplainedBy(
      kRule, R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,)"
             R"("Image":"C:\\Windows\\System32\\WHOAMI.exe","CommandLine":["whoami","x /PRIV"]})");
  EXPECT_TRUE(told.held);
  ASSERT_GE(told.sources.size(), 2u);
  EXPECT_TRUE(told.sources[told.source].held);
  ASSERT_EQ(told.detection.kind, Kind::kAll);
  ASSERT_EQ(told.detection.parts.size(), 2u);

  const ExplainedPart& selection = told.detection.parts[0];
  EXPECT_EQ(selection.name, "selection");
  EXPECT_TRUE(selection.held);
  ASSERT_EQ(selection.parts.size(), 2u);
  const ExplainedPart& image = selection.parts[0];
  EXPECT_EQ(image.place.line, 6);
  ASSERT_EQ(image.tests.size(), 1u);
  EXPECT_EQ(image.tests[0].text, R"(ends with '\whoami.exe')");
  EXPECT_EQ(image.values, std::vector<std::string>{R"(C:\Windows\System32\WHOAMI.exe)"});
  EXPECT_EQ(image.tests[0].decided_by, 0u);
  const ExplainedPart& line = selection.parts[1];
  EXPECT_FALSE(line.tests[0].held);
  EXPECT_FALSE(line.tests[0].decided_by);
  EXPECT_TRUE(line.tests[1].held);
  EXPECT_EQ(line.tests[1].decided_by, 1u);

  const ExplainedPart& unless = told.detection.parts[1];
  EXPECT_EQ(unless.kind, Kind::kNot);
  EXPECT_TRUE(unless.held);
  EXPECT_FALSE(unless.parts[0].held);
  EXPECT_TRUE(unless.parts[0].parts[0].values.empty());
}

TEST(Explanation, FieldsHaveTheNamesOfTheLogThatTheEventIsOf) {
  const Explanation told = ExplainedBy(
      kRule, R"({"Channel":"Security","EventID":4688,"Provider_Name":)"
             R"("Microsoft-Windows-Security-Auditing","NewProcessName":"C:\\whoami.exe",)"
             R"("CommandLine":"whoami /all"})");
  EXPECT_TRUE(told.held);
  const ExplainedPart& image = told.detection.parts[0].parts[0];
  EXPECT_EQ(image.field, "Image");
  EXPECT_EQ(image.event_field, "NewProcessName");
  EXPECT_EQ(image.values, std::vector<std::string>{R"(C:\whoami.exe)"});
}

TEST(Explanation, AKeywordIsToldWithTheValueThatHasIt) {
  const std::string rule =
      "title: A\nid: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b10\nlogsource: {product: any}\n"
      "detection:\n  words: [failed]\n  condition: words\n";
  const Explanation told = ExplainedBy(rule, R"({"a":"fine","b":{"c":"it FAILED"}})");
  EXPECT_TRUE(told.held);
  const ExplainedPart& words = told.detection.parts[0];
  EXPECT_EQ(words.field, "");
  EXPECT_EQ(words.values, std::vector<std::string>{"it FAILED"});
}

TEST(Explanation, ClosenessCountsLinesThatWouldHaveToBeOtherwise) {
  const auto closeness = [](std::string_view event) {
    return ClosenessOf(ExplainedBy(kRule, event, Explainer::Depth::kItems));
  };
  const std::string sysmon = R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1)";
  const Closeness one = closeness(sysmon + R"(,"Image":"a\\whoami.exe"})");
  EXPECT_EQ(one.changes, 1u);
  EXPECT_EQ(one.held, 1u);
  const Closeness none = closeness(sysmon + "}");
  EXPECT_EQ(none.changes, 2u);
  EXPECT_EQ(none.held, 0u);
  const Closeness filtered = closeness(
      sysmon + R"(,"Image":"\\whoami.exe","CommandLine":"/all","ParentImage":"C:\\agent.exe"})");
  EXPECT_EQ(filtered.changes, 1u);
  EXPECT_EQ(filtered.held, 2u);
}

TEST(Explanation, WhatIsNoEventIsAFault) {
  auto rules = RuleSet::Compile(sigma::LoadRulesFromText(kRule, "rule.yml"), {});
  auto explainer = Explainer::Create(*rules, {0}, Explainer::Depth::kValues);
  EXPECT_EQ(explainer->Explain("{", {}).fault, WalkFault::kMalformed);
  EXPECT_EQ(explainer->Explain(R"([{"a":1},{"a":2}])", {}).events.size(), 2u);
}

RulePlan PlannedBy(const std::string& detection) {
  const sigma::RuleCollection rules = sigma::LoadRulesFromText(
      "title: A\nid: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b10\nlogsource: {product: "
      "any}\ndetection:\n" +
          detection,
      "rule.yml");
  EXPECT_TRUE(rules.errors.empty());
  return PlanOf(rules.detections.at(0));
}

TEST(Plan, TheDearestItemIsTheRulesCostClass) {
  const auto cost = [](const std::string& item) {
    return PlannedBy("  s: {" + item + "}\n  condition: s\n").cost;
  };
  EXPECT_EQ(cost("a: b"), Cost::kHash);
  EXPECT_EQ(cost("a: 5"), Cost::kHash);
  EXPECT_EQ(cost("a|contains: b"), Cost::kLiteral);
  EXPECT_EQ(cost("a: 'b*c'"), Cost::kLazy);
  EXPECT_EQ(cost("a|re: 'b+c'"), Cost::kRegex);
  EXPECT_EQ(cost("a|re: '(b)\\1'"), Cost::kBacktracking);
  EXPECT_EQ(cost("a: b, c|contains: d"), Cost::kLiteral);
}

TEST(Plan, SpellingsOfAValueAreCounted) {
  const RulePlan plan = PlannedBy("  s: {a|windash: '/b'}\n  condition: s\n");
  ASSERT_EQ(plan.items.size(), 1u);
  EXPECT_NE(plan.items[0].item.find("(and 4 spellings)"), std::string::npos) << plan.items[0].item;
}

TEST(Plan, ARuleThatCanHoldWithoutAFindIsAlwaysAsked) {
  const std::vector<std::pair<std::string, bool>> cases = {
      {"  s: {a: b}\n  condition: s\n", false},
      {"  s: {a: b}\n  condition: not s\n", true},
      {"  s: {a: b}\n  t: {c: null}\n  condition: s and t\n", false},
      {"  s: {a: b}\n  t: {c: null}\n  condition: s or t\n", true},
      {"  s: {a|re: 'b+'}\n  condition: s\n", true},
      {"  s: {a|re: 'b+', c: d}\n  condition: s\n", false},
      {"  s: {a: b}\n  t: {c: d}\n  condition: s and not t\n", false},
      {"  s1: {a: b}\n  s2: {c: null}\n  s3: {d: e}\n  condition: 2 of s*\n", false},
      {"  s1: {a: b}\n  s2: {c: null}\n  s3: {d: null}\n  condition: 2 of s*\n", true},
      {"  s: [{a: b}, {c: null}]\n  condition: s\n", true},
  };
  for (const auto& [detection, always] : cases) {
    EXPECT_EQ(PlannedBy(detection).always, always) << detection;
  }
}

}  // namespace
}  // namespace faultline
