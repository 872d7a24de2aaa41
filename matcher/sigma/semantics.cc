// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/semantics.h"

#include <algorithm>
#include <map>
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
  return out.Finish();
}

template <class T>
std::vector<Digest> OfEach(const std::vector<T>& parts) {
  std::vector<Digest> digests;
  for (const T& part : parts) digests.push_back(Of(part));
  return digests;
}

std::vector<Digest> OfEach(const std::vector<Condition>& conditions,
                           const std::vector<Search>& searches) {
  std::vector<Digest> digests;
  for (const Condition& condition : conditions) digests.push_back(Of(condition, searches));
  return digests;
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
  if (!rule.filters.empty()) {
    std::vector<Digest> digests;
    for (const std::uint32_t filter : rule.filters) digests.push_back(filters[filter].semantics);
    AddSorted(out.Add("filters"), std::move(digests));
  }
  return out.Finish();
}

Digest SemanticsOf(const CorrelationRule& rule, const std::vector<DetectionRule>& detections) {
  DigestBuilder out;
  out.Add("correlation").Add(kVersion).Add(ToString(rule.type));
  out.Add(static_cast<std::int64_t>(rule.group_by.size()));
  for (const std::string& field : rule.group_by) out.Add(field);
  out.Add(std::int64_t{rule.timespan.count()}).Add(std::int64_t{rule.threshold});
  out.Add(std::int64_t{rule.generate});
  std::vector<Digest> members;
  for (const std::uint32_t member : rule.members) members.push_back(detections[member].semantics);
  if (rule.type == CorrelationType::kTemporalOrdered) {
    Add(out, members);
  } else {
    AddSorted(out, std::move(members));
  }
  return out.Finish();
}

}  // namespace faultline::sigma
