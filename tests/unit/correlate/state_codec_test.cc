// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/state_codec.h"

#include <limits>

#include <gtest/gtest.h>

namespace faultline {
namespace {

const Origin kOrigin{{"topic", 3}, 1'234'567'890'123, 7};
const std::vector<NamedValue> kNamed = {{"a", std::string("x\0y", 3)}, {"", ""}};
const std::vector<sigma::ExprValue> kValues = {sigma::ExprAbsent{},
                                               sigma::ExprError{},
                                               true,
                                               std::int64_t{-5},
                                               -0.25,
                                               std::string("text"),
                                               EventTime::Raw(1'000'001),
                                               std::chrono::nanoseconds(77)};

std::string Written() {
  StateWriter out;
  out.U8(250);
  out.Bool(true);
  out.U32(4'000'000'000);
  out.I64(std::numeric_limits<std::int64_t>::min());
  out.Double(0.1);
  out.Text("hello");
  out.Time(EventTime::Raw(-3));
  out.Hash({1, 2});
  out.Place(kOrigin);
  out.Named(kNamed);
  for (const auto& value : kValues) out.Value(value);
  Save(OrderPoint::At(EventTime::Raw(9), kOrigin, 4), out);
  return out.Take();
}

TEST(StateCodec, ReadsBackWhatItWrote) {
  const std::string bytes = Written();
  StateReader in(bytes);
  EXPECT_EQ(in.U8(), 250);
  EXPECT_TRUE(in.Bool());
  EXPECT_EQ(in.U32(), 4'000'000'000);
  EXPECT_EQ(in.I64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(in.Double(), 0.1);
  EXPECT_EQ(in.Text(), "hello");
  EXPECT_EQ(in.Time(), EventTime::Raw(-3));
  EXPECT_EQ(in.Hash(), (Digest{1, 2}));
  EXPECT_EQ(in.Place(), kOrigin);
  EXPECT_EQ(in.Named(), kNamed);
  for (const auto& value : kValues) EXPECT_EQ(in.Value(), value);
  EXPECT_EQ(LoadPoint(in), OrderPoint::At(EventTime::Raw(9), kOrigin, 4));
  EXPECT_TRUE(in.ok());
  EXPECT_TRUE(in.AtEnd());
}

// Reads everything that Written() holds, whatever the bytes are.
bool ReadAll(std::string_view bytes) {
  StateReader in(bytes);
  (void)in.U8();
  (void)in.Bool();
  (void)in.U32();
  (void)in.I64();
  (void)in.Double();
  (void)in.Text();
  (void)in.Time();
  (void)in.Hash();
  (void)in.Place();
  (void)in.Named();
  for (std::size_t i = 0; i < kValues.size(); ++i) (void)in.Value();
  (void)LoadPoint(in);
  return in.ok() && in.AtEnd();
}

TEST(StateCodec, RefusesEveryPrefix) {
  const std::string bytes = Written();
  ASSERT_TRUE(ReadAll(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ReadAll(std::string_view(bytes).substr(0, size))) << size;
  }
}

TEST(StateCodec, CountsOnlyWhatTheRestCanHold) {
  StateWriter out;
  out.U32(3);
  out.Text("12345678");  // 12 bytes
  StateReader three(out.bytes());
  EXPECT_EQ(three.Count(4), 3U);
  EXPECT_TRUE(three.ok());
  StateReader four(out.bytes());
  EXPECT_EQ(four.Count(5), 0U);
  EXPECT_FALSE(four.ok());
}

}  // namespace
}  // namespace faultline
