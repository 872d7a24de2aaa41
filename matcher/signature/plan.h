// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline {

// How a value is looked for, from cheap to dear.
enum class Cost : std::uint8_t {
  kHash,         // equal texts and numbers, absence: one look-up for all rules
  kLiteral,      // parts of texts: one scan of a value for all rules
  kLazy,         // wildcards inside, networks, comparisons ...: asked when a condition comes to it
  kRegex,        // a regular expression on Hyperscan: asked so too, linear in the value
  kBacktracking  // a regular expression on PCRE2: asked so too, with limits
};
[[nodiscard]] std::string_view ToString(Cost cost) noexcept;

// How one line of a rule is evaluated.
struct PlannedItem {
  std::string search;       // empty: of the log source
  std::string item;         // "Image ends with '\cmd.exe'", the first few values
  Cost cost = Cost::kHash;  // of the dearest value
  bool keywords = false;    // looks into every value of the event
  Place place;
};

struct RulePlan {
  std::vector<PlannedItem> items;
  Cost cost = Cost::kHash;  // of the dearest item
  // It can hold although nothing that is looked up or scanned for was found: no index of finds can
  // leave it out, every event of its log source has to be put to it.
  bool always = false;
};

// Requires: the rule's regular expressions compile.
[[nodiscard]] RulePlan PlanOf(const sigma::DetectionRule& rule);

}  // namespace faultline
