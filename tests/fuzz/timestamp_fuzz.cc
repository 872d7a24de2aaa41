// SPDX-License-Identifier: Apache-2.0
// Any text: a time within the range or nothing; what a time prints as is that time again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "matcher/event/text.h"
#include "matcher/event/timestamp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace faultline;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto time = ParseTimestamp(text, std::chrono::hours(-4))) {
    if (!EventTime::FromNanos(time->nanos()) || ParseTimestamp(ToString(*time)) != time) {
      std::abort();
    }
  }
  std::string canonical;
  if (CanonicalNumber(text, canonical)) {
    std::string again;
    if (!CanonicalNumber(canonical, again) && canonical.find('e') == std::string::npos) {
      std::abort();
    }
  }
  std::string once;
  std::string twice;
  const std::string_view folded = Fold(text, once);
  if (Fold(folded, twice) != folded) std::abort();
  return 0;
}
