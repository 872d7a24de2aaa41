// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "matcher/event/fields.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/expression.h"
#include "matcher/signature/predicate.h"
#include "matcher/signature/regex.h"
#include "matcher/signature/signature_class.h"

namespace faultline {

// Turns rules into signatures: selections into predicates, conditions into expressions over them,
// log sources into gates.
//
// Place      sigma rules -> [SignatureCompiler] -> Signatures.  Used by RuleSet::Compile.
// Order      Add() each rule, then Finish() once.
class SignatureCompiler {
 public:
  // All outlive the compiler. What no input of `inputs` (declared log sources) can give is left out.
  SignatureCompiler(FieldTable::Builder* fields, RegexStore* regexes,
                    const std::vector<sigma::LogSource>* inputs)
      : fields_(fields), regexes_(regexes), inputs_(inputs) {}

  // Requires: every regular expression of `rule` and `filters` compiles.
  void Add(std::uint32_t index, const sigma::DetectionRule& rule,
           const std::vector<sigma::Filter>& filters);

  [[nodiscard]] Signatures Finish() &&;

 private:
  using Renames = sigma::Renames;

  void AddSignature(std::uint32_t index, Signature like, const sigma::DetectionRule& rule,
                    const std::vector<sigma::Filter>& filters, const Renames& renames);
  [[nodiscard]] ExprId AnyExpr(FieldId field, const std::vector<const sigma::Value*>& values,
                               bool cased, const Renames& renames);
  [[nodiscard]] ExprId ItemExpr(const sigma::Item& item, const Renames& renames);
  [[nodiscard]] ExprId ItemsExpr(const std::vector<sigma::Item>& items, const Renames& renames);
  [[nodiscard]] ExprId SearchExpr(const sigma::Search& search, const Renames& renames);
  [[nodiscard]] ExprId ConditionExpr(const sigma::Condition& condition,
                                     const std::vector<ExprId>& searches);
  [[nodiscard]] ExprId BodyExpr(const std::vector<sigma::Search>& searches,
                                const std::vector<sigma::Condition>& conditions,
                                const Renames& renames);
  [[nodiscard]] LazyPredicate MakeLazy(const Predicate& predicate);

  FieldTable::Builder* fields_;
  RegexStore* regexes_;
  const std::vector<sigma::LogSource>* inputs_;
  ExprPool pool_;
  PredicateTable predicates_;
  std::vector<Signature> all_;
};

}  // namespace faultline
