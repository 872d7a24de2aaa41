// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/aggregate.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"

namespace faultline {
namespace {

using sigma::CorrelationType;
using sigma::ExprValue;
using sigma::Threshold;

constexpr double kTwo63 = 9223372036854775808.0;
constexpr int kUnit = 1074;                               // limbs count units of 2^-1074
constexpr std::size_t kLimbs = (kUnit + 1024 + 78) / 64;  // room for the sum of 2^76 doubles

using Limbs = std::vector<std::uint64_t>;

// Adds `word` * 2^(64 * at), or takes it away; what leaves at the top is the sign's.
void AddWord(Limbs& limbs, std::size_t at, std::uint64_t word, bool negative) {
  for (; word != 0 && at < limbs.size(); ++at) {
    const std::uint64_t before = limbs[at];
    limbs[at] = negative ? before - word : before + word;
    word = (negative ? before < word : limbs[at] < before) ? 1 : 0;
  }
}

// ... `word` * 2^shift.
void AddShifted(Limbs& limbs, int shift, std::uint64_t word, bool negative) {
  const auto at = static_cast<std::size_t>(shift) / 64;
  const int bit = shift % 64;
  AddWord(limbs, at, word << bit, negative);
  if (bit != 0) AddWord(limbs, at + 1, word >> (64 - bit), negative);
}

bool BitOf(const Limbs& limbs, int bit) {
  return ((limbs[static_cast<std::size_t>(bit) / 64] >> (bit % 64)) & 1) != 0;
}

bool AnyBelow(const Limbs& limbs, int bit) {
  const auto full = static_cast<std::size_t>(bit) / 64;
  for (std::size_t i = 0; i < full; ++i) {
    if (limbs[i] != 0) return true;
  }
  return bit % 64 != 0 && (limbs[full] << (64 - bit % 64)) != 0;
}

int HighestBit(const Limbs& limbs) {
  for (std::size_t i = limbs.size(); i-- > 0;) {
    if (limbs[i] != 0) return static_cast<int>(i) * 64 + 63 - std::countl_zero(limbs[i]);
  }
  return -1;
}

// Rounded to the nearest double, ties to even.
double ToDouble(Limbs limbs) {
  const bool negative = (limbs.back() >> 63) != 0;
  if (negative) {
    for (std::uint64_t& limb : limbs) limb = ~limb;
    AddWord(limbs, 0, 1, false);
  }
  const int top = HighestBit(limbs);
  if (top < 0) return 0;
  const int low = std::max(top - 52, 0);  // of the 53 bits that stay
  std::uint64_t mantissa = 0;
  for (int bit = top; bit >= low; --bit) mantissa = mantissa * 2 + (BitOf(limbs, bit) ? 1 : 0);
  if (low > 0 && BitOf(limbs, low - 1) && ((mantissa & 1) != 0 || AnyBelow(limbs, low - 1))) {
    ++mantissa;
  }
  const double rounded = std::ldexp(static_cast<double>(mantissa), low - kUnit);
  return negative ? -rounded : rounded;
}

bool Fits(Int128 whole) {
  return whole >= std::numeric_limits<std::int64_t>::min() &&
         whole <= std::numeric_limits<std::int64_t>::max();
}

ExprValue Finite(double decimal) {
  if (!std::isfinite(decimal)) return sigma::ExprError{};
  return Number::Of(decimal).value();
}

bool Meets(const Threshold& threshold, const Number& value) {
  const std::optional<Number> number = Number::From(threshold.number);
  if (!number) return false;
  const std::strong_ordering order = value <=> *number;
  switch (threshold.op) {
    case Threshold::Op::kGt: return order > 0;
    case Threshold::Op::kGte: return order >= 0;
    case Threshold::Op::kLt: return order < 0;
    case Threshold::Op::kLte: return order <= 0;
    case Threshold::Op::kEq: return order == 0;
    case Threshold::Op::kNeq: return order != 0;
  }
  return false;
}

}  // namespace

Number Number::Of(std::int64_t whole) noexcept {
  Number number;
  number.integer_ = whole;
  return number;
}

Number Number::Of(double decimal) noexcept {
  if (decimal >= -kTwo63 && decimal < kTwo63 && std::trunc(decimal) == decimal) {
    return Of(static_cast<std::int64_t>(decimal));
  }
  Number number;
  number.whole_ = false;
  number.decimal_ = decimal;
  return number;
}

std::optional<Number> Number::From(const ExprValue& value) {
  const ExprValue number = sigma::NumberOf(value);
  if (const auto* whole = std::get_if<std::int64_t>(&number)) return Of(*whole);
  const auto* decimal = std::get_if<double>(&number);
  if (decimal == nullptr || !std::isfinite(*decimal)) return std::nullopt;
  return Of(*decimal);
}

double Number::decimal() const noexcept {
  return whole_ ? static_cast<double>(integer_) : decimal_;
}

ExprValue Number::value() const {
  if (whole_) return integer_;
  return decimal_;
}

std::strong_ordering operator<=>(const Number& a, const Number& b) noexcept {
  if (a.whole_ && b.whole_) return a.integer_ <=> b.integer_;
  if (!a.whole_ && !b.whole_) {
    return a.decimal_ < b.decimal_   ? std::strong_ordering::less
           : a.decimal_ > b.decimal_ ? std::strong_ordering::greater
                                     : std::strong_ordering::equal;
  }
  if (!a.whole_) return 0 <=> (b <=> a);
  // A decimal within 64 bits is never whole, so it lies strictly between two whole numbers.
  if (b.decimal_ >= kTwo63) return std::strong_ordering::less;
  if (b.decimal_ < -kTwo63) return std::strong_ordering::greater;
  const auto below = static_cast<std::int64_t>(std::floor(b.decimal_));
  return a.integer_ <= below ? std::strong_ordering::less : std::strong_ordering::greater;
}

void ExactSum::AddDecimal(double decimal, bool negated) {
  if (limbs_.empty()) limbs_.resize(kLimbs);
  const auto bits = std::bit_cast<std::uint64_t>(decimal);
  const auto exponent = static_cast<int>((bits >> 52) & 0x7FF);
  std::uint64_t mantissa = bits & ((std::uint64_t{1} << 52) - 1);
  if (exponent != 0) mantissa |= std::uint64_t{1} << 52;
  AddShifted(limbs_, std::max(exponent - 1, 0), mantissa, std::signbit(decimal) != negated);
}

void ExactSum::Add(const Number& number) {
  if (number.whole()) {
    whole_ += number.integer();
  } else {
    AddDecimal(number.decimal(), false);
    ++decimals_;
  }
}

void ExactSum::Remove(const Number& number) {
  if (number.whole()) {
    whole_ -= number.integer();
  } else {
    AddDecimal(number.decimal(), true);
    --decimals_;
  }
}

double ExactSum::Nearest() const {
  if (decimals_ == 0) return static_cast<double>(whole_);
  Limbs all = limbs_;
  const bool negative = whole_ < 0;
  __extension__ const auto size =
      negative ? -static_cast<unsigned __int128>(whole_) : static_cast<unsigned __int128>(whole_);
  AddShifted(all, kUnit, static_cast<std::uint64_t>(size), negative);
  AddShifted(all, kUnit + 64, static_cast<std::uint64_t>(size >> 64), negative);
  return ToDouble(std::move(all));
}

ExprValue ExactSum::Sum() const {
  if (decimals_ == 0 && Fits(whole_)) return static_cast<std::int64_t>(whole_);
  return Finite(Nearest());
}

ExprValue ExactSum::Mean(std::size_t count) const {
  const auto n = static_cast<Int128>(count);
  if (decimals_ == 0 && whole_ % n == 0 && Fits(whole_ / n)) {
    return static_cast<std::int64_t>(whole_ / n);
  }
  return Finite(Nearest() / static_cast<double>(count));
}

std::size_t SortedNumbers::BlockOf(const Number& number) const {
  const auto block =
      std::lower_bound(blocks_.begin(), blocks_.end(), number,
                       [](const auto& held, const Number& sought) { return held.back() < sought; });
  return static_cast<std::size_t>(block - blocks_.begin());
}

void SortedNumbers::Add(const Number& number) {
  ++size_;
  if (blocks_.empty()) return blocks_.push_back({number});
  const std::size_t at = std::min(BlockOf(number), blocks_.size() - 1);
  std::vector<Number>& block = blocks_[at];
  block.insert(std::upper_bound(block.begin(), block.end(), number), number);
  if (block.size() <= kBlock) return;
  std::vector<Number> upper(block.begin() + kBlock / 2, block.end());
  block.resize(kBlock / 2);
  blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(upper));
}

