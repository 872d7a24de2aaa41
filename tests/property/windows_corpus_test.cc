// SPDX-License-Identifier: Apache-2.0
//
// All of SigmaHQ's rules on both public corpora: what the engine finds is what was recorded, and what
// the reference evaluator finds.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "tests/property/engine_pairs.h"
#include "tests/property/windows_corpus.h"
#include "tests/reference/evaluator.h"
#include "tests/support/data.h"

namespace faultline::testing {
namespace {

// Every how many events the reference, which tries each rule on each, is asked. FAULTLINE_EVERY=1
// (`make corpus`) asks it for all.
std::size_t Every() {
  const char* const every = std::getenv("FAULTLINE_EVERY");
  return every == nullptr ? 10 : std::stoul(every);
}

class WindowsCorpus : public ::testing::TestWithParam<std::string> {};

TEST_P(WindowsCorpus, AllRulesFindTheRecordedPairsAndThoseOfTheReference) {
  FAULTLINE_TEST_DATA_OR_LEAVE(sigmahq, "sigmahq");
  FAULTLINE_TEST_DATA_OR_LEAVE(events, "events");
  EnginePairs engine(LoadAllRules(sigmahq));
  const RecordedPairs recorded(events, GetParam(),
                               LoadWindowsRules(sigmahq / "rules/windows").detections);
  const reference::Evaluator reference(engine.rules().detections());
  const std::vector<std::string> lines = ReadLines(events / (GetParam() + ".ndjson.zst"));
  const std::size_t every = Every();
  Pairs found;
  std::size_t compared = 0;
  for (std::size_t line = 0; line < lines.size(); ++line) {
    const std::vector<std::uint32_t> rules = engine.Match(lines[line]);
    for (const std::uint32_t rule : rules) {
      if (recorded.Covers(engine.IdOf(rule))) found.emplace(line, engine.IdOf(rule));
    }
    if (line % every != 0) continue;
    ASSERT_EQ(rules, reference.Match(lines[line])) << "line " << line;
    ++compared;
  }
  std::cout << engine.rules().detections().size() << " rules on " << lines.size()
            << " events: " << recorded.expected().size() << " pairs recorded, " << found.size()
            << " found; " << compared << " events asked of the reference\n";
  EXPECT_GT(recorded.expected().size(), 100u);
  EXPECT_EQ(Difference(recorded.expected(), found), "");
  EXPECT_EQ(engine.regex_limits_hit(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Corpora, WindowsCorpus,
                         ::testing::Values("windows-mixed", "windows-process-creation"),
                         [](const auto& corpus) {
                           return std::string(corpus.param == "windows-mixed" ? "Mixed"
                                                                              : "ProcessCreations");
                         });

}  // namespace
}  // namespace faultline::testing
