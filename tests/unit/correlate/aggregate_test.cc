// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/aggregate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace faultline {
namespace {

using sigma::ExprError;
using sigma::ExprValue;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

std::optional<Number> Read(const char* text) { return Number::From(ExprValue(std::string(text))); }

TEST(Number, IsReadFromDecimalTextAlone) {
  EXPECT_EQ(Read("12"), Number::Of(std::int64_t{12}));
  EXPECT_EQ(Read("-0.5"), Number::Of(-0.5));
  EXPECT_EQ(Read("2.0"), Number::Of(std::int64_t{2}));
  for (const char* text : {"", "n/a", "nan", "NaN", "inf", "-Infinity", "0x10", "1e999", "1 "}) {
    EXPECT_FALSE(Read(text).has_value()) << text;
  }
}

TEST(Number, ComparesWholeNumbersAndDecimalsExactly) {
  const Number whole = Number::Of((std::int64_t{1} << 53) + 1);
  EXPECT_GT(whole, Number::Of(9007199254740992.0));
  EXPECT_LT(Number::Of(kMost), Number::Of(9223372036854775808.0));
  EXPECT_EQ(Number::Of(kLeast), Number::Of(-9223372036854775808.0));
  EXPECT_GT(Number::Of(kLeast), Number::Of(-1e300));
  EXPECT_LT(Number::Of(std::int64_t{2}), Number::Of(2.5));
  EXPECT_GT(Number::Of(std::int64_t{3}), Number::Of(2.5));
  EXPECT_GT(Number::Of(std::int64_t{-2}), Number::Of(-2.5));
  EXPECT_LT(Number::Of(std::int64_t{-3}), Number::Of(-2.5));
}

TEST(ExactSum, IsExactBeyondADoubleAndADecimalBeyond64Bits) {
  ExactSum sum;
  sum.Add(Number::Of(kMost));
  EXPECT_EQ(sum.Sum(), ExprValue(kMost));
  sum.Add(Number::Of(std::int64_t{1}));
  EXPECT_EQ(sum.Sum(), ExprValue(9223372036854775808.0));
  sum.Remove(Number::Of(kMost));
  EXPECT_EQ(sum.Sum(), ExprValue(std::int64_t{1}));
}

TEST(ExactSum, LeavesNothingBehind) {
  ExactSum sum;
  for (const double number : {1e300, 0.1, -7.25, 5e-324, 1.7e308}) sum.Add(Number::Of(number));
  for (const double number : {1.7e308, 1e300, 0.1, 5e-324}) sum.Remove(Number::Of(number));
  EXPECT_EQ(sum.Sum(), ExprValue(-7.25));
  sum.Add(Number::Of(std::int64_t{7}));
  EXPECT_EQ(sum.Sum(), ExprValue(-0.25));
}

TEST(ExactSum, DoesNotDriftInAWindowThatSlidesForLong) {
  std::mt19937_64 random(1);
  std::vector<Number> numbers;
  ExactSum slid;
  for (std::size_t i = 0; i < 200'000; ++i) {
    const double number = std::ldexp(static_cast<double>(random() % 2'000'001) - 1e6,
                                     static_cast<int>(random() % 80) - 40);
    numbers.push_back(Number::Of(number));
    slid.Add(numbers.back());
    if (i >= 100) slid.Remove(numbers[i - 100]);
  }
  ExactSum fresh;
  for (std::size_t i = numbers.size() - 100; i < numbers.size(); ++i) fresh.Add(numbers[i]);
  EXPECT_EQ(slid.Sum(), fresh.Sum());
  EXPECT_EQ(slid.Mean(100), fresh.Mean(100));
}

// Numbers of 20 bits, so that a long double adds them exactly.
TEST(ExactSum, RoundsOnceToTheNearest) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 2000; ++round) {
    ExactSum sum;
    long double exact = 0;
    for (int i = 0; i < 8; ++i) {
      const double number = std::ldexp(static_cast<double>(random() % 2'000'001) - 1e6,
                                       static_cast<int>(random() % 40) - 20);
      sum.Add(Number::Of(number));
      exact += number;
    }
    const ExprValue told = sum.Sum();
    const double value = std::holds_alternative<double>(told)
                             ? std::get<double>(told)
                             : static_cast<double>(std::get<std::int64_t>(told));
    ASSERT_EQ(value, static_cast<double>(exact)) << round;
  }
}

TEST(ExactSum, BeyondADoubleIsAnError) {
  ExactSum sum;
  sum.Add(Number::Of(1.7e308));
  sum.Add(Number::Of(1.7e308));
  EXPECT_EQ(sum.Sum(), ExprValue(ExprError{}));
  sum.Remove(Number::Of(1.7e308));
  EXPECT_EQ(sum.Sum(), ExprValue(1.7e308));
}

