// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "matcher/correlate/operator.h"
#include "matcher/correlate/step_layout.h"

namespace faultline {

// Asks a rule's `where` about a row of evidence of one key. A value; borrows all it has.
class RowJudge {
 public:
  RowJudge(const sigma::CorrelationRule& rule, const StepLayout& layout,
           const std::vector<NamedValue>& group, Judge& judge)
      : rule_(&rule), layout_(&layout), group_(&group), judge_(&judge) {}

  // `deciding` is empty at a timer.
  [[nodiscard]] bool Holds(const BoundRefs& row, std::span<const InputHit> deciding,
                           EventTime at) const {
    if (rule_->where.empty()) return true;
    const std::vector<BoundStep> steps = layout_->Materialised(row);
    const std::int64_t seen = Matched(steps);
    return judge_->Holds({group_, steps, deciding, at, seen, seen});
  }

  // How many steps are bound.
  [[nodiscard]] static std::int64_t Matched(const std::vector<BoundStep>& steps) {
    return std::count_if(steps.begin(), steps.end(),
                         [](const BoundStep& step) { return !step.empty(); });
  }

 private:
  const sigma::CorrelationRule* rule_;
  const StepLayout* layout_;
  const std::vector<NamedValue>* group_;
  Judge* judge_;
};

}  // namespace faultline
