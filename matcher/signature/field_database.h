// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "matcher/event/event.h"
#include "matcher/signature/hs_handles.h"
#include "matcher/signature/predicate.h"
#include "matcher/signature/text_view.h"
#include "matcher/signature/truth.h"

namespace faultline {

// All literal questions about one field, answered by one scan of a value: exact texts and numbers
// by hash, substrings by Hyperscan's literal matcher with the offsets checked in its callback.
//
// Place      value of a field -> [FieldDatabase] -> Truth.
// Case       Caseless literals are compared folded, cased ones raw. On text that is not valid UTF-8
// the
//            few literals whose folding is not ASCII's are compared one by one.
// Threads    Immutable after Create; the scratch is the caller's.
// Errors     Create fails when Hyperscan refuses: the machine or we are at fault, never a rule.
class FieldDatabase {
 public:
  // Answers `predicates[i]` under the number `first + i`; lazy ones, kNull and kPresent are left
  // out.
  [[nodiscard]] static Result<FieldDatabase> Create(const std::vector<Predicate>& predicates,
                                                    PredicateId first);

  // Makes `scratch` large enough for this database.
  [[nodiscard]] Result<void> Prepare(HsScratch& scratch) const;

  // Sets what holds for this value. `number` is a buffer whose capacity is kept.
  void Scan(const TextView& text, ValueKind kind, hs_scratch_t* scratch, std::string& number,
            Truth& truth) const noexcept;

 private:
  struct Hasher {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  // What an equal text or a found substring means.
  struct Meaning {
    PredicateKind kind = PredicateKind::kExact;
    PredicateId id = kNoPredicate;
    bool text_only = false;  // on bytes it is asked by itself, see BytesPredicate
  };
  using Exact = std::unordered_multimap<std::string, Meaning, Hasher, std::equal_to<>>;

  struct Literal {
    std::string text;
    std::vector<Meaning> meanings;
  };
  struct Literals {
    std::vector<Literal> all;
    std::unordered_map<std::string, std::size_t> places;  // text -> index in `all`
    HsDatabase database;                                  // null without literals
  };
  // A caseless predicate whose ASCII folding is not its simple folding.
  struct BytesPredicate {
    PredicateKind kind;
    std::string text;  // ASCII folding of what the rule says
    PredicateId id;
  };

  void Add(const Predicate& predicate, PredicateId id);
  [[nodiscard]] static Result<void> Compile(Literals& literals);
  static void LookUp(const Exact& exact, std::string_view text, bool valid_utf8,
                     Truth& truth) noexcept;
  static void ScanLiterals(const Literals& literals, std::string_view text, bool valid_utf8,
                           hs_scratch_t* scratch, Truth& truth) noexcept;
  void ScanBytes(std::string_view folded, Truth& truth) const noexcept;

  Exact folded_exact_, cased_exact_, numbers_;
  Literals folded_, cased_;
  std::vector<BytesPredicate> bytes_;
};

}  // namespace faultline
