// SPDX-License-Identifier: Apache-2.0
//
// Streams made up to slow the engine down, in small: they match what they should, take time in
// proportion to their bytes, and fill no memory without end. bench/adversarial has them in full.
#include <gtest/gtest.h>
#include <malloc.h>

#include <ctime>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/adversarial/streams.h"
#include "exporters/process_stats.h"
#include "matcher/event/walker.h"
#include "matcher/signature/rule_set.h"
#include "tests/property/engine_pairs.h"
#include "tests/property/windows_corpus.h"
#include "tests/support/data.h"

namespace faultline::testing {
namespace {

constexpr std::size_t kCount = 2000;
constexpr std::size_t kCorpusEvents = 10000;
constexpr double kMostTimes = 20;     // the corpus's time per byte; bench/ asks for 10, undisturbed
constexpr double kMostGrowth = 96e6;  // resident bytes: 32 MiB of memos, classes, tables

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::shared_ptr<const RuleSet> Compile(const std::filesystem::path& folder) {
  sigma::RuleCollection rules = LoadWindowsRules(folder);
  for (auto& rule : sigma::LoadRulesFromText(bench::TriggeredRules(), "own.yml").detections) {
    rules.detections.push_back(std::move(rule));
  }
  auto compiled = RuleSet::Compile(std::move(rules), {});
  if (!compiled) throw std::runtime_error(compiled.error().ToString());
  return *compiled;
}

class Worker {
 public:
  explicit Worker(const std::shared_ptr<const RuleSet>& rules, MatcherOptions options = {})
      : walker_(&rules->fields()), matcher_(rules, options) {}

  // The rules that hold, per event.
  std::vector<std::vector<std::uint32_t>> Match(const std::vector<std::string>& events) {
    std::vector<std::vector<std::uint32_t>> all;
    for (const std::string& text : events) {
      EXPECT_EQ(walker_.Begin(text, {}), WalkFault::kNone) << text.substr(0, 500);
      while (const Event* const event = walker_.Next()) {
        const auto matched = matcher_.Match(*event);
        all.emplace_back(matched.begin(), matched.end());
      }
    }
    return all;
  }

  // The fastest of a few passes, per byte.
  double SecondsPerByte(const std::vector<std::string>& events) {
    double bytes = 0, fastest = 1e9;
    for (const std::string& event : events) bytes += static_cast<double>(event.size());
    for (int pass = 0; pass < 3; ++pass) {
      const double start = CpuSeconds();
      static_cast<void>(Match(events));
      fastest = std::min(fastest, CpuSeconds() - start);
    }
    return fastest / bytes;
  }

 private:
  Walker walker_;
  Matcher matcher_;
};

TEST(Adversarial, StreamsMatchWhatTheyShouldInTimeAndMemory) {
  FAULTLINE_TEST_DATA_OR_LEAVE(folder, "sigmahq/rules/windows");
  FAULTLINE_TEST_DATA_OR_LEAVE(corpus, "events/windows-mixed.ndjson.zst");
  const auto rules = Compile(folder);
  std::vector<std::string> usual = ReadLines(corpus);
  usual.resize(std::min(usual.size(), kCorpusEvents));
  const double usual_time = Worker(rules).SecondsPerByte(usual);

  for (const bench::Stream& stream : bench::AdversarialStreams(kCount)) {
    SCOPED_TRACE(stream.name);
    malloc_trim(0);  // what is free is not there
    const double before = ReadProcessStats().resident_bytes.value_or(0);
    Worker worker(rules);
    const auto found = worker.Match(stream.events);
    ASSERT_EQ(found.size(), stream.events.size());
    EXPECT_EQ(found, Worker(rules, {.memo = false, .witnesses = false}).Match(stream.events));
    if (!stream.plain.empty()) {
      EXPECT_EQ(found, Worker(rules).Match(stream.plain));
    }
    // A pass must not gain from the one before: no value is known.
    const double times = Worker(rules, {.cold = true}).SecondsPerByte(stream.events) / usual_time;
    const double grown = ReadProcessStats().resident_bytes.value_or(0) - before;
    std::cout << stream.name << ": " << times << " times the corpus per byte, " << grown / 1e6
              << " MB more\n";
    EXPECT_LE(times, kMostTimes);
    EXPECT_LE(grown, kMostGrowth);
  }
}

// So that the streams above put to the engine what they say.
TEST(Adversarial, EveryEventOfTheLastStreamMatchesTwoHundredRules) {
  auto rules = RuleSet::Compile(sigma::LoadRulesFromText(bench::TriggeredRules(), "own.yml"), {});
  ASSERT_TRUE(rules);
  const std::vector<bench::Stream> streams = bench::AdversarialStreams(100);
  Worker worker(*rules);
  for (const auto& matched : worker.Match(streams.back().events)) {
    ASSERT_EQ(matched.size(), bench::kTriggered);
  }
}

}  // namespace
}  // namespace faultline::testing
