// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/value_sieve.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/event/text.h"

namespace faultline {
namespace {

Predicate Asking(PredicateKind kind, std::string_view text, bool cased = false) {
  Predicate predicate;
  predicate.kind = kind;
  predicate.cased = cased;
  predicate.text = text;
  return predicate;
}

TEST(Clue, IsWhatJsonSpellsInOneWay) {
  const auto clue = [](PredicateKind kind, std::string_view text) {
    const Clue found = ClueOf(Asking(kind, text));
    return std::pair(found.where, std::string(found.text()));
  };
  using enum Clue::Where;
  EXPECT_EQ(clue(PredicateKind::kContains, "cmlua.dll"), std::pair(kAnywhere, std::string("cmlu")));
  EXPECT_EQ(clue(PredicateKind::kContains, "a/\\\"zzz\n"),
            std::pair(kAnywhere, std::string("zzz")));
  EXPECT_EQ(clue(PredicateKind::kStartsWith, "unknown("),
            std::pair(kFront, std::string("unknown(")));
  EXPECT_EQ(clue(PredicateKind::kStartsWith, "ab\\cde"), std::pair(kAnywhere, std::string("cde")));
  EXPECT_EQ(clue(PredicateKind::kEndsWith, "\\lsass.exe"),
            std::pair(kBack, std::string("sass.exe")));
  EXPECT_EQ(clue(PredicateKind::kExact, "short"), std::pair(kNever, std::string()));
  EXPECT_EQ(clue(PredicateKind::kExact, "no shorter"), std::pair(kNever, std::string()));
  EXPECT_EQ(clue(PredicateKind::kExact, std::string(30, 'x')),
            std::pair(kFront, std::string(8, 'x')));
  for (const char* const text : {"", "ab", "\\\\\\", "a/b\"c\\d", "\xc3\xa9\xc3\xa9"}) {
    EXPECT_EQ(clue(PredicateKind::kContains, text).first, kUnknown) << text;
  }
  for (const PredicateKind kind : {PredicateKind::kNull, PredicateKind::kPresent,
                                   PredicateKind::kExists, PredicateKind::kNumber}) {
    EXPECT_EQ(clue(kind, "123456").first, kUnknown);
  }
}

TEST(ValueSieve, IsNotMadeOfTooMuchOrTheUnknown) {
  std::vector<Clue> clues;
  for (std::size_t i = 0; i < std::min<std::size_t>(PieceSieve::Most(), 8); ++i) {
    const std::string text(3, static_cast<char>('a' + i));
    clues.push_back(ClueOf(Asking(PredicateKind::kContains, text)));
  }
  EXPECT_TRUE(ValueSieve::Make(clues).has_value());
  clues.push_back(clues.front());
  EXPECT_TRUE(ValueSieve::Make(clues).has_value());  // the same piece
  clues.push_back(ClueOf(Asking(PredicateKind::kContains, "xyz")));
  EXPECT_FALSE(ValueSieve::Make(clues).has_value());
  EXPECT_FALSE(ValueSieve::Make(std::vector<Clue>(1)).has_value());
}

class Random {
 public:
  std::size_t Below(std::size_t bound) { return random_() % bound; }
  std::string Of(std::string_view letters, std::size_t size) {
    std::string made;
    while (made.size() < size) made += letters[Below(letters.size())];
    return made;
  }
  // As a writer of JSON spells it that escapes what must be, now and then more.
  std::string Spelled(std::string_view text, bool freely) {
    std::string raw;
    for (const char c : text) {
      if (freely && Below(30) == 0) {
        constexpr std::string_view kHex = "0123456789abcdef";
        raw += std::string("\\u00") + kHex[static_cast<unsigned char>(c) / 16] +
               kHex[static_cast<unsigned char>(c) % 16];
      } else if (c == '\\' || c == '"' || (c == '/' && Below(2) == 0)) {
        raw += std::string("\\") + c;
      } else {
        raw += c;
      }
    }
    return raw;
  }

 private:
  std::mt19937_64 random_{20261128};
};

bool HoldsOn(const Predicate& predicate, std::string_view text) {
  std::string buffer;
  const std::string folded(Fold(text, buffer));
  const std::string_view of = predicate.cased ? text : std::string_view(folded);
  switch (predicate.kind) {
    case PredicateKind::kContains: return of.find(predicate.text) != of.npos;
    case PredicateKind::kStartsWith: return of.starts_with(predicate.text);
    case PredicateKind::kEndsWith: return of.ends_with(predicate.text);
    default: return of == predicate.text;
  }
}

TEST(ValueSieve, LetsEachValuePassOnWhichAPredicateHolds) {
  constexpr PredicateKind kKinds[] = {PredicateKind::kContains, PredicateKind::kStartsWith,
                                      PredicateKind::kEndsWith, PredicateKind::kExact};
  Random random;
  std::size_t held = 0, ruled_out = 0, hidden = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<Predicate> predicates;
    std::vector<Clue> clues;
    for (std::size_t left = 1 + random.Below(3); left > 0; --left) {
      const bool cased = random.Below(4) == 0;
      std::string text = random.Of(cased ? "abAB\\/x" : "ab\\/x.", 1 + random.Below(12));
      if (random.Below(8) == 0) text += random.Of("abx", ValueSieve::kShortestValue);
      predicates.push_back(Asking(kKinds[random.Below(4)], text, cased));
      clues.push_back(ClueOf(predicates.back()));
    }
    const auto sieve = ValueSieve::Make(clues);
    if (!sieve) continue;
    for (int i = 0; i < 10; ++i) {
      std::string text = random.Of("aAbB\\/xX.\"", ValueSieve::kShortestValue + random.Below(200));
      const Predicate& some = predicates[random.Below(predicates.size())];
      switch (random.Below(4)) {
        case 0: text.replace(random.Below(text.size()), some.text.size(), some.text); break;
        case 1: text.replace(0, some.text.size(), some.text); break;
        case 2: text += some.text; break;
        default: text = random.Below(2) == 0 ? some.text : random.Of("pqr", text.size());
      }
      const std::string raw = random.Spelled(text, random.Below(4) == 0);
      if (raw.size() < ValueSieve::kShortestValue) continue;
      if (InspectEscapes(raw).hidden.Meets(sieve->letters())) {
        ++hidden;
        continue;
      }
      const bool holds = std::any_of(predicates.begin(), predicates.end(),
                                     [&](const Predicate& asked) { return HoldsOn(asked, text); });
      held += holds;
      const bool may_hold = sieve->MayHold(raw);
      EXPECT_TRUE(may_hold || !holds) << raw;
      ruled_out += !may_hold;
    }
  }
  EXPECT_GT(held, 1000u);
  EXPECT_GT(ruled_out, 1000u);
  EXPECT_GT(hidden, 100u);
}

}  // namespace
}  // namespace faultline
