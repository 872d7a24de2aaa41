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
      {"i_number_huge_exp.json", "great number"},
      {"i_number_neg_int_huge_exp.json", "great number"},
      {"i_number_pos_double_huge_exp.json", "great number"},
      {"i_number_real_neg_overflow.json", "great number"},
      {"i_number_real_pos_overflow.json", "great number"},
      {"i_number_too_big_neg_int.json", "great number"},
      {"i_number_too_big_pos_int.json", "great number"},
      {"i_number_very_big_negative_int.json", "great number"},
      {"i_object_key_lone_2nd_surrogate.json", "lone surrogate"},
      {"i_string_1st_surrogate_but_2nd_missing.json", "lone surrogate"},
      {"i_string_1st_valid_surrogate_2nd_invalid.json", "lone surrogate"},
      {"i_string_UTF-8_invalid_sequence.json", "invalid UTF-8"},
      {"i_string_UTF8_surrogate_U+D800.json", "invalid UTF-8"},
      {"i_string_incomplete_surrogate_and_escape_valid.json", "lone surrogate"},
      {"i_string_incomplete_surrogate_pair.json", "lone surrogate"},
      {"i_string_incomplete_surrogates_escape_valid.json", "lone surrogate"},
      {"i_string_invalid_lonely_surrogate.json", "lone surrogate"},
      {"i_string_invalid_surrogate.json", "lone surrogate"},
      {"i_string_invalid_utf-8.json", "invalid UTF-8"},
      {"i_string_inverted_surrogates_U+1D11E.json", "lone surrogate"},
      {"i_string_iso_latin_1.json", "invalid UTF-8"},
      {"i_string_lone_second_surrogate.json", "lone surrogate"},
      {"i_string_lone_utf8_continuation_byte.json", "invalid UTF-8"},
      {"i_string_not_in_unicode_range.json", "invalid UTF-8"},
      {"i_string_overlong_sequence_2_bytes.json", "invalid UTF-8"},
      {"i_string_overlong_sequence_6_bytes.json", "invalid UTF-8"},
      {"i_string_overlong_sequence_6_bytes_null.json", "invalid UTF-8"},
      {"i_string_truncated-utf-8.json", "invalid UTF-8"},
      {"i_structure_500_nested_arrays.json", "depth"},
      {"i_structure_UTF-8_BOM_empty_object.json", "byte order mark"},
      {"n_string_1_surrogate_then_escape_u.json", "bad escape"},
      {"n_string_1_surrogate_then_escape_u1.json", "bad escape"},
      {"n_string_1_surrogate_then_escape_u1x.json", "bad escape"},
      {"n_string_escape_x.json", "bad escape"},
      {"n_string_escaped_emoji.json", "bad escape"},
      {"n_string_incomplete_escaped_character.json", "bad escape"},
      {"n_string_incomplete_surrogate.json", "bad escape"},
      {"n_string_incomplete_surrogate_escape_invalid.json", "bad escape"},
      {"n_string_invalid-utf-8-in-escape.json", "bad escape"},
      {"n_string_invalid_backslash_esc.json", "bad escape"},
      {"n_string_invalid_unicode_escape.json", "bad escape"},
      {"n_string_invalid_utf8_after_escape.json", "bad escape"},
      {"n_string_unicode_CapitalU.json", "bad escape"},
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
