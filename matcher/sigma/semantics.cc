// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/semantics.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace faultline::sigma {
namespace {

constexpr std::int64_t kVersion = 1;  // raised when a rule as written begins to mean something else

void Add(DigestBuilder& out, const Digest& digest) {
  out.Add(static_cast<std::int64_t>(digest.high)).Add(static_cast<std::int64_t>(digest.low));
}

void Add(DigestBuilder& out, const std::vector<Digest>& digests) {
  out.Add(static_cast<std::int64_t>(digests.size()));
  for (const Digest& digest : digests) Add(out, digest);
}

void AddSorted(DigestBuilder& out, std::vector<Digest> digests) {
  std::sort(digests.begin(), digests.end());
  Add(out, digests);
}

void Add(DigestBuilder& out, const Regex& regex) {
  out.Add(regex.pattern).Add(std::int64_t{regex.ignore_case});
  out.Add(std::int64_t{regex.multi_line}).Add(std::int64_t{regex.dot_all});
}

void Add(DigestBuilder& out, const Pattern& pattern) {
  out.Add(static_cast<std::int64_t>(pattern.tokens.size()));
  for (const Pattern::Token& token : pattern.tokens) {
    out.Add(static_cast<std::int64_t>(token.kind)).Add(token.text);
  }
}

void Add(DigestBuilder& out, const FieldRef& reference) {
  out.Add(reference.field).Add(static_cast<std::int64_t>(reference.how));
}

void Add(DigestBuilder& out, const Network& network) {
  for (const std::uint8_t byte : network.address) out.Add(std::int64_t{byte});
  out.Add(std::int64_t{network.prefix});
}

void Add(DigestBuilder& out, const Comparison& comparison) {
  out.Add(static_cast<std::int64_t>(comparison.order)).Add(comparison.number.text);
}

void Add(DigestBuilder& out, const TimePart& part) {
  out.Add(static_cast<std::int64_t>(part.unit)).Add(static_cast<std::int64_t>(part.order));
  out.Add(part.number);
}

void Add(DigestBuilder& out, const Value& value) {
  out.Add(static_cast<std::int64_t>(value.index()));
  std::visit(
      [&](const auto& held) {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, Bool>) {
          out.Add(std::int64_t{held.value});
        } else if constexpr (std::is_same_v<T, Number>) {
          out.Add(held.text);
        } else if constexpr (std::is_same_v<T, Exists>) {
          out.Add(std::int64_t{held.wanted});
        } else if constexpr (!std::is_same_v<T, Null>) {
          Add(out, held);
        }
      },
      value);
}

Digest Of(const Item& item) {
  DigestBuilder out;
  out.Add(item.field).Add(std::int64_t{item.all}).Add(std::int64_t{item.cased});
  if (item.negated) out.Add("neq");
  out.Add(static_cast<std::int64_t>(item.choices.size()));
  for (const Choice& choice : item.choices) {
    if (choice.size() != 1) out.Add(static_cast<std::int64_t>(choice.size()));
    for (const Value& value : choice) Add(out, value);
  }
  return out.Finish();
}

// Items stand in a map of the rule: their order means nothing.
void AddItems(DigestBuilder& out, const std::vector<Item>& items) {
  std::vector<Digest> digests;
  for (const Item& item : items) digests.push_back(Of(item));
  AddSorted(out, std::move(digests));
}

Digest Of(const Search& search) {
  DigestBuilder out;
  out.Add(search.name).Add(static_cast<std::int64_t>(search.alternatives.size()));
  for (const std::vector<Item>& items : search.alternatives) AddItems(out, items);
  return out.Finish();
}

// Children stand before parents, so one pass builds every node's digest.
Digest Of(const Condition& condition, const std::vector<Search>& searches) {
  std::vector<Digest> nodes;
  for (const Condition::Node& node : condition.nodes) {
    DigestBuilder out;
    out.Add(static_cast<std::int64_t>(node.op)).Add(std::int64_t{node.at_least});
    if (node.op == Condition::Op::kSearch) out.Add(searches[node.search].name);
    std::vector<Digest> children;
    for (const std::uint32_t child : node.children) children.push_back(nodes[child]);
    AddSorted(out, std::move(children));
    nodes.push_back(out.Finish());
  }
  return nodes.empty() ? Digest{} : nodes.back();
}

