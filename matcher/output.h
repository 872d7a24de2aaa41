// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/event_time.h"
#include "matcher/alert.h"
#include "matcher/correlate/order.h"
#include "matcher/event/record.h"

namespace faultline {

// The record just given to Process() is no event, and why.
struct DeadLetter {
  std::string reason;   // "json", "depth", "fields", "size", "not_object", "escape"
  std::string message;  // for people
};

// A match that came too late for the correlators.
struct LateMatch {
  std::string rule;   // id
  std::string cause;  // "watermark" or "idle"
  Origin origin;
  EventTime time;
  std::chrono::nanoseconds late_by{};
};

// One line of the journal: what a clock decided, so that re-reading and replay decide it alike.
struct JournalEntry {
  enum class Kind : std::uint8_t { kSubstitution, kReturn };
  Kind kind = Kind::kSubstitution;
  SourceName source;
  std::int64_t offset = 0;
  std::uint32_t index = 0;  // substitution: the element of a split root array
  EventTime time;           // substitution: the time taken; meaningless for a return
  std::string domain;       // return: who judged
  OrderPoint frontier;      // return: as it stood; a hit of that source below it is late

  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

// What one call of the engine gave. The caller drains it before the next call.
struct Output {
  std::vector<Alert> alerts;  // in release order
  std::optional<DeadLetter> dead_letter;
  std::vector<LateMatch> late;
  std::vector<JournalEntry> journal;

  void Clear() {
    alerts.clear();
    dead_letter.reset();
    late.clear();
    journal.clear();
  }
  [[nodiscard]] bool empty() const noexcept {
    return alerts.empty() && !dead_letter && late.empty() && journal.empty();
  }
};

}  // namespace faultline
