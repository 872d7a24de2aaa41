// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/field_memo.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/hash.h"

namespace faultline {
namespace {

constexpr std::size_t kFirstSlots = 64;
constexpr std::size_t kMostSlots = std::size_t{1} << 16;
constexpr std::size_t kLongestValue = 4096;
// Values after which it must have paid: a half of them known. One whose values never come again is
// told early.
constexpr std::uint32_t kTrial = 4096;
constexpr std::uint32_t kEarlyTrial = 256;
constexpr std::uint32_t kEarlyFound = 16;

}  // namespace

FieldMemo::FieldMemo(FieldMemo&& other) noexcept
    : budget_(other.budget_),
      seed_(other.seed_),
      slots_(std::move(other.slots_)),
      homes_(std::move(other.homes_)),
      words_(std::move(other.words_)),
      mask_(other.mask_),
      taken_(std::exchange(other.taken_, 0)),
      asked_(other.asked_),
      found_(other.found_),
      on_(other.on_) {}

std::uint64_t FieldMemo::HashOf(const RawValue& value, std::uint64_t salt) const noexcept {
  return Hash64(value.raw, seed_ ^ salt);
}

std::optional<std::span<const PredicateId>> FieldMemo::Find(const RawValue& value,
                                                            std::uint64_t hash) noexcept {
  if (++asked_ % kEarlyTrial == 0 && !Pays()) {
    on_ = false;
    Forget();
    return std::nullopt;
  }
  if (slots_.empty()) return std::nullopt;
  const Slot* const slots = slots_.data();
  const std::uint32_t* const words = words_.data();
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Slot& slot = slots[at];
    if (slot.at == kFree) return std::nullopt;
    if (slot.tag != tag) continue;
    Header header;
    std::memcpy(static_cast<void*>(&header), words + slot.at, sizeof header);
    if (header.size != value.raw.size() || header.kind != value.kind) continue;
    const std::uint32_t* const held = words + slot.at + kHeaderWords;
    if (header.size != 0 && std::memcmp(held + header.held, value.raw.data(), header.size) != 0) {
      continue;
    }
    ++found_;
    return std::span(held, header.held);
  }
}

bool FieldMemo::Pays() noexcept {
  if (asked_ == kEarlyTrial && found_ < kEarlyFound) return false;
  if (asked_ < kTrial) return true;
  const bool pays = found_ >= kTrial / 2;
  asked_ = found_ = 0;
  return pays;
}

void FieldMemo::Keep(const RawValue& value, std::uint64_t hash, std::span<const PredicateId> held) {
  if (!on_ || value.raw.size() > kLongestValue ||
      held.size() > std::numeric_limits<std::uint16_t>::max()) {
    return;
  }
  if (homes_.size() * 2 >= slots_.size() && !Grow()) return;
  const std::size_t value_words = (value.raw.size() + 3) / 4;
  const std::size_t words = kHeaderWords + held.size() + value_words;
  const std::size_t bytes = words * sizeof(std::uint32_t) + sizeof(std::uint64_t);
  if (!budget_->Take(bytes)) {
    Forget();  // begins anew with what comes next
    return;
  }
  taken_ += bytes;
  const auto at = static_cast<std::uint32_t>(words_.size());
  words_.resize(words_.size() + words);
  const Header header{static_cast<std::uint32_t>(value.raw.size()),
                      static_cast<std::uint16_t>(held.size()), value.kind};
  std::uint32_t* to = words_.data() + at;
  std::memcpy(to, &header, sizeof header);
  to = std::copy(held.begin(), held.end(), to + kHeaderWords);
  if (!value.raw.empty()) std::memcpy(to, value.raw.data(), value.raw.size());
  homes_.push_back(hash);
  Place({static_cast<std::uint32_t>(hash >> 32), at}, hash & mask_);
}

void FieldMemo::Place(const Slot& slot, std::size_t home) noexcept {
  while (slots_[home].at != kFree) home = (home + 1) & mask_;
  slots_[home] = slot;
}

// Room for twice as many; at the bound, or without budget, it begins anew.
bool FieldMemo::Grow() {
  const std::size_t wanted = slots_.empty() ? kFirstSlots : slots_.size() * 2;
  const std::size_t more = (wanted - slots_.size()) * sizeof(Slot);
  if (wanted > kMostSlots || !budget_->Take(more)) {
    Forget();
    return false;
  }
  taken_ += more;
  slots_.assign(wanted, {});
  mask_ = wanted - 1;
  std::uint32_t at = 0;
  for (const std::uint64_t home : homes_) {
    Place({static_cast<std::uint32_t>(home >> 32), at}, home & mask_);
    Header header;
    std::memcpy(static_cast<void*>(&header), words_.data() + at, sizeof header);
    at += static_cast<std::uint32_t>(kHeaderWords + header.held + (header.size + 3) / 4);
  }
  return true;
}

void FieldMemo::Forget() noexcept {
  budget_->Give(std::exchange(taken_, 0));
  slots_ = {};
  homes_ = {};
  words_ = {};
  mask_ = 0;
}

}  // namespace faultline
