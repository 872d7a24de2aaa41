// SPDX-License-Identifier: Apache-2.0
// What the loader makes of each modifier, against values worked out by hand.
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/sigma/encodings.h"
#include "matcher/sigma/network.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {
namespace {

LoadOptions Placeholders() {
  LoadOptions options;
  options.placeholders["admins"] = {"root", "adm*"};
  options.placeholders["dom"] = {"EU", "US"};
  options.placeholders["esc"] = {R"(a\*b)"};
  options.placeholders["none"] = {};
  return options;
}

std::string RuleWith(const std::string& item) {
  return "title: T\nlogsource: {product: p}\ndetection:\n  s:\n    " + item + "\n  condition: s\n";
}

struct ShowValue {
  std::string operator()(const Null& /*value*/) const { return "null"; }
  std::string operator()(const Bool& value) const { return value.value ? "true" : "false"; }
  std::string operator()(const Number& value) const { return "number " + value.text; }
  // Literals in brackets, wildcards bare.
  std::string operator()(const Pattern& value) const {
    std::string text;
    for (const Pattern::Token& token : value.tokens) {
      if (token.kind == Pattern::Kind::kLiteral) text += "[" + token.text + "]";
      if (token.kind == Pattern::Kind::kAny) text += "*";
      if (token.kind == Pattern::Kind::kOne) text += "?";
    }
    return text;
  }
  std::string operator()(const Regex& value) const {
    return "/" + value.pattern + "/" + (value.ignore_case ? "i" : "") +
           (value.multi_line ? "m" : "") + (value.dot_all ? "s" : "");
  }
  std::string operator()(const Exists& value) const {
    return value.wanted ? "exists" : "exists not";
  }
  std::string operator()(const FieldRef& value) const {
    constexpr const char* kHow[] = {"=", "contains", "starts", "ends"};
    return std::string(kHow[static_cast<int>(value.how)]) + " field " + value.field;
  }
  std::string operator()(const Network& value) const { return "net " + ToString(value); }
  static std::string Show(Order order) {
    constexpr const char* kOrder[] = {"=", "<", "<=", ">", ">="};
    return kOrder[static_cast<int>(order)];
  }
  std::string operator()(const Comparison& value) const {
    return Show(value.order) + value.number.text;
  }
  std::string operator()(const TimePart& value) const {
    constexpr const char* kUnit[] = {"minute", "hour", "day", "week", "month", "year"};
    return std::string(kUnit[static_cast<int>(value.unit)]) + Show(value.order) +
           std::to_string(value.number);
  }
};

// "cased: a|b & c": alternatives of a choice by "|", choices by "," or, with `all`, by "&".
std::string Show(const Item& item) {
  std::string text;
  if (item.cased) text += "cased: ";
  if (item.negated) text += "not: ";
  for (std::size_t i = 0; i < item.choices.size(); ++i) {
    if (i > 0) text += item.all ? " & " : ", ";
    for (std::size_t j = 0; j < item.choices[i].size(); ++j) {
      if (j > 0) text += "|";
      text += std::visit(ShowValue{}, item.choices[i][j]);
    }
  }
  return text;
}

std::string Load(const std::string& item) {
  const LoadOptions options = Placeholders();
  const RuleCollection rules = LoadRulesFromText(RuleWith(item), "f.yml", options);
  if (!rules.errors.empty()) return rules.errors[0].ToString();
  return Show(rules.detections.at(0).searches.at(0).alternatives.at(0).at(0));
}

struct Case {
  const char* item;
  const char* shown;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Load(c.item), c.shown) << c.item;
}

TEST(Modifiers, OfText) {
  Check({
      {"f: a*b", "[a]*[b]"},
      {"f|contains: a*b", "*[a]*[b]*"},
      {"f|contains: '*a'", "*[a]*"},
      {"f|startswith: 'C:\\'", "[C:\\]*"},
      {"f|endswith: a?", "*[a]?"},
      {"f|contains|all: [a, b]", "*[a]* & *[b]*"},
      {"f|cased|contains: a", "cased: *[a]*"},
      {"f|contains: 46", "*[46]*"},
      {"f|contains: true", "*[true]*"},
      {"f|neq: [a, 5]", "not: [a], number 5"},
      {"f|neq: null", "not: null"},
      {"f: []", "null"},
      {"f: [1, true, x]", "number 1, true, [x]"},
      {"'|contains': abc", "*[abc]*"},
      {"'|all': [ab, cd]", "*[ab]* & *[cd]*"},
      {"'|startswith': ab", "[ab]*"},
  });
}

