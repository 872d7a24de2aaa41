// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline {

// Texts of which each value that the expression or pattern matches holds at least one, under case
// folding; ASCII, lower case, at least two bytes or one that is seldom met. None: nothing is known.
//
// Whoever finds none of them in a value need not ask the expression: a handful of literals in a
// database for many stands in for a search of its own.
[[nodiscard]] std::vector<std::string> RequiredTexts(const sigma::Regex& regex);
[[nodiscard]] std::vector<std::string> RequiredTexts(const sigma::Pattern& pattern);

}  // namespace faultline
