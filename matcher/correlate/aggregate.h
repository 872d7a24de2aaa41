// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/hash.h"
#include "matcher/sigma/expression.h"
#include "matcher/sigma/rule.h"

// What value windows compute with. None of it depends on the way that led there: what was added and
// taken away again leaves nothing behind.
namespace faultline {

__extension__ typedef __int128 Int128;

// A number of an event or a rule: a whole one of 64 bits, else a finite decimal. A decimal that is
// whole and fits is a whole one. Compared exactly.
class Number {
 public:
  Number() = default;
  [[nodiscard]] static Number Of(std::int64_t whole) noexcept;
  [[nodiscard]] static Number Of(double decimal) noexcept;  // finite
  // Text counts as the decimal number that it reads as; nothing where it reads as none.
  [[nodiscard]] static std::optional<Number> From(const sigma::ExprValue& value);

  [[nodiscard]] bool whole() const noexcept { return whole_; }
  [[nodiscard]] std::int64_t integer() const noexcept { return integer_; }  // of a whole one
  [[nodiscard]] double decimal() const noexcept;
  [[nodiscard]] sigma::ExprValue value() const;

  friend bool operator==(const Number& a, const Number& b) noexcept { return a <=> b == 0; }
  friend std::strong_ordering operator<=>(const Number& a, const Number& b) noexcept;

 private:
  union {
    std::int64_t integer_ = 0;
    double decimal_;
  };
  bool whole_ = true;
};

// A sum that never rounds inside: whole numbers in 128 bits, decimals in a fixed point that holds
// every double. So adding and taking away in any order ends at the same sum.
class ExactSum {
 public:
  void Add(const Number& number);
  void Remove(const Number& number);
  // A whole number while only such are in it and it fits into 64 bits; else the nearest double; an
  // error where there is none.
  [[nodiscard]] sigma::ExprValue Sum() const;
  [[nodiscard]] sigma::ExprValue Mean(std::size_t count) const;  // count > 0

 private:
  void AddDecimal(double decimal, bool negated);
  [[nodiscard]] double Nearest() const;

  Int128 whole_ = 0;
  std::size_t decimals_ = 0;          // how many are in it
  std::vector<std::uint64_t> limbs_;  // their sum, two's complement in units of 2^-1074
};

// Numbers in their order, to ask for the one of a rank. Sorted blocks: adding, taking away and
// asking touch one block and the list of blocks.
class SortedNumbers {
 public:
  void Add(const Number& number);
  void Remove(const Number& number);                // must be there
  [[nodiscard]] Number At(std::size_t rank) const;  // rank < size()
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // By linear interpolation at rank (n - 1) p / 100 (type 7). size() > 0.
  [[nodiscard]] sigma::ExprValue Percentile(double percent) const;

 private:
  static constexpr std::size_t kBlock = 512;
  [[nodiscard]] std::size_t BlockOf(const Number& number) const;

  std::vector<std::vector<Number>> blocks_;  // none empty
  std::size_t size_ = 0;
};

// How often each digest is there: open addressing, no tombstones.
class DigestCounts {
 public:
  void Add(const Digest& digest);
  void Remove(const Digest& digest);  // must be there
  [[nodiscard]] std::size_t distinct() const noexcept { return distinct_; }

 private:
  struct Entry {
    Digest digest;
    std::uint32_t count = 0;  // 0: free
  };
  [[nodiscard]] std::size_t Find(const Digest& digest) const noexcept;

  std::vector<Entry> entries_;  // a power of two, at most three quarters full
  std::size_t distinct_ = 0;
};

// What one counted arrival gives to a window: nothing but itself, its number, or the digest of its
// values.
using Measure = std::variant<std::monostate, Number, Digest>;

// The value that a count or value type compares.
class Aggregate {
 public:
  Aggregate() = default;
  explicit Aggregate(sigma::CorrelationType type);

  void Add(const Measure& measure);
  void Remove(const Measure& measure);
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  // Absent where nothing is there.
  [[nodiscard]] sigma::ExprValue Value(const sigma::CorrelationRule& rule) const;
  // Different values; of the other types how many were added.
  [[nodiscard]] std::size_t distinct() const noexcept;

 private:
  std::variant<std::monostate, DigestCounts, ExactSum, SortedNumbers> of_;
  std::size_t count_ = 0;
};

// All of `thresholds` hold for `value`; never for what is no number.
[[nodiscard]] bool Meets(const std::vector<sigma::Threshold>& thresholds,
                         const sigma::ExprValue& value);

}  // namespace faultline
