// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/field_memo.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/free_memory.h"
#include "matcher/signature/value_hash.h"

namespace faultline {
namespace {

constexpr std::size_t kFirstSlots = 64;
constexpr std::size_t kMostSlots = std::size_t{1} << 16;
constexpr std::size_t kMostBytes = std::size_t{16} << 20;
constexpr std::size_t kLongestValue = std::size_t{64} << 10;
constexpr std::size_t kLongValue = 1024;
// Values after which it must have paid: a half of them known. One whose values never come again is
// told early; one that was turned on again has first to see what comes again.
constexpr std::uint32_t kTrial = 4096;
constexpr std::uint32_t kEarlyTrial = 256;
constexpr std::uint32_t kEarlyFound = 16;
constexpr std::uint32_t kResumedTrial = kMostSlots / 2;
// While it is off: how many values make a sample, and how many are remembered.
constexpr std::uint32_t kSample = 64;
constexpr std::size_t kSampleSlots = 2048;
constexpr std::size_t kSampledBytes = 64;  // of a value, from its middle
constexpr std::uint32_t kMostDoubled = 6;  // good samples before it is on again: up to 64

constexpr std::uint32_t kWordBits = 32;
constexpr std::uint32_t WordsFor(std::uint32_t bits) { return (bits + kWordBits - 1) / kWordBits; }

}  // namespace

FieldMemo::FieldMemo(FieldMemo&& other) noexcept
    : budget_(other.budget_),
      seed_(other.seed_),
      slots_(std::move(other.slots_)),
      homes_(std::move(other.homes_)),
      words_(std::move(other.words_)),
      answers_(std::move(other.answers_)),
      sample_(std::move(other.sample_)),
      mask_(other.mask_),
      taken_(std::exchange(other.taken_, 0)),
      asked_(other.asked_),
      found_(other.found_),
      good_samples_(other.good_samples_),
      resumed_(other.resumed_),
      wanted_(other.wanted_),
      on_(other.on_) {}

std::uint64_t FieldMemo::HashOf(const RawValue& value, std::uint64_t salt) const noexcept {
  return ValueHash(value.raw, seed_ ^ salt);
}

FieldMemo::Kept FieldMemo::Find(const RawValue& value, std::uint64_t hash) noexcept {
  if (++asked_ % kEarlyTrial == 0 && !Pays()) {
    TurnOff();
    return kUnknown;
  }
  if (slots_.empty()) return kUnknown;
  const Slot* const slots = slots_.data();
  const std::uint32_t* const words = words_.data();
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Slot& slot = slots[at];
    if (slot.at == kUnknown) return kUnknown;
    if (slot.tag != tag) continue;
    const Header header = HeaderAt(slot.at);
    if (header.size != value.raw.size() || header.kind != value.kind) continue;
    const std::uint32_t* const kept = words + slot.at + kHeaderWords + header.held;
    if (header.size != 0 && std::memcmp(kept, value.raw.data(), header.size) != 0) continue;
    ++found_;
    return slot.at;
  }
}

std::span<const PredicateId> FieldMemo::Held(Kept kept) const noexcept {
  return {words_.data() + kept + kHeaderWords, HeaderAt(kept).held};
}

std::optional<bool> FieldMemo::Answer(Kept kept, std::uint32_t number) const noexcept {
  const std::uint32_t at = HeaderAt(kept).answers;
  if (at == kUnknown) return std::nullopt;
  const std::uint32_t word = answers_.data()[at + 2 * (number / kWordBits)];
  if ((word >> number % kWordBits & 1) == 0) return std::nullopt;
  return (answers_.data()[at + 2 * (number / kWordBits) + 1] >> number % kWordBits & 1) != 0;
}

void FieldMemo::Note(Kept kept, std::uint32_t number, std::uint32_t of, bool answer) {
  Header header = HeaderAt(kept);
  if (header.answers == kUnknown) {
    const std::size_t words = std::size_t{2} * WordsFor(of);
    if (!Take(words * sizeof(std::uint32_t))) return;
    header.answers = static_cast<std::uint32_t>(answers_.size());
    answers_.resize(answers_.size() + words);
    std::memcpy(words_.data() + kept, &header, sizeof header);
  }
  std::uint32_t* const words =
      answers_.data() + header.answers + std::size_t{2} * (number / kWordBits);
  const std::uint32_t bit = std::uint32_t{1} << number % kWordBits;
  words[0] |= bit;
  if (answer) words[1] |= bit;
}

