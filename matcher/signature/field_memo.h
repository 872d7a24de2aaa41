// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "matcher/event/event.h"
#include "matcher/signature/truth.h"

namespace faultline {

// Bytes that the memos of one worker may hold together.
class MemoBudget {
 public:
  explicit MemoBudget(std::size_t bytes) noexcept : left_(bytes) {}
  [[nodiscard]] bool Take(std::size_t bytes) noexcept {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }
  void Give(std::size_t bytes) noexcept { left_ += bytes; }

 private:
  std::size_t left_;
};

// Remembers which predicates of a field held for a value, by the value's bytes as they stand in the
// payload: another spelling of the same text is another entry, so an answer is always right.
//
// Place      value -> [FieldMemo] -> predicates, in place of decoding and scanning it.
// Cost       One hash, one compare, two cache lines that can be fetched ahead. Where fewer than half
//            of the values were seen before it gives its memory back and stays off; it does so for
//            good, after a few thousand values, or a few hundred of which hardly any came again.
// Memory     Bounded in entries and, over all memos of a worker, in bytes (MemoBudget); when full it
//            begins anew.
// Threads    Confined to one thread. The budget outlives it.
class FieldMemo {
 public:
  FieldMemo(MemoBudget* budget, std::uint64_t seed, bool on) noexcept
      : budget_(budget), seed_(seed), on_(on) {}
  ~FieldMemo() { Forget(); }
  FieldMemo(const FieldMemo&) = delete;
  FieldMemo& operator=(const FieldMemo&) = delete;
  FieldMemo(FieldMemo&& other) noexcept;
  FieldMemo& operator=(FieldMemo&&) = delete;

  [[nodiscard]] bool on() const noexcept { return on_; }

  // The value's hash, by which it is looked up. Fetch() and then FetchRecord() bring what Find() reads
  // closer.
  [[nodiscard]] std::uint64_t HashOf(const RawValue& value, std::uint64_t salt) const noexcept;
  void Fetch(std::uint64_t hash) const noexcept {
    if (!slots_.empty()) __builtin_prefetch(slots_.data() + (hash & mask_));
  }
  void FetchRecord(std::uint64_t hash) const noexcept {
    if (slots_.empty()) return;
    const Slot& slot = slots_.data()[hash & mask_];
    if (slot.at == kFree) return;
    __builtin_prefetch(words_.data() + slot.at);
    __builtin_prefetch(words_.data() + slot.at + 16);
  }

  // What held for that value, where it is known. Valid until the next call of Keep.
  [[nodiscard]] std::optional<std::span<const PredicateId>> Find(const RawValue& value,
                                                                 std::uint64_t hash) noexcept;
  // Requires: Find(value, hash) has just found nothing.
  void Keep(const RawValue& value, std::uint64_t hash, std::span<const PredicateId> held);

 private:
  struct Slot {
    std::uint32_t tag = 0;  // upper half of the hash
    std::uint32_t at = kFree;
  };
  // Behind it in words_: `held` numbers, then the value.
  struct Header {
    std::uint32_t size = 0;  // of the value
    std::uint16_t held = 0;
    ValueKind kind = ValueKind::kNull;
  };
  static constexpr std::uint32_t kFree = 0xffffffff;
  static constexpr std::size_t kHeaderWords = sizeof(Header) / sizeof(std::uint32_t);

  [[nodiscard]] bool Pays() noexcept;
  void Forget() noexcept;
  [[nodiscard]] bool Grow();
  void Place(const Slot& slot, std::size_t home) noexcept;

  MemoBudget* budget_;  // never null
  std::uint64_t seed_;
  std::vector<Slot> slots_;           // a power of two; open addressing
  std::vector<std::uint64_t> homes_;  // hashes of the records, in their order
  std::vector<std::uint32_t> words_;  // records
  std::size_t mask_ = 0;
  std::size_t taken_ = 0;  // of the budget
  std::uint32_t asked_ = 0, found_ = 0;
  bool on_;
};

}  // namespace faultline
