// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "matcher/correlate/bound_ref.h"
#include "matcher/sigma/rule.h"

namespace faultline {

// Where the evidence of each step lies in one flat row of events: step after step, `times` events each.
class StepLayout {
 public:
  explicit StepLayout(const sigma::CorrelationRule& rule) {
    for (const sigma::Step& step : rule.steps) begins_.push_back(begins_.back() + step.times);
  }

  [[nodiscard]] std::uint32_t steps() const noexcept {
    return static_cast<std::uint32_t>(begins_.size() - 1);
  }
  [[nodiscard]] std::size_t Begin(std::size_t step) const noexcept { return begins_[step]; }
  [[nodiscard]] std::size_t End(std::size_t step) const noexcept { return begins_[step + 1]; }
  [[nodiscard]] std::size_t total() const noexcept { return begins_.back(); }

  // The event of a bound step, the oldest of its evidence.
  [[nodiscard]] const Bound& EventOf(const BoundRefs& row, std::size_t step) const {
    return *row[End(step) - 1];
  }
  [[nodiscard]] const Bound& OldestOf(const BoundRefs& row, std::size_t step) const {
    return *row[Begin(step)];
  }

  // The row as one list per step; a row may end early and have null gaps of whole steps.
  [[nodiscard]] std::vector<BoundStep> Materialised(const BoundRefs& row) const {
    std::vector<BoundStep> steps(this->steps());
    for (std::size_t step = 0; step < steps.size() && End(step) <= row.size(); ++step) {
      for (std::size_t i = Begin(step); i < End(step) && row[i] != nullptr; ++i) {
        steps[step].push_back(*row[i]);
      }
    }
    return steps;
  }

 private:
  std::vector<std::size_t> begins_ = {0};  // per step, and the end
};

}  // namespace faultline
