// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline::sigma {

class Reading;

// What the rules of one file may still cost when they are compiled. Rules that people write take a
// hundredth of it.
struct CompileBudget {
  std::size_t fields = 5'000;         // names, and a dot in one counts as one more
  std::size_t literals = 20'000;      // texts that are looked for within others
  std::size_t tokens = 150'000;       // of texts: wildcards and what lies between them
  std::size_t expressions = 300'000;  // regular expressions: the sum of their sizes, squared
  std::set<std::string, std::less<>> known_fields;  // counted before
};

// How large a regular expression is when its bounded repeats are written out; what stands for many
// characters, like `.` and [^a], counts as several. At most kLargestSize.
inline constexpr std::size_t kLargestSize = 1'000'000;
[[nodiscard]] std::size_t ExpandedSize(std::string_view regex);

// An expression above this size is left to PCRE2: Hyperscan might take minutes to compile it.
inline constexpr std::size_t kLargestForHyperscan = 400;

// Take what they need out of the file's budget; where that does not last the rule is refused.
void ChargeSearches(const std::vector<Search>& searches, Reading& reading);
void ChargeRegex(const Regex& regex, const Place& place, Reading& reading);
void ChargeFields(const std::vector<std::string>& names, const Place& place, Reading& reading);

}  // namespace faultline::sigma
