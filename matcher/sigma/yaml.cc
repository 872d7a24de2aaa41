// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "matcher/sigma/yaml_layout.h"

namespace faultline::yaml {
namespace {

// libyaml looks through all tag directives for each new one and for each tag.
constexpr std::size_t kMaxTagDirectives = 32;
constexpr const char* kFewerAliases = "write fewer aliases";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kCorePrefix = "tag:yaml.org,2002:";

std::string_view View(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

bool IsCoreTag(std::string_view tag) {
  if (tag.empty() || tag == "!") return true;
  if (tag.substr(0, kCorePrefix.size()) != kCorePrefix) return false;
  const std::string_view name = tag.substr(kCorePrefix.size());
  for (const std::string_view core : {"str", "int", "float", "bool", "null", "map", "seq"}) {
    if (name == core) return true;
  }
  return false;
}

// What to do about libyaml's faults, which name the rule of the grammar that failed: the first row
// whose words are in the message.
std::string_view RemedyOf(std::string_view problem) {
  struct Row {
    std::string_view words;
    std::string_view remedy;
  };
  static constexpr std::array<Row, 14> kRows{{
      {"UTF-8", "save the file as UTF-8"},
      {"control characters", "remove them, or escape them within double quotes"},
      {"cannot start any token",
       "indent with blanks instead of tabs; quote text that begins with @, ` or %"},
      {"tab character", "indent with blanks instead of tabs"},
      {"node content", "quote text that begins with a comma or bracket"},
      {"alphabetic", "quote text that begins with * or &"},
      {"unexpected", "close the quote"},
      {"escape", "write \\\\ for a backslash within double quotes, or use single quotes"},
      {"',' or", "close the bracket; quote text with commas, brackets or ': ' in it"},
      {"mapping values", "quote text with ': ' in it; indent the keys of one map alike"},
      {"':'", "write 'key: value'; close the quote above"},
      {"expected key", "indent the keys of one map alike"},
      {"'-'", "indent the dashes of one list alike"},
      {"tag", "remove the tag"},
  }};
  for (const Row& row : kRows) {
    if (problem.find(row.words) != problem.npos) return row.remedy;
  }
  return "see that indentation, quotes and brackets are those of YAML 1.2";
}

std::size_t CountTagDirectives(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find("%TAG"); at != text.npos; at = text.find("%TAG", at + 4)) {
    if (at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r') ++count;
  }
  return count;
}

bool IsAscii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

// Turns libyaml's marks, which count characters, into lines and columns in bytes. Marks mostly
// move forward, so the place of the last one is kept: any file costs linear time.
class Places {
 public:
  Places(std::string_view text, const std::string& file, bool ascii)
      : text_(text), file_(file), ascii_(ascii) {}

  Place At(const yaml_mark_t& mark) {
    if (ascii_) {
      return Place{file_, static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
    }
    if (mark.index < index_) Restart();
    while (index_ < mark.index && at_ < text_.size()) Step();
    return Place{file_, line_, static_cast<int>(at_ - line_start_) + 1};
  }

  Place AtByte(std::size_t offset) {
    Restart();
    while (at_ < offset && at_ < text_.size()) Step();
    return Place{file_, line_, static_cast<int>(at_ - line_start_) + 1};
  }

 private:
  void Restart() {
    index_ = at_ = line_start_ = 0;
    line_ = 1;
  }

  // One character on; a line ends at LF, CR or CR LF.
  void Step() {
    const char c = text_[at_++];
    while (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) & 0xC0) == 0x80) ++at_;
    ++index_;
    const bool crlf = c == '\r' && at_ < text_.size() && text_[at_] == '\n';
    if (c == '\n' || (c == '\r' && !crlf)) {
      ++line_;
      line_start_ = at_;
    }
  }

  std::string_view text_;
  const std::string& file_;
  bool ascii_;                  // characters are bytes, and libyaml's lines ours
  std::size_t index_ = 0;       // characters before at_
  std::size_t at_ = 0;          // bytes
  std::size_t line_start_ = 0;  // bytes
  int line_ = 1;
};

// Characters to bytes, forward only: what lies behind counts as the place reached.
class Cursor {
 public:
  Cursor(std::string_view text, bool ascii) : text_(text), ascii_(ascii) {}

  std::size_t ByteOf(std::size_t index) {
    if (ascii_) return at_ = std::max(at_, std::min(index, text_.size()));
    for (; index_ < index && at_ < text_.size(); ++index_) {
      ++at_;
      while (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) & 0xC0) == 0x80) ++at_;
    }
    return at_;
  }

