// SPDX-License-Identifier: Apache-2.0
#include "matcher/journal_codec.h"

#include <gtest/gtest.h>

namespace faultline {
namespace {

JournalEntry Substitution() {
  JournalEntry entry;
  entry.source = {"events", 3};
  entry.offset = 1234567890123;
  entry.index = 2;
  entry.time = EventTime::Raw(-5);
  return entry;
}

JournalEntry Return(OrderPoint frontier) {
  JournalEntry entry;
  entry.kind = JournalEntry::Kind::kReturn;
  entry.source = {"we\"ird\\topic\n", 0};
  entry.offset = 9;
  entry.domain = "all";
  entry.frontier = std::move(frontier);
  return entry;
}

TEST(JournalCodec, GivesBackWhatItWrote) {
  const Origin origin{{"events", 1}, 77, 4};
  for (const JournalEntry& entry : {Substitution(), Return(OrderPoint::Before(EventTime::Min())),
                                    Return(OrderPoint::Behind(EventTime::Raw(12))),
                                    Return(OrderPoint::At(EventTime::Raw(13), origin, 5))}) {
    const auto back = DecodeJournal(EncodeJournal(entry));
    ASSERT_TRUE(back) << back.error().ToString();
    EXPECT_TRUE(*back == entry) << EncodeJournal(entry);
  }
}

TEST(JournalCodec, TheWrittenFormIsFixed) {
  EXPECT_EQ(EncodeJournal(Substitution()),
            R"({"v":1,"kind":"substitution","topic":"events","partition":3,)"
            R"("offset":1234567890123,"index":2,"time":-5})");
  EXPECT_EQ(JournalKey({"events", 3}), "events/3");
}

TEST(JournalCodec, RefusesWhatIsNoEntry) {
  const std::string good = EncodeJournal(Substitution());
  for (
      const std::string& bad :
      {std::string(), std::string("{}"), std::string("nonsense"), good + "x",
       std::string(R"({"v":2,"kind":"substitution"})"),
       std::string(
           R"({"v":1,"kind":"other","topic":"t","partition":0,"offset":1,"index":0,"time":1})"),
       std::string(
           R"({"v":1,"kind":"substitution","topic":"t","partition":99999999999,"offset":1,"index":0,"time":1})")}) {
    const auto entry = DecodeJournal(bad);
    ASSERT_FALSE(entry) << bad;
    EXPECT_EQ(entry.error().fault, Fault::kData);
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeJournal(good.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace faultline
