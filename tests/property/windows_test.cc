// SPDX-License-Identifier: Apache-2.0
//
// Every window operator against an evaluator that looks at all events of a key anew at every instant
// at which something can change; and against itself, saved and loaded at every event.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/operator_run.h"

namespace faultline {
namespace {

using sigma::CorrelationRule;
using sigma::CorrelationType;
using sigma::RefireKind;
using sigma::StepCondition;
using sigma::Threshold;
using sigma::WindowKind;
using std::chrono::nanoseconds;
using testing::OperatorRun;

// An event of one key; `halves`: twice its number, nothing: text that is none.
struct Event {
  std::int64_t time = 0;
  std::int64_t offset = 0;
  std::uint32_t key = 0;
  std::vector<std::uint32_t> inputs;
  std::optional<std::int64_t> halves;

  [[nodiscard]] std::string Text() const {
    if (!halves) return "n/a";
    std::string text = std::to_string(std::abs(*halves) / 2) + (*halves % 2 != 0 ? ".5" : "");
    return *halves < 0 ? "-" + text : text;
  }
};

// What a firing says, as both sides tell it. Values in exact halves or fractions, times 1e6, rounded.
struct Told {
  std::uint32_t key = 0;
  std::int64_t time = 0;
  bool deadline = false;
  std::int64_t count = 0;
  std::int64_t value = 0;
  std::int64_t first = -1;  // offset of the first bound event
  std::int64_t last = -1;

  friend auto operator<=>(const Told&, const Told&) = default;
};
std::ostream& operator<<(std::ostream& out, const Told& told) {
  return out << "(key " << told.key << " at " << told.time << (told.deadline ? " timer" : "")
             << " count " << told.count << " value " << told.value << " first " << told.first
             << " last " << told.last << ")";
}

std::int64_t Millionths(const sigma::ExprValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return *whole * 1'000'000;
  return static_cast<std::int64_t>(std::llround(std::get<double>(value) * 1e6));
}

// ------------------------------------------------------------------------------------- the oracle
using Events = std::vector<const Event*>;

// Nothing: there is no value, so the predicate is false.
std::optional<long double> ValueOf(const CorrelationRule& rule, const Events& events) {
  if (events.empty()) return std::nullopt;
  const auto n = static_cast<long double>(events.size());
  std::vector<long double> numbers;
  std::set<std::string> texts;
  long double sum = 0;
  for (const Event* event : events) {
    texts.insert(event->Text());
    numbers.push_back(static_cast<long double>(event->halves.value_or(0)) / 2);
    sum += numbers.back();
  }
  std::sort(numbers.begin(), numbers.end());
  switch (rule.type) {
    case CorrelationType::kEventCount: return n;
    case CorrelationType::kValueCount: return static_cast<long double>(texts.size());
    case CorrelationType::kValueSum: return sum;
    case CorrelationType::kValueAvg: return sum / n;
    default: break;
  }
  const long double p = rule.type == CorrelationType::kValueMedian ? 50 : rule.percentile;
  const long double rank = (n - 1) * p / 100;
  const auto low = static_cast<std::size_t>(rank);
  const auto high = std::min(low + 1, numbers.size() - 1);
  return numbers[low] + (rank - static_cast<long double>(low)) * (numbers[high] - numbers[low]);
}

bool Passes(const CorrelationRule& rule, std::optional<long double> value) {
  if (!value) return false;
  for (const Threshold& threshold : rule.thresholds) {
    const auto* whole = std::get_if<std::int64_t>(&threshold.number);
    const long double bound =
        whole != nullptr ? static_cast<long double>(*whole) : std::get<double>(threshold.number);
    // Equal up to the rounding of a double.
    const long double apart = *value - bound;
    const int order = apart > 1e-9L ? 1 : apart < -1e-9L ? -1 : 0;
    bool passes = false;
    switch (threshold.op) {
      case Threshold::Op::kGt: passes = order > 0; break;
      case Threshold::Op::kGte: passes = order >= 0; break;
      case Threshold::Op::kLt: passes = order < 0; break;
      case Threshold::Op::kLte: passes = order <= 0; break;
      case Threshold::Op::kEq: passes = order == 0; break;
      case Threshold::Op::kNeq: passes = order != 0; break;
    }
    if (!passes) return false;
  }
  return true;
}

bool Has(const Event& event, std::uint32_t input) {
  return std::find(event.inputs.begin(), event.inputs.end(), input) != event.inputs.end();
}

bool ConditionHolds(const StepCondition& condition, const Events& events, std::size_t node) {
  using Kind = StepCondition::Node::Kind;
  const auto& at = condition.nodes[node];
  const auto child = [&](std::uint32_t which) { return ConditionHolds(condition, events, which); };
  const auto seen = [&](std::uint32_t step) {
    return std::any_of(events.begin(), events.end(),
                       [step](const Event* event) { return Has(*event, step); });
  };
  switch (at.kind) {
    case Kind::kStep: return seen(at.number);
    case Kind::kAnd: return std::all_of(at.children.begin(), at.children.end(), child);
    case Kind::kOr: return std::any_of(at.children.begin(), at.children.end(), child);
    case Kind::kNot: return !child(at.children[0]);
    case Kind::kAtLeast: break;
  }
  std::uint32_t matched = 0;
  for (std::uint32_t step = 0; step < 4; ++step) matched += seen(step) ? 1 : 0;
  return matched >= at.number;
}

// All ways through the sequence; the one with the latest events, first steps first.
std::vector<const Event*> NewestWay(const CorrelationRule& rule, const Events& events) {
  std::vector<const Event*> best;
  std::vector<std::size_t> best_at;
  std::vector<std::size_t> at;
  const std::function<void()> extend = [&] {
    if (at.size() == rule.steps.size()) {
      if (best.empty() || at > best_at) {
        best_at = at;
        best.clear();
        for (const std::size_t i : at) best.push_back(events[i]);
      }
      return;
    }
    for (std::size_t i = at.empty() ? 0 : at.back() + 1; i < events.size(); ++i) {
      if (!Has(*events[i], static_cast<std::uint32_t>(at.size()))) continue;
      at.push_back(i);
      extend();
      at.pop_back();
    }
  };
  extend();
  return best;
}

class Oracle {
 public:
  Oracle(const CorrelationRule& rule, const std::vector<Event>& events) : rule_(rule) {
    std::map<std::uint32_t, std::vector<const Event*>> keys;
    for (const Event& event : events) {
      const bool number = rule.type == CorrelationType::kValueSum ||
                          rule.type == CorrelationType::kValueAvg ||
                          rule.type == CorrelationType::kValueMedian ||
                          rule.type == CorrelationType::kValuePercentile;
      if (!number || event.halves) keys[event.key].push_back(&event);
    }
    for (const auto& [key, mine] : keys) {
      on_ = false;
      fired_.reset();
      rule.window == WindowKind::kSliding    ? Slide(mine)
      : rule.window == WindowKind::kTumbling ? Tumble(mine)
                                             : Sessions(mine);
    }
  }
  [[nodiscard]] std::vector<Told> told() const { return told_; }

