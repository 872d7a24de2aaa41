// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace faultline::app {

// Events in memory, one behind the other, with room behind the last for readers that look ahead.
//
// Ownership  Its views stay true when it is moved: the padding keeps the bytes on the heap.
class EventStore {
 public:
  EventStore() = default;
  EventStore(EventStore&&) = default;
  EventStore& operator=(EventStore&&) = default;

  // Appends the records of a file, decompressed; tombstones and damaged envelopes left out.
  [[nodiscard]] Result<void> Add(const std::string& path, std::size_t max_event_bytes);
  // The views are made here. No Add after that.
  void Seal();

  [[nodiscard]] const std::vector<std::string_view>& events() const noexcept { return events_; }
  [[nodiscard]] std::string_view all() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::string bytes_;
  std::size_t size_ = 0;           // of bytes_, without the padding
  std::vector<std::size_t> ends_;  // of each event in bytes_
  std::vector<std::string_view> events_;
};

}  // namespace faultline::app
