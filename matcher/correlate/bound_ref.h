// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "matcher/correlate/operator.h"
#include "matcher/correlate/state_codec.h"

namespace faultline {

// An event that several places of a chain's state remember; never null, never changed.
using BoundRef = std::shared_ptr<const Bound>;

// The events of one step, oldest first, the last one the step's own. Empty: not seen.
using BoundRefs = std::vector<BoundRef>;

// Logical bytes: the same on every machine, however it is shared.
[[nodiscard]] std::int64_t BytesOf(const BoundRef& bound);
[[nodiscard]] std::int64_t BytesOf(const BoundRefs& bounds);

[[nodiscard]] BoundStep Materialised(const BoundRefs& bounds);

// Writes events of one key, each in full where it is met first and as a number from then on.
class BoundWriter {
 public:
  explicit BoundWriter(StateWriter* out) : out_(out) {}

  void Write(const BoundRef& bound);
  void Write(const BoundRefs& bounds);  // behind their number

 private:
  StateWriter* out_;
  std::map<const Bound*, std::uint32_t> seen_;
};

// Reads what BoundWriter wrote, from any bytes. What is wrong makes `in` not ok; then null refs.
class BoundReader {
 public:
  // Inputs at or above `inputs` are refused.
  BoundReader(StateReader* in, std::size_t inputs) : in_(in), inputs_(inputs) {}

  [[nodiscard]] BoundRef Read();
  [[nodiscard]] BoundRefs ReadAll();

 private:
  StateReader* in_;
  std::size_t inputs_;
  std::vector<BoundRef> seen_;
};

}  // namespace faultline
