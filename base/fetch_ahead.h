// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace faultline {

// Has the processor bring `bytes` closer while other work goes on: what is read soon, in order. Reads
// nothing itself.
inline void FetchAhead(std::string_view bytes) noexcept {
  constexpr std::size_t kCacheLine = 64;
  constexpr int kToRead = 0, kMiddleLevel = 2;
  for (std::size_t at = 0; at < bytes.size(); at += kCacheLine) {
    __builtin_prefetch(bytes.data() + at, kToRead, kMiddleLevel);
  }
}

}  // namespace faultline
