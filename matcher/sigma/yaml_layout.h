// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace faultline::yaml {

// Finds in a text what libyaml takes and YAML 1.2 forbids, or means otherwise: such a text is
// refused, so that no tree is built that its author did not write.
//
// Place      libyaml's events, in order -> [Layout].  Owned by the reader of one text.
// Finds      comments without a blank before `#`; directives behind a document without `...`;
//            lines of quoted texts and of [...] and {...} that are not indented deeper than what
//            they belong to; a lone `-` and a `?` before text inside [...] and {...}; names of
//            anchors with other characters than letters, digits, `_`, `-`; an empty block text
//            before a deeper comment.
// Cost       Linear in the text, over all calls.
// Ownership  Keeps a view of the text.
class Layout {
 public:
  enum class Kind : std::uint8_t {
    kDocumentStart,
    kDocumentEnd,
    kPlain,
    kQuoted,
    kBlock,  // literal and folded
    kAlias,
    kSequenceStart,
    kMappingStart,
    kEnd,  // of either
  };
  // One event of libyaml; offsets are bytes of the text.
  struct Part {
    Kind kind = Kind::kPlain;
    std::size_t begin = 0;    // of its tag or anchor, where it has one
    std::size_t end = 0;      // behind it; of a collection's start: behind what opens it
    std::size_t column = 0;   // of `end`, from 0
    bool flow = false;        // collections: written as [...] or {...}
    bool directives = false;  // kDocumentStart: has some
    bool implicit = false;    // kDocumentEnd: without `...`
    std::string_view value;   // scalars
  };
  struct Finding {
    std::size_t at = 0;  // byte
    std::string_view message;
    std::string_view remedy;
  };

  explicit Layout(std::string_view text) : text_(text) {}

  // What is wrong up to the end of `part`; nothing more is told after a finding.
  [[nodiscard]] std::optional<Finding> Next(const Part& part);

 private:
  struct Open {
    bool flow = false;
    std::ptrdiff_t column = 0;  // block: what lies in it is indented deeper
    std::size_t begin = 0;
  };

  void Find(std::size_t at, std::string_view message, std::string_view remedy);
  [[nodiscard]] bool BlankAt(std::size_t at) const;
  [[nodiscard]] bool EndsName(std::size_t at) const;
  [[nodiscard]] bool in_flow() const { return !open_.empty() && open_.back().flow; }
  [[nodiscard]] std::ptrdiff_t Column() const;
  void CheckGap(std::size_t begin, std::size_t end);
  void CheckVersion(const Part& part);
  std::size_t CheckAnchor(std::size_t at);
  void CheckLines(std::size_t begin, std::size_t end);
  void CheckBlock(const Part& part, std::size_t header);
  void CheckContent(const Part& part);
  void OpenAt(const Part& part);
  void Close(const Part& part);

  std::string_view text_;
  std::size_t behind_ = 0;      // end of the last part
  std::vector<Open> open_;      // collections around the next part
  bool document_open_ = false;  // the last document ended without `...`
  std::optional<Finding> finding_;
};

}  // namespace faultline::yaml
