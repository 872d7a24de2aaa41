// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/event/timestamp.h"
#include "matcher/sigma/network.h"
#include "matcher/signature/decimal.h"
#include "matcher/signature/field_ref.h"
#include "matcher/signature/time_part.h"

namespace faultline {
namespace {

std::strong_ordering Compared(std::string_view left, std::string_view right) {
  return Compare(ParseDecimal(left).value(), ParseDecimal(right).value());
}

TEST(Decimal, AscendingNumbersCompareSoWhateverTheirSpelling) {
  const std::vector<std::vector<std::string>> ascending{
      {"-1e400"},
      {"-18446744073709551616", "-18446744073709551616.000"},
      {"-9223372036854775808"},
      {"-9223372036854775807"},
      {"-10.5", "-105e-1", "-0010.50"},
      {"-10", "-1e1", "-1E+01"},
      {"-0.05"},
      {"0", "-0", "00.000", "0e9", "-0.0e-9"},
      {"1e-400"},
      {"0.049999999999999999999999"},
      {"0.05", "5e-2", "000.0500"},
      {"0.5"},
      {"1", "01", "1.0", "10e-1", "0.1e1"},
      {"9.99"},
      {"10"},
      {"9007199254740992"},
      {"9007199254740993"},
      {"18446744073709551615"},
      {"18446744073709551616"},
      {"1e400"}};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      for (const std::string& left : ascending[i]) {
        for (const std::string& right : ascending[j]) {
          EXPECT_EQ(Compared(left, right), i <=> j) << left << " and " << right;
        }
      }
    }
  }
}

TEST(Decimal, WhatIsNotWhollyDecimalIsNoNumber) {
  for (const char* text : {"", "-", "+5", ".5", "5.", "5.e1", " 5", "5 ", "0x1", "1e", "1e+", "1,0",
                           "1_0", "--1", "1e99999", "inf", "1.2.3", "e5", "5\n"}) {
    EXPECT_FALSE(ParseDecimal(text).has_value()) << text;
  }
}

// `text` with a prefix, as the loader reads it.
sigma::Network NetworkOf(const char* text, int prefix) {
  const sigma::Address address = sigma::ParseAddress(text).value();
  const bool v4 = std::string_view(text).find(':') == std::string_view::npos;
  return {address, static_cast<std::uint8_t>(v4 ? prefix + 96 : prefix)};
}

TEST(Address, LiesInItsNetworksOnly) {
  struct Case {
    const char* network;
    int prefix;
    const char* address;
    bool inside;
  };
  for (const Case& c : std::vector<Case>{{"10.0.0.0", 8, "10.255.255.255", true},
                                         {"10.0.0.0", 8, "11.0.0.0", false},
                                         {"10.0.0.0", 8, "::ffff:10.0.0.1", true},
                                         {"10.0.0.0", 8, "::ffff:a00:1", true},
                                         {"10.0.0.0", 8, "::10.0.0.1", false},
                                         {"0.0.0.0", 0, "255.255.255.255", true},
                                         {"0.0.0.0", 0, "::1", false},
                                         {"10.1.2.4", 30, "10.1.2.7", true},
                                         {"10.1.2.4", 30, "10.1.2.8", false},
                                         {"1.2.3.4", 32, "1.2.3.4", true},
                                         {"fe80::", 10, "FEBF::1%eth0", true},
                                         {"fe80::", 10, "fec0::", false},
                                         {"::", 0, "2001:db8::1", true},
                                         {"::", 0, "10.0.0.1", false},
                                         {"::1", 128, "0:0:0:0:0:0:0:1", true},
                                         {"::1", 128, "::2", false}}) {
    const auto address = sigma::ParseAddress(c.address);
    ASSERT_TRUE(address.has_value()) << c.address;
    EXPECT_EQ(Contains(NetworkOf(c.network, c.prefix), *address), c.inside)
        << c.address << " in " << c.network << '/' << c.prefix;
  }
}

