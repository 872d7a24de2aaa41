// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
// Cost       One hash, one compare. Where fewer than half of the values were seen before it gives
//            its memory back and stays off; it does so for good, after a few thousand values.
// Memory     Bounded in entries and, over all memos of a worker, in bytes (MemoBudget); when full
// it
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
  // What held for that value, where it is known under this salt. Valid until the next call of Keep.
  [[nodiscard]] std::optional<std::span<const PredicateId>> Find(const RawValue& value,
                                                                 std::uint64_t salt) noexcept;
  // Requires: Find(value) has just found nothing.
  void Keep(const RawValue& value, std::span<const PredicateId> held);

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint32_t at = 0;    // in bytes_: the value
    std::uint32_t size = 0;  // of the value
    std::uint32_t held_at = 0;
    std::uint16_t held = 0;
    ValueKind kind = ValueKind::kNull;
    bool escaped = false;
    bool used = false;
  };

  void Forget() noexcept;
  [[nodiscard]] bool Grow();

  MemoBudget* budget_;  // never null
  std::uint64_t seed_;
  std::uint64_t hash_ = 0;      // of the value Find() was asked for last
  std::vector<Entry> entries_;  // a power of two; open addressing
  std::vector<char> bytes_;
  std::vector<PredicateId> held_;
  std::size_t used_ = 0;
  std::size_t taken_ = 0;  // of the budget
  std::uint32_t asked_ = 0, found_ = 0;
  bool on_;
};

}  // namespace faultline
