// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "matcher/event/fields.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/capture.h"
#include "matcher/signature/expression.h"
#include "matcher/signature/rule_set.h"
#include "matcher/signature/signature_class.h"

namespace faultline {

// What the Matcher reads of a RuleSet. Immutable after Compile.
struct RuleSet::Impl {
  sigma::RuleCollection rules;
  Options options;
  FieldTable fields;
  ExprPool pool;
  std::vector<SignatureClass> classes;
  std::vector<FilterUse> filter_uses;
  std::vector<FieldPlan> plans;
  std::uint32_t truth_bits = 0;
  std::vector<std::vector<CompiledCapture>> captures;  // per detection rule
  std::uint32_t max_groups = 0;                        // of all regular expressions
  bool needs_leaves = false;
  std::string revision;
};

}  // namespace faultline
