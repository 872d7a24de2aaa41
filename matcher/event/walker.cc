// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/walker.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "base/free_memory.h"
#include "matcher/event/escapes.h"
#include "matcher/event/key_order.h"
#include "matcher/event/lanes.h"
#include "matcher/event/numbers.h"
#include "matcher/event/text.h"

namespace faultline {
namespace {

constexpr std::size_t kKeptCapacity = std::size_t{4} << 20;  // bytes of payload
constexpr std::size_t kFirstCapacity = std::size_t{64} << 10;
constexpr std::size_t kLargestPayload = 0xffffff00;  // simdjson's indexes have 32 bits
constexpr std::size_t kKeptSlots = std::size_t{1} << 18;
constexpr std::uint32_t kMostObjects = std::uint32_t{1} << 31;  // far below where numbers end
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// What may stand behind a number or a literal.
constexpr bool EndsToken(char c) noexcept {
  switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case ',':
    case ':':
    case '[':
    case ']':
    case '{':
    case '}': return true;
    default: return false;
  }
}

// Whether `text` can be the inside of a JSON string whose backslashes and quotes are escaped.
bool IsEscapedText(std::string_view text) noexcept {
  bool telling = false;
  for (std::size_t i = text.find('\\'); i < text.size(); i = text.find('\\', i + 2)) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (next != '\\' && next != '"' && next != 'n' && next != 'r' && next != 't') return false;
    telling = telling || next == '\\' || next == '"';
  }
  return telling;
}

// Where the first line of a raw text ends: before an escaped line end.
std::size_t LineEnd(std::string_view raw) noexcept {
  for (std::size_t at = FindBackslash(raw, 0); at < raw.size(); at = FindBackslash(raw, at + 2)) {
    const char next = at + 1 < raw.size() ? raw[at + 1] : '\0';
    if (next == 'n' || next == 'r') return at;
  }
  return raw.size();
}

// Whether `part` stands in `text`; faster than memmem where it does not.
bool Holds(std::string_view text, std::string_view part) noexcept {
  std::size_t at = 0;
  if (!part.empty()) {
    const std::size_t last = part.size() - 1;
    for (; at + last + kLanes <= text.size(); at += kLanes) {
      const Lanes ends = (LoadLanes(text.data() + at) == part.front()) &
                         (LoadLanes(text.data() + at + last) == part.back());
      if (FirstLane(ends) != kLanes &&
          text.substr(at, kLanes + last).find(part) != std::string_view::npos) {
        return true;
      }
    }
  }
  return text.find(part, at) != std::string_view::npos;
}

}  // namespace

std::string_view ToString(WalkFault fault) noexcept {
  switch (fault) {
    case WalkFault::kNone: return "none";
    case WalkFault::kMalformed: return "json";
    case WalkFault::kNotObject: return "not_object";
    case WalkFault::kTooDeep: return "depth";
    case WalkFault::kTooManyFields: return "fields";
    case WalkFault::kTooLarge: return "size";
    case WalkFault::kBadEscape: break;
  }
  return "escape";
}

struct Walker::Impl final : Event::TextReader {
  // An object or array that is open.
  struct Frame {
    NodeId node = kNoNode;
    bool array = false;
    bool empty = true;
    bool asked = false;                          // an object of which some key is asked for
    KeyOrder::Point point = KeyOrder::kUnknown;  // in the object, or around the array
    std::uint32_t slot = Event::kEnd;            // of the object itself, where it is recorded
    std::uint32_t slots = 0;                     // how many there were when it was opened
    std::uint32_t serial = 0;                    // of the object, to tell duplicate keys
    const char* begin = nullptr;
  };

  explicit Impl(const FieldTable* table) : fields(table), keys(&table->keys()) {
    event.candidates_ = table->candidates();
    event.heads_.resize(table->node_count());
  }

  // ------------------------------------------------------------------------------ structurals
  [[nodiscard]] bool done() const noexcept { return at == last; }
  [[nodiscard]] char peek() const noexcept { return done() ? '\0' : text[*at]; }
  // What stands behind the scalar whose structural was just taken.
  [[nodiscard]] const char* Behind() const noexcept { return text + (done() ? size : *at); }
  // The end of the string that begins there: only blanks lie between its closing quote and what
  // stands behind it.
  [[nodiscard]] static const char* StringEnd(const char* begin, const char* behind) noexcept {
    const char* end = behind - 1;
    while (end > begin && *end != '"') --end;
    return end;
  }

