// SPDX-License-Identifier: Apache-2.0
#include "tests/property/generated_chains.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/event_time.h"

namespace faultline::testing {
namespace {

using namespace reference;  // NOLINT: this file speaks of nothing else
using Op = ChainExpr::Op;

constexpr std::uint32_t kDetections = 4;

std::uint64_t Below(Random& random, std::uint64_t bound) { return random() % bound; }
bool Chance(Random& random, int percent) {
  return Below(random, 100) < static_cast<std::uint64_t>(percent);
}
template <class T>
T Pick(Random& random, std::initializer_list<T> values) {
  return *(values.begin() + Below(random, values.size()));
}

std::int64_t Span(Random& random) {
  return Pick<std::int64_t>(random, {2, 3, 5, 5, 8, 13}) * kSecond;
}
std::int64_t ShortSpan(Random& random) {
  return Pick<std::int64_t>(random, {1, 2, 3, 5}) * kSecond;
}

// ------------------------------------------------------------------------------------ expressions

ChainExpr Literal(ChainValue value) {
  ChainExpr expression;
  expression.literal = std::move(value);
  return expression;
}
ChainExpr Name(Op op, std::string name = {}, std::string field = {}) {
  ChainExpr expression;
  expression.op = op;
  expression.name = std::move(name);
  expression.field = std::move(field);
  return expression;
}
ChainExpr Call(Op op, std::vector<ChainExpr> args) {
  ChainExpr expression;
  expression.op = op;
  expression.args = std::move(args);
  return expression;
}

// A name that no event has of itself: captured, computed or looked up.
std::string AnyTaken(Random& random) { return Pick<std::string>(random, {"n", "low", "site"}); }

// Expressions over what a rule has: steps, registers, counts.
class Expressions {
 public:
  Expressions(Random& random, const ChainRule& rule, const ChainWorld& world)
      : random_(random), rule_(rule), takes_(!world.takes.empty()) {}

  ChainExpr Number(int depth) {
    const auto some = [&] { return Number(depth - 1); };
    if (depth > 0) {
      switch (Below(random_, 14)) {
        case 0: return Call(Op::kAdd, {some(), some()});
        case 1: return Call(Op::kSubtract, {some(), some()});
        case 2: return Call(Op::kMultiply, {some(), some()});
        case 3:
          return Call(Op::kDivide, {Call(Op::kNumber, {Field()}), some()});  // no constant 1 / 0
        case 4: return Call(Op::kMin, {some(), some()});
        case 5: return Call(Op::kMax, {some(), some()});
        case 6: return Call(Op::kAbs, {some()});
        case 7: return Call(Op::kIf, {Truth(depth - 1), some(), some()});
        case 8: return Call(Op::kCoalesce, {some(), some()});
        case 9: return Call(Op::kNegate, {some()});
        default: break;
      }
    }
    switch (Below(random_, 10)) {
      case 0: return Literal(ChainValue::Whole(static_cast<std::int64_t>(Below(random_, 7))));
      case 1: return Literal(ChainValue::Decimal(Pick(random_, {0.5, 1.25, 2.75})));
      case 2:
        if (Chains()) return Name(Op::kMatched);
        return Name(Op::kValue);
      case 3:
        if (Chains()) return Name(Op::kTotal);
        return Name(Op::kCount);
      case 4:
        if (Chains()) return Name(Op::kStepCount, AnyStep());
        break;
      case 5:
      case 6:
      case 7:
        if (const ChainRegister* reg = AnyRegister()) return Registered(*reg);
        break;
      case 8: return Literal(ChainValue::Whole(static_cast<std::int64_t>(Below(random_, 3))));
      default: break;
    }
    return Call(Op::kNumber, {Field()});
  }

  ChainExpr Truth(int depth) {
    const auto some = [&] { return Truth(depth - 1); };
    if (depth > 0) {
      switch (Below(random_, 8)) {
        case 0: return Call(Op::kAnd, {some(), some()});
        case 1: return Call(Op::kOr, {some(), some()});
        case 2: return Call(Op::kNot, {some()});
        default: break;
      }
    }
    const Op compare = Pick(random_, {Op::kEqual, Op::kNotEqual, Op::kLess, Op::kLessOrEqual,
                                      Op::kGreater, Op::kGreaterOrEqual});
    switch (Below(random_, 8)) {
      case 0: return Name(Op::kSeen, AnyStep());
      case 1: return Call(Op::kExists, {Field()});
      case 2:
        return Call(
            compare,
            {Field(), Literal(ChainValue::Text(Pick<std::string>(random_, {"p", "q", "2", ""})))});
      case 3: return Call(Pick(random_, {Op::kEqual, Op::kNotEqual}), {Field(), Field()});
      case 4:
        return Call(
            compare,
            {Call(Op::kSubtract, {Name(Op::kStepTime, AnyStep()), Name(Op::kStepTime, AnyStep())}),
             Literal(ChainValue::Span(ShortSpan(random_)))});
      case 5: return Call(compare, {Field(), Number(0)});
      default: break;
    }
    return Call(compare, {Variable(), Number(depth)});
  }

  // A number that no constant gives.
  ChainExpr Variable() {
    const ChainRegister* reg = AnyRegister();
    if (reg != nullptr && Chance(random_, 60)) return Registered(*reg);
    switch (Below(random_, 4)) {
      case 0: return Name(Chains() ? Op::kMatched : Op::kValue);
      case 1: return Call(Op::kCoalesce, {Call(Op::kNumber, {Field()}), Number(1)});
      default: return Call(Op::kNumber, {Field()});
    }
  }

  ChainExpr Field() {
    if (takes_ && Chance(random_, 40)) return Name(Op::kStepField, AnyStep(), AnyTaken(random_));
    return Name(Op::kStepField, AnyStep(), Pick<std::string>(random_, {"v", "v", "w", "h"}));
  }

  // Whatever a text may show without doubt about its spelling.
  ChainExpr Shown() {
    switch (Below(random_, 6)) {
      case 0: return Field();
      case 1:
        if (takes_ && Chance(random_, 50)) return Name(Op::kName, AnyTaken(random_));
        return Name(Op::kName, Pick<std::string>(random_, {"v", "w"}));
      case 2: return Truth(1);
      case 3:
        if (Chains()) return Name(Op::kMatched);
        return Name(Op::kCount);
      case 4: return Call(Op::kCoalesce, {Field(), Literal(ChainValue::Text("none"))});
      default: return Call(Op::kLower, {Field()});
    }
  }

