// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/chain_operator.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/correlate/builders.h"
#include "tests/unit/correlate/chain_driver.h"

namespace faultline {
namespace {

using sigma::CorrelationRule;
using sigma::CorrelationType;
using std::chrono::seconds;
using testing::At;
using testing::ChainDriver;
using testing::PlainChain;

using Lines = std::vector<std::string>;

CorrelationRule ThreeSteps(CorrelationType type) {
  return PlainChain(type, {"a", "b", "c"}, 3, seconds(100));
}

TEST(ChainOperator, EvictsTheKeyFarthestFromFiring) {
  for (const CorrelationType type :
       {CorrelationType::kTemporal, CorrelationType::kTemporalOrdered}) {
    Operator::Limits limits;
    limits.max_keys = 2;
    ChainDriver chain(ThreeSteps(type), limits);
    chain.See(At(0), "a", {}, "near").See(At(1), "b", {}, "near");
    for (int i = 0; i < 10; ++i) chain.See(At(2 + i), "a", {}, "far" + std::to_string(i));
    EXPECT_EQ(chain.op().numbers().keys, 2);
    EXPECT_EQ(chain.op().numbers().evictions, 9U);
    chain.See(At(20), "b", {}, "far9").See(At(21), "c", {}, "far9").See(At(22), "c", {}, "near");
    EXPECT_EQ(chain.Take(), (Lines{"21s a=11 b=12 c=13", "22s a=0 b=1 c=14"}));
  }
}

TEST(ChainOperator, EvictsByBytesToo) {
  Operator::Limits limits;
  limits.max_bytes = 4096;
  ChainDriver chain(ThreeSteps(CorrelationType::kTemporalOrdered), limits);
  const std::string big(1000, 'v');
  for (int i = 0; i < 10; ++i) {
    chain.See(At(i), "a", {{"x", big}}, "key" + std::to_string(i));
    EXPECT_LE(chain.op().numbers().bytes, 4096);
  }
  EXPECT_EQ(chain.op().numbers().evictions, 7U);
  const auto open = chain.Open();
  EXPECT_EQ(open, (Lines{"key7 7s..107s step b", "key8 8s..108s step b", "key9 9s..109s step b"}));
}

TEST(ChainOperator, ForgetsKeysThatCannotCountAgain) {
  ChainDriver chain(ThreeSteps(CorrelationType::kTemporal));
  chain.See(At(0), "a");
  chain.PassTo(At(100));
  EXPECT_EQ(chain.op().numbers().keys, 1);
  chain.PassTo(At(101));
  EXPECT_EQ(chain.op().numbers().keys, 0);
  EXPECT_EQ(chain.op().numbers().bytes, 0);
}

TEST(ChainOperator, RefusesStateThatIsCutOrOfAnotherShape) {
  ChainDriver chain(ThreeSteps(CorrelationType::kTemporalOrdered));
  chain.See(At(0), "a", {{"x", "v"}}).See(At(1), "b").See(At(2), "a", {}, "l");
  const std::string bytes = chain.Saved();
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(chain.Restore(bytes.substr(0, cut))) << cut;
  }
  EXPECT_TRUE(chain.Restore(bytes));
  EXPECT_EQ(chain.Saved(), bytes);
  for (std::size_t at = 0; at < bytes.size(); ++at) {  // any other byte: refused or loaded
    std::string other = bytes;
    other[at] = static_cast<char>(other[at] ^ 0xFF);
    (void)chain.Restore(other);
    chain.See(At(3), "abc").See(At(4), "c").PassTo(At(999));
  }
}

TEST(ChainOperator, LoadsIntoLessRoomByEvicting) {
  ChainDriver chain(ThreeSteps(CorrelationType::kTemporalOrdered));
  chain.See(At(0), "a", {}, "k").See(At(1), "b", {}, "k");
  for (int i = 0; i < 5; ++i) chain.See(At(2 + i), "a", {}, "far" + std::to_string(i));
  Operator::Limits limits;
  limits.max_keys = 2;
  ASSERT_TRUE(chain.Restore(chain.Saved(), limits));
  EXPECT_EQ(chain.op().numbers().keys, 2);
  chain.See(At(9), "c", {}, "k");
  EXPECT_EQ(chain.Take(), Lines{"9s a=0 b=1 c=7"});
}

}  // namespace
}  // namespace faultline
