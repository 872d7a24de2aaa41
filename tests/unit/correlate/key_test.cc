// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/key.h"

#include <gtest/gtest.h>

#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

Hit With(std::vector<HitField> fields, std::vector<NamedValue> captures = {}) {
  Hit hit = testing::HitAt(testing::At(0), 0);
  hit.fields = std::move(fields);
  hit.captures = std::move(captures);
  return hit;
}

// The groups under names that are also the event's own.
std::vector<GroupKey> Keys(const Hit& hit, const std::vector<std::string>& names) {
  return KeysOf(hit, names, names);
}

TEST(GroupKey, DiffersWhereTheBoundaryBetweenValuesMoves) {
  EXPECT_NE(GroupKey::Of({{"a", "x"}, {"b", "yz"}}).digest,
            GroupKey::Of({{"a", "xy"}, {"b", "z"}}).digest);
}

TEST(KeysOf, WithoutGroupByThereIsOneGlobalGroup) {
  const auto keys = Keys(With({}), {});
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_TRUE(keys[0].group.empty());
}

TEST(KeysOf, AnAbsentFieldGivesNoGroup) {
  EXPECT_TRUE(Keys(With({{"a", {"1"}}}), {"a", "b"}).empty());
}

TEST(KeysOf, ArraysFanOutAndRepeatsCountOnce) {
  const auto keys = Keys(With({{"a", {"1", "2", "1"}}, {"b", {"x", "y"}}}), {"a", "b"});
  ASSERT_EQ(keys.size(), 4U);
  EXPECT_EQ(keys[1].group, (std::vector<NamedValue>{{"a", "1"}, {"b", "y"}}));
}

TEST(KeysOf, AnAliasIsReadFromTheFieldThatStandsForIt) {
  const auto keys = KeysOf(With({{"src", {"1"}}, {"ip", {"2"}}}), {"ip"}, {"src"});
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys[0].group, (std::vector<NamedValue>{{"ip", "1"}}));
}

TEST(KeysOf, AtMostSixteenGroups) {
  std::vector<std::string> many;
  for (int i = 0; i < 40; ++i) many.push_back(std::to_string(i));
  const auto keys = Keys(With({{"a", many}}), {"a"});
  ASSERT_EQ(keys.size(), kMaxKeysPerHit);
  EXPECT_EQ(keys.back().group[0].value, "15");
}

TEST(KeysOf, ACaptureHidesTheFieldOfItsName) {
  const auto keys = Keys(With({{"resource", {"field"}}}, {{"resource", "captured"}}), {"resource"});
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys[0].group[0].value, "captured");
}

}  // namespace
}  // namespace faultline
