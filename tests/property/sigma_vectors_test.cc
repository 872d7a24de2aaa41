// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "tests/property/engine_pairs.h"
#include "tests/reference/evaluator.h"
#include "tests/reference/json_tree.h"
#include "tests/support/data.h"

namespace faultline::testing {
namespace {

using reference::Json;

const Json* Member(const Json& json, std::string_view key) {
  for (const auto& [name, value] : json.members) {
    if (name == key) return &value;
  }
  return nullptr;
}

// The bytes of the member `key` as they stand in `line`; its spelling of numbers matters.
std::string RawMember(const std::string& line, const std::string& key) {
  const std::string mark = "\"" + key + "\": ";
  const std::size_t from = line.find(mark) + mark.size();
  int depth = 0;
  bool quoted = false;
  for (std::size_t at = from; at < line.size(); ++at) {
    const char c = line[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '{' || c == '[')) {
      ++depth;
    } else if (!quoted && (c == '}' || c == ']') && --depth == 0) {
      return line.substr(from, at + 1 - from);
    }
  }
  return {};
}

std::string EventOf(const Json& vector, const std::string& line) {
  const Json* json = Member(vector, "event_json");
  return json != nullptr ? json->text : RawMember(line, "event");
}

// What the vector's input declares.
sigma::LogSource InputOf(const Json& vector) {
  const Json* input = Member(vector, "input");
  const Json* declared = input == nullptr ? nullptr : Member(*input, "logsource");
  const auto part = [declared](const char* key) {
    const Json* text = declared == nullptr ? nullptr : Member(*declared, key);
    return text == nullptr ? std::string() : text->text;
  };
  return {part("product"), part("category"), part("service")};
}

// Every vector whose rule is in the subset gives the stated verdict, by the engine and, where the
// event is JSON, by the reference.
TEST(SigmaVectors, RulesOfTheSubsetGiveTheStatedVerdicts) {
  FAULTLINE_TEST_DATA_OR_LEAVE(file, "sigma-vectors/modifiers.ndjson");
  std::istringstream lines(ReadFile(file));
  std::size_t checked = 0, left_out = 0;
  std::map<std::string, std::size_t> refused;  // by row
  for (std::string line; std::getline(lines, line);) {
    const std::optional<Json> vector = reference::ParseJson(line);
    ASSERT_TRUE(vector) << line;
    // Lists for `expand` and filters are not part of the subset.
    const bool beyond =
        Member(*vector, "filters") != nullptr || Member(*vector, "placeholders") != nullptr;
    sigma::RuleCollection rules =
        sigma::LoadRulesFromText(Member(*vector, "rule")->text, "rule.yml");
    if (beyond || rules.detections.size() != 1 || !rules.errors.empty()) {
      ++left_out;
      ++refused[Member(*vector, "row")->text];
      continue;
    }
    const bool expected = Member(*vector, "match")->kind == Json::Kind::kTrue;
    const std::string event = EventOf(*vector, line);
    const reference::Evaluator reference(rules.detections);
    const sigma::LogSource input = InputOf(*vector);
    EnginePairs engine(std::move(rules), Shape::kFlat, input);
    EXPECT_EQ(!engine.Match(event).empty(), expected) << line;
    if (reference::ParseJson(event)) {
      EXPECT_EQ(!reference.Match(event, input).empty(), expected) << line;
    }
    ++checked;
  }
  std::cout << checked << " vectors checked, " << left_out << " outside the subset:\n";
  for (const auto& [row, count] : refused) std::cout << "  " << count << ' ' << row << '\n';
  EXPECT_GT(checked, 1500u);
}

}  // namespace
}  // namespace faultline::testing
