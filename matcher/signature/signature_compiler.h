// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
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
// log sources into the gates of classes.
//
// Place      sigma rules -> [SignatureCompiler] -> classes, plans.  Used by RuleSet::Compile.
// Order      Add() each rule, then Finish() once.
class SignatureCompiler {
 public:
  // Both outlive the compiler.
  SignatureCompiler(FieldTable::Builder* fields, RegexStore* regexes)
      : fields_(fields), regexes_(regexes) {}

  // Requires: every regular expression of `rule` and `filters` compiles.
  void Add(std::uint32_t index, const sigma::DetectionRule& rule,
           const std::vector<sigma::Filter>& filters);

  // Numbers the predicates by field and compiles the databases.
  [[nodiscard]] Result<void> Finish();

  // After Finish.
  ExprPool pool;
  std::vector<SignatureClass> classes;  // in order of first use
  std::vector<FilterUse> filter_uses;
  std::vector<FieldPlan> plans;
  std::uint32_t truth_bits = 0;

 private:
  using Renames = std::vector<std::pair<std::string, std::string>>;

  void AddSignature(std::uint32_t index, ExprId gate, const sigma::DetectionRule& rule,
                    const std::vector<sigma::Filter>& filters, const Renames& renames);
  [[nodiscard]] ExprId ValueExpr(FieldId field, const sigma::Value& value, bool cased,
                                 const Renames& renames);
  [[nodiscard]] ExprId ItemExpr(const sigma::Item& item, const Renames& renames);
  [[nodiscard]] ExprId ItemsExpr(const std::vector<sigma::Item>& items, const Renames& renames);
  [[nodiscard]] ExprId SearchExpr(const sigma::Search& search, const Renames& renames);
  [[nodiscard]] ExprId ConditionExpr(const sigma::Condition& condition,
                                     const std::vector<ExprId>& searches);
  [[nodiscard]] ExprId BodyExpr(const std::vector<sigma::Search>& searches,
                                const std::vector<sigma::Condition>& conditions,
                                const Renames& renames);
  [[nodiscard]] LazyPredicate MakeLazy(const Predicate& predicate);
  [[nodiscard]] Result<FieldPlan> Plan(FieldId field, const std::vector<PredicateId>& members,
                                       std::vector<ExprPool::Target>& targets);

  FieldTable::Builder* fields_;
  RegexStore* regexes_;
  PredicateTable predicates_;
  std::map<ExprId, std::size_t> class_of_;    // gate -> index in `classes`
  std::map<FieldId, std::uint32_t> plan_of_;  // filled by Finish
};

}  // namespace faultline
