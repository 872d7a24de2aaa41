// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/values.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/encodings.h"
#include "matcher/sigma/network.h"
#include "matcher/sigma/pattern.h"
#include "matcher/sigma/scalars.h"

namespace faultline::sigma {
namespace {

bool IsText(Modifier modifier) {
  return modifier == Modifier::kContains || modifier == Modifier::kStartsWith ||
         modifier == Modifier::kEndsWith;
}

bool IsTime(Modifier modifier) {
  return modifier >= Modifier::kMinute && modifier <= Modifier::kYear;
}

bool IsBase64(Modifier modifier) {
  return modifier == Modifier::kBase64 || modifier == Modifier::kBase64Offset;
}

// Whether numbers and booleans are their text under this modifier.
bool TakesText(Modifier modifier) {
  return IsText(modifier) || IsBase64(modifier) || modifier == Modifier::kWide ||
         modifier == Modifier::kUtf16 || modifier == Modifier::kUtf16Be ||
         modifier == Modifier::kWindash || modifier == Modifier::kFieldRef ||
         modifier == Modifier::kCidr;
}

Regex MakeRegex(const Key& key, const std::string& text) {
  Regex regex;
  regex.pattern = text;
  if (key.Has(Modifier::kStartsWith)) regex.pattern = fmt::format("\\A(?:{})", text);
  if (key.Has(Modifier::kEndsWith)) regex.pattern = fmt::format("(?:{})\\z", text);
  regex.ignore_case = key.Has(Modifier::kIgnoreCase);
  regex.multi_line = key.Has(Modifier::kMultiLine);
  regex.dot_all = key.Has(Modifier::kDotAll);
  return regex;
}

std::size_t SizeOf(const Pattern& pattern) {
  std::size_t size = 0;
  for (const Pattern::Token& token : pattern.tokens) size += token.text.size() + sizeof(token);
  return size;
}

// The text of a pattern without wildcards.
std::optional<std::string> Plain(const Pattern& pattern) {
  if (pattern.tokens.empty()) return std::string();
  if (pattern.tokens.size() > 1 || pattern.tokens[0].kind != Pattern::Kind::kLiteral) {
    return std::nullopt;
  }
  return pattern.tokens[0].text;
}

// 0197231e-005a-6928-a50b-000000000d00
bool IsGuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = std::string_view("0123456789abcdefABCDEF").find(text[i]) != text.npos;
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

// Applies the modifiers of one key to one value.
class Pipeline {
 public:
  Pipeline(const Key& key, const yaml::Node& node, Reading& reading)
      : key_(key), node_(node), reading_(reading) {}

  std::vector<Choice> Run(Value value) {
    choices_.push_back({std::move(value)});
    for (const Key::Part& part : key_.modifiers) {
      if (!reading_.ok()) break;
      Apply(part);
    }
    if (key_.field.empty()) {
      OpenKeywords();
    } else if (!key_.Has(Modifier::kCased)) {
      AddGuidTwins();
    }
    return std::move(choices_);
  }

 private:
  void Refuse(const std::string& message, std::string remedy = {}) {
    reading_.Refuse(key_.About(message), node_.place, std::move(remedy));
  }

  bool Charge(std::size_t values, std::size_t bytes) {
    if (reading_.Charge(values, bytes)) return true;
    Refuse("the values of this file expand to too many", "split the file or the value");
    return false;
  }

  // Some shippers write a GUID in braces, others without: a whole value means both.
  void AddGuidTwins() {
    for (Choice& choice : choices_) {
      for (std::size_t i = choice.size(); i-- > 0;) {
        const auto* pattern = std::get_if<Pattern>(&choice[i]);
        const auto text = pattern != nullptr ? Plain(*pattern) : std::nullopt;
        if (!text) continue;
        if (IsGuid(*text)) choice.emplace_back(LiteralPattern("{" + *text + "}"));
        const bool braces = text->size() == 38 && text->front() == '{' && text->back() == '}';
        if (braces && IsGuid(text->substr(1, 36))) {
          choice.emplace_back(LiteralPattern(text->substr(1, 36)));
        }
      }
    }
  }

