// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/correlation.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/condition.h"
#include "matcher/sigma/correlation_reader.h"
#include "matcher/sigma/cost.h"
#include "matcher/sigma/explain.h"
#include "matcher/sigma/expression_value.h"
#include "matcher/sigma/lint.h"
#include "matcher/sigma/scalars.h"

namespace faultline::sigma {
namespace {

constexpr std::size_t kMaxSteps = 32;
constexpr std::size_t kMaxCounted = 1000;  // rules of a count or value type
constexpr std::size_t kMaxChecked = 12;    // steps of a text condition that is tried out

constexpr std::array kTypes = {CorrelationType::kEventCount,  CorrelationType::kValueCount,
                               CorrelationType::kValueSum,    CorrelationType::kValueAvg,
                               CorrelationType::kValueMedian, CorrelationType::kValuePercentile,
                               CorrelationType::kTemporal,    CorrelationType::kTemporalOrdered};

constexpr std::array<std::pair<std::string_view, Threshold::Op>, 6> kComparisons = {
    {{"gt", Threshold::Op::kGt},
     {"gte", Threshold::Op::kGte},
     {"lt", Threshold::Op::kLt},
     {"lte", Threshold::Op::kLte},
     {"eq", Threshold::Op::kEq},
     {"neq", Threshold::Op::kNeq}}};

std::int64_t UnitSeconds(char unit) {
  switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3'600;
    case 'd': return 86'400;
    case 'w': return 604'800;
    case 'M': return 2'629'746;
    case 'y': return 31'556'952;
    default: return 0;
  }
}

// Types whose comparisons are over a whole number of events, values or rules.
bool IsWhole(CorrelationType type) {
  return type == CorrelationType::kEventCount || type == CorrelationType::kValueCount ||
         type == CorrelationType::kTemporal || type == CorrelationType::kTemporalOrdered;
}

bool Holds(const Threshold& threshold, const ExprValue& number) {
  const auto order = Compare(number, threshold.number);
  if (!order) return false;
  switch (threshold.op) {
    case Threshold::Op::kGt: return *order > 0;
    case Threshold::Op::kGte: return *order >= 0;
    case Threshold::Op::kLt: return *order < 0;
    case Threshold::Op::kLte: return *order <= 0;
    case Threshold::Op::kEq: return *order == 0;
    case Threshold::Op::kNeq: break;
  }
  return *order != 0;
}

bool AllHold(const std::vector<Threshold>& thresholds, const ExprValue& number) {
  return std::all_of(thresholds.begin(), thresholds.end(),
                     [&](const Threshold& one) { return Holds(one, number); });
}

// Numbers of which one is within the thresholds, if any is: their own and those beside them.
std::vector<ExprValue> Candidates(const std::vector<Threshold>& thresholds, bool whole) {
  std::vector<ExprValue> numbers;
  if (whole) numbers.emplace_back(std::int64_t{1});
  for (const Threshold& threshold : thresholds) {
    if (const auto* number = std::get_if<std::int64_t>(&threshold.number)) {
      for (const std::int64_t step : {-1, 0, 1}) {
        const ExprValue near = Add(*number, step);
        const auto* there = std::get_if<std::int64_t>(&near);
        if (there != nullptr && (!whole || *there >= 1)) numbers.push_back(near);
      }
    }
    if (whole) continue;
    const auto* wide = std::get_if<std::int64_t>(&threshold.number);
    const double value =
        wide != nullptr ? static_cast<double>(*wide) : std::get<double>(threshold.number);
    numbers.emplace_back(value);
    numbers.emplace_back(std::nextafter(value, std::numeric_limits<double>::max()));
    numbers.emplace_back(std::nextafter(value, std::numeric_limits<double>::lowest()));
  }
  return numbers;
}

class ConditionBuilder {
 public:
  using Kind = StepCondition::Node::Kind;

  explicit ConditionBuilder(StepCondition& condition) : condition_(condition) {}

