// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

// The rule collection that one file is: `action: global` documents are merged into the detection
// rules behind them (several add up, and what they say wins) until `action: reset`; an
// `action: repeat` document is the rule before it with its own content merged in. Maps are merged
// key by key, everything else is replaced. Correlations and filters stand as they are written.
class Collection {
 public:
  // Of all `documents` of a file, before the first is given.
  explicit Collection(const std::vector<yaml::Node>& documents);

  // The document as a rule; nothing for one that only tells how others are read.
  // Cost: a file whose documents would be copied to more than the budget is refused from there on.
  [[nodiscard]] Result<std::optional<yaml::Node>> Next(yaml::Node document);

 private:
  bool TakeCopy(const yaml::Node& node);

  ExpansionBudget budget_;  // of values and bytes that are copied
  bool exhausted_ = false;
  bool acts_ = false;    // some document has an `action`: what is before it is kept for it
  yaml::Node global_;    // no map where there is none
  yaml::Node previous_;  // what `repeat` repeats; no map where there is none
};

}  // namespace faultline::sigma
