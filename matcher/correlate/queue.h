// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace faultline {

// First in, first out, in one piece of memory; empty it takes none.
template <class T>
class Queue {
 public:
  void Push(T value) { items_.push_back(std::move(value)); }
  // Requires: not empty.
  void Pop() {
    items_[head_] = T{};
    ++head_;
    if (head_ * 2 < items_.size()) return;
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return items_[head_ + i]; }
  [[nodiscard]] const T& front() const noexcept { return items_[head_]; }
  [[nodiscard]] const T& back() const noexcept { return items_.back(); }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size() - head_; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

 private:
  std::vector<T> items_;
  std::size_t head_ = 0;  // at most half of them have left
};

}  // namespace faultline
