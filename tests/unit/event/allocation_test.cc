// SPDX-License-Identifier: Apache-2.0
// Counts every allocation of the program: a warm walker makes none, and what a record that is not like
// others took is given back.
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "matcher/event/walker.h"
#include "matcher/shapes/shape_file.h"

namespace {
std::atomic<long> allocations{0};
std::atomic<long> held{0};  // bytes

void Free(void* memory) noexcept {
  held -= static_cast<long>(malloc_usable_size(memory));
  std::free(memory);
}
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  held += static_cast<long>(malloc_usable_size(memory));
  return memory;
}
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t) noexcept { Free(memory); }

namespace faultline {
namespace {

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
      R"({"winlog":{"channel":"C"},"user":{"domain":"D","name":"n"},)"
      R"("process":{"executable":"x","hash":{"md5":"a"},"pe":{"imphash":"b"}}})",
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
    if (round == 1) before = allocations;
    for (const std::string& record : records) {
      if (walker.Begin(record, options) != WalkFault::kNone) continue;
      while (const Event* event = walker.Next()) {
        for (const RawValue& value : event->Of(image)) seen += value.raw.empty() ? 0 : 1;
      }
    }
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(seen % 3, 0);
  EXPECT_GT(seen, 0);
}

TEST(WalkerMemory, WhatVeryManyValuesTookIsGivenBack) {
  constexpr long kValues = 400'000;
  FieldTable::Builder builder(BuiltInShapes().get());
  const FieldId image = builder.Add("Image");
  const FieldTable table = std::move(builder).Build();
  Walker walker(&table);
  std::string many = R"({"Image":[0)";
  for (long i = 1; i < kValues; ++i) many += ",0";
  many += "]}";
  const auto walk = [&](const std::string& record) {
    EXPECT_EQ(walker.Begin(record, {}), WalkFault::kNone);
    long values = 0;
    while (const Event* event = walker.Next()) {
      for ([[maybe_unused]] const RawValue& value : event->Of(image)) ++values;
    }
    return values;
  };
  EXPECT_EQ(walk(many), kValues);
  const long with_many = held;
  EXPECT_EQ(walk(R"({"Image":1})"), 1);
  EXPECT_LT(held, with_many - kValues * static_cast<long>(sizeof(RawValue)));
}

}  // namespace
}  // namespace faultline
