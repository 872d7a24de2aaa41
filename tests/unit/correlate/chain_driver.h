// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "matcher/correlate/chain_operator.h"
#include "matcher/correlate/operator.h"
#include "matcher/correlate/state_codec.h"
#include "matcher/correlate/timers.h"
#include "matcher/sigma/rule.h"

namespace faultline::testing {

// A rule that listens to `inputs`, "a", "b" ... by name; every input is grouped by `u` and told the
// fields "x" and "y". Without steps yet.
inline sigma::CorrelationRule ChainRule(sigma::CorrelationType type,
                                        const std::vector<std::string>& inputs,
                                        std::chrono::nanoseconds span) {
  sigma::CorrelationRule rule;
  rule.type = type;
  rule.chain = true;
  rule.group_by = {"u"};
  rule.timespan = span;
  for (const std::string& name : inputs) {
    sigma::Input input;
    input.reference = name;
    input.group_fields = {"u"};
    input.fields = {"x", "y"};
    rule.inputs.push_back(input);
  }
  return rule;
}

inline sigma::Step StepOn(std::uint32_t input, const std::string& name) {
  sigma::Step step;
  step.input = input;
  step.name = name;
  return step;
}

// The first `steps` inputs are its steps, all of them needed.
inline sigma::CorrelationRule PlainChain(sigma::CorrelationType type,
                                         const std::vector<std::string>& inputs, std::size_t steps,
                                         std::chrono::nanoseconds span) {
  sigma::CorrelationRule rule = ChainRule(type, inputs, span);
  for (std::uint32_t i = 0; i < steps; ++i) rule.steps.push_back(StepOn(i, inputs[i]));
  return rule;
}

inline sigma::StepCondition AtLeast(std::uint32_t number) {
  using Node = sigma::StepCondition::Node;
  return {{Node{Node::Kind::kAtLeast, number, {}}}};
}

// A `where` that is there; ChainDriver::where answers for it.
inline sigma::Expression SomeWhere() {
  return sigma::Expression::OfName({}, sigma::ExprType::kBool);
}

// Drives one operator: events in the total order, timers between them, and tells what fires, one line
// each: "12s a=3 b=4,5" (time, step=offsets), with "!" behind the time where a timer made it.
class ChainDriver final : private Judge {
 public:
  explicit ChainDriver(sigma::CorrelationRule rule, const Operator::Limits& limits = {})
      : rule_(std::move(rule)), op_(MakeChainOperator(rule_, 7, limits, &timers_)) {}

  using Fields = std::vector<std::pair<std::string, std::string>>;

  // One event that matches the rules of `inputs` (indices or one letter each: "ab"), for key `key`.
  ChainDriver& See(EventTime at, const std::string& inputs, const Fields& fields = {},
                   const std::string& key = "k") {
    PassTo(at);
    Hit hit;
    hit.time = at;
    hit.origin = {{"t", 0}, offset_++, 0};
    for (const auto& [name, value] : fields) hit.fields.push_back({name, {value}});
    Deliver(at, inputs, hit, key);
    return *this;
  }
  // The edge of a child that a timer made: no event.
  ChainDriver& SeeEdge(EventTime at, const std::string& inputs, const std::string& key = "k") {
    PassTo(at + std::chrono::nanoseconds(1), at);
    Hit hit;
    hit.time = at;
    hit.edge = true;
    hit.turn = 1;
    Deliver(at, inputs, hit, key);
    return *this;
  }
  // Everything before `at` is over.
  ChainDriver& PassTo(EventTime at) { return PassTo(at, EventTime::Max()); }

  // What fired since the last call.
  std::vector<std::string> Take() { return std::exchange(fired_, {}); }

  std::string Saved() const {
    StateWriter out;
    op_->Save(out);
    return out.bytes();
  }
  // A new operator from `bytes`; the old one and its timers are gone.
  [[nodiscard]] bool Restore(const std::string& bytes, const Operator::Limits& limits = {}) {
    timers_.Clear();
    op_ = MakeChainOperator(rule_, 7, limits, &timers_);
    StateReader in(bytes);
    return op_->Load(in) && in.AtEnd();
  }

  // HoldsUntil() as it was when the last one fired.
  [[nodiscard]] EventTime held_until() const { return held_until_; }

  static Digest KeyOf(const std::string& key) { return DigestBuilder().Add(key).Finish(); }

  Operator& op() { return *op_; }
  [[nodiscard]] std::size_t timers() const { return timers_.size(); }
  std::vector<std::string> Open() const {
    std::vector<std::string> lines;
    op_->ForEachOpen([&](const Operator::Open& open) {
      lines.push_back(fmt::format("{} {}..{} {}", open.group.at(0).value, Text(open.since),
                                  Text(open.until), open.waits));
    });
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  // For `where`.
  std::function<bool(const Candidate&)> where = [](const Candidate&) { return true; };

  static std::string Text(EventTime time) {
    const std::int64_t nanos = time.nanos();
    const std::int64_t seconds = nanos / 1'000'000'000;
    const std::int64_t rest = nanos % 1'000'000'000;
    if (rest == 0) return fmt::format("{}s", seconds);
    if (rest > 500'000'000) return fmt::format("{}s-{}", seconds + 1, 1'000'000'000 - rest);
    return fmt::format("{}s+{}", seconds, rest);
  }

 private:
  bool Holds(const Candidate& candidate) override { return where(candidate); }

  ChainDriver& PassTo(EventTime before, EventTime not_at) {
    while (const auto timer = timers_.TakeBefore(before)) {
      if (timer->due == not_at) {  // the child's edge comes first
        timers_.Set(*timer);
        break;
      }
      Outcome out;
      op_->OnTimer(timer->key, timer->due, *this, out);
      Note(out, timer->key);
    }
    op_->ExpireBefore(before);
    return *this;
  }

  void Deliver(EventTime at, const std::string& inputs, const Hit& hit, const std::string& key) {
    std::vector<InputHit> hits;
    for (const char letter : inputs) {
      const auto input =
          std::find_if(rule_.inputs.begin(), rule_.inputs.end(),
                       [&](const auto& held) { return held.reference[0] == letter; });
      hits.push_back({static_cast<std::uint32_t>(input - rule_.inputs.begin()), &hit});
    }
    const std::vector<NamedValue> group = {{"u", key}};
    Outcome out;
    op_->Observe({at, KeyOf(key), &group, hits}, *this, out);
    Note(out, KeyOf(key));
  }

  void Note(const Outcome& out, const Digest& key) {
    if (!out.fired) return;
    held_until_ = op_->HoldsUntil(key);
    std::string line = Text(out.time);
    if (out.deadline) line += '!';
    for (std::size_t step = 0; step < out.steps.size(); ++step) {
      if (out.steps[step].empty()) continue;
      line += ' ' + rule_.steps[step].name + '=';
      std::string_view comma = "";
      for (const faultline::Bound& bound : out.steps[step]) {
        line += comma;
        line += bound.deadline() ? "edge" : std::to_string(bound.origin.offset);
        comma = ",";
      }
    }
    fired_.push_back(line);
  }

  sigma::CorrelationRule rule_;
  Timers timers_;
  std::unique_ptr<Operator> op_;
  std::vector<std::string> fired_;
  EventTime held_until_;
  std::int64_t offset_ = 0;
};

}  // namespace faultline::testing