 private:
  std::string_view text_;
  bool ascii_;             // characters are bytes
  std::size_t index_ = 0;  // characters before at_
  std::size_t at_ = 0;
};

struct EventDelete {
  explicit EventDelete(yaml_event_t* event) : event_(event) {}
  ~EventDelete() { yaml_event_delete(event_); }
  EventDelete(const EventDelete&) = delete;
  EventDelete& operator=(const EventDelete&) = delete;

 private:
  yaml_event_t* event_;
};

// Builds the tree from libyaml's events with a stack of its own: no recursion over the input.
class Reader {
 public:
  Reader(std::string_view text, const std::string& file, const Limits& limits, Fault fault,
         std::vector<Node>& documents)
      : ascii_(IsAscii(text)),
        places_(text, file, ascii_),
        cursor_(text, ascii_),
        layout_(text),
        limits_(limits),
        fault_(fault),
        documents_(documents) {
    ready_ = yaml_parser_initialize(&parser_) == 1;
    if (!ready_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~Reader() {
    if (ready_) yaml_parser_delete(&parser_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::optional<Error> Read() {
    if (!ready_) return Error{Fault::kInternal, "no memory for a YAML parser", {}, {}};
    while (!done_ && !error_) Next();
    return std::move(error_);
  }

 private:
  // A collection that is still open.
  struct Open {
    Node node;
    std::optional<Node> key;  // a mapping's key that waits for its value
    std::string anchor;
    std::unordered_set<std::string> seen;  // a mapping's keys, where they are many
  };
  struct Anchor {
    std::optional<Node> node;  // empty: still open, so an alias to it would hold itself
    std::size_t nodes = 0;     // what a copy costs
    std::size_t bytes = 0;
    std::size_t depth = 0;
  };

  void Refuse(std::string message, Place place, std::string remedy) {
    if (!error_) error_ = Error{fault_, std::move(message), std::move(place), std::move(remedy)};
  }

  void Next() {
    yaml_event_t event;
    if (yaml_parser_parse(&parser_, &event) != 1) return ParserFault();
    const EventDelete guard(&event);
    CheckLayout(event);
    if (error_) return;
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT: anchors_.clear(); break;
      case YAML_STREAM_END_EVENT: done_ = true; break;
      case YAML_SCALAR_EVENT: Scalar(event); break;
      case YAML_ALIAS_EVENT: Alias(event); break;
      case YAML_SEQUENCE_START_EVENT:
        Start(event, Kind::kSequence, event.data.sequence_start.anchor,
              event.data.sequence_start.tag);
        break;
      case YAML_MAPPING_START_EVENT:
        Start(event, Kind::kMapping, event.data.mapping_start.anchor, event.data.mapping_start.tag);
        break;
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: End(); break;
      default: break;
    }
  }

  void CheckLayout(const yaml_event_t& event) {
    Layout::Part part;
    part.begin = cursor_.ByteOf(event.start_mark.index);
    part.end = cursor_.ByteOf(event.end_mark.index);
    part.column = event.end_mark.column;
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        part.kind = Layout::Kind::kDocumentStart;
        part.directives = event.data.document_start.version_directive != nullptr ||
                          event.data.document_start.tag_directives.start !=
                              event.data.document_start.tag_directives.end;
        break;
      case YAML_DOCUMENT_END_EVENT:
        part.kind = Layout::Kind::kDocumentEnd;
        part.implicit = event.data.document_end.implicit != 0;
        break;
      case YAML_SCALAR_EVENT: {
        const auto& data = event.data.scalar;
        const bool block =
            data.style == YAML_LITERAL_SCALAR_STYLE || data.style == YAML_FOLDED_SCALAR_STYLE;
        const bool plain = data.style == YAML_PLAIN_SCALAR_STYLE;
        part.kind = plain   ? Layout::Kind::kPlain
                    : block ? Layout::Kind::kBlock
                            : Layout::Kind::kQuoted;
        part.value = std::string_view(reinterpret_cast<const char*>(data.value), data.length);
        break;
      }
      case YAML_ALIAS_EVENT: part.kind = Layout::Kind::kAlias; break;
      case YAML_SEQUENCE_START_EVENT:
        part.kind = Layout::Kind::kSequenceStart;
        part.flow = event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
        break;
      case YAML_MAPPING_START_EVENT:
        part.kind = Layout::Kind::kMappingStart;
        part.flow = event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
        break;
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: part.kind = Layout::Kind::kEnd; break;
      default: return;
    }
    if (const auto finding = layout_.Next(part)) {
      Refuse(fmt::format("YAML: {}", finding->message), places_.AtByte(finding->at),
             std::string(finding->remedy));
    }
  }

  void ParserFault() {
    const std::string problem =
        parser_.problem == nullptr ? std::string("no valid YAML") : std::string(parser_.problem);
    if (parser_.error == YAML_READER_ERROR) {
      return Refuse("YAML: " + problem, places_.AtByte(parser_.problem_offset),
                    std::string(RemedyOf(problem)));
    }
    if (parser_.error == YAML_MEMORY_ERROR) {
      return Refuse("YAML: out of memory", places_.AtByte(0), "split the file");
    }
    std::string message = "YAML: " + problem;
    if (parser_.context != nullptr) message += fmt::format(" {}", parser_.context);
    Refuse(std::move(message), places_.At(parser_.problem_mark), std::string(RemedyOf(problem)));
  }

  bool Count(std::size_t nodes, const Place& place) {
    nodes_ += nodes;
    if (nodes_ <= limits_.max_nodes) return true;
    Refuse(fmt::format("YAML: more than {} values, expanded aliases included", limits_.max_nodes),
           place, "split the file, or write the values out where aliases multiply them");
    return false;
  }

  bool CheckDepth(std::size_t depth, const Place& place) {
    if (depth <= limits_.max_depth) return true;
    Refuse(fmt::format("YAML: nested deeper than {} levels", limits_.max_depth), place,
           "write it flatter; a bracket may be missing");
    return false;
  }

  bool CheckTag(std::string_view tag, const Place& place) {
    if (limits_.any_tag || IsCoreTag(tag)) return true;
    Refuse(fmt::format("YAML: unknown tag '{}'", tag), place, "remove the tag");
    return false;
  }

  void Scalar(const yaml_event_t& event) {
    const auto& data = event.data.scalar;
    Node node;
    node.place = places_.At(event.start_mark);
    node.tag = View(data.tag);
    if (!Count(1, node.place) || !CheckTag(node.tag, node.place)) return;
    node.quoted = data.style != YAML_PLAIN_SCALAR_STYLE;
    node.multi_line = event.start_mark.line != event.end_mark.line;
    node.scalar.assign(reinterpret_cast<const char*>(data.value), data.length);
    if (data.anchor != nullptr) Remember(std::string(View(data.anchor)), node);
    Put(std::move(node));
  }

  void Start(const yaml_event_t& event, Kind kind, const yaml_char_t* anchor,
             const yaml_char_t* tag) {
    Open open;
    open.node.kind = kind;
    open.node.place = places_.At(event.start_mark);
    open.node.tag = View(tag);
    open.anchor = View(anchor);
    if (!Count(1, open.node.place) || !CheckTag(open.node.tag, open.node.place)) return;
    if (!CheckDepth(stack_.size() + 1, open.node.place)) return;
    if (!open.anchor.empty()) anchors_[open.anchor] = Anchor{};
    stack_.push_back(std::move(open));
  }

  void End() {
    Open open = std::move(stack_.back());
    stack_.pop_back();
    if (!open.anchor.empty()) Remember(open.anchor, open.node);
    Put(std::move(open.node));
  }

  void Alias(const yaml_event_t& event) {
    const std::string name(View(event.data.alias.anchor));
    const Place place = places_.At(event.start_mark);
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) {
      return Refuse(fmt::format("YAML: unknown alias '*{}'", name), place,
                    "text that begins with '*' must be quoted");
    }
    const Anchor& anchor = found->second;
    if (!anchor.node)
      return Refuse(fmt::format("YAML: '*{}' holds itself", name), place, "write the value out");
    alias_bytes_ += anchor.bytes;
    if (alias_bytes_ > limits_.max_alias_bytes) {
      return Refuse("YAML: aliases expand to too much text", place, kFewerAliases);
    }
    if (!Count(anchor.nodes, place) || !CheckDepth(stack_.size() + anchor.depth, place)) return;
    Put(*anchor.node);
  }

  static void Measure(const Node& node, std::size_t depth, Anchor& anchor) {
    ++anchor.nodes;
    anchor.bytes += node.scalar.size();
    if (node.kind != Kind::kScalar) anchor.depth = std::max(anchor.depth, depth + 1);
    const std::size_t below = depth + 1;
    for (const Node& item : node.items) Measure(item, below, anchor);
    for (const Pair& pair : node.pairs) {
      Measure(pair.key, below, anchor);
      Measure(pair.value, below, anchor);
    }
  }

  // An anchor's node is kept twice, so it is charged like an alias.
  void Remember(const std::string& name, const Node& node) {
    Anchor anchor;
    Measure(node, 0, anchor);
    alias_bytes_ += anchor.bytes;
    if (alias_bytes_ > limits_.max_alias_bytes) {
      return Refuse("YAML: aliases expand to too much text", node.place, kFewerAliases);
    }
    if (!Count(anchor.nodes, node.place)) return;
    anchor.node = node;
    anchors_[name] = std::move(anchor);
  }

  void Put(Node node) {
    if (error_) return;
    if (stack_.empty()) {
      documents_.push_back(std::move(node));
      return;
    }
    Open& open = stack_.back();
    if (open.node.kind == Kind::kSequence) {
      open.node.items.push_back(std::move(node));
    } else if (open.key) {
      open.node.pairs.push_back(Pair{std::move(*open.key), std::move(node)});
      open.key.reset();
    } else {
      PutKey(open, std::move(node));
    }
  }

  // Whether the mapping has that key. Few are looked through, many are remembered with this one.
  static bool Has(Open& open, const std::string& key) {
    constexpr std::size_t kFew = 16;
    const std::vector<Pair>& pairs = open.node.pairs;
    if (pairs.size() < kFew) return open.node.FindKey(key) != nullptr;
    if (open.seen.empty()) {
      for (const Pair& pair : pairs) open.seen.insert(pair.key.scalar);
    }
    return !open.seen.insert(key).second;
  }

  void PutKey(Open& open, Node key) {
    if (key.kind != Kind::kScalar) {
      return Refuse("YAML: a key must be a text, this is a list or a map", key.place,
                    "quote text with brackets in it");
    }
    if (key.scalar == "<<" && !key.quoted && key.tag.empty()) {
      return Refuse("YAML: merge keys ('<<') are not supported", key.place, "write the keys out");
    }
    if (Has(open, key.scalar)) {
      const Node* first = open.node.FindKey(key.scalar);
      const int line = first == nullptr ? 0 : first->place.line;
      return Refuse(fmt::format("YAML: duplicate key '{}', first in line {}", key.scalar, line),
                    key.place, "give each key once");
    }
    open.key = std::move(key);
  }

  const bool ascii_;
  Places places_;
  Cursor cursor_;
  Layout layout_;
  const Limits& limits_;
  Fault fault_;
  std::vector<Node>& documents_;
  yaml_parser_t parser_;
  bool ready_ = false;
  bool done_ = false;
  std::optional<Error> error_;
  std::vector<Open> stack_;
  std::unordered_map<std::string, Anchor> anchors_;  // of this document
  std::size_t nodes_ = 0;
  std::size_t alias_bytes_ = 0;
};

}  // namespace

const Node* Node::Find(std::string_view key) const noexcept {
  for (const Pair& pair : pairs) {
    if (pair.key.scalar == key) return &pair.value;
  }
  return nullptr;
}

const Node* Node::FindKey(std::string_view key) const noexcept {
  for (const Pair& pair : pairs) {
    if (pair.key.scalar == key) return &pair.key;
  }
  return nullptr;
}

std::string_view ToString(Kind kind) noexcept {
  switch (kind) {
    case Kind::kScalar: return "a text";
    case Kind::kSequence: return "a list";
    case Kind::kMapping: return "a map";
  }
  return "a text";
}

std::optional<Error> ParseYamlPrefix(std::string_view text, const std::string& file,
                                     const Limits& limits, Fault fault,
                                     std::vector<Node>& documents) {
  if (text.size() > limits.max_bytes) {
    return Error{fault,
                 fmt::format("larger than {} bytes", limits.max_bytes),
                 {file, 0, 0},
                 "split the file"};
  }
  if (CountTagDirectives(text) > kMaxTagDirectives) {
    return Error{fault, "YAML: too many tag directives", {file, 0, 0}, "remove them"};
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.empty() || text.ends_with('\n')) {
    return Reader(text, file, limits, fault, documents).Read();
  }
  // libyaml forgets the end of a literal text's last line where the file ends without one.
  const std::string closed = std::string(text) + '\n';
  return Reader(closed, file, limits, fault, documents).Read();
}

Result<std::vector<Node>> ParseYaml(std::string_view text, const std::string& file,
                                    const Limits& limits, Fault fault) {
  std::vector<Node> documents;
  if (auto error = ParseYamlPrefix(text, file, limits, fault, documents)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  return documents;
}

}  // namespace faultline::yaml