  [[nodiscard]] bool Has(const Options& other) const noexcept {
    return options.shape == other.shape && options.max_bytes == other.max_bytes &&
           options.max_depth == other.max_depth && options.max_fields == other.max_fields &&
           options.strict_json == other.strict_json &&
           options.hidden_from_leaves == other.hidden_from_leaves;
  }
  WalkFault Index(std::string_view payload) noexcept;
  WalkFault Validate() noexcept;
  WalkFault WalkElement(bool record) noexcept;
  template <bool kRecord>
  WalkFault Walk() noexcept;
  template <bool kRecord>
  [[gnu::always_inline]] inline bool Scalar(const char* begin, const char* behind,
                                            NodeId node) noexcept;
  bool ReadToken(const char* begin, RawValue& value) noexcept;

  // -------------------------------------------------------------------------------- recording
  void StartEvent() noexcept;
  void FinishEvent() noexcept;
  [[nodiscard]] NodeId Lookup(NodeId object, std::string_view key) noexcept;
  [[gnu::always_inline]] inline void NoteKey(const Frame& object, NodeId node) noexcept;
  [[gnu::noinline]] NodeId LookupDecoded(NodeId object, std::string_view key) noexcept;
  [[nodiscard, gnu::always_inline]] inline NodeId Find(NodeId object, std::string_view key,
                                                       const KeyTree::Digest& digest) noexcept;
  [[nodiscard, gnu::noinline]] NodeId FindSqueezed(NodeId object, std::string_view key) noexcept;
  std::uint32_t Record(NodeId node, const RawValue& value) noexcept;
  [[gnu::always_inline]] inline std::uint32_t Append(NodeId node, const RawValue& value) noexcept;
  void OpenObject(Frame& frame) noexcept;
  void CloseObject(const Frame& frame, const char* end) noexcept;
  void NameElement(const FieldTable::NamedListNodes& named, std::uint32_t from) noexcept;
  void RecogniseShape() noexcept;
  void FinishShape(const FieldTable::Finish& todo) noexcept;
  void DropOwnWords(const FieldTable::Finish& todo) noexcept;
  [[nodiscard]] bool EscapedTwice(const FieldTable::Finish& todo,
                                  std::uint32_t slot) const noexcept;
  void UnescapeOnce(const FieldTable::Finish& todo) noexcept;
  void Split(const FieldTable::Finish::List& list) noexcept;
  void Join(const FieldTable::Finish::Joined& joined) noexcept;
  void Read() noexcept override;
  void ReadText(const FieldTable::Finish::FieldText& holder) noexcept;
  void ReadLines(NodeId place, NodeId to_end, std::string_view raw) noexcept;
  void ReadPairs(NodeId place, std::string_view raw) noexcept;
  void ReadMember(NodeId node, std::string_view raw) noexcept;
  [[nodiscard]] const RawValue* FirstText(NodeId node) const noexcept;
  [[nodiscard]] std::size_t MadeBytes(const FieldTable::Finish& todo) const noexcept;
  [[nodiscard]] std::string_view Keep(std::size_t from) const noexcept {
    return {made.data() + from, made.size() - from};
  }

  const FieldTable* fields;
  const KeyTree* keys;
  Options options;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;

  // The payload behind its byte order mark, and the structurals still to be walked.
  const char* text = nullptr;
  std::size_t size = 0;
  const std::uint32_t* at = nullptr;
  const std::uint32_t* last = nullptr;
  const std::uint32_t* event_begin = nullptr;  // the event's own first one

  std::vector<Frame> frames;
  std::uint32_t objects = 0;  // serial of the object opened last
  std::string decoded;
  std::string squeezed;
  std::string made;  // texts of this event that stand nowhere in the payload; never grows in use

  KeyOrder order;
  Event event;
  EventFlags payload_flags;
  std::uint32_t next_index = 0;
  bool more = false;   // Next() has something to give
  bool array = false;  // the root is an array
  bool blank = false;
  bool big_number = false;
  AsciiSet hidden_ascii;  // of the payload, see Event
};

