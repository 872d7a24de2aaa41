// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <charconv>
#include <iostream>
#include <set>
#include <sstream>
#include <string>

#include "matcher/engine.h"
#include "tests/reference/json_tree.h"
#include "tests/support/data.h"

namespace faultline::testing {
namespace {

using reference::Json;

const Json& Member(const Json& json, std::string_view key) {
  for (const auto& [name, value] : json.members) {
    if (name == key) return value;
  }
  static const Json none;
  ADD_FAILURE() << "no member " << key;
  return none;
}

// The elements of the array `key` as they stand in `line`.
std::vector<std::string> RawElements(const std::string& line, const std::string& key) {
  std::vector<std::string> elements;
  const std::string mark = "\"" + key + "\": [";
  std::size_t at = line.find(mark);
  if (at == std::string::npos) return elements;
  at += mark.size();
  int depth = 0;
  bool quoted = false;
  for (std::size_t from = at; at < line.size(); ++at) {
    const char c = line[at];
    if (quoted) {
      if (c == '\\') ++at;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (depth++ == 0) from = at;
    } else if (c == '}' || c == ']') {
      if (--depth < 0) break;
      if (depth == 0) elements.push_back(line.substr(from, at + 1 - from));
    }
  }
  return elements;
}

int Digits(std::string_view text, std::size_t from, std::size_t count) {
  int value = 0;
  std::from_chars(text.data() + from, text.data() + from + count, value);
  return value;
}

// "2026-01-01T02:00:01.5+02:00" as an instant; the vectors write no other form.
EventTime Instant(const std::string& text) {
  std::int64_t nanos = 0;
  std::size_t zone = 19;
  if (text[zone] == '.') {
    std::int64_t unit = 100'000'000;
    for (++zone; std::isdigit(static_cast<unsigned char>(text[zone])) != 0; ++zone, unit /= 10) {
      nanos += unit * (text[zone] - '0');
    }
  }
  std::chrono::minutes offset{};
  if (text[zone] != 'Z') {
    offset = std::chrono::minutes(Digits(text, zone + 1, 2) * 60 + Digits(text, zone + 4, 2));
    if (text[zone] == '-') offset = -offset;
  }
  const auto civil =
      EventTime::FromCivil(Digits(text, 0, 4), Digits(text, 5, 2), Digits(text, 8, 2),
                           Digits(text, 11, 2), Digits(text, 14, 2), Digits(text, 17, 2), nanos);
  EXPECT_TRUE(civil) << text;
  return civil.value_or(EventTime{}) - offset;
}

using Told = std::multiset<std::string>;

Told StatedAlerts(const Json& vector) {
  Told told;
  for (const Json& alert : Member(vector, "alerts").elements) {
    std::set<std::string> group;
    for (const auto& [name, value] : Member(alert, "group").members) {
      group.insert(name + "=" + value.text);
    }
    std::string line =
        Member(alert, "rule").text + " " + ToString(Instant(Member(alert, "time").text));
    for (const std::string& part : group) line += " " + part;
    told.insert(line);
  }
  return told;
}

// Alerts of the last document of `rules` over `events` in their order of arrival.
Told EngineAlerts(const Json& vector, const std::vector<std::string>& events) {
  Told told;
  RuleSet::Options options;
  options.extra_fields = DefaultTimestamps();
  const sigma::RuleCollection loaded =
      sigma::LoadRulesFromText(Member(vector, "rules").text, "rules.yml");
  const auto rules = RuleSet::Compile(loaded, options);
  if (!rules || !(*rules)->errors().empty()) {
    ADD_FAILURE() << (rules ? (*rules)->errors()[0] : rules.error()).ToString();
    return told;
  }
  const std::string name = loaded.report.back().title;
  Engine engine(*rules, {});
  InputOptions input;
  input.walk.shape = Shape::kFlat;
  const SourceId source = engine.AddSource({"t", 0}, input, nullptr, {});
  Output out;
  Record record;
  record.source = source;
  for (const std::string& event : events) {
    record.payload = event;
    engine.Process(record, {}, out);
    ++record.offset;
  }
  engine.Finish(out);
  for (const Alert& alert : out.alerts) {
    if (alert.rule->title != name) continue;
    std::set<std::string> group;
    for (const NamedValue& value : alert.group) group.insert(value.name + "=" + value.value);
    std::string line = name + " " + ToString(alert.time);
    for (const std::string& part : group) line += " " + part;
    told.insert(line);
  }
  return told;
}

TEST(CorrelationVectors, EachHasTheStatedAlerts) {
  FAULTLINE_TEST_DATA_OR_LEAVE(file, "sigma-vectors/correlations.ndjson");
  std::istringstream lines(ReadFile(file));
  std::size_t checked = 0, alerts = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::optional<Json> vector = reference::ParseJson(line);
    ASSERT_TRUE(vector) << line;
    const std::vector<std::string> events = RawElements(line, "events");
    ASSERT_EQ(events.size(), Member(*vector, "events").elements.size()) << line;
    const Told stated = StatedAlerts(*vector);
    EXPECT_EQ(EngineAlerts(*vector, events), stated)
        << Member(*vector, "id").text << ": " << Member(*vector, "why").text << '\n'
        << Member(*vector, "rules").text;
    alerts += stated.size();
    ++checked;
  }
  std::cout << checked << " vectors, " << alerts << " alerts\n";
  EXPECT_GT(checked, 600u);
}

}  // namespace
}  // namespace faultline::testing