 private:
  [[nodiscard]] bool Chains() const {
    return rule_.type == ChainType::kTemporal || rule_.type == ChainType::kTemporalOrdered;
  }
  std::string AnyStep() { return rule_.steps[Below(random_, rule_.steps.size())].name; }
  const ChainRegister* AnyRegister() {
    if (rule_.registers.empty()) return nullptr;
    return &rule_.registers[Below(random_, rule_.registers.size())];
  }
  ChainExpr Registered(const ChainRegister& reg) {
    using Fn = ChainRegister::Fn;
    if (reg.fn == Fn::kTimes) {
      ChainExpr count = Call(
          Op::kCountTimes,
          {Call(Op::kSubtract, {Name(Op::kTime), Literal(ChainValue::Span(ShortSpan(random_)))}),
           Name(Op::kTime)});
      count.name = reg.name;
      return count;
    }
    ChainExpr read = Name(Chance(random_, 60) ? Op::kRegister : Op::kPrevious, reg.name);
    if (reg.field == "time") {
      return Call(Op::kIf, {Call(Op::kGreater, {Call(Op::kSubtract, {Name(Op::kTime), read}),
                                                Literal(ChainValue::Span(ShortSpan(random_)))}),
                            Literal(ChainValue::Whole(1)), Literal(ChainValue::Whole(0))});
    }
    if (reg.fn == Fn::kLast || reg.fn == Fn::kFirst) read = Call(Op::kNumber, {read});
    if (Chance(random_, 50)) read = Call(Op::kCoalesce, {read, Literal(ChainValue::Whole(0))});
    return read;
  }

  Random& random_;
  const ChainRule& rule_;
  bool takes_;  // detections capture, compute and look up
};

// -------------------------------------------------------------------------------------- the rules

class Worlds {
 public:
  explicit Worlds(Random& random) : random_(random) { world_.detections = kDetections; }

  ChainWorld Make(ChainFamily family) {
    if (Chance(random_, 40)) Takes();
    if (family == ChainFamily::kNested) {
      Nested();
    } else if (family == ChainFamily::kPolicies) {
      Policies();
    } else if (family == ChainFamily::kIncidents) {
      Add(Incident());
    } else {
      const std::uint64_t rules = 1 + Below(random_, 3);
      for (std::uint64_t i = 0; i < rules; ++i) Add(Of(family));
    }
    return std::move(world_);
  }

 private:
  ChainRule New(ChainType type) {
    ChainRule rule;
    rule.name = "r" + std::to_string(world_.rules.size());
    rule.type = type;
    rule.timespan = Span(random_);
    rule.cause.texts = {""};
    GroupBy(rule);
    return rule;
  }
  void Add(ChainRule rule) {
    // Aliases name rules that the correlation has, one at least.
    for (auto& [name, fields] : rule.aliases) {
      std::erase_if(fields, [&rule](const auto& field) {
        return std::none_of(rule.steps.begin(), rule.steps.end(),
                            [&field](const ChainStep& step) { return step.on == field.first; });
      });
      if (fields.empty()) fields[rule.steps[0].on] = "u";
    }
    world_.rules.push_back(std::move(rule));
  }

  // Templates and expressions for the message `m`; @ and # stand for names.
  ChainCapture Capture() {
    ChainCapture capture;
    capture.field = "m";
    capture.is_template = Chance(random_, 50);
    std::string form =
        capture.is_template
            ? Pick<std::string>(random_, {"disk %1 on %2", "disk %1 on %2 failed", "disk %1 on %1",
                                          "%1 on %2 was %1", " on %1", "on %1 was %2"})
            : Pick<std::string>(random_, {"on (?<@>[a-z]+)", "(?<@>[12])? on (?<#>x|y)",
                                          "[Dd]isk (?<@>[12xy])(?: on (?<#>[pq]))?",
                                          "(?<@>.*) on (?<#>.)", "(?<@>f.*d)|(?<#>was)"});
    if (Chance(random_, 10)) {
      capture.is_template = false;
      capture.join = Pick<std::string>(random_, {"|", "", " "});
      form = Pick<std::string>(random_, {"(?<@>[a-z]+)[| ]?[Dd]isk (?<#>.)", "(?<@>.*)\\|"});
    }
    std::vector<std::string> names = {"w", "h", "u", "v", "n", "n"};
    std::shuffle(names.begin(), names.end(), random_);
    if (names[0] == names[1]) names[1] = "w";
    const bool two = form.find('#') != form.npos || form.find("%2") != form.npos;
    capture.names = {names[0]};
    if (two) capture.names.push_back(names[1]);
    for (const char c : form) {
      if (c == '@' || c == '#') {
        capture.pattern += names[c == '@' ? 0 : 1];
      } else {
        capture.pattern += c;
      }
    }
    return capture;
  }

  // What detections capture, compute and look up.
  void Takes() {
    world_.table = {{"key", "site", "n", "w"}, {"P", "north", "", "q"},  {"q", "south", "x", "p"},
                    {"x", "north", "y", ""},   {"R", "", "p", "long w"}, {"2", "south", "2", "2"}};
    world_.takes.resize(kDetections);
    for (ChainTakes& takes : world_.takes) {
      for (std::uint64_t left = Below(random_, 3); left > 0; --left) {
        takes.captures.push_back(Capture());
      }
      if (Chance(random_, 40)) {
        takes.fields = {
            {"low", Pick(random_,
                         {Call(Op::kLower, {Name(Op::kName, "w")}),
                          Call(Op::kCoalesce, {Name(Op::kName, "n"), Name(Op::kName, "h")}),
                          Call(Op::kIf, {Call(Op::kExists, {Name(Op::kName, "n")}),
                                         Literal(ChainValue::Text("P")), Name(Op::kName, "u")})})}};
      }
      for (std::uint64_t left = Below(random_, 3); left > 0; --left) {
        ChainLookup lookup;
        lookup.field = Pick<std::string>(random_, {"site", "site", "n", "w"});
        lookup.from = Pick<std::string>(random_, {"h", "u", "w", "n", "low"});
        lookup.default_from = Chance(random_, 40);
        if (!lookup.default_from && Chance(random_, 40)) lookup.otherwise = "none";
        takes.lookups.push_back(std::move(lookup));
      }
    }
  }

  void GroupBy(ChainRule& rule) {
    if (!world_.takes.empty() && Chance(random_, 40)) {
      rule.group_by = {AnyTaken(random_)};
      if (Chance(random_, 40)) rule.group_by.push_back("u");
      return;
    }
    switch (Below(random_, 6)) {
      case 0: return;
      case 1: rule.group_by = {"u", "h"}; return;
      case 2:
        rule.group_by = {"key"};
        for (ChainRef each = 0; each < kDetections; ++each) {
          if (Chance(random_, 85)) rule.aliases["key"][each] = Chance(random_, 70) ? "u" : "h";
        }
        return;
      default: rule.group_by = {"u"};
    }
  }

  // So many different detections as steps.
  void Steps(ChainRule& rule, std::size_t count) {
    std::vector<ChainRef> refs = {0, 1, 2, 3};
    std::shuffle(refs.begin(), refs.end(), random_);
    for (std::size_t i = 0; i < count; ++i) {
      ChainStep step;
      step.on = refs[i];
      step.name = std::string(1, static_cast<char>('a' + refs[i]));
      rule.steps.push_back(step);
    }
  }

