// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "matcher/event/record.h"
#include "matcher/signature/explanation.h"
#include "matcher/signature/plan.h"

namespace faultline::app {

// One rule's explanation with all that its telling needs.
struct ToldExplanation {
  const sigma::DetectionRule* rule = nullptr;        // never null
  const Explanation* explanation = nullptr;          // never null
  const std::vector<std::string>* fields = nullptr;  // the event's, for suggestions; never null
  const RulePlan* plan = nullptr;                    // null: not asked for
  Origin origin;                                     // of the event
};

// A tree for people, each line ended: log source, conditions, filters; what held and which of the
// event's values decided it.
[[nodiscard]] std::string ExplanationText(const ToldExplanation& told, bool color);
// The same as one JSON object.
[[nodiscard]] std::string ExplanationJson(const ToldExplanation& told);

// How a rule was compiled, without any event.
[[nodiscard]] std::string PlanText(const sigma::DetectionRule& rule, const RulePlan& plan,
                                   bool color);
[[nodiscard]] std::string PlanJson(const sigma::DetectionRule& rule, const RulePlan& plan);

}  // namespace faultline::app
