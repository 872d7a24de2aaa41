// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
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
  explicit MemoBudget(std::size_t bytes) noexcept : whole_(bytes), left_(bytes) {}
  [[nodiscard]] bool Take(std::size_t bytes) noexcept {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }
  void Give(std::size_t bytes) noexcept { left_ += bytes; }
  [[nodiscard]] bool scarce() const noexcept { return left_ < whole_ / 2; }

 private:
  std::size_t whole_;
  std::size_t left_;
};

// Remembers which predicates of a field held for a value, by the value's bytes as they stand in the
// payload: another spelling of the same text is another entry, so an answer is always right.
//
// Place      value -> [FieldMemo] -> predicates, in place of decoding and scanning it; and answers of
//            the field's lazy predicates, in place of asking them.
// Cost       One hash, one compare, two cache lines that can be fetched ahead. Where fewer than half
//            of the values were seen before it gives its memory back and stays off: after a few
//            thousand values, or a few hundred of which hardly any came again. While it is off it
//            looks at one value in sixteen, chosen by the value itself, and is on again once half of
//            these had come before: such a sample has the hit rate of the whole (Waldspurger et al.,
//            "Efficient MRC Construction with SHARDS", FAST 2015).
// Memory     Bounded in entries and bytes and, over all memos of a worker, in bytes (MemoBudget);
//            when full it begins anew. Without budget it keeps nothing more, and long values only
//            while half of it is left: they gain least for a byte.
// Threads    Confined to one thread. The budget outlives it.
class FieldMemo {
 public:
  // A value that is kept: until the next call of Find or Keep.
  using Kept = std::uint32_t;
  static constexpr Kept kUnknown = 0xffffffff;

  // `wanted`: else it is off and stays so.
  FieldMemo(MemoBudget* budget, std::uint64_t seed, bool wanted) noexcept
      : budget_(budget), seed_(seed), wanted_(wanted), on_(wanted) {}
  ~FieldMemo() { Forget(); }
  FieldMemo(const FieldMemo&) = delete;
  FieldMemo& operator=(const FieldMemo&) = delete;
  FieldMemo(FieldMemo&& other) noexcept;
  FieldMemo& operator=(FieldMemo&&) = delete;

  [[nodiscard]] bool on() const noexcept { return on_; }
  // Whether it is to be asked for the value. Call once for each.
  [[nodiscard]] bool Takes(const RawValue& value, std::uint64_t salt) noexcept {
    return on_ || (InSample(value.raw, salt) && ComeAgain(value, salt));
  }

  // The value's hash, by which it is looked up. Fetch() and then FetchRecord() bring what Find() reads
  // closer.
  [[nodiscard]] std::uint64_t HashOf(const RawValue& value, std::uint64_t salt) const noexcept;
  void Fetch(std::uint64_t hash) const noexcept {
    if (!slots_.empty()) __builtin_prefetch(slots_.data() + (hash & mask_));
  }
  void FetchRecord(std::uint64_t hash) const noexcept {
    if (slots_.empty()) return;
    const Slot& slot = slots_.data()[hash & mask_];
    if (slot.at == kUnknown) return;
    __builtin_prefetch(words_.data() + slot.at);
    __builtin_prefetch(words_.data() + slot.at + 16);
  }

  [[nodiscard]] Kept Find(const RawValue& value, std::uint64_t hash) noexcept;
  // kUnknown where there is no room. Requires: Find(value, hash) has just found nothing.
  Kept Keep(const RawValue& value, std::uint64_t hash, std::span<const PredicateId> held);
  // What held for it. Valid until the next call of Keep.
  [[nodiscard]] std::span<const PredicateId> Held(Kept kept) const noexcept;

  // A number that was noted for it; 0 at first.
  [[nodiscard]] std::uint8_t Mark(Kept kept) const noexcept { return HeaderAt(kept).mark; }
  void Mark(Kept kept, std::uint8_t mark) noexcept {
    Header header = HeaderAt(kept);
    header.mark = mark;
    std::memcpy(words_.data() + kept, &header, sizeof header);
  }

  // What lazy predicate `number` of `of` said of it, where that was noted.
  [[nodiscard]] std::optional<bool> Answer(Kept kept, std::uint32_t number) const noexcept;
  void Note(Kept kept, std::uint32_t number, std::uint32_t of, bool answer);

 private:
  struct Slot {
    std::uint32_t tag = 0;  // upper half of the hash
    std::uint32_t at = kUnknown;
  };
  // Behind it in words_: `held` numbers, then the value.
  struct Header {
    std::uint32_t size = 0;  // of the value
    std::uint16_t held = 0;
    ValueKind kind = ValueKind::kNull;
    std::uint8_t mark = 0;
    std::uint32_t answers = kUnknown;  // where in answers_
  };
  static constexpr unsigned kSampleBits = 4;  // while off it looks at one value in 2^4
  static constexpr std::size_t kHeaderWords = sizeof(Header) / sizeof(std::uint32_t);

  [[nodiscard]] Header HeaderAt(Kept kept) const noexcept {
    Header header;
    std::memcpy(static_cast<void*>(&header), words_.data() + kept, sizeof header);
    return header;
  }
  [[nodiscard]] bool Pays() noexcept;
  // By eight bytes from its middle: cheap, as it is asked of values for which nothing pays.
  [[nodiscard]] bool InSample(std::string_view raw, std::uint64_t salt) const noexcept {
    std::uint64_t some = 0;
    const std::size_t size = raw.size() < sizeof some ? raw.size() : sizeof some;
    if (size != 0) std::memcpy(&some, raw.data() + (raw.size() - size) / 2, size);
    some ^= raw.size() ^ seed_ ^ salt;
    return some * 0x9e3779b97f4a7c15 >> (64 - kSampleBits) == 0;
  }
  [[nodiscard]] bool ComeAgain(const RawValue& value, std::uint64_t salt) noexcept;
  [[nodiscard]] bool Take(std::size_t bytes) noexcept;
  void TurnOff() noexcept;
  void TurnOn() noexcept;
  void Forget() noexcept;
  [[nodiscard]] bool Grow();
  void Place(const Slot& slot, std::size_t home) noexcept;

  MemoBudget* budget_;  // never null
  std::uint64_t seed_;
  std::vector<Slot> slots_;             // a power of two; open addressing
  std::vector<std::uint64_t> homes_;    // hashes of the records, in their order
  std::vector<std::uint32_t> words_;    // records
  std::vector<std::uint32_t> answers_;  // bits: which were noted, then what they said
  std::vector<std::uint32_t> sample_;   // while off: by hash, what is left of the hash
  std::size_t mask_ = 0;
  std::size_t taken_ = 0;  // of the budget
  std::uint32_t asked_ = 0, found_ = 0;
  std::uint32_t good_samples_ = 0;  // one after the other
  std::uint32_t resumed_ = 0;       // times; the more, the more good samples before the next
  bool wanted_;
  bool on_;
};

}  // namespace faultline
