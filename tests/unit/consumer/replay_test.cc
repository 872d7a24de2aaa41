// SPDX-License-Identifier: Apache-2.0
#include "consumer/replay.h"

#include <algorithm>
#include <set>

#include "tests/unit/consumer/support.h"

namespace faultline {
namespace {

using testing::Event;
using testing::kAlarmRule;
using testing::kBothRule;
using testing::KeepingSink;
using testing::TempDir;

struct Replayed {
  KeepingSink sink;
  ReplaySummary summary;
  Result<void> result;

  [[nodiscard]] std::set<std::string> Ids() const {
    std::set<std::string> ids;
    for (const Alert& alert : sink.alerts) ids.insert(alert.id.Hex());
    return ids;
  }
};

Replayed Replaying(const std::vector<ReplayFile>& files, const ReplayOptions& options = {}) {
  static const auto rules = testing::Rules(testing::kRules);
  Replayed replayed;
  replayed.result = ReplayFiles(rules, files, options, replayed.sink, replayed.summary);
  return replayed;
}

std::string Envelope(int partition, int offset, const std::string& event) {
  std::string escaped;
  for (const char c : event) {
    if (c == '"') escaped.push_back('\\');
    escaped.push_back(c);
  }
  return R"({"topic":"t","partition":)" + std::to_string(partition) + R"(,"offset":)" +
         std::to_string(offset) + R"(,"payload":")" + escaped + "\"}\n";
}

TEST(Replay, CountsAndAlertsWithTrueOrigins) {
  const TempDir dir;
  const std::string path = dir.Write(
      "x.ndjson", Event("other", 1) + "\n" + Event("alarm", 2) + "\nbroken\n" + Event("alarm", 3));
  const Replayed replayed = Replaying({{path, SourceName{"events", 4}}});
  ASSERT_TRUE(replayed.result);
  ASSERT_EQ(replayed.sink.alerts.size(), 2U);
  EXPECT_EQ(replayed.sink.alerts[0].evidence.at(0).origin, (Origin{{"events", 4}, 1, 0}));
  EXPECT_EQ(replayed.sink.alerts[1].evidence.at(0).origin, (Origin{{"events", 4}, 3, 0}));
  ASSERT_EQ(replayed.sink.dead.size(), 1U);
  EXPECT_EQ(replayed.sink.dead[0].payload, "broken");
  EXPECT_EQ(replayed.sink.dead[0].offset, 2);
  EXPECT_EQ(replayed.summary.records, 4U);
  EXPECT_EQ(replayed.summary.events, 3U);
  EXPECT_EQ(replayed.summary.dead_letters, 1U);
  EXPECT_EQ(replayed.summary.invalid.at("json"), 1U);
  EXPECT_EQ(replayed.summary.alerts_by_rule.at(kAlarmRule), 2U);
  EXPECT_EQ(replayed.summary.alerts_by_level.at(3), 2U);
}

// The two halves lie in files that are read one long after the other by line count, not by time.
TEST(Replay, JoinsFilesByEventTimeWhateverTheirLength) {
  const TempDir dir;
  std::string crowded;
  for (int second = 0; second < 600; ++second) crowded += Event("other", second) + "\n";
  crowded += Event("a", 600) + "\n" + Event("other", 1200);
  const std::string sparse = Event("other", 0) + "\n" + Event("b", 630);
  for (const bool turned : {false, true}) {
    std::vector<ReplayFile> files = {{dir.Write("1", crowded), SourceName{"t", 0}},
                                     {dir.Write("2", sparse), SourceName{"t", 1}}};
    if (turned) std::swap(files[0], files[1]);
    const Replayed replayed = Replaying(files);
    ASSERT_TRUE(replayed.result);
    ASSERT_EQ(replayed.sink.alerts.size(), 1U);
    EXPECT_EQ(replayed.summary.alerts_by_rule.at(kBothRule), 1U);
  }
}

TEST(Replay, EnvelopesOfSeveralPartitionsGiveTheIdsOfPlainFilesNamedSo) {
  const TempDir dir;
  const std::string one = Event("a", 1) + "\n" + Event("other", 900) + "\n";
  const std::string two = Event("b", 30) + "\n" + Event("alarm", 31) + "\n";
  const Replayed plain = Replaying(
      {{dir.Write("1", one), SourceName{"t", 0}}, {dir.Write("2", two), SourceName{"t", 1}}});
  const std::string envelopes = Envelope(0, 0, Event("a", 1)) +
                                Envelope(0, 1, Event("other", 900)) +
                                Envelope(1, 0, Event("b", 30)) + Envelope(1, 1, Event("alarm", 31));
  const Replayed archive = Replaying({{dir.Write("e", envelopes), std::nullopt}});
  ASSERT_TRUE(plain.result && archive.result);
  EXPECT_EQ(plain.Ids().size(), 2U);
  EXPECT_EQ(plain.Ids(), archive.Ids());

  // The same partitions spread over two files, as a rotated archive has them.
  const std::string first = Envelope(0, 0, Event("a", 1)) + Envelope(1, 0, Event("b", 30));
  const std::string second =
      Envelope(0, 1, Event("other", 900)) + Envelope(1, 1, Event("alarm", 31));
  const Replayed rotated =
      Replaying({{dir.Write("f", first), std::nullopt}, {dir.Write("s", second), std::nullopt}});
  ASSERT_TRUE(rotated.result);
  EXPECT_EQ(plain.Ids(), rotated.Ids());
}

TEST(Replay, WritesOnlyAlertsBetweenSinceAndUntil) {
  const TempDir dir;
  std::string lines;
  for (int second = 0; second < 100; ++second) lines += Event("alarm", second) + "\n";
  ReplayOptions options;
  options.since = EventTime::FromCivil(2026, 1, 1, 0, 0, 10, 0);
  options.until = EventTime::FromCivil(2026, 1, 1, 0, 0, 20, 0);
  const Replayed replayed = Replaying({{dir.Write("1", lines), std::nullopt}}, options);
  ASSERT_EQ(replayed.sink.alerts.size(), 10U);
  EXPECT_EQ(replayed.sink.alerts.front().time, *options.since);
  EXPECT_LT(replayed.sink.alerts.back().time, *options.until);
  EXPECT_LT(replayed.summary.records, 100U);  // reading ended once the watermark was past it
}

// A clock that stands.
class StoppedClock final : public Clock {
 public:
  explicit StoppedClock(EventTime now) : now_(now) {}
  EventTime Now() const noexcept override { return now_; }
  std::chrono::nanoseconds Steady() const noexcept override { return {}; }

