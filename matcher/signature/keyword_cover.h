// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "matcher/event/escapes.h"
#include "matcher/event/event.h"
#include "matcher/signature/database_cache.h"
#include "matcher/signature/hs_handles.h"
#include "matcher/signature/piece_sieve.h"
#include "matcher/signature/predicate.h"
#include "matcher/signature/text_arena.h"

namespace faultline {

// Tells by one scan of an event's bytes, as they stand, that none of its leaves can hold a keyword:
// leaves need not be looked at one by one.
//
// It looks for few rare pieces, of which each keyword holds one, that JSON spells in one way only
// where nothing hides ASCII (Event::hidden_ascii): no backslash, quote, slash or letter beyond ASCII
// in them. An event that hides what pieces are made of has its escapes resolved first, all at once; a
// writer that spells < and & as \u003c and \u0026 seldom does. Where three pieces are enough, a doubled
// sign as `::` among them for many longer ones, these are looked for first (PieceSieve).
//
// Threads    Immutable; arena and scratch are the caller's.
class KeywordCover {
 public:
  // Null where some keyword has no such piece of at least three bytes.
  // Requires: literal predicates only.
  [[nodiscard]] static Result<std::unique_ptr<const KeywordCover>> Create(PredicateRefs keywords,
                                                                          DatabaseCache* cache);

  [[nodiscard]] Result<void> Prepare(HsScratch& scratch) const;
  // False: no leaf of `event` holds any of the keywords. Requires: its texts are valid UTF-8.
  [[nodiscard]] bool MayHold(const Event& event, TextArena& arena,
                             hs_scratch_t* scratch) const noexcept;

 private:
  AsciiSet letters_;                 // of all pieces, folded
  std::optional<PieceSieve> sieve_;  // absent: more than it takes
  HsDatabase database_;              // never null
};

}  // namespace faultline
