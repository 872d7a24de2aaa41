// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "matcher/event/fields.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/truth.h"

namespace faultline {

enum class PredicateKind : std::uint8_t {
  kNull,      // absent, or some value is JSON null
  kPresent,   // some value is not null
  kExact,     // the rest: some scalar value ...
  kNumber,    // ... is this number, in canonical spelling
  kContains,  //
  kStartsWith,
  kEndsWith,
  kGlob,  // the last two are lazy: asked for one by one
  kRegex
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
  sigma::Pattern pattern;  // kGlob
  sigma::Regex regex;      // kRegex

  [[nodiscard]] bool lazy() const noexcept { return kind >= PredicateKind::kGlob; }
  // Equal keys are equal questions.
  [[nodiscard]] std::string Key() const;
};

// What `value` asks of `field`; a keyword is a substring of a leaf.
[[nodiscard]] Predicate MakePredicate(FieldId field, const sigma::Value& value, bool cased);

// Gives each distinct predicate one number, in order of first use.
class PredicateTable {
 public:
  [[nodiscard]] PredicateId Intern(Predicate predicate);
  [[nodiscard]] const std::vector<Predicate>& predicates() const noexcept { return predicates_; }

 private:
  std::vector<Predicate> predicates_;
  std::unordered_map<std::string, PredicateId> ids_;  // by Key()
};

}  // namespace faultline
