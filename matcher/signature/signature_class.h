// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "matcher/event/fields.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/database_cache.h"
#include "matcher/signature/expression.h"
#include "matcher/signature/field_database.h"
#include "matcher/signature/keyword_cover.h"
#include "matcher/signature/lazy.h"
#include "matcher/signature/predicate.h"

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
// Place      Signatures + answers of the routing predicates -> [SignatureClass] -> Matcher.
// Threads    Immutable; shared. Outlived by the Signatures.
// Memory     Its databases and expressions; a few KB for most, some MB for process creations.
class SignatureClass {
 public:
  using WitnessSet = std::vector<PredicateId>;
  struct Member {
    std::uint32_t rule = 0;
    ExprId condition = 0;
    std::vector<FilterUse> filters;
    std::vector<WitnessSet> witnesses;  // any one set will do; none: always looked at
  };

  [[nodiscard]] static Result<std::unique_ptr<const SignatureClass>> Compile(
      const Signatures& signatures, FoldedSignatures folded, DatabaseCache* cache);

  // Has Hyperscan compile the expressions, which else waits until one is asked.
  void CompileExpressions() const;

  ExprPool pool;
  std::vector<Member> members;
  std::vector<FieldPlan> plans;
  std::vector<std::uint32_t> plan_of;  // per predicate
  std::uint32_t predicate_count = 0;
};

}  // namespace faultline
