// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/reference/json_tree.h"

namespace faultline::testing {

// One way in which a shipper writes Windows events, and the shape that is to read it.
struct Shipper {
  std::string_view name;
  std::string_view shape;
  std::string (*render)(const reference::Json& evtx);
};

// Each turns an event as SigmaHQ's regression data holds it (the event's XML as JSON) into what that
// shipper would have sent: its own names, types, times, and what it leaves out. Written from the
// shippers' documentation; shares no code with the shapes.
[[nodiscard]] const std::vector<Shipper>& Shippers();

// The JSON values that stand one behind the other in `text`, each in its own text.
[[nodiscard]] std::vector<std::string> SplitValues(std::string_view text);

}  // namespace faultline::testing
