// SPDX-License-Identifier: Apache-2.0
// The walker's verdict on every file of JSONTestSuite is that of simdjson's DOM, but for a list.
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "matcher/event/walker.h"
#include "tests/support/data.h"

namespace faultline {
namespace {

// Files on which the walker differs from the DOM, and why.
const std::map<std::string, std::string>& Exceptions() {
  static const std::map<std::string, std::string> exceptions{
      // EXCEPTIONS
  };
  return exceptions;
}

struct Verdicts {
  WalkFault walker = WalkFault::kNone;
  bool walker_accepts = false;
  bool dom_accepts = false;
};

Verdicts Judge(Walker& walker, const std::string& text, bool strict) {
  Walker::Options options;
  options.strict_json = strict;
  Verdicts verdicts;
  verdicts.walker = walker.Begin(text, options);
  // Blank text is no JSON, but no damage either; a root that is no object is JSON.
  verdicts.walker_accepts = verdicts.walker == WalkFault::kNotObject ||
                            (verdicts.walker == WalkFault::kNone && !walker.blank());
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  verdicts.dom_accepts = parser.parse(text).get(root) == simdjson::SUCCESS;
  return verdicts;
}

TEST(JsonTestSuite, VerdictsAreThoseOfTheDom) {
  FAULTLINE_TEST_DATA_OR_LEAVE(root, "json-test-suite/test_parsing");
  const FieldTable table;
  Walker walker(&table);
  std::set<std::string> differ;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".json") continue;
    ++files;
    const Verdicts verdicts = Judge(walker, testing::ReadFile(entry.path()), false);
    if (verdicts.walker_accepts != verdicts.dom_accepts) differ.insert(name);
    // What the suite itself decides holds but for the same list.
    if (Exceptions().count(name) == 0) {
      EXPECT_TRUE(name[0] != 'y' || verdicts.walker_accepts) << name;
      EXPECT_FALSE(name[0] == 'n' && verdicts.walker_accepts) << name;
    }
  }
  EXPECT_EQ(files, 318);
  for (const std::string& name : differ) {
    EXPECT_EQ(Exceptions().count(name), 1u) << name << " is no written exception";
  }
  for (const auto& [name, reason] : Exceptions()) {
    EXPECT_EQ(differ.count(name), 1u)
        << name << " is listed (" << reason << ") but does not differ";
  }
}

TEST(JsonTestSuite, StrictRefusesEveryBadEscape) {
  FAULTLINE_TEST_DATA_OR_LEAVE(root, "json-test-suite/test_parsing");
  const FieldTable table;
  Walker walker(&table);
  for (const auto& [name, reason] : Exceptions()) {
    const Verdicts verdicts = Judge(walker, testing::ReadFile(root / name), true);
    EXPECT_EQ(verdicts.walker == WalkFault::kBadEscape, reason == "bad escape") << name;
  }
}

TEST(JsonTestSuite, TransformFilesAreAllEvaluated) {
  FAULTLINE_TEST_DATA_OR_LEAVE(root, "json-test-suite/test_transform");
  const FieldTable table;
  Walker walker(&table);
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.path().extension() != ".json") continue;
    EXPECT_TRUE(Judge(walker, testing::ReadFile(entry.path()), true).walker_accepts)
        << entry.path();
  }
}

}  // namespace
}  // namespace faultline
