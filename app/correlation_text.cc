// SPDX-License-Identifier: Apache-2.0
#include "app/correlation_text.h"

#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/terminal.h"
#include "exporters/escape.h"
#include "exporters/json_writer.h"
#include "matcher/correlate/state_size.h"

namespace faultline::app {
namespace {

using sigma::Absence;
using sigma::CorrelationRule;
using sigma::CorrelationType;
using sigma::Register;
using sigma::StepCondition;

using Lines = std::vector<std::string>;

std::string Span(std::chrono::nanoseconds span) { return sigma::ToText(span); }

// Appends `text` behind a comma where something stands before it.
void Join(std::string& line, const std::string& text) {
  if (!line.empty()) line += ", ";
  line += text;
}

std::string_view OperatorName(const CorrelationRule& rule) {
  switch (rule.type) {
    case CorrelationType::kEventCount: return "count of events";
    case CorrelationType::kValueCount: return "count of different values";
    case CorrelationType::kTemporal: return "set: steps in any order";
    case CorrelationType::kTemporalOrdered: return "sequence: steps in order";
    default: return "aggregate of numbers";
  }
}

std::string WindowText(const CorrelationRule& rule) {
  switch (rule.window) {
    case sigma::WindowKind::kSliding: return "sliding " + Span(rule.timespan);
    case sigma::WindowKind::kTumbling:
      return "tumbling " + Span(rule.timespan) + ", judged by timer at its end";
    case sigma::WindowKind::kSession: break;
  }
  return fmt::format("session with gap {}, at most {}, judged by timer at its end", Span(rule.gap),
                     Span(rule.timespan));
}

std::string_view OpText(sigma::Threshold::Op op) {
  switch (op) {
    case sigma::Threshold::Op::kGt: return ">";
    case sigma::Threshold::Op::kGte: return ">=";
    case sigma::Threshold::Op::kLt: return "<";
    case sigma::Threshold::Op::kLte: return "<=";
    case sigma::Threshold::Op::kEq: return "==";
    case sigma::Threshold::Op::kNeq: break;
  }
  return "!=";
}

std::string ConditionText(const CorrelationRule& rule, std::size_t node) {
  using Kind = StepCondition::Node::Kind;
  const StepCondition::Node& at = rule.condition.nodes[node];
  if (at.kind == Kind::kStep) return rule.steps[at.number].name;
  if (at.kind == Kind::kAtLeast) {
    return fmt::format("{} of {} steps", at.number, rule.steps.size());
  }
  std::string text;
  for (const std::uint32_t child : at.children) {
    if (!text.empty()) text += at.kind == Kind::kOr ? " or " : " and ";
    const bool simple = rule.condition.nodes[child].children.empty();
    text += simple ? ConditionText(rule, child) : "(" + ConditionText(rule, child) + ")";
  }
  return at.kind == Kind::kNot ? "not " + text : text;
}

std::string BindText(const CorrelationRule& rule, const std::vector<sigma::Binding>& bind) {
  std::string text;
  for (const sigma::Binding& binding : bind) {
    Join(text, fmt::format("{} = {}.{}", binding.field, rule.steps[binding.step].name,
                           binding.step_field));
  }
  return text;
}

std::string StepText(const CorrelationRule& rule, const sigma::Step& step) {
  const std::string& on = rule.inputs[step.input].reference;
  std::string line = step.name == on ? on : fmt::format("{}: {}", step.name, on);
  if (step.times > 1) {
    const auto within = step.times_within.value_or(rule.timespan);
    Join(line, step.distinct.empty() ? fmt::format("{} times within {}", step.times, Span(within))
                                     : fmt::format("{} different {} within {}", step.times,
                                                   step.distinct, Span(within)));
  }
  if (step.within) Join(line, fmt::format("at most {} behind the step before", Span(*step.within)));
  if (!step.bind.empty()) Join(line, BindText(rule, step.bind));
  return line;
}

std::string AbsenceText(const CorrelationRule& rule, const Absence& absence) {
  const std::string& step = rule.steps[absence.step].name;
  std::string line = "no " + rule.inputs[absence.input].reference;
  switch (absence.kind) {
    case Absence::Kind::kAfter:
      line += fmt::format(" for {} after {}: timer", Span(absence.within), step);
      break;
    case Absence::Kind::kBefore:
      line += fmt::format(" for {} before {}", Span(absence.within), step);
      break;
    case Absence::Kind::kBetween:
      line += fmt::format(" between {} and {}", step, rule.steps[absence.until].name);
      break;
  }
  if (!absence.bind.empty()) Join(line, BindText(rule, absence.bind));
  return line;
}

std::string_view FnText(Register::Fn fn) {
  switch (fn) {
    case Register::Fn::kLast: return "last";
    case Register::Fn::kFirst: return "first";
    case Register::Fn::kMax: return "max";
    case Register::Fn::kMin: return "min";
    case Register::Fn::kSum: return "sum";
    case Register::Fn::kCount: return "count";
    case Register::Fn::kDistinct: return "distinct";
    case Register::Fn::kTimes: break;
  }
  return "times";
}

std::string RegisterText(const CorrelationRule& rule, const Register& reg) {
  std::string by;
  for (const auto& [name, expression] : reg.by) {
    const std::string& asked = expression.text();
    Join(by, asked.empty() || asked == name ? name : fmt::format("{} = {}", name, asked));
  }
  return fmt::format("{}: {}{}{} of {}, ttl {}, by {}{}", reg.name, FnText(reg.fn),
                     reg.field.empty() ? "" : " ", reg.field, rule.inputs[reg.input].reference,
                     Span(reg.ttl), reg.by_group ? "group" : by,
                     reg.reset ? ", reset by " + rule.inputs[*reg.reset].reference : "");
}

std::string InputList(const CorrelationRule& rule, const std::vector<std::uint32_t>& inputs) {
  std::string text;
  for (const std::uint32_t input : inputs) Join(text, rule.inputs[input].reference);
  return text;
}

Lines Policies(const CorrelationRule& rule) {
  Lines lines;
  if (!rule.until.empty()) lines.push_back("until " + InputList(rule, rule.until));
  switch (rule.overlap) {
    case sigma::OverlapKind::kLatest: break;
    case sigma::OverlapKind::kFirst: lines.emplace_back("overlap first"); break;
    case sigma::OverlapKind::kAll: lines.emplace_back("overlap all"); break;
    case sigma::OverlapKind::kConsume: lines.emplace_back("overlap consume"); break;
  }
  switch (rule.refire) {
    case sigma::RefireKind::kEdge: lines.emplace_back("fires when it becomes true"); break;
    case sigma::RefireKind::kEvery: lines.emplace_back("fires at each arrival while true"); break;
    case sigma::RefireKind::kWindow: lines.emplace_back("fires once each true window"); break;
    case sigma::RefireKind::kAfter:
      lines.push_back("fires again after " + Span(rule.refire_after) + " while true");
      break;
  }
  if (rule.ties_any) lines.emplace_back("equal times in either order");
  if (rule.choose) {
    lines.push_back(fmt::format("choose {}, priority {}, settles for {}", rule.choose->group,
                                rule.choose->priority, Span(rule.choose->settle)));
  }
  if (rule.suppress) lines.push_back("suppress for " + Span(rule.suppress->span));
  if (rule.resolve) {
    std::string line = InputList(rule, rule.resolve->on);
    if (rule.resolve->quiet) Join(line, "quiet for " + Span(*rule.resolve->quiet) + ": timer");
    lines.push_back("resolve " + line);
  }
  return lines;
}

const std::string& NameOf(const sigma::Metadata& meta) {
  return !meta.title.empty() ? meta.title : !meta.name.empty() ? meta.name : meta.id;
}

Lines Parents(const RuleSet& rules, std::uint32_t index) {
  Lines lines;
  for (const CorrelationRule& other : rules.correlations()) {
    for (const sigma::Input& input : other.inputs) {
      if (input.rule == sigma::RuleRef{true, index}) lines.push_back(NameOf(other.meta));
    }
  }
  return lines;
}

std::string Condition(const CorrelationRule& rule) {
  std::string text;
  for (const sigma::Threshold& threshold : rule.thresholds) {
    if (!text.empty()) text += " and ";
    text += fmt::format("{} {}", OpText(threshold.op), sigma::ToText(threshold.number));
  }
  if (!rule.condition.nodes.empty()) text = ConditionText(rule, rule.condition.nodes.size() - 1);
  return text;
}

// What both forms say: a name and its lines.
std::vector<std::pair<std::string_view, Lines>> Sections(const RuleSet& rules,
                                                         std::uint32_t index) {
  const CorrelationRule& rule = rules.correlations()[index];
  std::vector<std::pair<std::string_view, Lines>> sections;
  const auto add = [&sections](std::string_view name, Lines lines) {
    if (!lines.empty()) sections.emplace_back(name, std::move(lines));
  };
  const auto each = [&rule](const auto& things, auto text) {
    Lines lines;
    for (const auto& thing : things) lines.push_back(text(rule, thing));
    return lines;
  };
  add("operator", {fmt::format("{} ({})", OperatorName(rule), sigma::ToString(rule.type))});
  add("window", {WindowText(rule)});
  add("group", Lines(rule.group_by.begin(), rule.group_by.end()));
  add("inputs", each(rule.inputs, [](const CorrelationRule&, const sigma::Input& input) {
        return fmt::format("{} ({})", input.reference,
                           input.rule.correlation ? "correlation" : "detection");
      }));
  add("steps", each(rule.steps, StepText));
  add("absence", each(rule.absences, AbsenceText));
  add("registers", each(rule.registers, RegisterText));
  if (const std::string condition = Condition(rule); !condition.empty()) add("when", {condition});
  if (!rule.where.empty()) add("where", {rule.where.text()});
  add("fields", each(rule.fields, [](const CorrelationRule&, const auto& field) {
        return fmt::format("{} = {}", field.first, field.second.text());
      }));
  add("policies", Policies(rule));
  add("parents", Parents(rules, index));
  return sections;
}

}  // namespace

std::string CorrelationPlanText(const RuleSet& rules, std::uint32_t index, bool color) {
  const CorrelationRule& rule = rules.correlations()[index];
  std::string text =
      fmt::format("{}  {}\n", Toned(Printable(NameOf(rule.meta)), Tone::kBold, color),
                  Toned(Printable(fmt::format("{}:{}", rule.meta.file, rule.meta.place.line)),
                        Tone::kDim, color));
  for (const auto& [name, lines] : Sections(rules, index)) {
    std::string_view head = name;
    for (const std::string& line : lines) {
      text += fmt::format("  {:<10} {}\n", std::exchange(head, ""), Printable(line));
    }
  }
  text += fmt::format("  {:<10} {}\n", "horizon", Span(rule.horizon));
  text += fmt::format("  {:<10} {} bytes a key\n", "state", StatePerKey(rule));
  return text;
}

std::string CorrelationPlanJson(const RuleSet& rules, std::uint32_t index) {
  const CorrelationRule& rule = rules.correlations()[index];
  std::string text;
  JsonWriter json(&text);
  json.BeginObject().Key("rule").BeginObject();
  json.Key("id").String(rule.meta.id).Key("title").String(rule.meta.title);
  json.Key("file").String(rule.meta.file).Key("line").Int(rule.meta.place.line).EndObject();
  json.Key("plan").BeginObject();
  for (const auto& [name, lines] : Sections(rules, index)) {
    json.Key(name).BeginArray();
    for (const std::string& line : lines) json.String(line);
    json.EndArray();
  }
  json.Key("horizon_seconds").Seconds(rule.horizon);
  json.Key("state_bytes_per_key").Int(StatePerKey(rule)).EndObject().EndObject();
  return text;
}

}  // namespace faultline::app
