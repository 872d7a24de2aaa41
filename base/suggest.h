// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace faultline {

// "did you mean 'contains'?" for the candidate that is nearest to `word` by insertions, deletions and
// replacements of one byte and swaps of two neighbours (optimal string alignment), letter case aside;
// empty where none is near (more than a third of the word, at most 3, would change). Cost: words
// above 64 bytes are not compared.
[[nodiscard]] std::string DidYouMean(std::string_view word,
                                     const std::vector<std::string_view>& candidates);
[[nodiscard]] std::string DidYouMean(std::string_view word,
                                     const std::vector<std::string>& candidates);

// The same; where none is near, "use one of a, b, c", of many the first dozen, or "use a" of a
// single one. Empty where there are no candidates.
[[nodiscard]] std::string DidYouMeanOrOneOf(std::string_view word,
                                            const std::vector<std::string_view>& candidates);

}  // namespace faultline
