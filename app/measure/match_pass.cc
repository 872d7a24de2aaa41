// SPDX-License-Identifier: Apache-2.0
#include "app/measure/match_pass.h"

#include "base/fetch_ahead.h"

namespace faultline::app {

MatchPass::MatchPass(const RuleSetPtr& rules, const InputOptions& input,
                     const MatcherOptions& options)
    : walker_(&rules->fields()),
      matcher_(rules, options),
      options_(input.walk),
      scope_(matcher_.ScopeOf(input.logsource)) {}

MatchPass::Found MatchPass::Run(const EventViews& events, const Share& share) {
  Found found;
  share.ForEachBlock(events.size(), [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) {
      if (i + 1 < first + count) FetchAhead(events[i + 1]);
      if (walker_.Begin(events[i], options_) != WalkFault::kNone) continue;
      while (const Event* const event = walker_.Next()) {
        ++found.events;
        found.matches += matcher_.Match(*event, scope_).size();
      }
    }
  });
  return found;
}

}  // namespace faultline::app
