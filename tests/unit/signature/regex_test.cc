// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/regex.h"

#include <string>

#include <gtest/gtest.h>

namespace faultline {
namespace {

sigma::Regex Source(std::string pattern, bool ignore_case = false, bool multi_line = false) {
  sigma::Regex source;
  source.pattern = std::move(pattern);
  source.ignore_case = ignore_case;
  source.multi_line = multi_line;
  return source;
}

TextView View(std::string_view text, bool valid = true) { return {text, text, valid}; }

bool Linear(const sigma::Regex& source) { return Regex::Compile(source).value().linear(); }

TEST(Regex, RunsOnHyperscanOnlyWhatMeansTheSameThere) {
  EXPECT_TRUE(Linear(Source("^a[0-9]+(?:b|c)\\s.*\\.exe$")));
  EXPECT_TRUE(Linear(Source("(?i)power\\w+", true)));
  EXPECT_FALSE(Linear(Source("(?=a)b")));
  EXPECT_FALSE(Linear(Source("(a)\\1")));
  EXPECT_FALSE(Linear(Source("\\p{L}")));
  EXPECT_FALSE(Linear(Source("\xC3\xA9", true)));
  EXPECT_FALSE(Linear(Source("^a$", false, true)));
  EXPECT_FALSE(Linear(Source("(*ANYCRLF)a")));
  EXPECT_FALSE(Linear(Source("a*"))) << "holds everywhere: Hyperscan takes no such pattern";
}

bool Prefiltered(const sigma::Regex& source) {
  return Regex::Compile(source).value().prefiltered();
}

TEST(Regex, RunsBehindHyperscanWhereThatFindsNoLess) {
  EXPECT_TRUE(Prefiltered(Source("(?=a)b")));
  EXPECT_TRUE(Prefiltered(Source("(?<drive>[A-Z]):(?!x)")));
  EXPECT_FALSE(Prefiltered(Source("(\\b)a\\1"))) << "there it is the group once more";
  EXPECT_TRUE(Prefiltered(Source("^a$", false, true)));
  EXPECT_TRUE(Prefiltered(Source("\xC3\xA9x")));
  EXPECT_FALSE(Prefiltered(Source("\xC3\xA9x", true))) << "its folding lags behind";
  EXPECT_FALSE(Prefiltered(Source("\\p{L}x"))) << "other Unicode version";
  EXPECT_FALSE(Prefiltered(Source("^a[0-9]+")));
}

TEST(Regex, GreatRepeatsAreWeakenedForHyperscansCompiler) {
  const Regex regex = Regex::Compile(Source("ax{2,1000}.{0,1000}b")).value();
  EXPECT_TRUE(regex.prefiltered());
  RegexScratch scratch(100000, 250, regex.group_count());
  ASSERT_TRUE(regex.Prepare(scratch).has_value());
  std::string far = "axx";
  while (far.size() < 1100) far += '-';
  far += 'b';
  EXPECT_TRUE(regex.Holds(View("axx-b"), scratch));
  EXPECT_FALSE(regex.Holds(View("ax-b"), scratch));
  EXPECT_FALSE(regex.Holds(View(far), scratch));
  EXPECT_EQ(scratch.fallbacks(), 3u);
  EXPECT_FALSE(Linear(Source("\\w{30000}x")));
  std::string dots;
  while (dots.size() < 500) dots += ".";
  EXPECT_FALSE(Prefiltered(Source(dots))) << "nothing to weaken";
}

TEST(Regex, APrefilterSparesPcre2AndTellsNothingItself) {
  const Regex regex = Regex::Compile(Source("ab(?!c)")).value();
  RegexScratch scratch(1000, 250, regex.group_count());
  ASSERT_TRUE(regex.Prepare(scratch).has_value());
  EXPECT_FALSE(regex.Holds(View("no such thing"), scratch));
  EXPECT_EQ(scratch.fallbacks(), 0u);
  EXPECT_FALSE(regex.Holds(View("abc"), scratch));
  EXPECT_TRUE(regex.Holds(View("abd"), scratch));
  EXPECT_EQ(scratch.fallbacks(), 2u);
}

TEST(Regex, ALongTextDoesNotMultiplyTheLimitByItsPlaces) {
  // Below the match limit at each of a million places, tens of thousands of steps from each.
  std::string text;
  while (text.size() < 1000000) text += std::string(300, 'x') + '-';
  text += "yz";
  const Regex regex = Regex::Compile(Source("x*x*y(?!z)")).value();
  RegexScratch scratch(100000, 250, regex.group_count());
  ASSERT_TRUE(regex.Prepare(scratch).has_value());
  EXPECT_FALSE(regex.Holds(View(text), scratch));
  EXPECT_EQ(scratch.limits_hit(), 1u);
  EXPECT_TRUE(regex.Holds(View("xxy"), scratch)) << "the next text has all steps again";
}

TEST(Regex, AnExpressionThatGoesBackAgainAndAgainStillAnswers) {
  const Regex regex = Regex::Compile(Source("^(a|aa)+$")).value();
  RegexScratch scratch(1000, 250, regex.group_count());
  ASSERT_TRUE(regex.Prepare(scratch).has_value());
  const std::string hostile = std::string(200, 'a') + 'b';
  EXPECT_FALSE(regex.Holds(View(hostile), scratch));
  EXPECT_TRUE(regex.Holds(View(std::string(200, 'a')), scratch));
  EXPECT_EQ(scratch.limits_hit(), 0u);
  EXPECT_FALSE(regex.Search(View(hostile), scratch));
  EXPECT_EQ(scratch.limits_hit(), 1u) << "PCRE2 gives up, and it is counted";
}

TEST(Regex, BytesThatAreNoUtf8AreSearchedAsBytes) {
  const Regex regex = Regex::Compile(Source("^a.b$")).value();
  RegexScratch scratch(1000, 250, regex.group_count());
  ASSERT_TRUE(regex.Prepare(scratch).has_value());
  EXPECT_TRUE(regex.Holds(View("a\xFF"
                               "b",
                               false),
                          scratch));
  EXPECT_TRUE(regex.Holds(View("a\xC3\xA9"
                               "b"),
                          scratch))
      << "one code point";
  EXPECT_FALSE(regex.Holds(View("a\xC3\xFF"
                                "b",
                                false),
                           scratch))
      << "two bytes";
}

TEST(Regex, GroupsAreThoseOfTheSearch) {
  const Regex regex = Regex::Compile(Source("(?<drive>[A-Z]):(\\\\.*)?")).value();
  RegexScratch scratch(1000, 250, regex.group_count());
  const TextView text = View("at C:");
  ASSERT_TRUE(regex.Search(text, scratch));
  ASSERT_EQ(regex.names().size(), 1u);
  EXPECT_EQ(Regex::Group(text, regex.names()[0].second, scratch), "C");
  EXPECT_EQ(Regex::Group(text, 2, scratch).data(), nullptr);
}

TEST(Regex, ABadPatternTellsWhere) {
  const auto regex = Regex::Compile(Source("a(b"));
  ASSERT_FALSE(regex.has_value());
  EXPECT_NE(regex.error().ToString().find("at character 3"), std::string::npos);
}

}  // namespace
}  // namespace faultline
