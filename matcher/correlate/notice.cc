// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/notice.h"

#include <algorithm>
#include <utility>

#include "matcher/correlate/state_codec.h"

namespace faultline {
namespace {

void SaveOrigin(const std::optional<Origin>& origin, StateWriter& out) {
  out.Bool(origin.has_value());
  if (origin) out.Place(*origin);
}

std::optional<Origin> LoadOrigin(StateReader& in) {
  if (!in.Bool()) return std::nullopt;
  return in.Place();
}

void SaveTexts(const std::vector<std::string>& texts, StateWriter& out) {
  out.U32(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) out.Text(text);
}

std::vector<std::string> LoadTexts(StateReader& in) {
  std::vector<std::string> texts(in.Count(4));
  for (std::string& text : texts) text = in.Text();
  return texts;
}

void SaveBound(const Bound& bound, StateWriter& out) {
  out.U32(bound.input);
  out.Time(bound.time);
  out.I32(bound.turn);
  out.Place(bound.origin);
  out.Named(bound.values);
  out.U32(bound.captures);
}

Bound LoadBound(const sigma::CorrelationRule& rule, StateReader& in) {
  Bound bound;
  bound.input = in.U32();
  bound.time = in.Time();
  bound.turn = in.I32();
  bound.origin = in.Place();
  bound.values = in.Named();
  bound.captures = in.U32();
  if (bound.input >= rule.inputs.size() || bound.captures > bound.values.size()) in.Refuse();
  return bound;
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

std::uint32_t SeenOf(std::span<const BoundStep> steps) noexcept {
  return static_cast<std::uint32_t>(std::count_if(
      steps.begin(), steps.end(), [](const BoundStep& step) { return !step.empty(); }));
}

std::int64_t BytesOf(const Notice& notice) noexcept {
  constexpr std::size_t kTextBytes = 32, kBoundBytes = 128;
  std::size_t bytes = sizeof(Notice) + notice.event.size() + notice.traceparent.size();
  const auto add = [&bytes](const std::string& text) { bytes += kTextBytes + text.size(); };
  const auto add_named = [&add](const std::vector<NamedValue>& values) {
    for (const NamedValue& value : values) add(value.name), add(value.value);
  };
  add_named(notice.group);
  for (const BoundStep& step : notice.steps) {
    for (const Bound& bound : step) {
      bytes += kBoundBytes + bound.origin.source.topic.size();
      add_named(bound.values);
    }
  }
  for (const sigma::ExprValue& value : notice.computed) {
    const auto* text = std::get_if<std::string>(&value);
    bytes += sizeof(value) + (text != nullptr ? text->size() : 0);
  }
  for (const std::string* text : {&notice.variant, &notice.title, &notice.explanation.cause,
                                  &notice.explanation.impact, &notice.explanation.runbook}) {
    bytes += text->size();
  }
  for (const auto* texts : {&notice.flags, &notice.explanation.remedy,
                            &notice.explanation.references, &notice.others}) {
    for (const std::string& text : *texts) add(text);
  }
  return static_cast<std::int64_t>(bytes);
}

void Save(const std::vector<BoundStep>& steps, StateWriter& out) {
  out.U32(static_cast<std::uint32_t>(steps.size()));
  for (const BoundStep& step : steps) {
    out.U32(static_cast<std::uint32_t>(step.size()));
    for (const Bound& bound : step) SaveBound(bound, out);
  }
}

std::vector<BoundStep> LoadSteps(const sigma::CorrelationRule& rule, StateReader& in) {
  std::vector<BoundStep> steps(in.Count(4));
  if (steps.size() != rule.steps.size()) in.Refuse();
  for (BoundStep& step : steps) {
    const std::uint32_t size = in.Count(44);
    for (std::uint32_t i = 0; i < size && in.ok(); ++i) step.push_back(LoadBound(rule, in));
  }
  return steps;
}

void Save(const Notice& notice, StateWriter& out) {
  out.U8(static_cast<std::uint8_t>(notice.status));
  out.U32(notice.seq);
  out.Time(notice.time);
  out.Named(notice.group);
  SaveOrigin(notice.first, out);
  SaveOrigin(notice.deciding, out);
  out.Time(notice.decided);
  Save(notice.steps, out);
  out.I64(notice.count);
  out.Value(notice.value);
  out.U32(static_cast<std::uint32_t>(notice.computed.size()));
  for (const sigma::ExprValue& value : notice.computed) out.Value(value);
  out.Text(notice.event);
  SaveTexts(notice.flags, out);
  out.Text(notice.traceparent);
  out.Text(notice.variant);
  out.U8(static_cast<std::uint8_t>(notice.level));
  out.Text(notice.title);
  out.Text(notice.explanation.cause);
  out.Text(notice.explanation.impact);
  out.Text(notice.explanation.runbook);
  SaveTexts(notice.explanation.remedy, out);
  SaveTexts(notice.explanation.references, out);
  out.I64(notice.suppressed);
  SaveTexts(notice.others, out);
  out.Bool(notice.degraded);
}

Notice LoadNotice(const sigma::CorrelationRule& rule, StateReader& in) {
  Notice notice;
  notice.status = static_cast<AlertStatus>(in.Below(4));
  notice.seq = in.U32();
  notice.time = in.Time();
  notice.group = in.Named();
  notice.first = LoadOrigin(in);
  notice.deciding = LoadOrigin(in);
  notice.decided = in.Time();
  notice.steps = LoadSteps(rule, in);
  notice.count = in.I64();
  notice.value = in.Value();
  notice.computed.resize(in.Count(1));
  for (sigma::ExprValue& value : notice.computed) value = in.Value();
  notice.event = in.Text();
  notice.flags = LoadTexts(in);
  notice.traceparent = in.Text();
  notice.variant = in.Text();
  notice.level = static_cast<sigma::Level>(in.Below(5));
  notice.title = in.Text();
  notice.explanation.cause = in.Text();
  notice.explanation.impact = in.Text();
  notice.explanation.runbook = in.Text();
  notice.explanation.remedy = LoadTexts(in);
  notice.explanation.references = LoadTexts(in);
  notice.suppressed = in.I64();
  notice.others = LoadTexts(in);
  notice.degraded = in.Bool();
  if (notice.group.size() != rule.group_by.size()) in.Refuse();
  return notice;
}

}  // namespace faultline
