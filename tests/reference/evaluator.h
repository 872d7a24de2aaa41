// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline::reference {

// The naive evaluator: each rule by itself on each event, on a tree of the event's JSON. The oracle
// of the engine: it shares the rule model with it and no matching code.
class Evaluator {
 public:
  // Requires: every regular expression of the rules compiles.
  explicit Evaluator(const std::vector<sigma::DetectionRule>& rules);
  ~Evaluator();

  // Indices of the rules that hold for `payload`, ascending; none for what is no JSON object.
  // `input` is what the input declares.
  [[nodiscard]] std::vector<std::uint32_t> Match(std::string_view payload,
                                                 const sigma::LogSource& input = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace faultline::reference
