// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/cost.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {
namespace {

TEST(Cost, AnExpressionIsAsLargeAsItsRepeatsWrittenOut) {
  const struct {
    const char* regex;
    std::size_t size;
  } cases[] = {
      {"", 0},
      {"abc", 3},
      {"a*b+c?", 3},
      {"^a|b$", 2},
      {"a{3}", 3},
      {"a{2,5}b", 6},
      {"a{7,}", 7},
      {"(ab){4}", 8},
      {"((a{2}b){3}c){5}", 50},
      {"[a-z]{9}", 9},
      {"[]a]{2}", 2},
      {"[^a]", 8},
      {".", 8},
      {".{0,300}", 2400},
      {"\\d\\W\\.", 10},
      {"a{99999999999999999999}", kLargestSize},
      {"((((a{999}){999}){999}){999}){999}", kLargestSize},
      {"(((", 0},
      {")))a", 1},
      {"[", 1},
      {"a{", 1},
      {"\\", 1},
      {"[\\", 8},
  };
  for (const auto& c : cases) EXPECT_EQ(ExpandedSize(c.regex), c.size) << c.regex;
}

std::string Rule(const std::string& items) {
  return "title: t\nlogsource: {product: x}\ndetection:\n  condition: s\n  s:\n" + items;
}

// Why the rule is rejected; empty for one that loads.
std::string FaultOf(const std::string& rule) {
  const RuleCollection rules = LoadRulesFromText(rule, "f.yml");
  return rules.errors.empty() ? std::string() : rules.errors[0].message;
}

TEST(Cost, WhatAFileMayAskForIsCountedAndRefusedBeyond) {
  std::string fields;
  std::string expressions = "    f|re:\n";
  std::string contains = "    f|contains:\n";
  for (int i = 0; i < 6000; ++i) fields += fmt::format("    f{}: a\n", i);
  for (int i = 0; i < 1000; ++i) expressions += fmt::format("    - 'a{}.*b'\n", i);
  for (int i = 0; i < 30'000; ++i) contains += fmt::format("    - a{}\n", i);
  EXPECT_EQ(FaultOf(Rule(fields)), "rule 't': the rules of this file name too many fields");
  EXPECT_EQ(FaultOf(Rule(expressions)),
            "rule 't': the regular expressions of this file cost too much to compile");
  EXPECT_EQ(FaultOf(Rule(contains)),
            "rule 't': the rules of this file look for too many texts within others");
  EXPECT_EQ(FaultOf(Rule("    f|re: 'a{300}'\n    g|contains: [a, b]\n")), "");
}

TEST(Cost, EqualValuesAreCheap) {
  std::string values = "    f:\n";
  for (int i = 0; i < 50'000; ++i) values += fmt::format("    - a{}\n", i);
  EXPECT_EQ(FaultOf(Rule(values)), "");
}

}  // namespace
}  // namespace faultline::sigma