TEST(Modifiers, OfRegularExpressions) {
  Check({
      {"f|re: a.b", "/a.b/"},
      {"f|re|i|m|s: a", "/a/ims"},
      {"f|re|ignorecase|multiline|dotall: a", "/a/ims"},
      {"f|re|startswith: a|b", "/\\A(?:a|b)/"},
      {"f|re|endswith: a|b", "/(?:a|b)\\z/"},
      {"f|re|contains: ^a", "/^a/"},
      {"f|re: 5", "/5/"},
  });
}

TEST(Modifiers, Windash) {
  Check({
      {"f|windash: '-a'", "[-a]|[/a]|[–a]|[—a]|[―a]"},
      {"f|windash|contains: ' /a'", "*[ -a]*|*[ /a]*|*[ –a]*|*[ —a]*|*[ ―a]*"},
      {"f|contains|windash: ' /a'", "*[ -a]*|*[ /a]*|*[ –a]*|*[ —a]*|*[ ―a]*"},
      {"f|windash: x-y/z", "[x-y/z]"},
      {"f|windash: é-b", "[é-b]"},
      {"f|windash: '́-b'", "[́-b]|[́/b]|[́–b]|[́—b]|[́―b]"},  // a combining mark is no letter
      {"f|windash: '-'", "[-]"},
      {"f|windash: '-?a'", "[-]?[a]"},
      {"f|windash: 'a*-b'", "[a]*[-b]|[a]*[/b]|[a]*[–b]|[a]*[—b]|[a]*[―b]"},
  });
  const RuleCollection rules = LoadRulesFromText(RuleWith("f|windash: '-a -b -c -d'"), "f.yml");
  EXPECT_EQ(rules.detections.at(0).searches[0].alternatives[0][0].choices[0].size(), 625U);
}

TEST(Modifiers, Base64AndUtf16) {
  Check({
      {"f|base64: IEX", "cased: [SUVY]"},
      {"f|base64: IEX (", "cased: [SUVYICg=]"},
      {"f|base64: a\\*b", "cased: [YSpi]"},
      {"f|base64|contains: ab", "cased: *[YWI=]*"},
      {"f|base64offset|contains: foobar", "cased: *[Zm9vYmFy]*|*[Zvb2Jhc]*|*[mb29iYX]*"},
      {"f|base64offset: ab", "cased: [YW]|[Fi]|[hY]"},
      {"f|wide|base64: ab", "cased: [YQBiAA==]"},
      {"f|utf16le|base64: ab", "cased: [YQBiAA==]"},
      {"f|utf16be|base64: ab", "cased: [AGEAYg==]"},
      {"f|utf16|base64: ab", "cased: [//5hAGIA]"},
      {"f|wide|base64: 😀", "cased: [PdgA3g==]"},
      {"f|wide|base64offset|contains: x", "cased: *[eA]*|*[gA]*|*[4A]*"},
  });
  const std::string wide = Load("f|wide|contains: a*b");
  EXPECT_EQ(wide, std::string("*[a\0]*[b\0]*", 11));
}

TEST(Modifiers, OfNumbersAndTime) {
  Check({
      {"f|gt: 5", ">5"},
      {"f|gte: -0.5", ">=-0.5"},
      {"f|lt: '18446744073709551615'", "<18446744073709551615"},
      {"f|lte: [1, 2]", "<=1, <=2"},
      {"f|hour: 8", "hour=8"},
      {"f|hour|gte: 22", "hour>=22"},
      {"f|week|lt: '5'", "week<5"},
      {"f|minute: 1", "minute=1"},
      {"f|day: 1", "day=1"},
      {"f|month: 1", "month=1"},
      {"f|year|neq: 2024", "not: year=2024"},
  });
}

