// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace faultline {
namespace {

TEST(LogValue, LeavesPlainWordsAlone) {
  EXPECT_EQ(LogValue("kafka1:9092"), "kafka1:9092");
  EXPECT_EQ(LogValue("caf\xc3\xa9"), "caf\xc3\xa9");
}

TEST(LogValue, QuotesWhatCouldForgeALine) {
  EXPECT_EQ(LogValue(""), "\"\"");
  EXPECT_EQ(LogValue("a b"), "\"a b\"");
  EXPECT_EQ(LogValue("a\nb"), "\"a\\x0ab\"");
  EXPECT_EQ(LogValue("\"\\"), "\"\\\"\\\\\"");
  EXPECT_EQ(LogValue("\x1b[2J"), "\"\\x1b[2J\"");
}

TEST(LogValue, NoControlCharacterComesThrough) {
  for (int c = 0; c < 256; ++c) {
    const std::string value = LogValue(std::string(1, static_cast<char>(c)));
    EXPECT_TRUE(std::none_of(value.begin(), value.end(), [](char v) {
      return static_cast<unsigned char>(v) < 0x20 || v == 0x7f;
    })) << c;
  }
}

TEST(Log, IsBoundedPerEventName) {
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 100; ++i) Log(LogLevel::kWarning, "log_test_flood", "n=1");
  Log(LogLevel::kWarning, "log_test_other");
  const std::string text = ::testing::internal::GetCapturedStderr();
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = text.find("log_test_flood", at)) != std::string::npos; ++at)
    ++lines;
  EXPECT_LE(lines, 40u);  // two spans, should the clock step from one to the next
  EXPECT_GE(lines, 20u);
  EXPECT_NE(text.find("log_test_other"), std::string::npos);
}

}  // namespace
}  // namespace faultline
