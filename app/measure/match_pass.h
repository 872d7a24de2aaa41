// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "app/measure/engine_pass.h"
#include "matcher/event/walker.h"
#include "matcher/signature/rule_set.h"

namespace faultline::app {

// Walker and matcher alone, without what becomes of a match.
//
// Threads    Confined to one thread.
class MatchPass {
 public:
  MatchPass(const RuleSetPtr& rules, const InputOptions& input, const MatcherOptions& options);

  struct Found {
    std::uint64_t events = 0;
    std::uint64_t matches = 0;
    friend bool operator==(const Found&, const Found&) = default;
  };
  Found Run(const EventViews& events, const Share& share);

 private:
  Walker walker_;
  Matcher matcher_;
  Walker::Options options_;
  InputScope scope_;
};

}  // namespace faultline::app