  std::uint32_t Add(Kind kind, std::uint32_t number, std::vector<std::uint32_t> children = {}) {
    StepCondition::Node node;
    node.kind = kind;
    node.number = number;
    node.children = std::move(children);
    condition_.nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(condition_.nodes.size() - 1);
  }
  std::uint32_t AtLeast(std::int64_t number) {
    return Add(Kind::kAtLeast, static_cast<std::uint32_t>(number));
  }
  std::uint32_t Not(std::uint32_t child) { return Add(Kind::kNot, 0, {child}); }
  // Exactly so many of `steps`.
  std::uint32_t Exactly(std::int64_t number, std::int64_t steps) {
    const std::uint32_t least = AtLeast(number);
    if (number >= steps) return least;
    return Add(Kind::kAnd, 0, {least, Not(AtLeast(number + 1))});
  }

 private:
  StepCondition& condition_;
};

// Of a set of seen steps, one bit each.
bool Holds(const StepCondition& condition, std::uint32_t seen) {
  std::vector<bool> held;
  for (const StepCondition::Node& node : condition.nodes) {
    const auto is = [&held](std::uint32_t child) { return held[child]; };
    using Kind = StepCondition::Node::Kind;
    switch (node.kind) {
      case Kind::kStep: held.push_back(((seen >> node.number) & 1) != 0); break;
      case Kind::kAnd:
        held.push_back(std::all_of(node.children.begin(), node.children.end(), is));
        break;
      case Kind::kOr:
        held.push_back(std::any_of(node.children.begin(), node.children.end(), is));
        break;
      case Kind::kNot: held.push_back(!held[node.children.front()]); break;
      case Kind::kAtLeast:
        held.push_back(static_cast<std::uint32_t>(__builtin_popcount(seen)) >= node.number);
        break;
    }
  }
  return held.back();
}

// Whether some step stands under an even number of `not`.
bool HasPositive(const StepCondition& condition) {
  std::vector<bool> positive(condition.nodes.size(), true);
  for (std::size_t i = condition.nodes.size(); i-- > 0;) {
    const StepCondition::Node& node = condition.nodes[i];
    if (node.kind == StepCondition::Node::Kind::kStep && positive[i]) return true;
    const bool below = positive[i] != (node.kind == StepCondition::Node::Kind::kNot);
    for (const std::uint32_t child : node.children) positive[child] = below;
  }
  return false;
}

bool HasNot(const StepCondition& condition) {
  return std::any_of(condition.nodes.begin(), condition.nodes.end(),
                     [](const auto& node) { return node.kind == StepCondition::Node::Kind::kNot; });
}

StepCondition OverSteps(const Condition& text, const std::vector<std::uint32_t>& steps) {
  StepCondition condition;
  ConditionBuilder builder(condition);
  using Kind = StepCondition::Node::Kind;
  for (const Condition::Node& node : text.nodes) {
    switch (node.op) {
      case Condition::Op::kSearch: builder.Add(Kind::kStep, steps[node.search]); break;
      case Condition::Op::kNot: builder.Add(Kind::kNot, 0, node.children); break;
      case Condition::Op::kAnd: builder.Add(Kind::kAnd, 0, node.children); break;
      default: builder.Add(Kind::kOr, 0, node.children); break;
    }
  }
  return condition;
}

void AddTexts(const yaml::Node* node, std::vector<std::string_view>& texts) {
  if (node == nullptr) return;
  if (node->IsScalar()) texts.emplace_back(node->scalar);
  for (const yaml::Node& item : node->items) {
    if (item.IsScalar()) texts.emplace_back(item.scalar);
  }
}

}  // namespace

std::optional<std::chrono::nanoseconds> ParseTimespan(std::string_view text) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, count);
  if (parsed.ec != std::errc() || parsed.ptr + 1 != end || count <= 0) return std::nullopt;
  const std::int64_t seconds = UnitSeconds(*parsed.ptr);
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
  if (seconds == 0 || count > kMost / seconds) return std::nullopt;
  return std::chrono::seconds(count * seconds);
}

