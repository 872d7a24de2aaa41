// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/event_time.h"
#include "matcher/event/shapes.h"

namespace faultline::app {

// One Windows event before any shipper has laid it out.
struct WindowsEvent {
  EventTime time;  // whole seconds where a shape has no finer ones
  std::string channel, provider, computer;
  int event_id = 0;
  int level = 4;  // 2 error, 3 warning, 4 information
  std::string message;
  std::vector<std::pair<std::string, std::string>> data;  // named event data
};

// `event` as the shipper of `shape` sends it: one line of JSON.
[[nodiscard]] std::string Render(const WindowsEvent& event, Shape shape);

// A record on its way to a topic.
struct StoryRecord {
  std::int32_t partition = 0;
  EventTime time;   // of the event
  std::string key;  // the computer
  std::string payload;
};

// The demo's story: a week of two clusters, a directory server and others, amid which the five
// failures of the exchange-cluster pack happen, near misses included. One partition for each machine.
//
// It is a function of its options alone: same bytes on every machine. Records of a partition are in
// the order of their offsets; event times in it are out of order by a few seconds at most. The
// background runs more than five hours past the last incident in every partition.
inline constexpr std::int32_t kStoryMachines = 8;
struct StoryOptions {
  std::uint64_t seed = 1;
  std::size_t background = 120'000;
  Shape incident_shape = Shape::kEvtx;  // how NODE1's logs are shipped
};
[[nodiscard]] std::vector<StoryRecord> TellStory(const StoryOptions& options);

// What happens in it, in no order: the incidents and the near misses, without the background.
[[nodiscard]] std::vector<WindowsEvent> StoryIncidents();

// When the first incident's deciding event happens, the same in every shape.
[[nodiscard]] EventTime IncidentTime();

}  // namespace faultline::app
