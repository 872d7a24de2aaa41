// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/result.h"
#include "consumer/replay.h"

namespace CLI {
class App;
}

namespace faultline::app {

// FILES and --as TOPIC:PARTITION of one command. Each --as names the origin of the next file on the
// command line, so their order among each other counts.
void AddReplayFiles(CLI::App& command);
// What they said, in the order of the command line; after the parse. Fault::kUsage for a bad name
// or one that no file follows.
[[nodiscard]] Result<std::vector<ReplayFile>> ReplayFilesOf(const CLI::App& command);

}  // namespace faultline::app