WalkFault Walker::Impl::Index(std::string_view payload) noexcept {
  if (parser != nullptr && parser->capacity() > kKeptCapacity && payload.size() <= kKeptCapacity) {
    parser.reset();
    FreeMemory(decoded);
    FreeMemory(squeezed);
  }
  if (parser == nullptr || parser->capacity() < payload.size()) {
    parser.reset();
    const std::size_t wanted = std::max(kFirstCapacity, payload.size());
    const std::size_t capacity =
        wanted > kKeptCapacity ? wanted : std::min(std::bit_ceil(wanted), kKeptCapacity);
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(
            capacity, 1, parser) != simdjson::SUCCESS) {
      parser.reset();
      return WalkFault::kTooLarge;
    }
  }
  const simdjson::error_code error =
      parser->stage1(reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size(),
                     simdjson::stage1_mode::regular);
  payload_flags.invalid_utf8 = error == simdjson::UTF8_ERROR;
  blank = error == simdjson::EMPTY;
  const bool whole = error == simdjson::SUCCESS || error == simdjson::UTF8_ERROR || blank;
  at = parser->structural_indexes.get();
  last = whole && !blank ? at + parser->n_structural_indexes : at;
  return whole ? WalkFault::kNone : WalkFault::kMalformed;
}

bool Walker::Impl::ReadToken(const char* begin, RawValue& value) noexcept {
  const char* const limit = text + size;
  const auto word = [&](std::string_view literal, ValueKind kind) {
    value.kind = kind;
    return static_cast<std::size_t>(limit - begin) >= literal.size() &&
                   std::memcmp(begin, literal.data(), literal.size()) == 0
               ? begin + literal.size()
               : nullptr;
  };
  const char* end = nullptr;
  switch (*begin) {
    case 't': end = word("true", ValueKind::kTrue); break;
    case 'f': end = word("false", ValueKind::kFalse); break;
    case 'n': end = word("null", ValueKind::kNull); break;
    default: {
      const NumberToken number = ReadNumber(begin, limit);
      value.kind = ValueKind::kNumber;
      end = number.end;
      big_number = big_number || number.big;
    }
  }
  if (end == nullptr || (end != limit && !EndsToken(*end))) return false;
  value.raw = {begin, static_cast<std::size_t>(end - begin)};
  return true;
}

std::uint32_t Walker::Impl::Append(NodeId node, const RawValue& value) noexcept {
  const auto slot = static_cast<std::uint32_t>(event.slots_.size());
  event.slots_.push_back({value, node, Event::kEnd});
  Event::Head& head = event.heads_.data()[node];
  if (head.epoch != event.epoch_) {
    head.epoch = event.epoch_;
    head.first = head.last = slot;
  } else {
    event.slots_.data()[head.last].next = slot;
    head.last = slot;
  }
  return slot;
}

std::uint32_t Walker::Impl::Record(NodeId node, const RawValue& value) noexcept {
  const KeyTree::Node& place = keys->at(node);
  std::uint32_t slot = Event::kEnd;
  if (place.recorded) slot = Append(node, value);
  if (place.also != kNoNode) Append(place.also, value);
  return slot;
}

// The scalar at `begin`, up to the structural `behind` it. False where none stands.
template <bool kRecord>
bool Walker::Impl::Scalar(const char* begin, const char* behind, NodeId node) noexcept {
  RawValue value;
  if (*begin == '"') {
    const char* const end = StringEnd(begin, behind);
    if (end == begin) return false;
    if constexpr (!kRecord) return true;
    if (node == kNoNode) return true;
    value.kind = ValueKind::kString;
    value.raw = {begin + 1, static_cast<std::size_t>(end - begin - 1)};
  } else if (!ReadToken(begin, value)) {
    return false;
  }
  if constexpr (kRecord) {
    if (node != kNoNode) Record(node, value);
  }
  return true;
}

NodeId Walker::Impl::Find(NodeId object, std::string_view key,
                          const KeyTree::Digest& digest) noexcept {
  const NodeId node = keys->Child(object, key, digest);
  if (node != kNoNode && !keys->at(node).is_wildcard) return node;
  if (!keys->at(object).blanks || !KeyTree::Holds(key, digest, ' ')) return node;
  return FindSqueezed(object, key);
}

