// SPDX-License-Identifier: Apache-2.0
#include "base/event_time.h"

#include <chrono>

#include <gtest/gtest.h>

namespace faultline {
namespace {

using std::chrono::nanoseconds;

TEST(EventTime, CivilDatesAreThoseOfTheCalendar) {
  // Seconds as `date -u -d ... +%s` prints them.
  EXPECT_EQ(EventTime::FromCivil(2024, 2, 29, 12, 30, 15, 5)->nanos(), 1709209815'000000005);
  EXPECT_EQ(EventTime::FromCivil(1969, 12, 31, 23, 59, 59, 0)->nanos(), -1'000000000);
  EXPECT_EQ(EventTime::FromCivil(2000, 3, 1, 0, 0, 0, 0)->nanos(), 951868800'000000000);
  EXPECT_EQ(EventTime::FromCivil(2016, 12, 31, 23, 59, 60, 7),
            EventTime::FromCivil(2017, 1, 1, 0, 0, 0, 0));
}

TEST(EventTime, DatesThatDoNotExistAreNothing) {
  EXPECT_FALSE(EventTime::FromCivil(2023, 2, 29, 0, 0, 0, 0));
  EXPECT_FALSE(EventTime::FromCivil(1900, 2, 29, 0, 0, 0, 0));
  EXPECT_FALSE(EventTime::FromCivil(2023, 13, 1, 0, 0, 0, 0));
  EXPECT_FALSE(EventTime::FromCivil(2023, 1, 1, 24, 0, 0, 0));
  EXPECT_FALSE(EventTime::FromCivil(2023, 1, 1, 0, 0, 0, 1'000'000'000));
}

TEST(EventTime, TheRangeIsClosedBelowAndOpenAbove) {
  const auto first = EventTime::FromCivil(1678, 1, 1, 0, 0, 0, 0);
  const auto last = EventTime::FromCivil(2261, 12, 31, 23, 59, 59, 999'999'999);
  ASSERT_TRUE(first && last);
  EXPECT_TRUE(EventTime::FromNanos(first->nanos()));
  EXPECT_FALSE(EventTime::FromNanos(first->nanos() - 1));
  EXPECT_TRUE(EventTime::FromNanos(last->nanos()));
  EXPECT_FALSE(EventTime::FromNanos(last->nanos() + 1));
  EXPECT_FALSE(EventTime::FromCivil(1601, 1, 1, 0, 0, 0, 0));
  EXPECT_FALSE(EventTime::FromCivil(9999, 12, 31, 0, 0, 0, 0));
}

TEST(EventTime, ArithmeticSaturates) {
  const EventTime now = EventTime::Raw(1000);
  EXPECT_EQ(now + nanoseconds::max(), EventTime::Max());
  EXPECT_EQ(EventTime::Raw(-1000) + nanoseconds::min(), EventTime::Min());
  EXPECT_EQ(now - nanoseconds::min(), EventTime::Max());
  EXPECT_EQ(EventTime::Max() - nanoseconds(5), EventTime::Max());
  EXPECT_EQ(EventTime::Min() + nanoseconds(5), EventTime::Min());
  EXPECT_EQ(EventTime::Max() - EventTime::Min(), nanoseconds::max());
  EXPECT_EQ((now + nanoseconds(5)) - now, nanoseconds(5));
}

TEST(EventTime, PrintsAsManyDigitsAsAreExact) {
  EXPECT_EQ(ToString(EventTime::Raw(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(ToString(EventTime::Raw(1'500'000)), "1970-01-01T00:00:00.001500Z");
  EXPECT_EQ(ToString(EventTime::Raw(-1)), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(ToString(EventTime::Min()), "-infinity");
  EXPECT_EQ(ToString(EventTime::Max()), "infinity");
}

TEST(EventTime, WhatIsPrintedIsTheDateItWasMadeOf) {
  for (int year = 1678; year < 2262; year += 7) {
    for (int month = 1; month <= 12; ++month) {
      const auto time = EventTime::FromCivil(year, month, 28, 1, 2, 3, 0);
      char expected[40];
      std::snprintf(expected, sizeof expected, "%04d-%02d-28T01:02:03.000Z", year, month);
      ASSERT_EQ(ToString(*time), expected);
    }
  }
}

}  // namespace
}  // namespace faultline