Digest Of(const LogSourceAlternative& source) {
  DigestBuilder out;
  AddItems(out, source.conditions);
  const std::map<std::string, std::string> renames(source.renames.begin(), source.renames.end());
  for (const auto& [from, to] : renames) out.Add(from).Add(to);
  if (source.otherwise) out.Add("otherwise");
  if (source.declared != LogSource{}) {
    out.Add(source.declared.product).Add(source.declared.category).Add(source.declared.service);
  }
  return out.Finish();
}

Digest Of(const Capture& capture) {
  DigestBuilder out;
  out.Add(capture.field).Add(capture.pcre);
  for (const std::string& name : capture.names) out.Add(name);
  if (capture.join) out.Add("join").Add(*capture.join);
  return out.Finish();
}

// What the tables hold may change without the rule becoming another one.
Digest Of(const Lookup& lookup) {
  DigestBuilder out;
  out.Add("lookup").Add(lookup.field).Add(lookup.from).Add(lookup.table);
  out.Add(static_cast<std::int64_t>(lookup.otherwise)).Add(lookup.text);
  return out.Finish();
}

template <class Parts>
std::vector<Digest> OfEach(const Parts& parts) {
  std::vector<Digest> digests;
  for (const auto& part : parts) digests.push_back(Of(part));
  return digests;
}

std::vector<Digest> OfEach(const std::vector<Condition>& conditions,
                           const std::vector<Search>& searches) {
  std::vector<Digest> digests;
  for (const Condition& condition : conditions) digests.push_back(Of(condition, searches));
  return digests;
}

void Add(DigestBuilder& out, std::chrono::nanoseconds span) { out.Add(std::int64_t{span.count()}); }

void Add(DigestBuilder& out, const std::optional<std::chrono::nanoseconds>& span) {
  out.Add(std::int64_t{span.has_value()});
  if (span) Add(out, *span);
}

void Add(DigestBuilder& out, const std::vector<std::string>& texts) {
  out.Add(static_cast<std::int64_t>(texts.size()));
  for (const std::string& text : texts) out.Add(text);
}

void Add(DigestBuilder& out, const std::vector<std::pair<std::string, Expression>>& named) {
  out.Add(static_cast<std::int64_t>(named.size()));
  for (const auto& [name, expression] : named) Add(out.Add(name), expression.semantics());
}

Digest Of(const Input& input, const RuleCollection& rules) {
  DigestBuilder out;
  out.Add(std::int64_t{input.rule.correlation});
  Add(out, input.rule.correlation ? rules.correlations[input.rule.index].semantics
                                  : rules.detections[input.rule.index].semantics);
  Add(out, input.group_fields);
  return out.Finish();
}

void Add(DigestBuilder& out, const std::vector<Binding>& bindings) {
  out.Add(static_cast<std::int64_t>(bindings.size()));
  for (const Binding& binding : bindings) {
    out.Add(binding.field).Add(std::int64_t{binding.step}).Add(binding.step_field);
  }
}

Digest Of(const Step& step, const std::vector<Digest>& inputs) {
  DigestBuilder out;
  Add(out, inputs[step.input]);
  out.Add(std::int64_t{step.times}).Add(step.distinct);
  Add(out, step.times_within);
  Add(out, step.within);
  Add(out, step.bind);
  return out.Finish();
}

// Where nothing tells the steps apart their order means nothing.
void AddSteps(DigestBuilder& out, const CorrelationRule& rule, const std::vector<Digest>& inputs) {
  std::vector<Digest> steps;
  for (const Step& step : rule.steps) steps.push_back(Of(step, inputs));
  const bool told_apart =
      rule.chain || rule.type == CorrelationType::kTemporalOrdered ||
      std::any_of(rule.condition.nodes.begin(), rule.condition.nodes.end(),
                  [](const auto& node) { return node.kind == StepCondition::Node::Kind::kStep; });
  if (told_apart) {
    Add(out, steps);
  } else {
    AddSorted(out, std::move(steps));
  }
  out.Add(static_cast<std::int64_t>(rule.condition.nodes.size()));
  for (const StepCondition::Node& node : rule.condition.nodes) {
    out.Add(static_cast<std::int64_t>(node.kind)).Add(std::int64_t{node.number});
    out.Add(static_cast<std::int64_t>(node.children.size()));
    for (const std::uint32_t child : node.children) out.Add(std::int64_t{child});
  }
}

