// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/explanation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "tests/property/engine_pairs.h"
#include "tests/property/generated_rules.h"

namespace faultline::testing {
namespace {

using Kind = ExplainedPart::Kind;

std::uint64_t Seed() {
  const char* given = std::getenv("FAULTLINE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10)
                                              : std::random_device()() | std::uint64_t{1} << 32;
  std::cout << "seed: FAULTLINE_SEED=" << seed << '\n';
  return seed;
}

// What Sigma makes of the verdicts right below a part; every part below is checked too.
bool FromBelow(const ExplainedPart& part) {
  std::size_t held = 0;
  if (part.kind == Kind::kItem) {
    for (const ExplainedTest& test : part.tests) held += test.held ? 1 : 0;
    const bool tests = part.all ? held == part.tests.size() : held > 0;
    EXPECT_EQ(part.held, part.negated ? !tests : tests) << part.field;
    return part.held;
  }
  for (const ExplainedPart& below : part.parts) held += FromBelow(below) ? 1 : 0;
  bool wanted = held == part.parts.size();
  if (part.kind == Kind::kAny) wanted = held > 0;
  if (part.kind == Kind::kNot) wanted = held == 0;
  if (part.kind == Kind::kAtLeast) wanted = held >= part.at_least;
  EXPECT_EQ(part.held, wanted) << static_cast<int>(part.kind) << " " << part.name;
  return part.held;
}

void CheckTree(const Explanation& explanation) {
  bool source_held = explanation.sources.empty();
  for (std::size_t i = 0; i < explanation.sources.size(); ++i) {
    const bool held = FromBelow(explanation.sources[i]);
    if (i == explanation.source) source_held = held;
  }
  bool held = FromBelow(explanation.detection) && source_held;
  for (const Explanation::Filter& filter : explanation.filters) {
    held = FromBelow(filter.condition) && held;
  }
  EXPECT_EQ(held, explanation.held);
  EXPECT_EQ(ClosenessOf(explanation).changes == 0, explanation.held);
}

// The engine judges a rule's parts one by one; together they must give its verdict on the rule.
TEST(ExplanationProperty, PartsOfGeneratedRulesGiveTheEnginesVerdict) {
  constexpr int kRounds = 3, kRules = 50, kEvents = 50;
  Generator generator(Seed());
  std::size_t matches = 0, pairs = 0;
  for (int round = 0; round < kRounds; ++round) {
    sigma::RuleCollection rules = generator.Rules(kRules, 0);
    EnginePairs engine(rules);
    auto compiled = RuleSet::Compile(std::move(rules), {});
    ASSERT_TRUE(compiled.has_value());
    ASSERT_EQ((*compiled)->detections().size(), std::size_t{kRules});
    std::vector<std::uint32_t> all(kRules);
    std::iota(all.begin(), all.end(), 0);
    auto explainer = Explainer::Create(*compiled, all, Explainer::Depth::kValues);
    ASSERT_TRUE(explainer.has_value());
    for (int i = 0; i < kEvents; ++i) {
      const std::string event = generator.Event();
      const Explainer::OfPayload explained = explainer->Explain(event, {});
      if (explained.fault != WalkFault::kNone) continue;
      ASSERT_EQ(explained.events.size(), 1u);
      const std::vector<std::uint32_t> matched = engine.Match(event);
      std::vector<std::uint32_t> held;
      for (const Explanation& explanation : explained.events.front().rules) {
        CheckTree(explanation);
        if (explanation.held) held.push_back(explanation.rule);
        ++pairs;
      }
      ASSERT_EQ(held, matched) << "round " << round << ", event " << event;
      ASSERT_FALSE(HasFailure()) << "round " << round << ", event " << event;
      matches += held.size();
    }
  }
  EXPECT_GT(pairs, std::size_t{kRounds * kRules * kEvents / 2});
  EXPECT_GT(matches, pairs / 20);
  EXPECT_LT(matches, pairs * 4 / 5);
}

}  // namespace
}  // namespace faultline::testing
