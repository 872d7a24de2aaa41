// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/keyed_store.h"

#include <gtest/gtest.h>

#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using testing::At;

TEST(KeyedStore, KeepsStatePerKey) {
  KeyedStore<int> store(10);
  store.Touch("a", At(1)) = 5;
  store.Touch("b", At(2)) = 6;
  EXPECT_EQ(store.Touch("a", At(3)), 5);
  EXPECT_EQ(store.size(), 2U);
}

TEST(KeyedStore, AtItsCapTheLeastRecentlyTouchedKeyGoes) {
  KeyedStore<int> store(2);
  store.Touch("a", At(1)) = 1;
  store.Touch("b", At(2)) = 2;
  store.Touch("a", At(3));
  store.Touch("c", At(4)) = 3;
  EXPECT_EQ(store.size(), 2U);
  EXPECT_EQ(store.evictions(), 1U);
  EXPECT_EQ(store.Touch("a", At(5)), 1);
  EXPECT_EQ(store.Touch("b", At(6)), 0) << "b was evicted and starts anew";
}

TEST(KeyedStore, ExpiryIsOpenAtItsBound) {
  KeyedStore<int> store(10);
  store.Touch("a", At(1)) = 1;
  store.Touch("b", At(2)) = 2;
  store.ExpireBefore(At(2));
  EXPECT_EQ(store.size(), 1U);
  EXPECT_EQ(store.Touch("b", At(3)), 2);
}

TEST(KeyedStore, StaysWholeWhenMoved) {
  KeyedStore<int> store(3);
  store.Touch("a", At(1)) = 1;
  store.Touch("b", At(2)) = 2;
  KeyedStore<int> moved(std::move(store));
  EXPECT_EQ(moved.Touch("a", At(3)), 1);
  moved.ExpireBefore(At(3));
  EXPECT_EQ(moved.size(), 1U);
}

}  // namespace
}  // namespace faultline
