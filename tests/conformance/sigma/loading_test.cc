// SPDX-License-Identifier: Apache-2.0
// Which rules load and which are refused, over the public vectors and all of SigmaHQ's rules.
#include <chrono>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "matcher/sigma/rule.h"
#include "tests/support/data.h"

namespace faultline::sigma {
namespace {

// Whether a vector's rule stays within the subset, read off its text without the loader.
bool InSubset(const simdjson::dom::element& vector, const std::string& rule) {
  static const std::regex later(
      R"(\|(base64|base64offset|cidr|windash|wide|utf16|utf16le|utf16be|expand|fieldref|exists|neq|gt|gte|lt|lte|minute|hour|day|week|month|year)(\||:|'))");
  return vector["filters"].error() != simdjson::SUCCESS && !std::regex_search(rule, later);
}

template <class Judge>
void ForEachVector(const std::filesystem::path& path, Judge judge) {
  simdjson::dom::parser parser;
  simdjson::dom::document_stream stream;
  const simdjson::padded_string text = simdjson::padded_string::load(path.string());
  ASSERT_EQ(parser.parse_many(text).get(stream), simdjson::SUCCESS);
  for (auto parsed : stream) {
    simdjson::dom::element vector;
    // A line with a lone surrogate is beyond this JSON reader; its rule is that of its neighbours.
    if (parsed.get(vector) != simdjson::SUCCESS) continue;
    std::string_view id;
    std::string_view rule;
    ASSERT_EQ(vector["id"].get(id), simdjson::SUCCESS);
    ASSERT_EQ(vector["rule"].get(rule), simdjson::SUCCESS);
    judge(vector, std::string(id), std::string(rule));
  }
}

TEST(Vectors, RulesOfTheSubsetLoadAndAllOthersAreRefused) {
  FAULTLINE_TEST_DATA_OR_LEAVE(path, "sigma-vectors/modifiers.ndjson");
  int loaded = 0;
  int refused = 0;
  ForEachVector(path, [&](const simdjson::dom::element& vector, const std::string& id,
                          const std::string& rule) {
    if (vector["filters"].error() == simdjson::SUCCESS) return;
    const RuleCollection rules = LoadRulesFromText(rule, id);
    const bool subset = InSubset(vector, rule);
    EXPECT_EQ(rules.errors.empty(), subset)
        << rule << (rules.errors.empty() ? "loaded" : rules.errors[0].ToString());
    ++(subset ? loaded : refused);
  });
  EXPECT_GT(loaded, 1500);
  EXPECT_GT(refused, 1000);
}

TEST(Vectors, RejectsAreRefusedWithPlaceAndReason) {
  FAULTLINE_TEST_DATA_OR_LEAVE(path, "sigma-vectors/rejects.ndjson");
  ForEachVector(path,
                [](const simdjson::dom::element&, const std::string& id, const std::string& rule) {
                  // Regular expressions are compiled, and refused, with the rule set.
                  if (id.starts_with("re-")) return;
                  const RuleCollection rules = LoadRulesFromText(rule, id);
                  ASSERT_FALSE(rules.errors.empty()) << id << "\n" << rule;
                  for (const Error& error : rules.errors) {
                    EXPECT_GT(error.place.line, 0) << id;
                    EXPECT_FALSE(error.message.empty()) << id;
                  }
                });
}

TEST(SigmaHq, EveryRuleLoadsOrIsRefusedForAModifierThatIsNotSupportedYet) {
  FAULTLINE_TEST_DATA_OR_LEAVE(path, "sigmahq/rules");
  const auto start = std::chrono::steady_clock::now();
  const auto rules = LoadRules({path.string()});
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(rules.has_value()) << rules.error().ToString();
  std::map<std::string, int> reasons;
  for (const Error& error : rules->errors) {
    EXPECT_TRUE(error.message.ends_with("is not supported yet")) << error.ToString();
    ++reasons[error.message.substr(error.message.rfind("modifier"))];
  }
  EXPECT_GT(rules->detections.size(), 2900U);
  EXPECT_EQ(rules->detections.size() + rules->errors.size(), rules->report.size());
  EXPECT_LT(took, std::chrono::seconds(60));
  std::cout << "active " << rules->detections.size() << ", rejected " << rules->errors.size()
            << "\n";
  for (const auto& [reason, count] : reasons) std::cout << count << " " << reason << "\n";
}

}  // namespace
}  // namespace faultline::sigma
