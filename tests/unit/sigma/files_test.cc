// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {
namespace {

namespace fs = std::filesystem;

std::string Rule(const std::string& title) {
  return "title: " + title + "\nlogsource: {product: x}\ndetection: {s: {a: b}, condition: s}\n";
}

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) / ("faultline-sigma-" + std::to_string(::getpid()));
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& text) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }

  fs::path root_;
};

TEST_F(Files, AFolderIsReadInOrderWithoutItsTests) {
  Write("rules/b.yml", Rule("B"));
  Write("rules/a/x.yaml", Rule("A"));
  Write("rules/tests/t.yml", Rule("no"));
  Write("rules/pack.yaml", "name: p\nversion: 1\ndescription: d\n");
  Write("rules/readme.md", "no");
  const auto rules = LoadRules({(root_ / "rules").string(), (root_ / "rules/b.yml").string()});
  ASSERT_TRUE(rules.has_value());
  ASSERT_EQ(rules->detections.size(), 2U);
  EXPECT_EQ(rules->detections[0].meta.title, "A");
  EXPECT_EQ(rules->detections[1].meta.title, "B");
}

TEST_F(Files, WhatIsNoRegularFileBeneathTheFolderIsRejected) {
  Write("outside.yml", Rule("out"));
  Write("rules/a.yml", Rule("A"));
  Write("rules/large.yml", std::string((1 << 20) + 1, '#'));
  fs::create_symlink(root_ / "outside.yml", root_ / "rules/link.yml");
  fs::create_symlink("nowhere", root_ / "rules/dead.yml");
  const auto rules = LoadRules({(root_ / "rules").string()});
  ASSERT_TRUE(rules.has_value());
  EXPECT_EQ(rules->detections.size(), 1U);
  EXPECT_EQ(rules->errors.size(), 3U);
}

// Everything that a load tells, as text.
std::string Told(const RuleCollection& rules) {
  std::string told;
  for (const DetectionRule& rule : rules.detections)
    told += rule.meta.title + ' ' + rule.semantics.Hex() + '\n';
  for (const CorrelationRule& rule : rules.correlations)
    told += rule.meta.title + ' ' + rule.semantics.Hex() + '\n';
  for (const ReportEntry& entry : rules.report)
    told += entry.file + ' ' + entry.title + ' ' + entry.reason + '\n';
  for (const Error& error : rules.errors) told += error.ToString() + '\n';
  for (const Finding& finding : rules.findings) told += finding.rule + ' ' + finding.message + '\n';
  return told;
}

TEST_F(Files, WhichFileIsReadFirstMeansNothing) {
  for (int i = 0; i < 20; ++i)
    Write("rules/" + std::to_string(i) + ".yml", Rule("R" + std::to_string(i)));
  Write("rules/15b.yml", "title: [\n");
  Write("rules/16b.yml",
        "title: twice\nname: t\n" + Rule("ignored").substr(Rule("ignored").find('\n') + 1));
  Write("rules/17b.yml",
        "title: twice\nname: t\n" + Rule("ignored").substr(Rule("ignored").find('\n') + 1));
  Write("rules/18b.yml",
        "title: c\ncorrelation: {type: event_count, rules: [t], group-by: [u], timespan: 1m, "
        "condition: {gte: 2}}\n");
  Write("rules/4/large.yml", std::string((1 << 20) + 1, '#'));
  fs::create_symlink("nowhere", root_ / "rules/dead.yml");
  LoadOptions backwards;
  backwards.jobs = [](std::size_t count, const Job& job) {
    while (count > 0) job(--count);
  };
  const auto in_order = LoadRules({(root_ / "rules").string()});
  const auto reversed = LoadRules({(root_ / "rules").string()}, backwards);
  ASSERT_TRUE(in_order.has_value() && reversed.has_value());
  EXPECT_EQ(in_order->detections.size(), 20U);
  EXPECT_EQ(in_order->errors.size(), 6U) << Told(*in_order);
  EXPECT_EQ(Told(*in_order), Told(*reversed));
}

TEST_F(Files, AMissingPathIsAnErrorThatNamesIt) {
  const auto rules = LoadRules({(root_ / "nope").string()});
  ASSERT_FALSE(rules.has_value());
  EXPECT_EQ(rules.error().ToString(), (root_ / "nope").string() + ": no such file or folder");
}

}  // namespace
}  // namespace faultline::sigma
