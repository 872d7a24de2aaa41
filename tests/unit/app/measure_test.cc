// SPDX-License-Identifier: Apache-2.0
#include "app/measure/measurement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "app/measure/pinned_team.h"

namespace faultline::app {
namespace {

TEST(Share, ThreadsTakeEachEventOnce) {
  constexpr std::size_t kEvents = 5 * Share::kBlock + 3;
  std::vector<int> taken(kEvents, 0);
  for (std::size_t thread = 0; thread < 3; ++thread) {
    Share{thread, 3}.ForEachBlock(kEvents, [&](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i) ++taken[i];
    });
  }
  EXPECT_TRUE(std::all_of(taken.begin(), taken.end(), [](int times) { return times == 1; }));
}

TEST(BenchAnswer, NamesTheMatchesWhateverTheirOrder) {
  BenchAnswer forward, backward, other, parts;
  forward.Add(1, "a");
  forward.Add(2, "b");
  backward.Add(2, "b");
  backward.Add(1, "a");
  other.Add(1, "b");
  other.Add(2, "a");
  EXPECT_EQ(forward, backward);
  EXPECT_NE(forward.DigestText(), other.DigestText());
  BenchAnswer first, second;
  first.Add(1, "a");
  second.Add(2, "b");
  parts.Add(first);
  parts.Add(second);
  EXPECT_EQ(parts, forward);
}

TEST(Median, IsTheMiddleOne) {
  EXPECT_EQ(Median({}), 0);
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 2, 3}), 2.5);
}

TEST(Contestant, RatiosAreThoseOfTheRounds) {
  Contestant fast, slow;
  for (const double busy : {1.0, 10.0, 2.0}) {  // what else the machine did in each round
    fast.Add(0.5 * busy);
    slow.Add(2.0 * busy);
  }
  EXPECT_EQ(fast.SpeedOver(slow), 4);
  EXPECT_EQ(slow.SpeedOver(fast), 0.25);
  EXPECT_EQ(fast.BytesPerSecond(100), 100);
}

TEST(PinnedTeam, AllWorkAtTheSameTime) {
  PinnedTeam team(3);
  for (const std::size_t threads : {std::size_t{1}, std::size_t{3}, std::size_t{2}}) {
    std::vector<std::atomic<int>> calls(3);
    std::atomic<std::size_t> inside{0};
    const double seconds = team.Run(threads, [&](std::size_t number) {
      ++calls[number];
      ++inside;
      while (inside.load() < threads) std::this_thread::yield();  // ends only if all are there
    });
    EXPECT_GE(seconds, 0);
    for (std::size_t number = 0; number < 3; ++number) {
      EXPECT_EQ(calls[number], number < threads ? 1 : 0);
    }
  }
}

}  // namespace
}  // namespace faultline::app
