// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/signature_compiler.h"

#include <variant>

#include "base/check.h"

namespace faultline {
namespace {

using Op = sigma::Condition::Op;

const std::string& NameIn(const std::string& field,
                          const std::vector<std::pair<std::string, std::string>>& renames) {
  for (const auto& [from, to] : renames) {
    if (from == field) return to;
  }
  return field;
}

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

}  // namespace

void SignatureCompiler::Add(std::uint32_t index, const sigma::DetectionRule& rule,
                            const std::vector<sigma::Filter>& filters) {
  if (rule.sources.empty()) {
    AddSignature(index, pool.Constant(true), rule, filters, {});
    return;
  }
  for (const sigma::LogSourceAlternative& source : rule.sources) {
    AddSignature(index, ItemsExpr(source.conditions, {}), rule, filters, source.renames);
  }
}

void SignatureCompiler::AddSignature(std::uint32_t index, ExprId gate,
                                     const sigma::DetectionRule& rule,
                                     const std::vector<sigma::Filter>& filters,
                                     const Renames& renames) {
  const auto [at, added] = class_of_.emplace(gate, classes.size());
  if (added) classes.push_back({gate, {}});
  Signature signature;
  signature.rule = index;
  signature.body = BodyExpr(rule.searches, rule.conditions, renames);
  const bool ungated = pool[gate].op == Expr::Op::kConstant;
  signature.raw = ungated && pool[signature.body].keywords_only;
  signature.first_filter = static_cast<std::uint32_t>(filter_uses.size());
  signature.filter_count = static_cast<std::uint32_t>(rule.filters.size());
  for (const std::uint32_t filter : rule.filters) {
    const sigma::Filter& source = filters[filter];
    filter_uses.push_back({filter, BodyExpr(source.searches, source.conditions, renames)});
  }
  classes[at->second].signatures.push_back(signature);
}

ExprId SignatureCompiler::BodyExpr(const std::vector<sigma::Search>& searches,
                                   const std::vector<sigma::Condition>& conditions,
                                   const Renames& renames) {
  std::vector<ExprId> made, any;
  for (const sigma::Search& search : searches) made.push_back(SearchExpr(search, renames));
  for (const sigma::Condition& condition : conditions) {
    any.push_back(ConditionExpr(condition, made));
  }
  return pool.Or(std::move(any));
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
      item.field.empty() ? kKeywordField : fields_->Add(NameIn(item.field, renames));
  std::vector<ExprId> choices;
  for (const sigma::Choice& choice : item.choices) {
    std::vector<ExprId> values;
    for (const sigma::Value& value : choice) {
      values.push_back(ValueExpr(field, value, item.cased, renames));
    }
    choices.push_back(pool.Or(std::move(values)));
  }
  const ExprId held = item.all ? pool.And(std::move(choices)) : pool.Or(std::move(choices));
  return item.negated ? pool.Not(held) : held;
}

ExprId SignatureCompiler::ValueExpr(FieldId field, const sigma::Value& value, bool cased,
                                    const Renames& renames) {
  const auto* ref = std::get_if<sigma::FieldRef>(&value);
  const FieldId other = ref == nullptr ? 0 : fields_->Add(NameIn(ref->field, renames));
  Predicate predicate = MakePredicate(field, value, cased, other);
  const bool lazy = predicate.lazy();
  const ExprId asked =
      pool.Predicate(predicates_.Intern(std::move(predicate)), 0, lazy, field == kKeywordField);
  const auto* exists = std::get_if<sigma::Exists>(&value);
  return exists != nullptr && !exists->wanted ? pool.Not(asked) : asked;
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
      if (all[id].kind == PredicateKind::kFieldRef) by_field[all[id].other];
    }
  }
  for (const auto& [field, members] : by_field) {
    plan_of_.emplace(field, static_cast<std::uint32_t>(plan_of_.size()));
  }
  std::vector<ExprPool::Target> targets(all.size());
  for (const auto& [field, members] : by_field) {
    Result<FieldPlan> plan = Plan(field, members, targets);
    if (!plan) return tl::unexpected<Error>(plan.error());
    plans.push_back(std::move(*plan));
  }
  pool.Renumber(targets);
  return {};
}

LazyPredicate SignatureCompiler::MakeLazy(const Predicate& predicate) {
  switch (predicate.kind) {
    case PredicateKind::kGlob:
      return LazyPredicate(Glob(std::get<sigma::Pattern>(predicate.value), predicate.cased));
    case PredicateKind::kNetwork: return LazyPredicate(std::get<sigma::Network>(predicate.value));
    case PredicateKind::kComparison:
      return LazyPredicate(ComparisonTest(std::get<sigma::Comparison>(predicate.value)));
    case PredicateKind::kTimePart: return LazyPredicate(std::get<sigma::TimePart>(predicate.value));
    case PredicateKind::kFieldRef:
      return LazyPredicate(FieldRefTest(plan_of_.at(predicate.other),
                                        std::get<sigma::FieldRef>(predicate.value).how,
                                        predicate.cased));
    default: break;
  }
  Result<std::shared_ptr<const Regex>> regex =
      regexes_->Get(std::get<sigma::Regex>(predicate.value));
  FAULTLINE_CHECK(regex.has_value());  // rules with bad expressions were taken out before
  return LazyPredicate(std::move(*regex));
}

Result<FieldPlan> SignatureCompiler::Plan(FieldId field, const std::vector<PredicateId>& members,
                                          std::vector<ExprPool::Target>& targets) {
  FieldPlan plan;
  plan.field = field;
  plan.first = truth_bits;
  plan.count = static_cast<std::uint32_t>(members.size());
  std::vector<Predicate> literals;
  for (std::uint32_t i = 0; i < plan.count; ++i) {
    const Predicate& predicate = predicates_.predicates()[members[i]];
    const PredicateId id = plan.first + i;
    targets[members[i]] = {id, plan_of_.at(field)};
    if (predicate.kind == PredicateKind::kNull) plan.null = id;
    if (predicate.kind == PredicateKind::kPresent) plan.present = id;
    if (predicate.kind == PredicateKind::kExists) plan.exists = id;
    if (predicate.lazy()) {
      plan.lazy.push_back(MakeLazy(predicate));
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
