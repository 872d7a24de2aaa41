// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "matcher/event/fields.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/expression.h"
#include "matcher/signature/field_database.h"
#include "matcher/signature/lazy.h"
#include "matcher/signature/predicate.h"

namespace faultline {

// A rule as compiled for one meaning of its log source.
struct Signature {
  std::uint32_t rule = 0;  // index into RuleSet::detections()
  ExprId body = 0;         // its conditions, with the field names of that log
  bool raw = false;        // asks for keywords only: can be put to bytes that are no JSON
};

// The signatures of one log source that share what it asks of an event; asked once for all of them.
struct SignatureClass {
  ExprId gate = 0;
  sigma::LogSource source;    // the rules'; inputs that declare a conflicting one are left out
  sigma::LogSource declared;  // not empty: only for inputs whose declared log source lies in it
  std::vector<Signature> signatures;
};

// Events of an input that declares `input` can be of the class.
[[nodiscard]] bool AppliesTo(const SignatureClass& cls, const sigma::LogSource& input) noexcept;

// What is asked of one field: numbers of predicates in a row, the lazy ones last.
struct FieldPlan {
  FieldId field = 0;      // kKeywordField: every scalar leaf
  PredicateId first = 0;  // a multiple of Truth::kWordBits
  PredicateId first_lazy = 0;
  std::uint32_t count = 0;
  PredicateId null = kNoPredicate;
  PredicateId present = kNoPredicate;
  FieldDatabase literals;
  std::vector<LazyPredicate> lazy;  // number `first_lazy + i`
};

}  // namespace faultline
