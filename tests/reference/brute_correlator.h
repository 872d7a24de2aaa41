// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace faultline::reference {

// A brute-force correlator: keeps every event, evaluates every predicate from scratch. Shares no
// code with matcher/correlate.

struct BruteEvent {
  std::int64_t time = 0;  // nanoseconds
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::uint32_t index = 0;
  std::string key;                     // the group
  std::vector<std::uint32_t> members;  // which of the correlation's rules it matched, from 0

  [[nodiscard]] auto Order() const { return std::tie(time, topic, partition, offset, index); }
};

enum class BruteType { kCount, kSet, kSequence };

struct BruteRule {
  BruteType type = BruteType::kCount;
  std::int64_t span = 0;  // nanoseconds, closed
  std::uint32_t members = 1;
  std::uint32_t threshold = 1;  // count: events; set: different members
};

struct BruteFiring {
  std::string key;
  BruteEvent first;     // lowest event bound
  BruteEvent deciding;  // the event that made the predicate true
};

// All firings of `rule` over `events` (any order, all groups), by group, then in order.
[[nodiscard]] std::vector<BruteFiring> Correlate(const BruteRule& rule,
                                                 std::vector<BruteEvent> events);

}  // namespace faultline::reference
