// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "matcher/signature/hs_handles.h"
#include "matcher/signature/predicate.h"

namespace faultline {

// Tells by one scan of a record's bytes, as they stand, that none of its leaves can hold a keyword:
// leaves need not be looked at one by one.
//
// It looks for a piece of each keyword that JSON spells in one way only (no backslash, quote, slash
// or letter beyond ASCII in it), and for the spellings that could hide one: \u escapes and the two
// code points beyond ASCII that fold to ASCII letters.
//
// Threads    Immutable; the scratch is the caller's.
class KeywordCover {
 public:
  // Null where some keyword has no such piece of at least three bytes.
  // Requires: literal predicates only.
  [[nodiscard]] static Result<std::unique_ptr<const KeywordCover>> Create(
      const std::vector<Predicate>& keywords);

  [[nodiscard]] Result<void> Prepare(HsScratch& scratch) const;
  // False: no leaf of `record` holds any of the keywords.
  [[nodiscard]] bool MayHold(std::string_view record, hs_scratch_t* scratch) const noexcept;

 private:
  HsDatabase database_;  // never null
};

}  // namespace faultline
