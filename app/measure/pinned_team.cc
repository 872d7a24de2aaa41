// SPDX-License-Identifier: Apache-2.0
#include "app/measure/pinned_team.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace faultline::app {
namespace {

using Steady = std::chrono::steady_clock;

// The processors that this process may use.
std::vector<std::size_t> Processors() {
  std::vector<std::size_t> usable;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return usable;
  for (std::size_t processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &set)) usable.push_back(processor);
  }
  return usable;
}

// Keeps this thread on one processor, so that its caches stay its own.
void PinThisThread(std::size_t processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof set, &set);
}

}  // namespace

struct PinnedTeam::Impl {
  struct Span {
    Steady::time_point start, end;
  };

  void Serve(std::size_t number, const std::stop_token& stop) {
    std::uint64_t seen = 0;
    while (true) {
      const std::function<void(std::size_t)>* mine = nullptr;
      std::size_t together = 0;
      {
        std::unique_lock lock(mutex);
        if (!changed.wait(lock, stop, [&] { return round != seen; })) return;
        seen = round;
        together = wanted;
        if (number < together) mine = work;
      }
      if (mine == nullptr) continue;
      // All are awake before any begins.
      ready.fetch_add(1);
      while (ready.load() < together) std::this_thread::yield();
      Span span;
      span.start = Steady::now();
      (*mine)(number);
      span.end = Steady::now();
      const std::lock_guard lock(mutex);
      spans.push_back(span);
      changed.notify_all();
    }
  }

  std::mutex mutex;  // guards what follows, but for `ready`
  std::condition_variable_any changed;
  std::uint64_t round = 0;
  std::size_t wanted = 0;  // threads of this round
  const std::function<void(std::size_t)>* work = nullptr;
  std::vector<Span> spans;            // of those that are done
  std::atomic<std::size_t> ready{0};  // written by the team's threads; 0 between rounds
  std::vector<std::jthread> threads;  // last: they end before what they use
};

PinnedTeam::PinnedTeam(std::size_t threads) : impl_(std::make_unique<Impl>()) {
  const std::vector<std::size_t> processors = Processors();
  for (std::size_t number = 0; number < threads; ++number) {
    impl_->threads.emplace_back([impl = impl_.get(), number, processors](std::stop_token stop) {
      if (!processors.empty()) PinThisThread(processors[number % processors.size()]);
      impl->Serve(number, stop);
    });
  }
}

PinnedTeam::~PinnedTeam() = default;

double PinnedTeam::Run(std::size_t threads, const std::function<void(std::size_t)>& work) {
  std::unique_lock lock(impl_->mutex);
  impl_->work = &work;
  impl_->wanted = threads;
  impl_->spans.clear();
  impl_->ready.store(0);
  ++impl_->round;
  impl_->changed.notify_all();
  impl_->changed.wait(lock, [&] { return impl_->spans.size() == threads; });
  Impl::Span all = impl_->spans.front();
  for (const Impl::Span& span : impl_->spans) {
    all.start = std::min(all.start, span.start);
    all.end = std::max(all.end, span.end);
  }
  return std::chrono::duration<double>(all.end - all.start).count();
}

}  // namespace faultline::app
