// SPDX-License-Identifier: Apache-2.0
#include "matcher/alert.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "matcher/correlate/environment.h"

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

void Identify(Alert& alert, const Digest& semantics, const std::optional<Origin>& first,
              const Deciding& deciding) {
  const std::string& rule = IdentityOf(*alert.rule);
  alert.incident = IncidentOf(rule, semantics, alert.group, first, deciding);
  alert.id = AlertIdOf(alert.incident, alert.seq);
  alert.fingerprint = FingerprintOf(rule, alert.group);
  alert.rule_revision = semantics;
}

const sigma::Metadata& MetaOf(const RuleSet& rules, const sigma::RuleRef& rule) {
  return rule.correlation ? rules.correlations()[rule.index].meta
                          : rules.detections()[rule.index].meta;
}

// The events of all steps in the total order, each once per rule; the newest `most` of them.
struct Told {
  std::vector<const Bound*> events;
  std::size_t skipped = 0;
};

// In the total order.
bool IsBefore(const Bound* a, const Bound* b) {
  const auto place = [](const Bound& bound) {
    return std::tie(bound.time, bound.turn, bound.origin, bound.input);
  };
  if (place(*a) != place(*b)) return place(*a) < place(*b);
  return std::lexicographical_compare(
      a->values.begin(), a->values.end(), b->values.begin(), b->values.end(),
      [](const NamedValue& x, const NamedValue& y) {
        return std::tie(x.name, x.value) < std::tie(y.name, y.value);
      });
}

Told EventsOf(const std::vector<BoundStep>& steps, std::size_t most) {
  Told told;
  for (const BoundStep& step : steps) {
    for (const Bound& bound : step) told.events.push_back(&bound);
  }
  std::stable_sort(told.events.begin(), told.events.end(), IsBefore);
  const auto same = [](const Bound* a, const Bound* b) {
    return !IsBefore(a, b) && !IsBefore(b, a);
  };
  told.events.erase(std::unique(told.events.begin(), told.events.end(), same), told.events.end());
  if (told.events.size() > most) {
    told.skipped = told.events.size() - most;
    told.events.erase(told.events.begin(),
                      told.events.begin() + static_cast<std::ptrdiff_t>(told.skipped));
  }
  return told;
}

Evidence EvidenceOf(const RuleSet& rules, const sigma::CorrelationRule& rule, const Bound& bound,
                    const Notice& notice) {
  const sigma::RuleRef& matched = rule.inputs[bound.input].rule;
  Evidence evidence{bound.origin,
                    bound.time,
                    IdentityOf(MetaOf(rules, matched)),
                    {bound.values.begin(), bound.values.begin() + bound.captures},
                    {}};
  if (!bound.deadline() && notice.deciding && *notice.deciding == bound.origin)
    evidence.event = notice.event;
  return evidence;
}

