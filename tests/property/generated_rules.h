// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "matcher/sigma/rule.h"

namespace faultline::testing {

// Random rules, filters and events over a few fields and a small, mean alphabet, so that they meet:
// letters whose folding leaves ASCII, characters beyond the BMP, line ends, backslashes, stars, broken
// UTF-8, lone surrogates, many spellings of few numbers, addresses and times.
//
// Order      The same seed gives the same sequence.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  // Rules with `filters` filters, of which each may have some.
  [[nodiscard]] sigma::RuleCollection Rules(int rules, int filters);
  // The YAML text of a rule with modifiers of every kind; for some the loader finds no meaning.
  [[nodiscard]] std::string RuleText(int number);
  [[nodiscard]] std::string Event();  // one JSON object

 private:
  [[nodiscard]] std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }
  [[nodiscard]] bool OneIn(std::uint64_t n) { return Below(n) == 0; }

  [[nodiscard]] std::string Field();
  [[nodiscard]] std::string Text(std::uint64_t longest);
  [[nodiscard]] sigma::DetectionRule Rule(int number);
  [[nodiscard]] sigma::Pattern Pattern();
  [[nodiscard]] sigma::Pattern Bytes();
  [[nodiscard]] sigma::Network Network();
  [[nodiscard]] sigma::Order Order();
  [[nodiscard]] sigma::Value TypedValue();
  [[nodiscard]] sigma::Value Value();
  void AddChoices(sigma::Item& item);
  [[nodiscard]] sigma::Item Item();
  [[nodiscard]] sigma::Search Search(int number);
  void AddSearches(std::vector<sigma::Search>& searches, std::vector<sigma::Condition>& conditions);
  [[nodiscard]] sigma::Condition Condition(std::uint64_t searches);
  std::uint32_t AddNode(sigma::Condition& condition, std::uint64_t searches, int depth);
  [[nodiscard]] sigma::LogSourceAlternative Source();

  [[nodiscard]] std::string YamlItem();
  [[nodiscard]] std::string ConditionText(int searches, int depth);

  [[nodiscard]] std::string JsonString();
  [[nodiscard]] std::string JsonValue(int depth);
  [[nodiscard]] std::string JsonObject(int depth);

  std::mt19937_64 random_;
};

}  // namespace faultline::testing
