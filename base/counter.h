// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace faultline {

// A number that one thread writes and any thread reads: no locked instruction on the writer's path.
//
// Threads    Add() and Set() by the owning worker only; value() by anyone, maybe slightly old.
class Counter {
 public:
  Counter() noexcept = default;
  Counter(const Counter& other) noexcept : value_(other.value()) {}
  Counter& operator=(const Counter& other) noexcept {
    Set(other.value());
    return *this;
  }

  void Add(std::int64_t more = 1) noexcept { Set(value() + more); }
  void Set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t> value_{0};  // writer: the thread that owns the counter
};

}  // namespace faultline
