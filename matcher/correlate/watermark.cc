// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/watermark.h"

#include <algorithm>

namespace faultline {
namespace {

// The time before any clock is asked: the event's own unless the broker's own stamp refutes it,
// else the record's.
std::optional<EventTime> OwnTime(const SourceClock::Claim& claim,
                                 std::chrono::nanoseconds max_future, bool& substituted) {
  const bool stamped = claim.stamp_kind != TimestampKind::kNone;
  if (!claim.own) {
    substituted = true;
    return stamped ? std::optional(claim.stamp) : std::nullopt;
  }
  if (claim.stamp_kind == TimestampKind::kLogAppendTime && *claim.own > claim.stamp + max_future) {
    substituted = true;
    return claim.stamp;
  }
  return claim.own;
}

}  // namespace

EventTime SourceClock::watermark() const noexcept {
  return highest_ ? *highest_ - config_.lateness : EventTime::Min();
}

EventTime SourceClock::Beyond(const Claim& claim, EventTime now,
                              std::chrono::nanoseconds steady) const {
  if (!highest_) {
    const bool credible =
        claim.stamp_kind != TimestampKind::kNone && claim.stamp <= now + config_.max_future;
    return credible ? claim.stamp : now;
  }
  const bool wrong_for_long = at_end_ && kept_at_ && steady - *kept_at_ >= config_.idle_after;
  return wrong_for_long ? std::max(*highest_, now) : *highest_;
}

SourceClock::Verdict SourceClock::Take(const Claim& claim, std::optional<EventTime> now,
                                       std::chrono::nanoseconds steady) {
  Verdict verdict;
  std::optional<EventTime> own = OwnTime(claim, config_.max_future, verdict.substituted);
  if (!own) own = highest_;
  if (!kept_at_) kept_at_ = steady;

  const auto known = taken_.find({claim.offset, claim.index});
  if (known != taken_.end()) {
    verdict.time = known->second;
    verdict.substituted = true;
  } else if (now && (!own || *own > *now + config_.max_future)) {
    verdict.time = Beyond(claim, *now, steady);
    verdict.substituted = verdict.by_clock = true;
    Remember(claim.offset, claim.index, verdict.time);
  } else {
    verdict.time = own.value_or(EventTime{});  // nothing at all is known: the epoch
    kept_at_ = steady;
    at_end_ = false;
  }

  if (highest_ && verdict.time < *highest_) verdict.late_by = *highest_ - verdict.time;
  verdict.late = highest_ && verdict.time < *highest_ - config_.lateness;
  highest_ = highest_ ? std::max(*highest_, verdict.time) : verdict.time;
  return verdict;
}

void SourceClock::Remember(std::int64_t offset, std::uint32_t index, EventTime time) {
  taken_[{offset, index}] = time;
}

void SourceClock::Forget(std::int64_t offset) {
  taken_.erase(taken_.begin(), taken_.lower_bound({offset, 0}));
}

void SourceClock::AtEnd(std::chrono::nanoseconds steady) {
  if (!kept_at_) kept_at_ = steady;
  at_end_ = true;
}

}  // namespace faultline
