// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/chain.h"

#include <gtest/gtest.h>

#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::At;
using testing::Bound;

// One event that stands for each of `members`.
template <class Window, class State>
bool See(const Window& window, State& state, EventTime time, std::int64_t offset,
         std::vector<std::uint32_t> members) {
  std::vector<BoundEvent> bound;
  for (const std::uint32_t member : members) bound.push_back(Bound(time, offset, member));
  return window.Observe(state, members, bound);
}

TEST(SetWindow, TakesEitherOrder) {
  for (const bool swapped : {false, true}) {
    const SetWindow window({seconds(600), 2, 2});
    SetWindow::State state;
    EXPECT_FALSE(See(window, state, At(0), 0, {swapped ? 1U : 0U}));
    EXPECT_TRUE(See(window, state, At(600), 1, {swapped ? 0U : 1U}));
  }
}

TEST(SetWindow, IsClosedToTheNanosecond) {
  for (const int delta : {-1, 0, 1}) {
    const SetWindow window({seconds(10), 2, 2});
    SetWindow::State state;
    EXPECT_FALSE(See(window, state, At(0), 0, {0}));
    EXPECT_EQ(See(window, state, At(10) + nanoseconds(delta), 1, {1}), delta <= 0) << delta;
  }
}

TEST(SetWindow, OneEventMayStandForSeveralMembers) {
  const SetWindow window({seconds(10), 2, 2});
  SetWindow::State state;
  EXPECT_TRUE(See(window, state, At(0), 0, {0, 1}));
}

TEST(SetWindow, KOfNFiresAtTheKth) {
  const SetWindow window({seconds(10), 4, 3});
  SetWindow::State state;
  EXPECT_FALSE(See(window, state, At(0), 0, {3}));
  EXPECT_FALSE(See(window, state, At(1), 1, {3}));
  EXPECT_FALSE(See(window, state, At(2), 2, {1}));
  EXPECT_TRUE(See(window, state, At(3), 3, {0}));
  EXPECT_FALSE(See(window, state, At(4), 4, {2}));
}

TEST(SetWindow, ReArmsOnceAMemberHasExpired) {
  const SetWindow window({seconds(10), 2, 2});
  SetWindow::State state;
  EXPECT_FALSE(See(window, state, At(0), 0, {0}));
  EXPECT_TRUE(See(window, state, At(5), 1, {1}));
  EXPECT_FALSE(See(window, state, At(10), 2, {0}));  // still true, renewed in time
  EXPECT_FALSE(See(window, state, At(15), 3, {1}));
  EXPECT_TRUE(See(window, state, At(26), 4, {0}) || See(window, state, At(26), 5, {1}));
}

TEST(SequenceWindow, WantsTheOrder) {
  const SequenceWindow window({seconds(10), 2});
  SequenceWindow::State state;
  EXPECT_FALSE(See(window, state, At(0), 0, {1}));
  EXPECT_FALSE(See(window, state, At(1), 1, {0}));
  EXPECT_TRUE(See(window, state, At(2), 2, {1}));
}

TEST(SequenceWindow, OneEventFillsOneStep) {
  const SequenceWindow window({seconds(10), 2});
  SequenceWindow::State state;
  EXPECT_FALSE(See(window, state, At(0), 0, {0, 1}));
  EXPECT_TRUE(See(window, state, At(0), 1, {0, 1}));
}

TEST(SequenceWindow, PrefersTheNewerFirstStep) {
  const SequenceWindow window({seconds(10), 3});
  SequenceWindow::State state;
  EXPECT_FALSE(See(window, state, At(0), 0, {0}));
  EXPECT_FALSE(See(window, state, At(1), 1, {1}));
  EXPECT_FALSE(See(window, state, At(5), 2, {0}));
  EXPECT_FALSE(See(window, state, At(6), 3, {1}));
  EXPECT_TRUE(
      See(window, state, At(12), 4, {2}));  // 12 s behind the older start, 7 s behind the newer
  const auto chain = window.Evidence(state);
  ASSERT_EQ(chain.size(), 3U);
  EXPECT_EQ(chain[0].origin.offset, 2);
  EXPECT_EQ(chain[1].origin.offset, 3);
  EXPECT_EQ(chain[2].origin.offset, 4);
}

TEST(SequenceWindow, AnOlderStartSurvivesUntilANewerOneHasItsNextStep) {
  const SequenceWindow window({seconds(10), 3});
  SequenceWindow::State state;
  EXPECT_FALSE(See(window, state, At(0), 0, {0}));
  EXPECT_FALSE(See(window, state, At(1), 1, {1}));
  EXPECT_FALSE(See(window, state, At(5), 2, {0}));
  EXPECT_TRUE(See(window, state, At(9), 3, {2}));
  EXPECT_EQ(window.Evidence(state).front().origin.offset, 0);
}

TEST(SequenceWindow, IsClosedToTheNanosecond) {
  for (const int delta : {-1, 0, 1}) {
    const SequenceWindow window({seconds(10), 2});
    SequenceWindow::State state;
    EXPECT_FALSE(See(window, state, At(0), 0, {0}));
    EXPECT_EQ(See(window, state, At(10) + nanoseconds(delta), 1, {1}), delta <= 0) << delta;
  }
}

}  // namespace
}  // namespace faultline
