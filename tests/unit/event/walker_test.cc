// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/walker.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/event/text.h"
#include "matcher/shapes/shape_file.h"

namespace faultline {
namespace {

using Strings = std::vector<std::string>;

// A walker over a few fields, and what it says of a payload.
class WalkerTest : public ::testing::Test {
 protected:
  WalkerTest() {
    FieldTable::Builder builder(BuiltInShapes().get());
    for (const char* name : {"a", "a.b", "Image", "EventID", "Channel", "Data", "Message",
                             "Provider_Name", "ThreatName", "Address", "TimeCreated"}) {
      builder.Add(name);
    }
    table_ = std::move(builder).Build();
    walker_ = std::make_unique<Walker>(&table_);
  }

  WalkFault Begin(std::string_view payload) {
    payload_ = payload;
    return walker_->Begin(payload_, options_);
  }
  const Event* One(std::string_view payload) {
    return Begin(payload) == WalkFault::kNone ? walker_->Next() : nullptr;
  }
  Strings Values(const Event* event, std::string_view name) {
    Strings texts;
    if (event == nullptr) return {"no event"};
    std::string buffer;
    for (const RawValue& value : event->Of(table_.Find(name))) {
      texts.emplace_back(value.kind == ValueKind::kEmptyArray ? "[]" : Decode(value, buffer));
    }
    return texts;
  }

