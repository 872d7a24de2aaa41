// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "matcher/correlate/hit.h"
#include "matcher/correlate/key.h"
#include "matcher/signature/rule_set.h"

namespace faultline {

// A correlation's condition became true for a group.
struct Firing {
  std::uint32_t correlation = 0;  // index into RuleSet::correlations()
  GroupKey key;
  Hit deciding;                      // the event that made it true
  std::vector<BoundEvent> evidence;  // in the order of the window or chain; never empty
  bool degraded = false;             // groups of this correlation were evicted
};

// Compiles the correlations of a rule set to operators (CountWindow, SetWindow, SequenceWindow) and
// runs them, each with its groups.
//
// Place      ReorderBuffer -> [Correlator] -> Firing -> Alert.
// Order      Events come in the total order, each with all its hits.
// Time       Event time only.
// State      Per (correlation, group) what the operator keeps. Groups whose last event lies more
// than the
//            span behind the frontier are forgotten.
// Memory     At most `max_keys` groups a correlation; above it the least recently touched goes,
// counted. Threads    Confined to its engine. Ownership  Shares the rule set.
class Correlator {
 public:
  struct Numbers {
    std::int64_t windows_open = 0;
    std::int64_t evictions = 0;
  };

  Correlator(std::shared_ptr<const RuleSet> rules, std::size_t max_keys);
  ~Correlator();
  Correlator(Correlator&&) noexcept;
  Correlator& operator=(Correlator&&) noexcept;

  // Some correlation refers to the detection rule.
  [[nodiscard]] bool Refers(std::uint32_t detection) const noexcept;
  // ... and none of them lets it alert by itself.
  [[nodiscard]] bool Silences(std::uint32_t detection) const noexcept;
  // Names of the fields a hit of the detection rule must bring.
  [[nodiscard]] const std::vector<std::string>& FieldsOf(std::uint32_t detection) const noexcept;

  // All hits of one event (same time and origin), in ordinal order; appends what fires, in rule
  // order.
  void Observe(const std::vector<Hit>& hits, std::vector<Firing>& out);
  // Nothing at or before `frontier` will come any more.
  void ExpireBefore(EventTime frontier);

  // Takes over the groups of those correlations of `old` that mean the same here.
  void Adopt(Correlator& old);

  [[nodiscard]] Numbers numbers() const noexcept;
  // Events that a correlation could not count for want of a group-by field, since the last call.
  [[nodiscard]] std::vector<std::uint32_t> TakeKeyless();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline
