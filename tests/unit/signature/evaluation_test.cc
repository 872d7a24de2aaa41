// SPDX-License-Identifier: Apache-2.0
// How conditions are put together and asked.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/event/walker.h"
#include "matcher/signature/expression.h"
#include "matcher/signature/rule_set.h"

namespace faultline {
namespace {

TEST(ExprPool, AsksLargeChildrenOfAJunctionAfterSmallOnes) {
  ExprPool pool;
  std::vector<ExprId> many;
  for (PredicateId id = 0; id < 100; ++id) many.push_back(pool.Predicate(id, 0, false, false));
  const ExprId large = pool.Or(many);
  const ExprId lazy = pool.Predicate(100, 0, true, false);
  const ExprId small = pool.Not(pool.Or({many[3], many[4]}));
  const ExprId all = pool.And({lazy, large, small});
  const auto children = pool.children(pool[all]);
  EXPECT_EQ(std::vector<ExprId>(children.begin(), children.end()),
            (std::vector<ExprId>{small, large, lazy}));
}

constexpr char kRules[] = R"(title: eager
logsource: {category: test}
detection:
  all: {x|contains: rare, y|endswith: .exe}
  condition: all
---
title: keeps y looked at
logsource: {category: test}
detection:
  all: {y|contains: zebra}
  condition: all
---
title: lazy
logsource: {category: test}
detection:
  all: {x|contains: odd, y|re: '^c.*exe$'}
  condition: all
)";

// Long after witnesses were chosen: values of y are known, and nobody waits for what holds of them.
TEST(Matcher, KnowsWhatHoldsOfAKnownValueOnceAnotherFieldAsks) {
  sigma::RuleCollection rules = sigma::LoadRulesFromText(kRules, "rules.yml");
  ASSERT_TRUE(rules.errors.empty()) << rules.errors.front().ToString();
  const auto set = RuleSet::Compile(std::move(rules), {}).value();
  Matcher matcher(set);
  Walker walker(&set->fields());
  const auto match = [&](const std::string& x, const std::string& y) {
    const std::string record = R"({"x":")" + x + R"(","y":")" + y + R"("})";
    EXPECT_EQ(walker.Begin(record, {}), WalkFault::kNone);
    const auto found = matcher.Match(*walker.Next());
    return std::vector<std::uint32_t>(found.begin(), found.end());
  };
  using Rules = std::vector<std::uint32_t>;
  const char* const values[] = {"cmd.exe", "calc.exe", "a.exe", "b.dll"};
  for (int i = 0; i < 40000; ++i) {
    ASSERT_EQ(match("plain" + std::to_string(i % 10), values[i % 4]), Rules());
    if (i % 1000 > 3) continue;
    const std::string y = values[i % 4];
    EXPECT_EQ(match("a rare one", y), y == "b.dll" ? Rules() : Rules{0}) << i;
    EXPECT_EQ(match("an odd one", y), y[0] == 'c' ? Rules{2} : Rules()) << i;
    EXPECT_EQ(match("odd, rare", y), y == "b.dll"   ? Rules()
                                     : y == "a.exe" ? Rules{0}
                                                    : Rules({0, 2}));
  }
  EXPECT_EQ(match("plain", "zebra"), Rules{1});
}

}  // namespace
}  // namespace faultline