TEST(Address, TextThatIsNoAddressIsRefused) {
  const std::string_view nul("10.0.0.1\0", 9);
  for (const std::string_view text :
       {std::string_view(""), nul, std::string_view("10.0.0"), std::string_view("010.0.0.1"),
        std::string_view("10.0.0.256"), std::string_view(" 10.0.0.1"),
        std::string_view("10.0.0.1/8"), std::string_view("10.0.0.1%eth0"),
        std::string_view("fe80::1%"), std::string_view("1::2::3"), std::string_view("12345::"),
        std::string_view("[::1]"), std::string_view("10.0.0.1:80"), std::string_view("localhost"),
        std::string_view("1:2:3:4:5:6:7:8:9")}) {
    EXPECT_FALSE(sigma::ParseAddress(text).has_value()) << text;
  }
}

TEST(TimePart, IsTakenInUtcWithIsoWeeks) {
  using sigma::TimeUnit;
  struct Case {
    const char* time;
    std::array<std::int64_t, 6> parts;  // minute, hour, day, week, month, year
  };
  for (const Case& c : std::vector<Case>{{"1970-01-01T00:00:00Z", {0, 0, 1, 1, 1, 1970}},
                                         {"1969-12-31T23:59:59.999Z", {59, 23, 31, 1, 12, 1969}},
                                         {"2021-01-03T08:30:00Z", {30, 8, 3, 53, 1, 2021}},
                                         {"2021-01-04T00:00:00Z", {0, 0, 4, 1, 1, 2021}},
                                         {"2024-01-01T03:29:00+05:30", {59, 21, 31, 52, 12, 2023}},
                                         {"2024-12-30T12:00:00Z", {0, 12, 30, 1, 12, 2024}},
                                         {"2026-12-31 23:00:00", {0, 23, 31, 53, 12, 2026}},
                                         {"1709245800000", {30, 22, 29, 9, 2, 2024}}}) {
    const auto time = ParseTimestamp(c.time);
    ASSERT_TRUE(time.has_value()) << c.time;
    for (std::size_t i = 0; i < c.parts.size(); ++i) {
      EXPECT_EQ(PartOf(*time, static_cast<TimeUnit>(i)), c.parts[i]) << c.time << ", part " << i;
    }
  }
}

std::vector<TextView> Texts(std::size_t count, std::string_view text) {
  return std::vector<TextView>(count, TextView{text, text, true});
}

TEST(FieldRef, PairsOfLongArraysAreBounded) {
  const FieldRefTest test(0, sigma::TextMatch::kContains, false);
  std::string buffer;
  const std::string haystack(100000, 'a');
  EXPECT_EQ(test.Ask(Texts(100, "a"), Texts(100, "b"), buffer), FieldRefTest::Answer::kNo);
  EXPECT_EQ(test.Ask(Texts(100, "xbx"), Texts(100, "b"), buffer), FieldRefTest::Answer::kYes);
  EXPECT_EQ(test.Ask(Texts(1, haystack), Texts(100000, "b"), buffer),
            FieldRefTest::Answer::kTooMuch);
}

TEST(FieldRef, BytesThatAreNoUtf8CompareWithAsciiFolding) {
  const FieldRefTest test(0, sigma::TextMatch::kContains, false);
  std::string buffer;
  const std::vector<TextView> invalid{{"X\xC3\x89y\xFF", "x\xC3\x89y\xFF", false}};
  const std::vector<TextView> same_case{{"X\xC3\x89Y", "x\xC3\xA9y", true}};
  const std::vector<TextView> other_case{{"x\xC3\xA9y", "x\xC3\xA9y", true}};
  EXPECT_EQ(test.Ask(invalid, same_case, buffer), FieldRefTest::Answer::kYes);
  EXPECT_EQ(test.Ask(invalid, other_case, buffer), FieldRefTest::Answer::kNo);
}

}  // namespace
}  // namespace faultline
