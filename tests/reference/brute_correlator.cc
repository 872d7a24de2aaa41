// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/brute_correlator.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace faultline::reference {
namespace {

bool IsMember(const BruteEvent& event, std::uint32_t member) {
  return std::find(event.members.begin(), event.members.end(), member) != event.members.end();
}

// The events of `seen` (in order) that lie in the closed window that ends at `at`.
std::vector<BruteEvent> Window(const std::vector<BruteEvent>& seen, std::int64_t span,
                               std::int64_t at) {
  std::vector<BruteEvent> window;
  for (const BruteEvent& event : seen) {
    if (event.time >= at - span) window.push_back(event);
  }
  return window;
}

// Every way to fill steps `step`.. with events from `from` on; the newest first event of any
// complete one.
bool CanFinish(const std::vector<BruteEvent>& window, std::uint32_t step, std::uint32_t steps,
               std::size_t from) {
  if (step == steps) return true;
  for (std::size_t i = from; i < window.size(); ++i) {
    if (IsMember(window[i], step) && CanFinish(window, step + 1, steps, i + 1)) return true;
  }
  return false;
}

// The lowest event that a true predicate rests on; nothing when it is false.
std::optional<BruteEvent> Holds(const BruteRule& rule, const std::vector<BruteEvent>& window) {
  switch (rule.type) {
    case BruteType::kCount: {
      if (window.size() < rule.threshold) return std::nullopt;
      return window[window.size() - rule.threshold];
    }
    case BruteType::kSet: {
      std::map<std::uint32_t, std::size_t> newest;
      for (std::size_t i = 0; i < window.size(); ++i) {
        for (const std::uint32_t member : window[i].members) newest[member] = i;
      }
      if (newest.size() < rule.threshold) return std::nullopt;
      std::size_t lowest = window.size();
      for (const auto& [member, i] : newest) lowest = std::min(lowest, i);
      return window[lowest];
    }
    case BruteType::kSequence: break;
  }
  for (std::size_t i = window.size(); i-- > 0;) {
    if (IsMember(window[i], 0) && CanFinish(window, 1, rule.members, i + 1)) return window[i];
  }
  return std::nullopt;
}

}  // namespace

std::vector<BruteFiring> Correlate(const BruteRule& rule, std::vector<BruteEvent> events) {
  std::sort(events.begin(), events.end(),
            [](const BruteEvent& a, const BruteEvent& b) { return a.Order() < b.Order(); });
  std::map<std::string, std::vector<BruteEvent>> groups;
  for (const BruteEvent& event : events) groups[event.key].push_back(event);
  std::vector<BruteFiring> firings;
  for (const auto& [key, all] : groups) {
    bool on = false;
    std::vector<BruteEvent> seen;
    for (const BruteEvent& event : all) {
      // What expiry has left at this instant, before the event itself.
      on = on && Holds(rule, Window(seen, rule.span, event.time)).has_value();
      seen.push_back(event);
      const auto first = Holds(rule, Window(seen, rule.span, event.time));
      if (first && !on) firings.push_back({key, *first, event});
      on = first.has_value();
    }
  }
  return firings;
}

}  // namespace faultline::reference
