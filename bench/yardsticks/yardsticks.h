// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace faultline::bench {

// Bytes that must be readable behind each event for OnDemandYardstick.
[[nodiscard]] std::size_t ReadablePadding() noexcept;

// Copies all bytes once: the speed of memory.
class MemcpyYardstick {
 public:
  explicit MemcpyYardstick(std::size_t bytes) : target_(bytes, '\0') {}
  // Requires: `source` is no longer than `bytes`. The result depends on what was copied.
  std::uint64_t Pass(std::string_view source);

 private:
  std::string target_;
};

// simdjson's on-demand parser: ten fields of each event found in one loop over the keys of the
// object and of the objects that shippers nest fields in, nothing copied.
//
// Threads    Confined to one thread.
class OnDemandYardstick {
 public:
  OnDemandYardstick();
  ~OnDemandYardstick();
  // How many of the ten fields were found; what is no JSON object ends at its fault.
  // Requires: ReadablePadding() readable bytes behind each event.
  std::uint64_t Pass(std::span<const std::string_view> events);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline::bench
