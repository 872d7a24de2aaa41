// SPDX-License-Identifier: Apache-2.0
#include "exporters/process_stats.h"

#include <string>

#include <gtest/gtest.h>

namespace faultline {
namespace {

constexpr const char* kLine =
    "7 (a) b) S 1 1 1 0 -1 4 0 0 0 0 150 50 0 0 20 0 1 0 1000 8192 3 18446744073709551615";

TEST(ProcessStatsTest, ReadsBehindTheLastParenthesis) {
  const ProcessStats stats = ParseProcessStat(kLine, 100, 4096, 5.0);
  EXPECT_EQ(stats.cpu_seconds, 2.0);
  EXPECT_EQ(stats.start_time_seconds, 15.0);
  EXPECT_EQ(stats.virtual_bytes, 8192.0);
  EXPECT_EQ(stats.resident_bytes, 12288.0);
}

TEST(ProcessStatsTest, WhatIsNoNumberIsAbsent) {
  std::string line = kLine;
  line.replace(line.find("8192"), 4, "what");
  const ProcessStats stats = ParseProcessStat(line, 100, 4096, std::nullopt);
  EXPECT_FALSE(stats.virtual_bytes);
  EXPECT_FALSE(stats.start_time_seconds);
  EXPECT_EQ(stats.resident_bytes, 12288.0);
  EXPECT_FALSE(ParseProcessStat("7 (a) S 1", 100, 4096, 5.0).cpu_seconds);
  EXPECT_FALSE(ParseProcessStat("", 100, 4096, 5.0).cpu_seconds);
}

}  // namespace
}  // namespace faultline
