// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "matcher/sigma/rule.h"

namespace faultline::testing {

using Pairs = std::set<std::pair<std::size_t, std::string>>;  // line from 0, rule id

// What rules loaded from SigmaHQ's Windows rules hold for on the lines of a public corpus: the pairs
// recorded in `CORPUS.pairs.tsv`, and those in which our answer is more than the recorded one.
class RecordedPairs {
 public:
  // `events`: the folder; `corpus`: "windows-mixed" or "windows-process-creation".
  RecordedPairs(const std::filesystem::path& events, const std::string& corpus,
                const std::vector<sigma::DetectionRule>& rules);

  // The recording has nothing to say about rules whose log source it could not map.
  [[nodiscard]] bool Covers(const std::string& rule) const { return covered_.contains(rule); }
  [[nodiscard]] const Pairs& expected() const noexcept { return expected_; }

 private:
  std::set<std::string> covered_;
  Pairs expected_;
};

// `folder`: sigmahq/rules/windows. Throws what does not load.
[[nodiscard]] sigma::RuleCollection LoadWindowsRules(const std::filesystem::path& folder);
// Those of every product; `sigmahq`: the folder of all its rules.
[[nodiscard]] sigma::RuleCollection LoadAllRules(const std::filesystem::path& sigmahq);

// "missing" and "too many", pair by pair; empty where both are the same.
[[nodiscard]] std::string Difference(const Pairs& expected, const Pairs& found);

}  // namespace faultline::testing
