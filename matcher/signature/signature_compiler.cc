// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/signature_compiler.h"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "base/check.h"
#include "matcher/sigma/logsource.h"

namespace faultline {
namespace {

using Op = sigma::Condition::Op;

bool IsJunction(Op op) { return op == Op::kAnd || op == Op::kOr; }

// Marks the nodes that disappear into a parent of the same kind, so that "a or b or c ..." is one
// node however the parser grouped it.
std::vector<bool> Absorbed(const sigma::Condition& condition) {
  std::vector<std::uint32_t> parents(condition.nodes.size(), 0);
  std::vector<bool> absorbed(condition.nodes.size(), false);
  for (const sigma::Condition::Node& node : condition.nodes) {
    for (const std::uint32_t child : node.children) {
      ++parents[child];
      absorbed[child] = IsJunction(node.op) && condition.nodes[child].op == node.op;
    }
  }
  for (std::size_t i = 0; i < absorbed.size(); ++i) absorbed[i] = absorbed[i] && parents[i] == 1;
  return absorbed;
}

// The children of node `at` with absorbed ones replaced by theirs.
std::vector<std::uint32_t> Flattened(const sigma::Condition& condition, std::size_t at,
                                     const std::vector<bool>& absorbed) {
  std::vector<std::uint32_t> open = condition.nodes[at].children;
  std::vector<std::uint32_t> flat;
  while (!open.empty()) {
    const std::uint32_t child = open.back();
    open.pop_back();
    if (!absorbed[child]) {
      flat.push_back(child);
      continue;
    }
    const auto& more = condition.nodes[child].children;
    open.insert(open.end(), more.begin(), more.end());
  }
  return flat;
}

LazyPredicate MakeLazy(const Predicate& predicate, RegexStore& regexes) {
  if (predicate.kind == PredicateKind::kGlob) {
    return LazyPredicate(Glob(predicate.pattern, predicate.cased));
  }
  Result<std::shared_ptr<const Regex>> regex = regexes.Get(predicate.regex);
  FAULTLINE_CHECK(regex.has_value());  // rules with bad expressions were taken out before
  return LazyPredicate(std::move(*regex));
}

}  // namespace

bool AppliesTo(const SignatureClass& cls, const sigma::LogSource& input) noexcept {
  if (sigma::Conflict(cls.source, input)) return false;
  return cls.declared == sigma::LogSource{} || sigma::Contains(cls.declared, input);
}

void SignatureCompiler::Add(std::uint32_t index, const sigma::DetectionRule& rule) {
  if (rule.sources.empty()) {
    AddSignature(index, {pool.Constant(true), rule.logsource, {}, {}}, BodyExpr(rule, {}));
    return;
  }
  std::vector<ExprId> gates;  // of those that any input may have
  for (const sigma::LogSourceAlternative& source : rule.sources) {
    SignatureClass like{0, rule.logsource, source.declared, {}};
    const bool wanted = std::any_of(inputs_->begin(), inputs_->end(), [&like](const auto& input) {
      return AppliesTo(like, input);
    });
    if (!wanted) continue;
    if (source.otherwise) {
      like.gate = pool.Not(pool.Or(gates));
    } else {
      like.gate = ItemsExpr(source.conditions, {});
      if (source.declared == sigma::LogSource{}) gates.push_back(like.gate);
    }
    AddSignature(index, like, BodyExpr(rule, source.renames));
  }
}

void SignatureCompiler::AddSignature(std::uint32_t rule, const SignatureClass& like, ExprId body) {
  const std::string key = fmt::format("{} {} {}", like.gate, sigma::ToString(like.source),
                                      sigma::ToString(like.declared));
  const auto [at, added] = class_of_.emplace(key, classes.size());
  if (added) classes.push_back(like);
  classes[at->second].signatures.push_back({rule, body, pool[body].keywords_only});
}

ExprId SignatureCompiler::BodyExpr(const sigma::DetectionRule& rule, const Renames& renames) {
  std::vector<ExprId> searches, conditions;
  for (const sigma::Search& search : rule.searches) searches.push_back(SearchExpr(search, renames));
  for (const sigma::Condition& condition : rule.conditions) {
    conditions.push_back(ConditionExpr(condition, searches));
  }
  return pool.Or(std::move(conditions));
}

ExprId SignatureCompiler::SearchExpr(const sigma::Search& search, const Renames& renames) {
  std::vector<ExprId> alternatives;
  for (const auto& items : search.alternatives) alternatives.push_back(ItemsExpr(items, renames));
  return pool.Or(std::move(alternatives));
}

ExprId SignatureCompiler::ItemsExpr(const std::vector<sigma::Item>& items, const Renames& renames) {
  std::vector<ExprId> all;
  for (const sigma::Item& item : items) all.push_back(ItemExpr(item, renames));
  return pool.And(std::move(all));
}

ExprId SignatureCompiler::ItemExpr(const sigma::Item& item, const Renames& renames) {
  const FieldId field =
      item.field.empty() ? kKeywordField : fields_->Add(sigma::NameIn(item.field, renames));
  std::vector<ExprId> choices;
  for (const sigma::Choice& choice : item.choices) {
    std::vector<ExprId> values;
    for (const sigma::Value& value : choice) {
      Predicate predicate = MakePredicate(field, value, item.cased);
      const bool lazy = predicate.lazy();
      values.push_back(pool.Predicate(predicates_.Intern(std::move(predicate)), 0, lazy,
                                      field == kKeywordField));
    }
    choices.push_back(pool.Or(std::move(values)));
  }
  const ExprId held = item.all ? pool.And(std::move(choices)) : pool.Or(std::move(choices));
  return item.negated ? pool.Not(held) : held;
}

ExprId SignatureCompiler::ConditionExpr(const sigma::Condition& condition,
                                        const std::vector<ExprId>& searches) {
  const std::vector<bool> absorbed = Absorbed(condition);
  std::vector<ExprId> made(condition.nodes.size(), 0);
  for (std::size_t i = 0; i < condition.nodes.size(); ++i) {
    if (absorbed[i]) continue;
    const sigma::Condition::Node& node = condition.nodes[i];
    std::vector<ExprId> children;
    for (const std::uint32_t child : Flattened(condition, i, absorbed)) {
      children.push_back(made[child]);
    }
    switch (node.op) {
      case Op::kSearch: made[i] = searches[node.search]; break;
      case Op::kNot: made[i] = pool.Not(children.front()); break;
      case Op::kAnd: made[i] = pool.And(std::move(children)); break;
      case Op::kOr: made[i] = pool.Or(std::move(children)); break;
      case Op::kAtLeast: made[i] = pool.AtLeast(node.at_least, std::move(children)); break;
    }
  }
  return made.back();
}

Result<void> SignatureCompiler::Finish() {
  const std::vector<Predicate>& all = predicates_.predicates();
  std::map<FieldId, std::vector<PredicateId>> by_field;  // literal ones first, then lazy ones
  for (const bool lazy : {false, true}) {
    for (PredicateId id = 0; id < all.size(); ++id) {
      if (all[id].lazy() == lazy) by_field[all[id].field].push_back(id);
    }
  }
  std::vector<ExprPool::Target> targets(all.size());
  for (const auto& [field, members] : by_field) {
    Result<FieldPlan> plan = Plan(members, targets);
    if (!plan) return tl::unexpected<Error>(plan.error());
    plans.push_back(std::move(*plan));
  }
  pool.Renumber(targets);
  return {};
}

Result<FieldPlan> SignatureCompiler::Plan(const std::vector<PredicateId>& members,
                                          std::vector<ExprPool::Target>& targets) {
  FieldPlan plan;
  plan.field = predicates_.predicates()[members.front()].field;
  plan.first = truth_bits;
  plan.count = static_cast<std::uint32_t>(members.size());
  std::vector<Predicate> literals;
  for (std::uint32_t i = 0; i < plan.count; ++i) {
    const Predicate& predicate = predicates_.predicates()[members[i]];
    const PredicateId id = plan.first + i;
    targets[members[i]] = {id, static_cast<std::uint32_t>(plans.size())};
    if (predicate.kind == PredicateKind::kNull) plan.null = id;
    if (predicate.kind == PredicateKind::kPresent) plan.present = id;
    if (predicate.lazy()) {
      plan.lazy.push_back(MakeLazy(predicate, *regexes_));
    } else {
      literals.push_back(predicate);
    }
  }
  plan.first_lazy = plan.first + static_cast<PredicateId>(literals.size());
  truth_bits += (plan.count + Truth::kWordBits - 1) / Truth::kWordBits * Truth::kWordBits;
  Result<FieldDatabase> database = FieldDatabase::Create(literals, plan.first);
  if (!database) return tl::unexpected<Error>(database.error());
  plan.literals = std::move(*database);
  return plan;
}

}  // namespace faultline
