// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/correlation_scope.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/expression_value.h"

namespace faultline::sigma {
namespace {

using Found = ExprScope::Found;

std::string Joined(const std::vector<std::string>& parts, std::size_t first) {
  std::string name;
  for (std::size_t i = first; i < parts.size(); ++i) {
    if (i > first) name += '.';
    name += parts[i];
  }
  return name;
}

ExprName NameOf(ExprName::Kind kind, std::size_t index = 0, std::string field = {}) {
  ExprName name;
  name.kind = kind;
  name.index = static_cast<std::uint32_t>(index);
  name.field = std::move(field);
  return name;
}

Result<Found> Setting(const std::vector<std::string>& parts, const Pack& pack) {
  auto value = FindSetting(Joined(parts, 1), pack);
  if (!value) return tl::unexpected<Error>(std::move(value.error()));
  const ExprType type = TypeOf(*value);
  return Found{std::move(*value), type};
}

using NamedExpressions = std::vector<std::pair<std::string, Expression>>;

std::optional<Found> Computed(const NamedExpressions& fields, const std::string& name) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].first != name) continue;
    return Found{NameOf(ExprName::Kind::kComputed, i, name), fields[i].second.type()};
  }
  return std::nullopt;
}

ExprType TypeOf(const Register& reg) {
  if (reg.of_time) return ExprType::kTime;
  switch (reg.fn) {
    case Register::Fn::kLast:
    case Register::Fn::kFirst: return ExprType::kEvent;
    case Register::Fn::kTimes: return ExprType::kTimes;
    default: return ExprType::kNumber;
  }
}

bool Counts(CorrelationType type) {
  return type != CorrelationType::kTemporal && type != CorrelationType::kTemporalOrdered;
}

}  // namespace

Result<ExprValue> FindSetting(std::string_view name, const Pack& pack) {
  const auto found = pack.settings.find(name);
  if (found != pack.settings.end()) return found->second.value;
  std::vector<std::string_view> known;
  for (const auto& setting : pack.settings) known.emplace_back(setting.first);
  return Fail(
      Fault::kRules, fmt::format("unknown setting '{}'", name), {},
      known.empty() ? "declare it under 'settings' in pack.yaml" : DidYouMeanOrOneOf(name, known));
}

bool IsReserved(std::string_view name) noexcept {
  for (const std::string_view word : {"and", "or", "not", "true", "false", "time", "matched",
                                      "total", "value", "count", "reg", "prev", "settings"}) {
    if (name == word) return true;
  }
  return false;
}

Result<Found> CorrelationScope::FindRegister(const std::vector<std::string>& parts) const {
  const std::string name = Joined(parts, 1);
  const bool previous = parts.front() == "prev";
  for (std::size_t i = 0; i < rule_.registers.size(); ++i) {
    const Register& reg = rule_.registers[i];
    if (reg.name != name) continue;
    if (previous && reg.fn == Register::Fn::kTimes) {
      return Fail(Fault::kRules, fmt::format("'prev.{}' has no meaning for times", name), {},
                  fmt::format("write count(reg.{}, from, to)", name));
    }
    const auto kind = previous ? ExprName::Kind::kPrevious : ExprName::Kind::kRegister;
    return Found{NameOf(kind, i), TypeOf(reg)};
  }
  std::vector<std::string_view> known;
  for (const Register& reg : rule_.registers) known.emplace_back(reg.name);
  return Fail(Fault::kRules, fmt::format("unknown register '{}'", name), {},
              known.empty() ? "declare it under 'registers'" : DidYouMeanOrOneOf(name, known));
}

Found CorrelationScope::Bare(const std::string& name) const {
  if (!keys_) {
    if (auto found = Computed(rule_.fields, name)) return std::move(*found);
  }
  const auto group = std::find(rule_.group_by.begin(), rule_.group_by.end(), name);
  if (group != rule_.group_by.end()) {
    const auto index = static_cast<std::size_t>(group - rule_.group_by.begin());
    return {NameOf(ExprName::Kind::kGroup, index, name), ExprType::kEvent};
  }
  return {NameOf(ExprName::Kind::kEvent, 0, name), ExprType::kEvent};
}