 private:
  void Look(const Events& window, std::int64_t time, bool deadline, bool repeats) {
    bool holds = false;
    Events bound = window;
    std::int64_t count = static_cast<std::int64_t>(window.size());
    std::optional<long double> value;
    if (rule_.type == CorrelationType::kTemporal) {
      holds = ConditionHolds(rule_.condition, window, rule_.condition.nodes.size() - 1);
      bound.clear();
      count = 0;
      for (std::uint32_t step = 0; step < rule_.steps.size(); ++step) {
        const auto newest = std::find_if(window.rbegin(), window.rend(),
                                         [step](const Event* event) { return Has(*event, step); });
        if (newest == window.rend()) continue;
        ++count;
        bound.push_back(*newest);
      }
      std::sort(bound.begin(), bound.end(),
                [](const Event* a, const Event* b) { return a->offset < b->offset; });
      value = static_cast<long double>(count);
    } else if (rule_.type == CorrelationType::kTemporalOrdered) {
      bound = NewestWay(rule_, window);
      holds = !bound.empty();
      count = static_cast<std::int64_t>(bound.size());
      value = static_cast<long double>(count);
    } else {
      value = ValueOf(rule_, window);
      holds = Passes(rule_, value);
    }
    const bool turned = holds && !on_;
    on_ = holds;
    bool fires = turned;
    if (holds && repeats && !turned) {
      fires = rule_.refire == RefireKind::kEvery ||
              (rule_.refire == RefireKind::kWindow && rule_.window != WindowKind::kSliding) ||
              (rule_.refire == RefireKind::kAfter && time - *fired_ >= rule_.refire_after.count());
    }
    if (!fires) return;
    fired_ = time;
    const std::uint32_t key = window.empty() ? 0 : window.front()->key;
    told_.push_back(
        {key, time, deadline, count, static_cast<std::int64_t>(std::llround(*value * 1e6L)),
         bound.empty() ? -1 : bound.front()->offset, bound.empty() ? -1 : bound.back()->offset});
  }

  [[nodiscard]] static Events Between(const Events& events, std::int64_t from, std::int64_t to) {
    Events window;
    for (const Event* event : events) {
      if (event->time >= from && event->time <= to) window.push_back(event);
    }
    return window;
  }