void SortedNumbers::Remove(const Number& number) {
  const std::size_t at = BlockOf(number);
  FAULTLINE_CHECK(at < blocks_.size());
  std::vector<Number>& block = blocks_[at];
  const auto found = std::lower_bound(block.begin(), block.end(), number);
  FAULTLINE_CHECK(found != block.end() && *found == number);
  block.erase(found);
  --size_;
  if (block.empty()) blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(at));
}

Number SortedNumbers::At(std::size_t rank) const {
  std::size_t at = 0;
  while (rank >= blocks_[at].size()) rank -= blocks_[at++].size();
  return blocks_[at][rank];
}

ExprValue SortedNumbers::Percentile(double percent) const {
  // In hundredths of a rank, so that whole percentages stay exact.
  const double rank = static_cast<double>(size_ - 1) * percent;
  const auto low = std::min(static_cast<std::size_t>(rank / 100), size_ - 1);
  const double part = rank - 100 * static_cast<double>(low);
  const Number a = At(low);
  if (part <= 0 || low + 1 == size_) return a.value();
  const Number b = At(low + 1);
  if (a == b) return a.value();
  if (a.whole() && b.whole() && part == std::trunc(part)) {
    const Int128 gap = static_cast<Int128>(b.integer()) - a.integer();
    const Int128 step = gap * static_cast<Int128>(part);
    const auto whole = static_cast<std::int64_t>(a.integer() + step / 100);
    if (step % 100 == 0) return whole;
    return Finite(static_cast<double>(whole) + static_cast<double>(step % 100) / 100);
  }
  const double gap = b.decimal() - a.decimal();
  if (!std::isfinite(gap * 100)) {
    return Finite(a.decimal() / 100 * (100 - part) + b.decimal() / 100 * part);
  }
  return Finite(a.decimal() + part * gap / 100);
}

