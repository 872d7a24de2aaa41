// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "app/config.h"
#include "matcher/sigma/rule.h"

namespace faultline::app {

// How the reason of a rule that rules.select left out begins; the setting follows.
inline constexpr std::string_view kLeftOutBy = "left out by ";

// Takes out of `rules` what rules.select does not name; each becomes a gated line of the report.
// A detection that a selected correlation refers to stays as its part; one that alerts only through
// correlations goes with the last of them, unless it is named in `ids`. An id that no rule has is
// an error of the set: a slip in it would select nothing without a word.
void SelectRules(const Config::Rules::Select& select, sigma::RuleCollection& rules);

}  // namespace faultline::app
