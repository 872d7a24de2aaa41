// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// The names in the {{name}} places of a text, in order, repeats included. Blanks inside the braces
// do not count; "{{" without "}}" behind it is text.
[[nodiscard]] std::vector<std::string> TemplateNames(std::string_view text);
// ... of all texts of an explanation.
[[nodiscard]] std::vector<std::string> TemplateNames(const Explain& explain);

// `text` with each {{name}} replaced by what `value` says. Values are data: what they hold is not
// looked into again.
using TemplateValue = std::function<std::string(std::string_view name)>;
[[nodiscard]] std::string RenderTemplate(std::string_view text, const TemplateValue& value);
[[nodiscard]] Explain RenderTemplate(const Explain& explain, const TemplateValue& value);

}  // namespace faultline::sigma