std::vector<std::string_view> ReferencesOf(const yaml::Node& document) {
  std::vector<std::string_view> references;
  if (const yaml::Node* map = document.Find("correlation")) {
    AddTexts(map->Find("rules"), references);
  }
  const yaml::Node* map = document.Find("faultline");
  if (map == nullptr) return references;
  for (const std::string_view list : {"steps", "absent"}) {
    const yaml::Node* node = map->Find(list);
    if (node == nullptr) continue;
    for (const yaml::Node& item : node->items) AddTexts(item.Find("on"), references);
  }
  if (const yaml::Node* registers = map->Find("registers")) {
    for (const yaml::Pair& pair : registers->pairs) {
      AddTexts(pair.value.Find("on"), references);
      AddTexts(pair.value.Find("reset"), references);
    }
  }
  AddTexts(map->Find("until"), references);
  const yaml::Node* resolve = map->Find("resolve");
  AddTexts(resolve, references);
  if (resolve != nullptr) {
    AddTexts(resolve->Find("on"), references);
    AddTexts(resolve->Find("of"), references);
  }
  return references;
}

CorrelationRule ReadCorrelation(const yaml::Node& document, const RuleCollection& rules,
                                const RuleFinder& find, Reading& reading) {
  return CorrelationReader(rules, find, reading).Read(document);
}

CorrelationReader::CorrelationReader(const RuleCollection& rules, const RuleFinder& find,
                                     Reading& reading)
    : rules_(rules), find_(find), reading_(reading), scope_(rule_, reading.pack()) {}

void CorrelationReader::Refuse(const std::string& message, const Place& place, std::string remedy) {
  reading_.Refuse(message, place, std::move(remedy));
}

CorrelationRule CorrelationReader::Read(const yaml::Node& document) && {
  if (const yaml::Node* key = document.FindKey("detection")) {
    Refuse("a document is a detection or a correlation, not both", key->place,
           "separate them by '---'");
  }
  const yaml::Node& map = *document.Find("correlation");
  if (!ExpectMap(map, "'correlation'", reading_)) return std::move(rule_);
  ExpectKeys(map, "'correlation'",
             {"type", "rules", "group-by", "timespan", "condition", "generate", "aliases"}, {},
             reading_);
  const yaml::Node* ours = document.Find("faultline");
  rule_.chain = ours != nullptr;
  if (ours != nullptr && !ExpectMap(*ours, "'faultline'", reading_)) return std::move(rule_);
  ReadType(map);
  const yaml::Node* steps = ours != nullptr ? ours->Find("steps") : nullptr;
  if (steps != nullptr) {
    ReadSteps(*steps, map);
  } else {
    ReadRules(map);
  }
  ReadGroupBy(map);
  ReadTimespan(map);
  ReadGenerate(map);
  if (reading_.ok() && ours != nullptr) ReadChain(*ours);
  if (reading_.ok()) ReadCondition(map);
  if (reading_.ok()) ReadAliases(map);
  if (reading_.ok()) FinishInputs(map);
  if (reading_.ok()) {
    ReadHorizon();
    if (IsTemporal()) rule_.thresholds.clear();
    Lint(rule_, map.place, reading_);
  }
  return std::move(rule_);
}

void CorrelationReader::ReadType(const yaml::Node& map) {
  const yaml::Node* type = map.Find("type");
  if (type == nullptr) {
    return Refuse("the correlation has no 'type'", map.place, "add type: event_count or another");
  }
  const std::string text = ReadText(*type, "'type'", reading_);
  std::vector<std::string_view> names;
  for (const CorrelationType known : kTypes) {
    names.push_back(ToString(known));
    if (text != names.back()) continue;
    rule_.type = known;
    return;
  }
  Refuse(fmt::format("unknown correlation type '{}'", text), type->place,
         DidYouMeanOrOneOf(text, names));
}

