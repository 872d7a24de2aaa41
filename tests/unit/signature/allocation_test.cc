// SPDX-License-Identifier: Apache-2.0
// Counts every allocation of the program: a warm matcher makes none, and a memo that gives up gives its
// memory back. Raw bytes besides.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "matcher/event/walker.h"
#include "matcher/signature/field_memo.h"
#include "matcher/signature/rule_set.h"
#include "tests/support/counted_memory.h"

namespace faultline {
namespace {

using testing::Allocations;
using testing::BytesHeld;

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
    if (round == 1) before = Allocations();
    for (const std::string& record : records) {
      if (walker.Begin(record, options) != WalkFault::kNone) continue;
      while (const Event* event = walker.Next()) matches += matcher.Match(*event).size();
    }
    matches += matcher.MatchRaw("no json, but a needle").size();
  }
  EXPECT_EQ(Allocations(), before);
  EXPECT_EQ(matches % 3, 0u);
  EXPECT_GE(matches / 3, 6u);
}

TEST(MatcherMemory, AMemoThatGivesUpGivesItsMemoryBack) {
  constexpr std::size_t kValueBytes = 1000;
  MemoBudget budget(std::size_t{1} << 24);
  FieldMemo memo(&budget, 1, true);
  const long before = BytesHeld();
  long most = 0;
  std::string text(kValueBytes, 'x');
  for (int number = 0; memo.on(); ++number) {
    ASSERT_LT(number, 100'000);
    text.replace(0, 6, std::to_string(100'000 + number));
    RawValue value;
    value.kind = ValueKind::kString;
    value.raw = text;
    const std::uint64_t hash = memo.HashOf(value, 0);
    ASSERT_EQ(memo.Find(value, hash), FieldMemo::kUnknown);
    memo.Keep(value, hash, {});
    most = std::max(most, BytesHeld() - before);
  }
  EXPECT_GT(most, static_cast<long>(100 * kValueBytes));
  EXPECT_LT(BytesHeld() - before, most / 10);
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
