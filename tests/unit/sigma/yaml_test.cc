// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/yaml.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "matcher/sigma/scalars.h"

namespace faultline::yaml {
namespace {

std::string ErrorOf(const std::string& text) {
  const auto parsed = ParseYaml(text, "f.yml");
  return parsed ? std::string() : parsed.error().ToString();
}

std::string Repeat(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

TEST(Yaml, KeepsPlacesInBytesAndStyles) {
  const auto parsed = ParseYaml("a: 1\n\xC3\xA4: 'x'\n---\n- >\n  t\n", "f.yml");
  ASSERT_TRUE(parsed.has_value());
  ASSERT_EQ(parsed->size(), 2U);
  const Node* quoted = (*parsed)[0].Find("\xC3\xA4");
  ASSERT_NE(quoted, nullptr);
  EXPECT_EQ(ToString(quoted->place), "f.yml:2:5");
  EXPECT_TRUE(quoted->quoted);
  EXPECT_FALSE((*parsed)[0].Find("a")->quoted);
  EXPECT_TRUE((*parsed)[1].items[0].quoted);
  EXPECT_TRUE((*parsed)[1].items[0].multi_line);
  EXPECT_EQ((*parsed)[0].Find("b"), nullptr);
}

TEST(Yaml, RefusesWithPlaceAndReason) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"a: 1\na: 2\n", "f.yml:2:1: YAML: duplicate key 'a', first in line 1; give each key once"},
      {"[a]: 1\n",
       "f.yml:1:1: YAML: a key must be a text, this is a list or a map; quote text with brackets "
       "in it"},
      {"b: &x {k: 1}\na:\n  <<: *x\n",
       "f.yml:3:3: YAML: merge keys ('<<') are not supported; write the keys out"},
      {"a: *nope\n",
       "f.yml:1:4: YAML: unknown alias '*nope'; text that begins with '*' must be quoted"},
      {"a: &x [*x]\n", "f.yml:1:8: YAML: '*x' holds itself; write the value out"},
      {"a: !!python/object x\n",
       "f.yml:1:4: YAML: unknown tag 'tag:yaml.org,2002:python/object'; remove the tag"},
  };
  for (const auto& c : cases) EXPECT_EQ(ErrorOf(c.text), c.error) << c.text;
}

TEST(Yaml, AKeyStandsOnceHoweverManyThereAre) {
  for (const int count : {1, 15, 16, 17, 40}) {
    std::string text;
    for (int key = 0; key < count; ++key) text += 'k' + std::to_string(key) + ": 1\n";
    EXPECT_EQ(ErrorOf(text.c_str()), "") << count;
    for (const int twice : {0, count / 2, count - 1}) {
      const std::string key = 'k' + std::to_string(twice);
      EXPECT_EQ(ErrorOf((text + "new: 1\n" + key + ": 2\n").c_str()),
                "f.yml:" + std::to_string(count + 2) + ":1: YAML: duplicate key '" + key +
                    "', first in line " + std::to_string(twice + 1) + "; give each key once");
    }
  }
}

// libyaml takes these; what it makes of some of them is not what YAML 1.2 says.
TEST(Yaml, RefusesWhatOnlyLibyamlTakes) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"a: \"b\"#c\n", "f.yml:1:7: YAML: '#' without a blank before it; put a blank there"},
      {"a: >#c\n  b\n", "f.yml:1:5: YAML: '#' without a blank before it; put a blank there"},
      {"[?x]\n", "f.yml:1:2: YAML: '?' before text inside [...] or {...}; quote it"},
      {"[-]\n", "f.yml:1:2: YAML: a lone '-' inside [...] or {...}; quote it"},
      {"a: &b:c d\n",
       "f.yml:1:6: YAML: a character that an anchor cannot have; use letters, digits, '_' and '-'"},
      {"a: &b 1\nc: [*b: d]\n",
       "f.yml:2:7: YAML: a character that an alias cannot have; put a blank behind the alias"},
      {"a: [b,\nc]\n",
       "f.yml:2:1: YAML: this line must be indented by blanks, deeper than the key it belongs to; "
       "indent it, or close the quote or bracket above"},
      {"a:\n- b: 'c\n  d'\n",
       "f.yml:3:3: YAML: this line must be indented by blanks, deeper than the key it belongs to; "
       "indent it, or close the quote or bracket above"},
      {"a: 1\n%YAML 1.2\n---\nb: 2\n",
       "f.yml:2:1: YAML: a directive behind a document that '...' does not end; remove the line "
       "with '%'"},
      {"a: |\n   \n # b\n",
       "f.yml:3:2: YAML: the text begins less deep than the empty lines before it; remove the "
       "blanks of those lines"},
  };
  for (const auto& c : cases) EXPECT_EQ(ErrorOf(c.text), c.error) << c.text;
}