const Metadata& CorrelationReader::MetaOf(const RuleRef& rule) const {
  return rule.correlation ? rules_.correlations[rule.index].meta
                          : rules_.detections[rule.index].meta;
}

std::uint32_t CorrelationReader::InputOf(const yaml::Node& reference) {
  const std::string text = ReadText(reference, "a reference to a rule", reading_);
  if (!reading_.ok()) return 0;
  const std::optional<RuleRef> rule = find_(reference, reading_);
  if (!rule) return 0;
  for (std::uint32_t i = 0; i < rule_.inputs.size(); ++i) {
    if (rule_.inputs[i].rule == *rule) return i;
  }
  Input input;
  input.reference = text;
  input.rule = *rule;
  rule_.inputs.push_back(std::move(input));
  asked_.emplace_back();
  return static_cast<std::uint32_t>(rule_.inputs.size() - 1);
}

std::vector<std::uint32_t> CorrelationReader::InputsOf(const yaml::Node& references,
                                                       std::string_view what) {
  std::vector<std::uint32_t> inputs;
  static_cast<void>(ReadTexts(references, what, reading_));
  if (!reading_.ok()) return inputs;
  if (references.IsScalar()) inputs.push_back(InputOf(references));
  for (const yaml::Node& item : references.items) {
    const std::uint32_t input = InputOf(item);
    if (std::find(inputs.begin(), inputs.end(), input) == inputs.end()) inputs.push_back(input);
  }
  if (inputs.empty()) {
    Refuse(fmt::format("{} is empty", what), references.place, "name a rule, or leave it out");
  }
  return inputs;
}

void CorrelationReader::AddStep(Step step) {
  for (const Step& other : rule_.steps) {
    if (other.name != step.name) continue;
    return Refuse(fmt::format("two steps are called '{}'", step.name), step.place,
                  "give one of them another name with 'as'");
  }
  rule_.steps.push_back(std::move(step));
}

std::uint32_t CorrelationReader::StepNamed(const std::string& name, const Place& place) {
  std::vector<std::string_view> known;
  for (std::uint32_t i = 0; i < rule_.steps.size(); ++i) {
    if (rule_.steps[i].name == name) return i;
    known.emplace_back(rule_.steps[i].name);
  }
  Refuse(fmt::format("unknown step '{}'", name), place, DidYouMeanOrOneOf(name, known));
  return 0;
}

void CorrelationReader::Ask(std::uint32_t input, const std::string& field) {
  if (input < asked_.size()) asked_[input].insert(field);
}

void CorrelationReader::Ask(const std::vector<ExprName>& names) {
  for (const ExprName& name : names) {
    if (name.kind == ExprName::Kind::kStepField) Ask(rule_.steps[name.index].input, name.field);
    if (name.kind == ExprName::Kind::kEvent) asked_of_event_.insert(name.field);
  }
}

void CorrelationReader::ReadRules(const yaml::Node& map) {
  const yaml::Node* rules = map.Find("rules");
  if (rules == nullptr) {
    return Refuse("the correlation names no 'rules'", map.place,
                  "add rules: with ids or names of rules");
  }
  const std::vector<std::string> references = ReadTexts(*rules, "'rules'", reading_);
  if (references.empty()) Refuse("'rules' is empty", rules->place, "name a rule");
  const std::size_t most = IsTemporal() ? kMaxSteps : kMaxCounted;
  if (references.size() > most) {
    Refuse(fmt::format("more than {} rules", most), rules->place, "write several correlations");
  }
  for (std::size_t i = 0; reading_.ok() && i < references.size(); ++i) {
    const yaml::Node& reference = rules->IsScalar() ? *rules : rules->items[i];
    Step step;
    step.place = reference.place;
    const std::size_t before = rule_.inputs.size();
    step.input = InputOf(reference);
    if (!reading_.ok()) return;
    if (rule_.inputs.size() == before) {
      return Refuse(fmt::format("'{}' stands twice in 'rules'", references[i]), reference.place,
                    "remove one of them");
    }
    const std::string& name = MetaOf(rule_.inputs[step.input].rule).name;
    step.name = name.empty() ? references[i] : name;
    AddStep(std::move(step));
  }
}

