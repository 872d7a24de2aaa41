// SPDX-License-Identifier: Apache-2.0
#include "tests/property/windows_corpus.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests/support/data.h"

namespace faultline::testing {
namespace {

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

std::string Shown(const std::string& what, const Pairs& pairs) {
  if (pairs.empty()) return {};
  std::string text = what + ":\n";
  for (const auto& [line, id] : pairs) text += std::to_string(line) + ' ' + id + '\n';
  return text.substr(0, 4000);
}

sigma::RuleCollection Load(const std::vector<std::string>& folders) {
  Result<sigma::RuleCollection> rules = sigma::LoadRules(folders);
  if (!rules) throw std::runtime_error(rules.error().ToString());
  std::cout << rules->detections.size() << " rules, " << rules->errors.size() << " refused\n";
  return std::move(*rules);
}

}  // namespace

sigma::RuleCollection LoadWindowsRules(const std::filesystem::path& folder) {
  return Load({folder.string()});
}

sigma::RuleCollection LoadAllRules(const std::filesystem::path& sigmahq) {
  return Load({(sigmahq / "rules").string(), (sigmahq / "rules-emerging-threats").string(),
               (sigmahq / "rules-threat-hunting").string()});
}

RecordedPairs::RecordedPairs(const std::filesystem::path& events, const std::string& corpus,
                             const std::vector<sigma::DetectionRule>& rules) {
  const std::set<std::string> unmapped = ReadUnmapped(ReadFile(events / "unmapped-rules.txt"));
  for (const sigma::DetectionRule& rule : rules) {
    if (!unmapped.contains(rule.meta.id)) covered_.insert(rule.meta.id);
  }
  for (const auto& pair : ReadPairs(ReadFile(events / (corpus + ".pairs.tsv")))) {
    if (Covers(pair.second)) expected_.insert(pair);
  }
  const Pairs& more = KnownDifferences().at(corpus);
  expected_.insert(more.begin(), more.end());
}

std::string Difference(const Pairs& expected, const Pairs& found) {
  return Shown("missing", Minus(expected, found)) + Shown("too many", Minus(found, expected));
}

}  // namespace faultline::testing
