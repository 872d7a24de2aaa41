// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/reorder_buffer.h"

#include <gtest/gtest.h>

#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using testing::At;
using testing::HitAt;

ReorderBuffer::Entry Waiting(Hit hit, SourceId source = 0) { return {std::move(hit), source, {}}; }

TEST(ReorderBuffer, ReleasesInTheTotalOrderAndOnlyBelowTheGoal) {
  ReorderBuffer buffer;
  buffer.Push(Waiting(HitAt(At(3), 0)));
  buffer.Push(Waiting(HitAt(At(1), 2)));
  buffer.Push(Waiting(HitAt(At(1), 1)));
  std::vector<std::int64_t> offsets;
  while (true) {
    const auto hits = buffer.PopBefore(OrderPoint::Before(At(3)));
    if (hits.empty()) break;
    offsets.push_back(hits[0].origin.offset);
  }
  EXPECT_EQ(offsets, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(buffer.size(), 1U);
}

TEST(ReorderBuffer, HitsOfOneEventLeaveTogether) {
  ReorderBuffer buffer;
  buffer.Push(Waiting(HitAt(At(1), 5, 1)));
  buffer.Push(Waiting(HitAt(At(1), 5, 0)));
  buffer.Push(Waiting(HitAt(At(1), 6, 0)));
  const auto hits = buffer.PopBefore(OrderPoint::Before(At(2)));
  ASSERT_EQ(hits.size(), 2U);
  EXPECT_EQ(hits[0].ordinal, 0U);
  EXPECT_EQ(hits[1].ordinal, 1U);
}

TEST(ReorderBuffer, TheSameHitIsTakenOnce) {
  ReorderBuffer buffer;
  buffer.Push(Waiting(HitAt(At(1), 5)));
  buffer.Push(Waiting(HitAt(At(1), 5)));
  EXPECT_EQ(buffer.size(), 1U);
}

TEST(ReorderBuffer, TheOldestIsPerSourceAndByOffset) {
  ReorderBuffer buffer;
  buffer.Push(Waiting(HitAt(At(1), 9), 0));
  buffer.Push(Waiting(HitAt(At(2), 4), 0));
  Hit other = HitAt(At(0), 1);
  other.origin.source.partition = 1;
  buffer.Push(Waiting(std::move(other), 1));
  ASSERT_NE(buffer.Oldest(0), nullptr);
  EXPECT_EQ(buffer.Oldest(0)->hit.origin.offset, 4);
  EXPECT_EQ(buffer.Oldest(1)->hit.origin.offset, 1);
  EXPECT_EQ(buffer.Oldest(2), nullptr);
  while (!buffer.PopBefore(OrderPoint::Before(At(2))).empty()) {
  }
  EXPECT_EQ(buffer.Oldest(0)->hit.origin.offset, 4);
  EXPECT_EQ(buffer.Oldest(1), nullptr);
  buffer.Filter([](const ReorderBuffer::Entry&) { return false; });
  EXPECT_EQ(buffer.Oldest(0), nullptr);
}

}  // namespace
}  // namespace faultline