void CorrelationReader::ReadGroupBy(const yaml::Node& map) {
  const yaml::Node* group_by = map.Find("group-by");
  if (group_by == nullptr) return;
  rule_.group_by = ReadTexts(*group_by, "'group-by'", reading_);
  if (rule_.group_by.empty()) Refuse("'group-by' is empty", group_by->place, "remove it");
  for (std::size_t i = 0; reading_.ok() && i < rule_.group_by.size(); ++i) {
    const std::string& field = rule_.group_by[i];
    const Place& place = group_by->IsSequence() ? group_by->items[i].place : group_by->place;
    if (field.find_first_of("|{}\n") != field.npos || field.front() == ' ' || field.back() == ' ') {
      Refuse(fmt::format("'{}' in 'group-by' is no field name", field), place,
             "write the name of a field alone");
    }
    const auto end = rule_.group_by.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(rule_.group_by.begin(), end, field) != end) {
      Refuse(fmt::format("'{}' stands twice in 'group-by'", field), place, "remove one of them");
    }
  }
}

void CorrelationReader::ReadAliases(const yaml::Node& map) {
  const yaml::Node* aliases = map.Find("aliases");
  if (aliases == nullptr || !ExpectMap(*aliases, "'aliases'", reading_)) return;
  for (const yaml::Pair& pair : aliases->pairs) {
    const std::string& name = pair.key.scalar;
    if (!ExpectMap(pair.value, fmt::format("the alias '{}'", name), reading_)) return;
    for (const yaml::Pair& one : pair.value.pairs) {
      const std::size_t before = rule_.inputs.size();
      const std::uint32_t input = InputOf(one.key);
      std::string field = ReadText(one.value, "the field of an alias", reading_);
      if (!reading_.ok()) return;
      if (rule_.inputs.size() > before) {
        std::vector<std::string_view> known;
        for (std::size_t i = 0; i < before; ++i) known.emplace_back(rule_.inputs[i].reference);
        return Refuse(fmt::format("the alias '{}' names '{}', which is not among the rules", name,
                                  one.key.scalar),
                      one.key.place, DidYouMeanOrOneOf(one.key.scalar, known));
      }
      aliases_.push_back({name, rule_.inputs[input].rule, std::move(field), one.key.place});
    }
    if (std::find(rule_.group_by.begin(), rule_.group_by.end(), name) == rule_.group_by.end()) {
      reading_.Note("alias-unused", fmt::format("no 'group-by' names the alias '{}'", name),
                    pair.key.place, "add it to group-by, or remove it");
    }
  }
}

void CorrelationReader::ReadTimespan(const yaml::Node& map) {
  const yaml::Node* timespan = map.Find("timespan");
  if (timespan == nullptr) {
    return Refuse("the correlation has no 'timespan'", map.place, "add one, for example 10m");
  }
  const auto span = ParseTimespan(ReadText(*timespan, "'timespan'", reading_));
  if (!span) {
    return Refuse(fmt::format("'{}' is no timespan", timespan->scalar), timespan->place,
                  "write a number and one of s, m, h, d, w, M, y, for example 10m");
  }
  rule_.timespan = *span;
}

void CorrelationReader::ReadGenerate(const yaml::Node& map) {
  const yaml::Node* generate = map.Find("generate");
  if (generate == nullptr) return;
  const auto value = yaml::AsBool(*generate);
  if (!value) return Refuse("'generate' must be true or false", generate->place, "write one");
  rule_.generate = *value;
}

