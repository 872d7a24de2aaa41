// SPDX-License-Identifier: Apache-2.0
#include "app/suggest.h"

#include <gtest/gtest.h>

namespace faultline::app {
namespace {

TEST(Suggest, FindsTheWordOneSlipAway) {
  const std::vector<std::string> known = {"brokers", "group", "properties"};
  EXPECT_EQ(Nearest("broker", known), "brokers");
  EXPECT_EQ(Nearest("gruop", known), "group");  // two neighbours swapped
  EXPECT_EQ(Nearest("propertys", known), "properties");
}

TEST(Suggest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(Nearest("xyz", {"brokers", "group"}), std::nullopt);
  EXPECT_EQ(DidYouMean("xyz", {"brokers", "group"}), "");
  EXPECT_EQ(Nearest(std::string(100000, 'a'), {"brokers"}), std::nullopt);
}

}  // namespace
}  // namespace faultline::app
