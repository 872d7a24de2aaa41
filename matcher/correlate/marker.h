// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/event_time.h"
#include "matcher/event/record.h"

namespace faultline {

// What stage 1 tells stage 2 of a source besides its hits: how far it has read and how far its time
// has come.
struct Marker {
  SourceName source;
  std::int64_t offset = 0;  // reached: all records below it have been matched
  EventTime watermark;      // Min(): no event yet
  bool idle = false;        // it stands at its end, for so long that nobody waits for it

  friend bool operator==(const Marker&, const Marker&) = default;
};

}  // namespace faultline
