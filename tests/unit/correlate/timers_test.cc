// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/timers.h"

#include <gtest/gtest.h>

namespace faultline {
namespace {

EventTime At(std::int64_t nanos) { return EventTime::Raw(nanos); }

std::vector<Timer> TakeAll(Timers& timers, EventTime before) {
  std::vector<Timer> taken;
  while (const auto timer = timers.TakeBefore(before)) taken.push_back(*timer);
  return taken;
}

TEST(Timers, ComeByDueThenUnitThenKindThenKey) {
  const std::vector<Timer> in_order = {
      {At(1), 7, Timer::Kind::kFlood, {9, 9}},    {At(2), 0, Timer::Kind::kOperator, {0, 2}},
      {At(2), 0, Timer::Kind::kOperator, {1, 0}}, {At(2), 0, Timer::Kind::kQuiet, {0, 0}},
      {At(2), 1, Timer::Kind::kOperator, {0, 0}},
  };
  Timers timers;
  for (const std::size_t i : {3U, 0U, 4U, 2U, 1U}) timers.Set(in_order[i]);
  EXPECT_EQ(TakeAll(timers, At(3)), in_order);
  EXPECT_EQ(timers.size(), 0U);
}

TEST(Timers, ExpiriesComeBehindAllOthersOfTheirTime) {
  const std::vector<Timer> in_order = {
      {At(1), 9, Timer::Kind::kFlood, {}},
      {At(1), 0, Timer::Kind::kExpiry, {}},
      {At(2), 0, Timer::Kind::kOperator, {}},
  };
  Timers timers;
  for (const std::size_t i : {1U, 2U, 0U}) timers.Set(in_order[i]);
  EXPECT_EQ(TakeAll(timers, At(3)), in_order);
}

TEST(Timers, WhatMeansNothingIsLetGoOfNowAndThen) {
  Timers timers;
  std::size_t asked = 0;
  for (std::int64_t i = 0; i < 100'000; ++i) {
    timers.Set(
        {At(1'000'000 - i), 0, Timer::Kind::kOperator, Digest{0, static_cast<std::uint64_t>(i)}});
    timers.Thin([&asked](const Timer& timer) {
      ++asked;
      return timer.key.low % 100 == 0;
    });
    ASSERT_LE(timers.size(), Timers::kThinAt);
  }
  EXPECT_LT(asked, 200'000U);
  std::int64_t meant = 0;
  EventTime last = EventTime::Min();
  while (const auto timer = timers.TakeBefore(EventTime::Max())) {
    EXPECT_LT(last, timer->due);
    last = timer->due;
    meant += timer->key.low % 100 == 0 ? 1 : 0;
  }
  EXPECT_EQ(meant, 1000);
}

TEST(Timers, OneThatIsSetTwiceComesOnce) {
  Timers timers;
  const Timer timer{At(5), 1, Timer::Kind::kUpdate, {1, 1}};
  timers.Set(timer);
  timers.Set({At(4), 1, Timer::Kind::kUpdate, {1, 1}});
  timers.Set(timer);
  EXPECT_EQ(TakeAll(timers, At(6)).size(), 2U);
}

TEST(Timers, WhatIsDueAtATimeWaitsUntilThatTimeIsOver) {
  Timers timers;
  timers.Set({At(5), 0, Timer::Kind::kOperator, {}});
  EXPECT_FALSE(timers.TakeBefore(At(5)));
  EXPECT_TRUE(timers.TakeBefore(At(6)));
}

}  // namespace
}  // namespace faultline
