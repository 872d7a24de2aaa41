// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/measure/engine_pass.h"
#include "app/measure/event_store.h"
#include "app/measure/slow_rules.h"
#include "base/result.h"

namespace faultline::app {

struct MeasureOptions {
  bool cold = false;                 // every value new to the memo, in each pass
  std::size_t threads = 1;           // that share the events of a pass
  double seconds = 0;                // rounds go on until they are over; nine at least
  std::optional<std::string> cache;  // rules.cache
};

// One contestant's times in the rounds.
class Contestant {
 public:
  void Add(double seconds) { seconds_.push_back(seconds); }
  [[nodiscard]] double BytesPerSecond(std::size_t bytes) const;  // the median
  // How many times faster than `other`: the median of the rounds, each for itself.
  [[nodiscard]] double SpeedOver(const Contestant& other) const;

 private:
  std::vector<double> seconds_;  // per round
};

// What `faultline bench` tells.
struct BenchFigures {
  std::size_t rules = 0, events = 0, bytes = 0;
  BenchAnswer answer;
  std::size_t rounds = 0;
  // Seconds since the rules began to load.
  double load_seconds = 0, compiled_seconds = 0, first_match_seconds = 0;
  std::string_view cache = "none";  // or cold, warm
  double engine_rss_bytes = 0;
  Contestant engine, copy, on_demand, route;
  Contestant one_thread;  // the engine on one thread, where `engine` has several
  CostReport costs;
};

[[nodiscard]] double Median(std::vector<double> values);

// Loads the rules, evaluates the events, then measures: bench/README.md has the protocol.
// `load` gives the rules; its time is load_seconds.
// Errors: those of `load`; Fault::kInternal when two passes gave different answers.
[[nodiscard]] Result<BenchFigures> Measure(const EventStore& store, const InputConfig& input,
                                           const std::function<Result<RuleSetPtr>()>& load,
                                           const MeasureOptions& options);

}  // namespace faultline::app
