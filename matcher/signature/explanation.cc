// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/explanation.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/check.h"
#include "matcher/event/text.h"
#include "matcher/sigma/logsource.h"
#include "matcher/sigma/wording.h"
#include "matcher/signature/rule_set_impl.h"

namespace faultline {
namespace {

using Kind = ExplainedPart::Kind;
using Op = sigma::Condition::Op;
using sigma::Renames;

// ------------------------------------------------------------------------------------- probes

// A number of the rule set of parts; what is asked of the engine.
using Probe = std::uint32_t;

// A rule that holds when `condition` over `searches` does, with the field names of one log.
sigma::DetectionRule PartRule(std::vector<sigma::Search> searches, sigma::Condition condition,
                              const Renames& renames) {
  sigma::DetectionRule rule;
  rule.searches = std::move(searches);
  rule.conditions.push_back(std::move(condition));
  if (!renames.empty()) rule.sources = sigma::LogSourceAlternatives({{{}, renames, {}, false}});
  return rule;
}

sigma::Condition FirstSearch() { return {{sigma::Condition::Node{}}}; }

sigma::DetectionRule PartRule(std::vector<sigma::Item> items, const Renames& renames) {
  sigma::Search search;
  search.alternatives.push_back(std::move(items));
  return PartRule({std::move(search)}, FirstSearch(), renames);
}

// The condition whose root is node `root` of `condition`.
sigma::Condition Below(const sigma::Condition& condition, std::uint32_t root) {
  std::vector<bool> needed(root + 1, false);
  needed[root] = true;
  for (std::uint32_t i = root + 1; i-- > 0;) {
    if (!needed[i]) continue;
    for (const std::uint32_t child : condition.nodes[i].children) needed[child] = true;
  }
  sigma::Condition below;
  std::vector<std::uint32_t> moved(root + 1, 0);
  for (std::uint32_t i = 0; i <= root; ++i) {
    if (!needed[i]) continue;
    moved[i] = static_cast<std::uint32_t>(below.nodes.size());
    below.nodes.push_back(condition.nodes[i]);
    for (std::uint32_t& child : below.nodes.back().children) child = moved[child];
  }
  return below;
}

// A part and the probes that judge it.
struct Node {
  ExplainedPart part;  // without verdicts; `parts` stay empty
  Probe probe = 0;
  std::vector<Node> nodes;
  struct Test {
    Probe probe = 0;
    std::vector<std::pair<Probe, std::string>> spellings;  // where one value became several
  };
  std::vector<Test> tests;
};

// What a log source can mean: all of `parts`, of which only items have probes.
struct SourceNode {
  ExplainedPart::Kind kind = Kind::kAll;  // kNoOther, else kAll
  std::vector<Node> parts;
};

struct RuleNodes {
  std::uint32_t rule = 0;
  Probe probe = 0;
  std::vector<SourceNode> sources;
  std::vector<Node> detections;  // per source; one where there are none
  struct Filter {
    std::uint32_t index = 0;
    std::vector<Node> conditions;  // like `detections`
  };
  std::vector<Filter> filters;
};

// Takes rules apart into probes.
class Dissector {
 public:
  Dissector(const sigma::RuleCollection& rules, Explainer::Depth depth,
            const sigma::LogSource& declared)
      : rules_(rules), depth_(depth), declared_(declared) {
    probes.filters = rules.filters;
  }

  RuleNodes Dissect(std::uint32_t index) {
    const sigma::DetectionRule& rule = rules_.detections[index];
    RuleNodes nodes;
    nodes.rule = index;
    for (const sigma::LogSourceAlternative& source : rule.sources) {
      nodes.sources.push_back(OfSource(source));
    }
    if (depth_ == Explainer::Depth::kSources) return nodes;
    sigma::DetectionRule whole = rule;
    whole.logsource = {};  // no input gates it: it is asked about
    nodes.probe = Add(std::move(whole));
    std::vector<const Renames*> renames;
    for (const sigma::LogSourceAlternative& source : rule.sources) {
      renames.push_back(&source.renames);
    }
    const Renames none;
    if (renames.empty()) renames.push_back(&none);
    for (const Renames* const names : renames) {
      nodes.detections.push_back(OfConditions(rule.searches, rule.conditions, *names));
    }
    for (const std::uint32_t filter : rule.filters) {
      nodes.filters.push_back({filter, {}});
      for (const Renames* const names : renames) {
        nodes.filters.back().conditions.push_back(OfConditions(
            rules_.filters[filter].searches, rules_.filters[filter].conditions, *names));
      }
    }
    return nodes;
  }