  void Apply(const Key::Part& part) {
    if (part.modifier == Modifier::kExpand) return Expand();
    for (Choice& choice : choices_) {
      Choice made;
      for (Value& value : choice) ApplyTo(part, value, made);
      choice = std::move(made);
    }
  }

  void ApplyTo(const Key::Part& part, Value& value, Choice& made) {
    if (auto* pattern = std::get_if<Pattern>(&value)) return ApplyToPattern(part, *pattern, made);
    if (auto* reference = std::get_if<FieldRef>(&value);
        reference != nullptr && IsText(part.modifier)) {
      reference->how = part.modifier == Modifier::kContains     ? TextMatch::kContains
                       : part.modifier == Modifier::kStartsWith ? TextMatch::kStartsWith
                                                                : TextMatch::kEndsWith;
    } else if (auto* time = std::get_if<TimePart>(&value); time != nullptr) {
      if (const auto order = OrderOf(part.modifier)) time->order = *order;
    } else if (auto* number = std::get_if<Number>(&value); number != nullptr) {
      return ApplyToNumber(part, number->text, value, made);
    } else if (std::holds_alternative<Bool>(value) &&
               (IsTime(part.modifier) || OrderOf(part.modifier))) {
      Refuse(fmt::format("'{}' is no number", node_.scalar),
             fmt::format("write a number behind {}", part.name));
    }
    made.push_back(std::move(value));
  }

  static std::optional<Order> OrderOf(Modifier modifier) {
    switch (modifier) {
      case Modifier::kGt: return Order::kGreater;
      case Modifier::kGte: return Order::kGreaterOrEqual;
      case Modifier::kLt: return Order::kLess;
      case Modifier::kLte: return Order::kLessOrEqual;
      default: return std::nullopt;
    }
  }

  static TimeUnit UnitOf(Modifier modifier) {
    switch (modifier) {
      case Modifier::kHour: return TimeUnit::kHour;
      case Modifier::kDay: return TimeUnit::kDay;
      case Modifier::kWeek: return TimeUnit::kWeek;
      case Modifier::kMonth: return TimeUnit::kMonth;
      case Modifier::kYear: return TimeUnit::kYear;
      default: return TimeUnit::kMinute;
    }
  }

  void ApplyToNumber(const Key::Part& part, const std::string& text, Value& value, Choice& made) {
    if (const auto order = OrderOf(part.modifier)) {
      if (!IsDecimal(text)) {
        Refuse(fmt::format("'{}' is no number", text),
               fmt::format("write a number behind {}", part.name));
      }
      made.emplace_back(Comparison{*order, Number{text}});
    } else if (IsTime(part.modifier)) {
      made.emplace_back(MakeTime(part, text));
    } else {
      made.push_back(std::move(value));
    }
  }

  TimePart MakeTime(const Key::Part& part, const std::string& text) {
    TimePart time;
    time.unit = UnitOf(part.modifier);
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, time.number);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      Refuse(fmt::format("'{}' is no whole number", text),
             fmt::format("write the {} as a number", part.name));
    }
    return time;
  }

  void ApplyToPattern(const Key::Part& part, Pattern& pattern, Choice& made) {
    switch (part.modifier) {
      case Modifier::kContains:
      case Modifier::kStartsWith:
      case Modifier::kEndsWith: Open(part.modifier, pattern); break;
      case Modifier::kWindash: return Windash(pattern, made);
      case Modifier::kBase64: return Base64(pattern, made);
      case Modifier::kBase64Offset: return Base64Offset(pattern, made);
      case Modifier::kWide: ToUnits(Utf16::kLittle, {}, pattern); break;
      case Modifier::kUtf16Be: ToUnits(Utf16::kBig, {}, pattern); break;
      case Modifier::kUtf16: ToUnits(Utf16::kLittle, "\xff\xfe", pattern); break;
      case Modifier::kCidr: return Cidr(pattern, made);
      case Modifier::kFieldRef: return Reference(pattern, made);
      default:
        if (OrderOf(part.modifier) || IsTime(part.modifier)) return Numeric(part, pattern, made);
    }
    made.emplace_back(std::move(pattern));
  }

