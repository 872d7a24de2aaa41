// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/property/engine_pairs.h"
#include "tests/property/generated_rules.h"
#include "tests/reference/evaluator.h"

namespace faultline::testing {
namespace {

std::uint64_t Seed() {
  const char* given = std::getenv("FAULTLINE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10)
                                              : std::random_device()() | std::uint64_t{1} << 32;
  std::cout << "seed: FAULTLINE_SEED=" << seed << '\n';
  return seed;
}

TEST(SignatureDifferential, GeneratedRulesOnGeneratedEventsAgreeWithTheReference) {
  constexpr int kRounds = 15, kRules = 120, kFilters = 4, kEvents = 150;
  Generator generator(Seed());
  std::size_t pairs = 0;
  for (int round = 0; round < kRounds; ++round) {
    sigma::RuleCollection rules = generator.Rules(kRules, kFilters);
    const reference::Evaluator reference(rules.detections, rules.filters);
    EnginePairs engine(std::move(rules));
    ASSERT_EQ(engine.rules().detections().size(), std::size_t{kRules});
    for (int i = 0; i < kEvents; ++i) {
      const std::string event = generator.Event();
      const std::vector<std::uint32_t> expected = reference.Match(event);
      ASSERT_EQ(engine.Match(event), expected) << "round " << round << ", event " << event;
      pairs += expected.size();
    }
  }
  // Neither "all" nor "none" would prove anything.
  EXPECT_GT(pairs, std::size_t{kRounds * kRules * kEvents / 20});
  EXPECT_LT(pairs, std::size_t{kRounds * kRules * kEvents * 4 / 5});
}

TEST(SignatureDifferential, GeneratedRuleTextsAgreeWithTheReference) {
  constexpr int kRules = 1500, kEvents = 60;
  Generator generator(Seed());
  sigma::LoadOptions options;
  options.placeholders["words"] = {"a", "k*", "?s"};
  sigma::RuleCollection rules;
  for (int i = 0; i < kRules; ++i) {
    const std::string text = generator.RuleText(i);
    sigma::RuleCollection one = sigma::LoadRulesFromText(text, "rule.yml", options);
    EXPECT_EQ(one.detections.size() + one.errors.size(), 1u) << text;
    for (sigma::DetectionRule& rule : one.detections) rules.detections.push_back(std::move(rule));
  }
  const std::size_t loaded = rules.detections.size();
  std::cout << loaded << " of " << kRules << " rules loaded\n";
  EXPECT_GT(loaded, std::size_t{kRules} / 2);
  const reference::Evaluator reference(rules.detections);
  EnginePairs engine(std::move(rules));
  ASSERT_EQ(engine.rules().detections().size(), loaded);
  std::size_t pairs = 0;
  for (int i = 0; i < kEvents; ++i) {
    const std::string event = generator.Event();
    const std::vector<std::uint32_t> expected = reference.Match(event);
    ASSERT_EQ(engine.Match(event), expected) << event;
    pairs += expected.size();
  }
  EXPECT_GT(pairs, loaded * kEvents / 20);
  EXPECT_LT(pairs, loaded * kEvents * 4 / 5);
}

// So many events that witnesses are chosen by what was seen, and long values ruled out by what few
// literals of rules need.
TEST(SignatureDifferential, LongValuesAgreeWithTheReference) {
  constexpr int kRounds = 30, kRules = 6, kEvents = 700;
  std::mt19937_64 random(Seed());
  const auto below = [&random](std::size_t bound) { return random() % bound; };
  const auto made_of = [&](std::string_view letters, std::size_t size) {
    std::string made;
    while (made.size() < size) made += letters[below(letters.size())];
    return made;
  };
  std::size_t pairs = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string text;
    std::vector<std::string> literals;
    for (int rule = 0; rule < kRules; ++rule) {
      literals.push_back(made_of("klm.:\\/", 4 + below(8)));
      const char* const modifiers[] = {"", "|contains", "|startswith", "|endswith",
                                       "|contains|cased"};
      text += "title: x\nid: 00000000-0000-0000-0000-00000000000" + std::to_string(rule) +
              "\nlogsource: {product: x}\ndetection: {s: {" + "ab"[below(2)] +
              std::string(modifiers[below(std::size(modifiers))]) + ": '" + literals.back() +
              "'}, condition: s}\n---\n";
    }
    sigma::RuleCollection rules = sigma::LoadRulesFromText(text, "rules.yml", {});
    ASSERT_EQ(rules.detections.size(), std::size_t{kRules}) << text;
    const reference::Evaluator reference(rules.detections);
    EnginePairs engine(std::move(rules), Shape::kAuto, {"x", "", ""});
    for (int i = 0; i < kEvents; ++i) {
      const auto value = [&] {
        std::string plain = made_of("abcdefgh \\/\"", below(8) == 0 ? 20 : 60 + below(300));
        const std::string& literal = literals[below(literals.size())];
        const std::size_t where = below(60);
        if (where == 0) plain += literal;
        if (where == 1) plain = literal + plain;
        if (where == 2) plain.insert(below(plain.size()), literal);
        if (where == 3) plain = literal;
        std::string spelt;
        for (const char c : plain) {
          if (c == '\\' || c == '"' || (c == '/' && below(4) == 0)) spelt += '\\';
          if (c == 'k' && below(10) == 0) {
            spelt += below(2) == 0 ? "\\u004b" : "\u212a";
          } else {
            spelt += below(4) == 0 ? static_cast<char>(std::toupper(c)) : c;
          }
        }
        return spelt;
      };
      const std::string event = R"({"a":")" + value() + R"(","b":")" + value() + "\"}";
      const std::vector<std::uint32_t> expected = reference.Match(event);
      ASSERT_EQ(engine.Match(event), expected) << text << event;
      pairs += expected.size();
    }
  }
  EXPECT_GT(pairs, std::size_t{kRounds} * kEvents / 100);
  EXPECT_LT(pairs, std::size_t{kRounds} * kEvents / 4);
}

// What a wildcard needs must not be a literal of another rule that such bytes hold in one spelling only.
TEST(SignatureDifferential, BytesThatAreNoUtf8AgreeWhereALiteralIsSpeltWithAKelvinSign) {
  sigma::RuleCollection rules = sigma::LoadRulesFromText(
      "title: kelvin\nid: 00000000-0000-0000-0000-000000000001\nlogsource: {product: x}\n"
      "detection: {s: {a|contains: 'k\u212a'}, condition: s}\n---\n"
      "title: wildcard\nid: 00000000-0000-0000-0000-000000000002\nlogsource: {product: x}\n"
      "detection: {s: {a: '?kk*'}, condition: s}\n",
      "rules.yml", {});
  ASSERT_EQ(rules.detections.size(), 2u);
  const reference::Evaluator reference(rules.detections);
  EnginePairs engine(std::move(rules), Shape::kAuto, {"x", "", ""});
  std::size_t pairs = 0;
  for (const char* const value :
       {"xKK", "xKK\xff", "xk\xe2\x84\xaa\xff", "\xffKK", "xk\xe2\x84\xaa"}) {
    const std::string event = std::string("{\"a\":\"") + value + "\"}";
    const std::vector<std::uint32_t> expected = reference.Match(event);
    EXPECT_EQ(engine.Match(event), expected) << event;
    pairs += expected.size();
  }
  EXPECT_GE(pairs, 5u);
}

}  // namespace
}  // namespace faultline::testing
