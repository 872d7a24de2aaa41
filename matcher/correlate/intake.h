// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "matcher/correlate/aggregate.h"
#include "matcher/correlate/operator.h"
#include "matcher/sigma/rule.h"

namespace faultline {

class StateReader;
class StateWriter;

// What `hit`, the first counted one of an arrival, gives to the count or value type of `rule`: its
// number, or the digest of its values. Nothing where it does not count: a field is missing, or is no
// number (told in `out`).
[[nodiscard]] std::optional<Measure> MeasureOf(const sigma::CorrelationRule& rule, const Hit& hit,
                                               Outcome& out);

void SaveMeasure(const Measure& measure, StateWriter& out);
// Refuses what is no measure of `rule`.
[[nodiscard]] Measure LoadMeasure(const sigma::CorrelationRule& rule, StateReader& in);

// The group that state of a key holds: the rule's names, or none where it keeps none.
[[nodiscard]] bool IsGroupOf(const sigma::CorrelationRule& rule,
                             const std::vector<NamedValue>& group, bool kept);
[[nodiscard]] std::int64_t BytesOfGroup(const std::vector<NamedValue>& group);

}  // namespace faultline
