// SPDX-License-Identifier: Apache-2.0
// Any bytes behind a few detections, as correlations and chains: each is rejected at a place with a
// remedy, or its model holds what the headers promise to everything built upon it.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "matcher/sigma/rule.h"

namespace {

using namespace faultline;
using namespace faultline::sigma;

constexpr std::string_view kBases = R"(
{title: a, name: a, id: id-a, logsource: {service: s}, detection: {s: {f: a}, condition: s}}
---
{title: b, name: b, logsource: {service: s}, detection: {s: {f: b}, condition: s}}
---
{title: c, name: c, logsource: {service: s}, detection: {s: {f: c}, condition: s}}
---
)";

void Check(bool held) {
  if (!held) std::abort();
}

class ModelCheck {
 public:
  ModelCheck(const RuleCollection& rules, std::size_t index)
      : rules_(rules), rule_(rules.correlations[index]), index_(index) {}

  void Run() const {
    Inputs();
    Steps();
    Conditions();
    Absences();
    Registers();
    Alerts();
    Check(rule_.timespan.count() > 0 && rule_.horizon >= rule_.timespan);
    Check((rule_.window == WindowKind::kSession) == (rule_.gap.count() > 0));
    Check((rule_.refire == RefireKind::kAfter) == (rule_.refire_after.count() > 0));
  }

 private:
  bool IsTemporal() const {
    return rule_.type == CorrelationType::kTemporal ||
           rule_.type == CorrelationType::kTemporalOrdered;
  }
  void IsInput(std::uint32_t input) const { Check(input < rule_.inputs.size()); }

  void Inputs() const {
    for (const Input& input : rule_.inputs) {
      Check(input.rule.index < (input.rule.correlation ? index_ : rules_.detections.size()));
      Check(input.group_fields.size() == rule_.group_by.size());
      Check(std::is_sorted(input.fields.begin(), input.fields.end()));
      const auto holds = [](const std::vector<std::string>& all, const std::string& field) {
        return std::binary_search(all.begin(), all.end(), field);
      };
      for (const std::string& field : input.group_fields) Check(holds(input.fields, field));
      for (const std::string& field : input.fields) {
        Check(input.rule.correlation ||
              holds(rules_.detections[input.rule.index].hit_fields, field));
      }
    }
  }

  void Bindings(const std::vector<Binding>& bindings, std::size_t steps) const {
    for (const Binding& binding : bindings) {
      Check(binding.step < steps && !binding.step_field.empty());
    }
  }

  void Steps() const {
    Check(!rule_.steps.empty());
    for (std::size_t i = 0; i < rule_.steps.size(); ++i) {
      const Step& step = rule_.steps[i];
      IsInput(step.input);
      Check(step.times >= 1 && step.times <= 1024 && !step.name.empty());
      Check(!step.within || (i > 0 && step.within->count() > 0));
      Check(!step.times_within || step.times_within->count() > 0);
      Bindings(step.bind, i);
    }
  }

  void Conditions() const {
    Check(rule_.thresholds.empty() == IsTemporal());
    Check(rule_.condition.nodes.empty() == (rule_.type != CorrelationType::kTemporal));
    for (std::size_t i = 0; i < rule_.condition.nodes.size(); ++i) {
      const StepCondition::Node& node = rule_.condition.nodes[i];
      using Kind = StepCondition::Node::Kind;
      if (node.kind == Kind::kStep) Check(node.number < rule_.steps.size());
      if (node.kind == Kind::kAtLeast) {
        Check(node.number >= 1 && node.number <= rule_.steps.size());
      }
      const bool leaf = node.kind == Kind::kStep || node.kind == Kind::kAtLeast;
      Check(leaf == node.children.empty());
      if (node.kind == Kind::kNot) Check(node.children.size() == 1);
      for (const std::uint32_t child : node.children) Check(child < i);
    }
    const bool valued = !IsTemporal() && rule_.type != CorrelationType::kEventCount;
    Check(rule_.value_fields.empty() != valued);
    Check(rule_.percentile >= 0 && rule_.percentile <= 100);
  }

