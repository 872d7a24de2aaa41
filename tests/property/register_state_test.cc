// SPDX-License-Identifier: Apache-2.0
//
// Registers that are saved and loaded go on as those that were not; and they say what a plain list of
// all that was ever observed says.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "matcher/correlate/registers.h"
#include "matcher/correlate/state_codec.h"
#include "tests/unit/correlate/builders.h"

namespace faultline {
namespace {

using sigma::ExprAbsent;
using sigma::ExprValue;
using Fn = sigma::Register::Fn;
using std::chrono::seconds;
using testing::At;

int Draw(int below) { return *rc::gen::inRange(0, below); }

// What `fn` says of whole numbers, oldest first.
ExprValue Expected(Fn fn, const std::vector<std::int64_t>& values) {
  if (values.empty() || fn == Fn::kTimes) return ExprAbsent{};
  std::int64_t sum = 0;
  for (const std::int64_t value : values) sum += value;
  switch (fn) {
    case Fn::kFirst: return std::to_string(values.front());
    case Fn::kLast: return std::to_string(values.back());
    case Fn::kMax: return *std::max_element(values.begin(), values.end());
    case Fn::kMin: return *std::min_element(values.begin(), values.end());
    case Fn::kSum: return sum;
    case Fn::kCount: return static_cast<std::int64_t>(values.size());
    default: break;
  }
  return static_cast<std::int64_t>(std::set<std::int64_t>(values.begin(), values.end()).size());
}

struct Observed {
  EventTime time;
  std::string key;
  std::int64_t value = 0;
};

RC_GTEST_PROP(RegisterState, SaysWhatAListOfAllSaysSavedAndLoadedOrNot, ()) {
  sigma::CorrelationRule rule;
  rule.chain = true;
  rule.group_by = {"u"};
  rule.inputs.resize(2);
  for (sigma::Input& input : rule.inputs) {
    input.group_fields = {"u"};
    input.fields = {"v"};
  }
  sigma::Register reg;
  reg.fn = static_cast<Fn>(Draw(8));
  reg.field = "v";
  reg.ttl = seconds(1 + Draw(10));
  reg.reset = 1;
  rule.registers = {reg};
  Registers straight(rule, {});
  Registers restored(rule, {});
  std::vector<Observed> all;
  EventTime at = At(0);
  for (int i = 0, count = 1 + Draw(60); i < count; ++i) {
    at = at + seconds(Draw(4));
    const std::string key(1, static_cast<char>('k' + Draw(2)));
    const std::int64_t value = Draw(5) - 2;
    const bool observed = Draw(5) != 0;
    const bool reset = Draw(6) == 0;
    Hit hit;
    hit.time = at;
    hit.fields = {{"u", {key}}, {"v", {std::to_string(value)}}};
    std::vector<InputHit> hits;
    if (observed) hits.push_back({0, &hit});
    if (reset) hits.push_back({1, &hit});
    const std::vector<Observed> before = all;
    if (reset) {
      all.erase(std::remove_if(all.begin(), all.end(),
                               [&key](const Observed& held) { return held.key == key; }),
                all.end());
    }
    if (observed) all.push_back({at, key, value});

    StateWriter saved;
    restored.Save(saved);
    restored = Registers(rule, {});
    StateReader in(saved.bytes());
    RC_ASSERT(restored.Load(in) && in.AtEnd());
    for (Registers* registers : {&straight, &restored}) {
      registers->Observe(at, hits);
      registers->ExpireBefore(at);
      for (const std::string asked : {"k", "l"}) {
        const auto listed = [&](const std::vector<Observed>& from) {
          std::vector<std::int64_t> values;
          for (const Observed& held : from) {
            if (held.key == asked && held.time + reg.ttl >= at) values.push_back(held.value);
          }
          return values;
        };
        const Digest digest = registers->KeyOf(0, {asked});
        RC_ASSERT(registers->Read(0, digest, at, false) == Expected(reg.fn, listed(all)));
        RC_ASSERT(registers->Read(0, digest, at, true) == Expected(reg.fn, listed(before)));
        if (reg.fn == Fn::kTimes) {
          RC_ASSERT(registers->CountTimes(0, digest, at, At(0), at) ==
                    static_cast<std::int64_t>(listed(all).size()));
        }
      }
    }
    StateWriter one, other;
    straight.Save(one);
    restored.Save(other);
    RC_ASSERT(one.bytes() == other.bytes());
    RC_ASSERT(straight.numbers().bytes == restored.numbers().bytes);
  }
  straight.ExpireBefore(At(9999));
  RC_ASSERT(straight.numbers().bytes == 0);
}

}  // namespace
}  // namespace faultline
