// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/class_table.h"

#include <set>
#include <utility>

#include "base/check.h"

namespace faultline {
namespace {

constexpr std::size_t kMostCombinations = 16384;
constexpr std::size_t kMostClasses = 2048;

bool Routes(PredicateKind kind) {
  return kind == PredicateKind::kExact || kind == PredicateKind::kNumber ||
         kind == PredicateKind::kNull || kind == PredicateKind::kPresent ||
         kind == PredicateKind::kExists;
}

void CollectFields(const Signatures& signatures, ExprId id, std::set<ExprId>& seen,
                   std::set<FieldId>& fields) {
  if (!seen.insert(id).second) return;
  const Expr& expr = signatures.pool[id];
  if (expr.op == Expr::Op::kPredicate) {
    const Predicate& predicate = signatures.predicates[expr.value];
    if (Routes(predicate.kind) && predicate.field != kKeywordField) fields.insert(predicate.field);
  } else if (expr.op == Expr::Op::kNot) {
    CollectFields(signatures, expr.value, seen, fields);
  } else {
    for (const ExprId child : signatures.pool.children(expr)) {
      CollectFields(signatures, child, seen, fields);
    }
  }
}

}  // namespace

Result<std::unique_ptr<ClassTable>> ClassTable::Create(Signatures signatures) {
  std::unique_ptr<ClassTable> table(new ClassTable(std::move(signatures)));
  if (Result<void> found = table->FindRoutingFields(); !found) {
    return tl::unexpected<Error>(found.error());
  }
  return table;
}

Result<void> ClassTable::FindRoutingFields() {
  std::set<ExprId> seen;
  std::set<FieldId> fields;
  for (const Signature& signature : signatures_.all) {
    CollectFields(signatures_, signature.gate, seen, fields);
  }
  std::map<FieldId, std::size_t> places;
  for (const FieldId field : fields) {
    places.emplace(field, routing_.size());
    routing_.emplace_back().field = field;
  }
  std::vector<std::vector<Predicate>> literals(routing_.size());
  for (PredicateId id = 0; id < signatures_.predicates.size(); ++id) {
    const Predicate& predicate = signatures_.predicates[id];
    const auto place = places.find(predicate.field);
    if (place == places.end() || !Routes(predicate.kind)) continue;
    RoutingField& field = routing_[place->second];
    const auto number = static_cast<PredicateId>(field.predicates.size());
    if (predicate.kind == PredicateKind::kNull) field.null = number;
    if (predicate.kind == PredicateKind::kPresent) field.present = number;
    if (predicate.kind == PredicateKind::kExists) field.exists = number;
    field.predicates.push_back(id);
    literals[place->second].push_back(predicate);
  }
  for (std::size_t i = 0; i < routing_.size(); ++i) {
    Result<FieldDatabase> database = FieldDatabase::Create(literals[i], 0);
    if (!database) return tl::unexpected<Error>(database.error());
    routing_[i].literals = std::move(*database);
  }
  return {};
}

InputScope ClassTable::ScopeOf(const sigma::LogSource& input) {
  const std::lock_guard lock(mutex_);
  for (InputScope scope = 0; scope < scopes_.size(); ++scope) {
    if (scopes_[scope].input == input) return scope;
  }
  scopes_.emplace_back().input = input;
  return static_cast<InputScope>(scopes_.size() - 1);
}

const SignatureClass& ClassTable::Get(InputScope scope, const std::vector<PredicateId>& held) {
  {
    const std::lock_guard lock(mutex_);
    auto key = std::pair(scope, held);
    const auto known = by_held_.find(key);
    if (known != by_held_.end()) return *known->second;
    if (by_held_.size() < kMostCombinations && classes_.size() < kMostClasses) {
      Answers answers(signatures_.predicates.size(), ExprFolder::kUnknown);
      for (const RoutingField& field : routing_) {
        for (const PredicateId id : field.predicates) answers[id] = 0;
      }
      for (const PredicateId id : held) answers[id] = 1;
      const SignatureClass& made = Make(scopes_[scope], answers, false);
      return *by_held_.emplace(std::move(key), &made).first->second;
    }
  }
  return Unfolded(scope);
}

const SignatureClass& ClassTable::Unfolded(InputScope scope) {
  const std::lock_guard lock(mutex_);
  Scope& asked = scopes_[scope];
  if (asked.unfolded == nullptr) asked.unfolded = &Make(asked, {}, false);
  return *asked.unfolded;
}

const SignatureClass& ClassTable::Raw(InputScope scope) {
  const std::lock_guard lock(mutex_);
  Scope& asked = scopes_[scope];
  if (asked.raw == nullptr) asked.raw = &Make(asked, {}, true);
  return *asked.raw;
}

// Requires: the lock.
const SignatureClass& ClassTable::Make(const Scope& scope, const Answers& answers, bool raw_only) {
  FoldedSignatures folded = FoldSignatures(signatures_, answers, scope.input, raw_only);
  const Digest digest = DigestOf(folded);
  const auto [at, added] = classes_.try_emplace(digest);
  if (added) {
    auto made = SignatureClass::Compile(signatures_, std::move(folded));
    FAULTLINE_CHECK(made.has_value());  // every expression was compiled before; memory is left
    at->second = std::move(*made);
  }
  return *at->second;
}

}  // namespace faultline