  sigma::RuleCollection probes;

 private:
  Probe Add(sigma::DetectionRule rule) {
    probes.detections.push_back(std::move(rule));
    return static_cast<Probe>(probes.detections.size() - 1);
  }

  // The items stand in the table of log sources, not in the rule's file: without place.
  SourceNode OfSource(const sigma::LogSourceAlternative& source) {
    SourceNode node;
    if (source.otherwise) node.kind = Kind::kNoOther;
    if (source.declared != sigma::LogSource{}) {
      ExplainedPart& declared = node.parts.emplace_back().part;
      declared.kind = Kind::kDeclared;
      declared.name = sigma::ToString(source.declared);
      declared.held = sigma::Contains(source.declared, declared_);
    }
    for (const sigma::Item& item : source.conditions) {
      node.parts.push_back(OfItem(item, {}));
      node.parts.back().part.place = {};
    }
    return node;
  }

  // All of them; one item stands for itself.
  Node OfItems(const std::vector<sigma::Item>& items, const Renames& renames) {
    if (items.size() == 1) return OfItem(items.front(), renames);
    Node node;
    node.probe = Add(PartRule(items, renames));
    for (const sigma::Item& item : items) node.nodes.push_back(OfItem(item, renames));
    return node;
  }

  Node OfItem(const sigma::Item& item, const Renames& renames) {
    Node node;
    node.part.kind = Kind::kItem;
    node.part.place = item.place;
    node.part.field = item.field;
    node.part.event_field = sigma::NameIn(item.field, renames);
    node.part.all = item.all;
    node.part.negated = item.negated;
    node.probe = Add(PartRule({item}, renames));
    for (const sigma::Choice& choice : item.choices) {
      node.part.tests.push_back({sigma::InWords(choice.front(), item.cased), false, {}});
      if (choice.size() > 1) {
        node.part.tests.back().text += fmt::format(", or {} other spellings", choice.size() - 1);
      }
      node.tests.push_back(OfChoice(item, choice, renames));
    }
    return node;
  }

  Node::Test OfChoice(const sigma::Item& item, const sigma::Choice& choice,
                      const Renames& renames) {
    Node::Test test;
    if (depth_ != Explainer::Depth::kValues) return test;
    sigma::Item one = item;
    one.negated = false;
    one.all = false;
    one.choices = {choice};
    test.probe = Add(PartRule({one}, renames));
    if (choice.size() == 1) return test;
    for (const sigma::Value& value : choice) {
      one.choices = {{value}};
      test.spellings.emplace_back(Add(PartRule({one}, renames)), sigma::InWords(value, item.cased));
    }
    return test;
  }

  Node OfSearch(const sigma::Search& search, const Renames& renames) {
    Node node;
    node.part.kind = Kind::kSearch;
    node.part.name = search.name;
    node.part.place = search.place;
    node.probe = Add(PartRule({search}, FirstSearch(), renames));
    if (search.alternatives.size() == 1) {
      for (const sigma::Item& item : search.alternatives.front()) {
        node.nodes.push_back(OfItem(item, renames));
      }
      return node;
    }
    Node any;
    any.part.kind = Kind::kAny;
    any.probe = node.probe;
    for (const auto& items : search.alternatives) any.nodes.push_back(OfItems(items, renames));
    node.nodes.push_back(std::move(any));
    return node;
  }

  // The children of a junction, those of the same kind replaced by theirs: a long chain of words is
  // one list however the parser grouped it, and no deep tree.
  static std::vector<std::uint32_t> Flattened(const sigma::Condition& condition, std::uint32_t at) {
    const Op op = condition.nodes[at].op;
    if (op != Op::kAnd && op != Op::kOr) return condition.nodes[at].children;
    std::vector<std::uint32_t> open = condition.nodes[at].children;
    std::reverse(open.begin(), open.end());
    std::vector<std::uint32_t> flat;
    while (!open.empty()) {
      const std::uint32_t child = open.back();
      open.pop_back();
      const sigma::Condition::Node& node = condition.nodes[child];
      if (node.op != op) {
        flat.push_back(child);
      } else {
        open.insert(open.end(), node.children.rbegin(), node.children.rend());
      }
    }
    return flat;
  }

