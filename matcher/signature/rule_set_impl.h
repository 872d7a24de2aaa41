// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "matcher/event/fields.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/capture.h"
#include "matcher/signature/class_table.h"
#include "matcher/signature/rule_set.h"

namespace faultline {

// What the Matcher reads of a RuleSet. Immutable after Compile, but for the classes.
struct RuleSet::Impl {
  sigma::RuleCollection rules;
  Options options;
  FieldTable fields;
  std::unique_ptr<ClassTable> classes;                 // never null; grows as events are met
  std::vector<std::vector<CompiledCapture>> captures;  // per detection rule
  std::uint32_t max_groups = 0;                        // of all regular expressions
  std::string revision;
};

}  // namespace faultline