// The place that the raw key stands for.
NodeId Walker::Impl::Lookup(NodeId object, std::string_view key) noexcept {
  const auto readable = static_cast<std::size_t>(key.data() + key.size() - text);
  const bool behind = readable >= KeyTree::kHalf && !key.empty();
  const KeyTree::Digest digest = behind ? KeyTree::DigestBehind(key) : KeyTree::DigestOf(key);
  const bool backslash = KeyTree::Holds(key, digest, '\\');
  return backslash ? LookupDecoded(object, key) : Find(object, key, digest);
}

// A key of `object` that stands for `node` is there.
void Walker::Impl::NoteKey(const Frame& object, NodeId node) noexcept {
  if (node == kNoNode) return;
  const bool seen = std::exchange(event.heads_.data()[node].object, object.serial) == object.serial;
  if (seen && !keys->at(node).is_wildcard) event.flags_.duplicate_key = true;
}

// One value from `at` on, with all that lies in it. A machine with an explicit stack: each label is
// what may come next.
template <bool kRecord>
WalkFault Walker::Impl::Walk() noexcept {
  const std::size_t floor = frames.size();
  std::size_t members = 0;
  NodeId node = kRootNode;
  char c = '\0';

value:
  if (done()) return WalkFault::kMalformed;
  c = text[*at++];
  if (c == '{' || c == '[') {
    if (frames.size() >= options.max_depth) return WalkFault::kTooDeep;
    const KeyOrder::Point around =
        frames.size() == floor ? KeyOrder::kUnknown : frames.back().point;
    Frame& frame = frames.emplace_back();
    frame.node = node;
    frame.array = c == '[';
    frame.begin = text + at[-1];
    if constexpr (kRecord) {
      frame.point = around;
      if (c == '{') OpenObject(frame);
    }
    if (peek() == (c == '[' ? ']' : '}')) goto close;
    frame.empty = false;
    if (c == '[') goto value;
    goto key;
  }
  if (!Scalar<kRecord>(text + at[-1], Behind(), node)) return WalkFault::kMalformed;

after_value:
  if (frames.size() == floor) return WalkFault::kNone;
  c = peek();
  if (c == ',') {
    ++at;
    if (frames.back().array) {
      node = frames.back().node;
      goto value;
    }
    goto key;
  }
  if (c != (frames.back().array ? ']' : '}')) return WalkFault::kMalformed;

close:
  ++at;
  if constexpr (kRecord) {
    const Frame& frame = frames.back();
    const char* const end = text + at[-1] + 1;
    if (!frame.array) {
      CloseObject(frame, end);
    } else if (frame.empty && frame.node != kNoNode) {
      Record(frame.node,
             {{frame.begin, static_cast<std::size_t>(end - frame.begin)}, ValueKind::kEmptyArray});
    }
  }
  frames.pop_back();
  goto after_value;

key:
  if constexpr (kRecord) {
    // Most members: the key was expected, and all four structurals stand where they stand mostly.
    Frame& object = frames.back();
    const std::uint32_t* next = at;
    while (object.asked && last - next >= 4) {
      const char* const begin = text + next[0];
      if (*begin != '"' || text[next[1]] != ':') break;
      const KeyOrder::Key* const known =
          order.Follow(object.point, begin + 1, text + next[1], text + size);
      if (known == nullptr) break;
      if (++members > options.max_fields) return WalkFault::kTooManyFields;
      node = known->node;
      NoteKey(object, node);
      const char* const scalar = text + next[2];
      const char* const behind = text + next[3];
      at = next + 2;
      if (*scalar == '{' || *scalar == '[') goto value;
      if (!Scalar<kRecord>(scalar, behind, node)) return WalkFault::kMalformed;
      at = next + 3;
      if (*behind != ',') goto after_value;
      next += 4;
    }
    at = next;
  }
  if (peek() != '"') return WalkFault::kMalformed;
  if (++members > options.max_fields) return WalkFault::kTooManyFields;
  {
    const char* const begin = text + *at++;
    if (peek() != ':') return WalkFault::kMalformed;
    if constexpr (kRecord) {
      node = kNoNode;
      Frame& object = frames.back();
      if (object.asked) {
        const char* const end = StringEnd(begin, Behind());
        if (end == begin) return WalkFault::kMalformed;
        const std::string_view key(begin + 1, static_cast<std::size_t>(end - begin - 1));
        node = Lookup(object.node, key);
        order.Learn(object.point, key, object.node, node);
        NoteKey(object, node);
      }
    }
    ++at;
  }
  goto value;
}