  void All(ChainRule& rule) {
    rule.condition = {
        ChainCondition::Kind::kAtLeast, static_cast<std::uint32_t>(rule.steps.size()), {}};
  }

  ChainType CountType() {
    return Pick(random_, {ChainType::kEventCount, ChainType::kEventCount, ChainType::kValueCount,
                          ChainType::kValueSum, ChainType::kValueAvg, ChainType::kValueMedian,
                          ChainType::kValuePercentile});
  }

  void Thresholds(ChainRule& rule, bool closes) {
    using To = ChainThreshold::Op;
    const bool counts = rule.type == ChainType::kEventCount || rule.type == ChainType::kValueCount;
    const auto number = [&] {
      return static_cast<double>(counts ? 1 + Below(random_, 4) : 1 + Below(random_, 9));
    };
    ChainThreshold threshold;
    threshold.number = number();
    threshold.op = closes ? Pick(random_, {To::kGt, To::kGte, To::kLt, To::kLte, To::kEq, To::kNeq})
                          : Pick(random_, {To::kGt, To::kGte, To::kGte, To::kEq});
    if (!counts && Chance(random_, 30)) threshold.number += 0.5;
    if (counts && threshold.op == To::kLt) ++threshold.number;  // nothing is not judged
    rule.thresholds = {threshold};
    if (Chance(random_, 15) && (threshold.op == To::kGt || threshold.op == To::kGte)) {
      rule.thresholds.push_back({closes ? To::kLte : To::kGt, closes ? threshold.number + 3 : 1});
    }
    if (rule.thresholds.size() == 2 && rule.thresholds[1].op == threshold.op)
      rule.thresholds.pop_back();
    if (rule.type == ChainType::kEventCount) return;
    rule.value_fields = {
        rule.type == ChainType::kValueCount ? Pick<std::string>(random_, {"w", "v"}) : "v"};
    if (rule.type == ChainType::kValueCount && Chance(random_, 30)) rule.value_fields = {"v", "w"};
    if (rule.type == ChainType::kValuePercentile)
      rule.percentile = Pick(random_, {25.0, 50.0, 75.0});
  }

  void Refire(ChainRule& rule) {
    if (Chance(random_, 60)) return;
    rule.refire = Pick(random_, {ChainRefire::kEvery, ChainRefire::kAfter});
    if (rule.window != ChainWindow::kSliding && Chance(random_, 40))
      rule.refire = ChainRefire::kWindow;
    if (rule.refire == ChainRefire::kAfter) rule.refire_after = ShortSpan(random_);
  }

  ChainCondition Condition(std::size_t steps, bool closes, int depth) {
    using Kind = ChainCondition::Kind;
    const auto step = static_cast<std::uint32_t>(Below(random_, steps));
    if (depth == 0 || Chance(random_, 30)) return {Kind::kStep, step, {}};
    if (closes && Chance(random_, 25))
      return {Kind::kNot, 0, {Condition(steps, closes, depth - 1)}};
    return {Chance(random_, 50) ? Kind::kAnd : Kind::kOr,
            0,
            {Condition(steps, closes, depth - 1), Condition(steps, closes, depth - 1)}};
  }

  static bool Holds(const ChainCondition& condition, unsigned seen) {
    using Kind = ChainCondition::Kind;
    const auto holds = [seen](const ChainCondition& part) { return Holds(part, seen); };
    switch (condition.kind) {
      case Kind::kStep: return (seen >> condition.number & 1U) != 0;
      case Kind::kNot: return !holds(condition.parts[0]);
      case Kind::kAnd: return std::all_of(condition.parts.begin(), condition.parts.end(), holds);
      default: return std::any_of(condition.parts.begin(), condition.parts.end(), holds);
    }
  }
  static bool CanHold(const ChainCondition& condition, std::size_t steps) {
    for (unsigned seen = 1; seen < 1U << steps; ++seen) {
      if (Holds(condition, seen)) return true;
    }
    return false;
  }

  ChainRule Counts() {
    ChainRule rule = New(CountType());
    Steps(rule, 1 + Below(random_, 3));
    Thresholds(rule, false);
    Refire(rule);
    return rule;
  }

  ChainRule Windows() {
    const bool set = Chance(random_, 25);
    ChainRule rule = New(set ? ChainType::kTemporal : CountType());
    Steps(rule, set ? 2 + Below(random_, 2) : 1 + Below(random_, 3));
    rule.window = Chance(random_, 50) ? ChainWindow::kTumbling : ChainWindow::kSession;
    if (rule.window == ChainWindow::kSession) rule.gap = ShortSpan(random_);
    if (set) {
      // A positive rule is there, whatever is negated behind it.
      do {
        rule.condition = {
            ChainCondition::Kind::kAnd,
            0,
            {{ChainCondition::Kind::kStep, 0, {}}, Condition(rule.steps.size(), true, 2)}};
      } while (!CanHold(rule.condition, rule.steps.size()));
    } else {
      Thresholds(rule, true);
    }
    Refire(rule);
    return rule;
  }

  ChainRule Temporal() {
    ChainRule rule = New(Chance(random_, 50) ? ChainType::kTemporal : ChainType::kTemporalOrdered);
    Steps(rule, 1 + Below(random_, 4));
    All(rule);
    if (rule.type == ChainType::kTemporal) {
      if (Chance(random_, 35)) {
        rule.condition.number = static_cast<std::uint32_t>(1 + Below(random_, rule.steps.size()));
      } else if (Chance(random_, 40)) {
        rule.condition = Condition(rule.steps.size(), false, 2);
      }
    }
    if (Chance(random_, 20)) Refire(rule);
    rule.ties_any = rule.type == ChainType::kTemporalOrdered && Chance(random_, 25);
    return rule;
  }

  void Times(ChainStep& step) {
    if (!Chance(random_, 30)) return;
    step.times = static_cast<std::uint32_t>(2 + Below(random_, 2));
    if (Chance(random_, 40)) step.distinct = "w";
    if (Chance(random_, 60)) step.times_within = ShortSpan(random_);
  }

  // Steps with names of their own; one rule may stand in two of them.
  void NamedSteps(ChainRule& rule, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      ChainStep step;
      step.on = static_cast<ChainRef>(Below(random_, kDetections));
      step.name = "s" + std::to_string(i);
      Times(step);
      rule.steps.push_back(std::move(step));
    }
  }

