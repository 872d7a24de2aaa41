// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace faultline::testing {

// Walks `payload` with the Walker, from a heap buffer of exactly its size, and compares verdict,
// values of some flat fields and all leaves with simdjson's DOM. Empty when they agree, else what
// differs. What the walker accepts on purpose (bad UTF-8, byte order mark, bad escapes, lone
// surrogates, great numbers) is replaced by something harmless before the DOM is asked.
[[nodiscard]] std::string DisagreementWithDom(std::string_view payload);

}  // namespace faultline::testing