  Node OfCondition(const std::vector<sigma::Search>& searches, const sigma::Condition& condition,
                   std::uint32_t at, const Renames& renames) {
    const sigma::Condition::Node& source = condition.nodes[at];
    if (source.op == Op::kSearch) return OfSearch(searches[source.search], renames);
    Node node;
    node.part.kind = source.op == Op::kNot   ? Kind::kNot
                     : source.op == Op::kAnd ? Kind::kAll
                     : source.op == Op::kOr  ? Kind::kAny
                                             : Kind::kAtLeast;
    node.part.at_least = source.at_least;
    node.probe = Add(PartRule(searches, Below(condition, at), renames));
    for (const std::uint32_t child : Flattened(condition, at)) {
      node.nodes.push_back(OfCondition(searches, condition, child, renames));
    }
    return node;
  }

  Node OfConditions(const std::vector<sigma::Search>& searches,
                    const std::vector<sigma::Condition>& conditions, const Renames& renames) {
    const auto root = [](const sigma::Condition& condition) {
      return static_cast<std::uint32_t>(condition.nodes.size() - 1);
    };
    if (conditions.size() == 1) {
      return OfCondition(searches, conditions.front(), root(conditions.front()), renames);
    }
    sigma::DetectionRule whole = PartRule(searches, {}, renames);
    whole.conditions = conditions;
    Node node;
    node.part.kind = Kind::kAny;
    node.probe = Add(std::move(whole));
    for (const sigma::Condition& condition : conditions) {
      node.nodes.push_back(OfCondition(searches, condition, root(condition), renames));
    }
    return node;
  }

  const sigma::RuleCollection& rules_;
  Explainer::Depth depth_;
  const sigma::LogSource& declared_;
};

// -------------------------------------------------------------------------------------- events

// `{"name": value}`: an event of one value, for the engine to judge it alone. Names are Sigma's.
std::string LoneValue(std::string_view name, const RawValue& value) {
  std::string json = "{\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  json += "\":";
  const std::string_view quote = value.kind == ValueKind::kString ? "\"" : "";
  return json.append(quote).append(value.raw).append(quote) + "}";
}

std::string TextOf(const RawValue& value) {
  std::string buffer;
  return std::string(Decode(value, buffer));
}

}  // namespace

struct Explainer::Impl {
  std::shared_ptr<const RuleSet> shared;
  Depth depth = Depth::kValues;
  std::vector<RuleNodes> nodes;
  std::shared_ptr<const RuleSet> probes;
  std::optional<Walker> walker, lone_walker;
  std::optional<Matcher> matcher, lone_matcher;
  InputScope scope = kUndeclared;

  using Verdicts = std::vector<bool>;               // by probe
  std::unordered_map<std::string, Verdicts> alone;  // by event of one value

  [[nodiscard]] Verdicts Judge(Matcher& judge, const Event& event) const {
    Verdicts verdicts(probes->detections().size(), false);
    for (const std::uint32_t probe : judge.Match(event, scope)) verdicts[probe] = true;
    return verdicts;
  }

  [[nodiscard]] OfEvent Explained(const Event& event) {
    const Verdicts verdicts = Judge(*matcher, event);
    alone.clear();
    OfEvent explained;
    for (const RuleNodes& rule : nodes) explained.rules.push_back(OfRule(rule, event, verdicts));
    for (FieldId field = 0; field < probes->fields().size(); ++field) {
      if (event.Of(field).empty()) continue;
      explained.fields.emplace_back(probes->fields().name(field));
    }
    return explained;
  }

  [[nodiscard]] Explanation OfRule(const RuleNodes& rule, const Event& event,
                                   const Verdicts& verdicts) {
    Explanation explanation;
    explanation.rule = rule.rule;
    explanation.sources = OfSources(rule.sources, event, verdicts);
    explanation.source = ToldSource(rule, explanation.sources, verdicts);
    if (depth == Depth::kSources) return explanation;
    explanation.held = verdicts[rule.probe];
    explanation.detection = OfNode(rule.detections[explanation.source], event, verdicts);
    for (const RuleNodes::Filter& filter : rule.filters) {
      const sigma::Metadata& meta = shared->impl().rules.filters[filter.index].meta;
      explanation.filters.push_back(
          {filter.index, meta.title.empty() ? meta.id : meta.title,
           OfNode(filter.conditions[explanation.source], event, verdicts)});
    }
    return explanation;
  }