  ChainRule Sets() {
    ChainRule rule = New(ChainType::kTemporal);
    rule.plain = false;
    NamedSteps(rule, 1 + Below(random_, 4));
    All(rule);
    const std::size_t n = rule.steps.size();
    if (n > 1 && Chance(random_, 50))
      rule.condition.number = static_cast<std::uint32_t>(1 + Below(random_, n));
    if (rule.condition.number < n && Chance(random_, 50)) {
      using Kind = ChainCondition::Kind;
      const auto any = [&] {
        return ChainCondition{Kind::kStep, static_cast<std::uint32_t>(Below(random_, n)), {}};
      };
      rule.condition = {Kind::kAnd, 0, {rule.condition, {Kind::kOr, 0, {any(), any()}}}};
    }
    if (Chance(random_, 40)) rule.where = Expressions(random_, rule, world_).Truth(2);
    if (Chance(random_, 30)) rule.overlap = ChainOverlap::kConsume;
    return rule;
  }

  ChainRule Sequences() {
    ChainRule rule = New(ChainType::kTemporalOrdered);
    rule.plain = false;
    NamedSteps(rule, 1 + Below(random_, 4));
    for (std::size_t i = 1; i < rule.steps.size(); ++i) {
      if (Chance(random_, 35)) rule.steps[i].within = ShortSpan(random_);
      if (Chance(random_, 35)) {
        rule.steps[i].bind.push_back({Pick<std::string>(random_, {"w", "h", "v"}),
                                      static_cast<std::uint32_t>(Below(random_, i)),
                                      Pick<std::string>(random_, {"w", "h", "v"})});
      }
    }
    rule.overlap =
        Pick(random_, {ChainOverlap::kLatest, ChainOverlap::kLatest, ChainOverlap::kFirst,
                       ChainOverlap::kAll, ChainOverlap::kConsume});
    if (Chance(random_, 30)) rule.where = Expressions(random_, rule, world_).Truth(2);
    return rule;
  }

  ChainRule Absences() {
    ChainRule rule = Chance(random_, 60) ? Sequences() : Sets();
    const bool ordered = rule.type == ChainType::kTemporalOrdered;
    const std::size_t n = rule.steps.size();
    const std::uint64_t count = Below(random_, 3);
    for (std::uint64_t i = 0; i <= count; ++i) {
      using Kind = ChainAbsence::Kind;
      ChainAbsence absence;
      absence.on = static_cast<ChainRef>(Below(random_, kDetections));
      absence.kind = Pick(random_, {Kind::kAfter, Kind::kAfter, Kind::kBefore, Kind::kBetween});
      if (absence.kind == Kind::kBetween && (!ordered || n < 2)) absence.kind = Kind::kBefore;
      absence.step = static_cast<std::uint32_t>(Below(random_, n));
      absence.within = ShortSpan(random_);
      if (absence.kind == Kind::kBetween) {
        absence.step = static_cast<std::uint32_t>(Below(random_, n - 1));
        absence.until =
            absence.step + 1 + static_cast<std::uint32_t>(Below(random_, n - 1 - absence.step));
      }
      if (Chance(random_, 30)) {
        absence.bind.push_back({Pick<std::string>(random_, {"w", "h"}), absence.step,
                                Pick<std::string>(random_, {"w", "h"})});
      }
      rule.absences.push_back(std::move(absence));
    }
    if (Chance(random_, 35)) rule.until = {static_cast<ChainRef>(Below(random_, kDetections))};
    return rule;
  }

  ChainRule Registers() {
    ChainRule rule = Pick(random_, {0, 1, 2}) == 0 ? Counts()
                     : Chance(random_, 50)         ? Sets()
                                                   : Sequences();
    rule.plain = false;
    rule.refire = ChainRefire::kNone;
    rule.where.reset();
    const std::uint64_t count = 1 + Below(random_, 3);
    for (std::uint64_t i = 0; i < count; ++i) {
      using Fn = ChainRegister::Fn;
      ChainRegister reg;
      reg.name = "g" + std::to_string(i);
      reg.fn = Pick(random_, {Fn::kLast, Fn::kFirst, Fn::kMax, Fn::kMin, Fn::kSum, Fn::kCount,
                              Fn::kDistinct, Fn::kTimes});
      reg.on = static_cast<ChainRef>(Below(random_, kDetections));
      if (reg.fn != Fn::kCount && reg.fn != Fn::kTimes) reg.field = "v";
      if (reg.fn == Fn::kDistinct) reg.field = Pick<std::string>(random_, {"v", "w"});
      if ((reg.fn == Fn::kLast || reg.fn == Fn::kFirst) && Chance(random_, 30)) reg.field = "time";
      reg.ttl = Span(random_);
      if (Chance(random_, 30)) reg.by = {{"w", Name(Op::kName, "w")}};
      if (reg.by.empty() && Chance(random_, 20))
        reg.by = {{"w", Expressions(random_, rule, world_).Field()}};
      if (Chance(random_, 25)) reg.reset = static_cast<ChainRef>(Below(random_, kDetections));
      rule.registers.push_back(std::move(reg));
    }
    rule.where = Expressions(random_, rule, world_).Truth(2);
    return rule;
  }

  ChainRule Of(ChainFamily family) {
    switch (family) {
      case ChainFamily::kCounts: return Counts();
      case ChainFamily::kWindows: return Windows();
      case ChainFamily::kTemporal: return Temporal();
      case ChainFamily::kSets: return Sets();
      case ChainFamily::kSequences: return Sequences();
      case ChainFamily::kAbsences: return Absences();
      case ChainFamily::kRegisters: return Registers();
      default: break;
    }
    return Counts();
  }

  // A chain of correlations, each over the one before it.
  void Nested() {
    ChainRule rule = Of(static_cast<ChainFamily>(Below(random_, 6)));
    if (!rule.aliases.empty()) rule.aliases.clear(), rule.group_by = {"u"};
    Add(std::move(rule));
    const std::uint64_t depth = Chance(random_, 15) ? 9 : 1 + Below(random_, 3);
    for (std::uint64_t i = 0; i < depth; ++i) {
      const ChainRef child = world_.detections + static_cast<ChainRef>(world_.rules.size()) - 1;
      const std::vector<std::string> group = world_.rules.back().group_by;
      ChainRule parent = New(Pick(
          random_, {ChainType::kEventCount, ChainType::kTemporal, ChainType::kTemporalOrdered}));
      parent.aliases.clear();
      parent.group_by = group.empty() || Chance(random_, 30) ? std::vector<std::string>{}
                                                             : std::vector<std::string>{group[0]};
      parent.generate = Chance(random_, 40);
      ChainStep step;
      step.on = child;
      step.name = world_.rules.back().name;
      parent.steps.push_back(step);
      if (parent.type == ChainType::kEventCount) {
        parent.thresholds = {{ChainThreshold::Op::kGte,
                              depth > 3 ? 1.0 : static_cast<double>(1 + Below(random_, 3))}};
      } else if (depth <= 3) {
        Steps(parent, 1 + Below(random_, 2));
      }
      if (parent.type == ChainType::kTemporalOrdered && Chance(random_, 30)) Repeated(parent);
      if (Chance(random_, 30)) ByComputed(world_.rules.back(), child, parent);
      std::shuffle(parent.steps.begin(), parent.steps.end(), random_);
      All(parent);
      if (parent.type == ChainType::kEventCount && Chance(random_, 20)) {
        parent.window = ChainWindow::kTumbling;
      }
      Add(std::move(parent));
    }
  }