void CorrelationReader::ReadComparison(const yaml::Pair& pair) {
  const std::string& key = pair.key.scalar;
  const auto comparison = std::find_if(kComparisons.begin(), kComparisons.end(),
                                       [&key](const auto& known) { return known.first == key; });
  if (comparison == kComparisons.end()) return;
  const bool whole = IsWhole(rule_.type);
  Threshold threshold;
  threshold.op = comparison->second;
  if (const auto number = yaml::AsInteger(pair.value)) {
    threshold.number = *number;
  } else if (const auto decimal = yaml::AsDouble(pair.value); decimal && !whole) {
    threshold.number = *decimal;
  } else {
    return Refuse(fmt::format("'{}' must be a {}number", key, whole ? "whole " : ""),
                  pair.value.place, fmt::format("write a {}number", whole ? "whole " : ""));
  }
  const bool gt = threshold.op == Threshold::Op::kGt;
  const auto* number = std::get_if<std::int64_t>(&threshold.number);
  if (whole && (gt || threshold.op == Threshold::Op::kGte) && *number < (gt ? 0 : 1)) {
    return Refuse(fmt::format("'{}: {}' always holds", key, *number), pair.value.place,
                  "use gte: 1 or more");
  }
  rule_.thresholds.push_back(std::move(threshold));
}

void CorrelationReader::ReadValue(const yaml::Node& map, const yaml::Node& condition) {
  const bool valued = !IsTemporal() && rule_.type != CorrelationType::kEventCount;
  const yaml::Node* field = condition.IsMapping() ? condition.FindKey("field") : nullptr;
  if (!valued) {
    if (field != nullptr) {
      Refuse(fmt::format("'field' does not go with {}", ToString(rule_.type)), field->place,
             "remove it, or count values with value_count");
    }
  } else if (field == nullptr) {
    Refuse(fmt::format("{} needs a 'field' in its condition", ToString(rule_.type)), map.place,
           "add field: with the name of the field to look at");
  } else {
    const yaml::Node& names = *condition.Find("field");
    rule_.value_fields = ReadTexts(names, "'field'", reading_);
    if (rule_.value_fields.empty()) Refuse("'field' is empty", names.place, "name a field");
    if (rule_.value_fields.size() > 1 && rule_.type != CorrelationType::kValueCount) {
      Refuse(fmt::format("{} looks at one field", ToString(rule_.type)), names.place,
             "name one field");
    }
    for (const Step& step : rule_.steps) {
      for (const std::string& name : rule_.value_fields) Ask(step.input, name);
    }
  }
  const bool percentile = rule_.type == CorrelationType::kValuePercentile;
  const yaml::Node* which = condition.IsMapping() ? condition.FindKey("percentile") : nullptr;
  if (!percentile && which != nullptr) {
    Refuse(fmt::format("'percentile' does not go with {}", ToString(rule_.type)), which->place,
           "remove it");
  }
  if (percentile && which == nullptr) {
    Refuse("value_percentile needs a 'percentile' in its condition", map.place,
           "add percentile: 95, or another number from 0 to 100");
  }
  if (!percentile || which == nullptr) return;
  const auto number = yaml::AsDouble(*condition.Find("percentile"));
  if (!number || !(*number >= 0 && *number <= 100)) {
    return Refuse("'percentile' must be a number from 0 to 100",
                  condition.Find("percentile")->place, "write one, for example 95");
  }
  rule_.percentile = *number;
}

