// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/window.h"

#include <gtest/gtest.h>

#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::At;
using testing::Bound;

TEST(CountWindow, FiresAtTheTenthEventNotTheEleventh) {
  const CountWindow window({seconds(100), 10});
  CountWindow::State state;
  for (int i = 1; i <= 12; ++i) EXPECT_EQ(window.Observe(state, Bound(At(i), i)), i == 10) << i;
}

TEST(CountWindow, IsClosedToTheNanosecond) {
  for (const int delta : {-1, 0, 1}) {
    const CountWindow window({seconds(10), 2});
    CountWindow::State state;
    EXPECT_FALSE(window.Observe(state, Bound(At(0), 0)));
    EXPECT_EQ(window.Observe(state, Bound(At(10) + nanoseconds(delta), 1)), delta <= 0) << delta;
  }
}

TEST(CountWindow, ReArmsByExpiryThoughNoEventSeesIt) {
  const CountWindow window({seconds(10), 3});
  CountWindow::State state;
  EXPECT_FALSE(window.Observe(state, Bound(At(0), 0)));
  EXPECT_FALSE(window.Observe(state, Bound(At(1), 1)));
  EXPECT_TRUE(window.Observe(state, Bound(At(2), 2)));
  // The count is two just after 10 s, so the event at 10.5 s makes it three again.
  EXPECT_TRUE(window.Observe(state, Bound(At(10) + std::chrono::milliseconds(500), 3)));
}

TEST(CountWindow, StaysSilentWhileTheConditionHolds) {
  const CountWindow window({seconds(10), 2});
  CountWindow::State state;
  int fired = 0;
  for (int i = 0; i < 100; ++i) fired += window.Observe(state, Bound(At(i * 5), i)) ? 1 : 0;
  EXPECT_EQ(fired, 1);
}

TEST(CountWindow, EvidenceIsWhatTheConditionRestsOn) {
  const CountWindow window({seconds(10), 2});
  CountWindow::State state;
  EXPECT_FALSE(window.Observe(state, Bound(At(0), 7)));
  EXPECT_FALSE(window.Observe(state, Bound(At(11), 8)));
  EXPECT_TRUE(window.Observe(state, Bound(At(12), 9)));
  const auto evidence = window.Evidence(state);
  ASSERT_EQ(evidence.size(), 2U);
  EXPECT_EQ(evidence[0].origin.offset, 8);
  EXPECT_EQ(evidence[1].origin.offset, 9);
}

TEST(CountWindow, AThresholdOfOneAlertsAgainOnceTheWindowIsEmpty) {
  const CountWindow window({seconds(10), 1});
  CountWindow::State state;
  EXPECT_TRUE(window.Observe(state, Bound(At(0), 0)));
  EXPECT_FALSE(window.Observe(state, Bound(At(10), 1)));
  EXPECT_TRUE(window.Observe(state, Bound(At(20) + nanoseconds(1), 2)));
}

}  // namespace
}  // namespace faultline
