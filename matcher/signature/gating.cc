// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/gating.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "matcher/sigma/logsource.h"

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

// Correlations with a member that is not gated; those members' flags are cleared: they stay.
void TakeOutCorrelations(sigma::RuleCollection& rules, std::vector<bool>& gone) {
  std::vector<bool> kept_member(gone.size(), false);
  std::vector<sigma::CorrelationRule> kept;
  for (sigma::CorrelationRule& rule : rules.correlations) {
    if (std::all_of(rule.members.begin(), rule.members.end(),
                    [&gone](std::uint32_t member) { return gone[member]; })) {
      Report(rules, rule.meta, "correlation", "no input can give events of its rules");
      continue;
    }
    for (const std::uint32_t member : rule.members) kept_member[member] = true;
    kept.push_back(std::move(rule));
  }
  rules.correlations = std::move(kept);
  for (std::size_t i = 0; i < gone.size(); ++i) gone[i] = gone[i] && !kept_member[i];
}

void TakeOutDetections(sigma::RuleCollection& rules, const std::vector<bool>& gone) {
  std::vector<std::uint32_t> moved(gone.size(), 0);
  std::vector<sigma::DetectionRule> kept;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (gone[i]) continue;
    moved[i] = static_cast<std::uint32_t>(kept.size());
    kept.push_back(std::move(rules.detections[i]));
  }
  rules.detections = std::move(kept);
  for (sigma::CorrelationRule& rule : rules.correlations) {
    for (std::uint32_t& member : rule.members) member = moved[member];
  }
}

}  // namespace

void GateByInputs(const std::vector<LogSource>& inputs, sigma::RuleCollection& rules) {
  std::vector<bool> gone(rules.detections.size(), false);
  for (std::size_t i = 0; i < gone.size(); ++i) {
    const sigma::DetectionRule& rule = rules.detections[i];
    const std::string why = WhyNot(rule.logsource, inputs);
    if (why.empty()) continue;
    gone[i] = true;
    Report(rules, rule.meta, "detection", why);
  }
  TakeOutCorrelations(rules, gone);
  TakeOutDetections(rules, gone);
}

}  // namespace faultline
