// SPDX-License-Identifier: Apache-2.0
// The exchange-cluster pack is silent about what real Windows machines log, and says the same of its
// incidents with and without that around them.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "consumer/file_source.h"
#include "matcher/event/timestamp.h"
#include "tests/golden/exchange_pack.h"
#include "tests/support/data.h"
#include "tests/support/shippers.h"

namespace faultline::app {
namespace {

namespace fs = std::filesystem;

// When an event happened, as its own text says: NXLog's EventTime has no zone and comes last.
EventTime TimeOf(const std::string& payload) {
  for (const std::string_view key :
       {"\"@timestamp\":\"", "\"TimeCreated\":\"", "\"EventTime\":\""}) {
    const std::size_t at = payload.find(key);
    if (at == payload.npos) continue;
    const std::size_t begin = at + key.size();
    const std::string text = payload.substr(begin, payload.find('"', begin) - begin);
    if (const auto time = ParseTimestamp(text)) return *time;
  }
  return EventTime::Min();
}

// The events of a public corpus in the order of their times.
std::vector<Sent> Sorted(const fs::path& corpus) {
  std::vector<Sent> events;
  auto file = FileSource::Open(corpus.string(), {});
  EXPECT_TRUE(file);
  if (!file) return events;
  while (true) {
    const auto record = file->Next();
    EXPECT_TRUE(record);
    if (!record || !*record) break;
    std::string payload((*record)->payload);
    events.push_back({TimeOf(payload), std::move(payload)});
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Sent& a, const Sent& b) { return a.time < b.time; });
  return events;
}

// How many detections hold, whether or not a correlation refers to them.
std::size_t Matches(const RuleSetPtr& rules, const std::vector<Sent>& events) {
  Engine::Options options;
  options.match_only = true;
  Engine engine(rules, options);
  Record record;
  record.source = engine.AddSource({"events", 0}, InputOptions(), nullptr, {});
  Output out;
  std::size_t matches = 0;
  for (const Sent& event : events) {
    record.payload = event.payload;
    engine.Process(record, ReadEdge{}, out);
    ++record.offset;
    for (const Alert& alert : out.alerts)
      ADD_FAILURE() << alert.rule->name << ": " << event.payload;
    matches += out.alerts.size();
    out.Clear();
  }
  return matches;
}

// The story's incidents `later` than told, as different shippers of the corpora send them.
std::vector<Sent> Story(std::chrono::nanoseconds later) {
  constexpr Shape kShapes[] = {Shape::kFlat, Shape::kWinlogbeat, Shape::kNxlog};
  std::vector<Sent> sent;
  for (WindowsEvent event : Incidents()) {
    event.time = event.time + later;
    sent.push_back({event.time, Render(event, kShapes[sent.size() % std::size(kShapes)])});
  }
  return sent;
}

std::vector<Sent> Merged(const std::vector<Sent>& a, const std::vector<Sent>& b) {
  std::vector<Sent> all;
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all),
             [](const Sent& x, const Sent& y) { return x.time < y.time; });
  return all;
}

class Corpus : public ::testing::TestWithParam<const char*> {};

TEST_P(Corpus, NoSignatureMatchesAndNoChainFires) {
  const RuleSetPtr rules = ExchangePack();
  ASSERT_NE(rules, nullptr);
  FAULTLINE_TEST_DATA_OR_LEAVE(path, GetParam());
  const std::vector<Sent> events = Sorted(path);
  ASSERT_GT(events.size(), 3000U);
  EXPECT_EQ(Matches(rules, events), 0U);
  EXPECT_EQ(Difference({}, SaidOf(rules, events, "auto")), "");
}

// The story's week begins with the corpus's densest third.
TEST_P(Corpus, TheStoryIsTheSameInItsMidst) {
  const RuleSetPtr rules = ExchangePack();
  ASSERT_NE(rules, nullptr);
  FAULTLINE_TEST_DATA_OR_LEAVE(path, GetParam());
  const std::vector<Sent> events = Sorted(path);
  const std::vector<Sent> story = Story(events[events.size() / 3].time - Incidents().front().time);
  const std::multiset<Said> expected = SaidOf(rules, story, "auto");
  EXPECT_EQ(expected.size(), 9U);
  EXPECT_EQ(Difference(expected, SaidOf(rules, Merged(events, story), "auto")), "");
}

INSTANTIATE_TEST_SUITE_P(Pack, Corpus,
                         ::testing::Values("events/windows-mixed.ndjson.zst",
                                           "events/windows-process-creation.ndjson.zst"),
                         [](const auto& param) {
                           return param.index == 0 ? "Mixed" : "Creations";
                         });

TEST(SigmaHqRegressionData, NoSignatureMatchesAndNoChainFires) {
  const RuleSetPtr rules = ExchangePack();
  ASSERT_NE(rules, nullptr);
  FAULTLINE_TEST_DATA_OR_LEAVE(folder, "sigmahq/regression_data");
  std::vector<Sent> events;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const std::string text = testing::ReadFile(entry.path());
    for (std::string& value : testing::SplitValues(text)) events.push_back({{}, std::move(value)});
  }
  ASSERT_GE(events.size(), 135U);
  EXPECT_EQ(Matches(rules, events), 0U);
  EXPECT_EQ(Difference({}, SaidOf(rules, events, "auto")), "");
}

TEST(OwnNoise, TheStoryIsTheSameWithoutItsBackground) {
  const RuleSetPtr rules = ExchangePack();
  ASSERT_NE(rules, nullptr);
  StoryOptions options;
  options.background = 20'000;
  std::vector<Sent> told;
  for (StoryRecord& record : TellStory(options)) {
    told.push_back({record.time, std::move(record.payload)});
  }
  std::stable_sort(told.begin(), told.end(),
                   [](const Sent& a, const Sent& b) { return a.time < b.time; });
  EXPECT_EQ(Difference(SaidOf(rules, Story({}), "auto"), SaidOf(rules, told, "auto")), "");
}

}  // namespace
}  // namespace faultline::app
