// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/plan.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "matcher/sigma/wording.h"
#include "matcher/signature/predicate.h"
#include "matcher/signature/regex.h"

namespace faultline {
namespace {

constexpr std::size_t kToldValues = 3;

// What a part of a rule can still be once nothing was found that is looked for.
struct Open {
  bool hold = false;
  bool fail = true;
};

Cost CostOf(const Predicate& predicate) {
  if (predicate.kind == PredicateKind::kRegex) {
    const Result<Regex> regex = Regex::Compile(std::get<sigma::Regex>(predicate.value));
    return regex && regex->linear() ? Cost::kRegex : Cost::kBacktracking;
  }
  if (predicate.lazy()) return Cost::kLazy;
  const bool part = predicate.kind == PredicateKind::kContains ||
                    predicate.kind == PredicateKind::kStartsWith ||
                    predicate.kind == PredicateKind::kEndsWith;
  return part ? Cost::kLiteral : Cost::kHash;
}

Open OpenOf(const Predicate& predicate) {
  if (predicate.kind == PredicateKind::kNull || predicate.lazy()) return {true, true};
  return {};
}

Open All(const std::vector<Open>& parts) {
  Open all{true, false};
  for (const Open& part : parts) {
    all.hold = all.hold && part.hold;
    all.fail = all.fail || part.fail;
  }
  return all;
}

Open Not(const Open& part) { return {part.fail, part.hold}; }

Open AtLeast(std::size_t count, const std::vector<Open>& parts) {
  const auto can = [&parts](bool Open::*what) {
    return static_cast<std::size_t>(
        std::count_if(parts.begin(), parts.end(), [what](const Open& part) { return part.*what; }));
  };
  return {can(&Open::hold) >= count,
          parts.size() - std::min(parts.size(), can(&Open::fail)) < count};
}

Open Any(const std::vector<Open>& parts) { return AtLeast(1, parts); }

std::string Told(const sigma::Item& item) {
  std::string text = item.negated ? "not: " : "";
  text += item.field.empty() ? "any value" : item.field;
  for (std::size_t i = 0; i < std::min(item.choices.size(), kToldValues); ++i) {
    const std::string words = sigma::InWords(item.choices[i].front(), item.cased);
    text += fmt::format("{} {}", i == 0 ? "" : item.all ? " and" : " or", words);
    if (item.choices[i].size() > 1) {
      text += fmt::format(" (and {} spellings)", item.choices[i].size() - 1);
    }
  }
  if (item.choices.size() > kToldValues) {
    text += fmt::format(" and {} more", item.choices.size() - kToldValues);
  }
  return text;
}

class Planner {
 public:
  RulePlan Plan(const sigma::DetectionRule& rule) {
    for (const sigma::LogSourceAlternative& source : rule.sources) {
      for (const sigma::Item& item : source.conditions) OfItem(item, "");
    }
    DropRepeats();  // what several logs ask alike
    std::vector<Open> searches, conditions;
    for (const sigma::Search& search : rule.searches) searches.push_back(OfSearch(search));
    for (const sigma::Condition& condition : rule.conditions) {
      conditions.push_back(OfCondition(condition, searches));
    }
    plan_.always = Any(conditions).hold;
    return std::move(plan_);
  }

 private:
  void DropRepeats() {
    std::vector<PlannedItem> kept;
    for (PlannedItem& planned : plan_.items) {
      const bool told = std::any_of(kept.begin(), kept.end(), [&planned](const PlannedItem& one) {
        return one.item == planned.item;
      });
      if (!told) kept.push_back(std::move(planned));
    }
    plan_.items = std::move(kept);
  }

  Open OfItem(const sigma::Item& item, const std::string& search) {
    PlannedItem planned{search, Told(item), Cost::kHash, item.field.empty(), item.place};
    const FieldId field = item.field.empty() ? kKeywordField : 0;
    std::vector<Open> choices;
    for (const sigma::Choice& choice : item.choices) {
      std::vector<Open> values;
      for (const sigma::Value& value : choice) {
        const Predicate predicate = MakePredicate(field, value, item.cased);
        planned.cost = std::max(planned.cost, CostOf(predicate));
        values.push_back(OpenOf(predicate));
      }
      choices.push_back(Any(values));
    }
    plan_.cost = std::max(plan_.cost, planned.cost);
    plan_.items.push_back(std::move(planned));
    const Open open = item.all ? All(choices) : Any(choices);
    return item.negated ? Not(open) : open;
  }

  Open OfSearch(const sigma::Search& search) {
    std::vector<Open> alternatives;
    for (const auto& items : search.alternatives) {
      std::vector<Open> all;
      for (const sigma::Item& item : items) all.push_back(OfItem(item, search.name));
      alternatives.push_back(All(all));
    }
    return Any(alternatives);
  }

  static Open OfCondition(const sigma::Condition& condition, const std::vector<Open>& searches) {
    using Op = sigma::Condition::Op;
    std::vector<Open> nodes;
    for (const sigma::Condition::Node& node : condition.nodes) {
      std::vector<Open> children;
      for (const std::uint32_t child : node.children) children.push_back(nodes[child]);
      switch (node.op) {
        case Op::kSearch: nodes.push_back(searches[node.search]); break;
        case Op::kNot: nodes.push_back(Not(children.front())); break;
        case Op::kAnd: nodes.push_back(All(children)); break;
        case Op::kOr: nodes.push_back(Any(children)); break;
        case Op::kAtLeast: nodes.push_back(AtLeast(node.at_least, children)); break;
      }
    }
    return nodes.back();
  }

  RulePlan plan_;
};

}  // namespace

std::string_view ToString(Cost cost) noexcept {
  switch (cost) {
    case Cost::kHash: return "hash";
    case Cost::kLiteral: return "literal";
    case Cost::kLazy: return "lazy";
    case Cost::kRegex: return "regex";
    case Cost::kBacktracking: break;
  }
  return "pcre2";
}

RulePlan PlanOf(const sigma::DetectionRule& rule) { return Planner().Plan(rule); }

}  // namespace faultline
