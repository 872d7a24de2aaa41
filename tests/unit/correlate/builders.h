// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "matcher/correlate/hit.h"

namespace faultline::testing {

inline EventTime At(std::int64_t seconds) { return EventTime::Raw(seconds * 1'000'000'000); }

inline Hit HitAt(EventTime time, std::int64_t offset, std::uint32_t ordinal = 0) {
  Hit hit;
  hit.time = time;
  hit.origin = {{"t", 0}, offset, 0};
  hit.ordinal = ordinal;
  return hit;
}

}  // namespace faultline::testing
