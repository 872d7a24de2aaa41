// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "matcher/event/escapes.h"
#include "matcher/signature/piece_sieve.h"
#include "matcher/signature/predicate.h"

namespace faultline {

// What must stand in a long value, as JSON spells it, for a literal predicate to hold on it.
struct Clue {
  enum class Where : std::uint8_t {
    kUnknown,   // nothing is known
    kNever,     // no long value can hold it
    kAnywhere,  // `bytes` anywhere
    kFront,     // ... at its front
    kBack       // ... at its end
  };
  Where where = Where::kUnknown;
  std::uint8_t size = 0;
  std::array<char, 8>
      bytes{};  // the first `size`, in lower case, of which JSON spells each one way

  [[nodiscard]] std::string_view text() const noexcept { return {bytes.data(), size}; }
};
[[nodiscard]] Clue ClueOf(const Predicate& predicate);

// Tells of a long value, as it stands in the payload, that none of a few literal predicates holds on
// it: it need neither be known to a memo nor decoded and scanned. It errs to one side only.
//
// Place      value -> [ValueSieve] -> FieldMemo, for fields in which signatures wait for few literals.
// Threads    Immutable.
class ValueSieve {
 public:
  static constexpr std::size_t kShortestValue = 128;  // bytes as they stand in the payload

  // Nothing where too many different pieces are looked for, or one of the clues is unknown.
  [[nodiscard]] static std::optional<ValueSieve> Make(std::span<const Clue> clues);

  // What may be hidden in no value that it is asked of (Event::hidden_ascii).
  [[nodiscard]] const AsciiSet& letters() const noexcept { return letters_; }
  // False: none of the predicates holds. Requires: a string of kShortestValue bytes or more, valid
  // UTF-8, in which nothing of letters() is hidden.
  [[nodiscard]] bool MayHold(std::string_view raw) const noexcept;

 private:
  // Eight bytes at the front or the end of a value, of which some count; letters in lower case.
  struct Edge {
    std::uint64_t bytes = 0, counting = 0;
  };

  std::optional<PieceSieve> anywhere_;
  std::vector<Edge> fronts_, backs_;
  AsciiSet letters_;
};

}  // namespace faultline
