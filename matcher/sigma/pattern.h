// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// Reads a rule's string in one pass: `\` escapes `*`, `?` and `\`; before anything else, and at the
// end, it is literal; an unescaped `*` or `?` is a wildcard.
[[nodiscard]] Pattern ParsePattern(std::string_view text);

// A pattern without wildcards: `text` as it stands.
[[nodiscard]] Pattern LiteralPattern(std::string_view text);

// The missing outer wildcard as a token, never doubled.
void OpenStart(Pattern& pattern);
void OpenEnd(Pattern& pattern);

// Turns a message template into a regular expression: words are literal and in any case, a run of
// white space matches any run, %1 to %9 become lazy groups called `names[0]` to `names[8]` (at the
// template's end: the rest of the line), a repeated one must repeat its text, %% is a per cent
// sign. Fails with the reason where placeholders and names do not fit.
[[nodiscard]] Result<std::string> TemplateToPcre(std::string_view text,
                                                 const std::vector<std::string>& names);

// The names of the named groups of `regex` in order: (?<n>, (?P<n>, (?'n'.
[[nodiscard]] std::vector<std::string> GroupNames(std::string_view regex);

// A name that a capture may give: letters, digits, underscores, no digit first, at most 32.
[[nodiscard]] bool IsCaptureName(std::string_view name) noexcept;

}  // namespace faultline::sigma
