// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/signature_compiler.h"

#include <algorithm>
#include <variant>

#include "base/check.h"
#include "matcher/sigma/logsource.h"
#include "matcher/signature/required_text.h"

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

}  // namespace

bool AppliesTo(const Signature& signature, const sigma::LogSource& input) noexcept {
  if (sigma::Conflict(signature.source, input)) return false;
  return signature.declared == sigma::LogSource{} || sigma::Contains(signature.declared, input);
}

void SignatureCompiler::Add(std::uint32_t index, const sigma::DetectionRule& rule,
                            const std::vector<sigma::Filter>& filters) {
  Signature like;
  like.source = rule.logsource;
  if (rule.sources.empty()) {
    like.gate = pool_.Constant(true);
    return AddSignature(index, std::move(like), rule, filters, {});
  }
  std::vector<ExprId> gates;  // of those that any input may have
  for (const sigma::LogSourceAlternative& source : rule.sources) {
    like.declared = source.declared;
    const bool wanted = std::any_of(inputs_->begin(), inputs_->end(),
                                    [&like](const auto& input) { return AppliesTo(like, input); });
    if (!wanted) continue;
    if (source.otherwise) {
      like.gate = pool_.Not(pool_.Or(gates));
    } else {
      like.gate = ItemsExpr(source.conditions, {});
      if (source.declared == sigma::LogSource{}) gates.push_back(like.gate);
    }
    AddSignature(index, like, rule, filters, source.renames);
  }
}

void SignatureCompiler::AddSignature(std::uint32_t index, Signature like,
                                     const sigma::DetectionRule& rule,
                                     const std::vector<sigma::Filter>& filters,
                                     const Renames& renames) {
  like.rule = index;
  like.body = BodyExpr(rule.searches, rule.conditions, renames);
  like.raw = pool_[like.body].keywords_only;
  for (const std::uint32_t filter : rule.filters) {
    const sigma::Filter& source = filters[filter];
    like.filters.push_back({filter, BodyExpr(source.searches, source.conditions, renames)});
  }
  all_.push_back(std::move(like));
}

ExprId SignatureCompiler::BodyExpr(const std::vector<sigma::Search>& searches,
                                   const std::vector<sigma::Condition>& conditions,
                                   const Renames& renames) {
  std::vector<ExprId> made, any;
  for (const sigma::Search& search : searches) made.push_back(SearchExpr(search, renames));
  for (const sigma::Condition& condition : conditions) {
    any.push_back(ConditionExpr(condition, made));
  }
  return pool_.Or(std::move(any));
}

ExprId SignatureCompiler::SearchExpr(const sigma::Search& search, const Renames& renames) {
  std::vector<ExprId> alternatives;
  for (const auto& items : search.alternatives) alternatives.push_back(ItemsExpr(items, renames));
  return pool_.Or(std::move(alternatives));
}

ExprId SignatureCompiler::ItemsExpr(const std::vector<sigma::Item>& items, const Renames& renames) {
  std::vector<ExprId> all;
  for (const sigma::Item& item : items) all.push_back(ItemExpr(item, renames));
  return pool_.And(std::move(all));
}

ExprId SignatureCompiler::ItemExpr(const sigma::Item& item, const Renames& renames) {
  const FieldId field =
      item.field.empty() ? kKeywordField : fields_->Add(sigma::NameIn(item.field, renames));
  std::vector<const sigma::Value*> values;
  std::vector<ExprId> choices;
  for (const sigma::Choice& choice : item.choices) {
    for (const sigma::Value& value : choice) values.push_back(&value);
    if (!item.all) continue;
    choices.push_back(AnyExpr(field, values, item.cased, renames));
    values.clear();
  }
  const ExprId held =
      item.all ? pool_.And(std::move(choices)) : AnyExpr(field, values, item.cased, renames);
  return item.negated ? pool_.Not(held) : held;
}

ExprId SignatureCompiler::AnyExpr(FieldId field, const std::vector<const sigma::Value*>& values,
                                  bool cased, const Renames& renames) {
  std::vector<Predicate> asked;
  asked.reserve(values.size());
  for (const sigma::Value* const value : values) {
    const auto* ref = std::get_if<sigma::FieldRef>(value);
    const FieldId other = ref == nullptr ? 0 : fields_->Add(sigma::NameIn(ref->field, renames));
    asked.push_back(MakePredicate(field, *value, cased, other));
  }
  const std::vector<bool> redundant = Redundant(asked);
  std::vector<ExprId> any;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (redundant[i]) continue;
    const bool lazy = asked[i].lazy();
    const ExprId one =
        pool_.Predicate(predicates_.Intern(std::move(asked[i])), 0, lazy, field == kKeywordField);
    const auto* exists = std::get_if<sigma::Exists>(values[i]);
    any.push_back(exists != nullptr && !exists->wanted ? pool_.Not(one) : one);
  }
  return pool_.Or(std::move(any));
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
      case Op::kNot: made[i] = pool_.Not(children.front()); break;
      case Op::kAnd: made[i] = pool_.And(std::move(children)); break;
      case Op::kOr: made[i] = pool_.Or(std::move(children)); break;
      case Op::kAtLeast: made[i] = pool_.AtLeast(node.at_least, std::move(children)); break;
    }
  }
  return made.back();
}

Signatures SignatureCompiler::Finish() && {
  Signatures signatures;
  signatures.predicates = std::move(predicates_).Finish();
  for (const Predicate& predicate : signatures.predicates) {
    signatures.lazy_index.push_back(static_cast<std::uint32_t>(signatures.lazy.size()));
    if (predicate.lazy()) signatures.lazy.push_back(MakeLazy(predicate));
  }
  signatures.pool = std::move(pool_);
  signatures.all = std::move(all_);
  return signatures;
}

LazyPredicate SignatureCompiler::MakeLazy(const Predicate& predicate) {
  switch (predicate.kind) {
    case PredicateKind::kGlob: {
      const auto& pattern = std::get<sigma::Pattern>(predicate.value);
      return LazyPredicate(Glob(pattern, predicate.cased), RequiredTexts(pattern));
    }
    case PredicateKind::kNetwork: return LazyPredicate(std::get<sigma::Network>(predicate.value));
    case PredicateKind::kComparison:
      return LazyPredicate(ComparisonTest(std::get<sigma::Comparison>(predicate.value)));
    case PredicateKind::kTimePart: return LazyPredicate(std::get<sigma::TimePart>(predicate.value));
    case PredicateKind::kFieldRef:
      return LazyPredicate(FieldRefTest(
          predicate.other, std::get<sigma::FieldRef>(predicate.value).how, predicate.cased));
    default: break;
  }
  const auto& source = std::get<sigma::Regex>(predicate.value);
  Result<std::shared_ptr<const Regex>> regex = regexes_->Get(source);
  FAULTLINE_CHECK(regex.has_value());  // rules with bad expressions were taken out before
  return LazyPredicate(std::move(*regex), RequiredTexts(source));
}

}  // namespace faultline
