// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/decimal.h"
#include "matcher/signature/field_ref.h"
#include "matcher/signature/glob.h"
#include "matcher/signature/regex.h"
#include "matcher/signature/text_view.h"

namespace faultline {

// `gt` and its like: a number in a certain order to the rule's.
class ComparisonTest {
 public:
  // Requires: the number is decimal text.
  explicit ComparisonTest(const sigma::Comparison& comparison);
  [[nodiscard]] bool Holds(std::string_view text) const noexcept;

 private:
  sigma::Order order_;
  std::string text_;  // the rule's number; read anew for each value, which costs a few nanoseconds
};

// A predicate that costs too much to ask of every value: asked when a condition comes to it, once
// per event.
//
// Threads    Immutable; regular expressions are shared with other rules.
class LazyPredicate {
 public:
  using Test = std::variant<Glob, std::shared_ptr<const Regex>, sigma::Network, ComparisonTest,
                            sigma::TimePart, FieldRefTest>;

  explicit LazyPredicate(Test test, std::vector<std::string> required = {})
      : test_(std::move(test)), required_(std::move(required)) {}

  void Compile() const;  // what else waits for the first Prepare
  // Makes `scratch` large enough for Holds.
  [[nodiscard]] Result<void> Prepare(RegexScratch& scratch) const;
  // Texts of which a value must hold one, folded, for the test to hold; none: unknown.
  [[nodiscard]] const std::vector<std::string>& required() const noexcept { return required_; }
  // The test that asks for two fields at once; null for all others.
  [[nodiscard]] const FieldRefTest* field_ref() const noexcept {
    return std::get_if<FieldRefTest>(&test_);
  }
  // Requires: no field_ref().
  [[nodiscard]] bool Holds(const TextView& text, RegexScratch& scratch) const noexcept;

 private:
  Test test_;
  std::vector<std::string> required_;
};

}  // namespace faultline
