// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/escapes.h"

#include <string>

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

TEST(Escapes, ASurrogateIsSuspectedWhereverItStands) {
  for (std::size_t before = 0; before < 70; ++before) {
    for (std::size_t behind = 0; behind < 20; ++behind) {
      std::string text(before, '\\');
      text.append("\\ud").append(behind, 'u');
      EXPECT_TRUE(MayHoldSurrogate(text)) << before << " " << behind;
      text[before + 2] = 'e';
      EXPECT_FALSE(MayHoldSurrogate(text)) << before << " " << behind;
    }
  }
}

}  // namespace
}  // namespace faultline
