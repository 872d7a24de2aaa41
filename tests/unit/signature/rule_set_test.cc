// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/rule_set.h"

#include <gtest/gtest.h>

namespace faultline {
namespace {

constexpr char kRules[] = R"(title: bad
id: 11111111-1111-4111-8111-111111111111
logsource:
  category: test
detection:
  sel:
    f|re: 'a(b'
  condition: sel
---
title: good
id: 22222222-2222-4222-8222-222222222222
logsource:
  category: test
detection:
  sel:
    f: x
  condition: sel
---
title: on the bad one
id: 33333333-3333-4333-8333-333333333333
correlation:
  type: event_count
  rules: [11111111-1111-4111-8111-111111111111]
  group-by: [Computer]
  timespan: 1m
  condition: {gte: 2}
---
title: on the good one
id: 44444444-4444-4444-8444-444444444444
correlation:
  type: event_count
  rules: [22222222-2222-4222-8222-222222222222]
  group-by: [Computer]
  timespan: 1m
  condition: {gte: 2}
)";

TEST(RuleSet, ARegexThatDoesNotCompileRejectsItsRuleAndWhatRefersToIt) {
  sigma::RuleCollection rules = sigma::LoadRulesFromText(kRules, "rules.yml");
  ASSERT_EQ(rules.errors.size(), 0u) << rules.errors[0].ToString();
  const auto set = RuleSet::Compile(std::move(rules), {});
  ASSERT_TRUE(set.has_value());
  ASSERT_EQ((*set)->detections().size(), 1u);
  EXPECT_EQ((*set)->detections()[0].meta.title, "good");
  ASSERT_EQ((*set)->correlations().size(), 1u);
  EXPECT_EQ((*set)->correlations()[0].meta.title, "on the good one");
  ASSERT_EQ((*set)->correlations()[0].inputs.size(), 1u);
  EXPECT_EQ((*set)->correlations()[0].inputs[0].rule, (sigma::RuleRef{false, 0}));
  ASSERT_EQ((*set)->errors().size(), 2u);
  EXPECT_EQ((*set)->errors()[0].place.line, 7);
  EXPECT_NE((*set)->errors()[0].message.find("missing closing parenthesis"), std::string::npos);
  for (const sigma::ReportEntry& entry : (*set)->report()) {
    const bool bad = entry.title == "bad" || entry.title == "on the bad one";
    EXPECT_EQ(entry.state == sigma::RuleState::kRejected, bad) << entry.title;
  }
}

}  // namespace
}  // namespace faultline
