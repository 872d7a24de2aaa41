// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/calendar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <vector>

namespace faultline {
namespace {

struct Item {
  EventTime time;
  int number = 0;
};

TEST(Calendar, GivesTheLowestTimesAllOfEachAndNoneLaterThanAsked) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    // From equal times to such that lie centuries apart.
    const auto times = std::uint64_t{1} << seed;
    Calendar<Item> calendar;
    std::multiset<EventTime> waiting;
    for (int i = 0; i < 1000; ++i) {
      const EventTime time = EventTime::Raw(static_cast<std::int64_t>(random() % times));
      if (calendar.Passed(time)) continue;
      calendar.Push({time, i});
      waiting.insert(time);
      if (i % 200 != 199) continue;
      const EventTime last = *std::next(waiting.begin(), static_cast<int>(waiting.size() / 2));
      std::vector<Item> out;
      calendar.Take(last, out);
      ASSERT_FALSE(out.empty()) << "seed " << seed;
      for (const Item& item : out) {
        ASSERT_LE(item.time, last) << "seed " << seed;
        waiting.erase(waiting.find(item.time));
      }
      const auto latest =
          std::max_element(out.begin(), out.end(), [](const Item& a, const Item& b) {
            return a.time < b.time;
          })->time;
      ASSERT_TRUE(calendar.Passed(latest)) << "seed " << seed;
      ASSERT_TRUE(waiting.empty() || *waiting.begin() > latest) << "seed " << seed;
    }
    std::vector<Item> rest;
    for (std::vector<Item> out(1); !out.empty();) {
      out.clear();
      calendar.Take(EventTime::Max(), out);
      rest.insert(rest.end(), out.begin(), out.end());
    }
    EXPECT_EQ(rest.size(), waiting.size()) << "seed " << seed;
  }
}

TEST(Calendar, WhatIsErasedDoesNotComeOut) {
  Calendar<Item> calendar;
  for (int i = 0; i < 1000; ++i) calendar.Push({EventTime::Raw(i * i), i});
  calendar.EraseIf([](const Item& item) { return item.number % 3 != 0; });
  std::vector<int> numbers;
  for (std::vector<Item> out(1); !out.empty();) {
    out.clear();
    calendar.Take(EventTime::Max(), out);
    for (const Item& item : out) numbers.push_back(item.number);
  }
  std::sort(numbers.begin(), numbers.end());
  ASSERT_EQ(numbers.size(), 334U);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_EQ(numbers[i], static_cast<int>(3 * i));
  }
}

}  // namespace
}  // namespace faultline
