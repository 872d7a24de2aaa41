// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/evaluator.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "tests/reference/field_places.h"
#include "tests/reference/json_tree.h"
#include "tests/reference/value_test.h"

namespace faultline::reference {
namespace {

using sigma::LogSource;
using sigma::Renames;
using Op = sigma::Condition::Op;

// "a|b" with `rest` behind each name that ends in a star, in the star's place.
std::vector<std::string> NamesOf(const std::string& list, const std::string& rest) {
  std::vector<std::string> names;
  std::istringstream parts(list);
  for (std::string name; std::getline(parts, name, '|');) {
    if (name.back() == '*') name.replace(name.size() - 1, 1, rest);
    names.push_back(name);
  }
  return names;
}

// The names of a field in the event, best first.
std::vector<std::string> Renamed(const std::string& field, const Renames& renames) {
  for (const auto& [from, to] : renames) {
    if (from == field) return NamesOf(to, "");
  }
  for (std::size_t length = field.size() + 1; length-- > 0;) {
    for (const auto& [from, to] : renames) {
      if (from == field.substr(0, length) + '*') return NamesOf(to, field.substr(length));
    }
  }
  return {field};
}

// An event with the fields that were asked for so far.
class Fields {
 public:
  explicit Fields(const Json& event) : event_(event) {}

  const FieldValues& Of(const std::string& name) {
    const auto [at, added] = known_.try_emplace(name);
    if (added) at->second = name.empty() ? LeavesOf(event_) : ValuesOf(event_, name);
    return at->second;
  }

 private:
  const Json& event_;
  std::map<std::string, FieldValues> known_;  // "" are the leaves
};

struct ItemTest {
  std::string field;  // empty: keywords
  bool all = false;
  bool negated = false;
  std::vector<std::vector<ValueTest>> choices;

  ItemTest(const sigma::Item& item) : field(item.field), all(item.all), negated(item.negated) {
    for (const sigma::Choice& choice : item.choices) {
      std::vector<ValueTest>& values = choices.emplace_back();
      for (const sigma::Value& value : choice) {
        values.emplace_back(value, item.cased, item.field.empty());
      }
    }
  }

  [[nodiscard]] bool Holds(Fields& fields, const Renames& renames) const {
    FieldValues found;
    for (const std::string& name : Renamed(field, renames)) {
      if (found.empty()) found = fields.Of(name);
    }
    const auto value_holds = [&found](const ValueTest& value) { return value.Holds(found); };
    const auto holds = [&](const std::vector<ValueTest>& values) {
      return std::any_of(values.begin(), values.end(), value_holds);
    };
    const bool held = all ? std::all_of(choices.begin(), choices.end(), holds)
                          : std::any_of(choices.begin(), choices.end(), holds);
    return held != negated;
  }
};

using Items = std::vector<ItemTest>;  // ANDed

bool AllHold(const Items& items, Fields& fields, const Renames& renames) {
  return std::all_of(items.begin(), items.end(),
                     [&](const ItemTest& item) { return item.Holds(fields, renames); });
}

// An input that declares `input` can give events of `rule`.
bool MayBe(const LogSource& rule, const LogSource& input) {
  const auto fits = [](const std::string& one, const std::string& other) {
    return one.empty() || other.empty() || one == other;
  };
  return fits(rule.product, input.product) && fits(rule.category, input.category) &&
         fits(rule.service, input.service);
}

// An input that declares `input` gives nothing but events of `wide`.
bool LiesIn(const LogSource& wide, const LogSource& input) {
  const auto lies = [](const std::string& one, const std::string& other) {
    return one.empty() || one == other;
  };
  return lies(wide.product, input.product) && lies(wide.category, input.category) &&
         lies(wide.service, input.service);
}

struct SourceTest {
  Items conditions;
  Renames renames;
  LogSource declared;
  bool otherwise = false;

  [[nodiscard]] bool IsGeneral() const { return declared == LogSource{} && !otherwise; }
};

struct RuleTest {
  LogSource logsource;
  std::vector<SourceTest> sources;
  std::vector<std::vector<Items>> searches;  // each an OR
  const std::vector<sigma::Condition>* conditions;

  RuleTest(const sigma::DetectionRule& rule)
      : logsource(rule.logsource), conditions(&rule.conditions) {
    for (const sigma::LogSourceAlternative& source : rule.sources) {
      sources.push_back({{source.conditions.begin(), source.conditions.end()},
                         source.renames,
                         source.declared,
                         source.otherwise});
    }
    if (sources.empty()) sources.emplace_back();
    for (const sigma::Search& search : rule.searches) {
      searches.emplace_back();
      for (const auto& items : search.alternatives) {
        searches.back().emplace_back(items.begin(), items.end());
      }
    }
  }

  [[nodiscard]] bool SearchHolds(std::size_t search, Fields& fields, const Renames& renames) const {
    const auto& alternatives = searches[search];
    return std::any_of(alternatives.begin(), alternatives.end(),
                       [&](const Items& items) { return AllHold(items, fields, renames); });
  }

  [[nodiscard]] bool NodeHolds(const sigma::Condition& condition, std::size_t at, Fields& fields,
                               const Renames& renames) const {
    const sigma::Condition::Node& node = condition.nodes[at];
    if (node.op == Op::kSearch) return SearchHolds(node.search, fields, renames);
    const auto holding = std::count_if(
        node.children.begin(), node.children.end(),
        [&](std::uint32_t child) { return NodeHolds(condition, child, fields, renames); });
    const auto count = static_cast<std::size_t>(holding);
    switch (node.op) {
      case Op::kNot: return count == 0;
      case Op::kAnd: return count == node.children.size();
      case Op::kOr: return count > 0;
      case Op::kAtLeast: return count >= node.at_least;
      case Op::kSearch: break;
    }
    return false;
  }

  [[nodiscard]] bool IsOf(const SourceTest& source, Fields& fields, const LogSource& input) const {
    if (!LiesIn(source.declared, input)) return false;
    if (!source.otherwise) return AllHold(source.conditions, fields, {});
    return std::none_of(sources.begin(), sources.end(), [&](const SourceTest& other) {
      return other.IsGeneral() && AllHold(other.conditions, fields, {});
    });
  }

  [[nodiscard]] bool Holds(Fields& fields, const LogSource& input) const {
    if (!MayBe(logsource, input)) return false;
    for (const SourceTest& source : sources) {
      if (!IsOf(source, fields, input)) continue;
      for (const sigma::Condition& condition : *conditions) {
        if (NodeHolds(condition, condition.nodes.size() - 1, fields, source.renames)) return true;
      }
    }
    return false;
  }
};

}  // namespace

struct Evaluator::Impl {
  std::vector<sigma::DetectionRule> rules;  // the tests look into their conditions
  std::vector<RuleTest> tests;
};

Evaluator::Evaluator(const std::vector<sigma::DetectionRule>& rules)
    : impl_(std::make_unique<Impl>()) {
  impl_->rules = rules;
  for (const sigma::DetectionRule& rule : impl_->rules) impl_->tests.emplace_back(rule);
}
Evaluator::~Evaluator() = default;

std::vector<std::uint32_t> Evaluator::Match(std::string_view payload,
                                            const sigma::LogSource& input) const {
  std::vector<std::uint32_t> matched;
  const std::optional<Json> event = ParseJson(payload);
  if (!event || event->kind != Json::Kind::kObject) return matched;
  Fields fields(*event);
  for (std::uint32_t i = 0; i < impl_->tests.size(); ++i) {
    if (impl_->tests[i].Holds(fields, input)) matched.push_back(i);
  }
  return matched;
}

}  // namespace faultline::reference
