// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/suppression.h"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace faultline {
namespace {

using std::chrono::nanoseconds;

EventTime At(std::int64_t nanos) { return EventTime::Raw(nanos); }
Digest By(std::uint64_t value) { return Digest{0, value}; }

TEST(Suppression, HidesUpToItsSpanAndTellsHowMany) {
  Suppression suppression({{nanoseconds(10), nanoseconds(0)}}, 100);
  EXPECT_EQ(suppression.Tell(0, By(1), At(0), At(0)), 0);
  EXPECT_EQ(suppression.Tell(0, By(1), At(10), At(10)), std::nullopt);
  EXPECT_EQ(suppression.Tell(0, By(2), At(10), At(10)), 0);
  EXPECT_EQ(suppression.Tell(0, By(1), At(11), At(11)), 1);
  EXPECT_EQ(suppression.Tell(0, By(1), At(22), At(22)), 0);
}

TEST(Suppression, WhatHasHiddenSomethingStaysUntilItIsTold) {
  Suppression suppression({{nanoseconds(10), nanoseconds(0)}}, 100);
  (void)suppression.Tell(0, By(1), At(0), At(0));
  (void)suppression.Tell(0, By(1), At(1), At(1));
  (void)suppression.Tell(0, By(2), At(1), At(1));
  suppression.ExpireBefore(At(1'000'000));
  EXPECT_EQ(suppression.size(), 1U);
  EXPECT_EQ(suppression.Tell(0, By(1), At(1'000'000), At(1'000'000)), 1);
}

TEST(Suppression, AFiringThatHasWaitedMeetsWhatWasToldWhileItWaited) {
  Suppression suppression({{nanoseconds(10), nanoseconds(60)}}, 100);
  (void)suppression.Tell(0, By(1), At(0), At(60));
  suppression.ExpireBefore(At(64));
  EXPECT_EQ(suppression.Tell(0, By(1), At(4), At(64)), std::nullopt);
}

TEST(Suppression, TheOneToldLeastRecentlyGoesAndIsCounted) {
  Suppression suppression({{nanoseconds(100), nanoseconds(0)}, {nanoseconds(1), nanoseconds(0)}},
                          2);
  (void)suppression.Tell(0, By(1), At(0), At(0));
  (void)suppression.Tell(0, By(1), At(1), At(1));  // hidden: told at 0 all the same
  (void)suppression.Tell(0, By(2), At(2), At(2));
  (void)suppression.Tell(0, By(3), At(3), At(3));
  EXPECT_EQ(suppression.forgotten(0), 1U);
  EXPECT_EQ(suppression.Tell(0, By(2), At(4), At(4)), std::nullopt);
  EXPECT_EQ(suppression.Tell(0, By(1), At(5), At(5)), 0) << "it is not known any more";
  // What is over makes room first.
  for (std::uint64_t i = 0; i < 100; ++i) {
    const EventTime at = At(static_cast<std::int64_t>(10 * i));
    (void)suppression.Tell(1, By(i), at, at);
  }
  EXPECT_EQ(suppression.forgotten(1), 0U);
}

// Everything kept in a list, nothing ever swept but when room is wanted.
class Listed {
 public:
  Listed(std::int64_t span, std::int64_t slack, std::size_t most)
      : span_(span), slack_(slack), most_(most) {}

  std::optional<std::int64_t> Tell(std::uint64_t by, std::int64_t fired, std::int64_t now) {
    const auto found = told_.find(by);
    if (found != told_.end() && fired <= found->second.first + span_) {
      ++found->second.second;
      return std::nullopt;
    }
    const std::int64_t hidden = found == told_.end() ? 0 : found->second.second;
    told_[by] = {fired, 0};
    if (told_.size() <= most_) return hidden;
    std::erase_if(told_, [&](const auto& each) {
      return each.second.second == 0 && each.second.first + span_ + slack_ < now;
    });
    if (told_.size() <= most_) return hidden;
    told_.erase(std::min_element(told_.begin(), told_.end(), [](const auto& a, const auto& b) {
      return std::tie(a.second.first, a.first) < std::tie(b.second.first, b.first);
    }));
    ++forgotten;
    return hidden;
  }
  std::uint64_t forgotten = 0;

 private:
  std::int64_t span_, slack_;
  std::size_t most_;
  std::map<std::uint64_t, std::pair<std::int64_t, std::int64_t>> told_;
};

TEST(Suppression, DoesAsAListWheneverItIsSweptOrStored) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const std::int64_t span = 1 + static_cast<std::int64_t>(random() % 20);
    const std::int64_t slack = static_cast<std::int64_t>(random() % 3) * 5;
    const std::size_t most = 1 + random() % 8;
    const std::vector<Suppression::Rule> rules = {{std::nullopt, nanoseconds(0)},
                                                  {nanoseconds(span), nanoseconds(slack)}};
    auto suppression = std::make_unique<Suppression>(rules, most);
    Listed listed(span, slack, most);
    std::int64_t now = 0;
    for (int i = 0; i < 200; ++i) {
      now += static_cast<std::int64_t>(random() % 5);
      const std::uint64_t by = random() % 12;
      const std::int64_t fired =
          now - (slack == 0 ? 0 : static_cast<std::int64_t>(random() % (slack + 1)));
      ASSERT_EQ(suppression->Tell(1, By(by), At(fired), At(now)), listed.Tell(by, fired, now))
          << "seed " << seed << " at " << i;
      ASSERT_EQ(suppression->forgotten(1), listed.forgotten) << "seed " << seed << " at " << i;
      if (random() % 4 == 0) suppression->ExpireBefore(At(now));
      if (random() % 8 != 0) continue;
      auto restored = std::make_unique<Suppression>(rules, most);
      suppression->ForEach(
          [&](std::uint32_t rule, const Digest& key, const Suppression::Told& told) {
            ASSERT_TRUE(restored->Restore(rule, key, told));
          });
      restored->AddForgotten(1, suppression->forgotten(1));
      suppression = std::move(restored);
    }
  }
  Suppression none({{std::nullopt, nanoseconds(0)}}, 1);
  EXPECT_FALSE(none.Restore(0, By(1), {At(0), 0}));
}

}  // namespace
}  // namespace faultline
