// SPDX-License-Identifier: Apache-2.0
#include "exporters/text_sink.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "exporters/escape.h"
#include "tests/support/data.h"
#include "tests/support/program.h"
#include "tests/unit/exporters/alerts.h"

namespace faultline {
namespace {

using testing::ChainAlert;
using testing::ContextOfTests;
using testing::DetectionAlert;
using testing::HostileAlert;

constexpr TextFormat kAllFormats[] = {TextFormat::kNdjson, TextFormat::kJson, TextFormat::kTable,
                                      TextFormat::kCsv, TextFormat::kCard};

struct Closer {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

// What a sink writes for these alerts, its end included.
std::string Written(const std::vector<Alert>& alerts, TextSink::Options options) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder.path() / "out").string();
  {
    const File file(std::fopen(path.c_str(), "w"));
    const testing::StandingClock clock;
    TextSink sink(file.get(), std::move(options), ContextOfTests(), clock);
    for (const Alert& alert : alerts) EXPECT_TRUE(sink.WriteAlert(alert));
    EXPECT_TRUE(sink.Finish());
    EXPECT_EQ(sink.alerts(), alerts.size());
  }
  return testing::ReadFile(path);
}

std::string Written(const std::vector<Alert>& alerts, TextFormat format) {
  TextSink::Options options;
  options.format = format;
  return Written(alerts, std::move(options));
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  EXPECT_EQ(begin, text.size()) << "the last line does not end";
  return lines;
}

TEST(TextSinkTest, NdjsonIsARecordPerLine) {
  const std::string text = Written({DetectionAlert(), ChainAlert()}, TextFormat::kNdjson);
  const AlertContext context = ContextOfTests();  // stamped at the clock's time
  EXPECT_EQ(text,
            AlertJson(DetectionAlert(), context) + "\n" + AlertJson(ChainAlert(), context) + "\n");
  EXPECT_EQ(Written({}, TextFormat::kNdjson), "");
}

TEST(TextSinkTest, JsonIsOneArray) {
  for (const int count : {0, 1, 3}) {
    const std::vector<Alert> alerts(static_cast<std::size_t>(count), HostileAlert());
    testing::Program jq({"jq", "-r", "length"}, Written(alerts, TextFormat::kJson));
    EXPECT_EQ(jq.Wait(), 0) << jq.Errors();
    EXPECT_EQ(jq.Output(), std::to_string(count) + "\n");
  }
}

TEST(TextSinkTest, ATableHasAHeadAndALinePerAlert) {
  TextSink::Options options;
  options.format = TextFormat::kTable;
  options.width = 120;
  const auto lines = LinesOf(Written({DetectionAlert(), ChainAlert()}, options));
  ASSERT_EQ(lines.size(), 3U);
  const auto line = [](std::string time, std::string level, std::string rule, std::string group,
                       const std::string& origin) {
    time.resize(25, ' ');
    level.resize(14, ' ');
    rule.resize(34, ' ');
    group.resize(24, ' ');
    return time + level + rule + group + origin;
  };
  EXPECT_EQ(lines[0], line("TIME", "LEVEL", "RULE", "GROUP", "ORIGIN"));
  EXPECT_EQ(lines[1],
            line("2026-11-23T12:00:07.000Z", "high", "Service stopped", "", "events[1]@7"));
  EXPECT_EQ(lines[2],
            "2026-11-23T12:00:20.000Z critical      "
            "Directory restore meets a regist\u2026 Computer=NODE1          events[1]@20");
  EXPECT_EQ(Written({}, TextFormat::kTable), "");
}

TEST(TextSinkTest, NoLineOfATableIsWiderThanAsked) {
  Alert wide = ChainAlert();
  testing::ChangeRule(wide, [](sigma::Metadata& rule) {
    rule.title = "日本語の長い題名がここにあります日本語の長い題名";
  });
  wide.group = {{"Computer", std::string(300, 'x')}};
  for (const std::size_t width : {std::size_t{1}, std::size_t{60}, std::size_t{100}}) {
    TextSink::Options options;
    options.format = TextFormat::kTable;
    options.width = width;
    for (const std::string& line : LinesOf(Written({wide, HostileAlert()}, options))) {
      EXPECT_LE(DisplayWidth(line), std::max<std::size_t>(width, 60)) << line;
    }
  }
}

// Python's reader as the judge of quoting.
TEST(TextSinkTest, CsvReadsBack) {
  Alert alert = ChainAlert();
  testing::ChangeRule(alert, [](sigma::Metadata& rule) { rule.title = "a, \"b\"\nc"; });
  alert.group = {{"Computer", "N,1"}, {"User", "x"}};
  Alert without = DetectionAlert();
  without.evidence.clear();
  testing::Program python(
      {"python3", "-c", "import csv,sys\nfor row in csv.reader(sys.stdin): print('|'.join(row))"},
      Written({alert, without}, TextFormat::kCsv));
  EXPECT_EQ(python.Wait(), 0) << python.Errors();
  EXPECT_EQ(python.Output(),
            "time|status|kind|level|rule|title|group|topic|partition|offset|id\n"
            "2026-11-23T12:00:20.000Z|firing|chain|critical|0a1b|a, \"b\" c|"
            "Computer=N,1; User=x|events|1|20|00000000000000010000000000000002\n"
            "2026-11-23T12:00:07.000Z|firing|detection|high|0a1b|Service stopped|||||"
            "00000000000000010000000000000002\n");
  EXPECT_EQ(LinesOf(Written({}, TextFormat::kCsv)).size(), 1U);
}

TEST(TextSinkTest, ACardTellsCauseRemedyAndEvidence) {
  Alert alert = ChainAlert();
  alert.evidence[1].origin.index = 3;
  alert.evidence_total = 5;
  alert.degraded = true;
  std::string bar;
  for (int i = 0; i < 100; ++i) bar += "\u2500";
  EXPECT_EQ(Written({alert}, TextFormat::kCard),
            bar +
                "\n"
                "CRITICAL  Directory restore meets a registry checkpoint\n"
                "time        2026-11-23T12:00:20.000Z\n"
                "group       Computer=NODE1\n"
                "window      temporal from 2026-11-23T12:00:00.000Z to 2026-11-23T12:00:20.000Z, "
                "2 of 2\n"
                "matched     2 of 2\n"
                "cause       The checkpoint writes back an old key.\n"
                "impact      The directory does not start.\n"
                "remedy      1. Remove the checkpoint.\n"
                "            2. Restore again.\n"
                "evidence    events[1]@0 2026-11-23T12:00:00.000Z cluster-failed\n"
                "              resource=Directory\n"
                "            events[1]@20#3 2026-11-23T12:00:20.000Z ds-error\n"
                "            and 3 more\n"
                "references  Q188674\n"
                "runbook     https://example.org/run\n"
                "degraded    state of this rule was lost: there may be more\n"
                "            firing, seq 0, id 00000000000000010000000000000002\n");
}

TEST(TextSinkTest, ACardWrapsAtItsWidth) {
  Alert alert = ChainAlert();
  alert.explanation.cause = std::string();
  for (int i = 0; i < 60; ++i) alert.explanation.cause += "word" + std::to_string(i) + " ";
  const std::string card = AlertCard(alert, false, 60);
  for (const std::string& line : LinesOf(card)) EXPECT_LE(DisplayWidth(line), 60U) << line;
  for (int i = 0; i < 60; ++i) EXPECT_NE(card.find("word" + std::to_string(i)), std::string::npos);
}

// Without colours no control character but the line's end; with colours only ours.
TEST(TextSinkTest, NoFormatLetsControlCharactersThrough) {
  for (const TextFormat format : kAllFormats) {
    for (const bool color : {false, true}) {
      TextSink::Options options;
      options.format = format;
      options.color = color;
      std::string text = Written({HostileAlert()}, options);
      for (const std::string sequence :
           {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[1;35m"}) {
        for (std::size_t at = 0; color && (at = text.find(sequence)) != std::string::npos;) {
          text.erase(at, sequence.size());
        }
      }
      for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = DecodeUtf8(text, at);
        EXPECT_TRUE(point.valid) << static_cast<int>(format) << " at " << at;
        EXPECT_TRUE(point.code == '\n' || !IsUnsafe(point.code))
            << static_cast<int>(format) << ": " << static_cast<unsigned>(point.code);
        at += point.length;
      }
    }
  }
}

TEST(TextSinkTest, ColourIsOnlyThereWhenAskedFor) {
  for (const TextFormat format : {TextFormat::kTable, TextFormat::kCard}) {
    TextSink::Options options;
    options.format = format;
    EXPECT_EQ(Written({ChainAlert()}, options).find('\x1b'), std::string::npos);
    options.color = true;
    EXPECT_NE(Written({ChainAlert()}, options).find("\x1b[1;35m"), std::string::npos);
  }
}

TEST(TextSinkTest, AFullDiskIsAnErrorAtOnceOrAtTheEnd) {
  for (const TextFormat format : kAllFormats) {
    for (const bool flush_each : {true, false}) {
      const File full(std::fopen("/dev/full", "w"));
      ASSERT_NE(full, nullptr);
      TextSink::Options options;
      options.format = format;
      options.flush_each = flush_each;
      options.name = "alerts.out";
      const testing::StandingClock clock;
      TextSink sink(full.get(), options, ContextOfTests(), clock);
      Result<void> result = sink.WriteAlert(ChainAlert());
      EXPECT_EQ(result.has_value(), !flush_each);
      if (!flush_each) result = sink.Finish();
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().fault, Fault::kIo);
      EXPECT_EQ(result.error().message, "cannot write to alerts.out: No space left on device");
      // And it stays one.
      EXPECT_FALSE(sink.Finish());
    }
  }
}

TEST(TextSinkTest, CountsWhatItDoesNotWrite) {
  const File none(std::fopen("/dev/full", "w"));  // writing anything would fail
  ASSERT_NE(none, nullptr);
  const testing::StandingClock clock;
  TextSink sink(none.get(), {}, ContextOfTests(), clock);
  EXPECT_TRUE(sink.WriteDeadLetter({}, {}, {}));
  EXPECT_TRUE(sink.WriteLate({}));
  EXPECT_TRUE(sink.WriteLate({}));
  EXPECT_TRUE(sink.WriteJournal({}));
  EXPECT_TRUE(sink.Finish());
  EXPECT_EQ(sink.dead_letters(), 1U);
  EXPECT_EQ(sink.late(), 2U);
  EXPECT_EQ(sink.alerts(), 0U);
}

}  // namespace
}  // namespace faultline
