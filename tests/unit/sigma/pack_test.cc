// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/pack.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {
namespace {

constexpr const char* kPack = R"(name: disks
version: 1.2.3
description: Disks.
fields: [Computer]
lookups:
  cluster: {columns: [computer, cluster], description: Who belongs together.}
settings:
  window: {default: 10m, description: How long.}
  margin: {default: 500, unit: changes}
  share: {default: 0.5}
  owner: {default: nobody}
  code: {default: "10m"}
)";

std::string Rule(const std::string& lookup) {
  return "title: R\nname: r\nlogsource: {product: x}\ndetection: {s: {a: b}, condition: s}\n"
         "faultline:\n  lookup: " +
         lookup + "\n";
}

const std::string kLookup = "{field: cluster, from: Computer, table: cluster, default: from}";
const std::string kTable = "computer,cluster\nNODE1,EX1\n";

std::vector<TextFile> Files(const std::string& rule, const std::string& pack = kPack,
                            const std::string& table = kTable) {
  return {{"p/disks/pack.yaml", pack},
          {"p/disks/lookups/cluster.csv", table},
          {"p/disks/sub/r.yml", rule},
          {"mine.csv", "computer,cluster\nNODE1,MINE\n"},
          {"keyed.csv", "cluster,computer\nEX1,NODE1\n"},
          {"short.csv", "computer\nNODE1\n"}};
}

std::string Complaint(const std::vector<TextFile>& files, const LoadOptions& options = {}) {
  const auto rules = LoadRulesFromFiles(files, options);
  if (!rules) return rules.error().ToString();
  if (!rules->errors.empty()) return rules->errors.front().ToString();
  if (rules->findings.empty()) return "fine";
  const Finding& last = rules->findings.back();
  return last.code == "unused-setting" ? last.message + "; " + last.remedy : "fine";
}

TEST(Pack, ARuleHasTheTablesOfThePackAboveIt) {
  const auto rules = LoadRulesFromFiles(Files(Rule(kLookup)));
  ASSERT_TRUE(rules) << rules.error().ToString();
  ASSERT_EQ(rules->detections.size(), 1U) << rules->errors.front().ToString();
  const Lookup& lookup = rules->detections[0].lookups.at(0);
  EXPECT_EQ(lookup.field, "cluster");
  EXPECT_EQ(lookup.from, "Computer");
  EXPECT_EQ(lookup.otherwise, Lookup::Default::kFrom);
  EXPECT_EQ(*lookup.rows->Find("node1", lookup.column), "EX1");
}

TEST(Pack, TheConfigurationReplacesATableAndAddsOthers) {
  LoadOptions options;
  options.lookups = {{"cluster", "mine.csv"}};
  auto rules = LoadRulesFromFiles(Files(Rule(kLookup)), options);
  ASSERT_TRUE(rules) << rules.error().ToString();
  const Lookup& lookup = rules->detections.at(0).lookups.at(0);
  EXPECT_EQ(*lookup.rows->Find("node1", lookup.column), "MINE");

  std::vector<TextFile> outside = Files(Rule(kLookup));
  outside[2].path = "other/r.yml";
  EXPECT_EQ(Complaint(outside),
            "other/r.yml:6:51: rule 'R': unknown lookup table 'cluster'; name it under 'lookups' "
            "in pack.yaml or in rules.lookups");
  EXPECT_EQ(Complaint(outside, options), "fine");
}

TEST(Pack, WhatARuleMeansDoesNotHangOnTheTable) {
  const auto semantics = [](const std::vector<TextFile>& files) {
    return LoadRulesFromFiles(files)->detections.at(0).semantics;
  };
  const Digest usual = semantics(Files(Rule(kLookup)));
  EXPECT_EQ(usual, semantics(Files(Rule(kLookup), kPack, "computer,cluster\n")));
  EXPECT_NE(usual, semantics(Files(Rule("{field: cluster, from: Computer, table: cluster}"))));
}

