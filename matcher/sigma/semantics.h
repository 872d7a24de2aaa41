// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// The identity of what a rule does: detection, condition, log source, captures, filters (`filters`
// is what rule.filters indexes). Not its texts, its file or the order in which the keys of its maps
// stand.
[[nodiscard]] Digest SemanticsOf(const DetectionRule& rule, const std::vector<Filter>& filters);
// What a filter does to the rules that it is for.
[[nodiscard]] Digest SemanticsOf(const Filter& filter);

// The same of a correlation, which covers those of the rules that it refers to (`rules` is what its
// inputs index). Neither what is told about its alerts nor which fields they need is part of it.
[[nodiscard]] Digest SemanticsOf(const CorrelationRule& rule, const RuleCollection& rules);

}  // namespace faultline::sigma
