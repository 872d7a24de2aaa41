// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/step_counter.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::At;

BoundRef EventAt(EventTime time, std::int64_t offset, const std::string& x = {}) {
  Bound bound;
  bound.time = time;
  bound.origin.offset = offset;
  if (!x.empty()) bound.values = {{"x", x}};
  return std::make_shared<const Bound>(bound);
}

// Offsets of the evidence, the oldest first.
std::vector<std::int64_t> Offsets(const BoundRefs& evidence) {
  std::vector<std::int64_t> offsets;
  for (const BoundRef& bound : evidence) offsets.push_back(bound->origin.offset);
  return offsets;
}

using Evidence = std::vector<std::int64_t>;

TEST(StepCounter, WithoutTimesEveryEventOccurs) {
  const sigma::Step step;
  const StepCounter counter(step, seconds(10));
  StepCounter::State state;
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(0), 5))), Evidence{5});
  EXPECT_TRUE(state.newest.empty());
}

TEST(StepCounter, OccursAtEachEventThatHasEnoughBehindIt) {
  sigma::Step step;
  step.times = 3;
  step.times_within = seconds(10);
  const StepCounter counter(step, seconds(60));
  StepCounter::State state;
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(0), 0))), Evidence{});
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(1), 1))), Evidence{});
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(2), 2))), (Evidence{0, 1, 2}));
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(9), 3))), (Evidence{1, 2, 3}));
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(15), 4))), Evidence{});  // 2 left its span
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(16), 5))), (Evidence{3, 4, 5}));
}

TEST(StepCounter, IsClosedToTheNanosecond) {
  for (const int delta : {-1, 0, 1}) {
    sigma::Step step;
    step.times = 2;
    const StepCounter counter(step, seconds(10));  // `within` defaults to the timespan
    StepCounter::State state;
    EXPECT_TRUE(counter.Observe(state, EventAt(At(0), 0)).empty());
    EXPECT_EQ(counter.Observe(state, EventAt(At(10) + nanoseconds(delta), 1)).empty(), delta > 0);
  }
}

TEST(StepCounter, DistinctTakesTheNewestEventOfEachValue) {
  sigma::Step step;
  step.times = 3;
  step.distinct = "x";
  const StepCounter counter(step, seconds(10));
  StepCounter::State state;
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(0), 0, "p"))), Evidence{});
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(1), 1, "q"))), Evidence{});
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(2), 2, "p"))), Evidence{});
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(3), 3))), Evidence{});  // no such field
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(4), 4, "r"))), (Evidence{1, 2, 4}));
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(5), 5, "r"))), (Evidence{1, 2, 5}));
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(6), 6, "s"))), (Evidence{2, 5, 6}));
  EXPECT_EQ(Offsets(counter.Observe(state, EventAt(At(12), 7, "q"))), (Evidence{5, 6, 7}));
}

}  // namespace
}  // namespace faultline
