// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "matcher/signature/database_cache.h"
#include "matcher/signature/hs_handles.h"
#include "matcher/signature/predicate.h"

namespace faultline {

// Tells by one scan of a record's bytes, as they stand, that none of its leaves can hold a keyword:
// leaves need not be looked at one by one.
//
// It looks for few rare pieces, of which each keyword holds one, that JSON spells in one way only: no
// backslash, quote, slash or letter beyond ASCII in them. What hides ASCII (Event::hides_ascii) is
// the caller's to know. Where a doubled sign as `::` stands for many longer pieces it is looked for
// first: Hyperscan is twice as fast with up to eight literals as with more.
//
// Threads    Immutable; the scratch is the caller's.
class KeywordCover {
 public:
  // Null where some keyword has no such piece of at least three bytes.
  // Requires: literal predicates only.
  [[nodiscard]] static Result<std::unique_ptr<const KeywordCover>> Create(PredicateRefs keywords,
                                                                          DatabaseCache* cache);

  [[nodiscard]] Result<void> Prepare(HsScratch& scratch) const;
  // False: no leaf of `record` holds any of the keywords. Requires: nothing in it hides ASCII.
  [[nodiscard]] bool MayHold(std::string_view record, hs_scratch_t* scratch) const noexcept;

 private:
  HsDatabase coarse_;  // null: would not be smaller
  HsDatabase fine_;    // never null
};

}  // namespace faultline
