// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// Reads a `correlation:` map; members are not looked up here.
void ReadCorrelation(const yaml::Node& node, Reading& reading, CorrelationRule& rule);

// A whole number and a unit: s, m, h, d, w, M (2,629,746 s), y (31,556,952 s). Nothing for any
// other text, for none at all and above 292 years.
[[nodiscard]] std::optional<std::chrono::nanoseconds> ParseTimespan(std::string_view text);

}  // namespace faultline::sigma
