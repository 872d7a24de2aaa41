// SPDX-License-Identifier: Apache-2.0
#include "app/job_threads.h"

#include <atomic>
#include <vector>

#include <gtest/gtest.h>

namespace faultline::app {
namespace {

TEST(JobThreads, DoEachJobOnce) {
  for (const std::size_t threads : {1, 2, 3, 16}) {
    for (const std::size_t count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> done(count);
      RunJobs(OnThreads(threads), count, [&](std::size_t job) { ++done[job]; });
      for (const auto& times : done) EXPECT_EQ(times, 1) << threads << " threads, " << count;
    }
  }
}

TEST(JobThreads, WithoutARunnerJobsFollowEachOther) {
  std::vector<std::size_t> done;
  RunJobs({}, 3, [&](std::size_t job) { done.push_back(job); });
  EXPECT_EQ(done, (std::vector<std::size_t>{0, 1, 2}));
}

}  // namespace
}  // namespace faultline::app
