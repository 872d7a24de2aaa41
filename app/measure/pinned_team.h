// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace faultline::app {

// Threads, each pinned to a processor of its own as far as there are any, that do a piece of work
// at the same time.
//
// Threads    Run() by one at a time; what it is given runs on the team's threads.
class PinnedTeam {
 public:
  explicit PinnedTeam(std::size_t threads);
  ~PinnedTeam();
  PinnedTeam(const PinnedTeam&) = delete;
  PinnedTeam& operator=(const PinnedTeam&) = delete;

  // Calls work(0) to work(threads - 1), started together; seconds from the first start to the last
  // end. Requires: threads is at most the team's; the same thread always has the same number.
  double Run(std::size_t threads, const std::function<void(std::size_t)>& work);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline::app
