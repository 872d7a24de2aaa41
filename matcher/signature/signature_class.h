// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/hash.h"
#include "matcher/event/fields.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/database_cache.h"
#include "matcher/signature/expression.h"
#include "matcher/signature/field_database.h"
#include "matcher/signature/keyword_cover.h"
#include "matcher/signature/lazy.h"
#include "matcher/signature/predicate.h"
#include "matcher/signature/value_sieve.h"
#include "matcher/signature/witness_sets.h"

namespace faultline {

// A filter as one signature asks it: with the field names of its log.
struct FilterUse {
  std::uint32_t filter = 0;  // index into RuleSet::filters()
  ExprId body = 0;           // false: the event is taken out
};

// A rule as compiled for one meaning of its log source: what must hold is `gate` and `body`.
struct Signature {
  std::uint32_t rule = 0;          // index into RuleSet::detections()
  ExprId gate = 0;                 // what its log source asks of an event
  ExprId body = 0;                 // its conditions, with the field names of that log
  bool raw = false;                // asks for keywords only: can be put to bytes that are no JSON
  sigma::LogSource source;         // the rule's; inputs that declare a conflicting one are left out
  sigma::LogSource declared;       // not empty: only for inputs whose declared one lies in it
  std::vector<FilterUse> filters;  // must hold too
};

// Events of an input that declares `input` can be what the signature asks for.
[[nodiscard]] bool AppliesTo(const Signature& signature, const sigma::LogSource& input) noexcept;

// All signatures over one pool: what classes are made from.
struct Signatures {
  ExprPool pool;  // predicates by their index in `predicates`
  std::vector<Predicate> predicates;
  std::vector<LazyPredicate> lazy;        // of the lazy predicates
  std::vector<std::uint32_t> lazy_index;  // per predicate: where in `lazy`
  std::vector<Signature> all;
};

// What is asked of one field: numbers of predicates in a row, the lazy ones last.
struct FieldPlan {
  FieldId field = 0;  // kKeywordField: every scalar leaf
  PredicateId first = 0;
  PredicateId first_lazy = 0;
  PredicateId null = kNoPredicate;
  PredicateId present = kNoPredicate;
  PredicateId exists = kNoPredicate;
  FieldDatabase literals;
  std::unique_ptr<const KeywordCover> cover;  // kKeywordField with literals only
  std::vector<const LazyPredicate*> lazy;     // number `first_lazy + i`
  // Per lazy one literals of which it needs one; none: unknown. They stand before `first_lazy`.
  std::vector<std::vector<PredicateId>> needed;
};

// What is left of the signatures once some predicates' answers are known.
struct FoldedSignatures {
  struct Left {
    std::uint32_t rule = 0;
    ExprId condition = 0;  // never a constant 0
    std::vector<FilterUse> filters;
  };
  ExprPool pool;  // only what is asked for
  std::vector<Left> left;
};
// Per predicate 0, 1 or ExprFolder::kUnknown; empty: nothing is known.
using Answers = std::vector<std::uint8_t>;
// For events of an input that declares `input`. `raw_only`: the signatures that can be put to bytes
// that are no JSON.
[[nodiscard]] FoldedSignatures FoldSignatures(const Signatures& signatures, const Answers& answers,
                                              const sigma::LogSource& input, bool raw_only);
// Equal for what evaluates equally.
[[nodiscard]] Digest DigestOf(const FoldedSignatures& folded);

// The signatures that events of one kind can still match, once the fields that tell kinds apart
// are known: those fields' predicates are folded away, and signatures that cannot hold are gone.
//
// A signature is looked at only when one of its WITNESSES was seen: literals of which at least one
// must hold for it to hold. Each has several such sets to choose from; one without any is always
// looked at.
//
// Place      Signatures + answers of the routing predicates -> [SignatureClass] -> Matcher.  Made by
//            ClassMaking.
// Threads    Immutable; shared. Outlived by the Signatures.
// Memory     Its databases and expressions; a few KB for most, some MB for process creations.
class SignatureClass {
 public:
  struct Member {
    std::uint32_t rule = 0;
    ExprId condition = 0;
    std::vector<FilterUse> filters;
  };

  // Has Hyperscan compile the expressions and what only texts beyond ASCII can hold, which else waits
  // until one is asked, or such a text comes.
  void CompileRest() const;

  ExprPool pool;
  std::vector<Member> members;
  WitnessSets witnesses;  // of the members
  std::vector<FieldPlan> plans;
  std::vector<std::uint32_t> plan_of;  // per predicate
  std::vector<Clue> clues;             // per predicate
  std::uint32_t predicate_count = 0;
};

// A class in the making, by all who need it: each takes the next of its fields.
//
// Threads    Any, but for the constructor and Finish().
// Ownership  Borrows signatures and cache, which outlive the class.
// Errors     Hyperscan without memory: our process ends, as with any allocation.
class ClassMaking {
 public:
  // `cache` may be null.
  ClassMaking(const Signatures& signatures, FoldedSignatures folded, DatabaseCache* cache);

  // Returns when the databases of all fields are there, whoever made them.
  void CompileFields();
  // Requires: CompileFields() has returned. Once.
  [[nodiscard]] std::unique_ptr<const SignatureClass> Finish();

 private:
  void AddField(const Signatures& signatures, FieldId field, std::vector<PredicateId>& ids);
  // What is asked of a plan's field, but for the lazy ones.
  [[nodiscard]] PredicateRefs LiteralsOf(const FieldPlan& plan) const;
  void Compile(FieldPlan& plan);

  DatabaseCache* cache_;                  // may be null
  std::unique_ptr<SignatureClass> made_;  // null after Finish()
  std::deque<std::once_flag> compiled_;   // by plan
  std::vector<std::size_t> order_;        // of the plans, what takes longest first
  std::atomic<std::size_t> next_{0};      // of `order_`; whoever takes it compiles it
  std::vector<ExprPool::Target> targets_;
  std::vector<const Predicate*> numbered_;  // by their number in the class
  std::deque<Predicate> added_;             // what lazy ones need
};

}  // namespace faultline
