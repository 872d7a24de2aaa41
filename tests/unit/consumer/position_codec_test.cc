// SPDX-License-Identifier: Apache-2.0
#include "consumer/position_codec.h"

#include <gtest/gtest.h>

namespace faultline {
namespace {

SourcePosition Position() {
  SourcePosition position;
  position.source = {"events", 2};
  position.committed = 100;
  position.position = 140;
  position.highest = EventTime::Raw(1234);
  position.idle = true;
  position.frontier = OrderPoint::At(EventTime::Raw(-9), {{"other.topic", 1}, 55, 3}, 7);
  position.journal_from = 8;
  return position;
}

TEST(PositionCodec, GivesBackWhatItWrote) {
  SourcePosition bare;
  bare.source = {"events", 2};
  bare.committed = bare.position = 100;
  SourcePosition behind = Position();
  behind.frontier = OrderPoint::Behind(EventTime::Max());
  behind.highest.reset();
  for (const SourcePosition& position : {Position(), bare, behind}) {
    const auto back = DecodePosition(position.source, position.committed, EncodePosition(position));
    ASSERT_TRUE(back) << back.error().ToString();
    EXPECT_TRUE(*back == position) << EncodePosition(position);
  }
}

TEST(PositionCodec, FitsForTheLongestNameThatKafkaAllows) {
  SourcePosition position = Position();
  position.frontier.origin.source.topic = std::string(249, 't');
  position.position = position.frontier.origin.offset = INT64_MAX;
  EXPECT_LE(EncodePosition(position).size(), kMaxMetadataBytes);
}

TEST(PositionCodec, EmptyMetadataIsAPositionWithoutAPast) {
  const auto position = DecodePosition({"events", 0}, 17, "");
  ASSERT_TRUE(position);
  EXPECT_EQ(position->committed, 17);
  EXPECT_EQ(position->position, 17);
  EXPECT_FALSE(position->highest);
}

TEST(PositionCodec, RefusesWhatIsNotOurs) {
  const std::string good = EncodePosition(Position());
  for (const std::string& bad :
       {std::string("x"), std::string("fl2") + good.substr(3), std::string("fl1 1"),
        std::string("fl1 a - 0 b 0 0 0 0 0 0 "), std::string("fl1 1 - 2 b 0 0 0 0 0 0 ")}) {
    const auto position = DecodePosition({"events", 0}, 0, bad);
    ASSERT_FALSE(position) << bad;
    EXPECT_EQ(position.error().fault, Fault::kData);
  }
  // P below C would re-read nothing and emit twice.
  EXPECT_FALSE(DecodePosition({"events", 2}, 141, good));
}

}  // namespace
}  // namespace faultline
