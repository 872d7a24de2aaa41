// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands/common.h"
#include "matcher/engine.h"

namespace faultline::app {

using EventViews = std::vector<std::string_view>;

// The events that one of several threads takes: blocks, dealt out in turn.
struct Share {
  static constexpr std::size_t kBlock = 256;
  std::size_t thread = 0, threads = 1;

  // take(first, count) for each block of `events` events.
  template <typename Take>
  void ForEachBlock(std::size_t events, const Take& take) const {
    for (std::size_t at = thread * kBlock; at < events; at += threads * kBlock) {
      take(at, std::min(kBlock, events - at));
    }
  }
};

// What one pass of the engine found. Equal sets of (event, rule) have equal answers, in any order.
struct BenchAnswer {
  std::uint64_t matches = 0;
  std::array<std::uint64_t, 2> digest{};  // sums of a hash per match

  void Add(std::uint64_t event, std::string_view rule);
  void Add(const BenchAnswer& other);
  [[nodiscard]] std::string DigestText() const;
  friend bool operator==(const BenchAnswer&, const BenchAnswer&) = default;
};

// The engine on the same events again and again, as `match` uses it.
//
// Threads    Confined to one thread.
class EnginePass {
 public:
  EnginePass(RuleSetPtr rules, const InputOptions& input, Engine::Options options);

  // Requires: `events` outlive the call.
  BenchAnswer Run(const EventViews& events, const Share& share);
  // Called once, at the first match ever.
  std::function<void()> on_first_match;

 private:
  Engine engine_;
  SourceId source_ = 0;
  Output output_;
  std::int64_t next_ = 0;  // offsets grow over all passes: an old one would be a re-reading
};

}  // namespace faultline::app
