// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/watermark.h"

#include <gtest/gtest.h>

#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::At;

constexpr SourceClock::Config kConfig{seconds(10), minutes(5), seconds(30)};

SourceClock::Claim Own(std::int64_t offset, EventTime time) { return {offset, 0, time, {}, {}}; }

TEST(SourceClock, TheWatermarkFollowsTheHighestTimeLessTheLateness) {
  SourceClock clock(kConfig);
  EXPECT_EQ(clock.watermark(), EventTime::Min());
  EXPECT_FALSE(clock.Take(Own(0, At(100)), {}, {}).late);
  EXPECT_EQ(clock.watermark(), At(90));
  EXPECT_FALSE(clock.Take(Own(1, At(95)), {}, {}).late);
  EXPECT_EQ(clock.watermark(), At(90));
}

TEST(SourceClock, EqualToTheWatermarkIsNotLate) {
  SourceClock clock(kConfig);
  (void)clock.Take(Own(0, At(100)), {}, {});
  EXPECT_FALSE(clock.Take(Own(1, At(90)), {}, {}).late);
  const auto late = clock.Take(Own(2, At(90) - nanoseconds(1)), {}, {});
  EXPECT_TRUE(late.late);
  EXPECT_EQ(late.late_by, seconds(10) + nanoseconds(1));
}

TEST(SourceClock, AnUnreadableTimeTakesTheRecordsThenTheHighestSoFar) {
  SourceClock clock(kConfig);
  const auto stamped = clock.Take({0, 0, {}, TimestampKind::kCreateTime, At(7)}, {}, {});
  EXPECT_EQ(stamped.time, At(7));
  EXPECT_TRUE(stamped.substituted);
  EXPECT_FALSE(stamped.by_clock);
  EXPECT_EQ(clock.Take({1, 0, {}, TimestampKind::kNone, {}}, {}, {}).time, At(7));
}

TEST(SourceClock, TheBrokersOwnStampRefutesTheFuture) {
  SourceClock clock(kConfig);
  const EventTime stamp = At(1000);
  EXPECT_EQ(
      clock.Take({0, 0, stamp + minutes(5), TimestampKind::kLogAppendTime, stamp}, {}, {}).time,
      stamp + minutes(5));
  EXPECT_EQ(
      clock
          .Take({1, 0, stamp + minutes(5) + nanoseconds(1), TimestampKind::kLogAppendTime, stamp},
                {}, {})
          .time,
      stamp);
}

TEST(SourceClock, BeyondTheClockTakesTheHighestSoFarAndIsToldForTheJournal) {
  SourceClock clock(kConfig);
  (void)clock.Take(Own(0, At(1000)), At(1000), {});
  const auto verdict = clock.Take(Own(1, At(9000)), At(1000), {});
  EXPECT_TRUE(verdict.by_clock);
  EXPECT_EQ(verdict.time, At(1000));
  EXPECT_EQ(clock.watermark(), At(990));
}

TEST(SourceClock, TheFirstRecordBeyondTheClockTakesItsStampElseNow) {
  SourceClock stamped(kConfig);
  EXPECT_EQ(stamped.Take({0, 0, At(9000), TimestampKind::kCreateTime, At(500)}, At(1000), {}).time,
            At(500));
  SourceClock bare(kConfig);
  EXPECT_EQ(bare.Take({0, 0, At(9000), TimestampKind::kCreateTime, At(9000)}, At(1000), {}).time,
            At(1000));
}

TEST(SourceClock, AClockThatStaysWrongDoesNotHoldTheSourceForEver) {
  SourceClock clock(kConfig);
  (void)clock.Take(Own(0, At(1000)), At(1000), seconds(0));
  clock.AtEnd(seconds(0));
  EXPECT_EQ(clock.Take(Own(1, At(9000)), At(1029), seconds(29)).time, At(1000));
  EXPECT_EQ(clock.Take(Own(2, At(9000)), At(1030), seconds(30)).time, At(1030));
}

TEST(SourceClock, TheJournalDecidesWithoutAnyClock) {
  SourceClock clock(kConfig);
  clock.Remember(4, 0, At(50));
  const auto verdict = clock.Take(Own(4, At(9000)), {}, {});
  EXPECT_EQ(verdict.time, At(50));
  EXPECT_TRUE(verdict.substituted);
  EXPECT_FALSE(verdict.by_clock);
  clock.Forget(5);
  EXPECT_EQ(clock.Take(Own(4, At(60)), {}, {}).time, At(60));
}

}  // namespace
}  // namespace faultline
