// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/field_memo.h"

#include <cstring>
#include <limits>
#include <utility>

#include "base/hash.h"

namespace faultline {
namespace {

constexpr std::size_t kFirstEntries = 64;
constexpr std::size_t kMostEntries = std::size_t{1} << 16;
constexpr std::size_t kLongestValue = 4096;
constexpr std::uint32_t kTrial = 4096;  // values after which it must have paid

}  // namespace

FieldMemo::FieldMemo(FieldMemo&& other) noexcept
    : budget_(other.budget_),
      seed_(other.seed_),
      entries_(std::move(other.entries_)),
      bytes_(std::move(other.bytes_)),
      held_(std::move(other.held_)),
      used_(std::exchange(other.used_, 0)),
      taken_(std::exchange(other.taken_, 0)),
      asked_(other.asked_),
      found_(other.found_),
      on_(other.on_) {}

std::optional<std::span<const PredicateId>> FieldMemo::Find(const RawValue& value,
                                                            std::uint64_t salt) noexcept {
  if (++asked_ == kTrial) {
    if (found_ < kTrial / 2) {
      on_ = false;
      Forget();
      return std::nullopt;
    }
    asked_ = found_ = 0;
  }
  hash_ = Hash64(value.raw, seed_ ^ salt);
  if (entries_.empty()) return std::nullopt;
  const std::size_t mask = entries_.size() - 1;
  for (std::size_t at = hash_ & mask;; at = (at + 1) & mask) {
    const Entry& entry = entries_[at];
    if (!entry.used) return std::nullopt;
    if (entry.hash == hash_ && entry.size == value.raw.size() && entry.kind == value.kind &&
        entry.escaped == value.escaped &&
        (entry.size == 0 ||
         std::memcmp(bytes_.data() + entry.at, value.raw.data(), entry.size) == 0)) {
      ++found_;
      return std::span(held_).subspan(entry.held_at, entry.held);
    }
  }
}

void FieldMemo::Keep(const RawValue& value, std::span<const PredicateId> held) {
  if (!on_ || value.raw.size() > kLongestValue ||
      held.size() > std::numeric_limits<std::uint16_t>::max()) {
    return;
  }
  if (used_ * 2 >= entries_.size() && !Grow()) return;
  const std::size_t bytes = value.raw.size() + held.size_bytes();
  if (!budget_->Take(bytes)) {
    Forget();  // begins anew with what comes next
    return;
  }
  taken_ += bytes;
  const std::size_t mask = entries_.size() - 1;
  std::size_t at = hash_ & mask;
  while (entries_[at].used) at = (at + 1) & mask;
  entries_[at] = {hash_,
                  static_cast<std::uint32_t>(bytes_.size()),
                  static_cast<std::uint32_t>(value.raw.size()),
                  static_cast<std::uint32_t>(held_.size()),
                  static_cast<std::uint16_t>(held.size()),
                  value.kind,
                  value.escaped,
                  true};
  bytes_.insert(bytes_.end(), value.raw.begin(), value.raw.end());
  held_.insert(held_.end(), held.begin(), held.end());
  ++used_;
}

// Room for twice as many; at the bound, or without budget, it begins anew.
bool FieldMemo::Grow() {
  const std::size_t wanted = entries_.empty() ? kFirstEntries : entries_.size() * 2;
  const std::size_t more = (wanted - entries_.size()) * sizeof(Entry);
  if (wanted > kMostEntries || !budget_->Take(more)) {
    Forget();
    return false;
  }
  taken_ += more;
  std::vector<Entry> old = std::exchange(entries_, std::vector<Entry>(wanted));
  for (const Entry& entry : old) {
    if (!entry.used) continue;
    std::size_t at = entry.hash & (wanted - 1);
    while (entries_[at].used) at = (at + 1) & (wanted - 1);
    entries_[at] = entry;
  }
  return true;
}

void FieldMemo::Forget() noexcept {
  budget_->Give(std::exchange(taken_, 0));
  entries_ = {};
  bytes_ = {};
  held_ = {};
  used_ = 0;
}

}  // namespace faultline