Result<Found> CorrelationScope::Find(const std::vector<std::string>& parts) const {
  const std::string& first = parts.front();
  if (parts.size() > 1 && first == "settings") return Setting(parts, pack_);
  if (parts.size() > 1 && (first == "reg" || first == "prev")) {
    if (!keys_) return FindRegister(parts);
    return Fail(Fault::kRules, "a register's key cannot come from a register", {},
                "name a field of the group or of a step");
  }
  for (std::size_t i = 0; parts.size() > 1 && i < rule_.steps.size(); ++i) {
    if (rule_.steps[i].name != first) continue;
    const std::string field = Joined(parts, 1);
    if (field == "time") return Found{NameOf(ExprName::Kind::kStepTime, i), ExprType::kTime};
    if (field == "count") return Found{NameOf(ExprName::Kind::kStepCount, i), ExprType::kNumber};
    return Found{NameOf(ExprName::Kind::kStepField, i, field), ExprType::kEvent};
  }
  const std::string name = Joined(parts, 0);
  using Kind = ExprName::Kind;
  const std::array<std::tuple<std::string_view, Kind, ExprType, bool>, 5> own = {
      {{"time", Kind::kTime, ExprType::kTime, true},
       {"matched", Kind::kMatched, ExprType::kNumber, true},
       {"total", Kind::kTotal, ExprType::kNumber, true},
       {"value", Kind::kValue, ExprType::kNumber, Counts(rule_.type)},
       {"count", Kind::kCount, ExprType::kNumber, Counts(rule_.type)}}};
  for (const auto& [word, kind, type, here] : own) {
    if (here && name == word) return Found{NameOf(kind), type};
  }
  Found bare = Bare(name);
  if (std::get<ExprName>(bare.what).kind != Kind::kEvent) return bare;
  std::vector<std::string_view> known = {"reg", "prev", "settings"};
  for (const Step& step : rule_.steps) {
    if (step.name == name) {
      return Fail(Fault::kRules, fmt::format("'{}' is a step, not a value", name), {},
                  fmt::format("write {0}.field, {0}.time, {0}.count or seen({0})", name));
    }
    known.emplace_back(step.name);
  }
  if (parts.size() > 1) {
    if (std::string meant = DidYouMean(first, known); !meant.empty()) {
      return Fail(Fault::kRules, fmt::format("unknown step '{}'", first), {},
                  fmt::format("{} A field of that name goes into back quotes: `{}`", meant, name));
    }
  }
  return bare;
}

Result<ExprName> CorrelationScope::FindStep(std::string_view step) const {
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < rule_.steps.size(); ++i) {
    if (rule_.steps[i].name == step) return NameOf(ExprName::Kind::kSeen, i);
    known.emplace_back(rule_.steps[i].name);
  }
  return Fail(Fault::kRules, fmt::format("unknown step '{}'", step), {},
              DidYouMeanOrOneOf(step, known));
}

Result<Found> DetectionScope::Find(const std::vector<std::string>& parts) const {
  const std::string& first = parts.front();
  if (parts.size() > 1 && first == "settings") return Setting(parts, pack_);
  if (parts.size() > 1 && (first == "reg" || first == "prev")) {
    return Fail(Fault::kRules, "a detection has no registers", {},
                "declare them on a correlation that refers to it");
  }
  std::string name = Joined(parts, 0);
  if (name == "time") return Found{NameOf(ExprName::Kind::kTime), ExprType::kTime};
  if (auto found = Computed(rule_.fields, name)) return std::move(*found);
  return Found{NameOf(ExprName::Kind::kEvent, 0, std::move(name)), ExprType::kEvent};
}

Result<ExprName> DetectionScope::FindStep(std::string_view) const {
  return Fail(Fault::kRules, "a detection has no steps", {}, "remove seen(...)");
}

}  // namespace faultline::sigma