  static void Open(Modifier modifier, Pattern& pattern) {
    if (modifier != Modifier::kStartsWith) OpenStart(pattern);
    if (modifier != Modifier::kEndsWith) OpenEnd(pattern);
  }

  void Windash(const Pattern& pattern, Choice& made) {
    const std::size_t dashes = CountDashes(pattern);
    if (dashes > kMaxDashes) {
      return Refuse(
          fmt::format("windash at {} places, at most {} are expanded", dashes, kMaxDashes),
          "split the value into several ones with contains|all");
    }
    std::size_t patterns = 1;
    for (std::size_t i = 0; i < dashes; ++i) patterns *= 5;
    if (!Charge(patterns, SizeOf(pattern))) return;
    for (Pattern& one : ExpandDashes(pattern)) made.emplace_back(std::move(one));
  }

  // The bytes that base64 encodes.
  std::optional<std::string> Bytes(const Pattern& pattern) {
    auto bytes = Plain(pattern);
    if (!bytes) {
      const bool opened = std::any_of(key_.modifiers.begin(), key_.modifiers.end(),
                                      [](const Key::Part& part) { return IsText(part.modifier); });
      Refuse("a wildcard cannot be encoded as base64",
             opened ? "write contains, startswith or endswith behind the base64 modifier; escape a "
                      "literal wildcard as \\* or \\?"
                    : "escape a literal wildcard as \\* or \\?");
    }
    return bytes;
  }

  void Base64(const Pattern& pattern, Choice& made) {
    if (const auto bytes = Bytes(pattern)) made.emplace_back(LiteralPattern(EncodeBase64(*bytes)));
  }

  void Base64Offset(const Pattern& pattern, Choice& made) {
    const auto bytes = Bytes(pattern);
    if (!bytes) return;
    if (bytes->size() < 2) {
      return Refuse(fmt::format("base64offset of {} would be found anywhere",
                                bytes->empty() ? "nothing" : "a single byte"),
                    "write at least two characters");
    }
    if (!Charge(3, 2 * bytes->size())) return;
    for (const std::string& slice : Base64Slices(*bytes)) made.emplace_back(LiteralPattern(slice));
  }

  void ToUnits(Utf16 order, std::string_view mark, Pattern& pattern) {
    for (Pattern::Token& token : pattern.tokens) {
      auto units = ToUtf16(token.text, order);
      if (!units)
        return Refuse("the value is no UTF-8 text that UTF-16 could encode", "write it as UTF-8");
      token.text = std::move(*units);
    }
    if (mark.empty()) return;
    Pattern marked = LiteralPattern(mark);
    Append(marked, pattern);
    pattern = std::move(marked);
  }

  // Adds tokens to a pattern; adjacent literals and stars are merged.
  static void Append(Pattern& pattern, const Pattern& more) {
    for (const Pattern::Token& token : more.tokens) {
      const bool same = !pattern.tokens.empty() && pattern.tokens.back().kind == token.kind;
      if (same && token.kind == Pattern::Kind::kLiteral) {
        pattern.tokens.back().text += token.text;
      } else if (!same || token.kind != Pattern::Kind::kAny) {
        pattern.tokens.push_back(token);
      }
    }
  }

