// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/numbers.h"

#include <string>

#include <gtest/gtest.h>

namespace faultline {
namespace {

// How many bytes of `text` are a number; 0 for none.
std::size_t Taken(const std::string& text) {
  const NumberToken token = ReadNumber(text.data(), text.data() + text.size());
  return token.end == nullptr ? 0 : static_cast<std::size_t>(token.end - text.data());
}

bool Big(const std::string& text) { return ReadNumber(text.data(), text.data() + text.size()).big; }

TEST(Numbers, FollowTheGrammarOfJson) {
  for (const char* text : {"0", "-0", "7", "-12", "1.5", "0.0", "1e5", "1E+5", "1e-05", "2.50E3"}) {
    EXPECT_EQ(Taken(text), std::string(text).size()) << text;
  }
  for (const char* text : {"", "-", "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "x"}) {
    EXPECT_EQ(Taken(text), 0u) << text;
  }
  EXPECT_EQ(Taken("1,"), 1u);
  EXPECT_EQ(Taken("1.5.2"), 3u);
}

TEST(Numbers, TellWhatLiesBeyond64BitsOrADouble) {
  const std::string zeros(400, '0');
  for (const std::string& text :
       {std::string("18446744073709551616"), std::string("-9223372036854775809"),
        std::string("99999999999999999999"), "1" + zeros, "1" + zeros + ".0", std::string("1e309"),
        std::string("1.8e308"), std::string("-1e99999999999"), "0." + zeros + "1e999"}) {
    EXPECT_TRUE(Big(text)) << text;
  }
  for (const std::string& text :
       {std::string("18446744073709551615"), std::string("-9223372036854775808"),
        std::string("1.7e308"), std::string("1e-400"), std::string("0e999"),
        std::string("1e-99999999999"), "0." + zeros + "1", "1" + zeros + "e-200",
        "0." + zeros + "1e500"}) {
    EXPECT_FALSE(Big(text)) << text;
  }
}

}  // namespace
}  // namespace faultline
