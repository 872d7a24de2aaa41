// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// Reads the `faultline:` map of a detection: capture, fields and explain.
void ReadFaultlineMap(const yaml::Node& node, Reading& reading, DetectionRule& rule);

// A scalar as an expression, and as a text with expressions in it.
[[nodiscard]] Expression ReadExpression(const yaml::Node& node, std::string_view what,
                                        const ExprScope& scope, Reading& reading);
[[nodiscard]] Template ReadTemplate(const yaml::Node& node, std::string_view what,
                                    const ExprScope& scope, Reading& reading);
// What a map says under cause, impact, remedy, references and runbook.
[[nodiscard]] Texts ReadTexts(const yaml::Node& map, const ExprScope& scope, Reading& reading);
// The map `explain`, which has those keys alone.
[[nodiscard]] Texts ReadExplain(const yaml::Node& node, const ExprScope& scope, Reading& reading);
// The fields of events that names stand for, repeats included.
[[nodiscard]] std::vector<std::string> FieldsOf(const std::vector<ExprName>& names);

// Whether a computed field may be called so: letters, digits, underscores, and no word that
// expressions know already. Refuses others.
bool CheckFieldName(const std::string& name, const Place& place, Reading& reading);

}  // namespace faultline::sigma
