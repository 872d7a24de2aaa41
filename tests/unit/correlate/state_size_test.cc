// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/state_size.h"

#include <gtest/gtest.h>

#include "tests/unit/correlate/chain_driver.h"

namespace faultline {
namespace {

using sigma::CorrelationRule;
using sigma::CorrelationType;
using std::chrono::seconds;

TEST(StateSize, IsWhatAnOperatorSaysOfOneFullKey) {
  const CorrelationRule rule =
      testing::PlainChain(CorrelationType::kTemporalOrdered, {"a", "b"}, 2, seconds(10));
  testing::ChainDriver chain(rule);
  const testing::ChainDriver::Fields fields = {{"x", "0123456789abcdef"},
                                               {"y", "0123456789abcdef"}};
  chain.See(EventTime::Raw(1), "a", fields, "0123456789abcdef");
  chain.See(EventTime::Raw(2), "b", fields, "0123456789abcdef");
  const std::int64_t topics = 3 * 15;  // "t" there, 16 bytes here, in three places of evidence
  EXPECT_EQ(StatePerKey(rule), chain.op().numbers().bytes + topics);
}

TEST(StateSize, GrowsWithThresholdStepsTimesAndRegisters) {
  CorrelationRule count = testing::ChainRule(CorrelationType::kEventCount, {"a"}, seconds(10));
  count.steps = {testing::StepOn(0, "a")};
  count.thresholds = {{sigma::Threshold::Op::kGte, std::int64_t{10}}};
  const std::int64_t ten = StatePerKey(count);
  count.thresholds[0].number = std::int64_t{100};
  EXPECT_GT(StatePerKey(count), ten + 90 * 8);

  CorrelationRule chain =
      testing::PlainChain(CorrelationType::kTemporal, {"a", "b"}, 2, seconds(10));
  const std::int64_t plain = StatePerKey(chain);
  chain.steps[0].times = 5;
  chain.steps[0].distinct = "x";
  const std::int64_t times = StatePerKey(chain);
  EXPECT_GT(times, plain);
  sigma::Register reg;
  reg.fn = sigma::Register::Fn::kLast;
  reg.field = "x";
  reg.ttl = seconds(10);
  chain.registers = {reg};
  EXPECT_GT(StatePerKey(chain), times);
}

}  // namespace
}  // namespace faultline
