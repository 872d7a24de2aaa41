// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/database_cache.h"

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/event/walker.h"
#include "matcher/sigma/pattern.h"
#include "matcher/signature/class_table.h"
#include "matcher/signature/rule_set.h"
#include "matcher/signature/rule_set_impl.h"

namespace faultline {
namespace {

constexpr char kRules[] = R"(title: parts
logsource: {category: test}
detection:
  part: {a|contains: [one, two, three]}
  expression: {a|re: 'fo+ur'}
  condition: 1 of them
---
title: words
logsource: {category: test}
detection:
  keywords: [needle, haystack]
  condition: keywords
)";

std::shared_ptr<const RuleSet> Rules(std::shared_ptr<DatabaseCache> databases) {
  RuleSet::Options options;
  options.databases = std::move(databases);
  return RuleSet::Compile(sigma::LoadRulesFromText(kRules, "rules.yml"), options).value();
}

std::size_t Matches(const std::shared_ptr<const RuleSet>& rules) {
  Matcher matcher(rules);
  Walker walker(&rules->fields());
  std::size_t matches = 0;
  for (const char* record : {R"({"a":"twofold"})", R"({"a":"foour"})", R"({"b":"a needle"})"}) {
    if (walker.Begin(record, {}) != WalkFault::kNone) continue;
    matches += matcher.Match(*walker.Next()).size();
  }
  return matches;
}

std::string Compiled() {
  const auto databases = std::make_shared<DatabaseCache>();
  const auto rules = Rules(databases);
  EXPECT_FALSE(databases->warm());
  while (rules->CompileNext()) {
  }
  EXPECT_EQ(Matches(rules), 3u);
  EXPECT_TRUE(databases->changed());
  return databases->Serialize();
}

TEST(DatabaseCache, ASecondStartCompilesNothing) {
  const auto databases = std::make_shared<DatabaseCache>(Compiled());
  const auto rules = Rules(databases);
  EXPECT_TRUE(databases->warm());
  while (rules->CompileNext()) {
  }
  EXPECT_EQ(Matches(rules), 3u);
  EXPECT_FALSE(databases->changed());
}

TEST(DatabaseCache, DamagedBytesAreAsGoodAsNone) {
  const std::string whole = Compiled();
  for (std::size_t at = 0; at < whole.size(); at += 1 + whole.size() / 200) {
    std::string damaged = whole;
    damaged[at] ^= 1;
    DatabaseCache cut(whole.substr(0, at)), changed(damaged);
    for (DatabaseCache* cache : {&cut, &changed}) {
      cache->Open(Rules(nullptr)->revision());
      EXPECT_FALSE(cache->warm()) << at;
    }
  }
  const auto databases = std::make_shared<DatabaseCache>(whole.substr(0, whole.size() - 1));
  EXPECT_EQ(Matches(Rules(databases)), 3u);
  EXPECT_TRUE(databases->changed());
}

TEST(DatabaseCache, BytesOfOtherRulesAreNotTaken) {
  DatabaseCache cache(Compiled());
  cache.Open("another revision");
  EXPECT_FALSE(cache.warm());
}

TEST(ClassTable, CombinationsThatNoRuleTellsApartShareAClass) {
  constexpr char kWindows[] = R"(title: two events
logsource: {product: windows, service: security}
detection:
  event: {EventID: [7001, 7002], a: x}
  condition: event
---
title: one event
logsource: {product: windows, service: security}
detection:
  event: {EventID: 7003, a: y}
  condition: event
---
title: a category, whose log source asks for an EventID
logsource: {product: windows, category: process_creation}
detection:
  process: {Image: z}
  condition: process
)";
  const auto rules = RuleSet::Compile(sigma::LoadRulesFromText(kWindows, "rules.yml"), {}).value();
  Walker walker(&rules->fields());
  Matcher matcher(rules);
  const auto looked_at = [&](const std::string& event) {
    const std::uint64_t before = matcher.candidates();
    EXPECT_EQ(walker.Begin(event, {}), WalkFault::kNone);
    EXPECT_TRUE(matcher.Match(*walker.Next()).empty());
    return matcher.candidates() - before;
  };
  EXPECT_EQ(looked_at(R"({"Channel":"Security","EventID":7001,"a":"y"})"), 0u);
  const std::size_t classes = rules->impl().classes->size();
  EXPECT_EQ(looked_at(R"({"Channel":"Security","EventID":7002,"a":"y"})"), 0u);
  EXPECT_EQ(looked_at(R"({"Channel":"security","EventID":"7001","a":"y"})"), 0u);
  EXPECT_EQ(rules->impl().classes->size(), classes);
  EXPECT_EQ(looked_at(R"({"Channel":"Security","EventID":7003,"a":"x"})"), 0u);
  EXPECT_EQ(rules->impl().classes->size(), classes + 1);
  for (int event = 0; event < 100; ++event) {
    EXPECT_EQ(looked_at(R"({"Channel":"Security","EventID":)" + std::to_string(event) + "}"), 0u);
  }
  EXPECT_EQ(rules->impl().classes->size(), classes + 2);  // those that name no event
}

