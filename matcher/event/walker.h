// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/event/event.h"

namespace faultline {

// Why a record is no event. The words are the dead letter's reason and a metric's label.
enum class WalkFault : std::uint8_t {
  kNone,
  kMalformed,  // "json": not JSON by its grammar, unclosed string, control character in a string
  kNotObject,  // "not_object": root scalar, or an element of a root array that is no object
  kTooDeep,    // "depth": nesting above max_depth
  kTooManyFields,  // "fields"
  kTooLarge,       // "size": above max_bytes; nothing was parsed
  kBadEscape       // "escape": only with strict_json
};
[[nodiscard]] std::string_view ToString(WalkFault fault) noexcept;

// Walks simdjson's stage-1 structural index of a payload once: checks the grammar and finds the
// fields that the FieldTable asks for, in place.
//
// Place      record -> [Walker] -> Event.
// Bad input  robustness.md: invalid UTF-8, byte order mark, lone surrogates, big numbers are flagged
//            and evaluated; all else that simdjson's DOM refuses is a fault.
// Limits     depth 128, 4,096 object members, `max_bytes`.
// Memory     Grows to the largest record seen (4 bytes of index a byte); nothing per record after that.
//            What a payload beyond 4 MiB took is given back with the next smaller one.
// Threads    Confined to one thread; the FieldTable is borrowed and outlives the walker.
class Walker {
 public:
  struct Options {
    Shape shape = Shape::kAuto;
    std::size_t max_bytes = 1 << 20;
    std::size_t max_depth = 128;
    std::size_t max_fields = 4096;
    bool strict_json = false;
    // Dotted paths of what is in no leaf; null: none.
    std::shared_ptr<const std::vector<std::string>> hidden_from_leaves;
  };

  explicit Walker(const FieldTable* fields);
  ~Walker();
  Walker(Walker&&) noexcept;
  Walker& operator=(Walker&&) noexcept;

  // Reads the whole payload. kNone: Next() yields its events (none for white space or an empty
  // root array); else none. A fault anywhere in the payload means that no event of it is shown.
  [[nodiscard]] WalkFault Begin(std::string_view payload, const Options& options) noexcept;

  // The next event, valid until the next call of the walker; null at the end.
  [[nodiscard]] const Event* Next() noexcept;

  [[nodiscard]] bool blank() const noexcept;  // the last payload was empty or white space

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline
