// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/class_table.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/check.h"

namespace faultline {
namespace {

constexpr std::size_t kMostCombinations = 16384;
constexpr std::size_t kMostClasses = 2048;
constexpr std::size_t kMostOfASignature = 512;  // combinations that it is compiled for ahead

bool Routes(PredicateKind kind) {
  return kind == PredicateKind::kExact || kind == PredicateKind::kNumber ||
         kind == PredicateKind::kNull || kind == PredicateKind::kPresent ||
         kind == PredicateKind::kExists;
}

// What hangs below `id`, but for what `wanted` (by expression) leaves out.
void CollectPredicates(const Signatures& signatures, ExprId id, const std::vector<bool>& wanted,
                       std::set<ExprId>& seen, std::set<PredicateId>& predicates) {
  if (!wanted[id] || !seen.insert(id).second) return;
  const Expr& expr = signatures.pool[id];
  if (expr.op == Expr::Op::kPredicate) {
    predicates.insert(expr.value);
  } else if (expr.op == Expr::Op::kNot) {
    CollectPredicates(signatures, expr.value, wanted, seen, predicates);
  } else {
    for (const ExprId child : signatures.pool.children(expr)) {
      CollectPredicates(signatures, child, wanted, seen, predicates);
    }
  }
}

// The expressions that ask one of `predicates`.
std::vector<bool> Asking(const ExprPool& pool, const std::set<PredicateId>& predicates) {
  std::vector<bool> asking(pool.size());
  for (ExprId id = 0; id < pool.size(); ++id) {  // children before parents
    const Expr& expr = pool[id];
    if (expr.op == Expr::Op::kPredicate) {
      asking[id] = predicates.contains(expr.value);
    } else if (expr.op == Expr::Op::kNot) {
      asking[id] = asking[expr.value];
    } else {
      const auto children = pool.children(expr);
      asking[id] = std::any_of(children.begin(), children.end(),
                               [&asking](ExprId child) { return asking[child]; });
    }
  }
  return asking;
}

}  // namespace

Result<std::unique_ptr<ClassTable>> ClassTable::Create(Signatures signatures,
                                                       std::shared_ptr<DatabaseCache> cache) {
  std::unique_ptr<ClassTable> table(new ClassTable(std::move(signatures), std::move(cache)));
  if (Result<void> found = table->FindRoutingFields(); !found) {
    return tl::unexpected<Error>(found.error());
  }
  return table;
}

Result<void> ClassTable::FindRoutingFields() {
  std::set<ExprId> seen;
  std::set<FieldId> fields;
  std::set<PredicateId> asked;
  const std::vector<bool> all(signatures_.pool.size(), true);
  for (const Signature& signature : signatures_.all) {
    CollectPredicates(signatures_, signature.gate, all, seen, asked);
  }
  for (const PredicateId id : asked) {
    const Predicate& predicate = signatures_.predicates[id];
    if (Routes(predicate.kind) && predicate.field != kKeywordField) fields.insert(predicate.field);
  }
  std::map<FieldId, std::size_t> places;
  for (const FieldId field : fields) {
    places.emplace(field, routing_.size());
    routing_.emplace_back().field = field;
  }
  std::vector<std::vector<const Predicate*>> literals(routing_.size());
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
    literals[place->second].push_back(&predicate);
  }
  for (std::size_t i = 0; i < routing_.size(); ++i) {
    Result<FieldDatabase> database = FieldDatabase::Create(literals[i], 0, cache_.get());
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
  const auto key = std::pair(scope, held);
  Entry* entry = nullptr;
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    const auto known = by_held_.find(key);
    if (known != by_held_.end()) entry = known->second;
    full = by_held_.size() >= kMostCombinations || classes_.size() >= kMostClasses;
  }
  if (entry == nullptr && full) return Unfolded(scope);
  if (entry == nullptr) {
    entry = &EntryOf(Fold(scope, held));
    const std::lock_guard lock(mutex_);
    by_held_.emplace(key, entry);
  }
  return Made(*entry);
}

const SignatureClass& ClassTable::Unfolded(InputScope scope) {
  return Whole(scope, &Scope::unfolded, false);
}

const SignatureClass& ClassTable::Raw(InputScope scope) { return Whole(scope, &Scope::raw, true); }

const SignatureClass& ClassTable::Whole(InputScope scope, Entry* Scope::*kept, bool raw) {
  const sigma::LogSource input = InputOf(scope);
  Entry* entry = nullptr;
  {
    const std::lock_guard lock(mutex_);
    entry = scopes_[scope].*kept;
  }
  if (entry == nullptr) {
    entry = &EntryOf(FoldSignatures(signatures_, {}, input, raw));
    const std::lock_guard lock(mutex_);
    scopes_[scope].*kept = entry;
  }
  return Made(*entry);
}

std::size_t ClassTable::size() const {
  const std::lock_guard lock(mutex_);
  return classes_.size();
}

