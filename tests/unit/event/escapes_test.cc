// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/escapes.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace faultline {
namespace {

std::string Decoded(std::string_view raw) {
  std::string buffer = "old";
  DecodeEscapes(raw, buffer);
  return buffer;
}

TEST(Escapes, AreResolved) {
  EXPECT_EQ(Decoded(R"(C:\\a\/b\"c)"), R"(C:\a/b"c)");
  EXPECT_EQ(Decoded(R"(\b\f\n\r\t)"), "\b\f\n\r\t");
  EXPECT_EQ(Decoded(R"(\u0041\u00e9\u20AC\ud83D\uDe00)"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(Decoded(R"(\u0000)"), std::string(1, '\0'));
}

TEST(Escapes, BadOnesStayAsTheyAre) {
  for (const char* raw : {R"(\q)", R"(\u12)", R"(\u12G4)", R"(a\)", R"(\U0041)", R"(\x41)"}) {
    EXPECT_EQ(Decoded(raw), raw);
    EXPECT_TRUE(InspectEscapes(raw).bad) << raw;
  }
  EXPECT_EQ(Decoded(R"(\q\n)"), "\\q\n");
}

TEST(Escapes, LoneSurrogatesBecomeThreeBytes) {
  EXPECT_EQ(Decoded(R"(\ud800x)"), "\xed\xa0\x80x");
  EXPECT_EQ(Decoded(R"(\udfff)"), "\xed\xbf\xbf");
  EXPECT_EQ(Decoded(R"(\ud800\ud83d\ude00)"), "\xed\xa0\x80\xf0\x9f\x98\x80");
  for (const char* raw : {R"(\ud800)", R"(\udc00\ud800)", R"(\ud800\n)", R"(\ud800\u0041)"}) {
    EXPECT_TRUE(InspectEscapes(raw).lone_surrogate) << raw;
    EXPECT_FALSE(InspectEscapes(raw).bad) << raw;
  }
  EXPECT_FALSE(InspectEscapes(R"(\ud83d\ude00 \\ud800 \u00e9)").lone_surrogate);
}

TEST(Escapes, UnicodeIsFoundWhereverItStands) {
  for (std::size_t before = 0; before < 140; ++before) {
    for (std::size_t behind = 0; behind < 40; ++behind) {
      const auto hints = [&](const std::string& what) {
        return FindUnicode(std::string(before, 'u') + what + std::string(behind, '\\'));
      };
      EXPECT_TRUE(hints("\\u").escapes) << before << " " << behind;
      EXPECT_FALSE(hints("\\U").escapes) << before << " " << behind;
      for (const char* folds : {"\xc5\xbf", "\xe2\x84\xaa"}) {
        EXPECT_TRUE(hints(folds).folds_to_ascii) << before << " " << behind;
        EXPECT_FALSE(hints(folds).escapes) << before << " " << behind;
      }
      EXPECT_FALSE(hints("\xc5\xbe\xe2\x84\xab").folds_to_ascii) << before << " " << behind;
    }
  }
}

TEST(Escapes, TellWhichAsciiTheyHide) {
  const std::pair<const char*, char> hiding[] = {{R"(\u0041)", 'a'},  {R"(\\\u007e)", '~'},
                                                 {R"(x\u212A)", 'k'}, {R"(\u017f)", 's'},
                                                 {R"(\u0000)", '\0'}, {R"(\u003f)", '?'}};
  for (const auto& [raw, c] : hiding) {
    AsciiSet only;
    only.Add(c);
    EXPECT_TRUE(InspectEscapes(raw).hidden.Meets(only)) << raw;
    AsciiSet others;
    for (char other = 0; other >= 0; ++other) {
      if (other != c) others.Add(other);
      if (other == 127) break;
    }
    EXPECT_FALSE(InspectEscapes(raw).hidden.Meets(others)) << raw;
  }
  for (const char* raw : {R"(\\u0041)", R"(\u00e9)", R"(\n\/)", R"(\ud83d\ude00)", R"(\u004)"}) {
    EXPECT_TRUE(InspectEscapes(raw).hidden.empty()) << raw;
  }
}

}  // namespace
}  // namespace faultline
