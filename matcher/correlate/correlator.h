// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "matcher/correlate/hit.h"
#include "matcher/correlate/incidents.h"
#include "matcher/correlate/notice.h"
#include "matcher/correlate/operator.h"
#include "matcher/signature/rule_set.h"

namespace faultline {

// Compiles the correlations of a rule set to operators, registers and incidents and runs them:
// children before parents, each with its groups.
//
// Place      ReorderBuffer -> [Correlator] -> Notice -> Alert.
// Order      Events come in the total order, each with all its hits; timers fire between them.
// Time       Event time only.
// State      Per correlation and group what its operator, registers and incidents keep.
// Memory     Options::limits per correlation; above it what is farthest from firing goes, counted.
// Threads    Confined to its engine. Ownership  Shares the rule set.
class Correlator {
 public:
  struct Options {
    Operator::Limits limits;  // per correlation
    Incidents::Options incidents;
  };
  struct Numbers {
    std::int64_t windows_open = 0;
    std::int64_t state_bytes = 0;
    std::int64_t evictions = 0;
    std::int64_t suppressed = 0;
    std::int64_t edges = 0;  // predicates that became true
    std::int64_t timers = 0;
  };

  Correlator(std::shared_ptr<const RuleSet> rules, const Options& options);
  ~Correlator();
  Correlator(Correlator&&) noexcept;
  Correlator& operator=(Correlator&&) noexcept;

  // Some correlation refers to the detection rule.
  [[nodiscard]] bool Refers(std::uint32_t detection) const noexcept;

  // The hits of the next events in order, all that each has (same time and origin), as if AdvanceTo()
  // of its time came before each event; appends what is to be told.
  // Cost: about kAtOnce hits are best given together, since what is kept of their keys is then
  // fetched for all of them at once.
  void Observe(const std::vector<Hit>& hits, std::vector<Notice>& out);
  static constexpr std::size_t kAtOnce = 64;
  // Nothing before `time` will come any more: fires every timer that is due before it.
  // True when anything was done.
  bool AdvanceTo(EventTime time, std::vector<Notice>& out);

  // All state, without what can count no more at `frontier`, before which everything is over. The
  // same state gives the same bytes.
  [[nodiscard]] std::string Save(EventTime frontier);
  // Takes over the state of those correlations that mean the same here, with their rules in the same
  // order. False for bytes that are no state; then nothing was taken.
  [[nodiscard]] bool Load(std::string_view bytes);

  [[nodiscard]] Numbers numbers() const;
  // Events that a correlation could not count, since the last call: for want of a group-by field,
  // or of a number. One entry per event.
  [[nodiscard]] std::vector<std::uint32_t> TakeKeyless();
  [[nodiscard]] std::vector<std::uint32_t> TakeNumberless();
  // visit(correlation, what is open).
  void ForEachOpen(const std::function<void(std::uint32_t, const Operator::Open&)>& visit) const;
  // visit(what was last told of each open incident).
  void ForEachIncident(const std::function<void(const Notice&)>& visit) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline
