// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/signature_class.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/free_memory.h"

namespace faultline {
namespace {

constexpr std::size_t kWitnessSets = 6;  // kept per signature, the most telling ones
constexpr std::size_t kMostUnions = 24;  // looked at for them, about

using WitnessSet = std::vector<PredicateId>;

// How telling a literal looks before anything was measured: whole values most, short ones least.
std::size_t Weight(const Predicate& predicate) {
  if (predicate.kind == PredicateKind::kNumber) return 12;
  const std::size_t anchored = predicate.kind == PredicateKind::kContains ? 0 : 4;
  return std::min<std::size_t>(predicate.text.size(), 20) + anchored;
}

bool CanWitness(const Predicate& predicate) {
  switch (predicate.kind) {
    case PredicateKind::kExact:
    case PredicateKind::kNumber:
    case PredicateKind::kContains:
    case PredicateKind::kStartsWith:
    case PredicateKind::kEndsWith: return true;
    default: return false;
  }
}

// Finds, bottom-up, sets of literals of which one must hold.
class WitnessFinder {
 public:
  // `predicates` by their number in the class; `plans` and `plan_of` of the class.
  WitnessFinder(const SignatureClass& of, const std::vector<const Predicate*>& predicates)
      : class_(of), predicates_(predicates) {}

  // Several sets to choose from, the most telling first; none: nothing must hold.
  std::vector<WitnessSet> Of(ExprId id) {
    const Expr& expr = class_.pool[id];
    switch (expr.op) {
      case Expr::Op::kPredicate: return OfPredicate(expr.value);
      case Expr::Op::kAnd: return OfAny(expr);
      case Expr::Op::kOr:
      case Expr::Op::kAtLeast: return OfAll(expr);
      case Expr::Op::kConstant:
      case Expr::Op::kNot: break;
    }
    return {};
  }

 private:
  [[nodiscard]] std::vector<WitnessSet> OfPredicate(PredicateId id) const {
    const FieldPlan& plan = class_.plans[class_.plan_of[id]];
    if (id >= plan.first_lazy) {
      const WitnessSet& needed = plan.needed[id - plan.first_lazy];
      return needed.empty() ? std::vector<WitnessSet>{} : std::vector<WitnessSet>{needed};
    }
    return CanWitness(*predicates_[id]) ? std::vector<WitnessSet>{{id}} : std::vector<WitnessSet>{};
  }

  // All children must hold: a set of any of them will do.
  std::vector<WitnessSet> OfAny(const Expr& expr) {
    std::vector<WitnessSet> sets;
    for (const ExprId child : class_.pool.children(expr)) {
      std::vector<WitnessSet> more = Of(child);
      std::move(more.begin(), more.end(), std::back_inserter(sets));
    }
    return Best(std::move(sets));
  }

  // One child must hold, whichever: the union of a set of each. Besides that of the best ones, those
  // in which one child has another: what is best on this stream is measured later.
  std::vector<WitnessSet> OfAll(const Expr& expr) {
    std::vector<std::vector<WitnessSet>> each;
    for (const ExprId child : class_.pool.children(expr)) {
      each.push_back(Of(child));
      if (each.back().empty()) return {};
    }
    if (each.empty()) return {};
    std::vector<std::size_t> taken(each.size(), 0);  // of each child, which set
    const auto together = [&] {
      WitnessSet all;
      for (std::size_t i = 0; i < each.size(); ++i) {
        all.insert(all.end(), each[i][taken[i]].begin(), each[i][taken[i]].end());
      }
      std::sort(all.begin(), all.end());
      all.erase(std::unique(all.begin(), all.end()), all.end());
      return all;
    };
    std::vector<WitnessSet> sets{together()};
    for (std::size_t i = 0; i < each.size() && sets.size() < kMostUnions; ++i) {
      for (taken[i] = 1; taken[i] < each[i].size(); ++taken[i]) sets.push_back(together());
      taken[i] = 0;
    }
    return Best(std::move(sets));
  }

  // What a set costs to look at: how often one of it might be seen.
  [[nodiscard]] double Cost(const WitnessSet& set) const {
    double cost = 0;
    for (const PredicateId id : set) {
      cost += 1.0 / static_cast<double>(std::size_t{1} << Weight(*predicates_[id]));
    }
    return cost;
  }

  // The best set of each field first, so that there is a choice of fields.
  [[nodiscard]] std::vector<WitnessSet> Best(std::vector<WitnessSet> sets) const {
    std::stable_sort(sets.begin(), sets.end(), [this](const WitnessSet& a, const WitnessSet& b) {
      return Cost(a) < Cost(b);
    });
    std::set<std::uint32_t> met;
    std::stable_partition(sets.begin(), sets.end(), [&](const WitnessSet& set) {
      return met.insert(class_.plan_of[set.front()]).second;
    });
    if (sets.size() > kWitnessSets) sets.resize(kWitnessSets);
    return sets;
  }

  const SignatureClass& class_;
  const std::vector<const Predicate*>& predicates_;
};

Predicate PartOf(FieldId field, const std::string& text) {
  Predicate part;
  part.field = field;
  part.kind = PredicateKind::kContains;
  part.text = part.bytes_text = text;
  return part;
}

// Marks what hangs below `id`.
void CollectPredicates(const ExprPool& pool, ExprId id, std::vector<bool>& seen,
                       std::map<FieldId, std::vector<PredicateId>>& by_field,
                       const std::vector<Predicate>& predicates) {
  if (seen[id]) return;
  seen[id] = true;
  const Expr& expr = pool[id];
  if (expr.op == Expr::Op::kPredicate) {
    by_field[predicates[expr.value].field].push_back(expr.value);
  } else if (expr.op == Expr::Op::kNot) {
    CollectPredicates(pool, expr.value, seen, by_field, predicates);
  } else {
    for (const ExprId child : pool.children(expr)) {
      CollectPredicates(pool, child, seen, by_field, predicates);
    }
  }
}

}  // namespace

FoldedSignatures FoldSignatures(const Signatures& signatures, const Answers& answers,
                                const sigma::LogSource& input, bool raw_only) {
  ExprPool all;
  ExprFolder folder(&signatures.pool, &answers, &all);
  FoldedSignatures folded;
  for (const Signature& signature : signatures.all) {
    if ((raw_only && !signature.raw) || !AppliesTo(signature, input)) continue;
    const ExprId gate = folder.Fold(signature.gate);
    if (all[gate].op == Expr::Op::kConstant && all[gate].value == 0) continue;
    const ExprId condition = all.And({gate, folder.Fold(signature.body)});
    if (all[condition].op == Expr::Op::kConstant && all[condition].value == 0) continue;
    folded.left.push_back({signature.rule, condition, signature.filters});
    for (FilterUse& use : folded.left.back().filters) use.body = folder.Fold(use.body);
  }
  // What was folded on the way to a constant stays behind.
  const Answers nothing;
  ExprFolder needed(&all, &nothing, &folded.pool);
  for (FoldedSignatures::Left& left : folded.left) {
    left.condition = needed.Fold(left.condition);
    for (FilterUse& use : left.filters) use.body = needed.Fold(use.body);
  }
  return folded;
}

Digest DigestOf(const FoldedSignatures& folded) {
  DigestBuilder out;
  for (ExprId id = 0; id < folded.pool.size(); ++id) {
    const Expr& expr = folded.pool[id];
    out.Add(static_cast<std::int64_t>(expr.op)).Add(std::int64_t{expr.value});
    for (const ExprId child : folded.pool.children(expr)) out.Add(std::int64_t{child});
  }
  for (const FoldedSignatures::Left& left : folded.left) {
    out.Add(std::int64_t{left.rule}).Add(std::int64_t{left.condition});
    for (const FilterUse& use : left.filters) {
      out.Add(std::int64_t{use.filter}).Add(std::int64_t{use.body});
    }
  }
  return out.Finish();
}

void SignatureClass::CompileRest() const {
  for (const FieldPlan& plan : plans) {
    plan.literals.CompileBeyondAscii();
    for (const LazyPredicate* const lazy : plan.lazy) lazy->Compile();
  }
}

ClassMaking::ClassMaking(const Signatures& signatures, FoldedSignatures folded,
                         DatabaseCache* cache)
    : cache_(cache),
      made_(std::make_unique<SignatureClass>()),
      targets_(signatures.predicates.size()) {
  made_->pool = std::move(folded.pool);
  for (FoldedSignatures::Left& left : folded.left) {
    made_->members.push_back({left.rule, left.condition, std::move(left.filters)});
  }
  std::map<FieldId, std::vector<PredicateId>> by_field;
  std::vector<bool> seen(made_->pool.size());
  for (const SignatureClass::Member& member : made_->members) {
    CollectPredicates(made_->pool, member.condition, seen, by_field, signatures.predicates);
    for (const FilterUse& use : member.filters) {
      CollectPredicates(made_->pool, use.body, seen, by_field, signatures.predicates);
    }
  }
  for (auto& [field, ids] : by_field) AddField(signatures, field, ids);
  made_->predicate_count = static_cast<std::uint32_t>(numbered_.size());
  for (std::size_t plan = 0; plan < made_->plans.size(); ++plan) order_.push_back(plan);
  std::stable_sort(order_.begin(), order_.end(), [this](std::size_t a, std::size_t b) {
    return LiteralsOf(made_->plans[a]).size() > LiteralsOf(made_->plans[b]).size();
  });
}

void ClassMaking::AddField(const Signatures& signatures, FieldId field,
                           std::vector<PredicateId>& ids) {
  std::sort(ids.begin(), ids.end());
  const auto first_lazy = std::stable_partition(
      ids.begin(), ids.end(), [&](PredicateId id) { return !signatures.predicates[id].lazy(); });
  FieldPlan plan;
  plan.field = field;
  plan.first = static_cast<PredicateId>(numbered_.size());
  std::unordered_map<std::string, PredicateId> parts;  // texts that are looked for anywhere
  const auto add = [&](const Predicate& predicate) {
    const auto number = static_cast<PredicateId>(numbered_.size());
    numbered_.push_back(&predicate);
    made_->plan_of.push_back(static_cast<std::uint32_t>(made_->plans.size()));
    if (predicate.lazy()) return number;
    if (predicate.kind == PredicateKind::kNull) plan.null = number;
    if (predicate.kind == PredicateKind::kPresent) plan.present = number;
    if (predicate.kind == PredicateKind::kExists) plan.exists = number;
    // Not one that bytes which are no UTF-8 hold in another spelling, as of a Kelvin sign.
    if (predicate.kind == PredicateKind::kContains && !predicate.cased &&
        predicate.text == predicate.bytes_text) {
      parts.emplace(predicate.text, number);
    }
    return number;
  };
  const auto place = [&](PredicateId id) {
    targets_[id] = {add(signatures.predicates[id]), made_->plan_of.back()};
  };
  std::for_each(ids.begin(), first_lazy, place);
  for (auto id = first_lazy; id != ids.end(); ++id) {
    const LazyPredicate& lazy = signatures.lazy[signatures.lazy_index[*id]];
    plan.lazy.push_back(&lazy);
    std::vector<PredicateId>& needed = plan.needed.emplace_back();
    for (const std::string& text : lazy.required()) {
      const auto known = parts.find(text);
      if (known == parts.end()) added_.push_back(PartOf(field, text));
      needed.push_back(known == parts.end() ? add(added_.back()) : known->second);
    }
  }
  plan.first_lazy = static_cast<PredicateId>(numbered_.size());
  std::for_each(first_lazy, ids.end(), place);
  made_->plans.push_back(std::move(plan));
  compiled_.emplace_back();
}

PredicateRefs ClassMaking::LiteralsOf(const FieldPlan& plan) const {
  return PredicateRefs(numbered_).subspan(plan.first, plan.first_lazy - plan.first);
}

void ClassMaking::CompileFields() {
  const auto compile = [this](std::size_t plan) {
    std::call_once(compiled_[plan], [&] { Compile(made_->plans[plan]); });
  };
  for (std::size_t at = next_++; at < order_.size(); at = next_++) compile(order_[at]);
  for (const std::size_t plan : order_) compile(plan);  // waits for those that others took
}

void ClassMaking::Compile(FieldPlan& plan) {
  const PredicateRefs literals = LiteralsOf(plan);
  Result<FieldDatabase> database = FieldDatabase::Create(literals, plan.first, cache_);
  FAULTLINE_CHECK(database.has_value());  // every expression was compiled before; memory is left
  plan.literals = std::move(*database);
  if (plan.field == kKeywordField && plan.lazy.empty()) {
    auto cover = KeywordCover::Create(literals, cache_);
    FAULTLINE_CHECK(cover.has_value());
    plan.cover = std::move(*cover);
  }
}

std::unique_ptr<const SignatureClass> ClassMaking::Finish() {
  made_->pool.Seal(targets_);
  WitnessFinder finder(*made_, numbered_);
  for (const SignatureClass::Member& member : made_->members) {
    made_->witnesses.Add(finder.Of(member.condition), made_->plan_of);
  }
  for (const Predicate* const predicate : numbered_) made_->clues.push_back(ClueOf(*predicate));
  FreeMemory(targets_);
  FreeMemory(numbered_);
  added_.clear();
  return std::move(made_);
}

}  // namespace faultline