  void Cidr(const Pattern& pattern, Choice& made) {
    const auto text = Plain(pattern);
    const auto network = text ? ParseNetwork(*text) : std::nullopt;
    if (!network) {
      return Refuse(fmt::format("'{}' is no network", text.value_or(node_.scalar)),
                    "write address/prefix, for example 10.0.0.0/8 or 2001:db8::/32");
    }
    const Network clean = WithoutHostBits(*network);
    if (clean.address != network->address) {
      return Refuse(fmt::format("'{}' has bits set behind its prefix", *text),
                    fmt::format("the network is {}", ToString(clean)));
    }
    made.emplace_back(clean);
  }

  void Reference(const Pattern& pattern, Choice& made) {
    const auto name = Plain(pattern);
    if (!name || name->empty()) {
      return Refuse(fmt::format("'{}' is no field name", node_.scalar),
                    "write the name of one field, without wildcards");
    }
    made.emplace_back(FieldRef{*name, TextMatch::kEquals});
  }

  // A quoted number is that number.
  void Numeric(const Key::Part& part, const Pattern& pattern, Choice& made) {
    const std::string text = Plain(pattern).value_or(node_.scalar);
    if (!IsDecimal(text)) {
      return Refuse(fmt::format("'{}' is no number", text),
                    fmt::format("write a number behind {}", part.name));
    }
    Value number = Number{text};
    ApplyToNumber(part, text, number, made);
  }

  void Expand() {
    std::vector<Choice> all;
    for (const Choice& choice : choices_) {
      Choice made;
      for (const Value& value : choice) {
        if (const auto* pattern = std::get_if<Pattern>(&value)) {
          ExpandPattern(*pattern, made);
        } else {
          made.push_back(value);
        }
      }
      if (!key_.Has(Modifier::kAll)) {
        all.push_back(std::move(made));
        continue;
      }
      for (Value& value : made) all.push_back({std::move(value)});
    }
    choices_ = std::move(all);
  }

  // Grows the patterns of a value from left to right; each placeholder multiplies them.
  void ExpandPattern(const Pattern& pattern, Choice& made) {
    std::vector<Pattern> patterns(1);
    for (const Pattern::Token& token : pattern.tokens) {
      if (token.kind == Pattern::Kind::kLiteral) {
        ExpandLiteral(token.text, patterns);
      } else {
        for (Pattern& one : patterns) Append(one, Pattern{{token}});
      }
      if (!reading_.ok()) return;
    }
    for (Pattern& one : patterns) made.emplace_back(std::move(one));
  }

  void ExpandLiteral(std::string_view text, std::vector<Pattern>& patterns) {
    const auto append = [&](std::string_view literal) {
      for (Pattern& one : patterns) Append(one, LiteralPattern(literal));
    };
    while (!text.empty()) {
      const std::size_t open = text.find('%');
      const std::size_t close = open == text.npos ? open : text.find('%', open + 1);
      if (close == text.npos) return append(text);
      const std::string_view name = text.substr(open + 1, close - open - 1);
      if (name.empty() || name.find('\\') != name.npos) {
        append(text.substr(0, open + 1));
        text.remove_prefix(open + 1);
        continue;
      }
      append(text.substr(0, open));
      if (!Multiply(name, patterns)) return;
      text.remove_prefix(close + 1);
    }
  }

  bool Multiply(std::string_view name, std::vector<Pattern>& patterns) {
    const auto& placeholders = reading_.options().placeholders;
    const auto found = placeholders.find(name);
    if (found == placeholders.end() || found->second.empty()) {
      std::vector<std::string_view> names;
      for (const auto& [known, values] : placeholders) names.push_back(known);
      std::string remedy = found == placeholders.end() ? DidYouMean(name, names) : std::string();
      if (remedy.empty()) remedy = fmt::format("list them under rules.placeholders.{}", name);
      Refuse(fmt::format("the placeholder '%{}%' has no values", name), std::move(remedy));
      return false;
    }
    std::size_t largest = 0;
    for (const Pattern& one : patterns) largest = std::max(largest, SizeOf(one));
    for (const std::string& value : found->second) largest = std::max(largest, value.size());
    if (!Charge(patterns.size() * found->second.size(), 2 * largest)) return false;
    std::vector<Pattern> product;
    for (const Pattern& one : patterns) {
      for (const std::string& value : found->second) {
        product.push_back(one);
        Append(product.back(), ParsePattern(value));
      }
    }
    patterns = std::move(product);
    return true;
  }

