// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "tests/property/engine_pairs.h"
#include "tests/reference/evaluator.h"
#include "tests/support/data.h"

namespace faultline::testing {
namespace {

using Pairs = std::set<std::pair<std::size_t, std::string>>;  // line from 0, rule id

constexpr std::size_t kReferenceEvents = 5000;

// Where our answer is more than the recorded one, pair by pair, and right by sigma-semantics.md: the
// recording looked for fields in their Sigma spelling only, while every field, that of `null` too, is
// found where the shape has it and under the name that the log gives it.
const std::map<std::string, Pairs>& KnownDifferences() {
  constexpr char kServiceEnded[] = "acfa2210-0d71-4eeb-b477-afab494d596c";
  constexpr char kLogCleared[] = "100ef69e-3327-481c-8e5c-6d80d9507556";
  static const std::map<std::string, Pairs> kKnown{
      {"windows-mixed",
       {// Provider_Name stands as SourceName, where this shape puts it.
        {237, kServiceEnded},
        {983, kLogCleared},
        {14083, kLogCleared},
        {15058, kLogCleared},
        {22746, kServiceEnded},
        {35848, "d99b79d2-0a6f-4f46-ad8b-260b6e17f982"},
        {39721, kServiceEnded},
        {41633, kServiceEnded},
        {44295, kLogCleared},
        {45529, kServiceEnded},
        {47716, kServiceEnded},
        // A classic PowerShell event without insertion strings: Data is the Message.
        {33677, "30a8cb77-8eb3-4cfb-8e79-ad457c5a4592"}}},
      // `Image: null` and `ParentImage: null` ask for NewProcessName and ParentProcessName, which
      // these events 4688 have.
      {"windows-process-creation",
       {{852, "cbec226f-63d9-4eca-9f52-dfb6652f24df"},
        {2799, "8de1cbe8-d6f5-496d-8237-5f44a721c7a0"}}}};
  return kKnown;
}

sigma::RuleCollection LoadWindowsRules(const std::filesystem::path& folder) {
  Result<sigma::RuleCollection> rules = sigma::LoadRules({folder.string()});
  if (!rules) throw std::runtime_error(rules.error().ToString());
  std::cout << rules->detections.size() << " rules of the subset, " << rules->errors.size()
            << " refused\n";
  return std::move(*rules);
}

// The ids of a file of "line<TAB>id" or "id<TAB>why", by column.
Pairs ReadPairs(const std::string& text) {
  Pairs pairs;
  std::istringstream lines(text);
  for (std::string line, id; lines >> line >> id;) pairs.emplace(std::stoul(line), id);
  return pairs;
}

std::set<std::string> ReadUnmapped(const std::string& text) {
  std::set<std::string> ids;
  std::istringstream lines(text);
  for (std::string id, source; lines >> id >> source;) ids.insert(id);
  return ids;
}

Pairs Minus(const Pairs& left, const Pairs& right) {
  Pairs rest;
  std::set_difference(left.begin(), left.end(), right.begin(), right.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

std::string Shown(const Pairs& pairs) {
  std::string text;
  for (const auto& [line, id] : pairs) text += std::to_string(line) + ' ' + id + '\n';
  return text.substr(0, 4000);
}

// The engine's pairs on all lines of `events` equal the recorded ones of the rules that loaded.
void ExpectRecordedPairs(const std::filesystem::path& rules_folder,
                         const std::filesystem::path& data, const std::string& corpus) {
  EnginePairs engine(LoadWindowsRules(rules_folder));
  const std::set<std::string> unmapped = ReadUnmapped(ReadFile(data / "unmapped-rules.txt"));
  std::set<std::string> compared;
  for (const sigma::DetectionRule& rule : engine.rules().detections()) {
    if (!unmapped.contains(rule.meta.id)) compared.insert(rule.meta.id);
  }
  Pairs expected, found;
  for (const auto& pair : ReadPairs(ReadFile(data / (corpus + ".pairs.tsv")))) {
    if (compared.contains(pair.second)) expected.insert(pair);
  }
  const std::vector<std::string> lines = ReadLines(data / (corpus + ".ndjson.zst"));
  for (std::size_t line = 0; line < lines.size(); ++line) {
    for (const std::uint32_t rule : engine.Match(lines[line])) {
      if (compared.contains(engine.IdOf(rule))) found.emplace(line, engine.IdOf(rule));
    }
  }
  std::cout << expected.size() << " pairs expected, " << found.size() << " found on "
            << lines.size() << " events\n";
  EXPECT_GT(expected.size(), 100u);
  EXPECT_EQ(Shown(Minus(expected, found)), "") << "missing";
  EXPECT_EQ(Shown(Minus(found, expected)), Shown(KnownDifferences().at(corpus))) << "too many";
  EXPECT_EQ(engine.regex_limits_hit(), 0u);
}

TEST(WindowsCorpus, MixedEventsGiveTheRecordedPairs) {
  FAULTLINE_TEST_DATA_OR_LEAVE(rules, "sigmahq/rules/windows");
  FAULTLINE_TEST_DATA_OR_LEAVE(events, "events");
  ExpectRecordedPairs(rules, events, "windows-mixed");
}

TEST(WindowsCorpus, ProcessCreationsGiveTheRecordedPairs) {
  FAULTLINE_TEST_DATA_OR_LEAVE(rules, "sigmahq/rules/windows");
  FAULTLINE_TEST_DATA_OR_LEAVE(events, "events");
  ExpectRecordedPairs(rules, events, "windows-process-creation");
}

TEST(WindowsCorpus, FiveThousandMixedEventsAgreeWithTheReference) {
  FAULTLINE_TEST_DATA_OR_LEAVE(rules_folder, "sigmahq/rules/windows");
  FAULTLINE_TEST_DATA_OR_LEAVE(events, "events/windows-mixed.ndjson.zst");
  EnginePairs engine(LoadWindowsRules(rules_folder));
  const reference::Evaluator reference(engine.rules().detections());
  const std::vector<std::string> lines = ReadLines(events);
  ASSERT_GE(lines.size(), kReferenceEvents);
  // Spread over the file: every tenth.
  for (std::size_t i = 0; i < kReferenceEvents; ++i) {
    const std::size_t line = i * (lines.size() / kReferenceEvents);
    ASSERT_EQ(engine.Match(lines[line]), reference.Match(lines[line])) << "line " << line;
  }
}

}  // namespace
}  // namespace faultline::testing
