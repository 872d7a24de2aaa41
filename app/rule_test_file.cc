// SPDX-License-Identifier: Apache-2.0
#include "app/rule_test_file.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "app/config.h"
#include "base/suggest.h"
#include "matcher/flat_json.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/scalars.h"
#include "matcher/sigma/yaml.h"

namespace faultline::app {
namespace {

namespace fs = std::filesystem;
using sigma::Reading;
using std::chrono::nanoseconds;

constexpr std::size_t kMaxEventFile = 16 << 20;

std::vector<std::string> Strings(const std::vector<std::string_view>& words) {
  return {words.begin(), words.end()};
}

std::string Beside(const std::string& file, const std::string& relative) {
  return (fs::path(file).parent_path() / relative).string();
}

// A reading of what is no rule: nothing in it expands.
struct CaseReading {
  sigma::LoadOptions options;
  sigma::ExpansionBudget budget;
  Reading reading{"", options, budget};
};

// ------------------------------------------------------------------------------------- scalars

// A word of a list of known ones.
template <class Parse>
auto ReadWord(const yaml::Node& node, std::string_view what,
              const std::vector<std::string_view>& known, Parse parse, Reading& reading) {
  const std::string text = sigma::ReadText(node, what, reading);
  auto parsed = parse(text);
  if (!parsed && reading.ok()) {
    std::string remedy = DidYouMean(text, Strings(known));
    if (remedy.empty()) remedy = fmt::format("known: {}", fmt::join(known, ", "));
    reading.Refuse(fmt::format("unknown {} '{}'", what, text), sigma::TextPlace(node), remedy);
  }
  return parsed;
}

nanoseconds ReadDuration(const yaml::Node& node, std::string_view what, Reading& reading) {
  const std::string text = sigma::ReadText(node, what, reading);
  const std::optional<Duration> duration = ParseDuration(text);
  if (!duration && reading.ok()) {
    reading.Refuse(fmt::format("{} must be a duration, not '{}'", what, text), node.place,
                   "write it with its unit: 500ms, 20s, 10m, 1h, 2d");
  }
  return duration.value_or(nanoseconds(0));
}

// "20s" from the base, "+20s" from the event before.
EventTime ReadAt(const yaml::Node& node, EventTime previous, Reading& reading) {
  const std::string text = sigma::ReadText(node, "'at'", reading);
  const bool relative = text.starts_with('+');
  const std::optional<Duration> span = ParseDuration(relative ? text.substr(1) : text);
  if (!span && reading.ok()) {
    reading.Refuse(fmt::format("'at' must be a time, not '{}'", text), node.place,
                   "write 20s for a time since the beginning, +20s for one since the event before");
  }
  return (relative ? previous : RuleTestBase()) + span.value_or(nanoseconds(0));
}

std::int64_t ReadCount(const yaml::Node& node, std::string_view what, Reading& reading) {
  const std::optional<std::int64_t> count = yaml::AsInteger(node);
  if (!count || *count < 0) {
    reading.Refuse(fmt::format("{} must be a whole number from 0 on", what), node.place);
  }
  return count.value_or(0);
}

std::vector<RuleReference> ReadReferences(const yaml::Node& node, std::string_view what,
                                          Reading& reading) {
  std::vector<RuleReference> references;
  if (node.IsScalar()) references.push_back({sigma::ReadText(node, what, reading), node.place});
  if (node.IsMapping()) {
    reading.Refuse(fmt::format("{} must be a list of rules, this is a map", what), node.place);
  }
  for (const yaml::Node& item : node.items) {
    references.push_back({sigma::ReadText(item, what, reading), item.place});
  }
  return references;
}

// -------------------------------------------------------------------------------------- events

// Decimal text as JSON wants it: no leading zeros.
std::string JsonNumber(std::string_view text) {
  std::string number;
  if (text.starts_with('-')) {
    number = "-";
    text.remove_prefix(1);
  }
  while (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') {
    text.remove_prefix(1);
  }
  return number.append(text);
}

void AppendScalar(std::string& out, const yaml::Node& node, Reading& reading) {
  const std::optional<yaml::ScalarValue> value = yaml::Resolve(node);
  const yaml::ScalarKind kind = value ? value->kind : yaml::ScalarKind::kSpecial;
  switch (kind) {
    case yaml::ScalarKind::kNull: out += "null"; return;
    case yaml::ScalarKind::kBool: out += value->boolean ? "true" : "false"; return;
    case yaml::ScalarKind::kNumber: out += JsonNumber(value->text); return;
    case yaml::ScalarKind::kString: AppendJsonString(out, value->text); return;
    case yaml::ScalarKind::kSpecial: break;
  }
  reading.Refuse(fmt::format("JSON has no value '{}'", node.scalar), node.place,
                 "quote it if it is a text");
}

// The reader's limit on nesting bounds the recursion.
void AppendJson(std::string& out, const yaml::Node& node, Reading& reading) {
  if (node.IsScalar()) return AppendScalar(out, node, reading);
  if (node.IsSequence()) {
    out += '[';
    for (const yaml::Node& item : node.items) {
      if (out.back() != '[') out += ',';
      AppendJson(out, item, reading);
    }
    out += ']';
    return;
  }
  out += '{';
  for (const yaml::Pair& pair : node.pairs) {
    if (out.back() != '{') out += ',';
    AppendJsonString(out, pair.key.scalar);
    out += ':';
    AppendJson(out, pair.value, reading);
  }
  out += '}';
}

// All members but `at`, as a flat or nested event.
std::string InlineEvent(const yaml::Node& node, Reading& reading) {
  yaml::Node event = node;
  std::erase_if(event.pairs, [](const yaml::Pair& pair) { return pair.key.scalar == "at"; });
  if (event.pairs.empty()) reading.Refuse("the event is empty", node.place);
  std::string json;
  AppendJson(json, event, reading);
  return json;
}

std::string EventFile(const yaml::Node& node, const std::string& file, Reading& reading) {
  sigma::ExpectKeys(node, "an event with 'file'", {"at", "file"}, {}, reading);
  const yaml::Node& name = *node.Find("file");
  const std::string text = sigma::ReadText(name, "'file'", reading);
  if (!reading.ok()) return {};
  const Result<std::string> payload = ReadWhole(Beside(file, text), kMaxEventFile);
  if (payload) return *payload;
  reading.Refuse(
      fmt::format("event file '{}' {}", payload.error().place.file, payload.error().message),
      sigma::TextPlace(name), "event files are looked for beside the test");
  return {};
}

void ReadEvents(const yaml::Node& node, const std::string& file, RuleTest& test, Reading& reading) {
  if (!node.IsSequence() || node.items.empty()) {
    return reading.Refuse("'events' must be a list of at least one event", node.place);
  }
  test.own_times = std::none_of(node.items.begin(), node.items.end(), [](const yaml::Node& event) {
    return event.Find("at") != nullptr;
  });
  EventTime previous = RuleTestBase();
  for (const yaml::Node& item : node.items) {
    if (!sigma::ExpectMap(item, "an event", reading)) return;
    const yaml::Node* const at = item.Find("at");
    if (at == nullptr && !test.own_times) {
      return reading.Refuse("the event says no time with 'at', others do", item.place,
                            "give each event an 'at', or none, if they carry their own times");
    }
    if (at != nullptr) previous = ReadAt(*at, previous, reading);
    std::string payload =
        item.Find("file") != nullptr ? EventFile(item, file, reading) : InlineEvent(item, reading);
    test.events.push_back({previous, std::move(payload), item.place});
  }
}

// -------------------------------------------------------------------------------- expectations

void ReadGroup(const yaml::Node& node, ExpectedAlert& expected, Reading& reading) {
  if (!sigma::ExpectMap(node, "'group'", reading)) return;
  for (const yaml::Pair& pair : node.pairs) {
    expected.group.emplace_back(pair.key.scalar,
                                sigma::ReadText(pair.value, "a value of 'group'", reading));
  }
}

std::optional<AlertStatus> StatusFromString(std::string_view text) {
  for (const AlertStatus status : {AlertStatus::kFiring, AlertStatus::kUpdated,
                                   AlertStatus::kResolved, AlertStatus::kFlooded}) {
    if (text == ToString(status)) return status;
  }
  return std::nullopt;
}

ExpectedAlert ReadExpected(const yaml::Node& node, Reading& reading) {
  ExpectedAlert expected;
  if (!sigma::ExpectMap(node, "an entry of 'expect'", reading)) return expected;
  sigma::ExpectKeys(node, "'expect'",
                    {"rule", "count", "status", "level", "group", "time", "text", "variant",
                     "matched", "suppressed"},
                    {}, reading);
  if (const auto* rule = node.Find("rule")) {
    expected.rule = {sigma::ReadText(*rule, "'rule'", reading), rule->place};
  } else {
    reading.Refuse("an entry of 'expect' names no 'rule'", node.place);
  }
  if (const auto* count = node.Find("count")) {
    expected.count = ReadCount(*count, "'count'", reading);
  }
  if (const auto* level = node.Find("level")) {
    expected.level =
        ReadWord(*level, "level", {"informational", "low", "medium", "high", "critical"},
                 sigma::LevelFromString, reading);
  }
  if (const auto* status = node.Find("status")) {
    expected.status = ReadWord(*status, "status", {"firing", "updated", "resolved", "flooded"},
                               StatusFromString, reading)
                          .value_or(AlertStatus::kFiring);
  }
  if (const auto* variant = node.Find("variant")) {
    expected.variant = sigma::ReadText(*variant, "'variant'", reading);
  }
  if (const auto* matched = node.Find("matched")) {
    expected.matched = sigma::ReadText(*matched, "'matched'", reading);
  }
  if (const auto* suppressed = node.Find("suppressed")) {
    expected.suppressed = ReadCount(*suppressed, "'suppressed'", reading);
  }
  if (const auto* group = node.Find("group")) ReadGroup(*group, expected, reading);
  if (const auto* time = node.Find("time")) {
    expected.time = RuleTestBase() + ReadDuration(*time, "'time'", reading);
  }
  if (const auto* text = node.Find("text")) {
    expected.texts = sigma::ReadTexts(*text, "'text'", reading);
  }
  return expected;
}

void ReadExpectations(const yaml::Node& document, RuleTest& test, Reading& reading) {
  if (const auto* expect = document.Find("expect")) {
    if (!expect->IsSequence()) {
      reading.Refuse("'expect' must be a list of alerts", expect->place,
                     "begin each with '- rule: ...'");
    }
    for (const yaml::Node& item : expect->items) {
      test.expect.push_back(ReadExpected(item, reading));
    }
  }
  if (const auto* none = document.Find("expect_none")) {
    test.expect_none = ReadReferences(*none, "'expect_none'", reading);
  }
  if (test.expect.empty() && test.expect_none.empty()) {
    reading.Refuse("the case expects nothing, so it cannot fail", document.place,
                   "add 'expect' or 'expect_none'");
  }
}

// ---------------------------------------------------------------------------------------- cases

const yaml::Node* Needed(const yaml::Node& document, std::string_view key, Reading& reading) {
  const yaml::Node* const node = document.Find(key);
  if (node == nullptr) reading.Refuse(fmt::format("the case has no '{}'", key), document.place);
  return node;
}

std::map<std::string, std::string> ReadTextMap(const yaml::Node& node, std::string_view what,
                                               Reading& reading) {
  std::map<std::string, std::string> texts;
  if (!sigma::ExpectMap(node, what, reading)) return texts;
  for (const yaml::Pair& pair : node.pairs) {
    texts[pair.key.scalar] =
        sigma::ReadText(pair.value, fmt::format("'{}'", pair.key.scalar), reading);
  }
  return texts;
}

RuleTest ReadCase(const yaml::Node& document, const std::string& file, Reading& reading) {
  RuleTest test;
  test.place = document.place;
  if (!sigma::ExpectMap(document, "a rule test", reading)) return test;
  sigma::ExpectKeys(document, "a rule test",
                    {"name", "description", "rules", "shape", "logsource", "settings", "lookups",
                     "lateness", "events", "advance", "expect", "expect_none"},
                    {}, reading);
  if (const auto* name = Needed(document, "name", reading)) {
    test.name = sigma::ReadText(*name, "'name'", reading);
  }
  if (const auto* rules = document.Find("rules")) {
    test.rules = sigma::ReadTexts(*rules, "'rules'", reading);
  }
  if (document.Find("logsource") != nullptr) {
    test.logsource = sigma::ReadLogSource(document, "case", reading);
  }
  if (const auto* settings = document.Find("settings")) {
    if (!sigma::ExpectMap(*settings, "'settings'", reading)) return test;
    for (const yaml::Pair& pack : settings->pairs) {
      test.settings[pack.key.scalar] = ReadTextMap(pack.value, "the settings of a pack", reading);
    }
  }
  if (const auto* lookups = document.Find("lookups")) {
    test.lookups = ReadTextMap(*lookups, "'lookups'", reading);
    for (auto& [table, path] : test.lookups) path = Beside(file, path);
  }
  if (const auto* shape = document.Find("shape")) {
    test.shape = sigma::ReadText(*shape, "'shape'", reading);
    test.shape_place = sigma::TextPlace(*shape);
  }
  if (const auto* lateness = document.Find("lateness")) {
    test.lateness = ReadDuration(*lateness, "'lateness'", reading);
  }
  if (const auto* advance = document.Find("advance")) {
    test.advance = ReadDuration(*advance, "'advance'", reading);
  }
  if (const auto* events = Needed(document, "events", reading)) {
    ReadEvents(*events, file, test, reading);
  }
  ReadExpectations(document, test, reading);
  return test;
}

// The file that a regression entry names, or the JSON of that name beside it.
std::string RegressionFile(const std::string& file, const std::string& named) {
  std::error_code error;
  const bool json = fs::path(named).extension() == ".json";
  if (json && fs::is_regular_file(named, error)) return named;
  return Beside(file, fs::path(named).filename().replace_extension(".json").string());
}

// One entry of `regression_tests_info`: the rule matches events of its file, `match_count` of them
// or more, as upstream has cases of one match whose files hold several.
RuleTest ReadRegression(const yaml::Node& entry, const RuleReference& rule, const std::string& file,
                        Reading& reading) {
  RuleTest test;
  test.place = entry.place;
  test.own_times = true;
  test.match_only = true;
  ExpectedAlert expected;
  expected.rule = rule;
  expected.or_more = true;
  if (!sigma::ExpectMap(entry, "a regression test", reading)) return test;
  if (const auto* name = Needed(entry, "name", reading)) {
    test.name = sigma::ReadText(*name, "'name'", reading);
  }
  if (const auto* count = entry.Find("match_count")) {
    expected.count = ReadCount(*count, "'match_count'", reading);
  }
  test.expect.push_back(std::move(expected));
  const auto* path = Needed(entry, "path", reading);
  if (path == nullptr) return test;
  const std::string events = RegressionFile(file, sigma::ReadText(*path, "'path'", reading));
  const Result<std::string> text = ReadWhole(events, kMaxEventFile);
  if (!text) {
    reading.Refuse(fmt::format("event file '{}' {}", events, text.error().message), path->place);
    return test;
  }
  for (std::string& payload : SplitObjects(*text)) {
    test.events.push_back({RuleTestBase(), std::move(payload), path->place});
  }
  return test;
}

Result<RuleTest> Finish(RuleTest test, const Reading& reading) {
  if (reading.ok()) return test;
  Error error = *reading.error();
  error.fault = Fault::kUsage;
  return tl::unexpected<Error>(std::move(error));
}

void ReadRegressions(const yaml::Node& document, const std::string& file,
                     std::vector<Result<RuleTest>>& tests) {
  CaseReading head_reading;
  Reading& head = head_reading.reading;
  RuleReference rule;
  const yaml::Node* const rules = document.Find("rule_metadata");
  const yaml::Node& entries = *document.Find("regression_tests_info");
  if (rules == nullptr || rules->items.size() != 1 || rules->items[0].Find("id") == nullptr) {
    head.Refuse("'rule_metadata' must name one rule by its 'id'", document.place);
  } else {
    const yaml::Node& id = *rules->items[0].Find("id");
    rule = {sigma::ReadText(id, "'id'", head), id.place};
  }
  if (!entries.IsSequence() || entries.items.empty()) {
    head.Refuse("'regression_tests_info' must be a list of at least one test", entries.place);
  }
  if (!head.ok()) return tests.push_back(Finish({}, head));
  for (const yaml::Node& entry : entries.items) {
    CaseReading entry_reading;
    Reading& reading = entry_reading.reading;
    RuleTest test = ReadRegression(entry, rule, file, reading);
    tests.push_back(Finish(std::move(test), reading));
  }
}

}  // namespace

EventTime RuleTestBase() noexcept {
  constexpr std::int64_t kNewYear2026 = 1'767'225'600'000'000'000;
  return EventTime::Raw(kNewYear2026);
}

std::vector<Result<RuleTest>> ReadRuleTests(std::string_view text, const std::string& file) {
  std::vector<yaml::Node> documents;
  std::optional<Error> fault = yaml::ParseYamlPrefix(text, file, {}, Fault::kUsage, documents);
  std::vector<Result<RuleTest>> tests;
  for (const yaml::Node& document : documents) {
    if (document.Find("regression_tests_info") != nullptr) {
      ReadRegressions(document, file, tests);
      continue;
    }
    CaseReading case_reading;
    Reading& reading = case_reading.reading;
    RuleTest test = ReadCase(document, file, reading);
    tests.push_back(Finish(std::move(test), reading));
  }
  if (fault) tests.emplace_back(tl::unexpected<Error>(std::move(*fault)));
  return tests;
}

std::vector<std::string> SplitObjects(std::string_view text) {
  std::vector<std::string> objects;
  std::size_t begin = 0;
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') {
      if (depth++ == 0) begin = i;
    }
    if ((c == '}' || c == ']') && depth > 0 && --depth == 0) {
      objects.emplace_back(text.substr(begin, i + 1 - begin));
    }
  }
  if (objects.empty() || depth > 0) return {std::string(text)};
  return objects;
}

Result<std::string> ReadWhole(const std::string& path, std::size_t limit) {
  std::error_code error;
  const Place place{path, 0, 0};
  if (!fs::is_regular_file(path, error)) return Fail(Fault::kIo, "is no file", place);
  std::ifstream in(path, std::ios::binary);
  std::string text;
  std::vector<char> block(1 << 16);
  while (in && text.size() <= limit) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    text.append(block.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad() || (!in.eof() && text.size() <= limit)) {
    return Fail(Fault::kIo, "cannot be read", place);
  }
  if (text.size() > limit) {
    return Fail(Fault::kIo, fmt::format("is larger than {} bytes", limit), place);
  }
  return text;
}

}  // namespace faultline::app
