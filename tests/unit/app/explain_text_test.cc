// SPDX-License-Identifier: Apache-2.0
#include "app/explain_text.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "app/commands/common.h"

namespace faultline::app {
namespace {

constexpr const char* kRule = R"(title: Whoami
id: 5e4f0d5e-6f6e-4b0a-9d3c-6a1d3f5c7b10
logsource: {product: windows, category: process_creation, service: sysmon}
detection:
  selection:
    Image|endswith: ['\whoami.exe', '\hostname.exe', '\id.exe']
    CommandLine|contains|all: ['/all', '/priv']
  filter:
    ParentImag: C:\agent.exe
  condition: selection and not filter
)";

constexpr std::string_view kEvent =
    R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\whoami.exe",)"
    R"("CommandLine":"whoami \u001b[2J /all"})";

struct Told {
  RuleSetPtr rules;
  Explainer::OfPayload explained;
  RulePlan plan;
  ToldExplanation told;
};

Told Tell(const std::string& rule, std::string_view event) {
  Told all;
  all.rules = *RuleSet::Compile(sigma::LoadRulesFromText(rule, "rule.yml"), {});
  EXPECT_TRUE(all.rules->errors().empty());
  all.explained = Explainer::Create(all.rules, {0}, Explainer::Depth::kValues)->Explain(event, {});
  all.plan = PlanOf(all.rules->detections()[0]);
  all.told.rule = &all.rules->detections()[0];
  all.told.explanation = &all.explained.events.at(0).rules.at(0);
  static const std::vector<std::string> kFields = {"ParentImage"};
  all.told.fields = &kFields;
  all.told.origin = Origin{{"e.ndjson", 0}, 7, 0};
  return all;
}

TEST(ExplainText, IsATreeOfVerdictsWithTheValuesThatDecided) {
  const Told all = Tell(kRule, kEvent);
  EXPECT_EQ(ExplanationText(all.told, false),
            R"(NO MATCH  Whoami  rule.yml:1
  ✓ log source windows/process_creation/sysmon
    ✓ all of
      ✓ Channel is 'Microsoft-Windows-Sysmon/Operational'
        the event has 'Microsoft-Windows-Sysmon/Operational'
      ✓ EventID is 1
        the event has '1'
  ✗ condition
    ✗ all of
      ✗ selection
        ✓ Image: any of 3 values  line 6
          ✓ ends with '\whoami.exe'
            2 others do not
          the event has 'C:\whoami.exe'
        ✗ CommandLine: all of 2 values  line 7
          ✗ contains '/priv'
            1 other does
          the event has 'whoami [2J /all'
      ✓ not
        ✗ filter
          ✗ ParentImag is 'C:\agent.exe'  line 9
            the event has no ParentImag; did you mean 'ParentImage'?
)");
}

TEST(ExplainText, ThePlanSaysHowEachLineIsAsked) {
  const Told all = Tell(kRule, kEvent);
  EXPECT_EQ(PlanText(*all.told.rule, all.plan, false),
            R"(Whoami  rule.yml:1
  plan: cost class literal, holds only where something it looks for is found
    hash     log source  Channel is 'Microsoft-Windows-Sysmon/Operational'
    hash     log source  EventID is 1
    literal  selection  Image ends with '\whoami.exe' or ends with '\hostname.exe' or ends with '\id.exe'
    literal  selection  CommandLine contains '/all' and contains '/priv'
    hash     filter  ParentImag is 'C:\agent.exe'
)");
}

TEST(ExplainText, JsonHasTheSameTree) {
  Told all = Tell(kRule, kEvent);
  all.told.plan = &all.plan;
  const std::string json = ExplanationJson(all.told);
  for (const char* const part :
       {R"("event":{"topic":"e.ndjson","partition":0,"offset":7,"index":0})",
        R"("title":"Whoami","file":"rule.yml","line":1},"matched":false)",
        R"({"text":"ends with '\\whoami.exe'","held":true,"decided_by":"C:\\whoami.exe"})",
        R"({"kind":"search","held":false,"line":)", R"("name":"selection")",
        R"("plan":{"cost":"literal","always":false)"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n" << json;
  }
  EXPECT_EQ(json.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace faultline::app
