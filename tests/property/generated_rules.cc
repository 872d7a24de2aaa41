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

constexpr std::array kAddresses{"10.0.0.1",
                                "10.255.255.255",
                                "11.0.0.0",
                                "010.0.0.1",
                                "::ffff:10.0.0.7",
                                "::ffff:a00:7",
                                "fe80::1",
                                "fe80::1%eth0",
                                "fe80::1%",
                                "FEBF::2",
                                "fec0::",
                                "::",
                                "::1",
                                "127.0.0.1",
                                "1:2:3:4:5",
                                "1:2:3:4:5:6:7::",
                                "10.0.0.1/8",
                                " 10.0.0.1",
                                "10.0.0",
                                "10.0.0.1%eth0",
                                "::10.0.0.1",
                                "1::2::3",
                                "12345::",
                                "10.0.0.256"};

constexpr std::array kTimes{"2021-01-04T00:00:00Z",
                            "2020-12-31T23:59:59.999Z",
                            "2021-01-01 00:00:00",
                            "2024-02-29T22:30:00.5+05:30",
                            "2024-02-30T22:30:00Z",
                            "2024-12-30t08:09:10z",
                            "2026-12-31T08:30:00-0100",
                            "2021-01-03T08:00",
                            "1677-12-31T23:59:59Z",
                            "1678-01-01T00:00:00Z",
                            "1969-12-31T23:59:59.25Z",
                            "2016-12-31T23:59:60.5Z",
                            "2010-01-03",
                            "1609459199",
                            "1609459199999",
                            "1609459199999999",
                            "1709245800000000000",
                            "-1.5",
                            "1600000000.25",
                            "1609459199999.5",
                            "2021-01-04T00:00:00 UTC",
                            "2021-01-04T00:00:00 CET"};

// What stands behind a field, and how values for it are made.
enum class Values : std::uint8_t {
  kText,
  kRegex,
  kAddress,
  kNumber,
  kBool,
  kField,
  kPlaceholder,
  kPart
};
struct Modifiers {
  const char* text;
  Values values;
};
constexpr std::array kModifiers{Modifiers{"", Values::kText},
                                Modifiers{"", Values::kNumber},
                                Modifiers{"", Values::kBool},
                                Modifiers{"|contains", Values::kText},
                                Modifiers{"|startswith", Values::kText},
                                Modifiers{"|endswith", Values::kText},
                                Modifiers{"|contains|all", Values::kText},
                                Modifiers{"|contains", Values::kNumber},
                                Modifiers{"|cased", Values::kText},
                                Modifiers{"|contains|cased", Values::kText},
                                Modifiers{"|neq", Values::kText},
                                Modifiers{"|startswith|neq", Values::kText},
                                Modifiers{"|re", Values::kRegex},
                                Modifiers{"|re|i", Values::kRegex},
                                Modifiers{"|re|m|s", Values::kRegex},
                                Modifiers{"|re|startswith", Values::kRegex},
                                Modifiers{"|re|endswith", Values::kRegex},
                                Modifiers{"|base64", Values::kText},
                                Modifiers{"|base64offset|contains", Values::kText},
                                Modifiers{"|wide|base64offset|contains", Values::kText},
                                Modifiers{"|utf16be|base64|contains", Values::kText},
                                Modifiers{"|utf16|base64|startswith", Values::kText},
                                Modifiers{"|wide|contains", Values::kText},
                                Modifiers{"|windash", Values::kText},
                                Modifiers{"|windash|contains|all", Values::kText},
                                Modifiers{"|cidr", Values::kAddress},
                                Modifiers{"|gt", Values::kNumber},
                                Modifiers{"|gte", Values::kNumber},
                                Modifiers{"|lt", Values::kNumber},
                                Modifiers{"|lte|neq", Values::kNumber},
                                Modifiers{"|exists", Values::kBool},
                                Modifiers{"|fieldref", Values::kField},
                                Modifiers{"|fieldref|contains", Values::kField},
                                Modifiers{"|fieldref|endswith|neq", Values::kField},
                                Modifiers{"|expand", Values::kPlaceholder},
                                Modifiers{"|expand|contains|all", Values::kPlaceholder},
                                Modifiers{"|minute", Values::kPart},
                                Modifiers{"|hour|gte", Values::kPart},
                                Modifiers{"|day", Values::kPart},
                                Modifiers{"|week|lt", Values::kPart},
                                Modifiers{"|month", Values::kPart},
                                Modifiers{"|year|gt", Values::kPart}};

constexpr std::array kNetworks{"10.0.0.0/8", "10.0.0.1", "fe80::/10",          "::1/128",
                               "0.0.0.0/0",  "::/0",     "::ffff:10.0.0.0/104"};
constexpr std::array kParts{"0", "1", "4", "12", "22", "30", "53", "2021"};

// In single quotes, on one line.
std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c != '\n') quoted += c;
    if (c == '\'') quoted += c;
  }
  return quoted + "'";
}

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

// As the loader gives it for base64, base64offset and UTF-16: literals of any bytes, compared as
// they are.
sigma::Pattern Generator::Bytes() {
  static constexpr std::array kBytes{"\x41", "k",    "\xC3",        "\xE2\x84",
                                     "\xA9", "\xFF", "\xED\xA0\x80"};
  std::string text;
  for (std::uint64_t left = 1 + Below(2); left > 0; --left) text += kBytes[Below(kBytes.size())];
  if (OneIn(4)) text += '\0';
  sigma::Pattern pattern{{{Kind::kAny, {}}, {Kind::kLiteral, text}, {Kind::kAny, {}}}};
  if (OneIn(4)) pattern.tokens.pop_back();
  if (OneIn(4)) pattern.tokens.erase(pattern.tokens.begin());
  return pattern;
}

sigma::Network Generator::Network() {
  sigma::Network network;
  if (OneIn(2)) {
    network.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 1};
  } else {
    network.address = {0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  }
  static constexpr std::array<std::uint8_t, 9> kPrefixes{0, 10, 16, 96, 97, 104, 121, 127, 128};
  network.prefix = kPrefixes[Below(kPrefixes.size())];
  for (std::size_t bit = network.prefix; bit < 128; ++bit) {
    network.address[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
  }
  return network;
}

sigma::Order Generator::Order() { return static_cast<sigma::Order>(Below(5)); }

sigma::Value Generator::TypedValue() {
  switch (Below(6)) {
    case 0: return sigma::Exists{OneIn(2)};
    case 1: return sigma::FieldRef{Field(), static_cast<sigma::TextMatch>(Below(4))};
    case 2: return Network();
    case 3: {
      const auto order = static_cast<sigma::Order>(1 + Below(4));
      return sigma::Comparison{order, {kJsonNumbers[Below(kJsonNumbers.size())]}};
    }
    default: {
      static constexpr std::array<std::int64_t, 12> kNumbersOfParts{0,  1,  2,  4,  8,  12,
                                                                    22, 29, 30, 53, 59, 2021};
      return sigma::TimePart{static_cast<sigma::TimeUnit>(Below(6)), Order(),
                             kNumbersOfParts[Below(kNumbersOfParts.size())]};
    }
  }
}

sigma::Value Generator::Value() {
  switch (Below(8)) {
    case 0: return sigma::Bool{OneIn(2)};
    case 1: return sigma::Number{kNumbers[Below(kNumbers.size() - 4)]};
    case 2: return sigma::Regex{kRegexes[Below(kRegexes.size())], OneIn(3), OneIn(4), OneIn(4)};
    default: return Pattern();
  }
}

// Mostly one value each, several as windash gives them.
void Generator::AddChoices(sigma::Item& item) {
  const bool typed = !item.field.empty() && OneIn(4);
  const bool bytes = item.cased && OneIn(2);
  for (std::uint64_t left = 1 + Below(OneIn(10) ? 40 : 3); left > 0; --left) {
    sigma::Choice& choice = item.choices.emplace_back();
    for (std::uint64_t values = OneIn(5) ? 1 + Below(4) : 1; values > 0; --values) {
      choice.push_back(typed ? TypedValue() : bytes ? sigma::Value(Bytes()) : Value());
    }
  }
}

sigma::Item Generator::Item() {
  sigma::Item item;
  if (!OneIn(6)) item.field = Field();
  item.all = OneIn(4);
  item.cased = OneIn(5);
  item.negated = OneIn(8);
  if (!item.field.empty() && OneIn(10)) {
    item.choices.push_back({sigma::Null{}});
  } else {
    AddChoices(item);
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
  AddNode(condition, searches, static_cast<int>(Below(7)));
  return condition;
}

// A node over nodes of less depth, now and then one that is there already.
std::uint32_t Generator::AddNode(sigma::Condition& condition, std::uint64_t searches, int depth) {
  sigma::Condition::Node node;
  node.op = depth == 0 ? Op::kSearch : static_cast<Op>(1 + Below(4));
  if (node.op == Op::kSearch) {
    node.search = static_cast<std::uint32_t>(Below(searches));
  } else {
    for (std::uint64_t child = node.op == Op::kNot ? 1 : 1 + Below(3); child > 0; --child) {
      const std::uint64_t made = condition.nodes.size();
      if (made > 0 && OneIn(4)) {
        node.children.push_back(static_cast<std::uint32_t>(Below(made)));
      } else {
        const int below = OneIn(2) ? depth - 1 : static_cast<int>(Below(depth));
        node.children.push_back(AddNode(condition, searches, below));
      }
    }
    node.at_least = static_cast<std::uint32_t>(1 + Below(node.children.size()));
  }
  condition.nodes.push_back(std::move(node));
  return static_cast<std::uint32_t>(condition.nodes.size() - 1);
}

void Generator::AddSearches(std::vector<sigma::Search>& searches,
                            std::vector<sigma::Condition>& conditions) {
  const int count = static_cast<int>(1 + Below(3));
  for (int i = 0; i < count; ++i) searches.push_back(Search(i));
  for (std::uint64_t left = 1 + Below(2); left > 0; --left) {
    conditions.push_back(Condition(static_cast<std::uint64_t>(count)));
  }
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
  AddSearches(rule.searches, rule.conditions);
  if (OneIn(3)) rule.sources = sigma::LogSourceAlternatives({Source(), Source()});
  return rule;
}

sigma::RuleCollection Generator::Rules(int rules, int filters) {
  sigma::RuleCollection collection;
  for (int i = 0; i < filters; ++i) {
    sigma::Filter& filter = collection.filters.emplace_back();
    filter.meta.id = "f" + std::to_string(i);
    AddSearches(filter.searches, filter.conditions);
  }
  for (int i = 0; i < rules; ++i) {
    sigma::DetectionRule& rule = collection.detections.emplace_back(Rule(i));
    for (std::uint32_t filter = 0; filter < collection.filters.size(); ++filter) {
      if (OneIn(6)) rule.filters.push_back(filter);
    }
  }
  return collection;
}

std::string Generator::YamlItem() {
  const Modifiers& modifiers = kModifiers[Below(kModifiers.size())];
  const auto value = [&]() -> std::string {
    switch (modifiers.values) {
      case Values::kText: return Quoted(OneIn(4) ? "-" + Text(3) : Text(3));
      case Values::kRegex: return Quoted(kRegexes[Below(kRegexes.size())]);
      case Values::kAddress: return Quoted(kNetworks[Below(kNetworks.size())]);
      case Values::kNumber: return kJsonNumbers[Below(kJsonNumbers.size())];
      case Values::kBool: return OneIn(2) ? "true" : "false";
      case Values::kField: return Field();
      case Values::kPlaceholder: return "'%words%'";
      case Values::kPart: return kParts[Below(kParts.size())];
    }
    return {};
  };
  std::string item = Field() + modifiers.text + ":";
  if (OneIn(2) || modifiers.values == Values::kBool) return item + " " + value() + "\n";
  item += "\n";
  for (std::uint64_t left = 1 + Below(3); left > 0; --left) item += "      - " + value() + "\n";
  return item;
}

std::string Generator::ConditionText(int searches, int depth) {
  const auto below = [&] { return ConditionText(searches, static_cast<int>(Below(depth))); };
  if (depth == 0) {
    if (OneIn(3)) return std::to_string(1 + Below(searches)) + " of s*";
    return OneIn(6) ? "all of them" : "s" + std::to_string(Below(searches));
  }
  switch (Below(4)) {
    case 0: return "not " + ConditionText(searches, depth - 1);
    case 1: return "(" + ConditionText(searches, depth - 1) + ") and " + below();
    case 2: return ConditionText(searches, depth - 1) + " or " + below();
    default: return "(" + below() + " or not " + ConditionText(searches, depth - 1) + ")";
  }
}

std::string Generator::RuleText(int number) {
  std::string text = "title: rule " + std::to_string(number) + "\nlogsource:\n  category: test\n";
  text += "detection:\n";
  const int searches = static_cast<int>(1 + Below(3));
  for (int i = 0; i < searches; ++i) {
    text += "  s" + std::to_string(i) + ":\n";
    text += "    " + YamlItem();
  }
  return text + "  condition: " + ConditionText(searches, static_cast<int>(Below(7))) + "\n";
}

std::string Generator::JsonString() {
  static constexpr std::array kOdd{"\\ud800",        "\\udc00x",     "\\u00e9", "\\u212a",
                                   "\\ud801\\udc00", "\\q",          "\\u12",   "\\/",
                                   "\\u0000",        "\\t",          "\xC3",    "\xFF",
                                   "\xE2\x84",       "\xED\xA0\x80", "\\u0041"};
  if (OneIn(8)) return std::string("\"") + kAddresses[Below(kAddresses.size())] + "\"";
  if (OneIn(8)) return std::string("\"") + kTimes[Below(kTimes.size())] + "\"";
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
    case 2: {
      static constexpr std::array kEpochs{"1609459199", "1609459199999", "1600000000.25", "-1"};
      return OneIn(4) ? kEpochs[Below(kEpochs.size())] : JsonString();
    }
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