TEST(ExactSum, TellsAMeanAsAWholeNumberWhereItIsOne) {
  ExactSum sum;
  sum.Add(Number::Of(kMost));
  sum.Add(Number::Of(kMost));
  EXPECT_EQ(sum.Mean(2), ExprValue(kMost));
  ExactSum small;
  small.Add(Number::Of(std::int64_t{3}));
  EXPECT_EQ(small.Mean(2), ExprValue(1.5));
}

TEST(SortedNumbers, InterpolatesLikeType7) {
  SortedNumbers numbers;
  for (const std::int64_t number : {15, 20, 35, 40, 50}) numbers.Add(Number::Of(number));
  EXPECT_EQ(numbers.Percentile(0), ExprValue(std::int64_t{15}));
  EXPECT_EQ(numbers.Percentile(50), ExprValue(std::int64_t{35}));
  EXPECT_EQ(numbers.Percentile(40), ExprValue(std::int64_t{29}));
  EXPECT_EQ(numbers.Percentile(90), ExprValue(std::int64_t{46}));
  EXPECT_EQ(numbers.Percentile(99), ExprValue(49.6));
  EXPECT_EQ(numbers.Percentile(100), ExprValue(std::int64_t{50}));
}

TEST(SortedNumbers, MedianOfHugeWholeNumbersIsExact) {
  SortedNumbers numbers;
  numbers.Add(Number::Of(kMost));
  numbers.Add(Number::Of(kMost - 2));
  EXPECT_EQ(numbers.Percentile(50), ExprValue(kMost - 1));
  numbers.Add(Number::Of(kLeast));
  numbers.Add(Number::Of(kLeast));
  EXPECT_EQ(numbers.Percentile(50), ExprValue(-1.5));
}

TEST(SortedNumbers, FarApartDoublesDoNotOverflow) {
  SortedNumbers numbers;
  numbers.Add(Number::Of(-1.7e308));
  numbers.Add(Number::Of(1.7e308));
  EXPECT_EQ(numbers.Percentile(50), ExprValue(std::int64_t{0}));
}

TEST(SortedNumbers, StaysSortedThroughManyBlocks) {
  std::mt19937_64 random(3);
  SortedNumbers numbers;
  std::vector<std::int64_t> model;
  for (int i = 0; i < 20'000; ++i) {
    if (model.size() > 4000 && random() % 2 == 0) {
      const auto at = static_cast<std::ptrdiff_t>(random() % model.size());
      numbers.Remove(Number::Of(model[static_cast<std::size_t>(at)]));
      model.erase(model.begin() + at);
    } else {
      const auto number = static_cast<std::int64_t>(random() % 10'000);
      numbers.Add(Number::Of(number));
      model.insert(std::lower_bound(model.begin(), model.end(), number), number);
    }
    ASSERT_EQ(numbers.size(), model.size());
    const std::size_t rank = random() % model.size();
    ASSERT_EQ(numbers.At(rank), Number::Of(model[rank])) << i;
  }
}

TEST(DigestCounts, CountsWhatIsThere) {
  std::mt19937_64 random(4);
  DigestCounts counts;
  std::vector<std::uint64_t> held;
  for (int i = 0; i < 20'000; ++i) {
    if (!held.empty() && random() % 2 == 0) {
      const std::size_t at = random() % held.size();
      counts.Remove({0, held[at]});
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      held.push_back(random() % 3 * 1024 + random() % 40);  // many share their place
      counts.Add({0, held.back()});
    }
    if (i % 50 != 0) continue;
    std::vector<std::uint64_t> sorted = held;
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    ASSERT_EQ(counts.distinct(), sorted.size()) << i;
  }
}

TEST(Meets, ComparesWithNumbersAlone) {
  using Op = sigma::Threshold::Op;
  const std::vector<sigma::Threshold> both = {{Op::kGte, std::int64_t{2}}, {Op::kLt, 3.5}};
  EXPECT_TRUE(Meets(both, std::int64_t{2}));
  EXPECT_TRUE(Meets(both, 3.25));
  EXPECT_FALSE(Meets(both, 3.5));
  EXPECT_FALSE(Meets(both, 1.99));
  EXPECT_FALSE(Meets({{Op::kNeq, std::int64_t{2}}}, sigma::ExprAbsent{}));
  EXPECT_FALSE(Meets({{Op::kNeq, std::int64_t{2}}}, ExprError{}));
}

}  // namespace
}  // namespace faultline
