// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "matcher/sigma/rule.h"
#include "tests/reference/field_places.h"

namespace faultline::reference {

// One value of a rule as a question about the values of a field. Strings are turned into regular
// expressions and left to PCRE2, whose caseless matching knows simple case folding by itself.
class ValueTest {
 public:
  // `keyword`: the value may stand anywhere in a leaf.
  ValueTest(const sigma::Value& value, bool cased, bool keyword);
  ~ValueTest();
  ValueTest(ValueTest&&) noexcept;

  // The field that a `fieldref` names; empty for all other values.
  [[nodiscard]] const std::string& other_field() const;
  // Requires: `values` are those of the field, `others` those of other_field(); empty when absent.
  [[nodiscard]] bool Holds(const FieldValues& values, const FieldValues& others = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace faultline::reference
