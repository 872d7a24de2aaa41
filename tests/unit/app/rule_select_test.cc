// SPDX-License-Identifier: Apache-2.0
#include "app/rule_select.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace faultline::app {
namespace {

// One rule alone, two that a chain refers to.
constexpr const char* kRules = R"(
title: Alone
id: 5f0e6a1c-6d1b-4c0e-9a0f-1d5a8b3c2e11
name: alone
status: test
level: low
tags: [attack.execution]
logsource: {product: windows}
detection: {s: {EventID: 1}, condition: s}
---
title: First
id: 5f0e6a1c-6d1b-4c0e-9a0f-1d5a8b3c2e12
name: first
status: stable
level: low
logsource: {product: windows}
detection: {s: {EventID: 2}, condition: s}
---
title: Second
id: 5f0e6a1c-6d1b-4c0e-9a0f-1d5a8b3c2e13
name: second
status: stable
level: low
logsource: {product: windows}
detection: {s: {EventID: 3}, condition: s}
---
title: Both
id: 5f0e6a1c-6d1b-4c0e-9a0f-1d5a8b3c2e14
name: both
status: stable
level: high
correlation: {type: temporal, rules: [first, second], group-by: [Computer], timespan: 5m}
)";

// Names of what is left, and the names behind the chain's inputs.
std::vector<std::string> Left(const Config::Rules::Select& select) {
  sigma::RuleCollection rules = sigma::LoadRulesFromText(kRules, "r.yml");
  EXPECT_TRUE(rules.errors.empty());
  SelectRules(select, rules);
  EXPECT_TRUE(rules.errors.empty());
  std::vector<std::string> names;
  for (const auto& rule : rules.detections) names.push_back(rule.meta.name);
  for (const auto& rule : rules.correlations) {
    names.push_back(rule.meta.name);
    for (const auto& input : rule.inputs) {
      names.push_back(rules.detections[input.rule.index].meta.name);
    }
  }
  EXPECT_EQ(
      std::count_if(rules.report.begin(), rules.report.end(),
                    [](const auto& entry) { return entry.state == sigma::RuleState::kGated; }),
      static_cast<std::ptrdiff_t>(4 - rules.detections.size() - rules.correlations.size()));
  return names;
}

using Names = std::vector<std::string>;

TEST(RuleSelect, TheDefaultSelectsEveryRule) {
  EXPECT_EQ(Left({}), (Names{"alone", "first", "second", "both", "first", "second"}));
}

TEST(RuleSelect, WhatASelectedChainRefersToStays) {
  Config::Rules::Select select;
  select.min_level = "high";
  EXPECT_EQ(Left(select), (Names{"first", "second", "both", "first", "second"}));
}

TEST(RuleSelect, PartsOfAChainThatIsLeftOutDoNotBeginToAlert) {
  Config::Rules::Select select;
  select.except = {"both"};
  EXPECT_EQ(Left(select), (Names{"alone"}));
}

TEST(RuleSelect, ByTagStatusAndId) {
  Config::Rules::Select select;
  select.tags = {"attack.execution"};
  EXPECT_EQ(Left(select), (Names{"alone"}));
  select = {};
  select.status = {"test"};
  EXPECT_EQ(Left(select), (Names{"alone"}));
  select = {};
  select.ids = {"5f0e6a1c-6d1b-4c0e-9a0f-1d5a8b3c2e12"};
  EXPECT_EQ(Left(select), (Names{"first"}));
}

TEST(RuleSelect, AnIdThatNoRuleHasIsAnError) {
  Config::Rules::Select select;
  select.except = {"alnoe"};
  sigma::RuleCollection rules = sigma::LoadRulesFromText(kRules, "r.yml");
  SelectRules(select, rules);
  ASSERT_EQ(rules.errors.size(), 1U);
  EXPECT_EQ(rules.errors[0].ToString(),
            "rules.select.except: no rule has the id or name 'alnoe'; did you mean 'alone'?");
}

}  // namespace
}  // namespace faultline::app