  [[nodiscard]] std::vector<ExplainedPart> OfSources(const std::vector<SourceNode>& sources,
                                                     const Event& event, const Verdicts& verdicts) {
    std::vector<ExplainedPart> told;
    bool some = false;
    for (const SourceNode& source : sources) {
      ExplainedPart& part = told.emplace_back();
      part.kind = source.kind;
      for (const Node& below : source.parts) {
        const bool item = below.part.kind == Kind::kItem;
        part.parts.push_back(item ? OfNode(below, event, verdicts) : below.part);
      }
      part.held = std::all_of(part.parts.begin(), part.parts.end(),
                              [](const ExplainedPart& below) { return below.held; });
      const bool declared = !part.parts.empty() && part.parts.front().kind == Kind::kDeclared;
      some = some || (part.held && !declared && part.kind == Kind::kAll);
    }
    for (ExplainedPart& part : told)
      part.held = part.held && !(part.kind == Kind::kNoOther && some);
    return told;
  }

  // The first log that fits the event and, if there is one, makes the rule hold.
  [[nodiscard]] static std::size_t ToldSource(const RuleNodes& rule,
                                              const std::vector<ExplainedPart>& sources,
                                              const Verdicts& verdicts) {
    std::optional<std::size_t> fits;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (!sources[i].held) continue;
      if (!fits) fits = i;
      if (rule.detections.empty()) continue;
      if (BodyHolds(rule, i, verdicts)) return i;
    }
    return fits.value_or(0);
  }

  [[nodiscard]] static bool BodyHolds(const RuleNodes& rule, std::size_t source,
                                      const Verdicts& verdicts) {
    return verdicts[rule.detections[source].probe] &&
           std::all_of(rule.filters.begin(), rule.filters.end(),
                       [&](const RuleNodes::Filter& filter) {
                         return verdicts[filter.conditions[source].probe];
                       });
  }

  [[nodiscard]] ExplainedPart OfNode(const Node& node, const Event& event,
                                     const Verdicts& verdicts) {
    ExplainedPart part = node.part;
    part.held = verdicts[node.probe];
    for (const Node& below : node.nodes) part.parts.push_back(OfNode(below, event, verdicts));
    if (part.kind != Kind::kItem) return part;
    part.present = part.field.empty() ? part.held : Has(event, part.event_field);
    if (depth == Depth::kValues) TellValues(node, event, verdicts, part);
    return part;
  }

  [[nodiscard]] bool Has(const Event& event, std::string_view name) const {
    const FieldId field = probes->fields().Find(name);
    return field != kNoNode && !event.Of(field).empty();
  }

  void TellValues(const Node& node, const Event& event, const Verdicts& verdicts,
                  ExplainedPart& part) {
    std::vector<RawValue> values;
    const auto keep = [&](const RawValue& value) {
      if (values.size() < kMaxValues) {
        values.push_back(value);
      } else {
        ++part.more_values;
      }
    };
    if (part.field.empty()) {
      // Only the leaves that some keyword is in: the others say nothing.
      for (const RawValue& leaf : event.leaves()) {
        if (HoldsAny(node, JudgeAlone(part.event_field, leaf))) keep(leaf);
      }
    } else if (const FieldId field = probes->fields().Find(part.event_field); field != kNoNode) {
      for (const RawValue& value : event.Of(field)) keep(value);
    }
    for (std::size_t i = 0; i < node.tests.size(); ++i) {
      part.tests[i].held = verdicts[node.tests[i].probe];
      for (const auto& [probe, words] : node.tests[i].spellings) {
        if (!verdicts[probe]) continue;
        part.tests[i].text = words;
        break;
      }
    }
    for (std::size_t at = 0; at < values.size(); ++at) {
      part.values.push_back(TextOf(values[at]));
      const Verdicts& verdict = JudgeAlone(part.event_field, values[at]);
      for (std::size_t i = 0; i < node.tests.size(); ++i) {
        ExplainedTest& test = part.tests[i];
        if (test.held && !test.decided_by && verdict[node.tests[i].probe]) test.decided_by = at;
      }
    }
  }

  [[nodiscard]] static bool HoldsAny(const Node& node, const Verdicts& verdicts) {
    return std::any_of(node.tests.begin(), node.tests.end(),
                       [&](const Node::Test& test) { return verdicts[test.probe]; });
  }

  // The verdicts on an event that has nothing but this value; kept while the event lasts.
  [[nodiscard]] const Verdicts& JudgeAlone(std::string_view name, const RawValue& value) {
    std::string payload = LoneValue(name, value);
    const auto [at, added] = alone.emplace(std::move(payload), Verdicts());
    if (added) at->second = JudgeLone(at->first);
    return at->second;
  }

