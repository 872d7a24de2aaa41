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
    // `shapes` is read by Build only.
    explicit Builder(const ShapeSet* shapes) : shapes_(shapes) {}

    // The id of field `name`, the same for the same name. Names are Sigma's, case-sensitive; "a|b"
    // is the first of the two that is present.
    FieldId Add(std::string_view name);
    [[nodiscard]] FieldTable Build() &&;

   private:
    const ShapeSet* shapes_;
    std::vector<std::string> names_;                // index = FieldId
    std::unordered_map<std::string, FieldId> ids_;  // the way back
  };

  FieldTable();  // no field, no shape but flat
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

  // A place whose presence marks a shape; `with_next`: only together with the mark that follows.
  struct Mark {
    NodeId node = kNoNode;
    Shape shape = Shape::kFlat;
    bool with_next = false;
  };
  // Those of all fields, for a loop over events: the list of (field, shape) has number
  // field * shapes + shape.
  struct CandidateList {
    NodeId best = kNoNode;      // the first one, where most values are; kNoNode: there is none
    std::uint32_t begin = 0;    // in `nodes`
    std::uint32_t count = 0;    // the best one among them
    std::uint32_t outside = 0;  // how many, the first ones, are not in a FieldText
  };
  struct CandidateLists {
    const NodeId* nodes = nullptr;
    const CandidateList* lists = nullptr;
    std::size_t shapes = 1;
    [[nodiscard]] const CandidateList& Of(FieldId field, Shape shape) const noexcept {
      return lists[field * shapes + static_cast<std::size_t>(shape)];
    }
  };
  [[nodiscard]] CandidateLists candidates() const noexcept;

  // In order of precedence; the first that is present decides; none: flat.
  [[nodiscard]] std::span<const Mark> marks() const noexcept;

  // What is left to do for an event once its shape is known. Mostly nothing: a text waits until a
  // field is asked for that may lie in it and stands at none of its better places.
  struct Finish {
    // Words that are the shipper's own: such a value is taken from its place.
    struct OwnWords {
      NodeId node = kNoNode;
      std::vector<std::string> words;
    };
    // A text that holds fields. It is read when one of `readers` is nowhere else.
    struct FieldText {
      NodeId node = kNoNode;
      bool pairs = false;       // "NAME=value,NAME=value"; else lines "Name: value"
      NodeId to_end = kNoNode;  // the line whose value runs to the end of the text
      std::vector<FieldId> readers;
      std::vector<std::string>
          names;  // a text with none of them holds none; empty: many, or unknown
    };
    // A text that is taken apart into the values that it was made of.
    struct List {
      NodeId node = kNoNode;
      std::string separator;  // as JSON writes it
    };
    // A text made of others, where `field` is nowhere else and `when` (if any) is present.
    struct Joined {
      NodeId target = kNoNode;
      FieldId field = 0;
      std::vector<NodeId> when;
      std::string separator;  // as JSON writes it, like the texts of the pieces
      struct Piece {
        std::string text;
        std::vector<NodeId> nodes;  // best first
      };
      std::vector<Piece> pieces;
    };
    std::vector<OwnWords> own_words;
    std::vector<List> lists;
    std::vector<FieldText> texts;
    std::vector<Joined> joined;
    std::vector<bool> escaped_twice;  // per node; empty: none
    [[nodiscard]] bool empty() const noexcept {
      return own_words.empty() && lists.empty() && texts.empty() && joined.empty() &&
             escaped_twice.empty();
    }
  };
  [[nodiscard]] const Finish& finish(Shape shape) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline
