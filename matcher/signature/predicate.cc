// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/predicate.h"

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

#include "matcher/event/text.h"
#include "matcher/signature/ascii.h"

namespace faultline {
namespace {

using Kind = sigma::Pattern::Kind;

// Hyperscan takes literals of up to 16,000 bytes; above this a plain search does as well.
constexpr std::size_t kMaxLiteral = 4096;

std::string Folded(const std::string& text) {
  std::string buffer;
  return std::string(Fold(text, buffer));
}

void Part(std::string& key, std::string_view part) {
  key += std::to_string(part.size());
  key += ':';
  key += part;
}

Predicate Literal(PredicateKind kind, const std::string& text, bool cased) {
  Predicate predicate;
  predicate.kind = kind;
  predicate.cased = cased;
  predicate.text = cased ? text : Folded(text);
  predicate.bytes_text = cased ? text : AsciiFolded(text);
  return predicate;
}

Predicate Lazy(PredicateKind kind, const sigma::Value& value, bool cased) {
  Predicate predicate;
  predicate.kind = kind;
  predicate.cased = cased;
  predicate.value = value;
  return predicate;
}

bool IsAny(const sigma::Pattern::Token& token) { return token.kind == Kind::kAny; }

// A pattern with at most one literal between optional stars is a literal question; others are
// globs.
Predicate OfPattern(const sigma::Pattern& pattern, bool cased) {
  const auto& tokens = pattern.tokens;
  if (tokens.empty()) return Literal(PredicateKind::kExact, {}, cased);
  if (tokens.size() == 1 && IsAny(tokens[0])) return Literal(PredicateKind::kPresent, {}, false);
  const bool open_start = IsAny(tokens.front());
  const bool open_end = tokens.size() > 1 && IsAny(tokens.back());
  const std::size_t inner = tokens.size() - (open_start ? 1 : 0) - (open_end ? 1 : 0);
  const sigma::Pattern::Token& literal = tokens[open_start ? 1 : 0];
  if (inner != 1 || literal.kind != Kind::kLiteral || literal.text.size() > kMaxLiteral) {
    return Lazy(PredicateKind::kGlob, pattern, cased);
  }
  if (open_start && open_end) return Literal(PredicateKind::kContains, literal.text, cased);
  if (open_start) return Literal(PredicateKind::kEndsWith, literal.text, cased);
  if (open_end) return Literal(PredicateKind::kStartsWith, literal.text, cased);
  return Literal(PredicateKind::kExact, literal.text, cased);
}

sigma::Pattern Opened(sigma::Pattern pattern) {
  auto& tokens = pattern.tokens;
  if (tokens.empty() || !IsAny(tokens.front())) tokens.insert(tokens.begin(), {Kind::kAny, {}});
  if (!IsAny(tokens.back())) tokens.push_back({Kind::kAny, {}});
  return pattern;
}

sigma::Pattern TextPattern(std::string text) { return {{{Kind::kLiteral, std::move(text)}}}; }

struct Maker {
  bool keyword;
  bool cased;

  Predicate operator()(const sigma::Null&) const { return {}; }
  Predicate operator()(const sigma::Bool& value) const {
    return (*this)(TextPattern(value.value ? "true" : "false"));
  }
  Predicate operator()(const sigma::Number& value) const {
    if (keyword) return (*this)(TextPattern(value.text));
    Predicate predicate;
    predicate.kind = PredicateKind::kNumber;
    // What is a number to YAML only (.5, +5, 1e99999) is text to an event.
    return CanonicalNumber(value.text, predicate.text) ? predicate
                                                       : (*this)(TextPattern(value.text));
  }
  Predicate operator()(const sigma::Pattern& value) const {
    return OfPattern(keyword ? Opened(value) : value, cased);
  }
  Predicate operator()(const sigma::Regex& value) const {
    return Lazy(PredicateKind::kRegex, value, false);
  }
  Predicate operator()(const sigma::Exists& /*value*/) const {
    return Literal(PredicateKind::kExists, {}, false);
  }
  Predicate operator()(const sigma::FieldRef& value) const {
    return Lazy(PredicateKind::kFieldRef, value, cased);
  }
  Predicate operator()(const sigma::Network& value) const {
    return Lazy(PredicateKind::kNetwork, value, false);
  }
  Predicate operator()(const sigma::Comparison& value) const {
    return Lazy(PredicateKind::kComparison, value, false);
  }
  Predicate operator()(const sigma::TimePart& value) const {
    return Lazy(PredicateKind::kTimePart, value, false);
  }
};

// The parts of a lazy predicate's value that make it the question it is.
struct KeyOfValue {
  std::string& key;
  const Predicate& predicate;

