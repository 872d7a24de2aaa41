// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/reference/brute_chains.h"

// Rule sets and streams made up from a seed. What detections capture, compute and look up goes with any
// family. A rule can be written as YAML for the engine and
// evaluated by the oracle (tests/reference/brute_chains.h).
namespace faultline::testing {

using Random = std::mt19937_64;

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kChainLateness = 10 * kSecond;

// What a generated rule set is about; each has all that goes with it.
enum class ChainFamily {
  kCounts,     // event_count and value types in sliding windows, refire
  kWindows,    // tumbling and session
  kTemporal,   // sets and sequences as Sigma writes them
  kSets,       // steps in any order: times, some, require, where
  kSequences,  // steps in order: within, bind, overlap
  kAbsences,   // after, before, between, until
  kRegisters,  // registers of all kinds, where
  kNested,     // correlations of correlations, to depth 10
  kPolicies,   // choose, suppress, variants
  kIncidents,  // updates and resolutions
};
inline constexpr int kChainFamilies = 10;

[[nodiscard]] reference::ChainWorld MakeWorld(Random& random, ChainFamily family);

// The world as rules: detections a, b, c, d (the texts of the array `kind`), then the correlations.
[[nodiscard]] std::string ToYaml(const reference::ChainWorld& world);
[[nodiscard]] std::string ToYaml(const reference::ChainExpr& expression);
// The world's lookup table as CSV; its name is `sites`.
[[nodiscard]] std::string TableOf(const reference::ChainWorld& world);

// Events in the total order, of one to three sources, each with an origin of its own.
[[nodiscard]] std::vector<reference::ChainEvent> MakeStream(Random& random, std::size_t events);
// As a record of the shape `flat`, its time in `@timestamp`.
[[nodiscard]] std::string ToJson(const reference::ChainEvent& event);

// The stream in an order of arrival in which no event is late.
[[nodiscard]] std::vector<reference::ChainEvent> Shuffled(
    Random& random, std::vector<reference::ChainEvent> events);

}  // namespace faultline::testing
