// SPDX-License-Identifier: Apache-2.0
#include "matcher/flat_json.h"

#include <gtest/gtest.h>

namespace faultline {
namespace {

// The one string of `["..."]`.
std::string Decode(std::string_view array) {
  FlatJson json(array);
  FlatJson::Value value;
  EXPECT_TRUE(json.Next(value));
  EXPECT_FALSE(json.Next(value));
  EXPECT_FALSE(json.damaged()) << array;
  return value.text;
}

TEST(FlatJson, GivesMembersInOrder) {
  FlatJson json(R"( {"s" : "x", "n":-12,"f":1.5, "t":true,"z":null,"o":{"a":[1,"}"]}} )");
  FlatJson::Value value;
  ASSERT_TRUE(json.Next(value));
  EXPECT_EQ(value.key, "s");
  EXPECT_EQ(value.text, "x");
  ASSERT_TRUE(json.Next(value));
  EXPECT_EQ(value.Integer(), -12);
  ASSERT_TRUE(json.Next(value));
  EXPECT_EQ(value.Integer(), std::nullopt);
  ASSERT_TRUE(json.Next(value));
  EXPECT_EQ(value.kind, FlatJson::Kind::kBool);
  ASSERT_TRUE(json.Next(value));
  EXPECT_EQ(value.kind, FlatJson::Kind::kNull);
  ASSERT_TRUE(json.Next(value));
  EXPECT_EQ(value.kind, FlatJson::Kind::kNested);
  EXPECT_EQ(value.text, R"({"a":[1,"}"]})");
  EXPECT_FALSE(json.Next(value));
  EXPECT_FALSE(json.damaged());
}

TEST(FlatJson, DecodesEscapes) {
  EXPECT_EQ(Decode(R"(["\"\\\/\b\f\n\r\t"])"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(Decode(R"(["\u00e4\u20ac\ud83d\ude00"])"), "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(Decode(R"(["\ud83dx"])"), "\xED\xA0\xBDx");
}

TEST(FlatJson, WhatItWritesItReads) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every.push_back(static_cast<char>(byte));
  std::string array = "[";
  AppendJsonString(array, every);
  EXPECT_EQ(Decode(array + "]"), every);
}

TEST(FlatJson, TellsDamage) {
  for (const char* text :
       {"", "x", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1}x", "{\"a\" 1}",
        "{\"a\":1 \"b\":2}", "{1:2}", "[\"\\q............\"]", "{\"a\":{\"b\":1}"}) {
    FlatJson json(text);
    FlatJson::Value value;
    while (json.Next(value)) {
    }
    EXPECT_TRUE(json.damaged()) << text;
  }
}

TEST(FlatJson, GivesAStringThatTheEndCutsOff) {
  for (const char* text : {"[\"abc", "[\"abc\\", "[\"abc\\u00"}) {
    FlatJson json(text);
    FlatJson::Value value;
    ASSERT_TRUE(json.Next(value)) << text;
    EXPECT_TRUE(value.cut) << text;
    EXPECT_EQ(value.text, "abc") << text;
    EXPECT_FALSE(json.Next(value));
    EXPECT_TRUE(json.damaged());
  }
}

}  // namespace
}  // namespace faultline
