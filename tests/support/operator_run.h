// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "matcher/correlate/key.h"
#include "matcher/correlate/operator.h"
#include "matcher/correlate/state_codec.h"
#include "matcher/correlate/timers.h"

namespace faultline::testing {

// Agrees with everything.
class Yes final : public Judge {
 public:
  bool Holds(const Candidate&) override { return true; }
};

// Drives one operator as a correlator does: timers that are due, then the arrival.
class OperatorRun {
 public:
  struct Fired {
    std::vector<NamedValue> group;
    Outcome outcome;
  };

  explicit OperatorRun(sigma::CorrelationRule rule, Operator::Limits limits = {},
                       Judge* judge = nullptr)
      : rule_(std::move(rule)), limits_(limits), judge_(judge != nullptr ? judge : &yes_) {
    Fresh();
  }

  // One event: as each of `inputs` it brings `fields`.
  void Feed(const Hit& hit, const std::vector<std::uint32_t>& inputs, const std::string& group) {
    Advance(hit.time);
    std::vector<InputHit> hits;
    for (const std::uint32_t input : inputs) hits.push_back({input, &hit});
    const std::vector<NamedValue> named = {{"g", group}};
    Outcome out;
    op_->Observe({hit.time, KeyOf(group), &named, hits}, *judge_, out);
    no_number_ += out.no_number;
    if (out.fired) fired_.push_back({named, std::move(out)});
  }

  // All timers due before `time`.
  void Advance(EventTime time) {
    while (const auto timer = timers_.TakeBefore(time)) {
      Outcome out;
      op_->OnTimer(timer->key, timer->due, *judge_, out);
      if (out.fired) fired_.push_back({out.group, std::move(out)});
    }
    op_->ExpireBefore(time);
  }

  [[nodiscard]] std::string Saved() const {
    StateWriter out;
    op_->Save(out);
    return out.Take();
  }
  // A fresh operator from what was saved; false when it refuses.
  [[nodiscard]] bool Restore(const std::string& bytes) {
    Fresh();
    StateReader in(bytes);
    return op_->Load(in) && in.ok() && in.AtEnd();
  }

  [[nodiscard]] static Digest KeyOf(const std::string& group) {
    return DigestBuilder().Add(group).Finish();
  }
  [[nodiscard]] Operator& op() { return *op_; }
  [[nodiscard]] const std::vector<Fired>& fired() const { return fired_; }
  [[nodiscard]] std::uint64_t no_number() const { return no_number_; }

 private:
  void Fresh() {
    timers_.Clear();
    op_ = MakeOperator(rule_, 3, limits_, &timers_);
    ASSERT_NE(op_, nullptr);
  }

  const sigma::CorrelationRule rule_;
  Operator::Limits limits_;
  Yes yes_;
  Judge* judge_;
  Timers timers_;
  std::unique_ptr<Operator> op_;
  std::vector<Fired> fired_;
  std::uint64_t no_number_ = 0;
};

// A rule of `steps` inputs s0, s1, ... grouped by `g`.
inline sigma::CorrelationRule WindowRule(sigma::CorrelationType type, std::uint32_t steps,
                                         std::chrono::nanoseconds span) {
  sigma::CorrelationRule rule;
  rule.type = type;
  rule.timespan = span;
  rule.group_by = {"g"};
  rule.value_fields = {"v"};
  for (std::uint32_t i = 0; i < steps; ++i) {
    sigma::Input input;
    input.reference = "s" + std::to_string(i);
    input.group_fields = {"g"};
    input.fields = {"g", "v"};
    rule.inputs.push_back(input);
    sigma::Step step;
    step.name = input.reference;
    step.input = i;
    rule.steps.push_back(step);
  }
  return rule;
}

}  // namespace faultline::testing
