// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <iostream>
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

// The lists that the vector gives for `expand`.
sigma::LoadOptions OptionsOf(const Json& vector) {
  sigma::LoadOptions options;
  const Json* lists = Member(vector, "placeholders");
  if (lists == nullptr) return options;
  for (const auto& [name, list] : lists->members) {
    for (const Json& value : list.elements) options.placeholders[name].push_back(value.text);
  }
  return options;
}

// The rule and, as further documents, its filters.
std::string RulesOf(const Json& vector) {
  std::string text = Member(vector, "rule")->text;
  if (const Json* filters = Member(vector, "filters")) {
    for (const Json& filter : filters->elements) text += "\n---\n" + filter.text;
  }
  return text;
}

// Every vector has the stated verdict, by the engine and, where the event is JSON, by the reference.
TEST(SigmaVectors, EachHasTheStatedVerdictByEngineAndReference) {
  FAULTLINE_TEST_DATA_OR_LEAVE(file, "sigma-vectors/modifiers.ndjson");
  std::istringstream lines(ReadFile(file));
  std::size_t checked = 0, matched = 0, referenced = 0, refused = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::optional<Json> vector = reference::ParseJson(line);
    ASSERT_TRUE(vector) << line;
    sigma::RuleCollection rules =
        sigma::LoadRulesFromText(RulesOf(*vector), "rule.yml", OptionsOf(*vector));
    const bool expected = Member(*vector, "match")->kind == Json::Kind::kTrue;
    if (!rules.errors.empty()) {
      // The page has come to refuse what can match nothing; the vectors are older.
      const std::string error = rules.errors[0].ToString();
      EXPECT_NE(error.find("'utf16' without base64"), error.npos) << error << '\n' << line;
      EXPECT_FALSE(expected) << line;
      ++refused;
      continue;
    }
    ASSERT_EQ(rules.detections.size(), 1u) << line;
    const std::string event = EventOf(*vector, line);
    const reference::Evaluator reference(rules.detections, rules.filters);
    const sigma::LogSource input = InputOf(*vector);
    EnginePairs engine(std::move(rules), Shape::kFlat, input);
    if (engine.rules().detections().empty()) {
      ASSERT_EQ(engine.rules().report().at(0).state, sigma::RuleState::kGated) << line;
    }
    EXPECT_EQ(!engine.Match(event).empty(), expected) << "engine: " << line;
    if (reference::ParseJson(event)) {
      EXPECT_EQ(!reference.Match(event, input).empty(), expected) << "reference: " << line;
      ++referenced;
    }
    matched += expected ? 1 : 0;
    ++checked;
  }
  std::cout << checked << " vectors, " << matched << " of them match, " << referenced
            << " also by the reference, " << refused << " refused\n";
  EXPECT_GT(checked, 3900u);
  EXPECT_GT(referenced, checked - 20);
}

}  // namespace
}  // namespace faultline::testing
