// SPDX-License-Identifier: Apache-2.0
#include "matcher/alert.h"

#include <gtest/gtest.h>

namespace faultline {
namespace {

const Origin kFirst{{"t", 0}, 1, 0};
const Deciding kDeciding{Origin{{"t", 1}, 2, 0}, {}};

TEST(AlertIdentity, IsAFunctionOfRuleSemanticsGroupAndBothOrigins) {
  const Digest base = IncidentOf("r", {1, 2}, {{"k", "v"}}, kFirst, kDeciding);
  EXPECT_EQ(base, IncidentOf("r", {1, 2}, {{"k", "v"}}, kFirst, kDeciding));
  Deciding moved = kDeciding;
  moved.origin->index = 1;
  EXPECT_NE(base, IncidentOf("q", {1, 2}, {{"k", "v"}}, kFirst, kDeciding));
  EXPECT_NE(base, IncidentOf("r", {1, 3}, {{"k", "v"}}, kFirst, kDeciding));
  EXPECT_NE(base, IncidentOf("r", {1, 2}, {{"k", "w"}}, kFirst, kDeciding));
  EXPECT_NE(base, IncidentOf("r", {1, 2}, {{"k", "v"}}, kDeciding.origin, {kFirst, {}}));
  EXPECT_NE(base, IncidentOf("r", {1, 2}, {{"k", "v"}}, kFirst, moved));
}

TEST(AlertIdentity, OfADeadlineHangsOnItsTime) {
  const Deciding at{{}, EventTime::Raw(5)};
  const Digest base = IncidentOf("r", {1, 2}, {}, kFirst, at);
  EXPECT_EQ(base, IncidentOf("r", {1, 2}, {}, kFirst, at));
  EXPECT_NE(base, IncidentOf("r", {1, 2}, {}, kFirst, {{}, EventTime::Raw(6)}));
  EXPECT_NE(base, IncidentOf("r", {1, 2}, {}, std::nullopt, at));
}

// Ids are promised never to change: these are what the first release gave.
TEST(AlertIdentity, NeverChanges) {
  const Digest incident = IncidentOf("r", {1, 2}, {{"k", "v"}}, kFirst, kDeciding);
  EXPECT_EQ(incident.Hex(), "ef414d8abc9950383535bf1785710cfe");
  EXPECT_EQ(AlertIdOf(incident, 0).Hex(), "f387a17f167e71a6ed6e85104f066459");
  EXPECT_NE(AlertIdOf(incident, 0), AlertIdOf(incident, 1));
  EXPECT_EQ(FingerprintOf("r", {{"k", "v"}}).Hex(), "a79c4508e84114261f7a42f79d0d808c");
}

}  // namespace
}  // namespace faultline
