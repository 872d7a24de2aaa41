// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands/common.h"

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

// What one pass of the engine found. Equal sets of (event, rule) have equal answers, in any order.
struct BenchAnswer {
  std::uint64_t matches = 0;
  std::array<std::uint64_t, 2> digest{};  // sums of a hash per match

  void Add(std::uint64_t event, std::string_view rule);
  friend bool operator==(const BenchAnswer&, const BenchAnswer&) = default;
};

// What the command measured; bytes per second are medians over the rounds.
struct BenchFigures {
  std::size_t rules = 0, events = 0, bytes = 0;
  BenchAnswer answer;
  std::size_t rounds = 0;
  // Seconds since the rules began to load.
  double load_seconds = 0, compiled_seconds = 0, first_match_seconds = 0;
  double engine_rss_bytes = 0;
  double engine = 0, copy = 0, on_demand = 0, walk = 0;
};

[[nodiscard]] double Median(std::vector<double> values);

}  // namespace faultline::app