// Settings and placeholders are part of what a rule means where it uses them, in texts they are not.
TEST(Pack, WhatARuleMeansHangsOnItsSettingsAndPlaceholders) {
  const std::string head =
      "title: R\nname: r\nlogsource: {product: x}\ndetection: {s: {a|expand: '%who%'}, condition: "
      "s}\n"
      "---\ntitle: C\nid: c\ncorrelation: {type: temporal_ordered, rules: [r], timespan: 1h}\n"
      "faultline: {";
  const auto meaning = [&](const std::string& ours, const std::string& margin,
                           const std::vector<std::string>& who) {
    LoadOptions options;
    options.settings["disks"] = {{"margin", margin}};
    options.placeholders["who"] = who;
    const auto rules = LoadRulesFromFiles(Files(head + ours + "}\n"), options);
    EXPECT_TRUE(rules && rules->errors.empty() && rules->correlations.size() == 1);
    return std::pair(rules->detections.at(0).semantics, rules->correlations.at(0).semantics);
  };
  const std::string where = "where: r.x > settings.margin";
  const auto usual = meaning(where, "7", {"root"});
  EXPECT_EQ(usual, meaning(where + ", explain: {cause: '{{settings.margin}}'}", "7", {"root"}));
  const auto wider = meaning(where, "8", {"root"});
  EXPECT_EQ(usual.first, wider.first);
  EXPECT_NE(usual.second, wider.second);
  const auto more = meaning(where, "7", {"root", "admin"});
  EXPECT_NE(usual.first, more.first);
  EXPECT_NE(usual.second, more.second);
  const std::string told = "explain: {cause: '{{settings.margin}}'}";
  EXPECT_EQ(meaning(told, "7", {"root"}), meaning(told, "8", {"root"}));
}

TEST(Pack, FaultsInLookupsAreToldAtTheirPlace) {
  const auto complaint = [](const std::string& lookup) { return Complaint(Files(Rule(lookup))); };
  EXPECT_EQ(complaint("[]"), "p/disks/sub/r.yml:6:11: rule 'R': 'lookup' is empty");
  EXPECT_EQ(complaint("{field: a, from: b}"),
            "p/disks/sub/r.yml:6:11: rule 'R': a lookup has no 'table'");
  EXPECT_EQ(complaint("{field: a, from: b, tabel: c}"),
            "p/disks/sub/r.yml:6:31: rule 'R': unknown key 'tabel' in a lookup; did you mean "
            "'table'?");
  EXPECT_EQ(complaint("{field: cluster, from: b, table: clutser}"),
            "p/disks/sub/r.yml:6:44: rule 'R': unknown lookup table 'clutser'; did you mean "
            "'cluster'?");
  EXPECT_EQ(complaint("{field: site, from: b, table: cluster}"),
            "p/disks/sub/r.yml:6:19: rule 'R': the lookup table 'cluster' has no column 'site'; "
            "its columns: computer, cluster");
}

TEST(Pack, FaultsInPacksAndTablesEndTheLoading) {
  const std::string rule = Rule(kLookup);
  const auto pack = [&rule](const std::string& text) { return Complaint(Files(rule, text)); };
  EXPECT_EQ(pack("name: a\nversion: 1\n"), "p/disks/pack.yaml:1:1: the pack has no 'description'");
  EXPECT_EQ(pack("name: a\nversion: 1\ndescription: d\nsetings: {}\n"),
            "p/disks/pack.yaml:4:1: unknown key 'setings' in a pack; did you mean 'settings'?");
  EXPECT_EQ(pack("name: a\nversion: 1\ndescription: d\nsettings: {x: {unit: s}}\n"),
            "p/disks/pack.yaml:4:12: the setting 'x' has no default; write a number, a text or a "
            "duration such as 10m");
  EXPECT_EQ(pack("name: a\nversion: 1\ndescription: d\nlookups: {absent: {columns: [a, b]}}\n"),
            "p/disks/lookups/absent.csv: no such lookup table; write a CSV file whose first line "
            "names the columns");
  EXPECT_EQ(Complaint(Files(rule, kPack, "computer,cluster\nNODE1\n")),
            "p/disks/lookups/cluster.csv:2:1: a row of 1 fields, there are 2 columns");
  LoadOptions options;
  options.lookups = {{"cluster", "short.csv"}};
  EXPECT_EQ(Complaint(Files(rule), options),
            "short.csv:1:1: the lookup table 'cluster' has no column 'cluster'; its first line "
            "must name computer, cluster");
  options.lookups = {{"cluster", "keyed.csv"}};
  EXPECT_EQ(Complaint(Files(rule), options),
            "keyed.csv:1:1: the key of the lookup table 'cluster' is 'cluster', not 'computer'; "
            "the key is the first column");
}

