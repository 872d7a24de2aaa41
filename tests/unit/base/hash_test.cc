// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <string>

#include <gtest/gtest.h>

namespace faultline {
namespace {

TEST(Digest, PartsKeepTheirBorders) {
  const Digest one = DigestBuilder().Add("ab").Add("c").Finish();
  EXPECT_EQ(one, DigestBuilder().Add("ab").Add("c").Finish());
  EXPECT_NE(one, DigestBuilder().Add("a").Add("bc").Finish());
  EXPECT_NE(one, DigestBuilder().Add("abc").Finish());
  EXPECT_NE(DigestBuilder().Add("").Finish(), DigestBuilder().Finish());
  EXPECT_NE(DigestBuilder().Add(std::int64_t{0}).Finish(),
            DigestBuilder().Add(std::string(8, '\0')).Finish());
}

// However many bytes the parts take, the digest is that of their encoding in one piece.
TEST(Digest, IsTheHashOfTheLengthAndBytesOfEachPart) {
  std::string encoded;
  DigestBuilder builder;
  for (char size = 0; size < 60; ++size) {  // some 3 KB in the end
    const std::string part(static_cast<std::size_t>(size), 'x');
    encoded += std::string{'s', size, 0, 0, 0, 0, 0, 0, 0} + part;
    encoded += std::string{'i', size, 1, 0, 0, 0, 0, 0, 0};
    builder.Add(part).Add(std::int64_t{size} + 256);
    EXPECT_EQ(builder.Finish(), DigestOf(encoded)) << encoded.size();
  }
}

TEST(Digest, AddHexIsAddOfHex) {
  const Digest part{0x0123456789ABCDEF, 0xFEDCBA9876543210};
  EXPECT_EQ(DigestBuilder().AddHex(part).Finish(), DigestBuilder().Add(part.Hex()).Finish());
}

TEST(Digest, HexHas32LowerCaseDigits) {
  EXPECT_EQ((Digest{0xABC, 1}.Hex()), "0000000000000abc0000000000000001");
  EXPECT_EQ((Digest{0x0123456789ABCDEF, 0xFEDCBA9876543210}.Hex()),
            "0123456789abcdeffedcba9876543210");
}

// The digest of no parts is XXH3's published 128-bit hash of no bytes; another value would change
// every alert's identity.
TEST(Digest, IsXxh3WithSeedZero) {
  EXPECT_EQ(DigestBuilder().Finish().Hex(), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash64, DependsOnBytesAndSeed) {
  EXPECT_EQ(Hash64(""), 0x2d06800538d394c2u);  // XXH3's published hash of no bytes
  EXPECT_EQ(Hash64("x", 1), Hash64("x", 1));
  EXPECT_NE(Hash64("x", 1), Hash64("x", 2));
  EXPECT_NE(Hash64("x"), Hash64("y"));
}

}  // namespace
}  // namespace faultline
