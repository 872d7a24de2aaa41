// SPDX-License-Identifier: Apache-2.0
#include "matcher/shapes/shape_file.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/event/text.h"
#include "matcher/event/walker.h"

namespace faultline {
namespace {

std::string Complaint(const std::string& text) {
  ShapeSet shapes = *BuiltInShapes();
  const Result<void> read = ReadShapes(text, "s.yaml", shapes);
  if (read) return "fine";
  EXPECT_EQ(read.error().fault, Fault::kConfig);
  EXPECT_EQ(shapes.size(), kConcreteShapes) << "a file that is refused leaves nothing";
  return read.error().ToString();
}

TEST(ShapeFile, EachMistakeIsToldWithItsPlaceAndRemedy) {
  struct Case {
    std::string text;
    std::string complaint;
  };
  const std::vector<Case> cases = {
      {"auto: {}\n",
       "s.yaml:1:1: 'auto' is not a shape but their recognition; choose another name"},
      {"a: text\n",
       "s.yaml:1:4: shape 'a' must be a map, this is a text; write 'key: value' lines, "
       "indented below it"},
      {"a: {field: {}}\n", "s.yaml:1:5: unknown key 'field' in shape 'a'; did you mean 'fields'?"},
      {"a:\n  extends: nxlogg\n",
       "s.yaml:2:12: no shape 'nxlogg' to extend; did you mean 'nxlog'?"},
      {"a: {extends: flat}\nflat: {extends: a}\n",
       "s.yaml:2:17: shape 'flat' extends itself through others"},
      {"a: {anywhere: event}\n",
       "s.yaml:1:15: 'event' is the same place for every field; write '{}' where the field's name "
       "stands"},
      {"a: {blanks: event}\n", "s.yaml:1:13: 'blanks' must be one path; write '/event'"},
      {"a: {recognise: x}\n",
       "s.yaml:1:16: 'recognise' must be a list; list places, any of which tells the shape; or "
       "lists of places that do together"},
      {"a: {recognise: [[]]}\n",
       "s.yaml:1:17: an empty list in 'recognise' would recognise every event"},
      {"a: {fields: {'*x': y}}\n",
       "s.yaml:1:14: '*x': a star stands for the end of a field's name; write 'Word_*'"},
      {"a: {parts: {md5: Hashes}}\n",
       "s.yaml:1:18: 'Hashes' names no part of a field; write 'FIELD/NAME', such as "
       "'Hashes/SHA256'"},
      {"a: {parts: {A: A/B}}\n", "s.yaml:1:16: 'A' is a part itself"},
      {"a: {joined: {H: {pieces: [x]}}}\n",
       "s.yaml:1:27: 'x' is no piece of a text; write 'TEXT{PLACE}', such as "
       "'SHA1={process.hash.sha1}'"},
      {"a: {named_lists: [{list: /x}]}\n", "s.yaml:1:19: a named list needs 'names'"},
      {"a: {split: {/x: \"\\t\"}}\n",
       "s.yaml:1:17: what stands between values must be a text without control characters; write "
       "', ' or the like"},
      {"a: {lines: [/x], to_end: /y/Message}\n",
       "s.yaml:1:26: 'to_end' names no line of a text in 'lines'; write '/text/Name' where 'lines' "
       "has '/text'"},
      {"a: {fields: {F: a.b.c.d.e.f.g.h}}\n",
       "s.yaml:1:17: 'F' has more than 6 dots; write the one path that is meant: its keys with a "
       "'/' before each"},
  };
  for (const Case& c : cases) EXPECT_EQ(Complaint(c.text), c.complaint) << c.text;
}

// The values of `field` in `payload`, recognised among the built-in shapes and those of `file`.
std::vector<std::string> ValuesIn(const std::string& file, const std::string& payload,
                                  const std::string& field, std::string* shape = nullptr) {
  ShapeSet shapes = *BuiltInShapes();
  const Result<void> read = ReadShapes(file, "s.yaml", shapes);
  EXPECT_TRUE(read) << read.error().ToString();
  FieldTable::Builder builder(&shapes);
  const FieldId id = builder.Add(field);
  const FieldTable table = std::move(builder).Build();
  Walker walker(&table);
  EXPECT_EQ(walker.Begin(payload, {}), WalkFault::kNone) << payload;
  const Event* event = walker.Next();
  if (shape != nullptr) *shape = shapes.spec(event->shape()).name;
  std::vector<std::string> values;
  std::string buffer;
  for (const RawValue& value : event->Of(id)) values.emplace_back(Decode(value, buffer));
  return values;
}

using Strings = std::vector<std::string>;

constexpr char kAcme[] = R"(
acme:
  recognise: [[/acme_version, /rec]]
  within: /rec
  fields:
    EventID: /hdr/id
    Provider_*: '/hdr/provider/{}'
  only: {Data: []}
  anywhere: ['/data/{lower}', 'evt.{}']
  otherwise: {Image: /exe}
)";

TEST(ShapeFile, AShapeOfOnesOwnIsRecognisedFirst) {
  std::string shape;
  const std::string event = R"({"acme_version":1,"winlog":{},"Data":"x","rec":{"hdr":{"id":7,)"
                            R"("provider":{"Name":"P"}},"data":{"image":"a"},"evt":{"B":"b"}}})";
  EXPECT_EQ(ValuesIn(kAcme, event, "EventID", &shape), Strings{"7"});
  EXPECT_EQ(shape, "acme");
  EXPECT_EQ(ValuesIn(kAcme, event, "Provider_Name"), Strings{"P"});
  EXPECT_EQ(ValuesIn(kAcme, event, "Image"), Strings{"a"});
  EXPECT_EQ(ValuesIn(kAcme, event, "B"), Strings{"b"});
  EXPECT_EQ(ValuesIn(kAcme, event, "Data"), Strings{});
  EXPECT_EQ(ValuesIn(kAcme, R"({"acme_version":1,"exe":"c"})", "Image", &shape), Strings{});
  EXPECT_EQ(shape, "flat") << "one key of two";
  EXPECT_EQ(ValuesIn(kAcme, R"({"acme_version":1,"rec":{"exe":"c"}})", "Image"), Strings{"c"});
}

TEST(ShapeFile, ABuiltInShapeIsExtendedUnderItsOwnName) {
  const std::string file = "nxlog: {extends: nxlog, fields: {Image: /exe_path}}\n";
  const std::string event = R"({"SourceModuleName":"in","exe_path":"x","SourceName":"P"})";
  std::string shape;
  EXPECT_EQ(ValuesIn(file, event, "Image", &shape), Strings{"x"});
  EXPECT_EQ(shape, "nxlog");
  EXPECT_EQ(ValuesIn(file, event, "Provider_Name"), Strings{"P"});
}

TEST(ShapeFile, ABuiltInShapeIsReplaced) {
  const std::string file = "nxlog: {recognise: [/mine], anywhere: 'x.{}'}\n";
  std::string shape;
  EXPECT_EQ(ValuesIn(file, R"({"SourceModuleName":"in"})", "Image", &shape), Strings{});
  EXPECT_EQ(shape, "flat");
  EXPECT_EQ(ValuesIn(file, R"({"mine":1,"x":{"Image":"i"}})", "Image", &shape), Strings{"i"});
  EXPECT_EQ(shape, "nxlog");
}

TEST(ShapeFile, PathsSpellSlashesAndTildes) {
  EXPECT_EQ(ValuesIn("a: {recognise: [/m], fields: {F: /a~1b/c~0d}}\n",
                     R"({"m":1,"a/b":{"c~d":"v"}})", "F"),
            Strings{"v"});
}

TEST(ShapeFile, AFileThatIsNotThereIsTold) {
  const auto shapes = LoadShapes({"/nowhere/s.yaml"});
  ASSERT_FALSE(shapes);
  EXPECT_EQ(shapes.error().fault, Fault::kIo);
}

}  // namespace
}  // namespace faultline