std::vector<Step> StepsOf(const RuleSet& rules, const sigma::CorrelationRule& rule,
                          const Notice& notice, const Told& told) {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < rule.steps.size(); ++i) {
    const sigma::Metadata& meta = MetaOf(rules, rule.inputs[rule.steps[i].input].rule);
    Step step;
    step.name = rule.steps[i].name;
    if (step.name.empty()) step.name = meta.name.empty() ? meta.title : meta.name;
    step.rule = IdentityOf(meta);
    const BoundStep& bound = notice.steps[i];
    step.matched = !bound.empty();
    if (step.matched) step.time = bound.front().time;
    for (const Bound& event : bound) {
      const auto place = std::lower_bound(told.events.begin(), told.events.end(), &event, IsBefore);
      if (place == told.events.end() || IsBefore(&event, *place)) continue;  // not told
      step.evidence.push_back(static_cast<std::uint32_t>(place - told.events.begin()));
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

// What the predicate asks for, as one number.
std::int64_t ThresholdOf(const sigma::CorrelationRule& rule) {
  if (!IsTemporal(rule.type)) {
    if (rule.thresholds.empty()) return 0;
    const auto* number = std::get_if<std::int64_t>(&rule.thresholds.front().number);
    const bool above = rule.thresholds.front().op == sigma::Threshold::Op::kGt;
    return number == nullptr ? 0 : std::max<std::int64_t>(0, *number + (above ? 1 : 0));
  }
  const auto& nodes = rule.condition.nodes;
  if (!nodes.empty() && nodes.back().kind == sigma::StepCondition::Node::Kind::kAtLeast) {
    return nodes.back().number;
  }
  return static_cast<std::int64_t>(rule.steps.size());
}

AlertWindow WindowOf(const sigma::CorrelationRule& rule, const Notice& notice, const Told& told) {
  AlertWindow window;
  window.type = ToString(rule.type);
  window.start = notice.time;
  for (const BoundStep& step : notice.steps) {
    for (const Bound& bound : step) window.start = std::min(window.start, bound.time);
  }
  if (told.skipped > 0) window.start = told.events.front()->time;
  window.end = notice.time;
  window.span = rule.timespan;
  window.threshold = ThresholdOf(rule);
  window.count = IsTemporal(rule.type) ? std::int64_t{SeenOf(notice.steps)} : notice.count;
  if (!IsTemporal(rule.type) && rule.type != sigma::CorrelationType::kEventCount) {
    window.value = sigma::ToText(notice.value);
  }
  window.complete = told.skipped == 0;
  return window;
}

}  // namespace

std::string_view ToString(AlertKind kind) noexcept {
  switch (kind) {
    case AlertKind::kDetection: return "detection";
    case AlertKind::kCorrelation: return "correlation";
    case AlertKind::kChain: break;
  }
  return "chain";
}

Digest IncidentOf(const std::string& rule_id, const Digest& semantics,
                  const std::vector<NamedValue>& group, const std::optional<Origin>& first,
                  const Deciding& deciding) {
  DigestBuilder builder;
  builder.Add(rule_id).AddHex(semantics);
  AddGroup(builder, group);
  if (first) AddOrigin(builder, *first);
  if (deciding.origin) {
    AddOrigin(builder, *deciding.origin);
  } else {
    builder.Add("deadline").Add(deciding.time.nanos());
  }
  return builder.Finish();
}

Digest AlertIdOf(const Digest& incident, std::uint32_t seq) {
  return DigestBuilder().AddHex(incident).Add(std::int64_t{seq}).Finish();
}

Digest FingerprintOf(const std::string& rule_id, const std::vector<NamedValue>& group) {
  DigestBuilder builder;
  builder.Add(rule_id);
  AddGroup(builder, group);
  return builder.Finish();
}

Alert AlertOf(const std::shared_ptr<const RuleSet>& rules, Hit hit) {
  const sigma::DetectionRule& rule = rules->detections()[hit.rule];
  Alert alert;
  alert.kind = AlertKind::kDetection;
  alert.time = hit.time;
  alert.rule = {rules, &rule.meta};
  alert.level = rule.meta.level;
  alert.explanation = Render(rule.texts, HitEnvironment(hit));
  const Deciding deciding{std::move(hit.origin), hit.time};
  Identify(alert, rule.semantics, deciding.origin, deciding);
  alert.evidence.push_back({*deciding.origin, hit.time, IdentityOf(rule.meta),
                            std::move(hit.captures), std::move(hit.event)});
  alert.evidence_total = 1;
  alert.flags = std::move(hit.flags);
  alert.traceparent = std::move(hit.traceparent);
  return alert;
}

Alert FloodedAlertOf(const std::shared_ptr<const RuleSet>& rules, Hit last, const Origin& first,
                     EventTime end, std::int64_t hidden) {
  const sigma::DetectionRule& rule = rules->detections()[last.rule];
  Alert alert = AlertOf(rules, std::move(last));
  alert.status = AlertStatus::kFlooded;
  alert.time = end;
  alert.suppressed_count = hidden;
  Identify(alert, rule.semantics, first, {std::nullopt, end});
  return alert;
}

Alert AlertOf(const std::shared_ptr<const RuleSet>& rules, const Notice& notice,
              std::size_t max_evidence) {
  const sigma::CorrelationRule& rule = rules->correlations()[notice.correlation];
  Alert alert;
  alert.kind = rule.chain ? AlertKind::kChain : AlertKind::kCorrelation;
  alert.status = notice.status;
  alert.seq = notice.seq;
  alert.time = notice.time;
  alert.rule = {rules, &rule.meta};
  alert.level = notice.level;
  alert.title = notice.title;
  alert.variant = notice.variant;
  alert.group = notice.group;
  alert.flags = notice.flags;
  alert.traceparent = notice.traceparent;
  alert.others = notice.others;
  alert.suppressed_count = notice.suppressed;
  alert.degraded = notice.degraded;
  alert.explanation = notice.explanation;
  const Told told = EventsOf(notice.steps, max_evidence);
  alert.evidence_total = static_cast<std::int64_t>(told.events.size() + told.skipped);
  alert.truncated = told.skipped > 0;
  for (const Bound* bound : told.events) {
    alert.evidence.push_back(EvidenceOf(*rules, rule, *bound, notice));
  }
  alert.steps = StepsOf(*rules, rule, notice, told);
  alert.window = WindowOf(rule, notice, told);
  if (rule.type == sigma::CorrelationType::kTemporal) {
    alert.matched = fmt::format("{} of {}", alert.window->count, rule.steps.size());
  }
  Identify(alert, rule.semantics, notice.first, {notice.deciding, notice.decided});
  return alert;
}

}  // namespace faultline