  void Slide(const Events& events) {
    const std::int64_t span = rule_.timespan.count();
    std::set<std::int64_t> expiries;
    for (const Event* event : events) expiries.insert(event->time + span + 1);
    Events arrived;
    for (const Event* event : events) {
      while (!expiries.empty() && *expiries.begin() <= event->time) {
        const std::int64_t at = *expiries.begin();
        expiries.erase(expiries.begin());
        Look(Between(arrived, at - span, at), at, true, false);
      }
      arrived.push_back(event);
      Look(Between(arrived, event->time - span, event->time), event->time, false, true);
    }
    for (const std::int64_t at : expiries) {
      Look(Between(arrived, at - span, at), at, true, false);
    }
  }

  void Tumble(const Events& events) {
    const std::int64_t span = rule_.timespan.count();
    std::optional<std::int64_t> judged;
    for (std::size_t i = 0; i < events.size();) {
      const std::int64_t index = (events[i]->time + 1'000 * span) / span - 1'000;
      Events window;
      for (; i < events.size() && events[i]->time < (index + 1) * span; ++i) {
        window.push_back(events[i]);
      }
      if (judged != index - 1) on_ = false;
      judged = index;
      Look(window, (index + 1) * span, true, true);
    }
  }

  void Sessions(const Events& events) {
    const std::int64_t gap = rule_.gap.count();
    const std::int64_t span = rule_.timespan.count();
    for (std::size_t i = 0; i < events.size();) {
      const std::int64_t first = events[i]->time;
      if (i > 0 && first > events[i - 1]->time + gap) on_ = false;
      Events window = {events[i++]};
      while (i < events.size() &&
             events[i]->time <= std::min(window.back()->time + gap, first + span)) {
        window.push_back(events[i++]);
      }
      Look(window, std::min(window.back()->time + gap, first + span), true, true);
    }
  }

  const CorrelationRule& rule_;
  bool on_ = false;
  std::optional<std::int64_t> fired_;
  std::vector<Told> told_;
};

// ------------------------------------------------------------------------------------- generators
int Below(int limit) { return *rc::gen::resize(100, rc::gen::inRange(0, limit)); }

std::vector<Event> AnyEvents(std::uint32_t inputs) {
  std::vector<Event> events(static_cast<std::size_t>(Below(50)));
  std::int64_t time = Below(40) - 20;
  std::int64_t offset = 0;
  for (Event& event : events) {
    time += Below(3) == 0 ? 0 : Below(8) == 0 ? Below(60) : Below(5);
    event.time = time;
    event.offset = offset++;
    event.key = static_cast<std::uint32_t>(Below(3));
    event.inputs = {static_cast<std::uint32_t>(Below(static_cast<int>(inputs)))};
    if (inputs > 1 && Below(5) == 0 && event.inputs[0] + 1 < inputs) {
      event.inputs.push_back(event.inputs[0] + 1);
    }
    if (Below(12) != 0) event.halves = Below(14) - 5;
  }
  return events;
}

CorrelationRule AnyRule(WindowKind window) {
  static constexpr CorrelationType kTypes[] = {
      CorrelationType::kEventCount,      CorrelationType::kValueCount,
      CorrelationType::kValueSum,        CorrelationType::kValueAvg,
      CorrelationType::kValuePercentile, CorrelationType::kValueMedian,
      CorrelationType::kTemporal,        CorrelationType::kTemporalOrdered};
  const bool sliding = window == WindowKind::kSliding;
  const auto steps = static_cast<std::uint32_t>(1 + Below(3));
  CorrelationRule rule =
      testing::WindowRule(kTypes[Below(sliding ? 6 : 8)], steps, nanoseconds(1 + Below(20)));
  rule.window = window;
  rule.gap = nanoseconds(1 + Below(8));
  static constexpr double kPercents[] = {0, 25, 50, 90, 100};
  rule.percentile = kPercents[Below(5)];
  using Op = Threshold::Op;
  static constexpr Op kOps[] = {Op::kGte, Op::kGt, Op::kEq, Op::kLt, Op::kLte, Op::kNeq};
  rule.thresholds = {{kOps[Below(sliding ? 3 : 6)], std::int64_t{1 + Below(5)}}};
  if (Below(4) == 0) rule.thresholds[0].number = 1.5;
  if (Below(4) == 0) rule.thresholds.push_back({Op::kGte, std::int64_t{2}});
  static constexpr RefireKind kRefires[] = {RefireKind::kEdge, RefireKind::kEvery,
                                            RefireKind::kAfter, RefireKind::kWindow};
  rule.refire = kRefires[Below(sliding ? 3 : 4)];
  rule.refire_after = nanoseconds(1 + Below(10));
  if (rule.type == CorrelationType::kTemporal) {
    using Node = StepCondition::Node;
    rule.condition.nodes = {{Node::Kind::kAtLeast, 1 + static_cast<std::uint32_t>(Below(3)), {}}};
    if (Below(2) == 0) {
      const auto step = static_cast<std::uint32_t>(Below(static_cast<int>(steps)));
      rule.condition.nodes.push_back({Node::Kind::kStep, step, {}});
      rule.condition.nodes.push_back({Node::Kind::kNot, 0, {1}});
      rule.condition.nodes.push_back(
          {Below(2) == 0 ? Node::Kind::kAnd : Node::Kind::kOr, 0, {0, 2}});
    }
  }
  return rule;
}

Hit HitOf(const Event& event) {
  Hit hit;
  hit.time = EventTime::Raw(event.time);
  hit.origin = {{"t", event.offset % 3 == 0 ? 1 : 0}, event.offset, 0};
  hit.fields = {{"v", {event.Text()}}};
  return hit;
}

std::vector<Told> TellAll(const OperatorRun& run) {
  std::vector<Told> all;
  for (const OperatorRun::Fired& fired : run.fired()) {
    const Outcome& out = fired.outcome;
    Told told;
    told.key = static_cast<std::uint32_t>(std::stoul(fired.group[0].value));
    told.time = out.time.nanos();
    told.deadline = out.deadline;
    told.count = out.count;
    told.value = Millionths(out.value);
    for (const BoundStep& step : out.steps) {
      for (const Bound& bound : step) {
        const std::int64_t offset = bound.origin.offset;
        told.first = told.first < 0 ? offset : std::min(told.first, offset);
        told.last = std::max(told.last, offset);
      }
    }
    all.push_back(told);
  }
  std::sort(all.begin(), all.end());
  return all;
}

void Feed(OperatorRun& run, const Event& event) {
  run.Feed(HitOf(event), event.inputs, std::to_string(event.key));
}

void DoesAsTheOracle(WindowKind window) {
  const CorrelationRule rule = AnyRule(window);
  const std::vector<Event> events = AnyEvents(static_cast<std::uint32_t>(rule.steps.size()));
  OperatorRun run(rule);
  for (const Event& event : events) Feed(run, event);
  run.Advance(EventTime::Max());
  std::vector<Told> wanted = Oracle(rule, events).told();
  std::sort(wanted.begin(), wanted.end());
  RC_TAG(std::string(ToString(rule.type)) + (wanted.empty() ? " silent" : " fires"));
  RC_ASSERT(TellAll(run) == wanted);
}

void ContinuesAsIfNeverSaved(WindowKind window) {
  CorrelationRule rule = AnyRule(window);
  rule.chain = Below(2) == 0;
  const std::vector<Event> events = AnyEvents(static_cast<std::uint32_t>(rule.steps.size()));
  Operator::Limits limits;
  if (Below(2) == 0) limits.max_keys = 2;
  if (Below(3) == 0) limits.max_bytes = static_cast<std::size_t>(300 + Below(3000));
  OperatorRun straight(rule, limits);
  OperatorRun restored(rule, limits);
  for (const Event& event : events) {
    Feed(straight, event);
    Feed(restored, event);
    const std::string bytes = restored.Saved();
    RC_ASSERT(bytes == straight.Saved());
    RC_ASSERT(restored.Restore(bytes));
    RC_ASSERT(restored.Saved() == bytes);
    const Operator::Numbers numbers = straight.op().numbers();
    RC_ASSERT(restored.op().numbers().keys == numbers.keys);
    RC_ASSERT(restored.op().numbers().bytes == numbers.bytes);
    RC_ASSERT(numbers.keys <= static_cast<std::int64_t>(limits.max_keys));
    for (const std::string key : {"0", "1", "2"}) {
      const Digest digest = OperatorRun::KeyOf(key);
      RC_ASSERT(straight.op().HoldsUntil(digest) == restored.op().HoldsUntil(digest));
    }
  }
  straight.Advance(EventTime::Max());
  restored.Advance(EventTime::Max());
  RC_ASSERT(TellAll(straight) == TellAll(restored));
}

RC_GTEST_PROP(SlidingWindows, DoAsTheOracle, ()) { DoesAsTheOracle(WindowKind::kSliding); }
RC_GTEST_PROP(TumblingWindows, DoAsTheOracle, ()) { DoesAsTheOracle(WindowKind::kTumbling); }
RC_GTEST_PROP(SessionWindows, DoAsTheOracle, ()) { DoesAsTheOracle(WindowKind::kSession); }
RC_GTEST_PROP(SlidingWindows, ContinueAsIfNeverSaved, ()) {
  ContinuesAsIfNeverSaved(WindowKind::kSliding);
}
RC_GTEST_PROP(TumblingWindows, ContinueAsIfNeverSaved, ()) {
  ContinuesAsIfNeverSaved(WindowKind::kTumbling);
}
RC_GTEST_PROP(SessionWindows, ContinueAsIfNeverSaved, ()) {
  ContinuesAsIfNeverSaved(WindowKind::kSession);
}

}  // namespace
}  // namespace faultline
