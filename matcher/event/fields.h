// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "matcher/event/key_tree.h"
#include "matcher/event/shapes.h"

namespace faultline {

using FieldId = std::uint32_t;
using NodeId = std::uint32_t;

inline constexpr NodeId kRootNode = 0;
inline constexpr NodeId kNoNode = 0xffffffff;

// All places where any shape may put any field that is asked for, merged into one tree of keys; and
// per (field, shape) the ordered list of places, of which the first present one is the field.
//
// Place      built with the rules -> [FieldTable] -> walker, event.
// Memory     A node per distinct path prefix; lookups allocate nothing.
// Threads    Immutable after Build; shared.
class FieldTable {
 public:
  class Builder {
   public:
    // The id of field `name`, the same for the same name. Names are Sigma's, case-sensitive; "a|b"
    // is the first of the two that is present.
    FieldId Add(std::string_view name);
    [[nodiscard]] FieldTable Build() &&;

   private:
    std::vector<std::string> names_;                // index = FieldId
    std::unordered_map<std::string, FieldId> ids_;  // the way back
  };

  FieldTable();
  ~FieldTable();
  FieldTable(FieldTable&&) noexcept;
  FieldTable& operator=(FieldTable&&) noexcept;

  [[nodiscard]] std::size_t size() const noexcept;  // number of fields
  [[nodiscard]] std::string_view name(FieldId field) const noexcept;
  [[nodiscard]] FieldId Find(std::string_view name) const noexcept;  // kNoNode when not added

  // The child of `parent` under the decoded key `key`; a wildcard child where no literal one fits;
  // kNoNode when nothing below is asked for. Cost: one hash, one compare.
  [[nodiscard]] NodeId Child(NodeId parent, std::string_view key) const noexcept;
  [[nodiscard]] std::size_t node_count() const noexcept;

  // For the walker: the keys as a tree.
  [[nodiscard]] const KeyTree& keys() const noexcept;
  // Where the elements of a named list (shapes.h) may hold their name and their value.
  struct NamedListNodes {
    NodeId list = kNoNode;
    NodeId parent = kNoNode;  // the object whose keys the names are
    std::vector<NodeId> names;
    std::vector<NodeId> texts;
  };
  [[nodiscard]] std::span<const NamedListNodes> named_lists() const noexcept;

  // Candidate places of `field` in `shape`, best first.
  [[nodiscard]] std::span<const NodeId> Candidates(FieldId field, Shape shape) const noexcept;

  // Which shape the presence of the recogniser nodes tells. See shapes.h.
  [[nodiscard]] std::span<const ShapeMark> marks() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline
