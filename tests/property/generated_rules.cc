// SPDX-License-Identifier: Apache-2.0
#include "tests/property/generated_rules.h"

#include <array>
#include <string_view>
#include <utility>

namespace faultline::testing {
namespace {

using Kind = sigma::Pattern::Kind;
using Op = sigma::Condition::Op;

constexpr std::array kFields{"a", "b", "c.d", "c", "Channel", "EventID", "e", "Image"};

// Kelvin sign, long s, sharp s and its capital, dotted I, e acute in both cases, Cherokee, Deseret.
constexpr std::array kLetters{
    "a",      "A",      "b",          "k",          "K",      "\u212A", "s",      "S",
    "\u017F", "\u00DF", "\u1E9E",     "\u0130",     "i",      "I",      "\u00C9", "\u00E9",
    "\u13A0", "\uAB70", "\U00010400", "\U00010428", "\\",     "\n",     "*",      "?",
    "1",      "0",      ".",          "-",          "\u03A3", "\u03C2", "\u03C3"};

constexpr std::array kNumbers{"0",
                              "-0",
                              "1",
                              "1.0",
                              "01",
                              "10e-1",
                              "1e0",
                              "42",
                              "4.2e1",
                              "4624",
                              "4.624e3",
                              "-1",
                              "1.50",
                              "1.5",
                              "18446744073709551615",
                              "18446744073709551616",
                              "9007199254740993",
                              "9007199254740992",
                              "true",
                              "false",
                              "1e400",
                              "0.1"};

constexpr std::array kJsonNumbers{"0",
                                  "-0",
                                  "1",
                                  "1.0",
                                  "10e-1",
                                  "1e0",
                                  "1E0",
                                  "42",
                                  "4.2e1",
                                  "4624",
                                  "4.624e3",
                                  "-1",
                                  "1.50",
                                  "18446744073709551615",
                                  "18446744073709551616",
                                  "9007199254740993",
                                  "1e400",
                                  "0.1"};

constexpr std::array kRegexes{"a",       "^a",     "k$",     "[ks]+",     "\\w",   "\\d+",
                              "^.$",     "^..$",   "(a|b)k", "\\bs",      "\\s",   "(?i)\u00E9",
                              "a.b",     "^$",     "\\\\",   "[\u00C9s]", "(?=a)", "(.)\\1",
                              "(?s)a.b", "\u03C3", "[^a]"};

}  // namespace

std::string Generator::Field() { return kFields[Below(kFields.size())]; }

std::string Generator::Text(std::uint64_t longest) {
  std::string text;
  for (std::uint64_t left = Below(longest + 1); left > 0; --left) {
    text += kLetters[Below(OneIn(2) ? 6 : kLetters.size())];
  }
  return text;
}

sigma::Pattern Generator::Pattern() {
  sigma::Pattern pattern;
  for (std::uint64_t left = OneIn(2) ? 1 : Below(6); left > 0; --left) {
    const std::uint64_t which = Below(6);
    const Kind kind = which == 0 ? Kind::kAny : which == 1 ? Kind::kOne : Kind::kLiteral;
    const bool same = !pattern.tokens.empty() && pattern.tokens.back().kind == kind;
    if (same && kind != Kind::kOne) continue;  // the loader merges neighbours
    std::string text = kind == Kind::kLiteral ? Text(3) : "";
    if (kind == Kind::kLiteral && text.empty())
      text = OneIn(4) ? kNumbers[Below(kNumbers.size())] : "a";
    pattern.tokens.push_back({kind, std::move(text)});
  }
  const auto add_outer = [&pattern](bool front) {
    auto& tokens = pattern.tokens;
    if (!tokens.empty() && (front ? tokens.front() : tokens.back()).kind == Kind::kAny) return;
    tokens.insert(front ? tokens.begin() : tokens.end(), {Kind::kAny, {}});
  };
  if (OneIn(3)) add_outer(true);
  if (OneIn(3)) add_outer(false);
  return pattern;
}

sigma::Value Generator::Value() {
  switch (Below(8)) {
    case 0: return sigma::Bool{OneIn(2)};
    case 1: return sigma::Number{kNumbers[Below(kNumbers.size() - 4)]};
    case 2: return sigma::Regex{kRegexes[Below(kRegexes.size())], OneIn(3), OneIn(4), OneIn(4)};
    default: return Pattern();
  }
}

sigma::Item Generator::Item() {
  sigma::Item item;
  if (!OneIn(6)) item.field = Field();
  item.all = OneIn(4);
  item.cased = OneIn(5);
  if (!item.field.empty() && OneIn(10)) {
    item.choices.push_back({sigma::Null{}});
    return item;
  }
  for (std::uint64_t left = 1 + Below(OneIn(10) ? 40 : 3); left > 0; --left) {
    item.choices.push_back({Value()});
  }
  return item;
}

sigma::Search Generator::Search(int number) {
  sigma::Search search;
  search.name = "s" + std::to_string(number);
  for (std::uint64_t left = 1 + Below(2); left > 0; --left) {
    search.alternatives.emplace_back();
    for (std::uint64_t items = 1 + Below(2); items > 0; --items) {
      search.alternatives.back().push_back(Item());
    }
  }
  return search;
}

sigma::Condition Generator::Condition(std::uint64_t searches) {
  sigma::Condition condition;
  for (std::uint64_t left = 1 + Below(6); left > 0; --left) {
    sigma::Condition::Node node;
    const std::uint64_t made = condition.nodes.size();
    const Op op = made == 0 ? Op::kSearch : static_cast<Op>(Below(5));
    node.op = op;
    if (op == Op::kSearch) {
      node.search = static_cast<std::uint32_t>(Below(searches));
    } else {
      for (std::uint64_t child = op == Op::kNot ? 1 : 1 + Below(3); child > 0; --child) {
        // Mostly the newest nodes, so that the root reaches many.
        const std::uint64_t back = Below(std::min<std::uint64_t>(made, 3));
        node.children.push_back(static_cast<std::uint32_t>(made - 1 - back));
      }
      node.at_least = static_cast<std::uint32_t>(1 + Below(node.children.size()));
    }
    condition.nodes.push_back(std::move(node));
  }
  return condition;
}

sigma::LogSourceAlternative Generator::Source() {
  sigma::LogSourceAlternative source;
  if (OneIn(2)) source.conditions.push_back(Item());
  if (OneIn(2)) source.renames.emplace_back(Field(), Field() + (OneIn(2) ? "|" + Field() : ""));
  return source;
}

sigma::DetectionRule Generator::Rule(int number) {
  sigma::DetectionRule rule;
  rule.meta.id = std::to_string(number);
  const int searches = static_cast<int>(1 + Below(3));
  for (int i = 0; i < searches; ++i) rule.searches.push_back(Search(i));
  for (std::uint64_t left = 1 + Below(2); left > 0; --left) {
    rule.conditions.push_back(Condition(static_cast<std::uint64_t>(searches)));
  }
  if (OneIn(3)) rule.sources = {Source(), Source()};
  return rule;
}

std::string Generator::JsonString() {
  static constexpr std::array kOdd{"\\ud800",        "\\udc00x",     "\\u00e9", "\\u212a",
                                   "\\ud801\\udc00", "\\q",          "\\u12",   "\\/",
                                   "\\u0000",        "\\t",          "\xC3",    "\xFF",
                                   "\xE2\x84",       "\xED\xA0\x80", "\\u0041"};
  std::string json = "\"";
  for (const char c : OneIn(6) ? std::string(kNumbers[Below(kNumbers.size())]) : Text(6)) {
    switch (c) {
      case '\n': json += "\\n"; break;
      case '\\': json += OneIn(4) ? "\\u005c" : "\\\\"; break;
      default: json += c;
    }
  }
  if (OneIn(12)) json += kOdd[Below(kOdd.size())];
  if (OneIn(3)) json += std::string(kLetters[Below(6)]) == "A" ? "A" : "k";
  return json + "\"";
}

std::string Generator::JsonValue(int depth) {
  switch (Below(depth > 0 ? 12 : 8)) {
    case 0: return OneIn(2) ? "null" : OneIn(2) ? "true" : "false";
    case 1: return kJsonNumbers[Below(kJsonNumbers.size())];
    case 8:
    case 9: {
      std::string json = "[";
      for (std::uint64_t left = Below(4); left > 0; --left) {
        json += JsonValue(depth - 1) + (left > 1 ? "," : "");
      }
      return json + "]";
    }
    case 10: return JsonObject(depth - 1);
    default: return JsonString();
  }
}

std::string Generator::JsonObject(int depth) {
  static constexpr std::array kKeys{"a", "b", "c", "d", "c.d", "Channel", "EventID", "e", "x"};
  std::string json = "{";
  for (std::uint64_t left = Below(9); left > 0; --left) {
    json += std::string("\"") + kKeys[Below(kKeys.size())] + "\":" + JsonValue(depth);
    if (left > 1) json += OneIn(3) ? " , " : ",";
  }
  return json + "}";
}

std::string Generator::Event() { return JsonObject(3); }

}  // namespace faultline::testing