// The settings that rules of the pack would see.
std::map<std::string, PackSetting, std::less<>> SettingsWith(const LoadOptions& options) {
  const std::vector<TextFile> files = Files(Rule(kLookup));
  Packs packs(options, [&files](const std::string& path, std::size_t) {
    for (const TextFile& file : files) {
      if (file.path == path) return std::optional<Result<std::string>>(file.text);
    }
    return std::optional<Result<std::string>>();
  });
  const auto pack = packs.Of("p/disks/sub/r.yml");
  return pack ? (*pack)->settings : std::map<std::string, PackSetting, std::less<>>();
}

TEST(Pack, SettingsHaveTheTypeOfTheirDefault) {
  auto settings = SettingsWith({});
  EXPECT_EQ(settings["window"].value,
            ExprValue(std::chrono::nanoseconds(std::chrono::minutes(10))));
  EXPECT_EQ(settings["margin"].value, ExprValue(std::int64_t{500}));
  EXPECT_EQ(settings["margin"].unit, "changes");
  EXPECT_EQ(settings["share"].value, ExprValue(0.5));
  EXPECT_EQ(settings["owner"].value, ExprValue(std::string("nobody")));
  EXPECT_EQ(settings["code"].value, ExprValue(std::string("10m"))) << "quoted is text";
  LoadOptions options;
  options.settings["disks"] = {
      {"window", "2h"}, {"margin", "7"}, {"share", "2"}, {"owner", "7"}, {"code", "1h"}};
  settings = SettingsWith(options);
  EXPECT_EQ(settings["window"].value, ExprValue(std::chrono::nanoseconds(std::chrono::hours(2))));
  EXPECT_EQ(settings["margin"].value, ExprValue(std::int64_t{7}));
  EXPECT_EQ(settings["share"].value, ExprValue(std::int64_t{2}));
  EXPECT_EQ(settings["owner"].value, ExprValue(std::string("7")));
  EXPECT_EQ(settings["code"].value, ExprValue(std::string("1h")));
}

TEST(Pack, SettingsThatCannotBeAreErrorsOfTheConfiguration) {
  const std::vector<TextFile> files = Files(Rule(kLookup));
  LoadOptions options;
  options.settings["disks"] = {{"windw", "2h"}};
  EXPECT_EQ(Complaint(files, options),
            "rules.settings.disks.windw: the pack has no such setting; did you mean 'window'?");
  EXPECT_EQ(LoadRulesFromFiles(files, options).error().fault, Fault::kConfig);
  options.settings["disks"] = {{"window", "12"}};
  EXPECT_EQ(Complaint(files, options),
            "rules.settings.disks.window: '12' is not a duration; the default is a duration too");
  options.settings["disks"] = {{"margin", "many"}};
  EXPECT_EQ(Complaint(files, options),
            "rules.settings.disks.margin: 'many' is not a number; the default is a number too");
}

TEST(Pack, WhatTheConfigurationNamesInVainIsTold) {
  LoadOptions options;
  options.settings["diks"] = {{"window", "2h"}};
  EXPECT_EQ(Complaint(Files(Rule(kLookup)), options),
            "rules.settings.diks: no rule lies in a pack of that name; did you mean 'disks'?");
  options.settings.clear();
  options.lookups = {{"clusters", "mine.csv"}};
  EXPECT_EQ(Complaint(Files(Rule(kLookup)), options),
            "rules.lookups.clusters: no rule asks a table of that name; did you mean 'cluster'?");
}

TEST(Pack, TheNearestPackAboveCounts) {
  std::vector<TextFile> files = Files(Rule(kLookup));
  files.push_back({"p/pack.yaml", "name: outer\nversion: 1\ndescription: d\n"});
  EXPECT_EQ(Complaint(files), "fine");
  files.push_back({"p/disks/sub/pack.yaml", "name: inner\nversion: 1\ndescription: d\n"});
  EXPECT_EQ(Complaint(files).find("p/disks/sub/r.yml:6:51: rule 'R': unknown lookup table"), 0U)
      << Complaint(files);
}

}  // namespace
}  // namespace faultline::sigma
