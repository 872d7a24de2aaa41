// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "matcher/signature/rule_set.h"

namespace faultline::app {

// What became of each rule, in the forms that `check` writes.
//
// Place      RuleSet -> [load report] -> standard output.
// Order      That of the set's report: files sorted, documents as they stand.

// {"rules": [...], "counts": {...}, "findings": [...]}: the contract's keys.
[[nodiscard]] std::string LoadReportJson(const RuleSet& rules);
// One rule a line.
[[nodiscard]] std::string LoadReportLines(const RuleSet& rules);
[[nodiscard]] std::string LoadReportCsv(const RuleSet& rules);
[[nodiscard]] std::string LoadReportTable(const RuleSet& rules, bool color);
// SARIF 2.1.0: a result per rejection and per finding of the linter, for code review tools.
[[nodiscard]] std::string LoadReportSarif(const RuleSet& rules);

// How many rules each setting of rules.select left out.
[[nodiscard]] std::map<std::string, std::size_t> LeftOut(const RuleSet& rules);

// A finding about what a rule lacks for its readers, not about what it means: told, but no reason
// for an exit code unless with --strict.
[[nodiscard]] bool IsNote(const sigma::Finding& finding);

}  // namespace faultline::app
