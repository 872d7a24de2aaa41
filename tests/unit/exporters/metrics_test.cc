// SPDX-License-Identifier: Apache-2.0
#include "exporters/metrics.h"

#include <cstdio>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/data.h"

namespace faultline {
namespace {

std::string RowOf(const MetricSpec& spec) {
  std::string labels;
  for (const std::string_view label : spec.labels) {
    if (!labels.empty()) labels += ", ";
    labels += "`" + std::string(label) + "`";
  }
  return "| `" + std::string(spec.name) + "` | " + std::string(ToString(spec.type)) + " | " +
         labels + " | " + std::string(spec.help) + " |\n";
}

TEST(MetricsTest, TheDocumentHoldsTheTable) {
  const std::string page = testing::ReadFile(testing::SourceDir() / "docs" / "metrics.md");
  const std::string head = "| --- | --- | --- | --- |\n";
  std::string rows;
  for (const MetricSpec& spec : MetricTable()) rows += RowOf(spec);
  const std::size_t begin = page.find(head);
  ASSERT_NE(begin, std::string::npos);
  EXPECT_EQ(page.substr(begin + head.size()), rows);
}

TEST(MetricsTest, NamesAndLabelsAreThoseOfTheContract) {
  const std::set<std::string_view> labels = {"topic", "partition", "rule_id", "filter_id", "level",
                                             "kind",  "stage",     "reason",  "result"};
  std::set<std::string_view> names;
  for (const MetricSpec& spec : MetricTable()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_TRUE(spec.name.starts_with("faultline_") || spec.name.starts_with("process_"));
    EXPECT_EQ(spec.name.ends_with("_total"), spec.type == MetricType::kCounter) << spec.name;
    for (const std::string_view label : spec.labels) {
      EXPECT_TRUE(labels.contains(label) || spec.name == "faultline_build_info") << label;
    }
  }
}

TEST(MetricsTest, WhatTheTableDoesNotHaveAborts) {
  MetricWriter writer;
  EXPECT_DEATH(writer.Counter("made_up_total", {}, 1), "");
  EXPECT_DEATH(writer.Gauge("rebalances_total", {}, 1), "");
  EXPECT_DEATH(writer.Counter("dead_letters_total", {}, 1), "");
  EXPECT_DEATH(writer.Counter("dead_letters_total", {{"topic", "t"}}, 1), "");
  EXPECT_DEATH(writer.Histogram("late_seconds", {}, {{10}, {1}, 1}), "");
}

TEST(MetricsTest, CountersAddUpAndGaugesStand) {
  Metrics metrics("1.2.3", EventTime());
  for (const double value : {1.0, 2.0}) {
    metrics.Add([value](MetricWriter& writer) {
      writer.Counter("rebalances_total", {}, value);
      writer.Gauge("windows_open", {}, value);
      writer.Histogram("late_seconds", {}, {{10}, {1, 1}, value});
    });
  }
  const std::string text = metrics.Render();
  EXPECT_NE(text.find("\nfaultline_rebalances_total 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nfaultline_windows_open 2\n"), std::string::npos);
  EXPECT_NE(text.find("\nfaultline_late_seconds_count 4\n"), std::string::npos);
  EXPECT_NE(text.find("\nfaultline_late_seconds_sum 3\n"), std::string::npos);
  EXPECT_NE(text.find("faultline_late_seconds_bucket{le=\"10\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("faultline_build_info{version=\"1.2.3\"} 1\n"), std::string::npos);
  EXPECT_EQ(text.find("faultline_reloads_total"), std::string::npos);
}

TEST(MetricsTest, PromtoolTakesThePageWithHostileLabels) {
  Metrics metrics("1.2.3", EventTime());
  metrics.Add([](MetricWriter& writer) {
    writer.Counter("rule_matches_total", {{"rule_id", "a\"b\\c\nd\xFF"}}, 1);
    writer.Histogram("late_seconds", {}, {{10, 60}, {1, 0, 2}, 400});
  });
  std::FILE* promtool = popen("promtool check metrics", "w");
  ASSERT_NE(promtool, nullptr);
  const std::string text = metrics.Render();
  EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), promtool), text.size());
  EXPECT_EQ(pclose(promtool), 0) << text;
}

}  // namespace
}  // namespace faultline