TEST(ClassTable, ABranchWaitsForTheRarerOfItsLiterals) {
  constexpr char kBranches[] = R"(title: branches
logsource: {category: test}
detection:
  left: {a|contains: frequently, b|contains: rare}
  right: {c|contains: other}
  condition: 1 of them
)";
  const auto rules = RuleSet::Compile(sigma::LoadRulesFromText(kBranches, "rules.yml"), {}).value();
  Walker walker(&rules->fields());
  Matcher matcher(rules);
  const auto match = [&](const char* event) {
    EXPECT_EQ(walker.Begin(event, {}), WalkFault::kNone);
    return matcher.Match(*walker.Next()).size();
  };
  for (int event = 0; event < 100; ++event) EXPECT_EQ(match(R"({"a":"frequently","b":"x"})"), 0u);
  const std::uint64_t learned = matcher.candidates();
  for (int event = 0; event < 100; ++event) EXPECT_EQ(match(R"({"a":"frequently","b":"x"})"), 0u);
  EXPECT_EQ(matcher.candidates(), learned);
  EXPECT_EQ(match(R"({"a":"frequently","b":"rare"})"), 1u);
  EXPECT_EQ(match(R"({"c":"another"})"), 1u);
  EXPECT_EQ(matcher.candidates(), learned + 2);
}

TEST(ClassTable, ThreadsThatNeedAClassAtOnceMakeItOnce) {
  std::string text;
  for (int field = 0; field < 40; ++field) {
    text += "title: r\nlogsource: {category: test}\ndetection:\n  s: {f" + std::to_string(field) +
            "|contains: [one" + std::to_string(field) + ", two, three]}\n  condition: s\n---\n";
  }
  for (int round = 0; round < 5; ++round) {
    const auto rules = RuleSet::Compile(sigma::LoadRulesFromText(text, "rules.yml"), {}).value();
    std::vector<std::vector<std::uint32_t>> found(4);
    {
      std::vector<std::jthread> threads;
      for (std::vector<std::uint32_t>& mine : found) {
        threads.emplace_back([&rules, &mine] {
          Matcher matcher(rules);
          Walker walker(&rules->fields());
          if (walker.Begin(R"({"f7":"a one7","f39":"one38 two"})", {}) != WalkFault::kNone) return;
          const auto matches = matcher.Match(*walker.Next());
          mine.assign(matches.begin(), matches.end());
        });
      }
      threads.emplace_back([&rules] {
        while (rules->CompileNext()) {
        }
      });
    }
    for (const auto& mine : found) EXPECT_EQ(mine, (std::vector<std::uint32_t>{7, 39}));
    EXPECT_EQ(rules->impl().classes->size(), 1u);
  }
}

TEST(Predicate, WhatHoldsOnlyWithAShorterTextIsRedundant) {
  const struct {
    std::vector<const char*> values;
    std::vector<bool> redundant;
  } cases[] = {
      {{"*one*"}, {false}},
      {{"*one*", "*one*"}, {false, false}},
      {{"*one*", "*one more*", "*someone*", "*on e*"}, {false, true, true, false}},
      {{"*one*", "one*", "*one", "one", "o*ne", "on"}, {false, true, true, true, false, false}},
      {{"one*", "*one two*", "one two*"}, {false, false, true}},
      {{"*abc*", "*ab*", "*xabx*", "*b*"}, {true, true, true, false}},
      {{"*b*", "*ba*", "*bb*", "*ab*"}, {false, true, true, true}},
      {{"*ONE*", "*bone*"}, {false, true}},
      {{"*\u00E9*", "*caf\u00C9s*"}, {false, false}},  // not the same on bytes that are no UTF-8
  };
  for (const auto& c : cases) {
    std::vector<Predicate> any;
    for (const char* value : c.values)
      any.push_back(MakePredicate(1, sigma::ParsePattern(value), false));
    EXPECT_EQ(Redundant(any), c.redundant) << c.values.front();
  }
}

}  // namespace
}  // namespace faultline
