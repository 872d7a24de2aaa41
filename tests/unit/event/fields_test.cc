// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/fields.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "matcher/shapes/shape_file.h"

namespace faultline {
namespace {

TEST(FieldTable, GivesOneIdPerName) {
  FieldTable::Builder builder(BuiltInShapes().get());
  const FieldId image = builder.Add("Image");
  const FieldId other = builder.Add("image");
  EXPECT_NE(image, other);
  EXPECT_EQ(builder.Add("Image"), image);
  const FieldTable table = std::move(builder).Build();
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.name(image), "Image");
  EXPECT_EQ(table.Find("image"), other);
  EXPECT_EQ(table.Find("IMAGE"), kNoNode);
}

TEST(FieldTable, FindsEveryPlaceOfManyFields) {
  FieldTable::Builder builder(BuiltInShapes().get());
  for (int i = 0; i < 500; ++i) builder.Add("field_number_" + std::to_string(i));
  const FieldTable table = std::move(builder).Build();
  for (FieldId field = 0; field < table.size(); ++field) {
    for (std::size_t index = 0; index < kConcreteShapes; ++index) {
      const auto shape = static_cast<Shape>(index);
      const auto candidates = table.Candidates(field, shape);
      for (const Path& path : BuiltInShapes()->PathsOf(shape, table.name(field))) {
        NodeId node = kRootNode;
        for (const std::string& key : path) node = table.Child(node, key == "*" ? "any" : key);
        EXPECT_EQ(std::count(candidates.begin(), candidates.end(), node), 1);
      }
    }
  }
}

TEST(FieldTable, KnowsNoOtherKeys) {
  FieldTable::Builder builder(BuiltInShapes().get());
  builder.Add("Image");
  const FieldTable table = std::move(builder).Build();
  for (const char* key : {"", "I", "Imag", "Imagf", "Image2", "image", "a key of another length"}) {
    EXPECT_EQ(table.Child(kRootNode, key), kNoNode) << key;
  }
  const NodeId image = table.Child(kRootNode, "Image");
  ASSERT_NE(image, kNoNode);
  EXPECT_EQ(table.Child(image, "Image"), kNoNode);
}

TEST(FieldTable, KeysWithEqualEndsAreToldApart) {
  const std::string one = "12345678_one_12345678";
  const std::string two = "12345678_two_12345678";
  FieldTable::Builder builder(BuiltInShapes().get());
  builder.Add(one);
  builder.Add(two);
  const FieldTable table = std::move(builder).Build();
  EXPECT_NE(table.Child(kRootNode, one), table.Child(kRootNode, two));
  EXPECT_EQ(table.Child(kRootNode, "12345678_six_12345678"), kNoNode);
}

TEST(FieldTable, AWildcardStandsBesideLiteralKeys) {
  FieldTable::Builder builder(BuiltInShapes().get());
  const FieldId user = builder.Add("User");
  builder.Add("Event.UserData.EventXML.Address");
  const FieldTable table = std::move(builder).Build();
  const NodeId data = table.Child(table.Child(kRootNode, "Event"), "UserData");
  const NodeId literal = table.Child(table.Child(data, "EventXML"), "User");
  const NodeId any = table.Child(table.Child(data, "Whatever"), "User");
  EXPECT_NE(literal, any);
  const auto candidates = table.Candidates(user, Shape::kEvtx);
  EXPECT_EQ(std::count(candidates.begin(), candidates.end(), literal), 1);
  EXPECT_EQ(std::count(candidates.begin(), candidates.end(), any), 1);
}

}  // namespace
}  // namespace faultline