  // Twice, which timers of several keys may bring about at one instant.
  static void Repeated(ChainRule& parent) {
    parent.plain = false;
    parent.steps.front().times = 2;
    for (std::size_t i = 0; i < parent.steps.size(); ++i) {
      parent.steps[i].name = "s" + std::to_string(i);
    }
  }

  // The parent groups by what the child computes.
  void ByComputed(ChainRule& rule, ChainRef child, ChainRule& parent) {
    const std::string name = "f" + std::to_string(child);
    rule.plain = false;
    if (rule.fields.empty()) rule.fields = {{name, Expressions(random_, rule, world_).Shown()}};
    parent.group_by = {"key"};
    parent.aliases["key"][child] = name;
    for (const ChainStep& step : parent.steps) {
      if (step.on != child) parent.aliases["key"][step.on] = "w";
    }
  }

  // Rules of one group key that choose, suppress and tell variants.
  void Policies() {
    const std::uint64_t rules = 1 + Below(random_, 3);
    const std::int64_t settle = Pick<std::int64_t>(random_, {0, 1, 3}) * kSecond;
    const bool choose = Chance(random_, 50);
    for (std::uint64_t i = 0; i < rules; ++i) {
      ChainRule rule =
          Of(Pick(random_, {ChainFamily::kCounts, ChainFamily::kTemporal, ChainFamily::kSets,
                            ChainFamily::kSequences, ChainFamily::kAbsences}));
      rule.plain = false;
      rule.aliases.clear();
      rule.group_by = {"u"};
      if (choose) rule.choose = {"root", static_cast<std::int64_t>(Below(random_, 3)), settle};
      if (Chance(random_, 50)) rule.suppress = Suppress();
      Texts(rule);
      Add(std::move(rule));
    }
  }

  ChainSuppress Suppress() {
    ChainSuppress suppress{Chance(random_, 50) ? Span(random_) : ShortSpan(random_), {}};
    if (Chance(random_, 40)) return suppress;
    std::vector<std::string> names = {"u", "w", "h", "v"};
    if (!world_.takes.empty()) names.push_back(AnyTaken(random_));
    std::shuffle(names.begin(), names.end(), random_);
    names.resize(1 + Below(random_, 2));
    suppress.by = std::move(names);
    return suppress;
  }

  // What an alert says, and its variants.
  void Texts(ChainRule& rule) {
    Expressions expressions(random_, rule, world_);
    rule.cause.texts = {"seen ", "; ", "."};
    rule.cause.expressions = {expressions.Shown(), expressions.Shown()};
    const std::uint64_t variants = Below(random_, 3);
    for (std::uint64_t v = 0; v < variants; ++v) {
      ChainVariant variant;
      variant.name = "v" + std::to_string(v);
      variant.when = expressions.Truth(2);
      if (Chance(random_, 50))
        variant.level = Pick<std::string>(random_, {"low", "high", "critical"});
      if (Chance(random_, 50)) variant.title = "variant " + std::to_string(v);
      if (Chance(random_, 50)) variant.cause = ChainText{{"because ", ""}, {expressions.Shown()}};
      rule.variants.push_back(std::move(variant));
    }
  }

  // A rule whose incident stays open, is updated and resolved.
  ChainRule Incident() {
    ChainRule rule = Of(Pick(random_, {ChainFamily::kSets, ChainFamily::kSets, ChainFamily::kSets,
                                       ChainFamily::kSequences, ChainFamily::kAbsences,
                                       ChainFamily::kRegisters, ChainFamily::kCounts}));
    rule.plain = false;
    rule.aliases.clear();
    rule.group_by = {"u"};
    for (ChainRegister& reg : rule.registers) reg.by.clear();
    if (rule.type == ChainType::kTemporal && rule.steps.size() > 1) {
      rule.condition = {ChainCondition::Kind::kAtLeast,
                        static_cast<std::uint32_t>(1 + Below(random_, rule.steps.size() - 1)),
                        {}};
      if (Chance(random_, 50)) rule.where.reset();
      for (ChainStep& step : rule.steps) {
        step.times = 1;
        step.distinct.clear();
        step.times_within.reset();
      }
    }
    Texts(rule);
    if (Chance(random_, 25)) rule.suppress = Suppress();
    if (Chance(random_, 80)) rule.update_every = Pick<std::int64_t>(random_, {1, 2, 5}) * kSecond;
    if (Chance(random_, 60)) {
      ChainResolve resolve;
      if (Chance(random_, 60)) resolve.on = {static_cast<ChainRef>(Below(random_, kDetections))};
      if (resolve.on.empty() || Chance(random_, 40)) {
        resolve.quiet = ShortSpan(random_);
        if (Chance(random_, 40)) resolve.of = {static_cast<ChainRef>(Below(random_, kDetections))};
      }
      rule.resolve = resolve;
    }
    return rule;
  }

