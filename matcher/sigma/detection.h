// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// Reads a `detection:` map into rule.searches and rule.conditions. Whatever it cannot honour is a
// fault.
void ReadDetection(const yaml::Node& node, Reading& reading, DetectionRule& rule);

// The same of a `filter:` map, without its key `rules`; it has one condition.
void ReadFilter(const yaml::Node& node, Reading& reading, Filter& filter);

// The items of a map, ANDed: what stands in a search, or tells a log source.
[[nodiscard]] std::vector<Item> ReadItems(const yaml::Node& map, Reading& reading);

}  // namespace faultline::sigma
