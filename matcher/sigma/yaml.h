// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace faultline::yaml {

enum class Kind : std::uint8_t { kScalar, kSequence, kMapping };

struct Pair;

// One node of a YAML document. What a plain scalar means (null, number, ...) is for scalars.h to
// say.
//
// Ownership  A value: aliases are expanded by copying, within Limits.
struct Node {
  Kind kind = Kind::kScalar;
  bool quoted = false;      // quoted, literal or folded: text whatever it looks like
  bool multi_line = false;  // a scalar over several lines: places inside it are not known
  std::string scalar;       // kScalar: the text
  std::string tag;          // explicit tag, resolved ("tag:yaml.org,2002:str", "!"); mostly empty
  std::vector<Node> items;  // kSequence
  std::vector<Pair> pairs;  // kMapping, in the order of the document; keys are scalars, no doubles
  Place place;              // of the first byte

  [[nodiscard]] bool IsScalar() const noexcept { return kind == Kind::kScalar; }
  [[nodiscard]] bool IsSequence() const noexcept { return kind == Kind::kSequence; }
  [[nodiscard]] bool IsMapping() const noexcept { return kind == Kind::kMapping; }

  // The value under `key`, null where there is none or this is no mapping.
  [[nodiscard]] const Node* Find(std::string_view key) const noexcept;
  // The key itself under that name: its place is where to point for an unknown key.
  [[nodiscard]] const Node* FindKey(std::string_view key) const noexcept;
};

struct Pair {
  Node key;
  Node value;
};

// "a text", "a list", "a map": for messages.
[[nodiscard]] std::string_view ToString(Kind kind) noexcept;

struct Limits {
  std::size_t max_bytes = 1 << 20;
  std::size_t max_depth = 64;             // nesting, expanded aliases included
  std::size_t max_nodes = 100'000;        // all documents together, expanded aliases included
  std::size_t max_alias_bytes = 4 << 20;  // text copied by expanding aliases
  bool any_tag = false;                   // else only the tags of the core schema, and "!"
};

// All documents of `text`; `file` is its name in places. Any bytes get a verdict in time linear in
// their number. Refused besides what is no YAML: a document above the limits, an alias inside its
// own anchor, duplicate keys, keys that are no scalars, merge keys ("<<"), UTF-16 and UTF-32.
[[nodiscard]] Result<std::vector<Node>> ParseYaml(std::string_view text, const std::string& file,
                                                  const Limits& limits = {},
                                                  Fault fault = Fault::kRules);

// The same, keeping in `documents` what was complete before the fault that is returned.
[[nodiscard]] std::optional<Error> ParseYamlPrefix(std::string_view text, const std::string& file,
                                                   const Limits& limits, Fault fault,
                                                   std::vector<Node>& documents);

}  // namespace faultline::yaml
