// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// Tells every rule what the correlations above it want: the fields that are asked of its events
// (DetectionRule::hit_fields; the inputs of correlations pass on what is asked of them), and whether
// it is silent. Requires that correlations stand behind those that they refer to.
void Connect(RuleCollection& rules);

// Rules that leave a collection, one flag for each of its detections and correlations.
struct Leaving {
  std::vector<bool> detections, correlations;

  explicit Leaving(const RuleCollection& rules)
      : detections(rules.detections.size()), correlations(rules.correlations.size()) {}
  [[nodiscard]] bool Has(const RuleRef& rule) const {
    return rule.correlation ? correlations[rule.index] : detections[rule.index];
  }
  void Set(const RuleRef& rule, bool leaves) {
    (rule.correlation ? correlations : detections)[rule.index] = leaves;
  }
};

// Takes those rules out: all references follow the indices that changed, and the rules that stay are
// connected anew. Requires that no rule that stays refers to one that leaves. The report is left as
// it is.
void TakeOut(const Leaving& leaving, RuleCollection& rules);

}  // namespace faultline::sigma
