// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "tests/property/engine_pairs.h"
#include "tests/property/windows_corpus.h"
#include "tests/reference/evaluator.h"
#include "tests/support/data.h"

namespace faultline::testing {
namespace {

constexpr std::size_t kReferenceEvents = 5000;

// The engine's pairs on all lines of `events` equal the recorded ones of the rules that loaded.
void ExpectRecordedPairs(const std::filesystem::path& rules_folder,
                         const std::filesystem::path& events, const std::string& corpus) {
  EnginePairs engine(LoadWindowsRules(rules_folder));
  const RecordedPairs recorded(events, corpus, engine.rules().detections());
  const std::vector<std::string> lines = ReadLines(events / (corpus + ".ndjson.zst"));
  Pairs found;
  for (std::size_t line = 0; line < lines.size(); ++line) {
    for (const std::uint32_t rule : engine.Match(lines[line])) {
      if (recorded.Covers(engine.IdOf(rule))) found.emplace(line, engine.IdOf(rule));
    }
  }
  std::cout << recorded.expected().size() << " pairs expected, " << found.size() << " found on "
            << lines.size() << " events\n";
  EXPECT_GT(recorded.expected().size(), 100u);
  EXPECT_EQ(Difference(recorded.expected(), found), "");
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
