// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace faultline::bench {

// Events that somebody made up to slow the engine down.
struct Stream {
  std::string name;
  std::vector<std::string> events;
  // The same events without what makes them slow: they match the same. Empty: there is none.
  std::vector<std::string> plain;
};

inline constexpr std::size_t kTriggered = 200;

// Rules of our own, one file: an event of the last stream matches all kTriggered of them.
[[nodiscard]] std::string TriggeredRules();

// About `count` events of each kind, the same at every call:
//   every value new         process creations in which no value comes twice
//   every class new         channels and event ids that no event had before
//   4,096 fields            as many members as an event may have
//   \u005c spellings        every letter of every value spelled as an escape
//   keys of one hash        10,000 keys that the table of keys cannot tell from a field's name by their hash
//   200 rules an event      every event matches 200 rules
[[nodiscard]] std::vector<Stream> AdversarialStreams(std::size_t count);

}  // namespace faultline::bench
