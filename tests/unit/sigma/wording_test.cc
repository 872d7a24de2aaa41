// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/wording.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "matcher/sigma/pattern.h"

namespace faultline::sigma {
namespace {

TEST(Wording, PatternsAreToldByWhatTheyAsk) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"cmd.exe", "is 'cmd.exe'"},
      {"", "is empty"},
      {"*", "is there and not null"},
      {"*\\\\cmd.exe", "ends with '\\cmd.exe'"},
      {"C:\\Windows*", "starts with 'C:\\Windows'"},
      {"*whoami*", "contains 'whoami'"},
      {"a*b", "is like 'a*b'"},
      {"?", "is like '?'"},
      {"*a?b*", "is like '*a?b*'"},
      {"a\\*b", "is 'a*b'"},
      {"x*a\\*b", "is like 'x*a\\*b'"},
  };
  for (const auto& [text, words] : cases) {
    EXPECT_EQ(InWords(ParsePattern(text), false), words) << text;
  }
  EXPECT_EQ(InWords(ParsePattern("a"), true), "is 'a' (cased)");
  EXPECT_EQ(InWords(LiteralPattern(std::string("a\0b\0", 4)), true), "is 'a\\x00b\\x00' (cased)");
}

// What is spelled reads as the same pattern.
TEST(Wording, ASpelledPatternIsTheSamePattern) {
  for (const char* const text : {"a\\b", "a\\\\*", "\\*\\?", "*\\\\", "a\\", "\\\\\\*b?", "*?*"}) {
    const Pattern pattern = ParsePattern(text);
    const Pattern again = ParsePattern(Spelled(pattern));
    ASSERT_EQ(again.tokens.size(), pattern.tokens.size()) << text;
    for (std::size_t i = 0; i < pattern.tokens.size(); ++i) {
      EXPECT_EQ(again.tokens[i].kind, pattern.tokens[i].kind) << text;
      EXPECT_EQ(again.tokens[i].text, pattern.tokens[i].text) << text;
    }
  }
}

TEST(Wording, OtherValues) {
  EXPECT_EQ(InWords(Null{}, false), "is null or absent");
  EXPECT_EQ(InWords(Bool{true}, false), "is true");
  EXPECT_EQ(InWords(Number{"4688"}, false), "is 4688");
  EXPECT_EQ(InWords(Regex{"a+", true, false, true}, false), "matches /a+/is");
  EXPECT_EQ(InWords(Exists{false}, false), "is not there");
  EXPECT_EQ(InWords(FieldRef{"B", TextMatch::kEndsWith}, true), "ends with field B (cased)");
  EXPECT_EQ(InWords(Comparison{Order::kGreaterOrEqual, {"5"}}, false), ">= 5");
  EXPECT_EQ(InWords(TimePart{TimeUnit::kHour, Order::kLess, 6}, false), "has hour < 6");
  Network v4;
  v4.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 0, 0};
  v4.prefix = 112;
  EXPECT_EQ(InWords(v4, false), "is in 10.1.0.0/16");
  Network v6;
  v6.address = {0xfe, 0x80};
  v6.prefix = 10;
  EXPECT_EQ(InWords(v6, false), "is in fe80:0:0:0:0:0:0:0/10");
}

}  // namespace
}  // namespace faultline::sigma
