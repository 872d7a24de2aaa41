// SPDX-License-Identifier: Apache-2.0
// What runs on Hyperscan, or behind it, gives PCRE2's answer: the expressions of SigmaHQ and a few
// of our own, on values made from the expressions' own letters; and generated ones.
#include "matcher/signature/regex.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/event/text.h"
#include "tests/property/generated_regexes.h"
#include "tests/reference/value_test.h"
#include "tests/support/data.h"

namespace faultline::testing {
namespace {

constexpr std::uint64_t kSeed = 20261123;
constexpr std::uint32_t kNoLimit = 100000000;

std::vector<sigma::Regex> RegexesOf(const sigma::RuleCollection& rules) {
  std::vector<sigma::Regex> found;
  for (const sigma::DetectionRule& rule : rules.detections) {
    for (const sigma::Search& search : rule.searches) {
      for (const auto& items : search.alternatives) {
        for (const sigma::Item& item : items) {
          for (const sigma::Choice& choice : item.choices) {
            for (const sigma::Value& value : choice) {
              if (const auto* regex = std::get_if<sigma::Regex>(&value)) found.push_back(*regex);
            }
          }
        }
      }
    }
  }
  return found;
}

// Pieces of the pattern's own text, and letters where the libraries might differ.
std::string Made(const std::string& pattern, std::mt19937_64& random) {
  static const std::vector<std::string> kOdd{
      "\n", "\r", "\x0B", "\x85", "\u0085", "\u00A0", "\u2028", "\u212A", "\u017F", "k", "K", "s",
      "S",  "_",  " ",    "\t",   "0",      "9",      "\u0663", "\u00E9", "-",      ".", "\\"};
  std::string text;
  for (std::uint64_t left = random() % 6; left > 0; --left) {
    const std::string& odd = kOdd[random() % kOdd.size()];
    if (random() % 3 == 0) {
      if (odd != "\x85") text += odd;
      continue;
    }
    const std::size_t from = random() % pattern.size();
    for (const char c : pattern.substr(from, 1 + random() % 12)) {
      const bool syntax = std::string_view("\\()[]{}^$|?*+").find(c) != std::string_view::npos;
      if (static_cast<unsigned char>(c) < 0x80 && (!syntax || random() % 4 == 0)) text += c;
    }
  }
  return text;
}

// Returns how many answers were "found".
int ExpectEqualAnswers(const sigma::Regex& source, int values, std::mt19937_64& random) {
  const Regex regex = Regex::Compile(source).value();
  if (!regex.linear()) return 0;
  RegexScratch scratch(kNoLimit, kNoLimit, regex.group_count());
  EXPECT_TRUE(regex.Prepare(scratch).has_value());
  int found = 0;
  for (int i = 0; i < values; ++i) {
    const std::string value = Made(source.pattern, random);
    const TextView text{value, value, true};
    const bool expected = regex.Search(text, scratch);
    EXPECT_EQ(regex.Holds(text, scratch), expected) << source.pattern << "\non: " << value;
    found += expected ? 1 : 0;
  }
  EXPECT_EQ(scratch.limits_hit(), 0u) << source.pattern;
  return found;
}

TEST(RegexProperty, OwnExpressionsAnswerAsOnPcre2) {
  std::mt19937_64 random(kSeed);
  int found = 0;
  for (const char* pattern :
       {"a",     "^k",        "s$",      "\\w+",    "\\W",  "\\d",      "\\D",       "\\s",
        "\\S",   "\\bs",      "k\\b",    "\\Bk",    "[^a]", "[^\\w]",   "a.b",       "^.$",
        "^..$",  "[ks]{2,3}", "(a|b)k",  "\\Ak",    "k\\z", "k\\Z",     "(?i)k",     "(?i:s)k",
        "[K-S]", "[^k]$",     "^[^s]+$", "\\.\\\\", "a{2}", "(a|aa)+$", "\\r\\n|\\n"}) {
    for (const bool ignore_case : {false, true}) {
      for (const bool dot_all : {false, true}) {
        sigma::Regex source;
        source.pattern = pattern;
        source.ignore_case = ignore_case;
        source.dot_all = dot_all;
        found += ExpectEqualAnswers(source, 300, random);
      }
    }
  }
  EXPECT_GT(found, 1000);
}

TEST(RegexProperty, SigmaHqExpressionsAnswerAsOnPcre2) {
  FAULTLINE_TEST_DATA_OR_LEAVE(folder, "sigmahq/rules/windows");
  const auto rules = sigma::LoadRules({folder.string()});
  ASSERT_TRUE(rules.has_value());
  const std::vector<sigma::Regex> sources = RegexesOf(*rules);
  std::mt19937_64 random(kSeed);
  int linear = 0;
  for (const sigma::Regex& source : sources) {
    linear += Regex::Compile(source).value().linear() ? 1 : 0;
    ExpectEqualAnswers(source, 200, random);
  }
  std::cout << linear << " of " << sources.size() << " expressions run on Hyperscan\n";
  EXPECT_GT(linear, 50);
}

TEST(RegexProperty, GeneratedExpressionsAnswerAsPcre2Alone) {
  constexpr int kExpressions = 3000, kTexts = 70;
  const char* given = std::getenv("FAULTLINE_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::cout << "seed: FAULTLINE_SEED=" << seed << '\n';
  RegexGenerator generator(seed);
  int taken = 0, linear = 0, prefiltered = 0, found = 0, asked = 0;
  for (int i = 0; i < kExpressions; ++i) {
    const sigma::Regex source = generator.Expression();
    const Result<Regex> regex = Regex::Compile(source);
    if (!regex) continue;
    ++taken;
    linear += regex->linear() ? 1 : 0;
    prefiltered += regex->prefiltered() ? 1 : 0;
    RegexScratch scratch(kNoLimit, kNoLimit, regex->group_count());
    ASSERT_TRUE(regex->Prepare(scratch).has_value());
    const reference::ValueTest alone(source, false, false);
    for (int j = 0; j < kTexts; ++j) {
      reference::Json json;
      json.kind = reference::Json::Kind::kString;
      json.text = generator.Text();
      const TextView text{json.text, json.text, IsValidUtf8(json.text)};
      const bool expected = alone.Holds({&json});
      ASSERT_EQ(regex->Holds(text, scratch), expected)
          << source.pattern << (source.ignore_case ? " i" : "") << (source.multi_line ? " m" : "")
          << (source.dot_all ? " s" : "") << "\non: " << ::testing::PrintToString(json.text);
      found += expected ? 1 : 0;
      ++asked;
    }
    EXPECT_EQ(scratch.limits_hit(), 0u) << source.pattern;
  }
  std::cout << taken << " expressions, " << linear << " on Hyperscan, " << prefiltered
            << " behind it, " << found << " of " << asked << " found\n";
  EXPECT_GT(asked, kExpressions * kTexts / 2);
  EXPECT_GT(linear, taken / 10);
  EXPECT_GT(prefiltered, taken / 10);
  EXPECT_GT(found, asked / 20);
  EXPECT_LT(found, asked * 19 / 20);
}

}  // namespace
}  // namespace faultline::testing
