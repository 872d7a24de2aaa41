// SPDX-License-Identifier: Apache-2.0
// Counts every allocation of the program: a warm matcher makes none. Raw bytes besides.
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "matcher/event/walker.h"
#include "matcher/signature/rule_set.h"

namespace {
std::atomic<long> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace faultline {
namespace {

constexpr char kRules[] = R"(title: values
logsource: {category: test}
detection:
  exact: {a: 'x'}
  part: {a|contains: ['tail', "\u00E9"]}
  glob: {a: 'C:*.exe'}
  expression: {a|re: '^(x|xx)+y'}
  back: {a|re: '(.)\1z'}
  number: {n: 4624}
  condition: 1 of them
---
title: word
logsource: {category: test}
detection:
  keywords: [needle]
  condition: keywords
---
title: word and field
logsource: {category: test}
detection:
  keywords: [needle]
  field: {a: null}
  condition: keywords and field
)";

std::shared_ptr<const RuleSet> Rules() {
  sigma::RuleCollection rules = sigma::LoadRulesFromText(kRules, "rules.yml");
  EXPECT_TRUE(rules.errors.empty()) << rules.errors.front().ToString();
  return RuleSet::Compile(std::move(rules), {}).value();
}

TEST(MatcherMemory, AWarmMatcherAllocatesNothing) {
  const auto rules = Rules();
  Matcher matcher(rules);
  Walker walker(&rules->fields());
  Walker::Options options;
  const std::string records[] = {
      R"({"a":"X"})", R"({"a":["some \u00C9 text","C:\\a.exe","aaz"],"n":4.624e3})",
      R"({"a":"xxxxxxy","b":"a NEEDLE, and a text that is longer than any small buffer"})",
      R"({"b":"needle"})", R"({"a":null,"n":"1"})"};
  long before = 0;
  std::size_t matches = 0;
  for (int round = 0; round < 3; ++round) {
    if (round == 1) before = allocations;
    for (const std::string& record : records) {
      if (walker.Begin(record, options) != WalkFault::kNone) continue;
      while (const Event* event = walker.Next()) matches += matcher.Match(*event).size();
    }
    matches += matcher.MatchRaw("no json, but a needle").size();
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(matches % 3, 0u);
  EXPECT_GE(matches / 3, 6u);
}

TEST(MatchRaw, AsksOnlyRulesThatAskForKeywordsAlone) {
  const auto rules = Rules();
  Matcher matcher(rules);
  const auto matched = matcher.MatchRaw("{\"broken\": \"NeedLe\xFF");
  ASSERT_EQ(matched.size(), 1u);
  EXPECT_EQ(rules->detections()[matched[0]].meta.title, "word");
  EXPECT_TRUE(matcher.MatchRaw("nothing of it").empty());
  EXPECT_TRUE(matcher.MatchRaw("").empty());
}

}  // namespace
}  // namespace faultline