TEST(Modifiers, OfNetworks) {
  Check({
      {"f|cidr: 10.0.0.0/8", "net 10.0.0.0/8"},
      {"f|cidr: 10.1.2.3", "net 10.1.2.3/32"},
      {"f|cidr: '2001:db8::/32'", "net 2001:db8::/32"},
      {"f|cidr: '::1'", "net ::1/128"},
      {"f|cidr: '::ffff:10.0.0.0/104'", "net 10.0.0.0/8"},
      {"f|cidr: '::/0'", "net ::/0"},
      {"f|cidr: 0.0.0.0/0", "net 0.0.0.0/0"},
      {"f|cidr|neq: [10.0.0.0/8, '::/0']", "not: net 10.0.0.0/8, net ::/0"},
      {"f|cidr: 10.0.0.1/8",
       "f.yml:5:13: rule 'T': field 'f': '10.0.0.1/8' has bits set behind its prefix; the network "
       "is 10.0.0.0/8"},
      {"f|cidr: 2001:db8::1/32",
       "f.yml:5:13: rule 'T': field 'f': '2001:db8::1/32' has bits set behind its prefix; the "
       "network is 2001:db8::/32"},
      {"f|cidr: 010.0.0.0/8",
       "f.yml:5:13: rule 'T': field 'f': '010.0.0.0/8' is no network; write address/prefix, for "
       "example 10.0.0.0/8 or 2001:db8::/32"},
  });
}

TEST(Modifiers, ExistsAndFieldRef) {
  Check({
      {"f|exists: true", "exists"},
      {"f|exists: no",
       "f.yml:5:15: rule 'T': field 'f': 'exists' takes true or false; write true or false, "
       "without quotes"},
      {"f|exists: false", "exists not"},
      {"f|fieldref: g.h", "= field g.h"},
      {"f|fieldref|contains: g", "contains field g"},
      {"f|fieldref|startswith: g", "starts field g"},
      {"f|fieldref|endswith|cased: [g, h]", "cased: ends field g, ends field h"},
  });
}

TEST(Modifiers, Expand) {
  Check({
      {"f|expand: '%admins%'", "[root]|[adm]*"},
      {"f|expand|all: '%admins%'", "[root] & [adm]*"},
      {"f|expand|contains|all: ['%dom%', x]", "*[EU]* & *[US]* & *[x]*"},
      {"f|expand: '%dom%\\%admins%'", "[EU\\root]|[EU\\adm]*|[US\\root]|[US\\adm]*"},
      {"f|contains|expand: '%admins%'", "*[root]*|*[adm]*"},
      {"f|expand|endswith: '\\%dom%'", "*[\\EU]|*[\\US]"},
      {"f|expand: '%esc%'", "[a*b]"},
      {"f|expand: 100%", "[100%]"},
      {"f|expand: '%%'", "[%%]"},
      {"f|expand: 5", "number 5"},
      {"f: '%admins%'", "[%admins%]"},
      {"'|expand': '%dom%'", "*[EU]*|*[US]*"},
      {"f|expand: '%admin%'",
       "f.yml:5:15: rule 'T': field 'f': the placeholder '%admin%' has no values; did you mean "
       "'admins'?"},
      {"f|expand: '%none%'",
       "f.yml:5:15: rule 'T': field 'f': the placeholder '%none%' has no values; list them under "
       "rules.placeholders.none"},
  });
}