sigma::LogSource ClassTable::InputOf(InputScope scope) const {
  const std::lock_guard lock(mutex_);
  return scopes_[scope].input;
}

FoldedSignatures ClassTable::Fold(InputScope scope, const std::vector<PredicateId>& held) const {
  Answers answers(signatures_.predicates.size(), ExprFolder::kUnknown);
  for (const RoutingField& field : routing_) {
    for (const PredicateId id : field.predicates) answers[id] = 0;
  }
  for (const PredicateId id : held) answers[id] = 1;
  return FoldSignatures(signatures_, answers, InputOf(scope), false);
}

// The same for what is left alike. Entries never move.
ClassTable::Entry& ClassTable::EntryOf(FoldedSignatures folded) {
  const Digest digest = DigestOf(folded);
  const std::lock_guard lock(mutex_);
  const auto [at, added] = classes_.try_emplace(digest);
  if (added) at->second.folded = std::move(folded);
  return at->second;
}

const SignatureClass& ClassTable::Made(Entry& entry) const {
  std::call_once(entry.begun, [&] {
    entry.making =
        std::make_unique<ClassMaking>(signatures_, std::move(entry.folded), cache_.get());
  });
  entry.making->CompileFields();
  std::call_once(entry.finished, [&] { entry.made = entry.making->Finish(); });
  return *entry.made;
}

// ------------------------------------------------------------------------------------- ahead

bool ClassTable::CompileNext() {
  std::pair<InputScope, std::vector<PredicateId>> next;
  {
    const std::lock_guard lock(ahead_mutex_);
    if (!std::exchange(combinations_known_, true)) FindCombinations();
    if (combinations_.empty()) return false;
    next = std::move(combinations_.back());
    combinations_.pop_back();
  }
  Get(next.first, next.second).CompileRest();
  return true;
}

// For each signature the values of the routing fields that it names, and for a field that it does
// not name any other value. Requires: the lock.
void ClassTable::FindCombinations() {
  // What holds for each named value of a field; first for one that nobody names.
  std::vector<std::map<PredicateId, std::vector<PredicateId>>> held_by(routing_.size());
  std::vector<std::vector<PredicateId>> otherwise(routing_.size());
  HsScratch scratch;
  std::string number;
  for (std::size_t f = 0; f < routing_.size(); ++f) {
    const RoutingField& field = routing_[f];
    FAULTLINE_CHECK(field.literals.Prepare(scratch).has_value());
    for (const PredicateId present : {field.present, field.exists}) {
      if (present != kNoPredicate) otherwise[f].push_back(field.predicates[present]);
    }
    for (const PredicateId id : field.predicates) {
      const Predicate& predicate = signatures_.predicates[id];
      if (predicate.kind != PredicateKind::kExact && predicate.kind != PredicateKind::kNumber) {
        continue;
      }
      Truth truth(static_cast<std::uint32_t>(field.predicates.size()));
      field.literals.Scan({predicate.text, predicate.text}, ValueKind::kString, scratch, number,
                          truth);
      std::vector<PredicateId>& held = held_by[f][id];
      held = otherwise[f];
      for (const PredicateId number_of : truth.set()) held.push_back(field.predicates[number_of]);
    }
  }
  std::set<PredicateId> routing;
  for (const auto& held : held_by) {
    for (const auto& named : held) routing.insert(named.first);
  }
  const std::vector<bool> asking = Asking(signatures_.pool, routing);
  std::map<std::pair<InputScope, std::vector<PredicateId>>, std::size_t> found;  // by how many
  const auto scopes = [this] {
    const std::lock_guard lock(mutex_);
    return static_cast<InputScope>(scopes_.size());
  }();
  for (const Signature& signature : signatures_.all) {
    std::set<ExprId> seen;
    std::set<PredicateId> named;
    CollectPredicates(signatures_, signature.gate, asking, seen, named);
    CollectPredicates(signatures_, signature.body, asking, seen, named);
    std::vector<std::vector<PredicateId>> open{{}};
    for (std::size_t f = 0; f < routing_.size(); ++f) {
      std::set<std::vector<PredicateId>> choices;
      for (const auto& [id, held] : held_by[f]) {
        if (named.contains(id)) choices.insert(held);
      }
      if (choices.empty()) choices.insert(otherwise[f]);
      if (choices.size() * open.size() > kMostOfASignature) break;
      std::vector<std::vector<PredicateId>> next;
      for (const auto& so_far : open) {
        for (const auto& held : choices) {
          next.push_back(so_far);
          next.back().insert(next.back().end(), held.begin(), held.end());
        }
      }
      open = std::move(next);
    }
    for (auto& held : open) {
      std::sort(held.begin(), held.end());
      for (InputScope scope = 0; scope < scopes; ++scope) ++found[{scope, held}];
    }
  }
  for (const auto& [combination, signatures] : found) combinations_.push_back(combination);
  std::stable_sort(combinations_.begin(), combinations_.end(),
                   [&found](const auto& a, const auto& b) { return found[a] < found[b]; });
}

}  // namespace faultline
