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

  // Requires: `values` are those of the field, empty when it is absent.
  [[nodiscard]] bool Holds(const FieldValues& values) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A decimal number as sign, digits and power of ten; equal numbers give equal texts. Empty for what
// is no decimal number.
[[nodiscard]] std::string DecimalOf(const std::string& text);

}  // namespace faultline::reference