WalkFault Walker::Impl::WalkElement(bool record) noexcept {
  return record ? Walk<true>() : Walk<false>();
}

// The whole text but for an object at its root, which is recorded on the way.
WalkFault Walker::Impl::Validate() noexcept {
  if (!array) {
    const bool object = peek() == '{';
    if (object) StartEvent();
    const WalkFault fault = WalkElement(object);
    if (fault != WalkFault::kNone) return fault;
    if (!done()) return WalkFault::kMalformed;
    return object ? WalkFault::kNone : WalkFault::kNotObject;
  }
  bool objects_only = true;
  frames.emplace_back();  // the array itself counts as a level
  ++at;
  if (peek() == ']') {
    ++at;
    return done() ? WalkFault::kNone : WalkFault::kMalformed;
  }
  for (;; ++at) {
    objects_only = objects_only && peek() == '{';
    const WalkFault fault = WalkElement(false);
    if (fault != WalkFault::kNone) return fault;
    if (peek() != ',') break;
  }
  if (peek() != ']') return WalkFault::kMalformed;
  ++at;
  if (!done()) return WalkFault::kMalformed;
  return objects_only ? WalkFault::kNone : WalkFault::kNotObject;
}

void Walker::Impl::StartEvent() noexcept {
  if (++event.epoch_ == 0 || objects > kMostObjects) {
    std::fill(event.heads_.begin(), event.heads_.end(), Event::Head{});
    event.epoch_ = 1;
    objects = 0;
  }
  if (event.slots_.capacity() > kKeptSlots) FreeMemory(event.slots_);
  if (event.leaves_.capacity() > kKeptSlots) FreeMemory(event.leaves_);
  event.slots_.clear();
  event.leaves_.clear();
  event.leaves_known_ = false;
  event.hidden_ = options.hidden_from_leaves.get();
  event.unread_ = nullptr;
  event_begin = at;
  event.flags_ = {};
  big_number = false;
  order.Begin();
}

void Walker::Impl::FinishEvent() noexcept {
  const char* const begin = text + *event_begin;
  event.text_ = {begin, static_cast<std::size_t>(text + at[-1] + 1 - begin)};
  event.payload_ = text;
  event.structurals_ = event_begin;
  event.structurals_end_ = at;
  event.index_ = next_index;
  event.flags_.big_number = big_number;
  event.flags_.byte_order_mark = payload_flags.byte_order_mark;
  event.flags_.lone_surrogate =
      payload_flags.lone_surrogate && (!array || InspectEscapes(event.text_).lone_surrogate);
  event.flags_.invalid_utf8 = payload_flags.invalid_utf8 && (!array || !IsValidUtf8(event.text_));
  event.hidden_ascii_ = hidden_ascii;
  event.shape_ = options.shape;
  if (options.shape == Shape::kAuto) RecogniseShape();
  const FieldTable::Finish& todo = fields->finish(event.shape_);
  if (!todo.empty()) FinishShape(todo);
}

void Walker::Impl::RecogniseShape() noexcept {
  event.shape_ = Shape::kFlat;
  bool all = true;
  for (const FieldTable::Mark& mark : fields->marks()) {
    all = all && event.heads_.data()[mark.node].epoch == event.epoch_;
    if (mark.with_next) continue;
    if (all) {
      event.shape_ = mark.shape;
      return;
    }
    all = true;
  }
}

// ------------------------------------------------------------------- once the shape is known

void Walker::Impl::FinishShape(const FieldTable::Finish& todo) noexcept {
  if (made.capacity() > kKeptCapacity) FreeMemory(made);
  made.clear();
  const std::size_t bytes = MadeBytes(todo);
  if (bytes > made.capacity()) made.reserve(bytes);
  DropOwnWords(todo);
  UnescapeOnce(todo);
  for (const auto& list : todo.lists) Split(list);
  for (const auto& joined : todo.joined) Join(joined);
  if (!todo.texts.empty()) event.unread_ = this;
}

