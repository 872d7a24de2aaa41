// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// A filter as written, with the rules that it names.
struct FilterRule {
  struct Reference {
    std::string rule;  // id or name
    Place place;
  };
  Filter filter;
  std::vector<Reference> rules;  // empty: any
};

// Reads a document with a `filter:` map: its log source, rules, searches and condition.
[[nodiscard]] FilterRule ReadFilterRule(const yaml::Node& document, Reading& reading);

}  // namespace faultline::sigma
