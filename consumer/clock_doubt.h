// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace faultline {

// Records of one partition within a minute that could be read, and those of them whose time lay so
// far ahead of the wall clock that it was substituted.
struct DatedRecords {
  std::uint64_t all = 0, substituted = 0;
};

// Whether it is rather our clock that is wrong: in several partitions, and in more than half of those
// that had records, most records were substituted. Nothing where fewer than two had records: one
// partition alone may itself be ahead. correlation.md, Time, 1.
[[nodiscard]] std::optional<bool> ClockIsDoubted(std::span<const DatedRecords> partitions);

}  // namespace faultline