 private:
  EventTime now_;
};

TEST(Replay, WithAJournalItTakesTimesFromThereAndFromNoClock) {
  const TempDir dir;
  const std::string early = dir.Write("1", Event("a", 10) + "\n" + Event("b", 3000));
  const std::vector<ReplayFile> files = {{early, SourceName{"t", 0}}};
  const StoppedClock before(*EventTime::FromCivil(2025, 1, 1, 0, 0, 0, 0));
  ReplayOptions options;
  options.clock = &before;
  EXPECT_EQ(Replaying(files, options).summary.substituted, 2U);  // by the clock
  options.journal.emplace();
  const Replayed own = Replaying(files, options);
  EXPECT_EQ(own.summary.substituted, 0U);
  EXPECT_EQ(own.summary.journal_entries, 0U);
  EXPECT_EQ(own.sink.alerts.size(), 0U);
  JournalEntry entry;
  entry.source = {"t", 0};
  entry.offset = 1;
  entry.time = *EventTime::FromCivil(2026, 1, 1, 0, 0, 20, 0);
  (*options.journal)[entry.source] = {entry};
  const Replayed told = Replaying(files, options);
  EXPECT_EQ(told.summary.substituted, 1U);
  EXPECT_EQ(told.summary.journal_entries, 1U);
  ASSERT_EQ(told.sink.alerts.size(), 1U);
  EXPECT_EQ(told.sink.alerts[0].time, entry.time);
  // A return of the source behind both times: too late for the chain.
  entry.kind = JournalEntry::Kind::kReturn;
  entry.domain = options.engine.domain;
  entry.frontier = OrderPoint::Before(*EventTime::FromCivil(2026, 1, 1, 0, 0, 30, 0));
  (*options.journal)[entry.source].push_back(entry);
  const Replayed late = Replaying(files, options);
  EXPECT_EQ(late.sink.alerts.size(), 0U);
  ASSERT_EQ(late.sink.late.size(), 1U);
  EXPECT_EQ(late.sink.late[0].cause, "idle");
}

TEST(Replay, AStopEndsItWithWhatWasRead) {
  const TempDir dir;
  std::stop_source stop;
  stop.request_stop();
  ReplayOptions options;
  options.stop = stop.get_token();
  const Replayed replayed = Replaying({{dir.Write("1", Event("alarm", 1)), std::nullopt}}, options);
  EXPECT_TRUE(replayed.result);
  EXPECT_TRUE(replayed.summary.stopped);
  EXPECT_EQ(replayed.summary.records, 0U);
}

TEST(Replay, ADamagedFileEndsItAfterTheGoodPart) {
  const TempDir dir;
  const std::string good = dir.Write("good", Event("alarm", 1) + "\n");
  const Replayed replayed =
      Replaying({{good, std::nullopt}, {dir.Write("bad.zst", "none"), std::nullopt}});
  ASSERT_FALSE(replayed.result);
  EXPECT_EQ(replayed.result.error().fault, Fault::kData);
}

TEST(Replay, RefusesTwoFilesOfOneOrigin) {
  const TempDir dir;
  const std::string path = dir.Write("1", Event("alarm", 1));
  const Replayed replayed = Replaying({{path, std::nullopt}, {path, std::nullopt}});
  ASSERT_FALSE(replayed.result);
  EXPECT_EQ(replayed.result.error().fault, Fault::kUsage);
}

TEST(Replay, ReadsPartitionNames) {
  EXPECT_EQ(*ParseSourceName("a:b:12"), (SourceName{"a:b", 12}));
  for (const char* bad : {"", "a", ":1", "a:", "a:-1", "a:1x", "a:99999999999"}) {
    EXPECT_FALSE(ParseSourceName(bad)) << bad;
  }
}

}  // namespace
}  // namespace faultline
