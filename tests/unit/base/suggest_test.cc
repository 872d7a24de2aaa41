// SPDX-License-Identifier: Apache-2.0
#include "base/suggest.h"

#include <gtest/gtest.h>

namespace faultline {
namespace {

using Words = std::vector<std::string_view>;

const Words kKnown = {"brokers", "group", "properties"};

TEST(Suggest, FindsTheWordOneSlipAway) {
  EXPECT_EQ(DidYouMean("broker", kKnown), "did you mean 'brokers'?");
  EXPECT_EQ(DidYouMean("Group", kKnown), "did you mean 'group'?");
  EXPECT_EQ(DidYouMean("propertys", kKnown), "did you mean 'properties'?");
}

TEST(Suggest, TwoNeighboursSwappedAreOneSlip) {
  EXPECT_EQ(DidYouMean("ab", Words{"ba"}), "did you mean 'ba'?");
  EXPECT_EQ(DidYouMean("gruop", Words{"grown", "group"}), "did you mean 'group'?");
}

TEST(Suggest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(DidYouMean("xyz", kKnown), "");
  EXPECT_EQ(DidYouMean("", kKnown), "");
  EXPECT_EQ(DidYouMean(std::string(100000, 'a'), kKnown), "");
}

TEST(Suggest, ListsWhatThereIs) {
  EXPECT_EQ(DidYouMeanOrOneOf("xyz", kKnown), "use one of brokers, group, properties");
  EXPECT_EQ(DidYouMeanOrOneOf("xyz", Words{"group"}), "use group");
  EXPECT_EQ(DidYouMeanOrOneOf("xyz", Words{}), "");
}

}  // namespace
}  // namespace faultline
