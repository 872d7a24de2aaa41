// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/event_time.h"
#include "matcher/correlate/operator.h"
#include "matcher/sigma/rule.h"

namespace faultline {

enum class AlertStatus : std::uint8_t { kFiring, kUpdated, kResolved, kFlooded };
[[nodiscard]] std::string_view ToString(AlertStatus status) noexcept;

// A NOTICE: what a correlation has to tell, texts rendered; one record of an incident. The alert is
// made of it.
struct Notice {
  std::uint32_t correlation = 0;  // index into RuleSet::correlations()
  AlertStatus status = AlertStatus::kFiring;
  std::uint32_t seq = 0;
  EventTime time;
  std::vector<NamedValue> group;

  // Identity: the first bound event, and the event or the deadline that decided.
  std::optional<Origin> first;     // nothing: only deadlines are bound
  std::optional<Origin> deciding;  // nothing: a deadline
  EventTime decided;               // the time of whichever it was

  std::vector<BoundStep> steps;            // one per step of the rule
  std::int64_t count = 0;                  // events counted, or steps seen
  sigma::ExprValue value;                  // what was compared
  std::vector<sigma::ExprValue> computed;  // the rule's `fields`, as they were when it fired

  // Of the deciding event; of a firing notice only.
  std::string event;
  std::vector<std::string> flags;
  std::string traceparent;

  std::string variant;
  sigma::Level level = sigma::Level::kInformational;
  std::string title;
  sigma::Explain explanation;

  std::int64_t suppressed = 0;
  std::vector<std::string> others;  // ids of the rules that `choose` put behind this one
  bool degraded = false;
};

// Logical bytes, for limits of memory.
[[nodiscard]] std::int64_t BytesOf(const Notice& notice) noexcept;

void Save(const Notice& notice, StateWriter& out);
// Refuses what cannot be a notice of `rule`.
[[nodiscard]] Notice LoadNotice(const sigma::CorrelationRule& rule, StateReader& in);

void Save(const std::vector<BoundStep>& steps, StateWriter& out);
[[nodiscard]] std::vector<BoundStep> LoadSteps(const sigma::CorrelationRule& rule, StateReader& in);

// How many steps are seen.
[[nodiscard]] std::uint32_t SeenOf(std::span<const BoundStep> steps) noexcept;

}  // namespace faultline