bool FieldMemo::Pays() noexcept {
  if (resumed_ == 0 && asked_ == kEarlyTrial && found_ < kEarlyFound) return false;
  if (asked_ < (resumed_ == 0 ? kTrial : kResumedTrial)) return true;
  const bool pays = found_ >= asked_ / 2;
  asked_ = found_ = 0;
  return pays;
}

// A value of the sample, while it is off: whether it is on again.
bool FieldMemo::ComeAgain(const RawValue& value, std::uint64_t salt) noexcept {
  const std::string_view raw = value.raw;
  if (!wanted_ || raw.size() > kLongestValue) return false;
  if (sample_.empty()) {
    if (!Take(kSampleSlots * sizeof(std::uint32_t))) return false;  // until others give some back
    sample_.resize(kSampleSlots);
  }
  const std::size_t skipped = raw.size() > kSampledBytes ? (raw.size() - kSampledBytes) / 2 : 0;
  const std::uint64_t hash =
      ValueHash(raw.substr(skipped, kSampledBytes), seed_ ^ salt ^ raw.size());
  const auto rest = static_cast<std::uint32_t>(hash >> 32);
  if (std::exchange(sample_[hash % kSampleSlots], rest) == rest) ++found_;
  if (++asked_ < kSample) return false;
  good_samples_ = found_ >= kSample / 2 ? good_samples_ + 1 : 0;
  asked_ = found_ = 0;
  if (good_samples_ >> std::min(resumed_, kMostDoubled) == 0) return false;
  TurnOn();
  return true;
}

void FieldMemo::TurnOff() noexcept {
  Forget();
  on_ = false;
  asked_ = found_ = good_samples_ = 0;
}

void FieldMemo::TurnOn() noexcept {
  Forget();
  on_ = true;
  ++resumed_;
}

bool FieldMemo::Take(std::size_t bytes) noexcept {
  if (taken_ + bytes > kMostBytes || !budget_->Take(bytes)) return false;
  taken_ += bytes;
  return true;
}

FieldMemo::Kept FieldMemo::Keep(const RawValue& value, std::uint64_t hash,
                                std::span<const PredicateId> held) {
  if (!on_ || value.raw.size() > kLongestValue ||
      (value.raw.size() > kLongValue && budget_->scarce()) ||
      held.size() > std::numeric_limits<std::uint16_t>::max()) {
    return kUnknown;
  }
  if (homes_.size() * 2 >= slots_.size() && !Grow()) return kUnknown;
  const std::size_t value_words = (value.raw.size() + 3) / 4;
  const std::size_t words = kHeaderWords + held.size() + value_words;
  if (!Take(words * sizeof(std::uint32_t) + sizeof(std::uint64_t))) {
    if (taken_ > kMostBytes / 2) Forget();  // begins anew with what comes next
    return kUnknown;
  }
  const auto at = static_cast<Kept>(words_.size());
  words_.resize(words_.size() + words);
  const Header header{static_cast<std::uint32_t>(value.raw.size()),
                      static_cast<std::uint16_t>(held.size()), value.kind};
  std::uint32_t* to = words_.data() + at;
  std::memcpy(to, &header, sizeof header);
  to = std::copy(held.begin(), held.end(), to + kHeaderWords);
  if (!value.raw.empty()) std::memcpy(to, value.raw.data(), value.raw.size());
  homes_.push_back(hash);
  Place({static_cast<std::uint32_t>(hash >> 32), at}, hash & mask_);
  return at;
}

void FieldMemo::Place(const Slot& slot, std::size_t home) noexcept {
  while (slots_[home].at != kUnknown) home = (home + 1) & mask_;
  slots_[home] = slot;
}

// Room for twice as many. At the bound it begins anew.
bool FieldMemo::Grow() {
  const std::size_t wanted = slots_.empty() ? kFirstSlots : slots_.size() * 2;
  if (wanted > kMostSlots) Forget();
  if (wanted > kMostSlots || !Take((wanted - slots_.size()) * sizeof(Slot))) return false;
  slots_.assign(wanted, {});
  mask_ = wanted - 1;
  Kept at = 0;
  for (const std::uint64_t home : homes_) {
    Place({static_cast<std::uint32_t>(home >> 32), at}, home & mask_);
    const Header header = HeaderAt(at);
    at += static_cast<Kept>(kHeaderWords + header.held + (header.size + 3) / 4);
  }
  return true;
}

void FieldMemo::Forget() noexcept {
  budget_->Give(std::exchange(taken_, 0));
  FreeMemory(slots_);
  FreeMemory(homes_);
  FreeMemory(words_);
  FreeMemory(answers_);
  FreeMemory(sample_);
  mask_ = 0;
}

}  // namespace faultline
