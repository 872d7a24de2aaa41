// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"

namespace faultline::sigma {

// Something about an accepted rule that its author may not have meant. It changes nothing.
struct Finding {
  std::string rule;  // its title, name or id
  // What kind, in lower case with hyphens; kept, since scripts and suppressions name it:
  //   alias-unused            an alias of a correlation that no `group-by` names
  //   all-of-one              `all` with a single value
  //   base64offset-equals     `base64offset` without `contains`
  //   correlation-ungrouped   a correlation without `group-by`
  //   duplicate-value         the same value twice in a list
  //   filter-narrows          a filter whose condition has no `not`
  //   filter-without-target   a filter, or one of its rules, that applies to nothing
  //   id-no-uuid              an id that is no UUID
  //   keyword-not-indexed     keywords so short that every event is searched for them
  //   misspelt-name           a name in an expression that is nearly one the correlation has
  //   misspelt-field          a field that the log source has under nearly that name
  //   missing-id, missing-level, missing-status
  //   time-out-of-range       a time part that no time has
  //   span-beyond-timespan    a span of a step that is longer than the timespan
  //   unknown-attribute       an attribute that looks like one of Sigma's
  //   unused-register         a register that no expression reads
  //   unused-setting          a pack or a lookup table of the configuration that no rule needs
  //   unused-search           a search that no condition names
  //   wildcard-for-modifier   `*x*`, `x*` or `*x` where a modifier says it
  std::string code;
  std::string message;  // lower case, no full stop
  Place place;
  std::string remedy;  // what to write instead; may be empty
};

class Reading;
struct CorrelationRule;
struct DetectionRule;
struct Filter;

// Notes what can be seen from a rule as it was read.
void Lint(const DetectionRule& rule, Reading& reading);
void Lint(const Filter& filter, const Place& place, Reading& reading);
void Lint(const CorrelationRule& rule, const Place& place, Reading& reading);

}  // namespace faultline::sigma