void Walker::Impl::Read() noexcept {
  for (const auto& holder : fields->finish(event.shape_).texts) ReadText(holder);
}

// No less than what UnescapeOnce and Join will make.
std::size_t Walker::Impl::MadeBytes(const FieldTable::Finish& todo) const noexcept {
  std::size_t bytes = 0;
  if (!todo.escaped_twice.empty()) {
    for (std::uint32_t slot = 0; slot < event.slots_.size(); ++slot) {
      if (EscapedTwice(todo, slot)) bytes += event.slots_[slot].value.raw.size();
    }
  }
  for (const auto& joined : todo.joined) {
    for (const auto& piece : joined.pieces) {
      for (const NodeId node : piece.nodes) {
        const RawValue* const value = FirstText(node);
        if (value == nullptr) continue;
        bytes += joined.separator.size() + piece.text.size() + value->raw.size();
      }
    }
  }
  return bytes;
}

const RawValue* Walker::Impl::FirstText(NodeId node) const noexcept {
  const Event::Head& head = event.heads_.data()[node];
  if (head.epoch != event.epoch_) return nullptr;
  const RawValue& value = event.slots_.data()[head.first].value;
  return value.kind == ValueKind::kString ? &value : nullptr;
}

void Walker::Impl::DropOwnWords(const FieldTable::Finish& todo) noexcept {
  for (const auto& own : todo.own_words) {
    const RawValue* const value = FirstText(own.node);
    if (value == nullptr) continue;
    if (std::find(own.words.begin(), own.words.end(), value->raw) == own.words.end()) continue;
    event.heads_[own.node].epoch = 0;
  }
}

bool Walker::Impl::EscapedTwice(const FieldTable::Finish& todo, std::uint32_t slot) const noexcept {
  const RawValue& value = event.slots_[slot].value;
  return value.kind == ValueKind::kString && todo.escaped_twice[event.slots_[slot].node] &&
         value.raw.find('\\') != value.raw.npos;
}

// What is left of a text after its escapes are resolved is JSON's spelling of the true text.
void Walker::Impl::UnescapeOnce(const FieldTable::Finish& todo) noexcept {
  if (todo.escaped_twice.empty()) return;
  for (std::uint32_t slot = 0; slot < event.slots_.size(); ++slot) {
    if (!EscapedTwice(todo, slot)) continue;
    RawValue& value = event.slots_[slot].value;
    DecodeEscapes(value.raw, decoded);
    if (!IsEscapedText(decoded)) continue;
    const std::size_t from = made.size();
    made += decoded;
    value.raw = Keep(from);
  }
}

void Walker::Impl::Split(const FieldTable::Finish::List& list) noexcept {
  const RawValue* const value = FirstText(list.node);
  if (value == nullptr) return;
  std::string_view raw = value->raw;
  event.heads_[list.node].epoch = 0;
  while (true) {
    const std::size_t end = raw.find(list.separator);
    const std::string_view part = raw.substr(0, end);
    Append(list.node, {part, ValueKind::kString});
    if (end == raw.npos) return;
    raw.remove_prefix(end + list.separator.size());
  }
}

void Walker::Impl::Join(const FieldTable::Finish::Joined& joined) noexcept {
  const auto present = [this](NodeId node) { return event.heads_[node].epoch == event.epoch_; };
  if (!event.Of(joined.field).empty()) return;
  if (!joined.when.empty() && std::none_of(joined.when.begin(), joined.when.end(), present)) return;
  const std::size_t from = made.size();
  RawValue whole;
  whole.kind = ValueKind::kString;
  for (const auto& piece : joined.pieces) {
    const RawValue* value = nullptr;
    for (const NodeId node : piece.nodes) {
      if (value == nullptr) value = FirstText(node);
    }
    if (value == nullptr) continue;
    if (made.size() > from) made += joined.separator;
    made.append(piece.text).append(value->raw);
  }
  if (made.size() == from) return;
  whole.raw = Keep(from);
  Append(joined.target, whole);
}

