// SPDX-License-Identifier: Apache-2.0
// SigmaHQ's regression cases: each matches its rule in the shape it is recorded in and as every
// other shipper would have sent it.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/event/walker.h"
#include "matcher/shapes/shape_file.h"
#include "matcher/sigma/yaml.h"
#include "matcher/signature/rule_set.h"
#include "tests/reference/json_tree.h"
#include "tests/support/data.h"
#include "tests/support/shippers.h"

namespace faultline::testing {
namespace {

namespace fs = std::filesystem;

struct RegressionCase {
  std::string name;
  std::string rule;
  std::size_t matches = 1;
  std::vector<std::string> events;
};

RegressionCase ReadCase(const fs::path& info) {
  RegressionCase one;
  one.name = info.parent_path().filename().string();
  const auto documents = yaml::ParseYaml(ReadFile(info), info.string());
  EXPECT_TRUE(documents && !documents->empty()) << info;
  if (!documents || documents->empty()) return one;
  one.rule = documents->front().Find("rule_metadata")->items.front().Find("id")->scalar;
  const yaml::Node& test = documents->front().Find("regression_tests_info")->items.front();
  if (const yaml::Node* count = test.Find("match_count")) one.matches = std::stoul(count->scalar);
  for (const auto& entry : fs::directory_iterator(info.parent_path())) {
    if (entry.path().extension() == ".json") one.events = SplitValues(ReadFile(entry.path()));
  }
  return one;
}

std::vector<RegressionCase> ReadCases(const fs::path& root) {
  std::vector<fs::path> infos;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().filename() == "info.yml") infos.push_back(entry.path());
  }
  std::sort(infos.begin(), infos.end());
  std::vector<RegressionCase> cases;
  for (const fs::path& info : infos) cases.push_back(ReadCase(info));
  return cases;
}

class Judge {
 public:
  explicit Judge(sigma::RuleCollection rules)
      : rules_(*RuleSet::Compile(std::move(rules), {})),
        walker_(&rules_->fields()),
        matcher_(rules_) {
    for (const sigma::DetectionRule& rule : rules_->detections()) loaded_.insert(rule.meta.id);
  }

  [[nodiscard]] bool Loaded(const std::string& id) const { return loaded_.contains(id); }

  // Whether rule `id` holds for the event, read as `told`, which is to be recognised as `shape`.
  bool Matches(const std::string& payload, const std::string& id, Shape told,
               std::string_view shape) {
    Walker::Options options;
    options.shape = told;
    EXPECT_EQ(walker_.Begin(payload, options), WalkFault::kNone) << payload;
    const Event* event = walker_.Next();
    EXPECT_NE(event, nullptr) << payload;
    if (event == nullptr) return false;
    EXPECT_EQ(rules_->shapes().spec(event->shape()).name, shape) << payload;
    for (const std::uint32_t rule : matcher_.Match(*event)) {
      if (rules_->detections()[rule].meta.id == id) return true;
    }
    return false;
  }

 private:
  std::shared_ptr<const RuleSet> rules_;
  Walker walker_;
  Matcher matcher_;
  std::set<std::string> loaded_;
};

// What a shipper does not send cannot match. Neither Fluent Bit nor Splunk's classic input names
// the event data, and only Sysmon's messages spell it as "Name: value". In a flat event a field's
// name is its key, and "Threat Name" another than ThreatName.
bool Inexpressible(std::string_view shipper, const std::string& name) {
  static const std::set<std::string> unnamed{
      "win_defender_exploit_redsun_tiering_engine_detected_as_eicar",
      "win_security_explicit_credential_local_logon",
      "win_security_susp_scheduled_task_delete_or_disable",
      "win_taskscheduler_susp_schtasks_delete_or_disable",
      "win_wmi_activity_nteventlogfile_cleareventlog"};
  if (shipper == "flat") return name.starts_with("win_defender_exploit_redsun");
  return (shipper == "fluentbit" || shipper == "splunk classic") && unnamed.contains(name);
}

