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
  // All outlive the compiler. What no input of `inputs` (declared log sources) can give is left out.
  SignatureCompiler(FieldTable::Builder* fields, RegexStore* regexes,
                    const std::vector<sigma::LogSource>* inputs)
      : fields_(fields), regexes_(regexes), inputs_(inputs) {}

  // Requires: every regular expression of `rule` compiles.
  void Add(std::uint32_t index, const sigma::DetectionRule& rule);

  // Numbers the predicates by field and compiles the databases.
  [[nodiscard]] Result<void> Finish();

  // After Finish.
  ExprPool pool;
  std::vector<SignatureClass> classes;  // in order of first use
  std::vector<FieldPlan> plans;
  std::uint32_t truth_bits = 0;

 private:
  using Renames = sigma::Renames;

  void AddSignature(std::uint32_t rule, const SignatureClass& like, ExprId body);
  [[nodiscard]] ExprId ItemExpr(const sigma::Item& item, const Renames& renames);
  [[nodiscard]] ExprId ItemsExpr(const std::vector<sigma::Item>& items, const Renames& renames);
  [[nodiscard]] ExprId SearchExpr(const sigma::Search& search, const Renames& renames);
  [[nodiscard]] ExprId ConditionExpr(const sigma::Condition& condition,
                                     const std::vector<ExprId>& searches);
  [[nodiscard]] ExprId BodyExpr(const sigma::DetectionRule& rule, const Renames& renames);
  [[nodiscard]] Result<FieldPlan> Plan(const std::vector<PredicateId>& members,
                                       std::vector<ExprPool::Target>& targets);

  FieldTable::Builder* fields_;
  RegexStore* regexes_;
  const std::vector<sigma::LogSource>* inputs_;
  PredicateTable predicates_;
  std::map<std::string, std::size_t> class_of_;  // gate and log sources -> index in `classes`
};

}  // namespace faultline
