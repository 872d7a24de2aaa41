// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <variant>

#include "base/result.h"
#include "matcher/signature/glob.h"
#include "matcher/signature/predicate.h"
#include "matcher/signature/regex.h"

namespace faultline {

// A predicate that costs too much to ask of every value: asked when a condition comes to it, once
// per event.
//
// Threads    Immutable; regular expressions are shared with other rules.
class LazyPredicate {
 public:
  explicit LazyPredicate(Glob glob) : test_(std::move(glob)) {}
  explicit LazyPredicate(std::shared_ptr<const Regex> regex) : test_(std::move(regex)) {}

  // Makes `scratch` large enough for Holds.
  [[nodiscard]] Result<void> Prepare(RegexScratch& scratch) const {
    const auto* regex = std::get_if<std::shared_ptr<const Regex>>(&test_);
    return regex == nullptr ? Result<void>{} : (*regex)->Prepare(scratch);
  }
  [[nodiscard]] bool Holds(const TextView& text, RegexScratch& scratch) const noexcept {
    if (const Glob* glob = std::get_if<Glob>(&test_)) return glob->Matches(text);
    return (*std::get_if<std::shared_ptr<const Regex>>(&test_))->Holds(text, scratch);
  }

 private:
  std::variant<Glob, std::shared_ptr<const Regex>> test_;
};

}  // namespace faultline
