// SPDX-License-Identifier: Apache-2.0
#include "exporters/dead_letter.h"

#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace faultline {
namespace {

class Details final : public RecordDetails {
 public:
  std::optional<std::string_view> Key() const override { return "key"; }
  std::vector<Header> Headers() const override { return {{"own", "1"}, {"null", std::nullopt}}; }
};

class DeadLetterTest : public ::testing::Test {
 protected:
  DeadLetterMessage Build(std::size_t max_bytes) {
    record_.offset = 42;
    record_.payload = payload_;
    record_.details = &details_;
    return BuildDeadLetter(record_, {"events", 3}, {"json", "not a value"}, max_bytes);
  }
  static std::optional<std::string> ValueOf(const DeadLetterMessage& message,
                                            std::string_view name) {
    for (const Header& header : message.headers) {
      if (header.name == name) return header.value;
    }
    return std::nullopt;
  }

  Details details_;
  Record record_;
  std::string payload_ = std::string(5000, '{');
};

TEST_F(DeadLetterTest, KeepsTheRecordAndSaysWhy) {
  const DeadLetterMessage message = Build(100000);
  EXPECT_EQ(message.key, "key");
  EXPECT_EQ(message.value, payload_);
  ASSERT_GE(message.headers.size(), 2U);
  EXPECT_EQ(message.headers[0].name, "own");
  EXPECT_EQ(message.headers[1].value, std::nullopt);
  EXPECT_EQ(ValueOf(message, "__connect.errors.topic"), "events");
  EXPECT_EQ(ValueOf(message, "__connect.errors.partition"), "3");
  EXPECT_EQ(ValueOf(message, "__connect.errors.offset"), "42");
  EXPECT_EQ(ValueOf(message, "__connect.errors.exception.message"), "not a value");
  EXPECT_EQ(ValueOf(message, "faultline_reason"), "json");
  EXPECT_EQ(ValueOf(message, "faultline_truncated"), std::nullopt);
}

TEST_F(DeadLetterTest, AboveTheLimitItNamesItsOrigin) {
  const DeadLetterMessage message = Build(2000);
  EXPECT_EQ(message.value, "");
  EXPECT_EQ(ValueOf(message, "faultline_truncated"), "events:3:42");
  EXPECT_EQ(ValueOf(message, "own"), "1");
  EXPECT_LE(WireSize(message.key, message.value, message.headers), 2000U);
}

TEST_F(DeadLetterTest, ANullValueStaysNull) {
  record_.tombstone = true;
  EXPECT_EQ(Build(100000).value, std::nullopt);
}

}  // namespace
}  // namespace faultline
