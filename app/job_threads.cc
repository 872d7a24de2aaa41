// SPDX-License-Identifier: Apache-2.0
#include "app/job_threads.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace faultline::app {

JobRunner OnThreads(std::size_t threads) {
  return [threads](std::size_t count, const Job& job) {
    std::atomic<std::size_t> next{0};  // whoever takes it does it
    const auto work = [&] {
      for (std::size_t index = next++; index < count; index = next++) job(index);
    };
    std::vector<std::jthread> others;
    try {
      for (std::size_t i = 1; i < std::min(threads, count); ++i) others.emplace_back(work);
    } catch (const std::system_error&) {  // no more threads: fewer do the same
    }
    work();
  };
}

JobRunner OnProcessors() {
  constexpr unsigned kMost = 4;
  return OnThreads(std::clamp(std::jthread::hardware_concurrency(), 1U, kMost));
}

}  // namespace faultline::app