void AddWindow(DigestBuilder& out, const CorrelationRule& rule) {
  out.Add(static_cast<std::int64_t>(rule.thresholds.size()));
  for (const Threshold& threshold : rule.thresholds) {
    out.Add(static_cast<std::int64_t>(threshold.op)).Add(ToText(threshold.number));
  }
  Add(out, rule.value_fields);
  if (rule.type == CorrelationType::kValuePercentile) out.Add(ToText(rule.percentile));
  out.Add(static_cast<std::int64_t>(rule.window));
  Add(out, rule.gap);
  out.Add(static_cast<std::int64_t>(rule.refire));
  Add(out, rule.refire_after);
  out.Add(std::int64_t{rule.ties_any}).Add(static_cast<std::int64_t>(rule.overlap));
}

void AddInputs(DigestBuilder& out, const std::vector<std::uint32_t>& which,
               const std::vector<Digest>& inputs) {
  out.Add(static_cast<std::int64_t>(which.size()));
  for (const std::uint32_t input : which) Add(out, inputs[input]);
}

void AddRegister(DigestBuilder& out, const Register& reg, const std::vector<Digest>& inputs) {
  out.Add(static_cast<std::int64_t>(reg.fn));
  Add(out, inputs[reg.input]);
  out.Add(reg.field).Add(std::int64_t{reg.of_time});
  Add(out, reg.ttl);
  out.Add(std::int64_t{reg.by_group});
  Add(out, reg.by);
  AddInputs(out, reg.reset ? std::vector{*reg.reset} : std::vector<std::uint32_t>(), inputs);
}

// What the `faultline:` map says beside its texts.
void AddChain(DigestBuilder& out, const CorrelationRule& rule, const std::vector<Digest>& inputs) {
  for (const Absence& absence : rule.absences) {
    out.Add("absent").Add(static_cast<std::int64_t>(absence.kind));
    Add(out, inputs[absence.input]);
    out.Add(std::int64_t{absence.step}).Add(std::int64_t{absence.until});
    Add(out, absence.within);
    Add(out, absence.bind);
  }
  for (const Register& reg : rule.registers) AddRegister(out.Add("register"), reg, inputs);
  Add(out.Add("fields"), rule.fields);
  Add(out.Add("where"), rule.where.semantics());
  AddInputs(out.Add("until"), rule.until, inputs);
  if (rule.resolve) {
    AddInputs(out.Add("resolve"), rule.resolve->on, inputs);
    Add(out, rule.resolve->quiet);
    AddInputs(out, rule.resolve->of, inputs);
  }
  if (rule.choose) {
    out.Add("choose").Add(rule.choose->group).Add(rule.choose->priority);
    Add(out, rule.choose->settle);
  }
  for (const Variant& variant : rule.variants) Add(out.Add("variant"), variant.when.semantics());
  if (rule.suppress) {
    Add(out.Add("suppress"), rule.suppress->span);
    Add(out, rule.suppress->by);
  }
  if (rule.update_every) Add(out.Add("update"), *rule.update_every);
}

}  // namespace

Digest SemanticsOf(const Filter& filter) {
  DigestBuilder out;
  out.Add("filter").Add(kVersion);
  AddSorted(out, OfEach(filter.searches));
  AddSorted(out, OfEach(filter.conditions, filter.searches));
  return out.Finish();
}

Digest SemanticsOf(const DetectionRule& rule, const std::vector<Filter>& filters) {
  DigestBuilder out;
  out.Add("detection").Add(kVersion);
  out.Add(rule.logsource.product).Add(rule.logsource.category).Add(rule.logsource.service);
  AddSorted(out, OfEach(rule.sources));
  AddSorted(out, OfEach(rule.searches));
  AddSorted(out, OfEach(rule.conditions, rule.searches));
  Add(out, OfEach(rule.captures));
  if (!rule.fields.empty()) Add(out.Add("fields"), rule.fields);
  if (!rule.lookups.empty()) Add(out, OfEach(rule.lookups));
  if (!rule.filters.empty()) {
    std::vector<Digest> digests;
    for (const std::uint32_t filter : rule.filters) digests.push_back(filters[filter].semantics);
    AddSorted(out.Add("filters"), std::move(digests));
  }
  return out.Finish();
}

Digest SemanticsOf(const CorrelationRule& rule, const RuleCollection& rules) {
  std::vector<Digest> inputs;
  for (const Input& input : rule.inputs) inputs.push_back(Of(input, rules));
  DigestBuilder out;
  out.Add("correlation").Add(kVersion).Add(ToString(rule.type));
  Add(out, rule.group_by);
  Add(out, rule.timespan);
  out.Add(std::int64_t{rule.generate});
  AddSteps(out, rule, inputs);
  AddWindow(out, rule);
  if (rule.chain) AddChain(out, rule, inputs);
  return out.Finish();
}

}  // namespace faultline::sigma
