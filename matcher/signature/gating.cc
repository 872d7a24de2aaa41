// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/gating.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "matcher/sigma/logsource.h"
#include "matcher/sigma/references.h"

namespace faultline {
namespace {

using sigma::LogSource;

// "no input is of product linux"; empty where some input can give the rule's events.
std::string WhyNot(const LogSource& rule, const std::vector<LogSource>& inputs) {
  const auto on_all = [&](const LogSource& part) {
    return std::all_of(inputs.begin(), inputs.end(),
                       [&part](const LogSource& input) { return sigma::Conflict(part, input); });
  };
  if (!on_all(rule)) return {};
  if (on_all({rule.product, "", ""})) return "no input is of product " + rule.product;
  if (on_all({"", rule.category, ""})) return "no input is of category " + rule.category;
  if (on_all({"", "", rule.service})) return "no input is of service " + rule.service;
  return "no input is of log source " + sigma::ToString(rule);
}

void Report(sigma::RuleCollection& rules, const sigma::Metadata& meta, std::string_view kind,
            const std::string& why) {
  for (sigma::ReportEntry& entry : rules.report) {
    if (entry.kind != kind || entry.line != meta.place.line || entry.file != meta.file) continue;
    entry.state = sigma::RuleState::kGated;
    entry.reason = why;
  }
}

// Correlations none of whose inputs stays go too; what those that stay refer to stays with them.
void FollowCorrelations(sigma::RuleCollection& rules, sigma::Leaving& leaving) {
  for (std::size_t i = 0; i < rules.correlations.size(); ++i) {  // children first
    const auto& inputs = rules.correlations[i].inputs;
    leaving.correlations[i] =
        std::all_of(inputs.begin(), inputs.end(),
                    [&](const sigma::Input& input) { return leaving.Has(input.rule); });
  }
  for (std::size_t i = rules.correlations.size(); i-- > 0;) {  // parents first
    const sigma::CorrelationRule& rule = rules.correlations[i];
    if (leaving.correlations[i]) {
      Report(rules, rule.meta, "correlation", "no input can give events of its rules");
      continue;
    }
    for (const sigma::Input& input : rule.inputs) leaving.Set(input.rule, false);
  }
}

}  // namespace

void GateByInputs(const std::vector<LogSource>& inputs, sigma::RuleCollection& rules) {
  sigma::Leaving leaving(rules);
  for (std::size_t i = 0; i < rules.detections.size(); ++i) {
    const sigma::DetectionRule& rule = rules.detections[i];
    const std::string why = WhyNot(rule.logsource, inputs);
    if (why.empty()) continue;
    leaving.detections[i] = true;
    Report(rules, rule.meta, "detection", why);
  }
  FollowCorrelations(rules, leaving);
  TakeOut(leaving, rules);
}

}  // namespace faultline
