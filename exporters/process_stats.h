// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace faultline {

// What the kernel says about this process. A number that cannot be read is absent.
struct ProcessStats {
  std::optional<double> cpu_seconds;
  std::optional<double> resident_bytes;
  std::optional<double> virtual_bytes;
  std::optional<double> open_fds;
  std::optional<double> max_fds;
  std::optional<double> start_time_seconds;  // since 1970
};

// Reads /proc/self. Threads: any.
[[nodiscard]] ProcessStats ReadProcessStats();

// The numbers of one /proc/PID/stat line; `boot_seconds` is `btime` of /proc/stat.
[[nodiscard]] ProcessStats ParseProcessStat(std::string_view line, double ticks_per_second,
                                            double page_bytes, std::optional<double> boot_seconds);

}  // namespace faultline
