// SPDX-License-Identifier: Apache-2.0
// Every pack of the repository passes its own rule tests.
#include <algorithm>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "app/rule_test.h"
#include "tests/support/data.h"

namespace faultline::app {
namespace {

namespace fs = std::filesystem;

TEST(Packs, EachPackPassesItsRuleTests) {
  std::size_t packs = 0;
  for (const fs::directory_entry& pack : fs::directory_iterator(testing::SourceDir() / "packs")) {
    if (!pack.is_directory()) continue;
    ++packs;
    const auto files = FindRuleTests({pack.path().string()});
    ASSERT_TRUE(files) << files.error().ToString();
    RuleTestRunner runner({{}, CompileOptions(Config{}), {}});
    for (const std::string& file : *files) {
      ASSERT_NE(file.find("/tests/"), std::string::npos) << pack.path() << " has no tests";
      ASSERT_TRUE(runner.RunFile(file));
    }
    for (const Error& error : runner.rule_errors()) ADD_FAILURE() << error.ToString();
    for (const RuleTestOutcome& outcome : runner.outcomes()) {
      EXPECT_TRUE(outcome.ok) << ToString(outcome.place) << ": " << outcome.name << "\n"
                              << outcome.why;
    }
  }
  EXPECT_GT(packs, 0U);
}

}  // namespace
}  // namespace faultline::app