  [[nodiscard]] Verdicts JudgeLone(std::string_view payload) {
    Walker::Options options;
    options.shape = Shape::kFlat;
    options.max_bytes = std::numeric_limits<std::uint32_t>::max();
    if (lone_walker->Begin(payload, options) == WalkFault::kNone) {
      if (const Event* const event = lone_walker->Next()) return Judge(*lone_matcher, *event);
    }
    return Verdicts(probes->detections().size(), false);
  }
};

Result<Explainer> Explainer::Create(std::shared_ptr<const RuleSet> rules,
                                    const std::vector<std::uint32_t>& chosen, Depth depth,
                                    const sigma::LogSource& declared) {
  auto impl = std::make_unique<Impl>();
  Dissector dissector(rules->impl().rules, depth, declared);
  for (const std::uint32_t rule : chosen) impl->nodes.push_back(dissector.Dissect(rule));
  const std::size_t parts = dissector.probes.detections.size();
  Result<std::shared_ptr<const RuleSet>> probes =
      RuleSet::Compile(std::move(dissector.probes), rules->impl().options);
  if (!probes) return tl::unexpected<Error>(probes.error());
  FAULTLINE_CHECK((*probes)->detections().size() == parts);
  impl->shared = std::move(rules);
  impl->depth = depth;
  impl->probes = std::move(*probes);
  impl->walker.emplace(&impl->probes->fields());
  impl->lone_walker.emplace(&impl->probes->fields());
  impl->matcher.emplace(impl->probes);
  impl->lone_matcher.emplace(impl->probes);
  impl->scope = impl->matcher->ScopeOf(declared);
  return Explainer(std::move(impl));
}

Explainer::Explainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Explainer::~Explainer() = default;
Explainer::Explainer(Explainer&&) noexcept = default;
Explainer& Explainer::operator=(Explainer&&) noexcept = default;

Explainer::OfPayload Explainer::Explain(std::string_view payload, const Walker::Options& options) {
  OfPayload explained;
  Walker::Options walk = options;
  explained.fault = impl_->walker->Begin(payload, walk);
  if (explained.fault != WalkFault::kNone) return explained;
  while (const Event* const event = impl_->walker->Next()) {
    explained.events.push_back(impl_->Explained(*event));
  }
  return explained;
}

namespace {

// How many lines would have to be otherwise for `part` to have the verdict `wanted`.
std::size_t Changes(const ExplainedPart& part, bool wanted) {
  if (part.held == wanted) return 0;
  if (part.kind == Kind::kItem || part.kind == Kind::kDeclared) return 1;
  if (part.kind == Kind::kNot) return Changes(part.parts.front(), !wanted);
  std::vector<std::size_t> below;
  for (const ExplainedPart& child : part.parts) below.push_back(Changes(child, wanted));
  std::sort(below.begin(), below.end());
  std::size_t needed = below.size();  // of them all to turn out as wanted
  if (part.kind == Kind::kAny) needed = wanted ? 1 : below.size();
  if (part.kind == Kind::kAll || part.kind == Kind::kSearch) needed = wanted ? below.size() : 1;
  if (part.kind == Kind::kAtLeast) {
    needed = wanted ? part.at_least : below.size() + 1 - part.at_least;
  }
  std::size_t changes = 0;
  for (std::size_t i = 0; i < std::min(needed, below.size()); ++i) changes += below[i];
  return changes;
}

// Lines that hold and help the rule to hold. What holds because something is absent tells nothing.
std::size_t HeldLines(const ExplainedPart& part, bool wanted) {
  if (part.kind == Kind::kItem) return wanted && part.held && part.present ? 1 : 0;
  std::size_t held = 0;
  for (const ExplainedPart& child : part.parts) {
    held += HeldLines(child, part.kind == Kind::kNot ? !wanted : wanted);
  }
  return held;
}

}  // namespace

Closeness ClosenessOf(const Explanation& explanation) {
  Closeness closeness;
  if (explanation.held) return closeness;
  closeness.changes = Changes(explanation.detection, true);
  closeness.held = HeldLines(explanation.detection, true);
  for (const Explanation::Filter& filter : explanation.filters) {
    closeness.changes += Changes(filter.condition, true);
  }
  if (explanation.sources.empty()) return closeness;
  std::size_t nearest = std::numeric_limits<std::size_t>::max();
  for (const ExplainedPart& source : explanation.sources) {
    nearest = std::min(nearest, Changes(source, true));
  }
  closeness.changes += nearest;
  return closeness;
}

}  // namespace faultline