// Whether several comparisons, or one of a few rules, can be true at all.
void CorrelationReader::CheckComparisons(const Place& place) {
  if (!IsTemporal()) {
    const auto numbers = Candidates(rule_.thresholds, IsWhole(rule_.type));
    const auto holds = [this](const ExprValue& n) { return AllHold(rule_.thresholds, n); };
    if (std::any_of(numbers.begin(), numbers.end(), holds)) return;
    return Refuse("the comparisons of 'condition' can never hold", place,
                  "write a range that some number lies in; a window without events is not judged");
  }
  const auto steps = static_cast<std::int64_t>(rule_.steps.size());
  for (const Threshold& threshold : rule_.thresholds) {
    const std::int64_t number = std::get<std::int64_t>(threshold.number);
    const bool gt = threshold.op == Threshold::Op::kGt && number >= steps;
    const bool above =
        (threshold.op == Threshold::Op::kGte || threshold.op == Threshold::Op::kEq) &&
        number > steps;
    if (!gt && !above) continue;
    return Refuse(fmt::format("{} different rules can never be seen: there are {}",
                              gt ? number + 1 : number, steps),
                  place, "write a smaller number");
  }
  for (std::int64_t seen = 1; seen <= steps; ++seen) {
    if (!AllHold(rule_.thresholds, seen)) continue;
    if (IsSequence() && seen < steps) {
      return Refuse("temporal_ordered needs all of its rules", place, "leave the condition out");
    }
    return;
  }
  Refuse("the comparisons of 'condition' can never hold", place,
         fmt::format("write a range that some number from 1 to {} lies in", steps));
}

void CorrelationReader::CheckSlidingComparisons(const yaml::Node& condition) {
  if (rule_.window != WindowKind::kSliding) return;
  for (const yaml::Pair& pair : condition.pairs) {
    const std::string& key = pair.key.scalar;
    const auto number = yaml::AsDouble(pair.value);
    const bool closing =
        key == "lt" || key == "lte" || key == "neq" || (key == "eq" && number && *number == 0);
    if (!closing) continue;
    return Refuse(
        fmt::format("'{}: {}' is only known when a window closes", key, pair.value.scalar),
        pair.key.place, "use gte or gt, or add faultline: {window: tumbling}");
  }
}

// A number of different rules as a condition over steps.
void CorrelationReader::TurnIntoSteps() {
  ConditionBuilder builder(rule_.condition);
  const auto steps = static_cast<std::int64_t>(rule_.steps.size());
  std::vector<std::uint32_t> parts;
  for (const Threshold& threshold : rule_.thresholds) {
    const std::int64_t number = std::get<std::int64_t>(threshold.number);
    switch (threshold.op) {
      case Threshold::Op::kGte: parts.push_back(builder.AtLeast(number)); break;
      case Threshold::Op::kGt: parts.push_back(builder.AtLeast(number + 1)); break;
      case Threshold::Op::kLt:
        if (number <= steps) parts.push_back(builder.Not(builder.AtLeast(number)));
        break;
      case Threshold::Op::kLte:
        if (number < steps) parts.push_back(builder.Not(builder.AtLeast(number + 1)));
        break;
      case Threshold::Op::kEq: parts.push_back(builder.Exactly(number, steps)); break;
      case Threshold::Op::kNeq:
        if (number >= 1 && number <= steps) {
          parts.push_back(builder.Not(builder.Exactly(number, steps)));
        }
        break;
    }
  }
  if (parts.empty()) parts.push_back(builder.AtLeast(1));
  if (parts.size() > 1) builder.Add(ConditionBuilder::Kind::kAnd, 0, std::move(parts));
}

void CorrelationReader::ReadTextCondition(const yaml::Node& condition) {
  if (rule_.type != CorrelationType::kTemporal) {
    return Refuse(fmt::format("a text as condition does not go with {}", ToString(rule_.type)),
                  condition.place, "write a map: condition: {gte: 2}; or use type: temporal");
  }
  std::vector<std::string> names;
  std::vector<std::uint32_t> steps;  // that the names are of
  for (std::uint32_t i = 0; i < rule_.steps.size(); ++i) {
    names.push_back(rule_.steps[i].name);
    steps.push_back(i);
    const std::string& reference = rule_.inputs[rule_.steps[i].input].reference;
    if (reference == names.back()) continue;
    names.push_back(reference);
    steps.push_back(i);
  }
  auto parsed = ParseCondition(ReadText(condition, "'condition'", reading_), names,
                               TextPlace(condition), "rule");
  if (!parsed) {
    const Error& error = parsed.error();
    return Refuse("condition: " + error.message,
                  condition.multi_line ? condition.place : error.place, error.remedy);
  }
  for (const Condition::Node& node : parsed->nodes) {
    if (node.op != Condition::Op::kAtLeast) continue;
    return Refuse("condition: a number of rules goes into a map", condition.place,
                  "write condition: {gte: 2}");
  }
  rule_.condition = OverSteps(*parsed, steps);
  CheckTextCondition(condition.place);
}

