// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/pattern.h"

#include <string>

#include <gtest/gtest.h>

namespace faultline::sigma {
namespace {

// Literals in brackets, wildcards bare.
std::string Show(const Pattern& pattern) {
  std::string text;
  for (const Pattern::Token& token : pattern.tokens) {
    if (token.kind == Pattern::Kind::kLiteral) text += "[" + token.text + "]";
    if (token.kind == Pattern::Kind::kAny) text += "*";
    if (token.kind == Pattern::Kind::kOne) text += "?";
  }
  return text;
}

TEST(Pattern, ReadsEscapesInOnePass) {
  const struct {
    const char* text;
    const char* tokens;
  } cases[] = {
      {"", ""},
      {"abc", "[abc]"},
      {R"(\*)", "[*]"},
      {R"(\\*)", R"([\]*)"},
      {R"(\\\*)", R"([\*])"},
      {R"(a\b)", R"([a\b])"},
      {R"(a\\b)", R"([a\b])"},
      {R"(a\)", R"([a\])"},
      {"a**b", "[a]*[b]"},
      {"a??b", "[a]??[b]"},
      {R"(\?)", "[?]"},
      {"*?*", "*?*"},
  };
  for (const auto& c : cases) EXPECT_EQ(Show(ParsePattern(c.text)), c.tokens) << c.text;
}

TEST(Pattern, OuterWildcardsAreTokensAndNeverDoubled) {
  Pattern pattern = ParsePattern(R"(C:\)");
  OpenStart(pattern);
  OpenEnd(pattern);
  EXPECT_EQ(Show(pattern), R"(*[C:\]*)");
  OpenStart(pattern);
  OpenEnd(pattern);
  EXPECT_EQ(Show(pattern), R"(*[C:\]*)");
  Pattern empty;
  OpenStart(empty);
  OpenEnd(empty);
  EXPECT_EQ(Show(empty), "*");
}

TEST(Template, BecomesAnExpression) {
  EXPECT_EQ(TemplateToPcre("service '%1'  failed.", {"resource"}).value(),
            R"((?is)service\s+\'(?<resource>.*?)\'\s+failed\.)");
  EXPECT_EQ(TemplateToPcre("for %1. Code: %2", {"group", "code"}).value(),
            R"((?is)for\s+(?<group>.*?)\.\s+Code\:\s+(?<code>[^\r\n]*[^\s]))");
  EXPECT_EQ(TemplateToPcre("%1 and %1 100%%", {"a"}).value(),
            R"((?is)(?<a>.*?)\s+and\s+\k<a>\s+100\%)");
}

TEST(Template, RefusesNamesThatDoNotFit) {
  EXPECT_EQ(TemplateToPcre("a %2", {"x"}).error().message, "the template has %2, but 'as' names 1");
  EXPECT_EQ(TemplateToPcre("a %1", {"x", "y"}).error().message, "the template has no %2 for 'y'");
  EXPECT_EQ(TemplateToPcre("  ", {}).error().message, "the template is empty");
}

TEST(GroupNames, AreFoundInOrderOutsideClassesAndEscapes) {
  const std::vector<std::string> expected = {"a", "b", "c"};
  EXPECT_EQ(GroupNames(R"((?<a>x)(?P<b>y)(?'c'z)(?<=no)(?<!no)[(?<d>)]\(?<e>)"), expected);
}

}  // namespace
}  // namespace faultline::sigma