  Random& random_;
  ChainWorld world_;
};

// ------------------------------------------------------------------------------------------- YAML

std::string Seconds(std::int64_t nanos) { return std::to_string(nanos / kSecond) + "s"; }

std::string Decimal(double value) {
  std::string text = std::to_string(value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

const char* NameOf(ChainType type) {
  switch (type) {
    case ChainType::kEventCount: return "event_count";
    case ChainType::kValueCount: return "value_count";
    case ChainType::kValueSum: return "value_sum";
    case ChainType::kValueAvg: return "value_avg";
    case ChainType::kValueMedian: return "value_median";
    case ChainType::kValuePercentile: return "value_percentile";
    case ChainType::kTemporal: return "temporal";
    case ChainType::kTemporalOrdered: break;
  }
  return "temporal_ordered";
}

const char* NameOf(ChainThreshold::Op op) {
  using To = ChainThreshold::Op;
  switch (op) {
    case To::kGt: return "gt";
    case To::kGte: return "gte";
    case To::kLt: return "lt";
    case To::kLte: return "lte";
    case To::kEq: return "eq";
    case To::kNeq: break;
  }
  return "neq";
}

const char* NameOf(ChainRegister::Fn fn) {
  using Fn = ChainRegister::Fn;
  switch (fn) {
    case Fn::kLast: return "last";
    case Fn::kFirst: return "first";
    case Fn::kMax: return "max";
    case Fn::kMin: return "min";
    case Fn::kSum: return "sum";
    case Fn::kCount: return "count";
    case Fn::kDistinct: return "distinct";
    case Fn::kTimes: break;
  }
  return "times";
}

const char* NameOf(ChainOverlap overlap) {
  switch (overlap) {
    case ChainOverlap::kLatest: return "latest";
    case ChainOverlap::kFirst: return "first";
    case ChainOverlap::kAll: return "all";
    case ChainOverlap::kConsume: break;
  }
  return "consume";
}

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

std::string Infix(const ChainExpr& expression, const char* sign) {
  return "(" + ToYaml(expression.args[0]) + " " + sign + " " + ToYaml(expression.args[1]) + ")";
}

std::string Function(const ChainExpr& expression, const std::string& name) {
  std::string text = name + "(";
  for (std::size_t i = 0; i < expression.args.size(); ++i) {
    text += (i == 0 ? "" : ", ") + ToYaml(expression.args[i]);
  }
  return text + ")";
}

std::string LiteralText(const ChainValue& value) {
  using Kind = ChainValue::Kind;
  switch (value.kind) {
    case Kind::kBool: return value.whole == 1 ? "true" : "false";
    case Kind::kDecimal: return Decimal(value.decimal);
    case Kind::kText: return "'" + value.text + "'";
    case Kind::kSpan: return Seconds(value.whole);
    default: break;
  }
  return std::to_string(value.whole);
}

std::string TextToYaml(const ChainText& text) {
  std::string out = text.texts[0];
  for (std::size_t i = 0; i < text.expressions.size(); ++i) {
    out += "{{" + ToYaml(text.expressions[i]) + "}}" + text.texts[i + 1];
  }
  return Quoted(out);
}

class Writer {
 public:
  explicit Writer(const ChainWorld& world) : world_(world) {}

  std::string Write() {
    for (std::uint32_t i = 0; i < world_.detections; ++i) {
      const std::string name = Ref(i);
      out_ += "title: " + name + "\nname: " + name + "\nid: rule-" + name +
              "\nlogsource: {category: test}\ndetection: {s: {kind: " + name + "}, condition: s}\n";
      if (i < world_.takes.size()) Takes(world_.takes[i]);
      out_ += "---\n";
    }
    for (const ChainRule& rule : world_.rules) Rule(rule);
    return out_;
  }

 private:
  [[nodiscard]] std::string Ref(ChainRef ref) const {
    if (ref < world_.detections) return std::string(1, static_cast<char>('a' + ref));
    return world_.rules[ref - world_.detections].name;
  }
  [[nodiscard]] std::string Refs(const std::vector<ChainRef>& refs) const {
    std::string text = "[";
    for (const ChainRef ref : refs) text += (text.size() == 1 ? "" : ", ") + Ref(ref);
    return text + "]";
  }
  void Takes(const ChainTakes& takes) {
    if (takes.captures.empty() && takes.fields.empty() && takes.lookups.empty()) return;
    Line(0, "faultline:");
    if (!takes.captures.empty()) Line(2, "capture:");
    for (const ChainCapture& capture : takes.captures) {
      Line(4, "- field: " + capture.field);
      Line(6, (capture.is_template ? "template: '" : "re: '") + capture.pattern + "'");
      if (capture.is_template) {
        std::string names;
        for (const std::string& name : capture.names) names += (names.empty() ? "" : ", ") + name;
        Line(6, "as: [" + names + "]");
      }
      if (capture.join) Line(6, "join: '" + *capture.join + "'");
    }
    if (!takes.fields.empty()) Line(2, "fields:");
    for (const auto& [name, expression] : takes.fields) {
      Line(4, name + ": " + Quoted(ToYaml(expression)));
    }
    if (!takes.lookups.empty()) Line(2, "lookup:");
    for (const ChainLookup& lookup : takes.lookups) {
      const std::string otherwise = lookup.default_from ? "from" : lookup.otherwise;
      Line(4, "- {field: " + lookup.field + ", from: " + lookup.from + ", table: sites" +
                  (otherwise.empty() ? "" : ", default: " + otherwise) + "}");
    }
  }
  void Line(int indent, const std::string& text) {
    out_ += std::string(static_cast<std::size_t>(indent), ' ') + text + "\n";
  }

  // A condition as text.
  static std::string Text(const ChainRule& rule, const ChainCondition& condition) {
    using Kind = ChainCondition::Kind;
    switch (condition.kind) {
      case Kind::kStep: return rule.steps[condition.number].name;
      case Kind::kNot: return "not (" + Text(rule, condition.parts[0]) + ")";
      default: break;
    }
    std::string text = "(";
    for (const ChainCondition& part : condition.parts) {
      if (text.size() > 1) text += condition.kind == Kind::kAnd ? " and " : " or ";
      text += Text(rule, part);
    }
    return text + ")";
  }

  static bool HasSteps(const ChainRule& rule) {
    return std::any_of(rule.steps.begin(), rule.steps.end(),
                       [](const ChainStep& step) { return step.name[0] == 's'; });
  }

  void Condition(const ChainRule& rule) {
    const bool temporal =
        rule.type == ChainType::kTemporal || rule.type == ChainType::kTemporalOrdered;
    if (temporal && HasSteps(rule)) return;
    if (temporal && rule.condition.kind != ChainCondition::Kind::kAtLeast) {
      return Line(2, "condition: " + Text(rule, rule.condition));
    }
    if (temporal) {
      if (rule.condition.number < rule.steps.size()) {
        Line(2, "condition: {gte: " + std::to_string(rule.condition.number) + "}");
      }
      return;
    }
    Line(2, "condition:");
    for (const ChainThreshold& threshold : rule.thresholds) {
      Line(4, std::string(NameOf(threshold.op)) + ": " + Decimal(threshold.number));
    }
    if (rule.value_fields.size() == 1) Line(4, "field: " + rule.value_fields[0]);
    if (rule.value_fields.size() > 1)
      Line(4, "field: [" + rule.value_fields[0] + ", " + rule.value_fields[1] + "]");
    if (rule.type == ChainType::kValuePercentile)
      Line(4, "percentile: " + Decimal(rule.percentile));
  }

  void Rule(const ChainRule& rule) {
    Line(0, "title: " + rule.name);
    Line(0, "name: " + rule.name);
    Line(0, "id: " + rule.name);
    Line(0, "level: " + rule.level);
    Line(0, "correlation:");
    Line(2, std::string("type: ") + NameOf(rule.type));
    if (!HasSteps(rule)) {
      std::vector<ChainRef> refs;
      for (const ChainStep& step : rule.steps) refs.push_back(step.on);
      Line(2, "rules: " + Refs(refs));
    }
    if (!rule.group_by.empty()) {
      std::string fields;
      for (const std::string& field : rule.group_by) fields += (fields.empty() ? "" : ", ") + field;
      Line(2, "group-by: [" + fields + "]");
    }
    if (!rule.aliases.empty()) {
      Line(2, "aliases:");
      for (const auto& [name, fields] : rule.aliases) {
        Line(4, name + ":");
        for (const auto& [ref, field] : fields) Line(6, Ref(ref) + ": " + field);
      }
    }
    Line(2, "timespan: " + Seconds(rule.timespan));
    if (rule.generate) Line(2, "generate: true");
    Condition(rule);
    const std::size_t before = out_.size();
    Map(rule);
    if (out_.size() != before) out_.insert(before, "faultline:\n");
    out_ += "---\n";
  }

  void Map(const ChainRule& rule) {
    if (!rule.plain)
      Line(2, rule.update_every ? "update_every: " + Seconds(*rule.update_every)
                                : "update_every: never");
    if (rule.window == ChainWindow::kTumbling) Line(2, "window: tumbling");
    if (rule.window == ChainWindow::kSession) {
      Line(2, "window: session");
      Line(2, "gap: " + Seconds(rule.gap));
    }
    if (rule.refire == ChainRefire::kEvery) Line(2, "refire: every");
    if (rule.refire == ChainRefire::kWindow) Line(2, "refire: window");
    if (rule.refire == ChainRefire::kAfter) Line(2, "refire: " + Seconds(rule.refire_after));
    if (rule.ties_any) Line(2, "ties: any");
    if (rule.overlap != ChainOverlap::kLatest)
      Line(2, std::string("overlap: ") + NameOf(rule.overlap));
    if (HasSteps(rule)) StepsOf(rule);
    Absences(rule);
    Registers(rule);
    if (!rule.until.empty()) Line(2, "until: " + Refs(rule.until));
    if (rule.where) Line(2, "where: " + Quoted(ToYaml(*rule.where)));
    if (!rule.fields.empty()) {
      Line(2, "fields:");
      for (const auto& [name, expression] : rule.fields)
        Line(4, name + ": " + Quoted(ToYaml(expression)));
    }
    if (rule.choose) {
      Line(2, "choose: {group: " + rule.choose->group +
                  ", priority: " + std::to_string(rule.choose->priority) +
                  ", settle: " + Seconds(rule.choose->settle) + "}");
    }
    if (rule.resolve) Resolve(*rule.resolve);
    if (rule.suppress) Suppress(*rule.suppress);
    if (rule.cause.texts.size() > 1) Line(2, "explain: {cause: " + TextToYaml(rule.cause) + "}");
    if (rule.variants.empty()) return;
    Line(2, "variants:");
    for (const ChainVariant& variant : rule.variants) {
      Line(4, "- name: " + variant.name);
      if (variant.when) Line(6, "when: " + Quoted(ToYaml(*variant.when)));
      if (!variant.level.empty()) Line(6, "level: " + variant.level);
      if (!variant.title.empty()) Line(6, "title: " + variant.title);
      if (variant.cause) Line(6, "cause: " + TextToYaml(*variant.cause));
    }
  }

  void Resolve(const ChainResolve& resolve) {
    if (!resolve.quiet) return Line(2, "resolve: " + Refs(resolve.on));
    std::string text = "resolve: {quiet: " + Seconds(*resolve.quiet);
    if (!resolve.on.empty()) text += ", on: " + Refs(resolve.on);
    if (!resolve.of.empty()) text += ", of: " + Refs(resolve.of);
    Line(2, text + "}");
  }

  void Suppress(const ChainSuppress& suppress) {
    std::string by;
    for (const std::string& name : suppress.by) by += (by.empty() ? ", by: [" : ", ") + name;
    Line(2, "suppress: {for: " + Seconds(suppress.span) + by + (suppress.by.empty() ? "}" : "]}"));
  }

  void StepsOf(const ChainRule& rule) {
    Line(2, "steps:");
    for (const ChainStep& step : rule.steps) {
      Line(4, "- on: " + Ref(step.on));
      Line(6, "as: " + step.name);
      if (step.times > 1) {
        std::string times = "times: {gte: " + std::to_string(step.times);
        if (!step.distinct.empty()) times += ", distinct: " + step.distinct;
        if (step.times_within) times += ", within: " + Seconds(*step.times_within);
        Line(6, times + "}");
      }
      if (step.within) Line(6, "within: " + Seconds(*step.within));
      if (!step.bind.empty()) Line(6, "bind: " + Binds(rule, step.bind));
    }
    if (rule.type == ChainType::kTemporalOrdered) return;
    const ChainCondition& whole = rule.condition;
    const ChainCondition& some = whole.kind == ChainCondition::Kind::kAnd ? whole.parts[0] : whole;
    if (some.number < rule.steps.size()) Line(2, "some: " + std::to_string(some.number));
    if (whole.kind == ChainCondition::Kind::kAnd) {
      const auto& either = whole.parts[1].parts;
      Line(2, "require: [" +
                  Quoted(rule.steps[either[0].number].name + " or " +
                         rule.steps[either[1].number].name) +
                  "]");
    }
  }

  static std::string Binds(const ChainRule& rule, const std::vector<ChainBind>& binds) {
    std::string text = "{";
    for (const ChainBind& bind : binds) {
      text += (text.size() == 1 ? "" : ", ") + bind.field + ": " + rule.steps[bind.step].name +
              "." + bind.step_field;
    }
    return text + "}";
  }

  void Absences(const ChainRule& rule) {
    if (rule.absences.empty()) return;
    Line(2, "absent:");
    for (const ChainAbsence& absence : rule.absences) {
      using Kind = ChainAbsence::Kind;
      Line(4, "- on: " + Ref(absence.on));
      const std::string& step = rule.steps[absence.step].name;
      if (absence.kind == Kind::kBetween) {
        Line(6, "between: [" + step + ", " + rule.steps[absence.until].name + "]");
      } else {
        Line(6, (absence.kind == Kind::kAfter ? "after: " : "before: ") + step);
        Line(6, "within: " + Seconds(absence.within));
      }
      if (!absence.bind.empty()) Line(6, "bind: " + Binds(rule, absence.bind));
    }
  }

  void Registers(const ChainRule& rule) {
    if (rule.registers.empty()) return;
    Line(2, "registers:");
    for (const ChainRegister& reg : rule.registers) {
      Line(4, reg.name + ":");
      Line(6, "on: " + Ref(reg.on));
      Line(6, std::string("fn: ") + NameOf(reg.fn));
      if (!reg.field.empty()) Line(6, "field: " + reg.field);
      Line(6, "ttl: " + Seconds(reg.ttl));
      if (!reg.by.empty()) {
        const auto& [field, expression] = reg.by[0];
        const bool same = expression.op == Op::kName && expression.name == field;
        Line(6, same ? "by: [" + field + "]"
                     : "by: [{" + field + ": " + Quoted(ToYaml(expression)) + "}]");
      }
      if (reg.reset) Line(6, "reset: " + Ref(*reg.reset));
    }
  }

  const ChainWorld& world_;
  std::string out_;
};

}  // namespace

ChainWorld MakeWorld(Random& random, ChainFamily family) {
  ChainWorld world = Worlds(random).Make(family);
  for (ChainRule& rule : world.rules) {
    if (rule.window != ChainWindow::kSliding || rule.refire != ChainRefire::kNone || rule.ties_any)
      rule.plain = false;
  }
  return world;
}

std::string ToYaml(const ChainWorld& world) { return Writer(world).Write(); }

std::string TableOf(const ChainWorld& world) {
  std::string csv;
  for (const std::vector<std::string>& row : world.table) {
    for (std::size_t i = 0; i < row.size(); ++i) csv += (i == 0 ? "" : ",") + row[i];
    csv += '\n';
  }
  return csv;
}

std::string ToYaml(const ChainExpr& expression) {
  switch (expression.op) {
    case Op::kLiteral: return LiteralText(expression.literal);
    case Op::kStepField: return expression.name + "." + expression.field;
    case Op::kStepTime: return expression.name + ".time";
    case Op::kStepCount: return expression.name + ".count";
    case Op::kSeen: return "seen(" + expression.name + ")";
    case Op::kRegister: return "reg." + expression.name;
    case Op::kPrevious: return "prev." + expression.name;
    case Op::kCountTimes:
      return "count(reg." + expression.name + ", " + ToYaml(expression.args[0]) + ", " +
             ToYaml(expression.args[1]) + ")";
    case Op::kName: return expression.name;
    case Op::kMatched: return "matched";
    case Op::kTotal: return "total";
    case Op::kTime: return "time";
    case Op::kValue: return "value";
    case Op::kCount: return "count";
    case Op::kNot: return "(not " + ToYaml(expression.args[0]) + ")";
    case Op::kAnd: return Infix(expression, "and");
    case Op::kOr: return Infix(expression, "or");
    case Op::kEqual: return Infix(expression, "==");
    case Op::kNotEqual: return Infix(expression, "!=");
    case Op::kLess: return Infix(expression, "<");
    case Op::kLessOrEqual: return Infix(expression, "<=");
    case Op::kGreater: return Infix(expression, ">");
    case Op::kGreaterOrEqual: return Infix(expression, ">=");
    case Op::kAdd: return Infix(expression, "+");
    case Op::kSubtract: return Infix(expression, "-");
    case Op::kMultiply: return Infix(expression, "*");
    case Op::kDivide: return Infix(expression, "/");
    case Op::kNegate: return "(- " + ToYaml(expression.args[0]) + ")";
    case Op::kExists: return Function(expression, "exists");
    case Op::kAbs: return Function(expression, "abs");
    case Op::kMin: return Function(expression, "min");
    case Op::kMax: return Function(expression, "max");
    case Op::kCoalesce: return Function(expression, "coalesce");
    case Op::kIf: return Function(expression, "if");
    case Op::kLower: return Function(expression, "lower");
    case Op::kNumber: return Function(expression, "number");
    case Op::kText: break;
  }
  return Function(expression, "text");
}

std::vector<ChainEvent> MakeStream(Random& random, std::size_t events) {
  const std::uint64_t sources = 1 + Below(random, 3);
  std::vector<ChainEvent> stream;
  // Every span of the rules is a whole number of seconds, so that these meet them often.
  std::int64_t time =
      1'767'225'600 * kSecond + static_cast<std::int64_t>(Below(random, 13)) * kSecond;
  for (std::size_t i = 0; i < events; ++i) {
    time += Pick<std::int64_t>(random, {0, 0, 1, 1, 1, 2, 3, 5}) * kSecond;
    if (Chance(random, 4)) time += 40 * kSecond;
    ChainEvent event;
    event.time = time + Pick<std::int64_t>(random, {0, 0, 0, 0, 0, 0, 1, -1, kSecond / 2});
    const std::uint64_t source = Below(random, sources);
    event.origin = {source == 2 ? "s" : "t", static_cast<std::int32_t>(source % 2),
                    static_cast<std::int64_t>(i), 0};
    for (ChainRef rule = 0; rule < kDetections; ++rule) {
      if (Chance(random, 32)) event.rules.push_back(rule);
    }
    const auto text = [&](std::initializer_list<std::string> values) {
      return Pick(random, values);
    };
    if (!Chance(random, 4)) {
      event.fields["u"] = {text({"x", "x", "y"})};
      if (Chance(random, 10)) event.fields["u"].push_back(text({"x", "y", "z"}));
    }
    if (!Chance(random, 10)) event.fields["h"] = {text({"p", "q"})};
    if (!Chance(random, 10))
      event.fields["v"] = {text({"0", "1", "2", "3", "5", "8", "2.5", "-1", "odd"})};
    if (!Chance(random, 10)) event.fields["w"] = {text({"p", "q", "R", "2", ""})};
    const auto message = [&] {
      if (Chance(random, 8)) return std::string("nothing failed");
      return text({"disk ", "disk ", "Disk ", "DISK  "}) + text({"1", "2", "x", "y"}) +
             text({" on ", " on ", "  on "}) + text({"p", "q", "x", "1"}) +
             text({"", " failed", " failed ", " was 1", " was x"});
    };
    if (!Chance(random, 15)) event.fields["m"] = {message()};
    if (Chance(random, 12)) event.fields["m"].push_back(message());
    stream.push_back(std::move(event));
  }
  std::sort(stream.begin(), stream.end(), [](const ChainEvent& a, const ChainEvent& b) {
    return std::tie(a.time, a.origin) < std::tie(b.time, b.origin);
  });
  // Offsets ascend with time in each source.
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> next;
  for (ChainEvent& event : stream) {
    event.origin.offset = next[{event.origin.topic, event.origin.partition}]++;
  }
  return stream;
}

std::string ToJson(const ChainEvent& event) {
  std::string json = "{\"@timestamp\":\"" + ToString(EventTime::Raw(event.time)) + "\",\"kind\":[";
  for (std::size_t i = 0; i < event.rules.size(); ++i) {
    json +=
        (i == 0 ? "\"" : ",\"") + std::string(1, static_cast<char>('a' + event.rules[i])) + "\"";
  }
  json += "]";
  for (const auto& [name, values] : event.fields) {
    std::string list;
    for (const std::string& value : values) {
      const bool number = name == "v" && value != "odd";
      list += (list.empty() ? "" : ",") + (number ? value : Quoted(value));
    }
    json += ",\"" + name + "\":" + (values.size() == 1 ? list : "[" + list + "]");
  }
  return json + "}";
}

std::vector<ChainEvent> Shuffled(Random& random, std::vector<ChainEvent> events) {
  // Each is held up by at most the lateness: nothing that comes before it lies further ahead.
  std::vector<std::pair<std::int64_t, ChainEvent>> held;
  const bool calm = Chance(random, 30);
  for (ChainEvent& event : events) {
    const std::int64_t hold =
        calm ? 0 : static_cast<std::int64_t>(Below(random, kChainLateness + 1));
    held.emplace_back(event.time + hold, std::move(event));
  }
  std::stable_sort(held.begin(), held.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<ChainEvent> arrived;
  for (auto& [at, event] : held) arrived.push_back(std::move(event));
  return arrived;
}

}  // namespace faultline::testing
