// SPDX-License-Identifier: Apache-2.0
#include "app/terminal.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace faultline::app {
namespace {

TEST(Terminal, ADiagnosticShowsTheLineWithACaretUnderTheColumn) {
  const std::string path = ::testing::TempDir() + "diagnostic.yaml";
  std::ofstream(path) << "kafka:\n  broker: x\n";
  const Error error{
      Fault::kConfig, "kafka.broker: unknown setting", {path, 2, 3}, "did you mean 'brokers'?"};
  EXPECT_EQ(Diagnostic(error, "error", false), path +
                                                   ":2:3: error: kafka.broker: unknown setting\n"
                                                   "     2 |   broker: x\n"
                                                   "       |   ^\n"
                                                   "  -> did you mean 'brokers'?\n");
  std::filesystem::remove(path);
}

TEST(Terminal, NothingInAMessageSteersTheTerminal) {
  const Error error{Fault::kConfig, "bad \x1b[2J text\r\n", {}, "\x07"};
  for (const char c : Diagnostic(error, "error", false)) {
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << static_cast<int>(c);
  }
}

TEST(Terminal, ASummaryIsOneJsonObject) {
  ReplaySummary summary;
  summary.records = 7;
  summary.alerts = 2;
  summary.alerts_by_level[3] = 2;
  summary.alerts_by_rule["a\"b"] = 2;
  const std::string json = SummaryJson(summary);
  EXPECT_NE(json.find("\"records\":7,"), std::string::npos) << json;
  EXPECT_NE(json.find("\"high\":2"), std::string::npos) << json;
  EXPECT_NE(json.find("\"a\\\"b\":2"), std::string::npos) << json;
  EXPECT_NE(json.find("\"journal_entries\":null"), std::string::npos) << "it had none";
  summary.journal_entries = 3;
  summary.late = 1;
  summary.lateness_needed = std::chrono::milliseconds(12'500);
  const std::string more = SummaryJson(summary);
  EXPECT_NE(more.find("\"journal_entries\":3"), std::string::npos) << more;
  EXPECT_NE(more.find("\"lateness_needed_seconds\":12.5"), std::string::npos) << more;
  const std::string text = SummaryText(summary, false);
  EXPECT_NE(text.find("a lateness of 12.500 s would have made none late"), std::string::npos);
}

TEST(Terminal, TheProgressTellsShareRateAndTimeLeft) {
  ReplayProgress progress;
  progress.bytes_read = 25;
  progress.bytes_total = 100;
  progress.records = 1000;
  progress.elapsed = std::chrono::seconds(10);
  EXPECT_EQ(ProgressText(progress, false),
            "[#####...............]  25%  1000 events  100/s  30s left");
}

}  // namespace
}  // namespace faultline::app