void CorrelationReader::CheckTextCondition(const Place& place) {
  if (!HasPositive(rule_.condition)) {
    return Refuse("the condition holds without any of its rules", place,
                  "name a rule without 'not'");
  }
  if (HasNot(rule_.condition) && rule_.window == WindowKind::kSliding) {
    return Refuse("'not' is only known when a window closes", place,
                  "add faultline: {window: tumbling}, or write steps with 'absent'");
  }
  if (rule_.steps.size() > kMaxChecked) return;
  for (std::uint32_t seen = 1; seen < 1U << rule_.steps.size(); ++seen) {
    if (Holds(rule_.condition, seen)) return;
  }
  Refuse("the condition can never hold", place, "remove what contradicts the rest");
}

void CorrelationReader::ReadCondition(const yaml::Node& map) {
  const yaml::Node* condition = map.Find("condition");
  if (condition == nullptr) {
    if (!IsTemporal()) {
      return Refuse(fmt::format("{} needs a 'condition'", ToString(rule_.type)), map.place,
                    rule_.type == CorrelationType::kEventCount
                        ? "condition: {gte: 2}"
                        : "condition: {field: name, gte: 2}");
    }
    if (rule_.type == CorrelationType::kTemporal && rule_.condition.nodes.empty()) {
      ConditionBuilder(rule_.condition).AtLeast(static_cast<std::int64_t>(rule_.steps.size()));
    }
    return;
  }
  if (some_chosen_) {
    return Refuse("'condition' and 'some' both say which steps are needed", condition->place,
                  "remove one of them");
  }
  if (condition->IsScalar()) return ReadTextCondition(*condition);
  if (!ExpectMap(*condition, "'condition'", reading_)) return;
  ExpectKeys(*condition, "'condition'",
             {"gt", "gte", "lt", "lte", "eq", "neq", "field", "percentile"}, {}, reading_);
  for (const yaml::Pair& pair : condition->pairs) ReadComparison(pair);
  ReadValue(map, *condition);
  if (reading_.ok() && rule_.thresholds.empty()) {
    Refuse("'condition' compares nothing", condition->place, "add gte: and a number");
  }
  CheckSlidingComparisons(*condition);
  if (reading_.ok()) CheckComparisons(condition->place);
  if (reading_.ok() && rule_.type == CorrelationType::kTemporal) TurnIntoSteps();
}

// Group fields, and what is asked of each input.
void CorrelationReader::FinishInputs(const yaml::Node& map) {
  for (const std::uint32_t input : DecidingInputs(rule_)) {
    asked_[input].insert(asked_of_event_.begin(), asked_of_event_.end());
  }
  std::vector<std::string> all;
  for (std::uint32_t i = 0; i < rule_.inputs.size(); ++i) {
    Input& input = rule_.inputs[i];
    for (const std::string& name : rule_.group_by) {
      const auto alias = std::find_if(aliases_.begin(), aliases_.end(), [&](const Alias& one) {
        return one.name == name && one.rule == input.rule;
      });
      input.group_fields.push_back(alias == aliases_.end() ? name : alias->field);
      Ask(i, input.group_fields.back());
    }
    input.fields.assign(asked_[i].begin(), asked_[i].end());
    all.insert(all.end(), input.fields.begin(), input.fields.end());
  }
  ChargeFields(all, map.place, reading_);
}

}  // namespace faultline::sigma