  FieldTable table_;
  std::unique_ptr<Walker> walker_;
  Walker::Options options_;
  std::string payload_;
};

TEST_F(WalkerTest, FindsScalarsArraysAndDuplicates) {
  const Event* event = One(R"({"a":[1,"x",[true,null]],"x":{"a":9},"a":{"b":2},"a":[]})");
  EXPECT_EQ(Values(event, "a"), (Strings{"1", "x", "true", "null", R"({"b":2})", "[]"}));
  EXPECT_EQ(Values(event, "a.b"), (Strings{"2"}));
  EXPECT_TRUE(event->flags().duplicate_key);
  EXPECT_TRUE(Values(event, "Image").empty());
}

TEST_F(WalkerTest, ArraysOfObjectsFanOutAndAreNoDuplicates) {
  const Event* event = One(R"({"a":[{"b":1},{"b":[2,3]},{"c":4}]})");
  EXPECT_EQ(Values(event, "a.b"), (Strings{"1", "2", "3"}));
  EXPECT_FALSE(event->flags().duplicate_key);
}

TEST_F(WalkerTest, ALiteralDottedKeyWinsOverTheNestedPath) {
  EXPECT_EQ(Values(One(R"({"a":{"b":1},"a.b":2})"), "a.b"), (Strings{"2"}));
}

TEST_F(WalkerTest, ADuplicateIsSeenAcrossANestedObjectOnly) {
  EXPECT_TRUE(One(R"({"a":1,"x":{"y":2},"\u0061":3})")->flags().duplicate_key);
  EXPECT_FALSE(One(R"({"a":1,"x":{"a":2}})")->flags().duplicate_key);
}

TEST_F(WalkerTest, KeysAreDecodedBeforeTheyAreCompared) {
  EXPECT_EQ(Values(One(R"({"\u0049m\u0061ge":"x"})"), "Image"), (Strings{"x"}));
  EXPECT_EQ(Values(One(R"({"Channe\u006c":"y"})"), "Channel"), (Strings{"y"}));
}

TEST_F(WalkerTest, ARootArrayIsSplit) {
  ASSERT_EQ(Begin(R"( [ {"a":1} , {"a":2,"a":3}, {} ] )"), WalkFault::kNone);
  const Event* event = walker_->Next();
  EXPECT_EQ(Values(event, "a"), (Strings{"1"}));
  EXPECT_EQ(event->text(), R"({"a":1})");
  EXPECT_FALSE(event->flags().duplicate_key);
  event = walker_->Next();
  EXPECT_EQ(event->index(), 1u);
  EXPECT_EQ(Values(event, "a"), (Strings{"2", "3"}));
  EXPECT_TRUE(event->flags().duplicate_key);
  event = walker_->Next();
  EXPECT_EQ(event->index(), 2u);
  EXPECT_TRUE(Values(event, "a").empty());
  EXPECT_EQ(walker_->Next(), nullptr);
  EXPECT_EQ(walker_->Next(), nullptr);
}

TEST_F(WalkerTest, AFaultAnywhereInARootArrayShowsNoEvent) {
  EXPECT_EQ(Begin(R"([{"a":1},{"a":])"), WalkFault::kMalformed);
  EXPECT_EQ(walker_->Next(), nullptr);
  EXPECT_EQ(Begin(R"([{"a":1},2])"), WalkFault::kNotObject);
  EXPECT_EQ(walker_->Next(), nullptr);
  EXPECT_EQ(Begin(R"([{"a":1},2)"), WalkFault::kMalformed);
}

TEST_F(WalkerTest, BlankPayloadsHaveNoEventAndNoFault) {
  for (const char* payload : {"", " ", "\n\t\r ", "\xef\xbb\xbf", "\xef\xbb\xbf \n"}) {
    EXPECT_EQ(Begin(payload), WalkFault::kNone);
    EXPECT_TRUE(walker_->blank());
    EXPECT_EQ(walker_->Next(), nullptr);
  }
  EXPECT_EQ(Begin("[]"), WalkFault::kNone);
  EXPECT_FALSE(walker_->blank());
  EXPECT_EQ(walker_->Next(), nullptr);
}

TEST_F(WalkerTest, TellsFaults) {
  const struct {
    std::string payload;
    WalkFault fault;
  } cases[] = {
      {"1", WalkFault::kNotObject},
      {"\"x\"", WalkFault::kNotObject},
      {" null ", WalkFault::kNotObject},
      {"nul", WalkFault::kMalformed},
      {"nullx", WalkFault::kMalformed},
      {"[1]", WalkFault::kNotObject},
      {"[[]]", WalkFault::kNotObject},
      {R"({"a":1}x)", WalkFault::kMalformed},
      {R"({"a":1}{})", WalkFault::kMalformed},
      {R"({"a":1,})", WalkFault::kMalformed},
      {R"({"a" 1})", WalkFault::kMalformed},
      {R"({"a":"x"y})", WalkFault::kMalformed},
      {R"({"a":1"x"})", WalkFault::kMalformed},
      {R"({"a":tr"ue"})", WalkFault::kMalformed},
      {R"({"a":01})", WalkFault::kMalformed},
      {R"({"a":1]})", WalkFault::kMalformed},
      {R"({"a":[1})", WalkFault::kMalformed},
      {R"({a:1})", WalkFault::kMalformed},
      {R"({"a":"unclosed)", WalkFault::kMalformed},
      {"{\"a\":\"line\nbreak\"}", WalkFault::kMalformed},
      {std::string("{\"a\":1}\0", 8), WalkFault::kMalformed},
      {std::string("{\"a\":1\0}", 8), WalkFault::kMalformed},
      {"{\"a\":1\x1a}", WalkFault::kMalformed},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ToString(Begin(c.payload)), ToString(c.fault)) << c.payload;
    EXPECT_EQ(walker_->Next(), nullptr);
  }
}

TEST_F(WalkerTest, DepthIsAllowedUpToTheLimit) {
  const auto nested = [](int levels) {
    return "{\"a\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  EXPECT_EQ(Begin(nested(128)), WalkFault::kNone);
  EXPECT_EQ(Begin(nested(129)), WalkFault::kTooDeep);
  EXPECT_EQ(Begin(std::string(200'000, '[')), WalkFault::kTooDeep);
}

TEST_F(WalkerTest, MembersAreCountedPerEvent) {
  const auto members = [](int count) {
    std::string text = "{\"x\":[";
    for (int i = 1; i < count; ++i) text += i == 1 ? "{\"k\":1}" : ",{\"k\":1}";
    return text + "]}";
  };
  EXPECT_EQ(Begin(members(4096)), WalkFault::kNone);
  EXPECT_EQ(Begin(members(4097)), WalkFault::kTooManyFields);
  EXPECT_EQ(Begin("[" + members(4000) + "," + members(4000) + "]"), WalkFault::kNone);
  EXPECT_EQ(Begin("[{}," + members(4097) + "]"), WalkFault::kTooManyFields);
}

TEST_F(WalkerTest, SizeIsJudgedBeforeParsing) {
  options_.max_bytes = 10;
  EXPECT_EQ(Begin("{\"a\":   1}"), WalkFault::kNone);
  EXPECT_EQ(Begin("{\"a\":    1}"), WalkFault::kTooLarge);
  EXPECT_EQ(Begin("           "), WalkFault::kTooLarge);
}

TEST_F(WalkerTest, AGreatPayloadDoesNotSpoilWhatFollows) {
  options_.max_bytes = std::size_t{8} << 20;
  const std::string great = "{\"a\":\"" + std::string(std::size_t{5} << 20, 'x') + "\"}";
  EXPECT_EQ(Values(One(great), "a").at(0).size(), std::size_t{5} << 20);
  EXPECT_EQ(Values(One(R"({"a":1})"), "a"), (Strings{"1"}));
}

TEST_F(WalkerTest, FlagsWhatIsOddAndEvaluatesIt) {
  const Event* event = One("{\"a\":\"x\xff\"}");
  EXPECT_EQ(Values(event, "a"), (Strings{"x\xff"}));
  EXPECT_TRUE(event->flags().invalid_utf8);
  event = One("\xef\xbb\xbf{\"a\":1}");
  EXPECT_EQ(Values(event, "a"), (Strings{"1"}));
  EXPECT_TRUE(event->flags().byte_order_mark);
  EXPECT_TRUE(One(R"({"z":"\ud800"})")->flags().lone_surrogate);
  EXPECT_FALSE(One(R"({"z":"\ud83d\ude00 \\ud800"})")->flags().lone_surrogate);
  for (const char* number : {"18446744073709551616", "-9223372036854775809", "1e400", "-1E+309"}) {
    EXPECT_TRUE(One("{\"z\":" + std::string(number) + "}")->flags().big_number) << number;
  }
  for (const char* number : {"18446744073709551615", "-9223372036854775808", "1e308", "1e-400"}) {
    EXPECT_FALSE(One("{\"z\":" + std::string(number) + "}")->flags().big_number) << number;
  }
}

TEST_F(WalkerTest, FlagsBelongToTheElementOfASplitArray) {
  ASSERT_EQ(Begin("[{\"a\":\"\\udc00\"},{\"a\":\"\xff\"},{\"a\":1e999},{}]"), WalkFault::kNone);
  const EventFlags first = walker_->Next()->flags();
  EXPECT_TRUE(first.lone_surrogate && !first.invalid_utf8 && !first.big_number);
  const EventFlags second = walker_->Next()->flags();
  EXPECT_TRUE(!second.lone_surrogate && second.invalid_utf8 && !second.big_number);
  const EventFlags third = walker_->Next()->flags();
  EXPECT_TRUE(!third.lone_surrogate && !third.invalid_utf8 && third.big_number);
  const EventFlags fourth = walker_->Next()->flags();
  EXPECT_TRUE(!fourth.lone_surrogate && !fourth.invalid_utf8 && !fourth.big_number);
}

TEST_F(WalkerTest, BadEscapesAreTextUnlessStrict) {
  const std::string bad = R"({"z":1,"a":"C:\q \u12G4"})";
  EXPECT_EQ(Values(One(bad), "a"), (Strings{R"(C:\q \u12G4)"}));
  options_.strict_json = true;
  EXPECT_EQ(Begin(bad), WalkFault::kBadEscape);
  EXPECT_EQ(Begin(R"({"\q":1})"), WalkFault::kBadEscape);
  EXPECT_EQ(Begin(R"({"a":"\ud800 \u00e9 \n"})"), WalkFault::kNone);
}

TEST_F(WalkerTest, KeepsAllScalarLeavesWhenAsked) {
  const Event* event = One(R"({"x":[1,{"y":"t\n"}],"z":null,"a":false,"e":{},"f":[]})");
  Strings leaves;
  for (const RawValue& leaf : event->leaves()) leaves.emplace_back(leaf.raw);
  EXPECT_EQ(leaves, (Strings{"1", "t\\n", "false"}));
}

TEST_F(WalkerTest, NamedElementsBecomeTheirSiblings) {
  const Event* event =
      One(R"({"Event":{"System":{},"EventData":{"Data":[{"@Name":"Image","#text":"x"},"loose",)"
          R"({"#text":["p","q"]},{"#attributes":{"Name":"Threat Name"},"#text":"t"}]}}})");
  EXPECT_EQ(event->shape(), Shape::kEvtx);
  EXPECT_EQ(Values(event, "Image"), (Strings{"x"}));
  EXPECT_EQ(Values(event, "ThreatName"), (Strings{"t"}));
  EXPECT_EQ(Values(event, "Data"), (Strings{"loose", "p", "q"}));
}

TEST_F(WalkerTest, BlanksInTheKeysOfEventDataDoNotCount) {
  EXPECT_EQ(Values(One(R"({"Event":{"System":{},"EventData":{"Threat Name":"t"}}})"), "ThreatName"),
            (Strings{"t"}));
  EXPECT_TRUE(Values(One(R"({"Threat Name":"t"})"), "ThreatName").empty());
}

TEST_F(WalkerTest, ReadsFromABufferOfExactlyTheSize) {
  for (const std::string_view text : {R"({"a":12})", R"({"a":"b"})", "12", "-", "tru", "\"", "{",
                                      R"({"a":1.)", R"({"a":1e)", R"({"ab)", R"(["\)"}) {
    const auto exact = std::make_unique<char[]>(text.size());
    std::copy(text.begin(), text.end(), exact.get());
    const WalkFault fault = walker_->Begin({exact.get(), text.size()}, options_);
    EXPECT_EQ(fault == WalkFault::kNone, text.back() == '}') << text;
  }
}

TEST_F(WalkerTest, HiddenSubtreesAndValuesAreInNoLeaf) {
  options_.hidden_from_leaves =
      std::make_shared<const Strings>(Strings{"a", "x.y", "dotted.key", "list.secret"});
  const Event* event = One(R"({"a":{"b":[1,{"c":2}]},"b":3,"x":{"y":4,"z":5,"a":6},"dotted.key":7,)"
                           R"("list":[{"secret":[8],"shown":9},{"secret":10},11],"y":12})");
  ASSERT_NE(event, nullptr);
  Strings leaves;
  for (const RawValue& leaf : event->leaves()) leaves.emplace_back(leaf.raw);
  EXPECT_EQ(leaves, (Strings{"3", "5", "6", "9", "11", "12"}));
  EXPECT_EQ(Values(event, "a.b"), (Strings{"1", R"({"c":2})"})) << "fields see everything";
}

}  // namespace
}  // namespace faultline
