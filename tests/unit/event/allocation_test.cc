// SPDX-License-Identifier: Apache-2.0
// Counts every allocation of the program: a warm walker makes none, and what a record that is not like
// others took is given back.
#include <bit>
#include <string>

#include <gtest/gtest.h>

#include "matcher/event/walker.h"
#include "matcher/shapes/shape_file.h"
#include "tests/support/counted_memory.h"

namespace faultline {
namespace {

using testing::Allocations;
using testing::BytesHeld;

TEST(WalkerMemory, AWarmWalkerAllocatesNothing) {
  FieldTable::Builder builder(BuiltInShapes().get());
  const FieldId image = builder.Add("Image");
  for (const char* name : {"Data", "Hashes", "Imphash", "EventType", "User"}) builder.Add(name);
  const FieldTable table = std::move(builder).Build();
  Walker walker(&table);
  Walker::Options options;
  const std::string records[] = {
      R"({"Image":"C:\\a.exe","Im\u0061ge":["x","y",{"z":[[1],[]]}],"Data":{"a":"\ud800"}})",
      R"([{"Image":1},{"Image":"a much longer text, so that slots and leaves are warm"}])",
      R"({"Event":{"System":{},"EventData":{"Image":"b","Data":[{"Name":"Image","#text":"c"}]}}})",
      R"({"winlog":{"channel":"C"},"user":{"domain":"D","name":"n"},
          "process":{"executable":"x","hash":{"md5":"a"},"pe":{"imphash":"b"}}})",
      R"({"SourceModuleName":"m","EventType":"INFO","Image":"x","Message":"a:\r\nEventType: S"})",
      R"({"ProviderName":"p","StringInserts":["x"],"Message":"a:\r\nImage: C:\\x"})",
      R"({"sourcetype":"s","event":"EventCode=1\nImage=x\nHashes=MD5=a,IMPHASH=b"})",
      R"({"data":{"win":{"system":{},"eventdata":{"image":"C:\\\\x","hashes":"IMPHASH=1"}}}})",
      R"({"channel":"c","provider":{"name":"p"},"event_id":{"id":1},"event_data":{"Image":"x"}})",
      R"({"broken":)",
      " "};
  long before = 0;
  int seen = 0;
  for (int round = 0; round < 3; ++round) {
    if (round == 1) before = Allocations();
    for (const std::string& record : records) {
      if (walker.Begin(record, options) != WalkFault::kNone) continue;
      while (const Event* event = walker.Next()) {
        for (const RawValue& value : event->Of(image)) seen += value.raw.empty() ? 0 : 1;
      }
    }
  }
  EXPECT_EQ(Allocations(), before);
  EXPECT_EQ(seen % 3, 0);
  EXPECT_GT(seen, 0);
}

// What the walker holds more than before once it has walked `unlike` and one that is like others again.
long KeptAfter(const std::string& unlike, const std::string& like) {
  FieldTable::Builder builder(BuiltInShapes().get());
  builder.Add("Image");
  const FieldTable table = std::move(builder).Build();
  Walker walker(&table);
  Walker::Options options;
  options.max_bytes = unlike.size();
  const auto walk = [&](const std::string& record) {
    EXPECT_EQ(walker.Begin(record, options), WalkFault::kNone);
    EXPECT_NE(walker.Next(), nullptr);
    EXPECT_EQ(walker.Next(), nullptr);
    return BytesHeld();
  };
  const long before = walk(like);
  EXPECT_GT(walk(unlike), before + static_cast<long>(unlike.size()));
  return walk(like) - before;
}

TEST(WalkerMemory, WhatVeryManyValuesTookIsGivenBack) {
  constexpr long kValues = 400'000;
  std::string many = R"({"Image":[0)";
  for (long i = 1; i < kValues; ++i) many += ",0";
  const long kept = KeptAfter(many + "]}", R"({"Image":1})");
  const long index = 4 * static_cast<long>(std::bit_ceil(many.size()));
  EXPECT_LT(kept, index + kValues * static_cast<long>(sizeof(RawValue)) / 10);
}

TEST(WalkerMemory, WhatAVeryLongTextTookIsGivenBack) {
  constexpr std::size_t kText = std::size_t{6} << 20;
  const auto wazuh = [](const std::string& image) {
    return R"({"data":{"win":{"system":{},"eventdata":{"image":")" + image + "\\\\\\\\\"}}}}";
  };
  EXPECT_LT(KeptAfter(wazuh(std::string(kText, 'x')), wazuh("x")), static_cast<long>(kText / 10));
}

}  // namespace
}  // namespace faultline
