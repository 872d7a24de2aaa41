// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// The rule of that id or name; refuses by itself where there is none, or none that is accepted.
using RuleFinder =
    std::function<std::optional<RuleRef>(const yaml::Node& reference, Reading& reading)>;

// Reads a document with `correlation:`, and with `faultline:` where it has that. `rules` holds what
// `find` gives: all correlations that it refers to were read before. Its metadata, its semantics and
// the fields that other correlations ask of it are not looked at.
[[nodiscard]] CorrelationRule ReadCorrelation(const yaml::Node& document,
                                              const RuleCollection& rules, const RuleFinder& find,
                                              Reading& reading);

// Everything in such a document that may name a rule, whatever the rest of it is worth.
[[nodiscard]] std::vector<std::string_view> ReferencesOf(const yaml::Node& document);

// A whole number and a unit: s, m, h, d, w, M (2,629,746 s), y (31,556,952 s). Nothing for any
// other text, for none at all and above 292 years.
[[nodiscard]] std::optional<std::chrono::nanoseconds> ParseTimespan(std::string_view text);

}  // namespace faultline::sigma