TEST(Yaml, TakesTheSameSpelledRight) {
  for (const char* text :
       {"a: \"b\" #c\n", "a: > #c\n  b\n", "['?x', ? y]\n", "['-', -1]\n", "a: &b-c d\n",
        "a: &b 1\nc: [*b , *b]\n", "a: [b,\n c]\n", "a: [b,\n# c\n\n c]\n", "a: 'b\n\n c'\n",
        "a:\n- b: 'c\n   d'\n", "a:\n- 'c\n d'\n", "[a,\nb]\n", "a: 1\n...\n%YAML 1.1\n---\nb: 2\n",
        "a: |\n\n # b\n", "a: |\n\n# b\nc: d\n"}) {
    EXPECT_EQ(ErrorOf(text), "") << text;
  }
}

TEST(Yaml, ReadsBehindAByteOrderMarkAndWithoutALastLineEnd) {
  const auto parsed = ParseYaml(
      "\xEF\xBB\xBF"
      "a: 1\nb: |\n  c",
      "f.yml");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().ToString();
  EXPECT_EQ(parsed->front().Find("b")->scalar, "c\n");
  EXPECT_EQ(parsed->front().Find("a")->place.column, 4);
}

TEST(Yaml, ExpandsAliasesByCopy) {
  const auto parsed = ParseYaml("a: &x [1, 2]\nb: *x\n", "f.yml");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->front().Find("b")->items.size(), 2U);
}

TEST(Yaml, KeepsDocumentsBeforeAFault) {
  std::vector<Node> documents;
  const auto error = ParseYamlPrefix("a: 1\n---\nb: [\n", "f.yml", {}, Fault::kConfig, documents);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->fault, Fault::kConfig);
  EXPECT_EQ(documents.size(), 1U);
}

// Each would take minutes, gigabytes or the stack of a naive reader.
TEST(Yaml, JudgesBombsQuickly) {
  std::string laughs = "a: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    laughs += "b" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + "," + last +
              "," + last + "," + last + "]\n";
  }
  std::string tags;
  for (int i = 0; i < 70'000; ++i) tags += "%TAG !" + std::to_string(i) + "! x\n";
  const std::string huge = "a: &x " + std::string(900'000, 'y') + "\n" + Repeat("- *x\n", 1000);
  const std::string bombs[] = {",",
                               laughs,
                               huge,
                               tags,
                               Repeat("[", 10'000),
                               Repeat("{a: ", 10'000),
                               Repeat("- ", 10'000),
                               Repeat("? ", 10'000),
                               Repeat("[\n", 500'000),
                               "[" + Repeat(",", 500'000),
                               "\"" + std::string(1'000'000, 'x'),
                               std::string("\0\0\0\0", 4),
                               "\xFF\xFE" + std::string("a\0", 2),
                               std::string(2'000'000, 'x'),
                               "[" + Repeat("a,", 400'000) + "]"};
  for (const std::string& bomb : bombs) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(ParseYaml(bomb, "f.yml").has_value()) << bomb.substr(0, 20);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2))
        << bomb.substr(0, 20);
  }
}

TEST(Scalars, FollowTheCoreSchema) {
  const struct {
    const char* text;
    ScalarKind kind;
    const char* value;
  } cases[] = {
      {"", ScalarKind::kNull, ""},
      {"~", ScalarKind::kNull, ""},
      {"null", ScalarKind::kNull, ""},
      {"yes", ScalarKind::kString, "yes"},
      {"on", ScalarKind::kString, "on"},
      {"true", ScalarKind::kBool, ""},
      {"0o17", ScalarKind::kNumber, "15"},
      {"0xff", ScalarKind::kNumber, "255"},
      {"0123", ScalarKind::kNumber, "0123"},
      {"+5", ScalarKind::kNumber, "5"},
      {".5", ScalarKind::kNumber, "0.5"},
      {"-1.5E+3", ScalarKind::kNumber, "-1.5e+3"},
      {"0xffffffffffffffffff", ScalarKind::kNumber, "4722366482869645213695"},
      {".inf", ScalarKind::kSpecial, ".inf"},
      {"1_000", ScalarKind::kString, "1_000"},
      {"12:30", ScalarKind::kString, "12:30"},
      {"0o8", ScalarKind::kString, "0o8"},
      {"-", ScalarKind::kString, "-"},
      {"1e", ScalarKind::kString, "1e"},
  };
  for (const auto& c : cases) {
    Node node;
    node.scalar = c.text;
    const auto value = Resolve(node);
    ASSERT_TRUE(value.has_value()) << c.text;
    EXPECT_EQ(value->kind, c.kind) << c.text;
    EXPECT_EQ(value->text, c.value) << c.text;
    node.quoted = true;
    EXPECT_EQ(Resolve(node)->kind, ScalarKind::kString) << c.text;
  }
}

}  // namespace
}  // namespace faultline::yaml
