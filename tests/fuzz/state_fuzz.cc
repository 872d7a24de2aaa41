// SPDX-License-Identifier: Apache-2.0
// Any bytes as the stored state of a correlation: refused or loaded. What was loaded is written again as
// bytes that give the same bytes, and goes on with events and timers.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/correlate/operator.h"
#include "matcher/correlate/registers.h"
#include "matcher/correlate/state_codec.h"
#include "matcher/correlate/timers.h"
#include "matcher/sigma/rule.h"

namespace {

using namespace faultline;

constexpr std::string_view kDetections = R"(
title: a
name: a
logsource: {product: any}
detection: {s: {k: a}, condition: s}
---
title: b
name: b
logsource: {product: any}
detection: {s: {k: b}, condition: s}
---
title: x
name: x
logsource: {product: any}
detection: {s: {k: x}, condition: s}
)";

// One of each kind of state.
constexpr std::string_view kCorrelations[] = {
    R"(correlation: {type: event_count, rules: [a], group-by: [u], timespan: 1m, condition: {gte: 3}})",
    R"(correlation: {type: value_count, rules: [a], group-by: [u], timespan: 1m, condition: {field: v, gte: 3}})",
    R"(correlation: {type: value_avg, rules: [a], timespan: 1m, condition: {field: v, gte: 3}})",
    R"(correlation: {type: value_median, rules: [a], timespan: 1m, condition: {field: v, gte: 3}}
faultline: {window: tumbling})",
    R"(correlation: {type: event_count, rules: [a], timespan: 1m, condition: {lt: 3}}
faultline: {window: session, gap: 5s})",
    R"(correlation: {type: temporal, group-by: [u], timespan: 1m}
faultline:
  steps: [{on: a, times: {gte: 2, distinct: v}}, {on: b}]
  absent: [{on: x, after: b, within: 10s}, {on: x, before: a, within: 10s}]
  refire: every)",
    R"(correlation: {type: temporal_ordered, group-by: [u], timespan: 1m}
faultline:
  steps: [{on: a}, {on: b, times: {gte: 2}, bind: {v: a.v}}]
  absent: [{on: x, after: b, within: 10s}]
  overlap: all
  ties: any
  registers: {sum: {on: a, fn: sum, field: v, ttl: 1m}, last: {on: b, fn: last, field: v, ttl: 1m, reset: x}}
  where: coalesce(reg.sum, 0) >= 0)",
};

const std::vector<sigma::CorrelationRule>& Rules() {
  static const std::vector<sigma::CorrelationRule> rules = [] {
    std::vector<sigma::CorrelationRule> made;
    for (const std::string_view text : kCorrelations) {
      const std::string document =
          std::string(kDetections) + "---\ntitle: c\nname: c\n" + std::string(text) + "\n";
      auto loaded = sigma::LoadRulesFromText(document, "fuzz");
      if (!loaded.errors.empty() || loaded.correlations.size() != 1) std::abort();
      made.push_back(std::move(loaded.correlations.front()));
    }
    return made;
  }();
  return rules;
}

class Always final : public Judge {
 public:
  [[nodiscard]] bool Holds(const Candidate&) override { return true; }
};

struct Machine {
  explicit Machine(const sigma::CorrelationRule& rule)
      : op(MakeOperator(rule, 0, kLimits, &timers)), registers(rule, kLimits) {}

  [[nodiscard]] bool Load(std::string_view bytes) {
    StateReader in(bytes);
    return op->Load(in) && registers.Load(in) && in.ok() && in.AtEnd();
  }
  [[nodiscard]] std::string Saved() const {
    StateWriter out;
    op->Save(out);
    registers.Save(out);
    return out.bytes();
  }

  static constexpr Operator::Limits kLimits{100, 1U << 20};
  Timers timers;
  std::unique_ptr<Operator> op;
  Registers registers;
};

void GoOn(Machine& machine, const sigma::CorrelationRule& rule) {
  Always judge;
  const std::vector<NamedValue> group(rule.group_by.size(), NamedValue{"u", "k"});
  const Digest key = DigestBuilder().Add("k").Finish();
  std::int64_t seconds = 4'000'000'000;  // behind any state that is worth loading
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t input = 0; input < rule.inputs.size(); ++input) {
      Hit hit;
      hit.time = EventTime::Raw(seconds++ * 1'000'000'000);
      hit.origin = {{"t", 0}, seconds, 0};
      hit.fields = {{"u", {"k"}}, {"v", {"7"}}};
      while (const std::optional<Timer> timer = machine.timers.TakeBefore(hit.time)) {
        Outcome out;
        machine.op->OnTimer(timer->key, timer->due, judge, out);
      }
      const InputHit hits[] = {{input, &hit}};
      machine.registers.Observe(hit.time, hits);
      for (std::uint32_t index = 0; index < rule.registers.size(); ++index) {
        static_cast<void>(machine.registers.Read(index, machine.registers.KeyOf(index, {"k"}),
                                                 hit.time, round == 1));
      }
      Outcome out;
      machine.op->Observe({hit.time, key, &group, hits}, judge, out);
    }
  }
  machine.op->ForEachOpen([](const Operator::Open&) {});
}

}  // namespace

// The first byte says whose state the rest is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const sigma::CorrelationRule& rule = Rules()[data[0] % Rules().size()];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Machine machine(rule);
  if (!machine.Load(bytes)) return 0;
  const std::string saved = machine.Saved();
  Machine again(rule);
  if (!again.Load(saved) || again.Saved() != saved) std::abort();
  GoOn(machine, rule);
  return 0;
}
