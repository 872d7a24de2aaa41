// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/event/walker.h"
#include "matcher/signature/rule_set.h"

namespace faultline::testing {

// The engine's first half alone: payload -> events -> rules that hold.
class EnginePairs {
 public:
  // Fails the test when the rules do not compile.
  explicit EnginePairs(sigma::RuleCollection rules, Shape shape = Shape::kAuto,
                       const sigma::LogSource& input = {});

  // Indices of the rules that hold for any event of the payload; for what is no JSON those of the
  // raw bytes.
  [[nodiscard]] std::vector<std::uint32_t> Match(std::string_view payload);

  [[nodiscard]] const RuleSet& rules() const { return *rules_; }
  [[nodiscard]] const std::string& IdOf(std::uint32_t rule) const {
    return rules_->detections()[rule].meta.id;
  }
  [[nodiscard]] std::uint64_t regex_limits_hit() const { return matcher_->regex_limits_hit(); }

 private:
  std::shared_ptr<const RuleSet> rules_;
  Walker::Options options_;
  std::unique_ptr<Walker> walker_;
  std::unique_ptr<Matcher> matcher_;
  InputScope scope_ = kUndeclared;
};

// The lines of an NDJSON file compressed with zstd, in order.
[[nodiscard]] std::vector<std::string> ReadLines(const std::string& zstd_file);

}  // namespace faultline::testing
