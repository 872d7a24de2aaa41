// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "exporters/alert_json.h"
#include "matcher/alert.h"

namespace faultline::testing {

// Noon of 2026-11-23 and so many seconds.
[[nodiscard]] inline EventTime Noon(int seconds = 0) {
  return *EventTime::FromCivil(2026, 11, 23, 12, 0, 0, 0) + std::chrono::seconds(seconds);
}

// A clock that stands at one minute past noon.
class StandingClock final : public Clock {
 public:
  [[nodiscard]] EventTime Now() const noexcept override { return Noon(60); }
  [[nodiscard]] std::chrono::nanoseconds Steady() const noexcept override { return {}; }
};

[[nodiscard]] inline AlertContext ContextOfTests() {
  AlertContext context;
  context.pipeline = "exchange prod";
  context.instance = "node1";
  context.version = "1.2.3";
  context.rules_revision = "r7";
  context.detected_at = Noon(60);
  return context;
}

[[nodiscard]] inline Evidence EvidenceAt(std::int64_t offset, const std::string& rule) {
  Evidence evidence;
  evidence.origin = {{"events", 1}, offset, 0};
  evidence.time = Noon(static_cast<int>(offset));
  evidence.rule = rule;
  return evidence;
}

inline void ChangeRule(Alert& alert, const std::function<void(sigma::Metadata&)>& change) {
  sigma::Metadata rule = alert.rule ? *alert.rule : sigma::Metadata{};
  change(rule);
  alert.rule = std::make_shared<const sigma::Metadata>(std::move(rule));
}

[[nodiscard]] inline Alert DetectionAlert() {
  Alert alert;
  alert.id = {1, 2};
  alert.incident = {3, 4};
  alert.fingerprint = {5, 6};
  alert.time = Noon(7);
  alert.level = sigma::Level::kHigh;
  ChangeRule(alert, [](sigma::Metadata& rule) {
    rule.id = "0a1b";
    rule.title = "Service stopped";
    rule.tags = {"attack.t1489"};
    rule.file = "rules/stop.yml";
  });
  alert.rule_revision = {7, 8};
  alert.evidence = {EvidenceAt(7, "0a1b")};
  alert.evidence[0].event = R"({"EventID":7036})";
  alert.evidence_total = 1;
  return alert;
}

// A chain of two steps; the second event decides.
[[nodiscard]] inline Alert ChainAlert() {
  Alert alert = DetectionAlert();
  alert.kind = AlertKind::kChain;
  alert.level = sigma::Level::kCritical;
  alert.time = Noon(20);
  ChangeRule(alert, [](sigma::Metadata& rule) {
    rule.name = "restore-checkpoint";
    rule.title = "Directory restore meets a registry checkpoint";
    rule.references = {"https://example.org/Q188674"};
  });
  alert.group = {{"Computer", "NODE1"}};
  alert.window =
      AlertWindow{"temporal", Noon(), Noon(20), std::chrono::minutes(10), 2, 2, {}, true};
  alert.evidence = {EvidenceAt(0, "first"), EvidenceAt(20, "second")};
  alert.evidence[0].captures = {{"resource", "Directory"}};
  alert.evidence[1].event = R"({"EventID":1002})";
  alert.evidence_total = 2;
  alert.steps = {{"cluster-failed", "first", true, Noon(), {0}},
                 {"ds-error", "second", true, Noon(20), {1}}};
  alert.matched = "2 of 2";
  alert.explanation.cause = "The checkpoint writes back an old key.";
  alert.explanation.impact = "The directory does not start.";
  alert.explanation.remedy = {"Remove the checkpoint.", "Restore again."};
  alert.explanation.references = {"Q188674"};
  alert.explanation.runbook = "https://example.org/run";
  return alert;
}

[[nodiscard]] inline Alert CorrelationAlert() {
  Alert alert = ChainAlert();
  alert.kind = AlertKind::kCorrelation;
  alert.level = sigma::Level::kInformational;
  alert.explanation = {};
  alert.window->type = "event_count";
  alert.window->span = std::chrono::milliseconds(1500);
  alert.steps.clear();
  alert.matched.clear();
  return alert;
}

// What an attacker or a broken sender may put into every text that comes from events.
[[nodiscard]] inline std::string HostileText() {
  using namespace std::string_literals;
  return "\x1b[2J\x1b]0;x\x07 \"quoted\\\" \r\n\t \x00 <script>\xFF\xC0\xAF\xED\xA0\x80 "
         "\u202Egnp\u2066 "
         "\u2028 \u0085 \u200F \U0001F600 \xF0\x9F"s;
}

[[nodiscard]] inline Alert HostileAlert() {
  Alert alert = ChainAlert();
  const std::string text = HostileText();
  alert.group = {{text, text}, {text, "again"}, {"", ""}};
  ChangeRule(alert, [&text](sigma::Metadata& rule) {
    rule.title = text;
    rule.tags = {text};
    rule.file = text;
  });
  alert.steps[0].name = text;
  alert.explanation.cause = text;
  alert.explanation.remedy = {text};
  alert.evidence[0].origin.source.topic = text;
  alert.evidence[0].captures = {{text, text}, {text, "again"}};
  alert.evidence[1].event = text;
  alert.flags = {"invalid_utf8"};
  alert.traceparent = text;
  return alert;
}

}  // namespace faultline::testing
