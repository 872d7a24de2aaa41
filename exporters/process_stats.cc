// SPDX-License-Identifier: Apache-2.0
#include "exporters/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace faultline {
namespace {

std::string ReadAll(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Nothing for what is no number: /proc may be another's.
std::optional<double> Number(std::string_view text) noexcept {
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> Scaled(std::optional<double> number, double factor) noexcept {
  if (number) *number *= factor;
  return number;
}

std::optional<double> Sum(std::optional<double> a, std::optional<double> b) noexcept {
  if (!a || !b) return std::nullopt;
  return *a + *b;
}

std::optional<double> BootSeconds() {
  std::istringstream lines(ReadAll("/proc/stat"));
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("btime ", 0) == 0) return Number(line.substr(6));
  }
  return std::nullopt;
}

std::optional<double> OpenFds() {
  std::error_code failed;
  const std::filesystem::directory_iterator begin("/proc/self/fd", failed);
  if (failed) return std::nullopt;
  const auto count = std::distance(begin, std::filesystem::directory_iterator());
  return static_cast<double>(count - 1);  // without the one that lists them
}

std::optional<double> MaxFds() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

ProcessStats ParseProcessStat(std::string_view line, double ticks_per_second, double page_bytes,
                              std::optional<double> boot_seconds) {
  ProcessStats stats;
  // The program's name stands in parentheses and may hold anything: read on behind the last one.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos) return stats;
  std::istringstream rest{std::string(line.substr(name_end + 1))};
  std::vector<std::string> fields(std::istream_iterator<std::string>{rest}, {});
  if (fields.size() < 22) return stats;
  // proc(5): field 3 (state) is the first behind the name.
  const auto field = [&fields](std::size_t number) { return Number(fields[number - 3]); };
  stats.cpu_seconds = Scaled(Sum(field(14), field(15)), 1 / ticks_per_second);
  stats.start_time_seconds = Sum(boot_seconds, Scaled(field(22), 1 / ticks_per_second));
  stats.virtual_bytes = field(23);
  stats.resident_bytes = Scaled(field(24), page_bytes);
  return stats;
}

ProcessStats ReadProcessStats() {
  ProcessStats stats =
      ParseProcessStat(ReadAll("/proc/self/stat"), static_cast<double>(sysconf(_SC_CLK_TCK)),
                       static_cast<double>(sysconf(_SC_PAGESIZE)), BootSeconds());
  stats.open_fds = OpenFds();
  stats.max_fds = MaxFds();
  return stats;
}

}  // namespace faultline
