// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/piece_sieve.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace faultline {
namespace {

constexpr std::size_t kFewest = 18;  // bytes of a text that is looked at

// As the sieve compares: with the bit set that tells lower case from upper case.
std::string Lowered(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) c = static_cast<char>(c | 0x20);
  return lowered;
}

// Both ways to find pieces; where the CPU has no tables, the other one twice.
class PieceSieveBy : public testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] static PieceSieve Of(const std::vector<std::string>& pieces) {
    return PieceSieve(pieces, GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(, PieceSieveBy, testing::Bool(), [](const auto& by) {
  return std::string(by.param ? "Tables" : "Comparing");
});

TEST_P(PieceSieveBy, TellsOfEachPlaceInTextsOfAllSizes) {
  const PieceSieve sieve = Of({"::", "kiw", "mimn"});
  for (std::size_t size = kFewest; size < 270; ++size) {
    const std::string none(size, 'm');
    EXPECT_FALSE(sieve.MayHold(none)) << size;
    for (const char* piece : {"::", "kiw", "KIW", "Mimn"}) {
      for (std::size_t at = 0; at + std::string_view(piece).size() <= size; ++at) {
        std::string text(size, '.');
        text.replace(at, std::string_view(piece).size(), piece);
        EXPECT_TRUE(sieve.MayHold(text)) << piece << " at " << at << " of " << size;
      }
    }
  }
}

// Pieces of four bytes are told by three of them where they are compared; where they are looked up other
// bytes than those of ASCII may be taken for a piece's, and from nine pieces on some share a bit: then it
// may be wrong, but to one side only.
TEST_P(PieceSieveBy, TellsOfNothingElse) {
  std::mt19937_64 random(20261128);
  const auto made_of = [&random](std::string_view letters, std::size_t size) {
    std::string made;
    while (made.size() < size) made += letters[random() % letters.size()];
    return made;
  };
  std::size_t held = 0, empty = 0;
  for (int round = 0; round < 2000; ++round) {
    const bool exact = round % 2 == 0;
    std::vector<std::string> pieces;
    const std::size_t most = PieceSieve::Most(GetParam());
    for (std::size_t left = 1 + random() % (exact ? std::min<std::size_t>(most, 8) : most);
         left > 0; --left) {
      pieces.push_back(made_of("ab:._", 2 + random() % (exact ? 2 : 3)));
    }
    const PieceSieve sieve = Of(pieces);
    for (int i = 0; i < 20; ++i) {
      std::string text = made_of("cCdD,-", kFewest + random() % 200);
      for (std::size_t left = random() % 6; left > 0; --left) {
        const std::string some = made_of(exact ? "aAbB:._" : "aAbB:._\x80\xff", 1 + random() % 4);
        text.replace(random() % (text.size() - some.size()), some.size(), some);
      }
      const std::string lowered = Lowered(text);
      const bool holds = std::any_of(pieces.begin(), pieces.end(), [&](const std::string& piece) {
        return lowered.find(Lowered(piece)) != lowered.npos;
      });
      if (exact || holds) {
        EXPECT_EQ(sieve.MayHold(text), holds) << text;
        ++(holds ? held : empty);
      }
    }
  }
  EXPECT_GT(held, 200u);
  EXPECT_GT(empty, 200u);
}

TEST(PieceSieve, LetsShortTextsPassThatItCannotCompare) {
  const PieceSieve sieve(std::vector<std::string>{"::"}, false);
  for (std::size_t size = 0; size < kFewest; ++size) {
    EXPECT_TRUE(sieve.MayHold(std::string(size, '.'))) << size;
  }
}

TEST(PieceSieve, IsPutToTextsOfAnySizeWithTables) {
  if (PieceSieve::Most() == PieceSieve::Most(false)) return;  // this CPU has none
  const PieceSieve sieve(std::vector<std::string>{"::"});
  EXPECT_FALSE(sieve.MayHold(""));
  for (std::size_t size = 1; size < kFewest; ++size) {
    EXPECT_FALSE(sieve.MayHold(std::string(size, '.'))) << size;
    EXPECT_EQ(sieve.MayHold(std::string(size, ':')), size > 1) << size;
  }
}

}  // namespace
}  // namespace faultline
