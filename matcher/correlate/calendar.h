// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/event_time.h"

namespace faultline {

// Items wait for their `time`, in any number and at any distance from each other: a radix heap.
//
// Place      Within ReorderBuffer: [Calendar] -> those that leave next, sorted.
// Order      Items come in any order, but none at or before a time that has passed.
// Memory     The most items that ever waited, in chunks of 32; at most 704 of these are not full.
// Threads    Confined to its owner.
//
// An item lies in the level of the highest digit, base 64, in which its time differs from the
// passed time, in the bucket of its own digit there. So all of a lower level lie before those of a
// higher one, and a bucket that is opened spreads over lower levels: no item moves more than eleven
// times, most two or three, and none is compared with another.
template <class Item>
class Calendar {
 public:
  Calendar() = default;
  Calendar(const Calendar&) = delete;  // buckets point to its chunks
  Calendar& operator=(const Calendar&) = delete;

  // Too late for Push(): items of that time may have been taken.
  [[nodiscard]] bool Passed(EventTime time) const noexcept { return Bits(time) <= passed_; }
  // Requires: !Passed(item.time).
  void Push(const Item& item) {
    const std::uint64_t time = Bits(item.time);
    const auto level = static_cast<std::size_t>(63 - std::countl_zero(time ^ passed_)) / kDigit;
    const std::uint64_t index = time >> (level * kDigit) & (kBuckets - 1);
    Add(levels_[level].buckets[index], item);
    levels_[level].used |= std::uint64_t{1} << index;
  }

  // Appends to `out` items of the lowest times, none later than `last` and all of each time, until
  // it holds as many as are worth the while or there are no more. What is left lies behind them.
  void Take(EventTime last, std::vector<Item>& out) {
    while (out.size() < kFew) {
      const auto level = std::find_if(levels_.begin(), levels_.end(),
                                      [](const Level& each) { return each.used != 0; });
      if (level == levels_.end()) return;
      const auto shift = static_cast<std::size_t>(level - levels_.begin()) * kDigit;
      const auto index = static_cast<std::uint64_t>(std::countr_zero(level->used));
      const std::uint64_t begin = ((passed_ >> shift & ~(kBuckets - 1)) | index) << shift;
      if (begin > Bits(last)) return;
      level->used &= ~(std::uint64_t{1} << index);
      Open(std::exchange(level->buckets[index], nullptr), Bits(last), out);
    }
  }

  // drop(item) says whether it goes.
  template <class Drop>
  void EraseIf(Drop drop) {
    for (Level& level : levels_) {
      for (std::size_t index = 0; index < kBuckets; ++index) {
        Chunk*& bucket = level.buckets[index];
        Empty(std::exchange(bucket, nullptr), [&](const Item& item) {
          if (!drop(item)) Add(bucket, item);
        });
        if (bucket == nullptr) level.used &= ~(std::uint64_t{1} << index);
      }
    }
  }

 private:
  static constexpr std::size_t kDigit = 6;
  static constexpr std::uint64_t kBuckets = 1U << kDigit;
  static constexpr std::size_t kFew = 128;  // sorting these costs less than spreading them
  static constexpr std::size_t kRoom = 32;  // of a chunk

  // A bucket is a list of these, the newest first; only that one may have room.
  struct Chunk {
    Chunk* behind = nullptr;
    std::size_t size = 0;
    std::array<Item, kRoom> items;
  };
  struct Level {
    std::uint64_t used = 0;  // a bit for each bucket that is not empty
    std::array<Chunk*, kBuckets> buckets{};
  };

  [[nodiscard]] static std::uint64_t Bits(EventTime time) noexcept {
    return static_cast<std::uint64_t>(time.nanos()) ^ (std::uint64_t{1} << 63);
  }

  void Add(Chunk*& bucket, const Item& item) {
    if (bucket == nullptr || bucket->size == kRoom) {
      if (free_ == nullptr) free_ = chunks_.emplace_back(std::make_unique<Chunk>()).get();
      Chunk* const chunk = std::exchange(free_, free_->behind);
      chunk->behind = std::exchange(bucket, chunk);
      chunk->size = 0;
    }
    bucket->items[bucket->size++] = item;
  }

  // use(item) for each; a chunk may be used again once its items have been.
  template <class Use>
  void Empty(Chunk* bucket, Use use) {
    while (bucket != nullptr) {
      for (std::size_t i = 0; i < bucket->size; ++i) use(bucket->items[i]);
      Chunk* const behind = bucket->behind;
      bucket->behind = std::exchange(free_, bucket);
      bucket = behind;
    }
  }

  // A few leave as far as they may; of many those of the lowest time, and the others are spread.
  void Open(Chunk* bucket, std::uint64_t last, std::vector<Item>& out) {
    std::size_t size = 0;
    std::uint64_t lowest = Bits(bucket->items[0].time), highest = lowest;
    for (const Chunk* chunk = bucket; chunk != nullptr; chunk = chunk->behind) {
      size += chunk->size;
      for (std::size_t i = 0; i < chunk->size; ++i) {
        lowest = std::min(lowest, Bits(chunk->items[i].time));
        highest = std::max(highest, Bits(chunk->items[i].time));
      }
    }
    passed_ = std::min(last, size > kFew ? lowest : highest);
    Empty(bucket, [&](const Item& item) {
      if (Passed(item.time)) {
        out.push_back(item);
      } else {
        Push(item);
      }
    });
  }

  std::uint64_t passed_ = 0;  // Bits(): below all items that wait
  std::array<Level, 64 / kDigit + 1> levels_;
  std::vector<std::unique_ptr<Chunk>> chunks_;  // all there are
  Chunk* free_ = nullptr;                       // a list of those that no bucket has
};

}  // namespace faultline
