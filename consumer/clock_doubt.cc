// SPDX-License-Identifier: Apache-2.0
#include "consumer/clock_doubt.h"

namespace faultline {

std::optional<bool> ClockIsDoubted(std::span<const DatedRecords> partitions) {
  std::size_t seen = 0, ahead = 0;
  for (const DatedRecords& partition : partitions) {
    if (partition.all == 0) continue;
    ++seen;
    if (2 * partition.substituted > partition.all) ++ahead;
  }
  if (seen < 2) return std::nullopt;
  return ahead >= 2 && 2 * ahead > seen;
}

}  // namespace faultline
