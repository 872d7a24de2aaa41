// SPDX-License-Identifier: Apache-2.0
#include "base/free_memory.h"

#include <vector>

#include <gtest/gtest.h>

namespace faultline {
namespace {

TEST(FreeMemory, LeavesNothingReserved) {
  std::vector<int> numbers(1000, 7);
  FreeMemory(numbers);
  EXPECT_TRUE(numbers.empty());
  EXPECT_EQ(numbers.capacity(), 0u);
}

}  // namespace
}  // namespace faultline
