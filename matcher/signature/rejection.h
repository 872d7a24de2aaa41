// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "matcher/sigma/rule.h"
#include "matcher/signature/regex.h"

namespace faultline {

// Takes the rules and filters out of `rules` whose regular expressions do not compile, and the
// correlations that refer to them; each becomes a rejected line of the report and an error. All
// that stays compiles.
void RejectBadRegexes(sigma::RuleCollection& rules, RegexStore& regexes);

}  // namespace faultline
