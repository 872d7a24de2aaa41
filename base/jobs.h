// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

namespace faultline {

using Job = std::function<void(std::size_t index)>;

// Does job(0) ... job(count - 1), each once, in any order and on any threads, and returns when all are
// done. Empty: one after the other, by whoever asks. What jobs make must not depend on which it is.
using JobRunner = std::function<void(std::size_t count, const Job& job)>;

inline void RunJobs(const JobRunner& runner, std::size_t count, const Job& job) {
  if (runner && count > 1) return runner(count, job);
  for (std::size_t index = 0; index < count; ++index) job(index);
}

}  // namespace faultline
