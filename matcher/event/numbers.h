// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace faultline {

// What stands at a place where a number should.
struct NumberToken {
  const char* end = nullptr;  // behind its last byte; null: no number by JSON's grammar
  bool big = false;           // an integer beyond 64 bits, or beyond a double
};

// Reads the number at `at`, not beyond `limit`. What follows it is the caller's to judge.
[[nodiscard]] NumberToken ReadNumber(const char* at, const char* limit) noexcept;

}  // namespace faultline
