// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/glob.h"

#include <string>

#include <gtest/gtest.h>

#include "matcher/event/text.h"

namespace faultline {
namespace {

using Kind = sigma::Pattern::Kind;

// '*' and '?' of `text` as wildcards.
sigma::Pattern PatternOf(std::string_view text) {
  sigma::Pattern pattern;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) pattern.tokens.push_back({Kind::kLiteral, literal});
    literal.clear();
  };
  for (const char c : text) {
    if (c != '*' && c != '?') {
      literal += c;
      continue;
    }
    flush();
    pattern.tokens.push_back({c == '*' ? Kind::kAny : Kind::kOne, {}});
  }
  flush();
  return pattern;
}

bool Matches(std::string_view pattern, std::string_view text, bool cased = false) {
  std::string buffer;
  TextView view;
  view.raw = text;
  view.folded = Fold(text, buffer);
  view.valid_utf8 = IsValidUtf8(text);
  return Glob(PatternOf(pattern), cased).Matches(view);
}

TEST(Glob, StarTakesAnythingEvenNothingAndNewlines) {
  EXPECT_TRUE(Matches("a*b", "ab"));
  EXPECT_TRUE(Matches("a*b", "a\n\nb"));
  EXPECT_FALSE(Matches("a*b", "abc"));
  EXPECT_TRUE(Matches("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(Matches("*a*b*", "xxbxxaxx"));
}

TEST(Glob, PiecesDoNotOverlap) {
  EXPECT_FALSE(Matches("aba*aba", "ababa"));
  EXPECT_TRUE(Matches("aba*aba", "abaaba"));
  EXPECT_FALSE(Matches("*ab*b", "ab"));
}

TEST(Glob, QuestionMarkTakesOneCodePointOrOneByteOfWhatIsNoUtf8) {
  EXPECT_TRUE(Matches("a?b", "a\U0001F600b"));
  EXPECT_FALSE(Matches("a??b", "a\U0001F600b"));
  EXPECT_TRUE(Matches("a?b",
                      "a\xFF"
                      "b"));
  EXPECT_FALSE(Matches("a?", "a"));
  EXPECT_TRUE(Matches("*?a", "xa"));
  EXPECT_FALSE(Matches("*?a", "a"));
}

TEST(Glob, CaseIsFoldedUnlessCased) {
  EXPECT_TRUE(Matches("\u00C9*K", "\u00E9x\u212A"));
  EXPECT_FALSE(Matches("A*b", "axb", true));
  EXPECT_TRUE(Matches("A*b", "Axb", true));
}

TEST(Glob, ManyStarsOnALongTextStayLinear) {
  std::string pattern;
  for (int i = 0; i < 40; ++i) pattern += "*a";
  EXPECT_FALSE(Matches(pattern + "*b", std::string(100000, 'a')));
}

}  // namespace
}  // namespace faultline
