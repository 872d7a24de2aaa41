// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "matcher/event/fields.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/truth.h"

namespace faultline {

enum class PredicateKind : std::uint8_t {
  kNull,      // absent, or some value is JSON null
  kPresent,   // some value is not null
  kExists,    // some value is there, whatever it is
  kExact,     // the rest: some scalar value ...
  kNumber,    // ... is this number, in canonical spelling
  kContains,  //
  kStartsWith,
  kEndsWith,
  kGlob,  // from here on lazy: asked for one by one
  kRegex,
  kNetwork,     // ... is an address in this network
  kComparison,  // ... is a number in that order to this one
  kTimePart,    // ... is a time whose part stands so
  kFieldRef     // ... stands so to some scalar value of another field
};

// The field that stands for every scalar leaf.
inline constexpr FieldId kKeywordField = 0xfffffffe;

// One question about one field, the same for all rules that ask it.
struct Predicate {
  FieldId field = 0;
  PredicateKind kind = PredicateKind::kNull;
  bool cased = false;
  std::string text;        // literal kinds: folded unless cased; kNumber: canonical
  std::string bytes_text;  // literal kinds: the same for values that are not UTF-8, ASCII folding
  sigma::Value value;      // lazy kinds: what the rule says
  FieldId other = 0;       // kFieldRef

  [[nodiscard]] bool lazy() const noexcept { return kind >= PredicateKind::kGlob; }
  // Equal keys are equal questions.
  [[nodiscard]] std::string Key() const;
};

// What `value` asks of `field`; a keyword is a substring of a leaf. Exists asks whether the field
// is there; that it is wanted absent is the caller's to turn round. `other` is the field that a
// FieldRef names.
[[nodiscard]] Predicate MakePredicate(FieldId field, const sigma::Value& value, bool cased,
                                      FieldId other = 0);

// Of predicates of one field of which one is to hold: those that need not be asked, because they hold
// only where another one holds that looks for a part of their text.
[[nodiscard]] std::vector<bool> Redundant(const std::vector<Predicate>& any);

using PredicateRefs = std::span<const Predicate* const>;  // none null

// Gives each distinct predicate one number, in order of first use.
class PredicateTable {
 public:
  [[nodiscard]] PredicateId Intern(Predicate predicate);
  // All of them, by their numbers.
  [[nodiscard]] std::vector<Predicate> Finish() && { return std::move(predicates_); }

 private:
  std::vector<Predicate> predicates_;
  struct LowHalf {  // of a digest, which is as good as random
    std::size_t operator()(const Digest& digest) const noexcept { return digest.low; }
  };

  std::unordered_map<Digest, PredicateId, LowHalf> ids_;  // by DigestOf(Key())
};

}  // namespace faultline
