// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/required_text.h"

#include <gtest/gtest.h>

namespace faultline {
namespace {

using Texts = std::vector<std::string>;

Texts Of(const char* pattern) { return RequiredTexts(sigma::Regex{pattern, false, false, false}); }

TEST(RequiredTexts, AreTheBestOfWhatMustStandSomewhere) {
  EXPECT_EQ(Of("ab.*(LONGEST|longer).?x"), (Texts{"longer", "longest"}));
  EXPECT_EQ(Of("(?i)cmd\\.exe\\s+/c"), (Texts{"cmd.exe"}));
  EXPECT_EQ(Of("a+bc"), (Texts{"bc"}));
  EXPECT_EQ(Of("xa{2,3}bcd"), (Texts{"bcd"}));
  EXPECT_EQ(Of("(?:one|two(?=three))[0-9]"), (Texts{"one", "two"}));
  EXPECT_EQ(Of("(?<name>abc)(?!defghi)"), (Texts{"abc"}));
}

TEST(RequiredTexts, LeaveOutWhatMayBeMissing) {
  EXPECT_EQ(Of("ab(longer)?"), (Texts{"ab"}));
  EXPECT_EQ(Of("ab(longer)*"), (Texts{"ab"}));
  EXPECT_EQ(Of("ab(longer){0,2}"), (Texts{"ab"}));
  EXPECT_EQ(Of("abc?"), (Texts{"ab"}));
  EXPECT_EQ(Of("abc*?d"), (Texts{"ab"}));
  for (const char* pattern : {"longer|.", "(longer|)", "(longer)?", "a|b", "[abc]+", "\\d+", ""}) {
    EXPECT_EQ(Of(pattern), Texts{}) << pattern;
  }
}

TEST(RequiredTexts, AreOneByteOnlyWhereItIsSeldomMet) {
  EXPECT_EQ(Of("\\w+`(?:\\w+|-|.)`[a-z]"), Texts{"`"});
  EXPECT_EQ(Of("\\^.*\\^"), Texts{"^"});
  EXPECT_EQ(Of("\\+.*ab"), Texts{"ab"});
  EXPECT_EQ(Of("\\s[<>]-"), Texts{});
  EXPECT_EQ(Of("(?:>|ab)c?"), (Texts{">", "ab"}));
  using Kind = sigma::Pattern::Kind;
  EXPECT_EQ(RequiredTexts(sigma::Pattern{{{Kind::kOne, {}}, {Kind::kLiteral, ">"}}}), Texts{">"});
}

TEST(RequiredTexts, GiveUpOnRarerSyntax) {
  for (const char* pattern :
       {"\\Qlonger\\E", "longer\\x41", "longer(?x) a b", "longer(?|a|b)", "(*UTF)longer",
        "longer\\1", "longer[[:alpha:]]", "longer{,3}", "longer{a", "l\xc3\xb6nger", "(longer",
        "longer)", "*longer", "[longer", "longer\\"}) {
    EXPECT_EQ(Of(pattern), Texts{}) << pattern;
  }
}

TEST(RequiredTexts, OfAPatternAreItsLongestStretchOfAscii) {
  using Kind = sigma::Pattern::Kind;
  const sigma::Pattern pattern{{{Kind::kLiteral, "ab"},
                                {Kind::kAny, {}},
                                {Kind::kLiteral, "X\xc3\xa9YZ."},
                                {Kind::kOne, {}}}};
  EXPECT_EQ(RequiredTexts(pattern), (Texts{"yz."}));
  EXPECT_EQ(RequiredTexts(sigma::Pattern{{{Kind::kOne, {}}, {Kind::kLiteral, "a"}}}), Texts{});
}

}  // namespace
}  // namespace faultline
