// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::app {

// The known word that is most likely meant by `word`: at most a third of its letters differ
// (insertions, deletions, replacements and swaps of neighbours). Nothing when none is near.
[[nodiscard]] std::optional<std::string> Nearest(std::string_view word,
                                                 const std::vector<std::string>& known);

// "did you mean 'x'?" or an empty text.
[[nodiscard]] std::string DidYouMean(std::string_view word, const std::vector<std::string>& known);

}  // namespace faultline::app
