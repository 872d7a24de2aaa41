// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/timestamp.h"

#include <string>

#include <gtest/gtest.h>

namespace faultline {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::string Parsed(std::string_view text, seconds offset = {}) {
  const auto time = ParseTimestamp(text, offset);
  return time ? ToString(*time) : "none";
}

TEST(Timestamp, ReadsWhatLogsWrite) {
  const struct {
    const char* text;
    const char* expected;
  } cases[] = {
      {"2025-11-27T07:40:10.165324Z", "2025-11-27T07:40:10.165324Z"},
      {"2025-11-27T07:40:10Z", "2025-11-27T07:40:10.000Z"},
      {"2025-11-27t07:40:10z", "2025-11-27T07:40:10.000Z"},
      {"2025-11-27 07:40:10", "2025-11-27T07:40:10.000Z"},
      {"2025-11-27 07:40:10,5", "2025-11-27T07:40:10.500Z"},
      {"2025-11-27 07:40:10 UTC", "2025-11-27T07:40:10.000Z"},
      {"2025-11-27T07:40:10.1234567899Z", "2025-11-27T07:40:10.123456789Z"},
      {"2025-11-27T07:40:10+02:00", "2025-11-27T05:40:10.000Z"},
      {"2025-11-27T07:40:10.5-0530", "2025-11-27T13:10:10.500Z"},
      {"2025-11-27T07:40:10+02", "2025-11-27T05:40:10.000Z"},
      {"2024-02-29", "2024-02-29T00:00:00.000Z"},
      {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"},
      {"1692093342", "2023-08-15T09:55:42.000Z"},
      {"1692093342.25", "2023-08-15T09:55:42.250Z"},
      {"1692093342179", "2023-08-15T09:55:42.179Z"},
      {"1692093342179001", "2023-08-15T09:55:42.179001Z"},
      {"1692093342179001002", "2023-08-15T09:55:42.179001002Z"},
      {"0", "1970-01-01T00:00:00.000Z"},
      {"-1", "1969-12-31T23:59:59.000Z"},
      {"-1.5", "1969-12-31T23:59:58.500Z"},
      {"1678-01-01T00:00:00Z", "1678-01-01T00:00:00.000Z"},
      {"1677-12-31T23:30:00-01:00", "1678-01-01T00:30:00.000Z"},
      {"2262-01-01T00:30:00+01:00", "2261-12-31T23:30:00.000Z"},
  };
  for (const auto& c : cases) EXPECT_EQ(Parsed(c.text), c.expected) << c.text;
}

TEST(Timestamp, RefusesWhatIsNoTimeOrOutsideTheRange) {
  for (const char* text : {"",
                           "now",
                           "2025-13-01",
                           "2025-02-29",
                           "2025-11-27T24:00:00Z",
                           "2025-11-27T07:60:00Z",
                           "2025-11-27T07:40:61Z",
                           "2025-11-27T07:40",
                           "2025-11-27T07:40:10.",
                           "2025-11-27T07:40:10 X",
                           "2025-11-27T07:40:10Zx",
                           "2025-11-27T07:40:10+24:00",
                           "2025-11-27T07:40:10+1",
                           "2025-11-27T07:40:10+01:60",
                           "2025-11-27Z",
                           "2025-1-1",
                           " 2025-11-27",
                           "1601-01-01T00:00:00Z",
                           "9999-12-31T23:59:59Z",
                           "0000-00-00",
                           "1677-12-31T23:59:59Z",
                           "2262-01-01T00:00:00Z",
                           "9223372036854775807",
                           "99999999999999999999999",
                           "-99999999999",
                           "1e9",
                           "1692093342179.5",
                           "+5",
                           "12a",
                           "-",
                           "1.",
                           "12-34",
                           "2025/11/27 00:00:00"}) {
    EXPECT_EQ(Parsed(text), "none") << text;
  }
}

TEST(Timestamp, TheOffsetIsForStampsWithoutAZone) {
  EXPECT_EQ(Parsed("2020-09-21 13:12:07", -hours(4)), "2020-09-21T17:12:07.000Z");
  EXPECT_EQ(Parsed("2020-09-21", hours(2)), "2020-09-20T22:00:00.000Z");
  EXPECT_EQ(Parsed("2020-09-21T13:12:07Z", -hours(4)), "2020-09-21T13:12:07.000Z");
  EXPECT_EQ(Parsed("2020-09-21 13:12:07 UTC", -hours(4)), "2020-09-21T13:12:07.000Z");
  EXPECT_EQ(Parsed("1692093342", -hours(4)), "2023-08-15T09:55:42.000Z");
}

TEST(Zone, IsUtcOrAnOffset) {
  EXPECT_EQ(ParseZone("UTC").value(), seconds(0));
  EXPECT_EQ(ParseZone("Z").value(), seconds(0));
  EXPECT_EQ(ParseZone("+02:00").value(), hours(2));
  EXPECT_EQ(ParseZone("-05:30").value(), -(hours(5) + minutes(30)));
  for (const char* text : {"", "CET", "+2", "+0200", "02:00", "+02:00x", "+25:00", "+02:75"}) {
    const auto zone = ParseZone(text);
    ASSERT_FALSE(zone.has_value()) << text;
    EXPECT_EQ(zone.error().fault, Fault::kConfig);
  }
}

}  // namespace
}  // namespace faultline