void Walker::Impl::ReadText(const FieldTable::Finish::FieldText& holder) noexcept {
  const RawValue* const value = FirstText(holder.node);
  if (value == nullptr) return;
  if (std::none_of(holder.readers.begin(), holder.readers.end(),
                   [&](FieldId field) { return event.Of(field).empty(); })) {
    return;
  }
  if (!holder.names.empty() &&
      std::none_of(holder.names.begin(), holder.names.end(),
                   [value](const std::string& name) { return Holds(value->raw, name); })) {
    return;
  }
  if (holder.pairs) {
    ReadPairs(holder.node, value->raw);
  } else {
    ReadLines(holder.node, holder.to_end, value->raw);
  }
}

// Lines "Name: value" or "Name=value" of a raw text, in which line ends and tabs are escapes. The
// first one of `to_end` runs to the end of the text; the lines within its value are read all the same.
void Walker::Impl::ReadLines(NodeId place, NodeId to_end, std::string_view raw) noexcept {
  while (!raw.empty()) {
    const std::size_t end = LineEnd(raw);
    const std::string_view line = raw.substr(0, end);
    const std::size_t cut = static_cast<std::size_t>(
        std::find_if(line.begin(), line.end(), [](char c) { return c == ':' || c == '='; }) -
        line.begin());
    if (cut < line.size()) {
      const std::string_view name = line.substr(0, cut);
      const NodeId node = keys->Child(place, name, KeyTree::DigestOf(name));
      const bool runs_on = node != kNoNode && node == to_end;
      std::string_view value = (runs_on ? raw : line).substr(cut + 1);
      if (value.starts_with(' ')) value.remove_prefix(1);
      while (value.starts_with("\\t")) value.remove_prefix(2);
      ReadMember(node, value);
      if (runs_on) to_end = kNoNode;
    }
    raw.remove_prefix(end);
    while (raw.starts_with("\\r") || raw.starts_with("\\n") || raw.starts_with("\\t")) {
      raw.remove_prefix(2);
    }
  }
}

void Walker::Impl::ReadPairs(NodeId place, std::string_view raw) noexcept {
  while (!raw.empty()) {
    const std::size_t end = std::min(raw.find(','), raw.size());
    const std::string_view pair = raw.substr(0, end);
    const std::size_t cut = pair.find('=');
    if (cut != std::string_view::npos) {
      const std::string_view name = pair.substr(0, cut);
      ReadMember(keys->Child(place, name, KeyTree::DigestOf(name)), pair.substr(cut + 1));
    }
    raw.remove_prefix(std::min(end + 1, raw.size()));
  }
}

void Walker::Impl::ReadMember(NodeId node, std::string_view raw) noexcept {
  if (node == kNoNode) return;
  Record(node, {raw, ValueKind::kString});
}

NodeId Walker::Impl::FindSqueezed(NodeId object, std::string_view key) noexcept {
  squeezed.assign(key);
  squeezed.erase(std::remove(squeezed.begin(), squeezed.end(), ' '), squeezed.end());
  if (object == kRootNode) squeezed.insert(squeezed.begin(), kWithoutBlanks);
  return keys->Child(object, squeezed, KeyTree::DigestOf(squeezed));
}

NodeId Walker::Impl::LookupDecoded(NodeId object, std::string_view key) noexcept {
  DecodeEscapes(key, decoded);
  return Find(object, decoded, KeyTree::DigestOf(decoded));
}

void Walker::Impl::OpenObject(Frame& frame) noexcept {
  frame.serial = ++objects;
  frame.slots = static_cast<std::uint32_t>(event.slots_.size());
  if (frame.node == kNoNode) return;
  frame.asked = keys->at(frame.node).inner;
  if (frame.asked) {
    frame.point = frame.node == kRootNode ? KeyOrder::kRoot : order.Within(frame.point);
  }
  if (keys->at(frame.node).named_list != kNoNode) return;
  frame.slot = Record(frame.node, {{frame.begin, 1}, ValueKind::kObject});
}

