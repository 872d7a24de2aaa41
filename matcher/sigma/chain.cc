// SPDX-License-Identifier: Apache-2.0
// What happens over time: the part of `faultline:` that says which events in which order.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/correlation_reader.h"
#include "matcher/sigma/scalars.h"

namespace faultline::sigma {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kMaxSteps = 32;
constexpr std::size_t kMaxAbsences = 16;
constexpr std::int64_t kMaxTimes = 1024;

// The sum, or the longest span there is.
nanoseconds Plus(nanoseconds left, nanoseconds right) {
  return left > nanoseconds::max() - right ? nanoseconds::max() : left + right;
}

// The names in "a or b or c".
std::vector<std::string> SplitAtOr(std::string_view text) {
  std::vector<std::string> names(1);
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n')) ++at;
    const std::size_t end = std::min(text.find_first_of(" \t\n", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    if (word == "or") {
      names.emplace_back();
    } else if (!word.empty()) {
      if (!names.back().empty()) names.back() += ' ';
      names.back() += word;
    }
    at = end;
  }
  return names;
}

}  // namespace

nanoseconds CorrelationReader::ReadSpan(const yaml::Node& node, std::string_view what) {
  const std::string text = ReadText(node, what, reading_);
  if (!reading_.ok()) return {};
  if (text.starts_with("settings.")) {
    auto setting = FindSetting(std::string_view(text).substr(9), reading_.pack());
    if (!setting) {
      Refuse(fmt::format("{}: {}", what, setting.error().message), node.place,
             setting.error().remedy);
      return {};
    }
    const auto* span = std::get_if<nanoseconds>(&*setting);
    if (span == nullptr || *span <= nanoseconds(0)) {
      Refuse(fmt::format("{}: '{}' is no duration above 0", what, text), node.place,
             "give the setting a duration, for example 10m");
      return {};
    }
    return *span;
  }
  const auto span = ParseTimespan(text);
  if (!span) {
    Refuse(fmt::format("{}: '{}' is no timespan", what, text), node.place,
           "write a number and one of s, m, h, d, w, M, y, for example 10m");
  }
  return span.value_or(nanoseconds(0));
}

std::int64_t CorrelationReader::ReadWhole(const yaml::Node& node, std::string_view what,
                                          std::int64_t least, std::int64_t most) {
  const std::string text = ReadText(node, what, reading_);
  if (!reading_.ok()) return least;
  auto number = yaml::AsInteger(node);
  if (text.starts_with("settings.")) {
    auto setting = FindSetting(std::string_view(text).substr(9), reading_.pack());
    if (!setting) {
      Refuse(fmt::format("{}: {}", what, setting.error().message), node.place,
             setting.error().remedy);
      return least;
    }
    if (const auto* whole = std::get_if<std::int64_t>(&*setting)) number = *whole;
  }
  if (!number || *number < least || *number > most) {
    Refuse(fmt::format("{} must be a whole number from {} to {}", what, least, most), node.place,
           fmt::format("write one, for example {}", std::max<std::int64_t>(least, 2)));
    return least;
  }
  return *number;
}

void CorrelationReader::CheckKeys(const yaml::Node& map) {
  if (const yaml::Node* key = map.FindKey("capture")) {
    Refuse("'capture' belongs to a detection", key->place, "move it to the rule that matches");
  }
  if (const yaml::Node* key = map.FindKey("lookup")) {
    Refuse("'lookup' belongs to a detection", key->place, "move it to the rule that matches");
  }
  ExpectKeys(map, "'faultline'",
             {"steps",    "some",         "require",  "absent",   "registers", "where",   "until",
              "resolve",  "choose",       "variants", "suppress", "overlap",   "explain", "fields",
              "timespan", "update_every", "window",   "gap",      "refire",    "ties"},
             {}, reading_);
  const auto only = [&](std::string_view key, bool here, std::string_view wanted) {
    const yaml::Node* found = map.FindKey(key);
    if (found == nullptr || here) return;
    Refuse(fmt::format("'{}' does not go with {}", key, ToString(rule_.type)), found->place,
           fmt::format("remove it, or use type: {}", wanted));
  };
  for (const std::string_view key : {"steps", "absent", "until", "overlap"}) {
    only(key, IsTemporal(), "temporal or temporal_ordered");
  }
  for (const std::string_view key : {"some", "require"}) {
    only(key, rule_.type == CorrelationType::kTemporal, "temporal");
  }
  only("ties", IsSequence(), "temporal_ordered");
}

void CorrelationReader::ReadSteps(const yaml::Node& list, const yaml::Node& correlation) {
  if (!IsTemporal()) {
    return Refuse(fmt::format("'steps' does not go with {}", ToString(rule_.type)), list.place,
                  "use type: temporal or temporal_ordered");
  }
  if (!list.IsSequence() || list.items.empty()) {
    return Refuse("'steps' must be a list of steps", list.place, "write - on: rule below it");
  }
  if (list.items.size() > kMaxSteps) {
    return Refuse(fmt::format("more than {} steps", kMaxSteps), list.place,
                  "write several correlations and one that refers to them");
  }
  for (const yaml::Node& item : list.items) {
    if (!reading_.ok()) return;
    AddStep(ReadStep(item));
  }
  // Other tools read `rules`: it may stand beside the steps when it says the same.
  const yaml::Node* rules = correlation.Find("rules");
  if (rules == nullptr || !reading_.ok()) return;
  const std::size_t before = rule_.inputs.size();
  const std::vector<std::uint32_t> named = InputsOf(*rules, "'rules'");
  if (!reading_.ok()) return;
  if (rule_.inputs.size() > before) {
    return Refuse(
        fmt::format("'rules' names '{}', but no step does", rule_.inputs[before].reference),
        rules->place, "remove 'rules', or name the rules of the steps");
  }
  for (std::uint32_t input = 0; input < before; ++input) {
    if (std::find(named.begin(), named.end(), input) != named.end()) continue;
    return Refuse(
        fmt::format("'rules' does not name '{}', but a step does", rule_.inputs[input].reference),
        rules->place, "remove 'rules', or name the rules of the steps");
  }
}

Step CorrelationReader::ReadStep(const yaml::Node& node) {
  Step step;
  step.place = node.place;
  if (!ExpectMap(node, "a step", reading_)) return step;
  ExpectKeys(node, "a step", {"on", "as", "times", "within", "bind"}, {}, reading_);
  const yaml::Node* on = node.Find("on");
  if (on == nullptr) {
    Refuse("a step has no 'on'", node.place, "add on: with the id or name of a rule");
    return step;
  }
  step.input = InputOf(*on);
  if (!reading_.ok()) return step;
  const std::string& name = MetaOf(rule_.inputs[step.input].rule).name;
  step.name = name.empty() ? on->scalar : name;
  if (const yaml::Node* as = node.Find("as")) {
    step.name = ReadText(*as, "'as'", reading_);
    if (step.name == "reg" || step.name == "prev" || step.name == "settings") {
      Refuse(fmt::format("'{}' means something else in expressions", step.name), as->place,
             "use another name");
    }
  }
  if (const yaml::Node* times = node.Find("times")) ReadTimes(*times, step);
  const bool first = rule_.steps.empty();
  for (const std::string_view key : {"within", "bind"}) {
    const yaml::Node* there = node.FindKey(key);
    if (there == nullptr) continue;
    if (!IsSequence()) {
      Refuse(fmt::format("'{}' does not go with temporal, whose steps have no order", key),
             there->place, "use type: temporal_ordered");
    } else if (first) {
      Refuse(fmt::format("'{}' of the first step: there is none before it", key), there->place,
             "remove it");
    }
  }
  if (const yaml::Node* within = node.Find("within")) step.within = ReadSpan(*within, "'within'");
  if (const yaml::Node* bind = node.Find("bind")) {
    ReadBindings(*bind, rule_.steps.size(), step.input, step.bind);
  }
  return step;
}

void CorrelationReader::ReadTimes(const yaml::Node& map, Step& step) {
  if (!ExpectMap(map, "'times'", reading_)) return;
  ExpectKeys(map, "'times'", {"gte", "within", "distinct"}, {}, reading_);
  const yaml::Node* gte = map.Find("gte");
  if (gte == nullptr) return Refuse("'times' has no 'gte'", map.place, "add gte: 2 or more");
  step.times = static_cast<std::uint32_t>(ReadWhole(*gte, "'gte'", 1, kMaxTimes));
  if (const yaml::Node* within = map.Find("within")) {
    step.times_within = ReadSpan(*within, "'within'");
  }
  if (const yaml::Node* distinct = map.Find("distinct")) {
    step.distinct = ReadText(*distinct, "'distinct'", reading_);
    Ask(step.input, step.distinct);
  }
}

// `{field: step.field}`, over the first `steps` steps.
void CorrelationReader::ReadBindings(const yaml::Node& map, std::size_t steps, std::uint32_t input,
                                     std::vector<Binding>& bindings) {
  if (!ExpectMap(map, "'bind'", reading_)) return;
  for (const yaml::Pair& pair : map.pairs) {
    const std::string text = ReadText(pair.value, "the other side of 'bind'", reading_);
    if (!reading_.ok()) return;
    Binding binding;
    binding.field = pair.key.scalar;
    std::size_t longest = 0;  // names may hold dots
    std::vector<std::string_view> known;
    for (std::uint32_t i = 0; i < steps; ++i) {
      const std::string& name = rule_.steps[i].name;
      known.emplace_back(name);
      if (name.size() < longest || !text.starts_with(name + ".")) continue;
      longest = name.size();
      binding.step = i;
    }
    if (longest == 0 || text.size() == longest + 1) {
      const std::string first = text.substr(0, text.find('.'));
      return Refuse(fmt::format("'bind': '{}' is no field of an earlier step", text),
                    pair.value.place,
                    known.empty() ? "write it at a later step"
                    : std::find(known.begin(), known.end(), first) == known.end()
                        ? DidYouMeanOrOneOf(first, known)
                        : fmt::format("write {}.field", first));
    }
    binding.step_field = text.substr(longest + 1);
    Ask(input, binding.field);
    Ask(rule_.steps[binding.step].input, binding.step_field);
    bindings.push_back(std::move(binding));
  }
}

std::uint32_t CorrelationReader::ReadRequired(const yaml::Node& line) {
  StepCondition::Node any;
  any.kind = StepCondition::Node::Kind::kOr;
  for (const std::string& name : SplitAtOr(ReadText(line, "a line of 'require'", reading_))) {
    StepCondition::Node node;
    node.number = StepNamed(name, line.place);
    any.children.push_back(static_cast<std::uint32_t>(rule_.condition.nodes.size()));
    rule_.condition.nodes.push_back(std::move(node));
  }
  if (any.children.size() > 1) rule_.condition.nodes.push_back(std::move(any));
  return static_cast<std::uint32_t>(rule_.condition.nodes.size() - 1);
}

// `some` and `require`.
void CorrelationReader::ReadChosenSteps(const yaml::Node& map) {
  const yaml::Node* some = map.Find("some");
  const yaml::Node* require = map.Find("require");
  if (some == nullptr) {
    if (require == nullptr) return;
    return Refuse("'require' changes nothing without 'some': all steps are needed", require->place,
                  "add some: with the number of steps that are enough");
  }
  some_chosen_ = true;
  const auto steps = static_cast<std::int64_t>(rule_.steps.size());
  const std::int64_t least =
      ReadWhole(*some, "'some'", 1, std::numeric_limits<std::uint32_t>::max());
  if (least > steps) {
    return Refuse(fmt::format("'some: {}' can never hold: there are {} steps", least, steps),
                  some->place, fmt::format("write {} or less", steps));
  }
  StepCondition::Node count;
  count.kind = StepCondition::Node::Kind::kAtLeast;
  count.number = static_cast<std::uint32_t>(least);
  rule_.condition.nodes.push_back(std::move(count));
  StepCondition::Node all;
  all.kind = StepCondition::Node::Kind::kAnd;
  all.children.push_back(0);
  if (require != nullptr) {
    static_cast<void>(ReadTexts(*require, "'require'", reading_));
    if (!reading_.ok()) return;
    if (require->IsScalar()) all.children.push_back(ReadRequired(*require));
    for (const yaml::Node& line : require->items) all.children.push_back(ReadRequired(line));
  }
  if (all.children.size() > 1) rule_.condition.nodes.push_back(std::move(all));
}

void CorrelationReader::ReadWindow(const yaml::Node& map) {
  if (const yaml::Node* timespan = map.Find("timespan")) {
    rule_.timespan = ReadSpan(*timespan, "'timespan'");
  }
  const yaml::Node* window = map.Find("window");
  if (window != nullptr) {
    const std::string text = ReadText(*window, "'window'", reading_);
    if (text == "tumbling") {
      rule_.window = WindowKind::kTumbling;
    } else if (text == "session") {
      rule_.window = WindowKind::kSession;
    } else if (text != "sliding") {
      Refuse(fmt::format("unknown window '{}'", text), window->place,
             DidYouMeanOrOneOf(text, {"sliding", "tumbling", "session"}));
    }
  }
  if (rule_.window != WindowKind::kSliding) {
    if (IsSequence()) {
      Refuse("temporal_ordered has a sliding window", window->place, "remove 'window'");
    }
    for (const std::string_view key : {"steps", "absent", "until", "overlap"}) {
      const yaml::Node* there = map.FindKey(key);
      if (there == nullptr) continue;
      Refuse(fmt::format("'{}' goes with a sliding window alone", key), there->place,
             "remove it, or remove 'window'");
    }
  }
  const yaml::Node* gap = map.Find("gap");
  const bool session = rule_.window == WindowKind::kSession;
  if (session && gap == nullptr) {
    Refuse("a session needs a 'gap'", window->place, "add gap: with the pause that ends it");
  }
  if (!session && gap != nullptr) {
    Refuse("'gap' goes with window: session", map.FindKey("gap")->place, "remove it");
  }
  if (session && gap != nullptr) rule_.gap = ReadSpan(*gap, "'gap'");
}

void CorrelationReader::ReadRefire(const yaml::Node& map) {
  const yaml::Node* refire = map.Find("refire");
  if (refire == nullptr) return;
  const std::string text = ReadText(*refire, "'refire'", reading_);
  if (text == "every") {
    rule_.refire = RefireKind::kEvery;
  } else if (text == "window") {
    rule_.refire = RefireKind::kWindow;
    if (rule_.window != WindowKind::kSliding) return;
    Refuse("'refire: window' goes with tumbling and session windows", refire->place,
           "use every, or a duration");
  } else {
    rule_.refire = RefireKind::kAfter;
    rule_.refire_after = ReadSpan(*refire, "'refire'");
  }
}

void CorrelationReader::ReadPolicies(const yaml::Node& map) {
  if (const yaml::Node* ties = map.Find("ties")) {
    const std::string text = ReadText(*ties, "'ties'", reading_);
    rule_.ties_any = text == "any";
    if (text != "any" && text != "strict") {
      Refuse(fmt::format("unknown 'ties: {}'", text), ties->place,
             DidYouMeanOrOneOf(text, {"strict", "any"}));
    }
  }
  if (const yaml::Node* overlap = map.Find("overlap")) {
    const std::string text = ReadText(*overlap, "'overlap'", reading_);
    if (text == "first" || text == "all") {
      rule_.overlap = text == "first" ? OverlapKind::kFirst : OverlapKind::kAll;
      if (!IsSequence()) {
        Refuse(fmt::format("'overlap: {}' goes with temporal_ordered", text), overlap->place,
               "use latest or consume");
      }
    } else if (text == "consume") {
      rule_.overlap = OverlapKind::kConsume;
    } else if (text != "latest") {
      Refuse(fmt::format("unknown 'overlap: {}'", text), overlap->place,
             DidYouMeanOrOneOf(text, {"latest", "first", "all", "consume"}));
    }
  }
  if (const yaml::Node* until = map.Find("until")) rule_.until = InputsOf(*until, "'until'");
}

void CorrelationReader::ReadAbsences(const yaml::Node& list) {
  if (list.IsMapping()) {  // a single one
    rule_.absences.push_back(ReadAbsence(list));
    return;
  }
  if (!list.IsSequence() || list.items.empty()) {
    return Refuse("'absent' must be a list", list.place,
                  "write - {on: rule, after: step, within: 10m} below it");
  }
  if (list.items.size() > kMaxAbsences) {
    return Refuse(fmt::format("more than {} absences", kMaxAbsences), list.place,
                  "write several correlations");
  }
  for (const yaml::Node& item : list.items) {
    if (!reading_.ok()) return;
    rule_.absences.push_back(ReadAbsence(item));
  }
}

Absence CorrelationReader::ReadAbsence(const yaml::Node& map) {
  Absence absence;
  if (!ExpectMap(map, "an absence", reading_)) return absence;
  ExpectKeys(map, "'absent'", {"on", "after", "before", "between", "within", "bind"}, {}, reading_);
  const yaml::Node* on = map.Find("on");
  if (on == nullptr) {
    Refuse("'absent' has no 'on'", map.place, "add on: with the id or name of a rule");
    return absence;
  }
  absence.input = InputOf(*on);
  const yaml::Node* after = map.Find("after");
  const yaml::Node* before = map.Find("before");
  const yaml::Node* between = map.Find("between");
  if ((after != nullptr) + (before != nullptr) + (between != nullptr) != 1) {
    Refuse("'absent' needs one of 'after', 'before' and 'between'", map.place,
           "write after: step, before: step or between: [step, step]");
  }
  if (!reading_.ok()) return absence;
  if (between != nullptr) {
    ReadBetween(*between, map, absence);
  } else {
    const yaml::Node& step = after != nullptr ? *after : *before;
    absence.kind = after != nullptr ? Absence::Kind::kAfter : Absence::Kind::kBefore;
    absence.step = StepNamed(ReadText(step, "the step of 'absent'", reading_), step.place);
    const yaml::Node* within = map.Find("within");
    if (within == nullptr) {
      Refuse("'absent' has no 'within'", map.place, "add within: with the time to look at");
      return absence;
    }
    absence.within = ReadSpan(*within, "'within'");
  }
  if (const yaml::Node* bind = map.Find("bind")) {
    ReadBindings(*bind, rule_.steps.size(), absence.input, absence.bind);
  }
  if (reading_.ok()) CheckReachable(absence, map.place);
  return absence;
}

void CorrelationReader::ReadBetween(const yaml::Node& pair, const yaml::Node& map,
                                    Absence& absence) {
  absence.kind = Absence::Kind::kBetween;
  if (!IsSequence()) {
    return Refuse("'between' does not go with temporal, whose steps have no order", pair.place,
                  "use type: temporal_ordered, or after: and within:");
  }
  if (const yaml::Node* within = map.FindKey("within")) {
    return Refuse("'within' does not go with 'between'", within->place, "remove it");
  }
  const std::vector<std::string> names = ReadTexts(pair, "'between'", reading_);
  if (!reading_.ok()) return;
  if (names.size() != 2) {
    return Refuse("'between' needs two steps", pair.place, "write between: [first, second]");
  }
  absence.step = StepNamed(names[0], pair.items[0].place);
  absence.until = StepNamed(names[1], pair.items[1].place);
  if (!reading_.ok() || absence.step < absence.until) return;
  Refuse(fmt::format("'between': '{}' does not come behind '{}'", names[1], names[0]), pair.place,
         "name the earlier step first");
}

// Refuses an absence that forbids what a sequence asks for.
void CorrelationReader::CheckReachable(const Absence& absence, const Place& place) {
  if (!IsSequence() || !absence.bind.empty()) return;
  const auto& steps = rule_.steps;
  const auto refuse = [&](const Step& step) {
    Refuse(fmt::format("the chain can never hold: this forbids the events of step '{}'", step.name),
           place, "name another rule, another step or a shorter time");
  };
  if (absence.kind == Absence::Kind::kBetween) {
    for (std::uint32_t i = absence.step + 1; i <= absence.until; ++i) {
      if (steps[i].input == absence.input) return refuse(steps[i]);
    }
    return;
  }
  // Steps so near to the absence's that all of their possible times are forbidden.
  const bool after = absence.kind == Absence::Kind::kAfter;
  const std::uint32_t first = after ? absence.step + 1 : 0;
  const auto last = after ? static_cast<std::uint32_t>(steps.size()) : absence.step;
  for (std::uint32_t i = first; i < last; ++i) {
    if (steps[i].input != absence.input) continue;
    nanoseconds farthest(0);
    const std::uint32_t from = after ? absence.step : i;
    const std::uint32_t to = after ? i : absence.step;
    for (std::uint32_t k = from + 1; k <= to; ++k) {
      farthest = Plus(farthest, steps[k].within.value_or(nanoseconds::max()));
    }
    if (std::min(farthest, rule_.timespan) <= absence.within) return refuse(steps[i]);
  }
}

void CorrelationReader::ReadChain(const yaml::Node& map) {
  CheckKeys(map);
  ReadWindow(map);
  ReadRefire(map);
  if (!reading_.ok()) return;
  ReadChosenSteps(map);
  ReadPolicies(map);
  const yaml::Node* absent = map.Find("absent");
  if (absent != nullptr && reading_.ok()) ReadAbsences(*absent);
  if (reading_.ok()) ReadAlert(map);
}

// How far back an event may lie that still matters.
void CorrelationReader::ReadHorizon() {
  nanoseconds after(0);
  nanoseconds before(0);
  for (const Absence& absence : rule_.absences) {
    nanoseconds& longest = absence.kind == Absence::Kind::kAfter ? after : before;
    longest = std::max(longest, absence.within);
  }
  nanoseconds horizon = Plus(rule_.timespan, Plus(after, before));
  for (const Register& reg : rule_.registers) horizon = std::max(horizon, reg.ttl);
  if (rule_.resolve && rule_.resolve->quiet) horizon = std::max(horizon, *rule_.resolve->quiet);
  nanoseconds below(0);
  for (const Input& input : rule_.inputs) {
    if (input.rule.correlation) {
      below = std::max(below, rules_.correlations[input.rule.index].horizon);
    }
  }
  rule_.horizon = Plus(horizon, below);
}

}  // namespace faultline::sigma
