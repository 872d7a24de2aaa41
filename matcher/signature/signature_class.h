// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "matcher/event/fields.h"
#include "matcher/signature/expression.h"
#include "matcher/signature/field_database.h"
#include "matcher/signature/lazy.h"
#include "matcher/signature/predicate.h"

namespace faultline {

// A rule as compiled for one meaning of its log source.
struct Signature {
  std::uint32_t rule = 0;          // index into RuleSet::detections()
  ExprId body = 0;                 // its conditions, with the field names of that log
  bool raw = false;                // asks for keywords only: can be put to bytes that are no JSON
  std::uint32_t first_filter = 0;  // in RuleSet::Impl::filter_uses
  std::uint32_t filter_count = 0;
};

// A filter as one signature asks it: with the field names of its log.
struct FilterUse {
  std::uint32_t filter = 0;  // index into RuleSet::filters()
  ExprId body = 0;           // false: the event is taken out
};

// The signatures that share what their log source asks of an event; asked once for all of them.
struct SignatureClass {
  ExprId gate = 0;
  std::vector<Signature> signatures;
};

// What is asked of one field: numbers of predicates in a row, the lazy ones last.
struct FieldPlan {
  FieldId field = 0;      // kKeywordField: every scalar leaf
  PredicateId first = 0;  // a multiple of Truth::kWordBits
  PredicateId first_lazy = 0;
  std::uint32_t count = 0;
  PredicateId null = kNoPredicate;
  PredicateId present = kNoPredicate;
  PredicateId exists = kNoPredicate;
  FieldDatabase literals;
  std::vector<LazyPredicate> lazy;  // number `first_lazy + i`
};

}  // namespace faultline
