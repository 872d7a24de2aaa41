// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "matcher/sigma/rule.h"

namespace faultline {

// What Hyperscan is good for with a regular expression, if it takes it.
enum class HyperscanUse : std::uint8_t {
  kNone,
  kPrefilter,  // it finds whatever PCRE2 finds, and perhaps more
  kExact       // it finds what PCRE2 finds
};

// What to give to Hyperscan's compiler, whose time grows with what repeats stand for: seconds for
// ".{0,1000}a.{0,1000}b".
struct HyperscanPlan {
  HyperscanUse use = HyperscanUse::kNone;
  std::string pattern;       // the expression's, or a weaker one that is quick to compile
  std::uint64_t weight = 0;  // of `pattern`, roughly its states
};

// Compiling a plan takes tens of milliseconds at most.
[[nodiscard]] HyperscanPlan PlanForHyperscan(const sigma::Regex& source);

}  // namespace faultline
