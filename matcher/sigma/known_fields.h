// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// Fields that events of the log source are known to have (known_fields.yaml, built in), those of
// the product first; empty where nothing is known.
[[nodiscard]] std::vector<std::string_view> KnownFields(const LogSource& source);

// Notes fields that the rule's log source is not known to have while it has one of nearly that name
// (code misspelt-field). Each field once, where it stands first.
void NoteMisspelt(const DetectionRule& rule, Reading& reading);

}  // namespace faultline::sigma
