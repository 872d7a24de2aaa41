// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/intake.h"

#include <algorithm>
#include <string>

#include "matcher/correlate/state_codec.h"

namespace faultline {
namespace {

using sigma::CorrelationType;

// The first value of that name; a captured one hides the event's.
const std::string* Find(const Hit& hit, const std::string& name) {
  for (const NamedValue& capture : hit.captures) {
    if (capture.name == name) return &capture.value;
  }
  for (const HitField& field : hit.fields) {
    if (field.name == name && !field.values.empty()) return &field.values.front();
  }
  return nullptr;
}

bool Counts(CorrelationType type) {
  return type != CorrelationType::kValueSum && type != CorrelationType::kValueAvg &&
         type != CorrelationType::kValueMedian && type != CorrelationType::kValuePercentile;
}

}  // namespace

std::optional<Measure> MeasureOf(const sigma::CorrelationRule& rule, const Hit& hit, Outcome& out) {
  if (rule.type == CorrelationType::kValueCount) {
    DigestBuilder digest;
    for (const std::string& name : rule.value_fields) {
      const std::string* value = Find(hit, name);
      if (value == nullptr) return std::nullopt;
      digest.Add(*value);
    }
    return digest.Finish();
  }
  if (Counts(rule.type)) return Measure{};
  const std::string* text = Find(hit, rule.value_fields.front());
  const std::optional<Number> number =
      text == nullptr ? std::nullopt : Number::From(sigma::ExprValue(*text));
  if (!number) {
    ++out.no_number;
    return std::nullopt;
  }
  return *number;
}

void SaveMeasure(const Measure& measure, StateWriter& out) {
  if (const auto* number = std::get_if<Number>(&measure)) out.Value(number->value());
  if (const auto* digest = std::get_if<Digest>(&measure)) out.Hash(*digest);
}

Measure LoadMeasure(const sigma::CorrelationRule& rule, StateReader& in) {
  if (rule.type == CorrelationType::kValueCount) return in.Hash();
  if (Counts(rule.type)) return {};
  const sigma::ExprValue value = in.Value();
  const std::optional<Number> number =
      std::holds_alternative<std::string>(value) ? std::nullopt : Number::From(value);
  if (!number || number->value() != value) in.Refuse();
  return number.value_or(Number{});
}

bool IsGroupOf(const sigma::CorrelationRule& rule, const std::vector<NamedValue>& group,
               bool kept) {
  if (!kept) return group.empty();
  return std::equal(
      group.begin(), group.end(), rule.group_by.begin(), rule.group_by.end(),
      [](const NamedValue& part, const std::string& name) { return part.name == name; });
}

std::int64_t BytesOfGroup(const std::vector<NamedValue>& group) {
  std::int64_t bytes = 0;
  for (const NamedValue& part : group) {
    bytes += 64 + static_cast<std::int64_t>(part.name.size() + part.value.size());
  }
  return bytes;
}

}  // namespace faultline
