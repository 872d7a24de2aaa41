// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"
#include "matcher/correlate/hit.h"
#include "matcher/correlate/notice.h"
#include "matcher/event/record.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/rule_set.h"

namespace faultline {

enum class AlertKind : std::uint8_t { kDetection, kCorrelation, kChain };
[[nodiscard]] std::string_view ToString(AlertKind kind) noexcept;

// One event that an alert rests on, or the edge of a correlation. An edge that a timer made has no event
// of its own: its origin is that of the newest event it rests on.
struct Evidence {
  Origin origin;
  EventTime time;
  std::string rule;  // id of the rule it matched; of the correlation whose edge it made
  std::vector<NamedValue> captures;
  std::string event;  // raw slice, at most kEventSliceBytes; the deciding event's only
};

struct Step {
  std::string name;  // as the rule names it, else the name or title of what it refers to
  std::string rule;  // the id of that
  bool matched = false;
  EventTime time;                       // of its first evidence; set where matched
  std::vector<std::uint32_t> evidence;  // indices into Alert::evidence
};

struct AlertWindow {
  std::string type;  // of the correlation: "event_count", "temporal_ordered" ...
  EventTime start, end;
  std::chrono::nanoseconds span{};
  std::int64_t count = 0;      // events, or steps seen
  std::int64_t threshold = 0;  // what the first comparison says; steps in all for temporal types
  std::string value;           // what a value type compared; empty for the others
  bool complete = true;        // all events of the window are in the evidence
};

// An ALERT: what one record of `faultline.alert/1` says, but for what is stamped on the way out
// (detected_at, source, replay). Identity is that of correlation.md, "Alert identity and life".
struct Alert {
  Digest id, incident, fingerprint;
  AlertStatus status = AlertStatus::kFiring;
  std::uint32_t seq = 0;
  AlertKind kind = AlertKind::kDetection;
  EventTime time;  // of the deciding event
  sigma::Level level = sigma::Level::kInformational;
  // Never null in an alert that AlertOf() gave. It shares the rule set, which lives as long as the alert.
  std::shared_ptr<const sigma::Metadata> rule;
  Digest rule_revision;  // the rule's semantics
  std::vector<NamedValue> group;
  std::optional<AlertWindow> window;  // correlations and chains
  std::vector<Step> steps;
  std::string matched;  // "2 of 3" where a chain counts, else empty
  std::vector<Evidence> evidence;
  std::int64_t evidence_total = 0;
  bool truncated = false;
  std::string title;                // of the variant; empty: the rule's
  std::string variant;              // which of the rule's variants it is, if any
  sigma::Explain explanation;       // rendered
  std::vector<std::string> others;  // ids of the rules that this one was chosen before
  std::int64_t suppressed_count = 0;
  bool degraded = false;
  std::vector<std::string>
      flags;  // what is odd about the deciding event: "invalid_utf8", "substituted_time" ...
  std::string traceparent;  // of the deciding event, if it had one
};

// What made an alert due: an event, or a deadline at `time`.
struct Deciding {
  std::optional<Origin> origin;
  EventTime time;
};

// Identity of an alert; `first` is the origin of the first bound event, nothing where only deadlines
// are bound. correlation.md, "Alert identity and life".
[[nodiscard]] Digest IncidentOf(const std::string& rule_id, const Digest& semantics,
                                const std::vector<NamedValue>& group,
                                const std::optional<Origin>& first, const Deciding& deciding);
[[nodiscard]] Digest AlertIdOf(const Digest& incident, std::uint32_t seq);
[[nodiscard]] Digest FingerprintOf(const std::string& rule_id,
                                   const std::vector<NamedValue>& group);

// The alert of a detection rule that alerts by itself: that of `hit`, which holds the fields that the
// rule's texts name.
[[nodiscard]] Alert AlertOf(const std::shared_ptr<const RuleSet>& rules, Hit hit);
// What its hour hid of a flood: `hidden` events from the one at `first` to `last`, told at the hour's end.
[[nodiscard]] Alert FloodedAlertOf(const std::shared_ptr<const RuleSet>& rules, Hit last,
                                   const Origin& first, EventTime end, std::int64_t hidden);
// The alert of what a correlation or chain has to tell; at most `max_evidence` events are told.
[[nodiscard]] Alert AlertOf(const std::shared_ptr<const RuleSet>& rules, const Notice& notice,
                            std::size_t max_evidence);

}  // namespace faultline
