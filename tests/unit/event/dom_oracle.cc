// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/event/dom_oracle.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "matcher/event/text.h"
#include "matcher/event/walker.h"
#include "matcher/shapes/shape_file.h"

namespace faultline::testing {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using Strings = std::vector<std::string>;

const Strings& AskedFields() {
  static const Strings names{"a",
                             "b",
                             "a.b",
                             "a.b.c",
                             "c",
                             "EventType",
                             "Event.System.Channel",
                             "a key of more than thirty-two bytes, this"};
  return names;
}

// ------------------------------------------------------------ making a document harmless

bool IsHex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// The unit of a \uXXXX at `at`, or nothing.
std::optional<unsigned> Unit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  const std::string digits(text.substr(at + 2, 4));
  if (!std::all_of(digits.begin(), digits.end(), IsHex)) return std::nullopt;
  return static_cast<unsigned>(std::strtoul(digits.c_str(), nullptr, 16));
}

// How many bytes of a well-formed UTF-8 sequence stand at `at`; 0 for none.
std::size_t Utf8Size(std::string_view text, std::size_t at) {
  for (std::size_t size = 1; size <= 4 && at + size <= text.size(); ++size) {
    if (IsValidUtf8(text.substr(at, size))) return size;
  }
  return 0;
}

// The escape at `at` in a string, or an x and what is left of it.
std::string Escape(std::string_view text, std::size_t& at) {
  const char next = at + 1 < text.size() ? text[at + 1] : '\0';
  std::size_t size = 1;
  bool good = false;
  if (next != '\0' && std::string_view("\"\\/bfnrt").find(next) != std::string_view::npos) {
    good = true;
    size = 2;
  } else if (const auto unit = Unit(text, at)) {
    const auto low = Unit(text, at + 6);
    const bool high = *unit >= 0xd800 && *unit < 0xdc00;
    const bool pair = high && low && *low >= 0xdc00 && *low < 0xe000;
    good = pair || *unit < 0xd800 || *unit >= 0xe000;
    size = pair ? 12 : 6;
  }
  std::string out(text.substr(at, size));
  if (!good) out[0] = 'x';
  at += size;
  return out;
}

// RFC 8259, 6.
bool IsNumber(std::string_view text) {
  const auto digits = [&text] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  const auto take = [&text](std::string_view any) {
    const bool there = !text.empty() && any.find(text.front()) != std::string_view::npos;
    if (there) text.remove_prefix(1);
    return there;
  };
  take("-");
  const bool zero = text.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (take(".") && digits() == 0) return false;
  if (take("eE")) {
    take("+-");
    if (digits() == 0) return false;
  }
  return text.empty();
}

std::string Harmless(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::string out;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) >= 0x80) {
      const std::size_t size = Utf8Size(text, at);
      out.append(size == 0 ? std::string_view("?") : text.substr(at, size));
      at += std::max<std::size_t>(size, 1);
    } else if (inside && c == '\\') {
      out += Escape(text, at);
    } else if (!inside && (c == '-' || std::isdigit(static_cast<unsigned char>(c)) != 0)) {
      const std::size_t end = std::min(text.find_first_not_of("0123456789+-.eE", at), text.size());
      const std::string_view token = text.substr(at, end - at);
      out += IsNumber(token) ? "1" : token;
      at = end;
    } else {
      inside = inside != (c == '"');
      out.push_back(c);
      ++at;
    }
  }
  return out;
}

// --------------------------------------------------------------- what the DOM says

struct Extent {
  std::size_t depth = 0;
  std::size_t members = 0;
};

Extent ExtentOf(const element& value) {
  Extent all;
  const auto below = [&all](const element& child) {
    const Extent inner = ExtentOf(child);
    all.depth = std::max(all.depth, inner.depth);
    all.members += inner.members;
  };
  if (value.is_array()) {
    for (const element child : simdjson::dom::array(value)) below(child);
    ++all.depth;
  } else if (value.is_object()) {
    for (const auto member : simdjson::dom::object(value)) {
      below(member.value);
      ++all.members;
    }
    ++all.depth;
  }
  return all;
}

// A value as a text that two equal values share.
std::string Canonical(const element& value) {
  switch (value.type()) {
    case element_type::ARRAY: return "[]";
    case element_type::OBJECT: return "{}";
    case element_type::STRING: return "s" + std::string(std::string_view(value));
    case element_type::BOOL: return bool(value) ? "true" : "false";
    case element_type::NULL_VALUE: return "null";
    case element_type::INT64: return "n" + std::to_string(double(std::int64_t(value)));
    case element_type::UINT64: return "n" + std::to_string(double(std::uint64_t(value)));
    case element_type::DOUBLE: break;
  }
  return "n" + std::to_string(double(value) + 0.0);  // -0.0 is 0
}

std::string Canonical(const RawValue& value) {
  std::string buffer;
  switch (value.kind) {
    case ValueKind::kString: return "s" + std::string(Decode(value, buffer));
    case ValueKind::kNumber:
      return "n" + std::to_string(std::strtod(std::string(value.raw).c_str(), nullptr) + 0.0);
    case ValueKind::kEmptyArray: return "[]";
    case ValueKind::kObject: return "{}";
    default: return std::string(value.raw);
  }
}

