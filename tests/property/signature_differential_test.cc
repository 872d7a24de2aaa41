// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

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
