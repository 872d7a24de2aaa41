// SPDX-License-Identifier: Apache-2.0
//
// Chains that are saved and loaded go on as those that were not, whatever the rule and the events:
// the same firings and, event by event, the same bytes. With few keys and little room too.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include "tests/unit/correlate/builders.h"
#include "tests/unit/correlate/chain_driver.h"

namespace faultline {
namespace {

using sigma::Absence;
using sigma::CorrelationRule;
using sigma::CorrelationType;
using std::chrono::seconds;
using testing::At;
using testing::ChainDriver;

int Draw(int below) { return *rc::gen::inRange(0, below); }

std::vector<sigma::Binding> AnyBind(std::uint32_t step) {
  if (Draw(2) == 0) return {};
  return {{"x", step, Draw(2) == 0 ? "x" : "y"}};
}

// Steps, absences and policies over the inputs a, b, c (steps) and d, e (absent, until).
CorrelationRule AnyRule() {
  const auto type = Draw(2) == 0 ? CorrelationType::kTemporal : CorrelationType::kTemporalOrdered;
  const bool ordered = type == CorrelationType::kTemporalOrdered;
  CorrelationRule rule = testing::ChainRule(type, {"a", "b", "c", "d", "e"}, seconds(1 + Draw(12)));
  const int steps = 1 + Draw(3);
  for (int i = 0; i < steps; ++i) {
    const auto input = static_cast<std::uint32_t>(Draw(3));
    sigma::Step step = testing::StepOn(input, std::string("s") + std::to_string(i));
    if (Draw(3) == 0) step.times = static_cast<std::uint32_t>(1 + Draw(3));
    if (Draw(4) == 0) step.distinct = "x";
    if (Draw(4) == 0) step.times_within = seconds(1 + Draw(6));
    if (ordered && i > 0 && Draw(3) == 0) step.within = seconds(1 + Draw(8));
    if (ordered && i > 0 && Draw(3) == 0) {
      step.bind = AnyBind(static_cast<std::uint32_t>(Draw(i)));
    }
    rule.steps.push_back(step);
  }
  if (!ordered) rule.condition = testing::AtLeast(static_cast<std::uint32_t>(1 + Draw(steps)));
  const int absences = Draw(3);
  for (int i = 0; i < absences; ++i) {
    Absence absence;
    absence.kind = static_cast<Absence::Kind>(Draw(ordered && steps > 1 ? 3 : 2));
    absence.input = static_cast<std::uint32_t>(Draw(4));
    absence.within = seconds(1 + Draw(15));
    absence.step = static_cast<std::uint32_t>(Draw(steps));
    if (absence.kind == Absence::Kind::kBetween) {
      absence.step = 0;
      absence.until = static_cast<std::uint32_t>(1 + Draw(steps - 1));
    }
    absence.bind = AnyBind(absence.step);
    rule.absences.push_back(absence);
  }
  if (Draw(3) == 0) rule.until = {4};
  const auto overlaps = ordered ? 4 : 2;
  rule.overlap = std::vector{sigma::OverlapKind::kLatest, sigma::OverlapKind::kConsume,
                             sigma::OverlapKind::kFirst,
                             sigma::OverlapKind::kAll}[static_cast<std::size_t>(Draw(overlaps))];
  rule.refire = std::vector{sigma::RefireKind::kEdge, sigma::RefireKind::kEvery,
                            sigma::RefireKind::kAfter}[static_cast<std::size_t>(Draw(3))];
  rule.refire_after = seconds(1 + Draw(5));
  rule.ties_any = ordered && Draw(3) == 0;
  if (Draw(3) == 0) rule.where = testing::SomeWhere();
  return rule;
}

struct AnyEvent {
  std::int64_t gap = 0;  // seconds since the one before
  std::string inputs, x, y, key;
  bool edge = false;
};

std::vector<AnyEvent> AnyEvents() {
  std::vector<AnyEvent> events(static_cast<std::size_t>(5 + Draw(40)));
  for (AnyEvent& event : events) {
    event.gap = Draw(3) == 0 ? 0 : Draw(5);
    for (const char letter : {'a', 'b', 'c', 'd', 'e'}) {
      if (Draw(letter == 'e' ? 8 : 3) == 0) event.inputs += letter;
    }
    if (event.inputs.empty()) event.inputs = "a";
    event.x = std::to_string(Draw(2));
    event.y = std::to_string(Draw(2));
    event.key = std::string(1, static_cast<char>('k' + Draw(4)));
    event.edge = Draw(10) == 0;
  }
  return events;
}

void Feed(ChainDriver& driver, const AnyEvent& event, EventTime at) {
  if (event.edge) {
    driver.SeeEdge(at, event.inputs, event.key);
  } else {
    driver.See(at, event.inputs, {{"x", event.x}, {"y", event.y}}, event.key);
  }
}

// A `where` that likes some evidence and not other.
bool Likes(const Candidate& candidate) {
  std::int64_t sum = candidate.count;
  for (const BoundStep& step : candidate.steps) {
    for (const Bound& bound : step) sum += bound.origin.offset;
  }
  return sum % 3 != 0;
}

RC_GTEST_PROP(ChainState, SavedAndLoadedGoesOnAsIfNothingHadBeen, ()) {
  const CorrelationRule rule = AnyRule();
  Operator::Limits limits;
  if (Draw(3) == 0) limits.max_keys = static_cast<std::size_t>(1 + Draw(3));
  if (Draw(3) == 0) limits.max_bytes = static_cast<std::size_t>(500 + Draw(4000));
  ChainDriver straight(rule, limits);
  ChainDriver restored(rule, limits);
  straight.where = restored.where = Likes;
  EventTime at = At(0);
  for (const AnyEvent& event : AnyEvents()) {
    at = at + seconds(event.gap);
    Feed(straight, event, at);
    RC_ASSERT(restored.Restore(restored.Saved(), limits));
    Feed(restored, event, at);
    RC_ASSERT(restored.Take() == straight.Take());
    RC_ASSERT(restored.Saved() == straight.Saved());
    RC_ASSERT(restored.op().numbers().bytes == straight.op().numbers().bytes);
    RC_ASSERT(restored.op().numbers().evictions == straight.op().numbers().evictions);
  }
  straight.PassTo(At(9999));
  restored.PassTo(At(9999));
  RC_ASSERT(restored.Take() == straight.Take());
  RC_ASSERT(straight.op().numbers().keys == 0);
  RC_ASSERT(straight.op().numbers().bytes == 0);
}

}  // namespace
}  // namespace faultline