  void Absences() const {
    for (const Absence& absence : rule_.absences) {
      IsInput(absence.input);
      Check(absence.step < rule_.steps.size());
      if (absence.kind == Absence::Kind::kBetween) {
        Check(absence.step < absence.until && absence.until < rule_.steps.size());
      } else {
        Check(absence.within.count() > 0);
      }
      Bindings(absence.bind, rule_.steps.size());
    }
  }

  void Registers() const {
    for (const Register& reg : rule_.registers) {
      IsInput(reg.input);
      if (reg.reset) IsInput(*reg.reset);
      Check(reg.ttl.count() > 0 && reg.by_group == reg.by.empty());
      const bool bare = reg.fn == Register::Fn::kCount || reg.fn == Register::Fn::kTimes;
      Check(reg.field.empty() == bare);
      for (const auto& [name, asked] : reg.by) Names(asked.names(), 0);
    }
  }

  // `computed`: how many computed fields may be named.
  void Names(const std::vector<ExprName>& names, std::size_t computed) const {
    using Kind = ExprName::Kind;
    for (const ExprName& name : names) {
      switch (name.kind) {
        case Kind::kStepField:
        case Kind::kStepTime:
        case Kind::kStepCount:
        case Kind::kSeen: Check(name.index < rule_.steps.size()); break;
        case Kind::kRegister:
        case Kind::kPrevious: Check(name.index < rule_.registers.size()); break;
        case Kind::kComputed: Check(name.index < computed); break;
        case Kind::kGroup: Check(name.index < rule_.group_by.size()); break;
        case Kind::kEvent: Check(!name.field.empty()); break;
        case Kind::kValue:
        case Kind::kCount: Check(!IsTemporal()); break;
        default: break;
      }
    }
  }

  void Condition(const Expression& condition) const {
    Check(condition.empty() || condition.type() == ExprType::kBool);
    Names(condition.names(), rule_.fields.size());
  }

  void Alerts() const {
    for (std::size_t i = 0; i < rule_.fields.size(); ++i) {
      Names(rule_.fields[i].second.names(), i);
    }
    Condition(rule_.where);
    for (const Variant& variant : rule_.variants) {
      Condition(variant.when);
      Names(variant.title.names(), rule_.fields.size());
      Names(NamesOf(variant.texts), rule_.fields.size());
    }
    Names(NamesOf(rule_.texts), rule_.fields.size());
    for (const std::uint32_t input : rule_.until) IsInput(input);
    if (rule_.resolve) {
      for (const std::uint32_t input : rule_.resolve->on) IsInput(input);
      for (const std::uint32_t input : rule_.resolve->of) IsInput(input);
      Check(rule_.resolve->of.empty() != rule_.resolve->quiet.has_value());
    }
    if (rule_.choose) Check(rule_.choose->settle.count() >= 0 && !rule_.choose->group.empty());
    if (rule_.suppress) {
      Check(rule_.suppress->span.count() > 0);
      for (const auto& [name, by] : rule_.suppress->by) Names(by.names(), rule_.fields.size());
    }
  }

  const RuleCollection& rules_;
  const CorrelationRule& rule_;
  std::size_t index_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(kBases);
  text.append(reinterpret_cast<const char*>(data), size);
  const std::vector<TextFile> files = {{"pack.yaml",
                                        "{name: p, version: 1, description: d, settings: {span: "
                                        "{default: 5m}, number: {default: 3}}}"},
                                       {"fuzz.yml", text}};
  const RuleCollection rules = *LoadRulesFromFiles(files);
  for (const Error& error : rules.errors) {
    Check(!error.message.empty() && error.place.file == "fuzz.yml" && error.place.line > 0);
  }
  for (std::size_t i = 0; i < rules.correlations.size(); ++i) ModelCheck(rules, i).Run();
  const RuleCollection again = *LoadRulesFromFiles(files);
  Check(again.correlations.size() == rules.correlations.size());
  for (std::size_t i = 0; i < rules.correlations.size(); ++i) {
    Check(again.correlations[i].semantics == rules.correlations[i].semantics);
  }
  return 0;
}
