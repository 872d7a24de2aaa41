// SPDX-License-Identifier: Apache-2.0
// The look-ups of the hot path: whole texts, pairs, answers by value, classes by route.
#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/signature/end_table.h"
#include "matcher/signature/exact_table.h"
#include "matcher/signature/field_memo.h"
#include "matcher/signature/gram_table.h"
#include "matcher/signature/pair_table.h"
#include "matcher/signature/route_map.h"
#include "matcher/signature/short_table.h"

namespace faultline {
namespace {

std::vector<PredicateId> Sorted(const Truth& truth) {
  std::vector<PredicateId> ids(truth.set().begin(), truth.set().end());
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(ExactTable, FindsAllThatATextStandsFor) {
  ExactTable table;
  const std::string longest(300, 'x');
  table.Add("a", 0, false);
  table.Add("b", 1, false);
  table.Add("b", 2, true);
  table.Add("", 3, false);
  table.Add(longest, 4, false);
  table.Seal();
  const auto found = [&table](std::string_view text, bool valid) {
    Truth truth(5);
    table.Find(text, valid, truth);
    return Sorted(truth);
  };
  EXPECT_EQ(found("a", true), (std::vector<PredicateId>{0}));
  EXPECT_EQ(found("b", true), (std::vector<PredicateId>{1, 2}));
  EXPECT_EQ(found("b", false), (std::vector<PredicateId>{1}));
  EXPECT_EQ(found("", true), (std::vector<PredicateId>{3}));
  EXPECT_EQ(found(longest, true), (std::vector<PredicateId>{4}));
  EXPECT_TRUE(found(longest + "x", true).empty());
  EXPECT_TRUE(found("c", true).empty());
}

TEST(PairTable, TakesOneEqualsSignBeforeALongValue) {
  EXPECT_TRUE(PairTable::Takes("md5=0123456789abcdef"));
  EXPECT_TRUE(PairTable::Takes("=0123456789abcdef"));
  EXPECT_FALSE(PairTable::Takes("md5=0123456789abcde"));
  EXPECT_FALSE(PairTable::Takes("0123456789abcdef"));
  EXPECT_FALSE(PairTable::Takes("md5=0123456789abcdef="));
}

TEST(PairTable, FindsEachPlaceOfALiteral) {
  PairTable table;
  table.Add("md5=0123456789abcdef", 0);
  table.Add("5=0123456789abcdef01", 1);
  table.Add("sha1=0123456789abcdef", 2);
  table.Seal();
  std::vector<std::pair<std::uint32_t, std::size_t>> found;
  const auto keep = [&found](std::uint32_t meaning, std::size_t end) {
    found.emplace_back(meaning, end);
  };
  table.Find("md5=0123456789abcdef01,x=1,md5=0123456789abcdef", keep);
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, (std::vector<std::pair<std::uint32_t, std::size_t>>{{0, 20}, {0, 47}, {1, 22}}));
  found.clear();
  table.Find("5=0123456789abcde", keep);
  table.Find("=0123456789abcdef", keep);
  table.Find("", keep);
  EXPECT_TRUE(found.empty());
}

RawValue Value(std::string_view raw, ValueKind kind = ValueKind::kString) { return {raw, kind}; }

// Asks for the value as a matcher does, and keeps it where it is new: whether it was known.
bool Ask(FieldMemo& memo, const RawValue& value) {
  if (!memo.Takes(value, 0)) return false;
  const std::uint64_t hash = memo.HashOf(value, 0);
  if (memo.Find(value, hash) != FieldMemo::kUnknown) return true;
  memo.Keep(value, hash, {});
  return false;
}

std::string Numbered(std::size_t i) { return "value " + std::to_string(i); }

TEST(FieldMemo, KnowsWhatItKeptByBytesAndKind) {
  MemoBudget budget(1 << 20);
  FieldMemo memo(&budget, 7, true);
  std::vector<std::string> texts;
  texts.reserve(200);
  for (int i = 0; i < 200; ++i)  // too few to tell whether it pays
    texts.push_back(std::string(static_cast<std::size_t>(i % 90), 'v') + std::to_string(i));
  for (std::uint32_t i = 0; i < texts.size(); ++i) {
    const RawValue value = Value(texts[i]);
    const std::uint64_t hash = memo.HashOf(value, 0);
    ASSERT_EQ(memo.Find(value, hash), FieldMemo::kUnknown);
    EXPECT_NE(memo.Keep(value, hash, std::vector<PredicateId>(i % 4, i)), FieldMemo::kUnknown);
  }
  for (std::uint32_t i = 0; i < texts.size(); ++i) {
    const RawValue value = Value(texts[i]);
    const FieldMemo::Kept kept = memo.Find(value, memo.HashOf(value, 0));
    ASSERT_NE(kept, FieldMemo::kUnknown) << i;
    const auto held = memo.Held(kept);
    EXPECT_EQ(std::vector(held.begin(), held.end()), std::vector<PredicateId>(i % 4, i));
    const RawValue other = Value(texts[i], ValueKind::kNumber);
    EXPECT_EQ(memo.Find(other, memo.HashOf(other, 0)), FieldMemo::kUnknown);
  }
}

TEST(FieldMemo, KeepsTheAnswersOfEachValue) {
  constexpr std::uint32_t kOf = 70;
  const auto answer = [](std::uint32_t value, std::uint32_t number) {
    return (value + number) % 3 == 0;
  };
  const auto noted = [](std::uint32_t value, std::uint32_t number) {
    return value % 5 != 0 && (value ^ number) % 2 == 0;
  };
  MemoBudget budget(1 << 20);
  FieldMemo memo(&budget, 7, true);
  for (std::uint32_t i = 0; i < 100; ++i) {
    const std::string text = Numbered(i);
    const FieldMemo::Kept kept = memo.Keep(Value(text), memo.HashOf(Value(text), 0), {});
    for (std::uint32_t number = 0; number < kOf; ++number) {
      if (noted(i, number)) memo.Note(kept, number, kOf, answer(i, number));
    }
  }
  for (std::uint32_t i = 0; i < 100; ++i) {
    const std::string text = Numbered(i);
    const FieldMemo::Kept kept = memo.Find(Value(text), memo.HashOf(Value(text), 0));
    for (std::uint32_t number = 0; number < kOf; ++number) {
      const auto wanted = noted(i, number) ? std::optional(answer(i, number)) : std::nullopt;
      EXPECT_EQ(memo.Answer(kept, number), wanted) << i << " " << number;
    }
  }
}

TEST(FieldMemo, StopsWhereItDoesNotPayAndGivesItsBudgetBack) {
  MemoBudget budget(4096);
  FieldMemo memo(&budget, 7, true);
  std::size_t known = 0;
  for (std::size_t i = 0; memo.on() && i < 100000; ++i) known += Ask(memo, Value(Numbered(i)));
  EXPECT_EQ(known, 0u);
  EXPECT_FALSE(memo.on());
  EXPECT_TRUE(budget.Take(4096));
}

TEST(FieldMemo, IsOnAgainWhereValuesComeAgain) {
  MemoBudget budget(1 << 24);
  FieldMemo memo(&budget, 7, true);
  for (std::size_t i = 0; i < 100000; ++i) ASSERT_FALSE(Ask(memo, Value(Numbered(i))));
  EXPECT_FALSE(memo.on());
  constexpr std::size_t kValues = 10000;
  std::size_t known = 0;
  for (std::size_t pass = 0; pass < 8; ++pass) {
    known = 0;
    for (std::size_t i = 0; i < kValues; ++i) known += Ask(memo, Value(Numbered(i)));
  }
  EXPECT_TRUE(memo.on());
  EXPECT_EQ(known, kValues);
}

TEST(FieldMemo, IsOnAgainWhenOthersGiveBudgetBack) {
  constexpr std::size_t kBudget = 1 << 20, kValues = 1000;
  MemoBudget budget(kBudget);
  ASSERT_TRUE(budget.Take(kBudget));
  FieldMemo memo(&budget, 7, true);
  const auto pass = [&] {
    std::size_t known = 0;
    for (std::size_t i = 0; i < kValues; ++i) known += Ask(memo, Value(Numbered(i)));
    return known;
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(pass(), 0u);
  EXPECT_FALSE(memo.on());
  budget.Give(kBudget);
  for (int i = 0; i < 10; ++i) pass();
  EXPECT_TRUE(memo.on());
  EXPECT_EQ(pass(), kValues);
}

TEST(FieldMemo, StaysOffWhereNobodyWantsIt) {
  MemoBudget budget(1 << 20);
  FieldMemo memo(&budget, 7, false);
  for (std::size_t i = 0; i < 100'000; ++i) ASSERT_FALSE(Ask(memo, Value(Numbered(i % 100))));
}

TEST(FieldMemo, LeavesHalfOfTheBudgetToShortValues) {
  MemoBudget budget(1 << 20);
  FieldMemo memo(&budget, 7, true);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    const std::string text = std::string(16 << 10, 'v') + std::to_string(i);
    kept += memo.Keep(Value(text), memo.HashOf(Value(text), 0), {}) != FieldMemo::kUnknown;
  }
  EXPECT_GT(kept, 16u);
  EXPECT_LE(kept, 33u);
  EXPECT_NE(memo.Keep(Value("short"), memo.HashOf(Value("short"), 0), {}), FieldMemo::kUnknown);
}

TEST(ShortTable, FindsWhatStandsInAText) {
  std::mt19937 random(1);
  const auto text_of = [&random](std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>("abc\xff\x80-"[random() % 6]);
    return text;
  };
  std::vector<std::string> literals;  // more than a block holds
  const std::string_view letters("abcdefg\xff\x80-/", 11);
  for (const char a : letters) {
    literals.emplace_back(1, a);
    for (const char b : letters) {
      if (random() % 2 == 0) literals.push_back({a, b});
    }
  }
  ASSERT_GT(literals.size(), 64u);
  ShortTable table;
  for (std::uint32_t i = 0; i < literals.size(); ++i) table.Add(literals[i], i);
  for (std::size_t round = 0; round < 2000; ++round) {
    const std::string text = text_of(1 + random() % 8);
    std::vector<std::tuple<std::uint32_t, bool, bool>> found, wanted;
    table.Find(text, [&found](std::uint32_t meaning, bool begins, bool ends) {
      found.emplace_back(meaning, begins, ends);
    });
    for (std::uint32_t i = 0; i < literals.size(); ++i) {
      if (text.find(literals[i]) == std::string::npos) continue;
      wanted.emplace_back(i, text.starts_with(literals[i]), text.ends_with(literals[i]));
    }
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, wanted) << text;
  }
}

TEST(EndTable, FindsAllThatATextEndsWith) {
  EXPECT_FALSE(EndTable::Takes("net.exe"));
  EXPECT_FALSE(EndTable::Takes("\\temp\\"));
  std::mt19937 random(2);
  const auto text_of = [&random](std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += "ab\\."[random() % 4];
    return text;
  };
  std::set<std::string> distinct;
  while (distinct.size() < 300) {
    if (std::string text = text_of(1 + random() % 7); EndTable::Takes(text)) distinct.insert(text);
  }
  const std::vector<std::string> literals(distinct.begin(), distinct.end());
  EndTable table;
  for (std::uint32_t i = 0; i < literals.size(); ++i) table.Add(literals[i], i);
  table.Seal();
  for (std::size_t round = 0; round < 2000; ++round) {
    const std::string text = text_of(random() % 12);
    std::vector<std::uint32_t> found, wanted;
    table.Find(text, [&found](std::uint32_t meaning) { found.push_back(meaning); });
    for (std::uint32_t i = 0; i < literals.size(); ++i) {
      if (text.ends_with(literals[i])) wanted.push_back(i);
    }
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, wanted) << text;
  }
  EndTable().Find("\\none", [](std::uint32_t) { FAIL(); });
}

using Places = std::vector<std::pair<std::uint32_t, std::size_t>>;  // meaning, where it ends

Places PlacesOf(const std::vector<std::string>& literals, const std::string& text) {
  Places places;
  for (std::uint32_t i = 0; i < literals.size(); ++i) {
    for (std::size_t at = text.find(literals[i]); at != text.npos;
         at = text.find(literals[i], at + 1)) {
      places.emplace_back(i, at + literals[i].size());
    }
  }
  std::sort(places.begin(), places.end());
  return places;
}

class GramTableFinds : public ::testing::TestWithParam<bool> {};

// Against std::string's search, over few letters, so that literals lie within and beside each other.
TEST_P(GramTableFinds, EachPlaceOfALiteral) {
  std::mt19937_64 random(20261128);
  const auto text = [&](std::size_t size) {
    std::string made;
    while (made.size() < size) made += std::string_view("ab\\.\0\xff", 6)[random() % 6];
    return made;
  };
  std::size_t found_in_all = 0;
  for (int round = 0; round < 60; ++round) {
    std::set<std::string> distinct;
    for (std::size_t left = random() % 400; left > 0; --left) {
      distinct.insert(text(GramTable::kShortest + random() % (round % 2 == 0 ? 4 : 90)));
    }
    const std::vector<std::string> literals(distinct.begin(), distinct.end());
    GramTable table(GetParam());
    for (std::uint32_t i = 0; i < literals.size(); ++i) table.Add(literals[i], i);
    table.Seal();
    for (int i = 0; i < 60; ++i) {
      std::string where = text(random() % 200);
      if (!literals.empty()) where += literals[random() % literals.size()] + text(random() % 9);
      // Exactly as large as that, for whoever watches over memory.
      const auto exact = std::make_unique<char[]>(where.size());
      where.copy(exact.get(), where.size());
      Places found;
      table.Find({exact.get(), where.size()},
                 [&](std::uint32_t meaning, std::size_t end) { found.emplace_back(meaning, end); });
      std::sort(found.begin(), found.end());
      ASSERT_EQ(found, PlacesOf(literals, where)) << where;
      found_in_all += found.size();
    }
  }
  EXPECT_GT(found_in_all, 10'000U);
}

INSTANTIATE_TEST_SUITE_P(ByLanesAndPlainly, GramTableFinds, ::testing::Values(true, false));

TEST(RouteMap, ForgetsAtItsBound) {
  RouteMap<int> map(2);
  std::vector<int> values(20000);
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    const std::uint32_t key[] = {i, i * 7};
    ASSERT_EQ(map.Find(key), nullptr);
    map.Keep(key, &values[i]);
    ASSERT_EQ(map.Find(key), &values[i]);
  }
  const std::uint32_t first[] = {0, 0}, swapped[] = {7 * 19999, 19999};
  EXPECT_EQ(map.Find(first), nullptr);
  EXPECT_EQ(map.Find(swapped), nullptr);
}

}  // namespace
}  // namespace faultline