  // A keyword is found anywhere unless a modifier anchors it.
  void OpenKeywords() {
    const bool anchored = std::any_of(key_.modifiers.begin(), key_.modifiers.end(),
                                      [](const Key::Part& part) { return IsText(part.modifier); });
    for (Choice& choice : choices_) {
      for (Value& value : choice) {
        auto* pattern = std::get_if<Pattern>(&value);
        if (pattern == nullptr) continue;
        if (pattern->tokens.empty()) Refuse("an empty keyword is in every event", "remove it");
        if (!anchored) Open(Modifier::kContains, *pattern);
      }
    }
  }

  const Key& key_;
  const yaml::Node& node_;
  Reading& reading_;
  std::vector<Choice> choices_;
};

// What a scalar is before any modifier; nothing, with the fault, for what no modifier can take.
std::optional<Value> Start(const Key& key, const yaml::Node& node, Reading& reading) {
  const auto scalar = yaml::Resolve(node);
  if (!scalar) {
    reading.Refuse(
        key.About(node.IsScalar() ? fmt::format("'{}' does not fit its tag", node.scalar)
                                  : fmt::format("a value must be a text, a number, a boolean or "
                                                "null, this is {}",
                                                yaml::ToString(node.kind))),
        node.place,
        node.IsScalar() ? "remove the tag" : "write a list of values, or a field per line");
    return std::nullopt;
  }
  if (key.Has(Modifier::kExists)) {
    if (scalar->kind == yaml::ScalarKind::kBool) return Exists{scalar->boolean};
    reading.Refuse(key.About("'exists' takes true or false"), node.place,
                   "write true or false, without quotes");
    return std::nullopt;
  }
  if (scalar->kind == yaml::ScalarKind::kNull) return NullChoice(key, node, reading).front();
  if (scalar->kind == yaml::ScalarKind::kSpecial) {
    reading.Refuse(key.About(fmt::format("'{}' is no value of an event", node.scalar)), node.place,
                   "quote it if it is meant as text");
    return std::nullopt;
  }
  const bool number = scalar->kind == yaml::ScalarKind::kNumber;
  const std::string& text = number ? scalar->text : node.scalar;
  if (key.Has(Modifier::kRe)) return MakeRegex(key, text);
  const bool textual =
      key.field.empty() || std::any_of(key.modifiers.begin(), key.modifiers.end(),
                                       [](const Key::Part& p) { return TakesText(p.modifier); });
  if (number && !textual) return Number{text};
  if (scalar->kind == yaml::ScalarKind::kBool && !textual) return Bool{scalar->boolean};
  return ParsePattern(text);
}

}  // namespace

Choice NullChoice(const Key& key, const yaml::Node& value, Reading& reading) {
  if (key.field.empty()) {
    reading.Refuse(key.About("null is no keyword"), value.place, "quote it if it is a word");
  }
  for (const Key::Part& part : key.modifiers) {
    if (part.modifier == Modifier::kAll || part.modifier == Modifier::kNeq) continue;
    reading.Refuse(key.About(fmt::format("null does not go with '{}'", part.name)), value.place,
                   "write the field without modifiers");
  }
  return {Null{}};
}

std::vector<Choice> ReadChoices(const Key& key, const yaml::Node& value, Reading& reading) {
  auto start = Start(key, value, reading);
  if (!start || !reading.ok()) return {};
  return Pipeline(key, value, reading).Run(std::move(*start));
}

}  // namespace faultline::sigma
