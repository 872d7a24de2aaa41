// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/references.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "base/check.h"

namespace faultline::sigma {
namespace {

using Fields = std::set<std::string, std::less<>>;

// What the edges of a correlation have by themselves.
bool IsItsOwn(const CorrelationRule& rule, const std::string& field) {
  return std::find(rule.group_by.begin(), rule.group_by.end(), field) != rule.group_by.end() ||
         std::any_of(rule.fields.begin(), rule.fields.end(),
                     [&field](const auto& computed) { return computed.first == field; });
}

// All else comes from the event that completes it.
void AskDeciding(const Fields& fields, CorrelationRule& rule) {
  for (const std::uint32_t index : DecidingInputs(rule)) {
    std::vector<std::string>& asked = rule.inputs[index].fields;
    Fields all(asked.begin(), asked.end());
    for (const std::string& field : fields) {
      if (!IsItsOwn(rule, field)) all.insert(field);
    }
    asked.assign(all.begin(), all.end());
  }
}

// Old index -> new index of those that stay, which move up.
template <class Rule>
std::vector<std::uint32_t> Close(const std::vector<bool>& leaving, std::vector<Rule>& rules) {
  std::vector<std::uint32_t> moved(rules.size(), 0);
  std::vector<Rule> kept;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (leaving[i]) continue;
    moved[i] = static_cast<std::uint32_t>(kept.size());
    kept.push_back(std::move(rules[i]));
  }
  rules = std::move(kept);
  return moved;
}

}  // namespace

void Connect(RuleCollection& rules) {
  struct Uses {
    Fields fields;
    bool referred = false;
    bool generated = false;
  };
  std::vector<Uses> detections(rules.detections.size());
  std::vector<Uses> correlations(rules.correlations.size());
  for (std::size_t i = rules.correlations.size(); i-- > 0;) {  // parents first
    CorrelationRule& rule = rules.correlations[i];
    rule.silent = correlations[i].referred && !correlations[i].generated;
    AskDeciding(correlations[i].fields, rule);
    for (const Input& input : rule.inputs) {
      FAULTLINE_CHECK(!input.rule.correlation || input.rule.index < i);
      Uses& uses = (input.rule.correlation ? correlations : detections)[input.rule.index];
      uses.fields.insert(input.fields.begin(), input.fields.end());
      uses.referred = true;
      uses.generated = uses.generated || rule.generate;
    }
  }
  for (std::size_t i = 0; i < detections.size(); ++i) {
    DetectionRule& rule = rules.detections[i];
    rule.hit_fields.assign(detections[i].fields.begin(), detections[i].fields.end());
    rule.silent = detections[i].referred && !detections[i].generated;
  }
}

void TakeOut(const Leaving& leaving, RuleCollection& rules) {
  const auto detections = Close(leaving.detections, rules.detections);
  const auto correlations = Close(leaving.correlations, rules.correlations);
  for (CorrelationRule& rule : rules.correlations) {
    for (Input& input : rule.inputs) {
      FAULTLINE_CHECK(!leaving.Has(input.rule));
      input.rule.index = (input.rule.correlation ? correlations : detections)[input.rule.index];
    }
  }
  Connect(rules);
}

}  // namespace faultline::sigma
