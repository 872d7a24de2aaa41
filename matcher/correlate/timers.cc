// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/timers.h"

namespace faultline {

void Timers::Set(const Timer& timer) {
  heap_.push_back(timer);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

std::optional<Timer> Timers::TakeBefore(EventTime time) {
  if (heap_.empty() || !(heap_.front().due < time)) return std::nullopt;
  const Timer next = heap_.front();
  do {  // the same one again
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
  } while (!heap_.empty() && heap_.front() == next);
  return next;
}

}  // namespace faultline
