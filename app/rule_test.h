// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands/common.h"
#include "app/rule_test_file.h"
#include "base/clock.h"
#include "base/result.h"
#include "matcher/engine.h"

namespace faultline::app {

// What became of one case of a file of rule tests.
struct RuleTestOutcome {
  std::string name;
  Place place;  // where the case stands
  bool ok = false;
  std::string why;             // of a failure, for people; may have several lines
  std::optional<Error> error;  // the case could not run: a mistake in it, rules that do not load
  std::chrono::nanoseconds took{};  // to play and judge it, its rules' loading left out
};

// The files of rule tests that `paths` name: files as they are; of a folder every *.yml and *.yaml
// that lies directly in a folder `tests` (itself or below it) and every `info.yml` of SigmaHQ's
// regression data, else, where there is none, those that lie in the folder itself. A pack may name
// other files and folders in its pack.yaml. Sorted.
// Errors     Fault::kIo for a path that is not there, Fault::kUsage for a folder without tests.
[[nodiscard]] Result<std::vector<std::string>> FindRuleTests(const std::vector<std::string>& paths);

// Runs cases through the engine, in virtual time: no clock, no thread.
//
// Place      files of rule tests -> [RuleTestRunner -> Engine] -> outcomes.
// Time       The case's own; the clock only tells how long it took. Events come from topic "test",
//            partition 0, with offsets from 0 on.
// State      Each case starts with a new engine. Rules that several cases name are compiled once.
// Errors     A mistake in a case is its outcome; the others run.
class RuleTestRunner {
 public:
  struct Options {
    std::vector<std::string> rules;  // in place of what the cases name; empty: as they name them
    RuleSet::Options compile;
    // Part of the name, file or rules of the cases to run, in any letter case; empty: all. A case
    // that cannot be read has no name: it is told whatever the filter says.
    std::string filter;
    sigma::LoadOptions load{};  // placeholders and log sources, as configured
  };
  // The clock outlives the runner.
  explicit RuleTestRunner(Options options, const Clock& clock = SystemClock());

  // Fault::kIo when the file cannot be read.
  [[nodiscard]] Result<void> RunFile(const std::string& path);
  void RunText(std::string_view text, const std::string& file);

  [[nodiscard]] const std::vector<RuleTestOutcome>& outcomes() const noexcept { return outcomes_; }
  [[nodiscard]] std::size_t passed() const noexcept;
  [[nodiscard]] std::size_t left_out() const noexcept { return left_out_; }  // by the filter
  // Every document that does not load, once, in the order in which they were met.
  [[nodiscard]] const std::vector<Error>& rule_errors() const noexcept { return rule_errors_; }

 private:
  [[nodiscard]] bool Wanted(const Result<RuleTest>& test, const std::string& file) const;
  [[nodiscard]] RuleTestOutcome Run(const Result<RuleTest>& test, const std::string& file);
  [[nodiscard]] Result<std::vector<std::string>> PathsOf(const RuleTest& test) const;
  [[nodiscard]] Result<RuleSetPtr> RulesOf(const RuleTest& test);

  Options options_;
  const Clock& clock_;
  std::size_t left_out_ = 0;
  // By paths and all that a case says of how they are read.
  std::map<std::vector<std::string>, Result<RuleSetPtr>> compiled_;
  std::vector<Error> rule_errors_;
  std::vector<RuleTestOutcome> outcomes_;
};

// Judges one case: an empty text when all came as expected, else what did not and what came
// instead. Fault::kUsage when the case names a rule that is not there: it could never fail.
[[nodiscard]] Result<std::string> JudgeRuleTest(const RuleTest& test, const RuleSetPtr& rules);

}  // namespace faultline::app
