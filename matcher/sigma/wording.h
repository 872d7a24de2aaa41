// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// What a value asks of a field, as people say it: "ends with '\cmd.exe'", "is 4688", "matches
// /ab+/i", "is in 10.0.0.0/8", "is null". Wildcards and what is special in a rule's text are
// written as there; a byte that is no text as \xNN.
[[nodiscard]] std::string InWords(const Value& value, bool cased);

// The pattern as a rule would spell it.
[[nodiscard]] std::string Spelled(const Pattern& pattern);

}  // namespace faultline::sigma
