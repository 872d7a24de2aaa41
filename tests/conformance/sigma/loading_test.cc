// SPDX-License-Identifier: Apache-2.0
// Which rules load and which are refused, over the public vectors and all of SigmaHQ's rules.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "matcher/sigma/rule.h"
#include "matcher/signature/rule_set.h"
#include "tests/support/data.h"

namespace faultline::sigma {
namespace {

template <class Judge>
void ForEachVector(const std::filesystem::path& path, Judge judge, const char* key = "rule") {
  simdjson::dom::parser parser;
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    simdjson::dom::element vector;
    // A line with a lone surrogate is beyond this JSON reader; its rule is that of its neighbours.
    if (parser.parse(line).get(vector) != simdjson::SUCCESS) continue;
    std::string_view id;
    std::string_view rule;
    ASSERT_EQ(vector["id"].get(id), simdjson::SUCCESS);
    ASSERT_EQ(vector[key].get(rule), simdjson::SUCCESS);
    judge(vector, std::string(id), std::string(rule));
  }
}

LoadOptions OptionsOf(const simdjson::dom::element& vector) {
  LoadOptions options;
  simdjson::dom::object placeholders;
  if (vector["placeholders"].get(placeholders) != simdjson::SUCCESS) return options;
  for (const auto& [name, values] : placeholders) {
    for (const auto value : values.get_array()) {
      options.placeholders[std::string(name)].emplace_back(std::string_view(value));
    }
  }
  return options;
}

// The rule, with its filters as further documents.
std::string TextOf(const simdjson::dom::element& vector, const std::string& rule) {
  std::string text = rule;
  simdjson::dom::array filters;
  if (vector["filters"].get(filters) != simdjson::SUCCESS) return text;
  for (const auto filter : filters) text += "\n---\n" + std::string(std::string_view(filter));
  return text;
}

TEST(Vectors, EveryRuleLoads) {
  FAULTLINE_TEST_DATA_OR_LEAVE(path, "sigma-vectors/modifiers.ndjson");
  int loaded = 0;
  int filtered = 0;
  ForEachVector(path, [&](const simdjson::dom::element& vector, const std::string& id,
                          const std::string& rule) {
    const RuleCollection rules = LoadRulesFromText(TextOf(vector, rule), id, OptionsOf(vector));
    // Made before the page ruled that `utf16` without base64 is a load error.
    if (rule.find("f|utf16|contains:") != std::string::npos) {
      EXPECT_EQ(rules.errors.size(), 1U) << rule;
      return;
    }
    EXPECT_TRUE(rules.errors.empty()) << rule << rules.errors[0].ToString();
    ASSERT_EQ(rules.detections.size(), 1U) << rule;
    filtered += rules.detections[0].filters.empty() ? 0 : 1;
    ++loaded;
  });
  EXPECT_GT(loaded, 3950);
  EXPECT_GT(filtered, 50);
}

TEST(Vectors, RejectsAreRefusedWithPlaceAndReason) {
  FAULTLINE_TEST_DATA_OR_LEAVE(path, "sigma-vectors/rejects.ndjson");
  int refused = 0;
  ForEachVector(path, [&](const simdjson::dom::element& vector, const std::string& id,
                          const std::string& rule) {
    RuleCollection rules = LoadRulesFromText(rule, id, OptionsOf(vector));
    std::vector<Error> errors = rules.errors;
    // Regular expressions are compiled, and refused, with the rule set.
    if (id.starts_with("re-")) {
      const auto set = RuleSet::Compile(std::move(rules), {});
      ASSERT_TRUE(set.has_value()) << id << set.error().ToString();
      errors = (*set)->errors();
    }
    ASSERT_FALSE(errors.empty()) << id << "\n" << rule;
    for (const Error& error : errors) {
      EXPECT_GT(error.place.line, 0) << id;
      EXPECT_FALSE(error.message.empty()) << id;
      EXPECT_FALSE(error.remedy.empty()) << id << ": " << error.message;
    }
    ++refused;
  });
  EXPECT_GT(refused, 180);
}

TEST(Vectors, EveryCorrelationLoads) {
  FAULTLINE_TEST_DATA_OR_LEAVE(path, "sigma-vectors/correlations.ndjson");
  int loaded = 0;
  ForEachVector(
      path,
      [&](const simdjson::dom::element&, const std::string& id, const std::string& rule) {
        const RuleCollection rules = LoadRulesFromText(rule, id);
        EXPECT_TRUE(rules.errors.empty()) << id << "\n" << rule << rules.errors[0].ToString();
        EXPECT_FALSE(rules.correlations.empty()) << id;
        ++loaded;
      },
      "rules");
  EXPECT_GT(loaded, 640);
}

TEST(SigmaHq, EveryRuleLoadsButThoseThatExpandListsOfTheSite) {
  FAULTLINE_TEST_DATA_OR_LEAVE(path, "sigmahq/rules");
  std::vector<std::string> folders;
  for (const char* folder : {"rules", "rules-emerging-threats", "rules-threat-hunting"}) {
    folders.push_back((path.parent_path() / folder).string());
  }
  const auto start = std::chrono::steady_clock::now();
  const auto rules = LoadRules(folders);
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(rules.has_value()) << rules.error().ToString();
  for (const Error& error : rules->errors) {
    EXPECT_NE(error.message.find("the placeholder '%known_cdcs%' has no values"),
              error.message.npos)
        << error.ToString();
  }
  EXPECT_EQ(rules->errors.size(), 2U);
  EXPECT_GT(rules->detections.size(), 3700U);
  EXPECT_EQ(rules->detections.size() + rules->errors.size(), rules->report.size());
  EXPECT_LT(took, std::chrono::seconds(60));
  std::map<std::string, int> findings;
  for (const Finding& finding : rules->findings) ++findings[finding.code];
  for (const auto& [code, count] : findings) std::cout << count << " " << code << "\n";
}

TEST(SigmaHq, WithThoseListsEveryRuleLoads) {
  FAULTLINE_TEST_DATA_OR_LEAVE(path, "sigmahq/rules-emerging-threats");
  LoadOptions options;
  options.placeholders["known_cdcs"] = {"dc1.example.org", "10.0.0.1"};
  const auto rules = LoadRules({path.string()}, options);
  ASSERT_TRUE(rules.has_value()) << rules.error().ToString();
  EXPECT_TRUE(rules->errors.empty()) << rules->errors[0].ToString();
}

}  // namespace
}  // namespace faultline::sigma
