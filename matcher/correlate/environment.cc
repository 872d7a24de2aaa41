// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/environment.h"

#include <algorithm>
#include <utility>

#include "matcher/correlate/notice.h"

namespace faultline {
namespace {

using sigma::ExprAbsent;
using sigma::ExprName;
using sigma::ExprValue;

ExprValue TextOrAbsent(const std::string* text) {
  if (text == nullptr) return ExprAbsent{};
  return *text;
}

bool AsksForPrevious(const sigma::Expression& expression) {
  const auto& names = expression.names();
  return std::any_of(names.begin(), names.end(),
                     [](const ExprName& name) { return name.kind == ExprName::Kind::kPrevious; });
}

}  // namespace

const std::string* FindIn(const Hit& hit, std::string_view name) {
  for (const NamedValue& capture : hit.captures) {
    if (capture.name == name) return &capture.value;
  }
  for (const HitField& field : hit.fields) {
    if (field.name == name && !field.values.empty()) return &field.values.front();
  }
  return nullptr;
}

ExprValue RuleEnvironment::Read(const ExprName& name) const {
  using Kind = ExprName::Kind;
  switch (name.kind) {
    case Kind::kStepField: {
      const BoundStep& step = candidate_.steps[name.index];
      return step.empty() ? ExprAbsent{} : TextOrAbsent(step.back().Find(name.field));
    }
    case Kind::kStepTime: {
      const BoundStep& step = candidate_.steps[name.index];
      if (step.empty()) return ExprAbsent{};
      return step.back().time;
    }
    case Kind::kStepCount: return static_cast<std::int64_t>(candidate_.steps[name.index].size());
    case Kind::kSeen: return !candidate_.steps[name.index].empty();
    case Kind::kRegister: return ReadRegister(name.index, false);
    case Kind::kPrevious: return ReadRegister(name.index, true);
    case Kind::kComputed:
      if (name.index >= computed_.size()) return ExprAbsent{};
      return computed_[name.index];
    case Kind::kGroup: return (*candidate_.group)[name.index].value;
    case Kind::kEvent: return ReadEvent(name.field);
    case Kind::kMatched: return std::int64_t{SeenOf(candidate_.steps)};
    case Kind::kTotal: return static_cast<std::int64_t>(candidate_.steps.size());
    case Kind::kTime: return candidate_.at;
    case Kind::kValue: return candidate_.value;
    case Kind::kCount: return candidate_.count;
  }
  return ExprAbsent{};
}

// The deciding event's, else that of the newest bound event that has it.
ExprValue RuleEnvironment::ReadEvent(std::string_view field) const {
  for (const InputHit& arrived : candidate_.deciding) {
    const std::string* value = FindIn(*arrived.hit, field);
    if (value != nullptr) return *value;
  }
  const Bound* newest = nullptr;
  for (const BoundStep& step : candidate_.steps) {
    for (const Bound& bound : step) {
      if (bound.Find(field) == nullptr) continue;
      if (newest == nullptr || newest->Before(bound)) newest = &bound;
    }
  }
  return newest == nullptr ? ExprAbsent{} : TextOrAbsent(newest->Find(field));
}

std::optional<Digest> RuleEnvironment::RegisterKey(std::uint32_t index) const {
  const sigma::Register& reg = rule_.registers[index];
  std::vector<std::string> values;
  if (reg.by_group) {
    for (const NamedValue& part : *candidate_.group) values.push_back(part.value);
    return registers_->KeyOf(index, values);
  }
  for (const auto& by : reg.by) {
    const ExprValue value = by.second.Evaluate(*this);
    if (std::holds_alternative<ExprAbsent>(value)) return std::nullopt;
    if (std::holds_alternative<sigma::ExprError>(value)) return std::nullopt;
    values.push_back(sigma::ToText(value));
  }
  return registers_->KeyOf(index, values);
}

ExprValue RuleEnvironment::ReadRegister(std::uint32_t index, bool previous) const {
  const std::optional<Digest> key = RegisterKey(index);
  if (!key) return ExprAbsent{};
  return registers_->Read(index, *key, candidate_.at, previous);
}

std::int64_t RuleEnvironment::CountTimes(std::uint32_t index, EventTime from, EventTime to) const {
  const std::optional<Digest> key = RegisterKey(index);
  return key ? registers_->CountTimes(index, *key, candidate_.at, from, to) : 0;
}

void RuleEnvironment::Compute(std::span<const ExprValue> fired) {
  computed_.clear();
  for (const auto& field : rule_.fields) {
    const std::size_t place = computed_.size();
    const bool stays = place < fired.size() && AsksForPrevious(field.second);
    computed_.push_back(stays ? fired[place] : field.second.Evaluate(*this));
  }
}

ExprValue HitEnvironment::Read(const ExprName& name) const {
  if (name.kind == ExprName::Kind::kTime) return hit_.time;
  return TextOrAbsent(FindIn(hit_, name.field));
}

sigma::Explain Render(const sigma::Texts& texts, const sigma::ExprEnvironment& environment) {
  sigma::Explain told;
  told.cause = texts.cause.Render(environment);
  told.impact = texts.impact.Render(environment);
  told.runbook = texts.runbook.Render(environment);
  for (const sigma::Template& step : texts.remedy) {
    told.remedy.push_back(step.Render(environment));
  }
  for (const sigma::Template& reference : texts.references) {
    told.references.push_back(reference.Render(environment));
  }
  return told;
}

}  // namespace faultline
