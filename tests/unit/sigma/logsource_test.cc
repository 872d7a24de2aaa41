// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/logsource.h"

#include <gtest/gtest.h>

namespace faultline::sigma {
namespace {

TEST(LogSource, ContainsWhatAgreesInEveryGivenPart) {
  const LogSource all, windows{"windows", "", ""}, creation{"windows", "process_creation", ""},
      any_creation{"", "process_creation", ""}, sysmon{"windows", "process_creation", "sysmon"};
  EXPECT_TRUE(Contains(all, all));
  EXPECT_TRUE(Contains(all, sysmon));
  EXPECT_TRUE(Contains(windows, creation));
  EXPECT_TRUE(Contains(any_creation, sysmon));
  EXPECT_TRUE(Contains(creation, creation));
  EXPECT_FALSE(Contains(creation, windows));
  EXPECT_FALSE(Contains(sysmon, creation));
  EXPECT_FALSE(Contains(windows, all));
  EXPECT_FALSE(Contains(LogSource{"linux", "", ""}, creation));
}

}  // namespace
}  // namespace faultline::sigma
