// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "matcher/sigma/modifiers.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

// One value of a rule after the modifiers of its key, applied from left to right. Mostly one
// choice; `expand` with `all` gives one for each value of its placeholders. Null for an empty list.
[[nodiscard]] std::vector<Choice> ReadChoices(const Key& key, const yaml::Node& value,
                                              Reading& reading);

// `field: null`, and what an empty list means.
[[nodiscard]] Choice NullChoice(const Key& key, const yaml::Node& value, Reading& reading);

}  // namespace faultline::sigma
