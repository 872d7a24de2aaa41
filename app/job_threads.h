// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/jobs.h"

namespace faultline::app {

// Runs jobs on `threads` threads, the caller's among them; the others live as long as a call.
[[nodiscard]] JobRunner OnThreads(std::size_t threads);

// The same on as many threads as there are processors, up to four.
[[nodiscard]] JobRunner OnProcessors();

}  // namespace faultline::app
