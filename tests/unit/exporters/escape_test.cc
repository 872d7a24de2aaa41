// SPDX-License-Identifier: Apache-2.0
#include "exporters/escape.h"

#include <gtest/gtest.h>

#include "exporters/json_writer.h"

namespace faultline {
namespace {

TEST(EscapeTest, NothingUnsafeReachesATerminal) {
  EXPECT_EQ(Printable("a\x1b[31mb\x07"), "a[31mb");
  EXPECT_EQ(Printable("a\nb\tc"), "a b c");
  EXPECT_EQ(Printable("a\u202Eb\u2066c\u0085d"), "abcd");
  EXPECT_EQ(Printable("a\xFFz"), "a\uFFFDz");
}

TEST(EscapeTest, JsonEscapesControlsAndReordering) {
  std::string out;
  AppendJsonText(out, "q\"\\\n\x01\x7f\u202E\u2028\xFFé");
  EXPECT_EQ(out, "\"q\\\"\\\\\\n\\u0001\\u007f\\u202e\\u2028\uFFFDé\"");
}

TEST(EscapeTest, CutsBetweenCharacters) {
  EXPECT_EQ(Shortened("aé", 2), "a");
  EXPECT_EQ(Shortened("aé", 3), "aé");
  EXPECT_EQ(Fitted("abcd", 3), "ab\u2026");
  EXPECT_EQ(Fitted("ab", 3), "ab ");
}

}  // namespace
}  // namespace faultline