TEST(Modifiers, FaultsSayWhereAndWhatToWrite) {
  Check({
      {"f|contains|re: a",
       "f.yml:5:16: rule 'T': field 'f': modifier 're' must stand before 'contains'; write "
       "re|contains"},
      {"f|i|re: a",
       "f.yml:5:9: rule 'T': field 'f': modifier 're' must stand before 'i'; write re|i"},
      {"f|gt|hour: 5",
       "f.yml:5:10: rule 'T': field 'f': modifier 'hour' must stand before 'gt'; write hour|gt"},
      {"f|contains|fieldref: g",
       "f.yml:5:16: rule 'T': field 'f': modifier 'fieldref' must stand before 'contains'; write "
       "fieldref|contains"},
      {"f|all|all: [a, b]",
       "f.yml:5:11: rule 'T': field 'f': modifier 'all' stands twice; write it once"},
      {"f|wide|utf16le: a",
       "f.yml:5:12: rule 'T': field 'f': modifier 'utf16le' stands twice; write it once"},
      {"f|re|expand: a",
       "f.yml:5:10: rule 'T': field 'f': contradictory modifiers 're' and 'expand'; keep one of "
       "them"},
      {"f|exists|all: true",
       "f.yml:5:14: rule 'T': field 'f': contradictory modifiers 'exists' and 'all'; keep one of "
       "them"},
      {"f|base64: a*",
       "f.yml:5:15: rule 'T': field 'f': a wildcard cannot be encoded as base64; escape a literal "
       "wildcard as \\* or \\?"},
      {"f|contains|base64: a",
       "f.yml:5:24: rule 'T': field 'f': a wildcard cannot be encoded as base64; write contains, "
       "startswith or endswith behind the base64 modifier; escape a literal wildcard as \\* or "
       "\\?"},
      {"f|base64offset|contains: x",
       "f.yml:5:30: rule 'T': field 'f': base64offset of a single byte would be found anywhere; "
       "write at least two characters"},
      {"f|utf16|contains: ab",
       "f.yml:5:7: rule 'T': field 'f': 'utf16' without base64 behind it matches nothing; write "
       "utf16|base64offset|contains, or wide"},
      {"f|windash: '-a -b -c -d -e'",
       "f.yml:5:16: rule 'T': field 'f': windash at 5 places, at most 4 are expanded; split the "
       "value into several ones with contains|all"},
      {"f|gt: abc",
       "f.yml:5:11: rule 'T': field 'f': 'abc' is no number; write a number behind gt"},
      {"f|gt: '+5'",
       "f.yml:5:11: rule 'T': field 'f': '+5' is no number; write a number behind gt"},
      {"f|lt: true",
       "f.yml:5:11: rule 'T': field 'f': 'true' is no number; write a number behind lt"},
      {"f|gt: 1e99999",
       "f.yml:5:11: rule 'T': field 'f': '1e99999' is no number; write a number behind gt"},
      {"f|hour: 1.5",
       "f.yml:5:13: rule 'T': field 'f': '1.5' is no whole number; write the hour as a number"},
      {"f|fieldref: g*",
       "f.yml:5:17: rule 'T': field 'f': 'g*' is no field name; write the name of one field, "
       "without wildcards"},
      {"'|gt': 5", "f.yml:5:7: rule 'T': keyword: modifier 'gt' needs a field; write FIELD|gt"},
      {"f|contains: null",
       "f.yml:5:17: rule 'T': field 'f': null does not go with 'contains'; write the field without "
       "modifiers"},
      {"f|neq: [a, null]",
       "f.yml:5:16: rule 'T': field 'f': null inside a list; write a second map with the field "
       "alone and null"},
      {"'': a", "f.yml:5:5: rule 'T': a field has no name; name a field"},
  });
}

// Each would become gigabytes.
TEST(Modifiers, ExpansionIsLimited) {
  const std::string dashes(200'000, 'x');
  EXPECT_EQ(Load("f|windash: '-a -b -c -d " + dashes + "'"),
            "f.yml:5:16: rule 'T': field 'f': the values of this file expand to too many; split "
            "the file or the value");
  std::string many = "f|windash:";
  for (int i = 0; i < 200; ++i) many += "\n      - '-a -b -c -d" + std::to_string(i) + "'";
  EXPECT_NE(Load(many).find("expand to too many"), std::string::npos);
  std::string product = "f|expand: '";
  for (int i = 0; i < 20; ++i) product += "%dom%";
  EXPECT_NE(Load(product + "'").find("expand to too many"), std::string::npos);
}

TEST(Base64, SlicesAreFoundWhereverTheBytesLie) {
  const std::string needle = "Pass\xc3\xa9word!";
  for (std::size_t size = 2; size < needle.size(); ++size) {
    const std::string bytes = needle.substr(0, size);
    const auto slices = Base64Slices(bytes);
    for (std::size_t before = 0; before < 3; ++before) {
      for (std::size_t after = 0; after < 3; ++after) {
        const std::string text =
            EncodeBase64(std::string(before, '\xff') + bytes + std::string(after, '\x01'));
        EXPECT_NE(text.find(slices[before]), std::string::npos) << size << before << after;
      }
    }
  }
}

}  // namespace
}  // namespace faultline::sigma