  void operator()(const sigma::Pattern& value) const {
    for (const sigma::Pattern::Token& token : value.tokens) {
      Number(static_cast<int>(token.kind));
      Part(key, predicate.cased ? token.text : AsciiFolded(token.text));
    }
  }
  void operator()(const sigma::Regex& value) const {
    Part(key, value.pattern);
    key += value.ignore_case ? 'i' : '-';
    key += value.multi_line ? 'm' : '-';
    key += value.dot_all ? 's' : '-';
  }
  void operator()(const sigma::Network& value) const {
    for (const std::uint8_t byte : value.address) Number(byte);
    Number(value.prefix);
  }
  void operator()(const sigma::Comparison& value) const {
    Number(static_cast<int>(value.order));
    Part(key, value.number.text);
  }
  void operator()(const sigma::TimePart& value) const {
    Number(static_cast<int>(value.unit));
    Number(static_cast<int>(value.order));
    Number(value.number);
  }
  void operator()(const sigma::FieldRef& value) const {
    Number(predicate.other);
    Number(static_cast<int>(value.how));
  }
  template <class NotLazy>
  void operator()(const NotLazy& /*value*/) const {}

  void Number(std::int64_t number) const { Part(key, std::to_string(number)); }
};

// Texts that are looked for anywhere, for finding those that lie within another text.
class Parts {
 public:
  // Requires: `any` outlives it.
  explicit Parts(const std::vector<Predicate>& any) {
    for (const Predicate& predicate : any) {
      const std::size_t size = predicate.text.size();
      if (predicate.kind != PredicateKind::kContains || size == 0 || size > kLongest) continue;
      parts_.push_back(&predicate);
      begins_.set(static_cast<unsigned char>(predicate.text[0]));
    }
    std::sort(parts_.begin(), parts_.end(), [](const Predicate* a, const Predicate* b) {
      return std::tie(a->text, a->cased) < std::tie(b->text, b->cased);
    });
    // What begins with another one says nothing new: then only one can begin a text, the last that is
    // not behind it.
    const auto last =
        std::unique(parts_.begin(), parts_.end(), [](const Predicate* kept, const Predicate* next) {
          return next->text.starts_with(kept->text);
        });
    parts_.erase(last, parts_.end());
  }

  [[nodiscard]] bool OneLiesIn(const Predicate& whole) const {
    const std::string_view text = whole.text;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (!begins_[static_cast<unsigned char>(text[at])]) continue;
      const std::string_view rest = text.substr(at, kLongest);
      auto part = std::upper_bound(
          parts_.begin(), parts_.end(), rest,
          [](std::string_view sought, const Predicate* of) { return sought < of->text; });
      if (part == parts_.begin()) continue;
      if (const Predicate& found = **--part;
          rest.starts_with(found.text) && Implies(whole, found)) {
        return true;
      }
    }
    return false;
  }

 private:
  static constexpr std::size_t kLongest = 64;  // bounds what a comparison costs

  // Requires: the text of `part` lies in that of `whole`.
  static bool Implies(const Predicate& whole, const Predicate& part) {
    const bool same = whole.kind == part.kind && whole.text == part.text;
    return !same && whole.cased == part.cased &&
           whole.bytes_text.find(part.bytes_text) != std::string::npos;
  }

  std::vector<const Predicate*> parts_;  // by text, none the beginning of another
  std::bitset<256> begins_;              // the bytes that they begin with
};

bool IsText(PredicateKind kind) {
  return kind == PredicateKind::kExact || kind == PredicateKind::kContains ||
         kind == PredicateKind::kStartsWith || kind == PredicateKind::kEndsWith;
}

}  // namespace

std::vector<bool> Redundant(const std::vector<Predicate>& any) {
  std::vector<bool> redundant(any.size(), false);
  if (any.size() < 2) return redundant;
  const Parts parts(any);
  for (std::size_t i = 0; i < any.size(); ++i) {
    redundant[i] = IsText(any[i].kind) && parts.OneLiesIn(any[i]);
  }
  return redundant;
}

std::string Predicate::Key() const {
  const std::string& asked = kind == PredicateKind::kNumber ? text : bytes_text;
  std::string key;
  key.reserve(sizeof field + 2 + asked.size());
  key.append(reinterpret_cast<const char*>(&field), sizeof field);
  key += static_cast<char>(kind);
  key += cased ? 'c' : '-';
  key += asked;  // of a lazy one: none
  if (lazy()) std::visit(KeyOfValue{key, *this}, value);
  return key;
}

Predicate MakePredicate(FieldId field, const sigma::Value& value, bool cased, FieldId other) {
  Predicate predicate = std::visit(Maker{field == kKeywordField, cased}, value);
  predicate.field = field;
  predicate.other = other;
  return predicate;
}

PredicateId PredicateTable::Intern(Predicate predicate) {
  const auto next = static_cast<PredicateId>(predicates_.size());
  const auto [at, inserted] = ids_.try_emplace(DigestOf(predicate.Key()), next);
  if (inserted) predicates_.push_back(std::move(predicate));
  return at->second;
}

}  // namespace faultline
