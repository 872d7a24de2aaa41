// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "matcher/event/event.h"
#include "matcher/signature/database_cache.h"
#include "matcher/signature/end_table.h"
#include "matcher/signature/exact_table.h"
#include "matcher/signature/gram_table.h"
#include "matcher/signature/hs_handles.h"
#include "matcher/signature/pair_table.h"
#include "matcher/signature/predicate.h"
#include "matcher/signature/short_table.h"
#include "matcher/signature/text_view.h"
#include "matcher/signature/truth.h"

namespace faultline {

// All literal questions about one field, answered by one scan of a value: exact texts and numbers
// by hash, "name=value" by the value, ends by the last part of a path, what has one or two bytes by a
// table; the rest by four bytes of each in short texts and where there are thousands, else by
// Hyperscan's literal matcher; few beginnings and ends alone one by one.
//
// Place      value of a field -> [FieldDatabase] -> Truth.
// Case       Caseless literals are compared folded, cased ones raw. On text that is not valid UTF-8 the
//            few literals whose folding is not ASCII's are compared one by one.
// Beyond     Literals that hold other than ASCII are compiled when the first text comes that may hold
//            one: Windows rules know thousands of emoji, and most values are ASCII.
// Threads    Immutable after Create but for these, which any thread may ask for; the scratch is the
//            caller's.
// Errors     Create fails when Hyperscan refuses: the machine or we are at fault, never a rule.
class FieldDatabase {
 public:
  // Answers `predicates[i]` under the number `first + i`; lazy ones, kNull and kPresent are left
  // out.
  [[nodiscard]] static Result<FieldDatabase> Create(PredicateRefs predicates, PredicateId first,
                                                    DatabaseCache* cache);

  // Makes `scratch` large enough for this database and texts in ASCII.
  [[nodiscard]] Result<void> Prepare(HsScratch& scratch) const;
  // What else waits for the first text beyond ASCII.
  void CompileBeyondAscii() const;

  // Sets what holds for this value. `scratch` may grow; `number` is a buffer whose capacity is kept.
  void Scan(const TextView& text, ValueKind kind, HsScratch& scratch, std::string& number,
            Truth& truth) const noexcept;

 private:
  // What a found literal means.
  struct Meaning {
    PredicateId id = kNoPredicate;
    std::uint32_t size = 0;  // of the literal
    PredicateKind kind = PredicateKind::kContains;
    bool text_only = false;  // on bytes it is asked by itself, see BytesPredicate
    bool more = false;       // the next one belongs to the same literal
  };
  struct Literals {
    std::map<std::string, std::vector<Meaning>> texts;  // used while building
    std::vector<Meaning> meanings;                      // a literal's number is that of its first
    EndTable ends;
    PairTable pairs;
    ShortTable shorts;
    GramTable grams;                                           // all longer ones
    std::vector<std::pair<std::string, std::uint32_t>> edges;  // beginnings and ends: number
    HsDatabase database;  // those of `grams` for long texts; null where they are many, or none
  };
  // A caseless predicate whose ASCII folding is not its simple folding.
  struct BytesPredicate {
    PredicateKind kind;
    std::string text;  // ASCII folding of what the rule says
    PredicateId id;
  };
  // Literals that texts in ASCII cannot hold.
  struct Beyond {
    Literals folded, cased;
    DatabaseCache* cache;  // may be null
    std::once_flag compiled;
  };
  struct Scanned;  // a text while its literals are found

  void Add(const Predicate& predicate, PredicateId id);
  [[nodiscard]] static std::uint32_t Number(std::span<const Meaning> meanings, Literals& literals);
  static void TakeEnds(Literals& literals);
  [[nodiscard]] static Result<void> Compile(Literals& literals, DatabaseCache* cache);
  static void ScanLiterals(const Literals& literals, std::string_view text, bool valid_utf8,
                           hs_scratch_t* scratch, Truth& truth) noexcept;
  void ScanBytes(std::string_view folded, Truth& truth) const noexcept;

  ExactTable folded_exact_, cased_exact_, numbers_;
  Literals folded_, cased_;         // in ASCII
  std::unique_ptr<Beyond> beyond_;  // null: none
  std::vector<BytesPredicate> bytes_;
};

}  // namespace faultline