std::size_t DigestCounts::Find(const Digest& digest) const noexcept {
  const std::size_t mask = entries_.size() - 1;
  std::size_t at = digest.low & mask;
  while (entries_[at].count != 0 && entries_[at].digest != digest) at = (at + 1) & mask;
  return at;
}

void DigestCounts::Add(const Digest& digest) {
  if ((distinct_ + 1) * 4 > entries_.size() * 3) {
    std::vector<Entry> old(std::max<std::size_t>(entries_.size() * 2, 4));
    old.swap(entries_);
    for (const Entry& entry : old) {
      if (entry.count != 0) entries_[Find(entry.digest)] = entry;
    }
  }
  Entry& entry = entries_[Find(digest)];
  if (entry.count++ != 0) return;
  entry.digest = digest;
  ++distinct_;
}

void DigestCounts::Remove(const Digest& digest) {
  FAULTLINE_CHECK(!entries_.empty());
  std::size_t at = Find(digest);
  FAULTLINE_CHECK(entries_[at].count != 0);
  if (--entries_[at].count != 0) return;
  --distinct_;
  // Entries behind move up, so that no search meets a gap before its digest.
  const std::size_t mask = entries_.size() - 1;
  for (std::size_t next = (at + 1) & mask; entries_[next].count != 0; next = (next + 1) & mask) {
    const std::size_t home = entries_[next].digest.low & mask;
    if (((next - home) & mask) < ((next - at) & mask)) continue;
    entries_[at] = std::exchange(entries_[next], Entry{});
    at = next;
  }
}

Aggregate::Aggregate(CorrelationType type) {
  switch (type) {
    case CorrelationType::kValueCount: of_.emplace<DigestCounts>(); break;
    case CorrelationType::kValueSum:
    case CorrelationType::kValueAvg: of_.emplace<ExactSum>(); break;
    case CorrelationType::kValuePercentile:
    case CorrelationType::kValueMedian: of_.emplace<SortedNumbers>(); break;
    default: break;
  }
}

void Aggregate::Add(const Measure& measure) {
  ++count_;
  if (auto* texts = std::get_if<DigestCounts>(&of_)) texts->Add(std::get<Digest>(measure));
  if (auto* sum = std::get_if<ExactSum>(&of_)) sum->Add(std::get<Number>(measure));
  if (auto* sorted = std::get_if<SortedNumbers>(&of_)) sorted->Add(std::get<Number>(measure));
}

void Aggregate::Remove(const Measure& measure) {
  --count_;
  if (auto* texts = std::get_if<DigestCounts>(&of_)) texts->Remove(std::get<Digest>(measure));
  if (auto* sum = std::get_if<ExactSum>(&of_)) sum->Remove(std::get<Number>(measure));
  if (auto* sorted = std::get_if<SortedNumbers>(&of_)) sorted->Remove(std::get<Number>(measure));
}

std::size_t Aggregate::distinct() const noexcept {
  const auto* texts = std::get_if<DigestCounts>(&of_);
  return texts != nullptr ? texts->distinct() : count_;
}

ExprValue Aggregate::Value(const sigma::CorrelationRule& rule) const {
  if (count_ == 0) return sigma::ExprAbsent{};
  switch (rule.type) {
    case CorrelationType::kValueSum: return std::get<ExactSum>(of_).Sum();
    case CorrelationType::kValueAvg: return std::get<ExactSum>(of_).Mean(count_);
    case CorrelationType::kValuePercentile:
      return std::get<SortedNumbers>(of_).Percentile(rule.percentile);
    case CorrelationType::kValueMedian: return std::get<SortedNumbers>(of_).Percentile(50);
    default: return static_cast<std::int64_t>(distinct());
  }
}

bool Meets(const std::vector<Threshold>& thresholds, const ExprValue& value) {
  if (std::holds_alternative<std::string>(value)) return false;
  const std::optional<Number> number = Number::From(value);
  return number && std::all_of(thresholds.begin(), thresholds.end(),
                               [&number](const Threshold& each) { return Meets(each, *number); });
}

}  // namespace faultline
