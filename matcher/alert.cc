// SPDX-License-Identifier: Apache-2.0
#include "matcher/alert.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "matcher/sigma/text_template.h"

namespace faultline {
namespace {

void AddOrigin(DigestBuilder& builder, const Origin& origin) {
  builder.Add(origin.source.topic).Add(std::int64_t{origin.source.partition});
  builder.Add(origin.offset).Add(std::int64_t{origin.index});
}

void AddGroup(DigestBuilder& builder, const std::vector<NamedValue>& group) {
  builder.Add(static_cast<std::int64_t>(group.size()));
  for (const NamedValue& part : group) builder.Add(part.name).Add(part.value);
}

// What a text may name, nearest first: the group, captures, the deciding event's fields.
std::string ValueOf(std::string_view name, const std::vector<NamedValue>& group,
                    const std::vector<BoundEvent>& bound, const Hit& deciding) {
  const auto named = [name](const NamedValue& value) { return value.name == name; };
  const auto in_group = std::find_if(group.begin(), group.end(), named);
  if (in_group != group.end()) return in_group->value;
  const auto captured = std::find_if(deciding.captures.begin(), deciding.captures.end(), named);
  if (captured != deciding.captures.end()) return captured->value;
  for (auto event = bound.rbegin(); event != bound.rend(); ++event) {
    const auto found = std::find_if(event->captures.begin(), event->captures.end(), named);
    if (found != event->captures.end()) return found->value;
  }
  for (const HitField& field : deciding.fields) {
    if (field.name == name && !field.values.empty()) return field.values.front();
  }
  return {};
}

void Identify(Alert& alert, const Digest& semantics, const Origin& first, const Origin& deciding) {
  const std::string& rule = IdentityOf(alert.rule);
  alert.incident = IncidentOf(rule, semantics, alert.group, first, deciding);
  alert.id = AlertIdOf(alert.incident, alert.seq);
  alert.fingerprint = FingerprintOf(rule, alert.group);
  alert.rule_revision = semantics.Hex();
}

// What both kinds of alert take from the event that decided them.
Alert FromDeciding(const sigma::Metadata& meta, const Hit& hit) {
  Alert alert;
  alert.time = hit.time;
  alert.rule = meta;
  alert.level = meta.level;
  alert.flags = hit.flags;
  alert.traceparent = hit.traceparent;
  return alert;
}

Evidence EvidenceOf(const RuleSet& rules, const BoundEvent& event, const Hit& deciding) {
  const bool decides = event.origin == deciding.origin;
  return {event.origin, event.time, IdentityOf(rules.detections()[event.rule].meta), event.captures,
          decides ? deciding.event : std::string()};
}

std::vector<Step> StepsOf(const RuleSet& rules, const sigma::CorrelationRule& rule,
                          const std::vector<BoundEvent>& evidence, std::size_t skipped) {
  std::vector<Step> steps;
  for (const std::uint32_t member : rule.members) {
    const sigma::Metadata& meta = rules.detections()[member].meta;
    Step step;
    step.name = meta.name.empty() ? meta.title : meta.name;
    step.rule = IdentityOf(meta);
    for (std::size_t i = 0; i < evidence.size(); ++i) {
      if (evidence[i].rule != member) continue;
      if (!step.matched) step.time = evidence[i].time;
      step.matched = true;
      if (i >= skipped) step.evidence.push_back(static_cast<std::uint32_t>(i - skipped));
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

const BoundEvent& FirstBound(const std::vector<BoundEvent>& evidence) {
  return *std::min_element(evidence.begin(), evidence.end(),
                           [](const BoundEvent& a, const BoundEvent& b) {
                             return std::tie(a.time, a.origin) < std::tie(b.time, b.origin);
                           });
}

AlertWindow WindowOf(const sigma::CorrelationRule& rule, const Firing& firing,
                     const std::vector<Step>& steps) {
  AlertWindow window;
  window.type = ToString(rule.type);
  window.start = FirstBound(firing.evidence).time;
  window.end = firing.deciding.time;
  window.span = rule.timespan;
  window.threshold = rule.threshold;
  window.count = rule.type == sigma::CorrelationType::kEventCount
                     ? static_cast<std::int64_t>(firing.evidence.size())
                     : std::count_if(steps.begin(), steps.end(),
                                     [](const Step& step) { return step.matched; });
  return window;
}

}  // namespace

std::string_view ToString(AlertStatus status) noexcept {
  switch (status) {
    case AlertStatus::kFiring: return "firing";
    case AlertStatus::kUpdated: return "updated";
    case AlertStatus::kResolved: return "resolved";
    case AlertStatus::kFlooded: break;
  }
  return "flooded";
}

std::string_view ToString(AlertKind kind) noexcept {
  switch (kind) {
    case AlertKind::kDetection: return "detection";
    case AlertKind::kCorrelation: return "correlation";
    case AlertKind::kChain: break;
  }
  return "chain";
}

Digest IncidentOf(const std::string& rule_id, const Digest& semantics,
                  const std::vector<NamedValue>& group, const Origin& first,
                  const Origin& deciding) {
  DigestBuilder builder;
  builder.Add(rule_id).Add(semantics.Hex());
  AddGroup(builder, group);
  AddOrigin(builder, first);
  AddOrigin(builder, deciding);
  return builder.Finish();
}

Digest AlertIdOf(const Digest& incident, std::uint32_t seq) {
  return DigestBuilder().Add(incident.Hex()).Add(std::int64_t{seq}).Finish();
}

Digest FingerprintOf(const std::string& rule_id, const std::vector<NamedValue>& group) {
  DigestBuilder builder;
  builder.Add(rule_id);
  AddGroup(builder, group);
  return builder.Finish();
}

Alert AlertOf(const sigma::DetectionRule& rule, const Hit& hit) {
  Alert alert = FromDeciding(rule.meta, hit);
  alert.kind = AlertKind::kDetection;
  alert.evidence.push_back({hit.origin, hit.time, IdentityOf(rule.meta), hit.captures, hit.event});
  alert.evidence_total = 1;
  alert.explanation = sigma::RenderTemplate(
      rule.explain, [&hit](std::string_view name) { return ValueOf(name, {}, {}, hit); });
  Identify(alert, rule.semantics, hit.origin, hit.origin);
  return alert;
}

Alert AlertOf(const RuleSet& rules, const Firing& firing, std::size_t max_evidence) {
  const sigma::CorrelationRule& rule = rules.correlations()[firing.correlation];
  Alert alert = FromDeciding(rule.meta, firing.deciding);
  alert.kind = rule.chain ? AlertKind::kChain : AlertKind::kCorrelation;
  alert.group = firing.key.group;
  alert.degraded = firing.degraded;
  alert.evidence_total = static_cast<std::int64_t>(firing.evidence.size());
  // The newest events are told; the deciding one is among them.
  const std::size_t skipped =
      firing.evidence.size() > max_evidence ? firing.evidence.size() - max_evidence : 0;
  alert.truncated = skipped > 0;
  for (std::size_t i = skipped; i < firing.evidence.size(); ++i) {
    alert.evidence.push_back(EvidenceOf(rules, firing.evidence[i], firing.deciding));
  }
  alert.steps = StepsOf(rules, rule, firing.evidence, skipped);
  alert.window = WindowOf(rule, firing, alert.steps);
  alert.window->complete = skipped == 0;
  if (rule.type == sigma::CorrelationType::kTemporal) {
    alert.matched = fmt::format("{} of {}", alert.window->count, rule.members.size());
  }
  alert.explanation = sigma::RenderTemplate(rule.explain, [&](std::string_view name) {
    return ValueOf(name, firing.key.group, firing.evidence, firing.deciding);
  });
  Identify(alert, rule.semantics, FirstBound(firing.evidence).origin, firing.deciding.origin);
  return alert;
}

}  // namespace faultline