// Arrays fan out; an empty one stands for itself.
void Fan(const element& value, Strings& found) {
  if (!value.is_array()) {
    found.push_back(Canonical(value));
    return;
  }
  const simdjson::dom::array array(value);
  if (array.size() == 0) found.push_back("[]");
  for (const element child : array) Fan(child, found);
}

void Resolve(const element& value, const Strings& path, std::size_t depth, Strings& found) {
  if (depth == path.size()) return Fan(value, found);
  if (value.is_array()) {
    for (const element child : simdjson::dom::array(value)) Resolve(child, path, depth, found);
  }
  if (!value.is_object()) return;
  for (const auto member : simdjson::dom::object(value)) {
    if (member.key == path[depth]) Resolve(member.value, path, depth + 1, found);
  }
}

std::vector<Strings> Splits(const std::string& name) {
  std::vector<Strings> all{{name}};
  for (std::size_t cut = name.size(); cut-- > 0;) {
    if (name[cut] != '.') continue;
    for (Strings rest : Splits(name.substr(cut + 1))) {
      rest.insert(rest.begin(), name.substr(0, cut));
      all.push_back(rest);
    }
  }
  return all;
}

Strings ValuesOf(const element& root, const std::string& name) {
  for (const Strings& path : Splits(name)) {
    Strings found;
    Resolve(root, path, 0, found);
    if (!found.empty()) return found;
  }
  return {};
}

void Leaves(const element& value, Strings& found) {
  if (value.is_array()) {
    for (const element child : simdjson::dom::array(value)) Leaves(child, found);
  } else if (value.is_object()) {
    for (const auto member : simdjson::dom::object(value)) Leaves(member.value, found);
  } else if (!value.is_null()) {
    found.push_back(Canonical(value));
  }
}

// ----------------------------------------------------------------------- the comparison

const FieldTable& Table() {
  static const FieldTable table = [] {
    FieldTable::Builder builder(BuiltInShapes().get());
    for (const std::string& name : AskedFields()) builder.Add(name);
    return std::move(builder).Build();
  }();
  return table;
}

std::string CompareEvent(const Event& event, const element& root) {
  for (const std::string& name : AskedFields()) {
    Strings got;
    for (const RawValue& value : event.Of(Table().Find(name))) got.push_back(Canonical(value));
    if (got != ValuesOf(root, name)) return "values of " + name;
  }
  Strings leaves;
  Leaves(root, leaves);
  Strings got;
  for (const RawValue& value : event.leaves()) got.push_back(Canonical(value));
  return got == leaves ? "" : "leaves";
}

// The faults the walker may tell of a document that the DOM accepts; kNone alone: none.
std::vector<WalkFault> Expected(const element& root, const Walker::Options& options) {
  std::vector<WalkFault> faults;
  if (ExtentOf(root).depth > options.max_depth) faults.push_back(WalkFault::kTooDeep);
  bool objects = root.is_object();
  const auto part = [&](const element& value) {
    if (ExtentOf(value).members > options.max_fields) faults.push_back(WalkFault::kTooManyFields);
  };
  if (root.is_array()) {
    objects = true;
    for (const element child : simdjson::dom::array(root)) {
      part(child);
      objects = objects && child.is_object();
    }
  } else {
    part(root);
  }
  if (faults.empty()) faults.push_back(objects ? WalkFault::kNone : WalkFault::kNotObject);
  return faults;
}

std::string CompareValues(Walker& walker, std::string_view payload) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(payload.data(), payload.size()).get(root) != simdjson::SUCCESS) return "";
  std::vector<element> roots;
  if (root.is_array()) {
    for (const element child : simdjson::dom::array(root)) roots.push_back(child);
  } else {
    roots.push_back(root);
  }
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const Event* event = walker.Next();
    if (event == nullptr || event->index() != i) return "number of events";
    std::string difference = CompareEvent(*event, roots[i]);
    if (!difference.empty()) return difference + " of event " + std::to_string(i);
  }
  return walker.Next() == nullptr ? "" : "number of events";
}

}  // namespace

std::string DisagreementWithDom(std::string_view payload) {
  static Walker walker(&Table());
  Walker::Options options;
  options.shape = Shape::kFlat;
  options.max_bytes = std::size_t{16} << 20;

  const auto exact = std::make_unique<char[]>(payload.size());
  std::copy(payload.begin(), payload.end(), exact.get());
  const WalkFault fault = walker.Begin({exact.get(), payload.size()}, options);

  simdjson::dom::parser parser;
  const std::string harmless = Harmless(payload);
  element root;
  const simdjson::error_code error = parser.parse(harmless).get(root);
  if (error == simdjson::EMPTY) {
    return fault == WalkFault::kNone && walker.blank() && walker.Next() == nullptr ? "" : "blank";
  }
  if (walker.blank()) return "not blank";
  if (error != simdjson::SUCCESS) {
    const bool refused = fault != WalkFault::kNone && fault != WalkFault::kNotObject;
    return refused ? "" : std::string("the DOM refuses: ") + simdjson::error_message(error);
  }
  const std::vector<WalkFault> expected = Expected(root, options);
  if (std::find(expected.begin(), expected.end(), fault) == expected.end()) {
    return "verdict " + std::string(ToString(fault)) + ", the DOM accepts";
  }
  return fault == WalkFault::kNone ? CompareValues(walker, payload) : "";
}

}  // namespace faultline::testing