void Walker::Impl::CloseObject(const Frame& frame, const char* end) noexcept {
  if (frame.node == kNoNode) return;
  if (frame.slot != Event::kEnd) {
    event.slots_[frame.slot].value.raw = {frame.begin, static_cast<std::size_t>(end - frame.begin)};
  }
  const NodeId named = keys->at(frame.node).named_list;
  if (named != kNoNode) NameElement(fields->named_lists()[named], frame.slots);
}

// An element of a named list has been read: its texts go to the place of its name.
void Walker::Impl::NameElement(const FieldTable::NamedListNodes& named,
                               std::uint32_t from) noexcept {
  const auto among = [](const std::vector<NodeId>& nodes, NodeId node) {
    return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
  };
  const auto to = static_cast<std::uint32_t>(event.slots_.size());
  NodeId target = named.list;
  for (std::uint32_t slot = from; slot < to; ++slot) {
    const RawValue& value = event.slots_[slot].value;
    if (value.kind != ValueKind::kString || !among(named.names, event.slots_[slot].node)) continue;
    target = value.raw.find('\\') != value.raw.npos
                 ? LookupDecoded(named.parent, value.raw)
                 : Find(named.parent, value.raw, KeyTree::DigestOf(value.raw));
    break;
  }
  if (target == kNoNode) return;
  for (std::uint32_t slot = from; slot < to; ++slot) {
    if (!among(named.texts, event.slots_[slot].node)) continue;
    const RawValue value = event.slots_[slot].value;  // a copy: recording moves the slots
    Record(target, value);
  }
}

Walker::Walker(const FieldTable* fields) : impl_(std::make_unique<Impl>(fields)) {}
Walker::~Walker() = default;
Walker::Walker(Walker&&) noexcept = default;
Walker& Walker::operator=(Walker&&) noexcept = default;

WalkFault Walker::Begin(std::string_view payload, const Options& options) noexcept {
  Impl& w = *impl_;
  if (!w.Has(options)) w.options = options;  // a copy counts its owners, which threads share
  w.more = false;
  w.blank = false;
  w.next_index = 0;
  w.payload_flags = {};
  w.frames.clear();
  w.at = w.last = nullptr;
  if (payload.size() > options.max_bytes || payload.size() > kLargestPayload) {
    return WalkFault::kTooLarge;
  }
  if (payload.starts_with(kByteOrderMark)) {
    payload.remove_prefix(kByteOrderMark.size());
    w.payload_flags.byte_order_mark = true;
  }
  w.text = payload.data();
  w.size = payload.size();
  if (payload.empty()) {
    w.blank = true;
    return WalkFault::kNone;
  }
  const WalkFault indexed = w.Index(payload);
  if (indexed != WalkFault::kNone || w.blank) return indexed;
  const std::uint32_t* const first = w.at;
  w.array = w.peek() == '[';
  const WalkFault fault = w.Validate();
  if (fault != WalkFault::kNone && fault != WalkFault::kNotObject) return fault;
  const UnicodeHints unicode = FindUnicode(payload);
  w.hidden_ascii = {};
  if (unicode.folds_to_ascii) {
    w.hidden_ascii.Add('s');
    w.hidden_ascii.Add('k');
  }
  if (options.strict_json || unicode.escapes) {
    const EscapeReport report = InspectEscapes(payload);
    if (report.bad && options.strict_json) return WalkFault::kBadEscape;
    w.payload_flags.lone_surrogate = report.lone_surrogate;
    w.hidden_ascii.Add(report.hidden);
  }
  if (fault != WalkFault::kNone) return fault;
  w.more = true;
  if (w.array) w.at = first + 1;
  return WalkFault::kNone;
}

const Event* Walker::Next() noexcept {
  Impl& w = *impl_;
  if (!w.more) return nullptr;
  if (!w.array) {
    w.more = false;
    w.FinishEvent();
    return &w.event;
  }
  if (w.peek() == ']') {
    w.more = false;
    return nullptr;
  }
  w.frames.resize(1);
  w.StartEvent();
  // Validated in Begin, so this walk cannot fail.
  static_cast<void>(w.WalkElement(true));
  w.FinishEvent();
  ++w.next_index;
  if (w.peek() == ',') ++w.at;
  return &w.event;
}

bool Walker::blank() const noexcept { return impl_->blank; }

}  // namespace faultline
