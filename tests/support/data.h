// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace faultline::testing {

// The root of the source tree.
[[nodiscard]] std::filesystem::path SourceDir();

// `relative` below the public test data (FAULTLINE_TEST_DATA, else ../shared/data from the source
// tree); nothing where it is not there.
[[nodiscard]] std::optional<std::filesystem::path> TestData(std::string_view relative);

// FAULTLINE_REQUIRE_DATA=1: missing data is a failure, not something to leave out.
[[nodiscard]] bool DataRequired();

// The whole file; a failed test when it cannot be read.
[[nodiscard]] std::string ReadFile(const std::filesystem::path& path);

}  // namespace faultline::testing

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration takes none
// Binds `name` to the path of public test data. Where it is absent the test ends here: as failed when the
// data is required, else as left out, saying so.
#define FAULTLINE_TEST_DATA_OR_LEAVE(name, relative)                                         \
  const auto name##_found = ::faultline::testing::TestData((relative));                      \
  if (!name##_found) {                                                                       \
    if (::faultline::testing::DataRequired()) FAIL() << "test data missing: " << (relative); \
    GTEST_SKIP() << "left out, test data missing: " << (relative);                           \
  }                                                                                          \
  const std::filesystem::path& name = *name##_found
// NOLINTEND(bugprone-macro-parentheses)
