// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace faultline {

// Prints `condition` with its place on standard error and aborts.
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line) noexcept;

}  // namespace faultline

// For our own mistakes only: always on, and no input can reach it.
#define FAULTLINE_CHECK(condition)                                              \
  do {                                                                          \
    if (!(condition)) ::faultline::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (false)
