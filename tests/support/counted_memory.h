// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace faultline::testing {

// What operator new has given to this program. A program that asks has it replaced by one that counts
// (not under sanitizers, which have an allocator of their own).
//
// Threads    Any.
[[nodiscard]] long Allocations() noexcept;  // so far
[[nodiscard]] long BytesHeld() noexcept;    // now, as the allocator rounds them

}  // namespace faultline::testing