TEST(SigmaHqRegression, EveryCaseMatchesAsEveryShipperSendsIt) {
  FAULTLINE_TEST_DATA_OR_LEAVE(root, "sigmahq");
  const auto rules =
      sigma::LoadRules({(root / "rules").string(), (root / "rules-emerging-threats").string(),
                        (root / "rules-threat-hunting").string()});
  ASSERT_TRUE(rules) << rules.error().ToString();
  Judge judge(*rules);
  const std::vector<RegressionCase> cases = ReadCases(root / "regression_data");
  ASSERT_EQ(cases.size(), 135U);
  std::size_t not_loaded = 0, judged = 0;
  for (const RegressionCase& one : cases) {
    ASSERT_FALSE(one.events.empty()) << one.name;
    if (!judge.Loaded(one.rule)) {
      std::cout << "rule not loaded: " << one.name << '\n';
      ++not_loaded;
      continue;
    }
    std::size_t as_recorded = 0;
    std::map<std::string_view, std::size_t> as_sent;
    for (const std::string& event : one.events) {
      as_recorded += judge.Matches(event, one.rule, Shape::kAuto, "evtx") ? 1 : 0;
      const auto evtx = reference::ParseJson(event);
      ASSERT_TRUE(evtx);
      for (const Shipper& shipper : Shippers()) {
        const std::string sent = shipper.render(*evtx);
        const bool matches = judge.Matches(sent, one.rule, Shape::kAuto, shipper.shape);
        EXPECT_EQ(judge.Matches(sent, one.rule, *ShapeFromString(shipper.shape), shipper.shape),
                  matches);
        as_sent[shipper.name] += matches ? 1 : 0;
      }
    }
    EXPECT_GE(as_recorded, one.matches) << one.name;  // upstream has cases that match more often
    for (const Shipper& shipper : Shippers()) {
      const std::size_t expected = Inexpressible(shipper.name, one.name) ? 0 : as_recorded;
      EXPECT_EQ(as_sent[shipper.name], expected)
          << one.name << " from " << shipper.name << ": "
          << shipper.render(*reference::ParseJson(one.events[0]));
      ++judged;
    }
  }
  std::cout << judged << " renderings judged, " << not_loaded << " cases without their rule\n";
  EXPECT_GT(judged, 1000U);
}

// Braces and the case of hexadecimal digits are the shipper's choice.
TEST(GuidTrap, AGuidIsTheSameWithAndWithoutBraces) {
  constexpr std::string_view kEvtx =
      R"({"Event":{"System":{"EventID":4719},"EventData":{"SubcategoryGuid":)"
      R"("0CCE9210-69AE-11D9-BED3-505054503030"}}})";
  constexpr std::string_view kNxlog =
      R"({"SourceModuleName":"in","SubcategoryGuid":"{0cce9210-69ae-11d9-bed3-505054503030}"})";
  const auto rule = [](std::string_view item) {
    return "title: g\nid: g\nlogsource: {category: x}\ndetection:\n  s:\n    " + std::string(item) +
           "\n  condition: s\n";
  };
  for (const char* item : {"SubcategoryGuid: '{0CCE9210-69AE-11D9-BED3-505054503030}'",
                           "SubcategoryGuid: 0cce9210-69ae-11d9-bed3-505054503030"}) {
    Judge judge(sigma::LoadRulesFromText(rule(item), "g.yml"));
    EXPECT_TRUE(judge.Matches(std::string(kEvtx), "g", Shape::kAuto, "evtx")) << item;
    EXPECT_TRUE(judge.Matches(std::string(kNxlog), "g", Shape::kAuto, "nxlog")) << item;
  }
  for (const char* item : {"SubcategoryGuid: '{0CCE9210-69AE-11D9-BED3-505054503030'",
                           "SubcategoryGuid|startswith: '{0CCE9210'",
                           "SubcategoryGuid|cased: '{0CCE9210-69AE-11D9-BED3-505054503030}'"}) {
    Judge judge(sigma::LoadRulesFromText(rule(item), "g.yml"));
    EXPECT_FALSE(judge.Matches(std::string(kEvtx), "g", Shape::kAuto, "evtx")) << item;
  }
}

}  // namespace
}  // namespace faultline::testing
