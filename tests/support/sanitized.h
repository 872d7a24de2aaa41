// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace faultline::testing {

// The program runs under AddressSanitizer or ThreadSanitizer: slower, and memory is not what it is.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace faultline::testing
