// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/event_time.h"
#include "matcher/correlate/order.h"
#include "matcher/event/record.h"
#include "matcher/signature/rule_set.h"

namespace faultline {

// A field that a correlation groups by or an alert's text names, with all its values.
struct HitField {
  std::string name;
  std::vector<std::string> values;  // texts; empty: the event does not have it
};

// A HIT: a match that some correlation refers to, with all that correlations will ever ask of its
// event; or the edge of a correlation that others refer to. It outlives the record, so it owns what
// it says.
struct Hit {
  std::uint32_t rule = 0;  // index into RuleSet::detections(); of an edge into correlations()
  bool edge = false;       // made by a correlation, in stage 2: never crosses the seam
  // An edge's place beside what else has its time: 0 where an event made it, so does a hit have; above 0
  // for the timers due then, in their order, behind all events; below 0 for expiries, before them. Where
  // it is not 0, `origin` is that of the newest event that the edge rests on.
  std::int32_t turn = 0;
  EventTime time;
  Origin origin;
  std::uint32_t ordinal = 0;  // among the hits of the same event
  std::vector<HitField> fields;
  std::vector<NamedValue> captures;
  std::string event;               // raw slice, at most kEventSliceBytes
  std::vector<std::string> flags;  // what is odd about the event
  std::string traceparent;

  [[nodiscard]] OrderPoint point() const { return OrderPoint::At(time, origin, ordinal); }
};

inline constexpr std::size_t kEventSliceBytes = 8192;

}  // namespace faultline
