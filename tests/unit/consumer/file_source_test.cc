// SPDX-License-Identifier: Apache-2.0
#include "consumer/file_source.h"

#include "tests/unit/consumer/support.h"

namespace faultline {
namespace {

using testing::TempDir;

struct Kept {
  SourceName source;
  std::int64_t offset;
  std::string payload;
  bool tombstone;
  bool damaged;
};

std::vector<Kept> All(const std::string& path, const FileSource::Options& options = {}) {
  std::vector<Kept> kept;
  auto file = FileSource::Open(path, options);
  EXPECT_TRUE(file);
  for (;;) {
    auto next = file->Next();
    EXPECT_TRUE(next);
    if (!next || !*next) return kept;
    const FileRecord& record = **next;
    kept.push_back({*record.source, record.offset, std::string(record.payload), record.tombstone,
                    record.damaged.has_value()});
  }
}

std::vector<std::string> Payloads(const std::vector<Kept>& kept) {
  std::vector<std::string> payloads;
  for (const Kept& one : kept) payloads.push_back(one.payload);
  return payloads;
}

using Texts = std::vector<std::string>;

TEST(FileSource, SplitsLinesHoweverTheyEnd) {
  const TempDir dir;
  EXPECT_EQ(Payloads(All(dir.Write("a", "{1}\n{2}\r\n{3}"))), (Texts{"{1}", "{2}", "{3}"}));
  EXPECT_EQ(Payloads(All(dir.Write("b", ""))), Texts{});
  EXPECT_EQ(Payloads(All(dir.Write("c", "{1}\n"))), Texts{"{1}"});
}

TEST(FileSource, BlankLinesAreNoRecordsAndTakeNoNumber) {
  const TempDir dir;
  const auto kept = All(dir.Write("a", "\n{1}\n \t\r\n\r\n{2}\n\n"));
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].offset, 0);
  EXPECT_EQ(kept[1].offset, 1);
  EXPECT_EQ(kept[1].payload, "{2}");
}

TEST(FileSource, NamesItselfOrAsTold) {
  const TempDir dir;
  const std::string path = dir.Write("a", "{1}\n");
  EXPECT_EQ(All(path).at(0).source, (SourceName{path, 0}));
  FileSource::Options options;
  options.as = SourceName{"events", 3};
  EXPECT_EQ(All(path, options).at(0).source, (SourceName{"events", 3}));
}

TEST(FileSource, GivesOneByteMoreThanTheCapOfALongLineAndGoesOn) {
  const TempDir dir;
  FileSource::Options options;
  options.max_event_bytes = 10;
  const std::string huge(300000, 'x');
  const std::string path = dir.Write("a", "0123456789\n01234567890\n" + huge + "\nlast\n");
  EXPECT_EQ(Payloads(All(path, options)),
            (Texts{"0123456789", "01234567890", std::string(11, 'x'), "last"}));
}

TEST(FileSource, ReadsLinesLongerThanItsBuffer) {
  const TempDir dir;
  const std::string line(700000, 'y');
  EXPECT_EQ(Payloads(All(dir.Write("a", line + "\n" + line))), (Texts{line, line}));
}

constexpr std::string_view kEnvelope =
    R"({"topic":"events","partition":1,"offset":41,"tstype":"create","ts":1700000000123,)"
    R"("broker":1,"headers":["traceparent","00-x","empty",null],"key":"k\"1","payload":"{\"a\":\"\u00e4\\n\"}"})";

TEST(FileSource, TakesOriginKeyTimeAndPayloadFromEnvelopes) {
  const TempDir dir;
  auto file = FileSource::Open(dir.Write("a", std::string(kEnvelope) + "\n"), {});
  ASSERT_TRUE(file);
  EXPECT_TRUE(*file->Envelopes());
  auto next = file->Next();
  ASSERT_TRUE(next && *next);
  const FileRecord& record = **next;
  EXPECT_EQ(*record.source, (SourceName{"events", 1}));
  EXPECT_EQ(record.offset, 41);
  EXPECT_EQ(record.timestamp_kind, TimestampKind::kCreateTime);
  EXPECT_EQ(record.timestamp.nanos(), 1700000000123000000);
  EXPECT_EQ(record.payload, "{\"a\":\"\xC3\xA4\\n\"}");
  ASSERT_NE(record.details, nullptr);
  EXPECT_EQ(record.details->Key(), "k\"1");
  const auto headers = record.details->Headers();
  ASSERT_EQ(headers.size(), 2U);
  EXPECT_EQ(headers[0].name, "traceparent");
  EXPECT_EQ(headers[0].value, "00-x");
  EXPECT_FALSE(headers[1].value);
}

TEST(FileSource, ANullPayloadIsATombstone) {
  const TempDir dir;
  const auto kept =
      All(dir.Write("a", R"({"topic":"t","partition":0,"offset":7,"key":null,"payload":null})"));
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_TRUE(kept[0].tombstone);
  EXPECT_FALSE(kept[0].damaged);
}

TEST(FileSource, AnOrdinaryEventWithATopicIsNoEnvelope) {
  const TempDir dir;
  const std::string event = R"({"topic":"t","offset":7,"payload":"x"})";
  EXPECT_EQ(Payloads(All(dir.Write("a", event))), Texts{event});
}

TEST(FileSource, ABrokenLineAmongEnvelopesIsToldWithItsBytes) {
  const TempDir dir;
  const auto kept =
      All(dir.Write("a", std::string(kEnvelope) + "\n{oops\n" + std::string(kEnvelope)));
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_FALSE(kept[0].damaged);
  EXPECT_TRUE(kept[1].damaged);
  EXPECT_EQ(kept[1].payload, "{oops");
  EXPECT_EQ(kept[1].offset, 1);
  EXPECT_FALSE(kept[2].damaged);
}

TEST(FileSource, AnOversizedEnvelopePayloadKeepsItsOrigin) {
  const TempDir dir;
  FileSource::Options options;
  options.max_event_bytes = 100;
  const std::string line =
      R"({"topic":"t","partition":0,"offset":5,"payload":")" + std::string(500000, 'z') + "\"}";
  const auto kept = All(dir.Write("a", std::string(kEnvelope) + "\n" + line), options);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_FALSE(kept[1].damaged);
  EXPECT_EQ(kept[1].offset, 5);
  EXPECT_EQ(kept[1].payload, std::string(101, 'z'));
}

TEST(FileSource, CountsEnvelopesBySource) {
  const TempDir dir;
  const std::string other = R"({"topic":"t","partition":0,"offset":7,"payload":"x"})";
  const std::string path = dir.Write(
      "a", std::string(kEnvelope) + "\n" + other + "\nbroken\n" + std::string(kEnvelope) + "\n");
  const auto counts = CountEnvelopes(path, {});
  ASSERT_TRUE(counts);
  EXPECT_EQ(*counts, (std::map<SourceName, std::uint64_t>{{{"events", 1}, 2}, {{"t", 0}, 1}}));
}

}  // namespace
}  // namespace faultline
