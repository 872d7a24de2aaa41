// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/brute_chains.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <memory>
#include <set>

#include "tests/reference/brute_expressions.h"

namespace faultline::reference {
namespace {

using Texts = std::vector<std::string>;
using Op = ChainExpr::Op;

constexpr std::int64_t kLongAgo = std::numeric_limits<std::int64_t>::min() / 4;

// One rule at one point of the order.
struct RuleHit {
  ChainRef rule = 0;
  ChainFields fields;
};

// All that one event or timer said to one key of one correlation.
struct Seen {
  std::int64_t point = 0;  // place in the order
  std::int64_t time = 0;
  bool deadline = false;  // a timer: no origin
  ChainOrigin origin;
  std::vector<RuleHit> hits;

  [[nodiscard]] const ChainFields* Of(ChainRef rule) const {
    for (const RuleHit& hit : hits) {
      if (hit.rule == rule) return &hit.fields;
    }
    return nullptr;
  }
};

struct Bound {
  const Seen* seen = nullptr;
  ChainRef rule = 0;
};
using Steps = std::vector<std::vector<Bound>>;  // per step its evidence, oldest first

const std::string* First(const ChainFields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() || found->second.empty() ? nullptr : &found->second.front();
}

// One way through a sequence, or the steps of a set.
struct Chain {
  Steps steps;
  std::int64_t deadline = kLongAgo;  // the last one that it waits for
  bool complete = false;

  [[nodiscard]] const Seen& First() const { return *steps[0].front().seen; }  // of a sequence
  [[nodiscard]] std::int64_t FirstTime() const {
    std::int64_t first = std::numeric_limits<std::int64_t>::max();
    for (const auto& step : steps) {
      for (const Bound& bound : step) first = std::min(first, bound.seen->time);
    }
    return first;
  }
};

struct Registered {
  std::int64_t point = 0, time = 0;
  Texts key;
  bool reset = false;
  ChainValue value;
};

struct KeyState {
  Texts key;
  std::deque<Seen> history;   // never shortened; addresses stay
  std::int64_t cleared = -1;  // steps see nothing at or before that point
  bool on = false;
  std::int64_t last_fired = kLongAgo;
  std::int64_t judged_window = kLongAgo;   // tumbling: the last one, and session: its last arrival
  bool cut = false;                        // session: the last one judged was cut by its length
  std::vector<std::vector<Chain>> states;  // sequence: per state its partials, oldest first
  std::optional<Chain> waiting;            // set: complete but for its deadline
};

struct CountView {
  std::vector<const Seen*> counted;
  ChainValue value;
  bool holds = false;
};

// What fired, before `choose` and `suppress`; then an open incident.
struct Fired {
  std::uint32_t rule = 0;
  Texts key;
  ChainAlert alert;  // as last told
  Texts suppress_key;
  Digest incident;
  Steps steps;
  ChainValue value;
  std::int64_t count = 0;
  // Of an open incident.
  std::string said;
  std::int64_t told_at = 0;
  std::optional<std::int64_t> changed;  // and not told
  std::int64_t stirred = 0;
};

enum class DueKind { kOperator, kQuiet, kChoice, kUpdate, kExpiry };
// A key behind the hash that timers of one time are ordered by.
struct DueKey {
  DueKey(Texts of) : key(std::move(of)) {  // NOLINT: a key stands for itself
    DigestBuilder builder;
    for (const std::string& part : key) builder.Add(part);
    hash = builder.Finish();
  }
  Digest hash;
  Texts key;
  friend auto operator<=>(const DueKey&, const DueKey&) = default;
};
// Expiries act behind all other timers of their time.
using Due = std::tuple<std::int64_t, bool, std::uint32_t, DueKind, DueKey>;

// The last rule of a choose group, and the group key.
using Choice = std::pair<std::uint32_t, Texts>;

class Machine {
 public:
  explicit Machine(const ChainWorld& world)
      : world_(world),
        states_(world.rules.size()),
        registered_(world.rules.size()),
        hidden_(world.rules.size()) {
    for (std::size_t c = 0; c < world.rules.size(); ++c) {
      registered_[c].resize(world.rules[c].registers.size());
    }
  }

  std::vector<ChainAlert> Run(std::vector<ChainEvent> events) {
    std::sort(events.begin(), events.end(), [](const ChainEvent& a, const ChainEvent& b) {
      return std::tie(a.time, a.origin) < std::tie(b.time, b.origin);
    });
    for (const ChainEvent& event : events) {
      RunTimers(event.time);
      OnEvent(event);
    }
    RunTimers(std::numeric_limits<std::int64_t>::max());
    return std::move(alerts_);
  }

 private:
  class Names;

  // Fires for what was counted in a window.
  void FireCount(std::uint32_t c, KeyState& state, const CountView& view, const Seen* deciding,
                 std::int64_t time);
  [[nodiscard]] bool Where(std::uint32_t c, const KeyState& state, const Steps& steps,
                           const Seen* deciding, std::int64_t time) const;
  // Level, title and cause of `alert` as the variants have it; returns all that it says.
  std::string Compose(std::uint32_t c, const Names& names, const Steps& steps,
                      ChainAlert& alert) const;
  // The same for an open incident at `at`.
  std::string Compose(Fired& open, std::int64_t at) const;
  // The edge for the parents, and the record.
  void Fire(std::uint32_t c, KeyState& state, const Steps& evidence, const Steps& steps,
            const Seen* deciding, std::int64_t time, const ChainValue& value, std::int64_t count);

  // ------------------------------------------------------------------------------- the order
  void OnEvent(const ChainEvent& event) {
    ++point_;
    now_ = Seen{point_, event.time, false, event.origin, {}};
    for (const ChainRef rule : event.rules) {
      now_.hits.push_back({rule, Taken(world_, rule, event.fields)});
    }
    for (std::uint32_t c = 0; c < world_.rules.size(); ++c) Arrive(c);
  }

  void RunTimers(std::int64_t before) {
    while (!timers_.empty() && std::get<0>(*timers_.begin()) < before) {
      const Due due = *timers_.begin();
      timers_.erase(timers_.begin());
      const auto& [time, last, c, kind, due_key] = due;
      const Texts& key = due_key.key;
      ++point_;
      now_ = Seen{point_, time, true, {}, {}};
      if (kind == DueKind::kChoice) {
        Choose({c, key}, time);
        continue;
      }
      if (kind == DueKind::kQuiet || kind == DueKind::kUpdate) {
        OnIncidentTimer(c, key, time, kind == DueKind::kQuiet);
        continue;
      }
      EndOver(c, states_[c].at(key));
      OnTimer(c, states_[c].at(key), time, last);
      for (std::uint32_t parent = c + 1; parent < world_.rules.size(); ++parent) Arrive(parent);
    }
  }

  void Arrive(std::uint32_t c) {
    const ChainRule& rule = world_.rules[c];
    std::vector<RuleHit> mine;
    for (const ChainRef input : InputsOf(rule)) {
      for (const RuleHit& hit : now_.hits) {
        if (hit.rule == input) mine.push_back(hit);
      }
    }
    if (mine.empty()) return;
    for (std::uint32_t r = 0; r < rule.registers.size(); ++r) Register(c, r, mine);
    std::vector<std::pair<Texts, std::vector<RuleHit>>> by_key;
    for (const RuleHit& hit : mine) {
      for (const Texts& key : KeysOf(rule, hit)) {
        auto at = std::find_if(by_key.begin(), by_key.end(),
                               [&key](const auto& each) { return each.first == key; });
        if (at == by_key.end()) at = by_key.insert(by_key.end(), {key, {}});
        at->second.push_back(hit);
      }
    }
    for (auto& [key, hits] : by_key) {
      KeyState& state = states_[c][key];
      state.key = key;
      Overtake(c, state, now_.time);
      state.history.push_back(now_);
      state.history.back().hits = std::move(hits);
      OnArrival(c, state);
    }
  }

  // Every rule that `rule` listens to, once, in the order of mention.
  static std::vector<ChainRef> InputsOf(const ChainRule& rule) {
    std::vector<ChainRef> inputs;
    const auto add = [&inputs](ChainRef input) {
      if (std::find(inputs.begin(), inputs.end(), input) == inputs.end()) inputs.push_back(input);
    };
    for (const ChainStep& step : rule.steps) add(step.on);
    for (const ChainAbsence& absence : rule.absences) add(absence.on);
    for (const ChainRegister& reg : rule.registers) {
      add(reg.on);
      if (reg.reset) add(*reg.reset);
    }
    for (const ChainRef input : rule.until) add(input);
    if (rule.resolve) {
      for (const ChainRef input : rule.resolve->on) add(input);
      for (const ChainRef input : rule.resolve->of) add(input);
    }
    return inputs;
  }

  static std::vector<Texts> KeysOf(const ChainRule& rule, const RuleHit& hit) {
    std::vector<Texts> keys(1);
    for (const std::string& name : rule.group_by) {
      std::string field = name;
      const auto alias = rule.aliases.find(name);
      if (alias != rule.aliases.end() && alias->second.count(hit.rule) != 0) {
        field = alias->second.at(hit.rule);
      }
      std::vector<Texts> longer;
      const auto found = hit.fields.find(field);
      if (found == hit.fields.end()) return {};
      for (const Texts& key : keys) {
        std::set<std::string> told;
        for (const std::string& value : found->second) {
          if (longer.size() == 16) break;
          if (!told.insert(value).second) continue;
          longer.push_back(key);
          longer.back().push_back(value);
        }
      }
      keys = std::move(longer);
    }
    return keys;
  }

  // --------------------------------------------------------------------------------- registers
  void Register(std::uint32_t c, std::uint32_t r, const std::vector<RuleHit>& hits) {
    const ChainRegister& reg = world_.rules[c].registers[r];
    const auto keys_of = [&](const RuleHit& hit) -> std::vector<Texts> {
      if (reg.by.empty()) return KeysOf(world_.rules[c], hit);
      Texts key;
      for (const auto& entry : reg.by) {
        const std::string* value = First(hit.fields, entry.first);
        if (value == nullptr) return {};
        key.push_back(*value);
      }
      return {key};
    };
    for (const RuleHit& hit : hits) {
      if (!reg.reset || hit.rule != *reg.reset) continue;
      for (const Texts& key : keys_of(hit)) {
        registered_[c][r].push_back({now_.point, now_.time, key, true, {}});
      }
    }
    for (const RuleHit& hit : hits) {
      if (hit.rule != reg.on) continue;
      ChainValue value;
      if (reg.field == "time") {
        value = ChainValue::Time(now_.time);
      } else if (!reg.field.empty()) {
        const std::string* text = First(hit.fields, reg.field);
        if (text == nullptr) continue;
        value = ChainValue::Text(*text);
      }
      using Fn = ChainRegister::Fn;
      if (reg.fn == Fn::kMax || reg.fn == Fn::kMin || reg.fn == Fn::kSum) {
        value = AsNumber(value);
        if (!IsNumber(value)) continue;
      }
      for (const Texts& key : keys_of(hit)) {
        registered_[c][r].push_back({now_.point, now_.time, key, false, value});
      }
    }
  }

  // What the register holds for `key` at `at`, of points up to `point`; oldest first.
  [[nodiscard]] std::vector<Registered> Held(std::uint32_t c, std::uint32_t r, const Texts& key,
                                             std::int64_t at, std::int64_t point) const {
    std::vector<Registered> held;
    for (const Registered& each : registered_[c][r]) {
      if (each.key != key || each.point > point) continue;
      if (each.reset) {
        held.clear();
      } else if (each.time >= at - world_.rules[c].registers[r].ttl) {
        held.push_back(each);
      }
    }
    return held;
  }

  [[nodiscard]] ChainValue ReadRegister(std::uint32_t c, std::uint32_t r, const Texts& key,
                                        std::int64_t at, std::int64_t point) const {
    using Fn = ChainRegister::Fn;
    const std::vector<Registered> held = Held(c, r, key, at, point);
    if (held.empty()) return {};
    ChainValue value = held.front().value;
    switch (world_.rules[c].registers[r].fn) {
      case Fn::kFirst: return value;
      case Fn::kLast: return held.back().value;
      case Fn::kCount: return ChainValue::Whole(static_cast<std::int64_t>(held.size()));
      case Fn::kDistinct: {
        std::set<std::string> texts;
        for (const Registered& each : held) texts.insert(Show(each.value));
        return ChainValue::Whole(static_cast<std::int64_t>(texts.size()));
      }
      case Fn::kTimes: return {};
      case Fn::kMax:
      case Fn::kMin: {
        const int wanted = world_.rules[c].registers[r].fn == Fn::kMax ? 1 : -1;
        for (const Registered& each : held) {
          if (CompareNumbers(each.value, value) == wanted) value = each.value;
        }
        return value;
      }
      case Fn::kSum: break;
    }
    for (std::size_t i = 1; i < held.size(); ++i) value = Add(value, held[i].value);
    return value;
  }

  // ------------------------------------------------------------------------------------ counts
  [[nodiscard]] static bool IsStep(const ChainRule& rule, const Seen& seen) {
    return std::any_of(rule.steps.begin(), rule.steps.end(),
                       [&seen](const ChainStep& step) { return seen.Of(step.on) != nullptr; });
  }

  // The number or the tuple that the arrival counts with; nothing where it does not count.
  [[nodiscard]] static std::optional<ChainValue> Counted(const ChainRule& rule, const Seen& seen) {
    if (!IsStep(rule, seen)) return std::nullopt;
    if (rule.type == ChainType::kEventCount || rule.type == ChainType::kTemporal) {
      return ChainValue{};
    }
    std::string tuple;
    for (const ChainStep& step : rule.steps) {
      const ChainFields* fields = seen.Of(step.on);
      if (fields == nullptr) continue;
      for (const std::string& name : rule.value_fields) {
        const std::string* value = First(*fields, name);
        if (value == nullptr) return std::nullopt;
        if (rule.type != ChainType::kValueCount) {
          const ChainValue number = AsNumber(ChainValue::Text(*value));
          return IsNumber(number) ? std::optional(number) : std::nullopt;
        }
        tuple += std::to_string(value->size()) + ":" + *value;
      }
      break;
    }
    return ChainValue::Text(tuple);
  }

  [[nodiscard]] static ChainValue Aggregate(const ChainRule& rule, std::vector<ChainValue> values) {
    const auto n = static_cast<std::int64_t>(values.size());
    if (rule.type == ChainType::kEventCount) return ChainValue::Whole(n);
    if (rule.type == ChainType::kValueCount) {
      std::set<std::string> texts;
      for (const ChainValue& value : values) texts.insert(value.text);
      return ChainValue::Whole(static_cast<std::int64_t>(texts.size()));
    }
    __extension__ __int128 whole = 0;
    long double sum = 0;
    bool exact = true;
    for (const ChainValue& value : values) {
      exact = exact && value.kind == ChainValue::Kind::kWhole;
      whole += value.whole;
      sum += value.kind == ChainValue::Kind::kWhole ? static_cast<long double>(value.whole)
                                                    : value.decimal;
    }
    exact = exact && whole == static_cast<std::int64_t>(whole);
    if (rule.type == ChainType::kValueSum) {
      return exact ? ChainValue::Whole(static_cast<std::int64_t>(whole))
                   : ChainValue::Decimal(static_cast<double>(sum));
    }
    if (n == 0) return {};
    if (rule.type == ChainType::kValueAvg) {
      return ChainValue::Decimal(static_cast<double>(sum / static_cast<long double>(n)));
    }
    std::sort(values.begin(), values.end(),
              [](const ChainValue& a, const ChainValue& b) { return CompareNumbers(a, b) < 0; });
    const double p = rule.type == ChainType::kValueMedian ? 50 : rule.percentile;
    const double rank = static_cast<double>(n - 1) * p / 100;
    const auto low = static_cast<std::size_t>(std::floor(rank));
    const double a = AsDecimal(values[low]);
    const double b = AsDecimal(values[std::min<std::size_t>(low + 1, values.size() - 1)]);
    return ChainValue::Decimal(a + (rank - std::floor(rank)) * (b - a));
  }

  [[nodiscard]] static bool Passes(const std::vector<ChainThreshold>& thresholds,
                                   const ChainValue& value) {
    using To = ChainThreshold::Op;
    if (!IsNumber(value)) return false;
    return std::all_of(
        thresholds.begin(), thresholds.end(), [&value](const ChainThreshold& threshold) {
          const int order = CompareNumbers(value, ChainValue::Decimal(threshold.number));
          switch (threshold.op) {
            case To::kGt: return order > 0;
            case To::kGte: return order >= 0;
            case To::kLt: return order < 0;
            case To::kLte: return order <= 0;
            case To::kEq: return order == 0;
            case To::kNeq: break;
          }
          return order != 0;
        });
  }

  // The predicate over the counted arrivals with a time in [from, to].
  [[nodiscard]] CountView LookAt(const ChainRule& rule, const KeyState& state, std::int64_t from,
                                 std::int64_t to) const {
    CountView view;
    std::vector<ChainValue> values;
    for (const Seen& seen : state.history) {
      if (seen.time < from || seen.time > to) continue;
      const auto value = Counted(rule, seen);
      if (!value) continue;
      view.counted.push_back(&seen);
      values.push_back(*value);
    }
    if (rule.type == ChainType::kTemporal) {
      const Steps steps = NewestOf(rule, view.counted);
      view.holds = Meets(rule.condition, steps);
      view.value = ChainValue::Whole(Matched(steps));
    } else {
      view.value = Aggregate(rule, std::move(values));
      view.holds = Passes(rule.thresholds, view.value);
    }
    return view;
  }

  // Per rule its newest arrival.
  [[nodiscard]] static Steps NewestOf(const ChainRule& rule,
                                      const std::vector<const Seen*>& counted) {
    Steps steps(rule.steps.size());
    for (std::size_t s = 0; s < steps.size(); ++s) {
      for (const Seen* seen : counted) {
        if (seen->Of(rule.steps[s].on) != nullptr) steps[s] = {{seen, rule.steps[s].on}};
      }
    }
    return steps;
  }

  // Per rule all of its arrivals.
  [[nodiscard]] static Steps AllOf(const ChainRule& rule, const std::vector<const Seen*>& counted) {
    Steps steps(rule.steps.size());
    for (std::size_t s = 0; s < steps.size(); ++s) {
      for (const Seen* seen : counted) {
        if (seen->Of(rule.steps[s].on) != nullptr) steps[s].push_back({seen, rule.steps[s].on});
      }
    }
    return steps;
  }

  [[nodiscard]] static std::int64_t Matched(const Steps& steps) {
    return std::count_if(steps.begin(), steps.end(),
                         [](const std::vector<Bound>& step) { return !step.empty(); });
  }

  [[nodiscard]] static bool Meets(const ChainCondition& condition, const Steps& steps) {
    using Kind = ChainCondition::Kind;
    const auto meets = [&steps](const ChainCondition& part) { return Meets(part, steps); };
    switch (condition.kind) {
      case Kind::kStep: return !steps[condition.number].empty();
      case Kind::kAnd: return std::all_of(condition.parts.begin(), condition.parts.end(), meets);
      case Kind::kOr: return std::any_of(condition.parts.begin(), condition.parts.end(), meets);
      case Kind::kNot: return !meets(condition.parts[0]);
      case Kind::kAtLeast: break;
    }
    return Matched(steps) >= condition.number;
  }

  // An edge, a repetition, or neither.
  [[nodiscard]] static bool Wants(const ChainRule& rule, const KeyState& state, bool holds,
                                  bool arrived, std::int64_t time) {
    if (!holds) return false;
    if (!state.on) return true;
    if (!arrived) return false;
    switch (rule.refire) {
      case ChainRefire::kNone: return false;
      case ChainRefire::kEvery:
      case ChainRefire::kWindow: return true;
      case ChainRefire::kAfter: break;
    }
    return time - state.last_fired >= rule.refire_after;
  }

  void SlideCount(std::uint32_t c, KeyState& state, const Seen* arrival, std::int64_t time) {
    const ChainRule& rule = world_.rules[c];
    if (arrival != nullptr && !Counted(rule, *arrival)) return;
    if (arrival != nullptr) SetExpiry(time, c, state);
    const CountView view = LookAt(rule, state, time - rule.timespan, time);
    const bool fires = Wants(rule, state, view.holds, arrival != nullptr, time);
    state.on = view.holds;
    if (fires) FireCount(c, state, view, arrival, time);
  }

  static std::int64_t WindowOf(std::int64_t time, std::int64_t span) {
    std::int64_t index = time / span;
    if (time % span < 0) --index;
    return index;
  }

  void Judge(std::uint32_t c, KeyState& state, const CountView& view, std::int64_t time) {
    const bool fires = Wants(world_.rules[c], state, view.holds, true, time);
    state.on = view.holds;
    if (fires) FireCount(c, state, view, nullptr, time);
  }

  void JudgeTumbling(std::uint32_t c, KeyState& state, std::int64_t due) {
    const ChainRule& rule = world_.rules[c];
    const std::int64_t index = WindowOf(due, rule.timespan) - 1;
    const CountView view = LookAt(rule, state, due - rule.timespan, due - 1);
    if (view.counted.empty()) return;
    if (state.judged_window != index - 1) state.on = false;
    state.judged_window = index;
    Judge(c, state, view, due);
  }

  // The sessions of a key so far: (first, last) times.
  [[nodiscard]] static std::vector<std::pair<std::int64_t, std::int64_t>> SessionsOf(
      const ChainRule& rule, const KeyState& state) {
    std::vector<std::pair<std::int64_t, std::int64_t>> sessions;
    for (const Seen& seen : state.history) {
      if (!Counted(rule, seen)) continue;
      if (sessions.empty() || seen.time > sessions.back().second + rule.gap ||
          seen.time > sessions.back().first + rule.timespan) {
        sessions.emplace_back(seen.time, seen.time);
      }
      sessions.back().second = seen.time;
    }
    return sessions;
  }

  void JudgeSession(std::uint32_t c, KeyState& state, std::int64_t due) {
    const ChainRule& rule = world_.rules[c];
    const auto sessions = SessionsOf(rule, state);
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      const auto& [first, last] = sessions[i];
      if (std::min(last + rule.gap, first + rule.timespan) != due) continue;
      const bool consecutive = i > 0 && first <= sessions[i - 1].second + rule.gap;
      if (!consecutive) state.on = false;
      Judge(c, state, LookAt(rule, state, first, last), due);
    }
  }

  void OnCounted(std::uint32_t c, KeyState& state, const Seen& arrival) {
    const ChainRule& rule = world_.rules[c];
    if (rule.window == ChainWindow::kSliding) return SlideCount(c, state, &arrival, arrival.time);
    if (!Counted(rule, arrival)) return;
    if (rule.window == ChainWindow::kTumbling) {
      return SetTimer((WindowOf(arrival.time, rule.timespan) + 1) * rule.timespan, c, state);
    }
    const auto [first, last] = SessionsOf(rule, state).back();
    SetTimer(std::min(last + rule.gap, first + rule.timespan), c, state);
  }

  // ------------------------------------------------------------------------------------ chains
  // The event's fields agree with those of the bound steps.
  [[nodiscard]] static bool Agrees(const std::vector<ChainBind>& binds, const ChainFields& fields,
                                   const Steps& steps) {
    return std::all_of(binds.begin(), binds.end(), [&](const ChainBind& bind) {
      if (steps[bind.step].empty()) return false;
      const Bound& bound = steps[bind.step].back();
      const std::string* mine = First(fields, bind.field);
      const std::string* theirs = First(*bound.seen->Of(bound.rule), bind.step_field);
      return mine != nullptr && theirs != nullptr && *mine == *theirs;
    });
  }

  // The evidence with which step `s` occurs at arrival `i`; empty where it does not. `others`: what
  // is bound of the other steps.
  [[nodiscard]] static std::vector<Bound> Occurs(const ChainRule& rule, const KeyState& state,
                                                 std::size_t s, std::size_t i, Steps others) {
    const ChainStep& step = rule.steps[s];
    const Seen& seen = state.history[i];
    if (seen.point <= state.cleared || seen.Of(step.on) == nullptr) return {};
    std::vector<Bound> evidence;
    std::set<std::string> values;
    for (std::size_t j = i + 1; j-- > 0 && evidence.size() < step.times;) {
      const Seen& earlier = state.history[j];
      if (earlier.point <= state.cleared) break;
      const ChainFields* fields = earlier.Of(step.on);
      if (fields == nullptr) continue;
      if (!step.distinct.empty()) {
        const std::string* value = First(*fields, step.distinct);
        if (value == nullptr && j == i) return {};
        if (value == nullptr || !values.insert(*value).second) continue;
      }
      evidence.insert(evidence.begin(), {&earlier, step.on});
    }
    if (evidence.size() < step.times) return {};
    const std::int64_t within = step.times_within.value_or(rule.timespan);
    if (evidence.front().seen->time < seen.time - within) return {};
    others[s] = evidence;
    // What the same event says of an absence behind it, and what came before it.
    for (const ChainAbsence& absence : rule.absences) {
      if (absence.step != s || absence.kind == ChainAbsence::Kind::kBetween) continue;
      const bool after = absence.kind == ChainAbsence::Kind::kAfter;
      if (after && absence.on == step.on) continue;
      for (std::size_t j = after ? i : 0; j < (after ? i + 1 : i); ++j) {
        const Seen& other = state.history[j];
        const ChainFields* fields = other.Of(absence.on);
        if (fields == nullptr || other.time < seen.time - absence.within) continue;
        if (Agrees(absence.bind, *fields, others)) return {};
      }
    }
    return evidence;
  }

  // `seen` forbids what `steps` binds: it came too soon behind a step, or between two.
  [[nodiscard]] static bool Forbids(const ChainAbsence& absence, const Seen& seen,
                                    const Steps& steps) {
    const ChainFields* fields = seen.Of(absence.on);
    if (fields == nullptr || steps[absence.step].empty()) return false;
    const Seen& step = *steps[absence.step].back().seen;
    if (seen.point <= step.point || !Agrees(absence.bind, *fields, steps)) return false;
    if (absence.kind == ChainAbsence::Kind::kAfter) return seen.time <= step.time + absence.within;
    return absence.kind == ChainAbsence::Kind::kBetween && steps[absence.until].empty();
  }
  [[nodiscard]] static bool Forbidden(const ChainRule& rule, const Seen& seen, const Steps& steps) {
    return std::any_of(rule.absences.begin(), rule.absences.end(),
                       [&](const ChainAbsence& absence) { return Forbids(absence, seen, steps); });
  }

  [[nodiscard]] static std::int64_t DeadlineOf(const ChainRule& rule, const Steps& steps) {
    std::int64_t deadline = kLongAgo;
    for (const ChainAbsence& absence : rule.absences) {
      if (absence.kind != ChainAbsence::Kind::kAfter || steps[absence.step].empty()) continue;
      deadline = std::max(deadline, steps[absence.step].back().seen->time + absence.within);
    }
    return deadline;
  }

  // Per step its newest occurrence in the window that ends at `at`.
  [[nodiscard]] static Steps BoundAt(const ChainRule& rule, const KeyState& state,
                                     std::int64_t at) {
    Steps steps(rule.steps.size());
    for (std::size_t s = 0; s < steps.size(); ++s) {
      for (std::size_t i = state.history.size(); i-- > 0;) {
        std::vector<Bound> evidence = Occurs(rule, state, s, i, Steps(steps.size()));
        if (evidence.empty()) continue;
        Steps alone(steps.size());
        alone[s] = evidence;
        bool gone = evidence.front().seen->time < at - rule.timespan;
        for (std::size_t j = i + 1; j < state.history.size(); ++j) {
          for (const ChainAbsence& absence : rule.absences) {
            gone = gone || (absence.kind == ChainAbsence::Kind::kAfter && absence.step == s &&
                            Forbids(absence, state.history[j], alone));
          }
        }
        if (!gone) steps[s] = std::move(evidence);
        break;
      }
    }
    return steps;
  }

  void FireChain(std::uint32_t c, KeyState& state, const Steps& steps, const Seen* deciding,
                 std::int64_t time) {
    state.last_fired = time;
    Fire(c, state, steps, steps, deciding, time, {}, Matched(steps));
    if (world_.rules[c].overlap != ChainOverlap::kConsume) return;
    Clear(state, point_);
  }

  static void Clear(KeyState& state, std::int64_t point) {
    state.cleared = point;
    state.on = false;
    state.waiting.reset();
    for (auto& partials : state.states) partials.clear();
  }

  [[nodiscard]] static bool HasAny(const std::vector<ChainRef>& rules, const Seen& seen) {
    return std::any_of(rules.begin(), rules.end(),
                       [&seen](ChainRef rule) { return seen.Of(rule) != nullptr; });
  }

  // The arrival is not only one that resolves.
  [[nodiscard]] static bool Concerns(const ChainRule& rule, const Seen& arrival) {
    ChainRule unresolved = rule;
    unresolved.resolve.reset();
    return HasAny(InputsOf(unresolved), arrival);
  }

  void OnSet(std::uint32_t c, KeyState& state, const Seen* arrival, std::int64_t time) {
    const ChainRule& rule = world_.rules[c];
    if (arrival != nullptr) {
      if (HasAny(rule.until, *arrival)) Clear(state, point_ - 1);
      if (state.waiting && Forbidden(rule, *arrival, state.waiting->steps)) state.waiting.reset();
      if (IsStep(rule, *arrival)) SetExpiry(time, c, state);
    }
    const Steps steps = BoundAt(rule, state, time);
    const bool complete = Meets(rule.condition, steps);
    const std::int64_t deadline = DeadlineOf(rule, steps);
    if (complete && arrival != nullptr) {
      state.waiting.reset();
      if (deadline >= time) {
        state.waiting = Chain{steps, deadline, false};
        SetTimer(deadline, c, state);
      }
    }
    const bool holds =
        !state.waiting && complete && deadline < time && Where(c, state, steps, arrival, time);
    const bool repeats = arrival != nullptr && IsStep(rule, *arrival);
    const bool fires = Wants(rule, state, holds, repeats, time);
    state.on = holds;
    if (fires) FireChain(c, state, steps, arrival, time);
  }

  // At `due` evidence of a bound step leaves the timespan.
  [[nodiscard]] static bool Expires(const ChainRule& rule, const KeyState& state,
                                    std::int64_t due) {
    const Steps steps = BoundAt(rule, state, due);
    return std::any_of(steps.begin(), steps.end(), [&](const std::vector<Bound>& step) {
      return !step.empty() && step.front().seen->time + rule.timespan == due;
    });
  }

  void SetDeadline(std::uint32_t c, KeyState& state, std::int64_t due) {
    const ChainRule& rule = world_.rules[c];
    if (!state.waiting || state.waiting->deadline != due) return;
    const Steps steps = std::move(state.waiting->steps);
    state.waiting.reset();
    const bool holds = Where(c, state, steps, nullptr, due);
    const bool fires = holds && !state.on;
    state.on = holds;
    if (fires) FireChain(c, state, steps, nullptr, due);
    // What is bound by now may be less.
    if (state.on && !Meets(rule.condition, BoundAt(rule, state, due))) state.on = false;
  }

  // `ties: any`, for sequences of rules alone: of all ways to fill the steps from the window, events of
  // one time in any order, the one with the latest events, that of the first step first.
  struct Tied {
    const ChainRule& rule;
    std::vector<const Seen*> window;
    std::vector<const Seen*> chosen = {};
    std::vector<const Seen*> best = {};

    void Fill(std::size_t step) {
      if (step == rule.steps.size()) {
        if (best.empty() || Preferred()) best = chosen;
        return;
      }
      for (const Seen* seen : window) {
        if (seen->Of(rule.steps[step].on) == nullptr) continue;
        if (!chosen.empty() && seen->time < chosen.back()->time) continue;
        if (std::find(chosen.begin(), chosen.end(), seen) != chosen.end()) continue;
        chosen.push_back(seen);
        Fill(step + 1);
        chosen.pop_back();
      }
    }
    // The latest of the first step, then of the second ...
    [[nodiscard]] bool Preferred() const {
      for (std::size_t i = 0; i < chosen.size(); ++i) {
        if (chosen[i] != best[i]) return best[i]->point < chosen[i]->point;
      }
      return false;
    }
  };

  [[nodiscard]] static std::vector<const Seen*> TiedAt(const ChainRule& rule, const KeyState& state,
                                                       std::int64_t time) {
    Tied tied{rule, {}};
    for (const Seen& seen : state.history) {
      if (seen.time >= time - rule.timespan && IsStep(rule, seen)) tied.window.push_back(&seen);
    }
    tied.Fill(0);
    return tied.best;
  }

  void OnTied(std::uint32_t c, KeyState& state, const Seen* arrival, std::int64_t time) {
    const ChainRule& rule = world_.rules[c];
    const std::vector<const Seen*> best = TiedAt(rule, state, time);
    if (arrival != nullptr) SetExpiry(time, c, state);
    const bool fires = Wants(rule, state, !best.empty(), arrival != nullptr, time);
    state.on = !best.empty();
    if (!fires) return;
    Steps steps;
    for (std::size_t i = 0; i < best.size(); ++i) steps.push_back({{best[i], rule.steps[i].on}});
    FireChain(c, state, steps, arrival, time);
  }

  void OnSequence(std::uint32_t c, KeyState& state, const Seen& arrival) {
    const ChainRule& rule = world_.rules[c];
    if (rule.ties_any) return OnTied(c, state, &arrival, arrival.time);
    const std::size_t n = rule.steps.size();
    const std::int64_t time = arrival.time;
    state.states.resize(n);
    if (HasAny(rule.until, arrival)) Clear(state, point_ - 1);
    for (auto& partials : state.states) {
      std::erase_if(partials, [&](const Chain& chain) {
        return !chain.complete && Forbidden(rule, arrival, chain.steps);
      });
    }
    for (std::size_t k = 0; k + 1 < n; ++k) {
      std::erase_if(state.states[k], [&](const Chain& chain) {
        const auto& within = rule.steps[k + 1].within;
        return chain.FirstTime() < time - rule.timespan ||
               (within && chain.steps[k].back().seen->time < time - *within);
      });
    }
    std::vector<Chain> finished;
    for (std::size_t k = n; k-- > 0;) {
      std::vector<Chain> bases;
      if (k == 0) {
        bases.push_back(Chain{Steps(n), kLongAgo, false});
      } else {
        bases = state.states[k - 1];
      }
      for (const Chain& base : bases) {
        Chain longer = base;
        longer.steps[k] = Occurs(rule, state, k, state.history.size() - 1, base.steps);
        if (longer.steps[k].empty()) continue;
        if (k > 0) {
          const Seen& previous = *base.steps[k - 1].back().seen;
          if (longer.steps[k].front().seen->point <= previous.point) continue;
          if (rule.steps[k].within && time > previous.time + *rule.steps[k].within) continue;
        }
        if (longer.FirstTime() < time - rule.timespan) continue;
        const bool agrees =
            std::all_of(longer.steps[k].begin(), longer.steps[k].end(), [&](const Bound& bound) {
              return Agrees(rule.steps[k].bind, *bound.seen->Of(bound.rule), longer.steps);
            });
        if (!agrees) continue;
        if (k + 1 == n) {
          longer.deadline = DeadlineOf(rule, longer.steps);
          longer.complete = longer.deadline < time;
          if (longer.complete && !Where(c, state, longer.steps, &arrival, time)) continue;
          if (!longer.complete) SetTimer(longer.deadline, c, state);
        }
        Keep(rule, state.states[k], std::move(longer));
      }
    }
    if (IsStep(rule, arrival)) SetExpiry(time, c, state);
    LookSequence(c, state, &arrival, time);
  }

  static void Keep(const ChainRule& rule, std::vector<Chain>& partials, Chain chain) {
    switch (rule.overlap) {
      case ChainOverlap::kFirst:
        if (!partials.empty()) return;
        break;
      case ChainOverlap::kAll:
        if (partials.size() == 64) partials.erase(partials.begin());
        break;
      default: partials.clear();
    }
    partials.push_back(std::move(chain));
  }

  // A complete chain holds until its first event leaves the timespan. Of several the one that began
  // last is told.
  void LookSequence(std::uint32_t c, KeyState& state, const Seen* deciding, std::int64_t time) {
    const ChainRule& rule = world_.rules[c];
    if (state.states.empty()) return;
    auto& last = state.states.back();
    const Chain* held = nullptr;
    for (const Chain& chain : last) {
      if (!chain.complete) continue;
      if (held == nullptr || held->First().point <= chain.First().point) held = &chain;
    }
    const bool repeats = deciding != nullptr && IsStep(rule, *deciding);
    const bool fires = Wants(rule, state, held != nullptr, repeats, time);
    state.on = held != nullptr;
    const Steps steps = held == nullptr ? Steps() : held->steps;
    if (fires) FireChain(c, state, steps, deciding, time);
  }

  void SequenceTimer(std::uint32_t c, KeyState& state, std::int64_t due, bool expiry) {
    const ChainRule& rule = world_.rules[c];
    state.states.resize(rule.steps.size());
    if (!expiry) {
      std::erase_if(state.states.back(), [&](Chain& chain) {
        if (chain.complete || chain.deadline != due) return false;
        chain.complete = true;
        return !Where(c, state, chain.steps, nullptr, due);
      });
      LookSequence(c, state, nullptr, due);
    }
    LeaveSequence(rule, state, due + 1);
  }

  // Whose first event has left the window by `time`, holds no more.
  static void LeaveSequence(const ChainRule& rule, KeyState& state, std::int64_t time) {
    std::erase_if(state.states.back(), [&](const Chain& chain) {
      return chain.complete && chain.FirstTime() + rule.timespan < time;
    });
    state.on = std::any_of(state.states.back().begin(), state.states.back().end(),
                           [](const Chain& chain) { return chain.complete; });
  }

  // What has left the window arms again before an arrival at `time` is looked at, also where the timer
  // for it comes behind that arrival: one that a child's expiry made.
  void Overtake(std::uint32_t c, KeyState& state, std::int64_t time) {
    const ChainRule& rule = world_.rules[c];
    const bool overdue = std::any_of(timers_.begin(), timers_.end(), [&](const Due& due) {
      return std::get<0>(due) < time && std::get<2>(due) == c &&
             std::get<3>(due) == DueKind::kExpiry && std::get<4>(due).key == state.key;
    });
    if (!overdue || !state.on) return;
    if (IsCount(rule)) {
      state.on = LookAt(rule, state, time - rule.timespan, time).holds;
    } else if (rule.ties_any) {
      state.on = !TiedAt(rule, state, time).empty();
    } else if (rule.type == ChainType::kTemporalOrdered) {
      LeaveSequence(rule, state, time);
    } else {
      const Steps steps = BoundAt(rule, state, time);
      state.on = Meets(rule.condition, steps) && Where(c, state, steps, nullptr, time);
    }
  }

  // ------------------------------------------------------------------------------- what is due
  void SetTimer(std::int64_t due, std::uint32_t c, const KeyState& state) {
    timers_.insert({due, false, c, DueKind::kOperator, state.key});
  }
  void SetExpiry(std::int64_t arrived, std::uint32_t c, const KeyState& state) {
    timers_.insert({arrived + world_.rules[c].timespan, true, c, DueKind::kExpiry, state.key});
  }

  [[nodiscard]] static bool IsCount(const ChainRule& rule) {
    return (rule.type != ChainType::kTemporal && rule.type != ChainType::kTemporalOrdered) ||
           rule.window != ChainWindow::kSliding;
  }

  void OnArrival(std::uint32_t c, KeyState& state) {
    const ChainRule& rule = world_.rules[c];
    const Seen& arrival = state.history.back();
    const bool resolves = rule.resolve && HasAny(rule.resolve->on, arrival);
    if (resolves) Resolve(c, state.key, arrival.time);
    const std::size_t fired = fired_;
    EndOver(c, state);
    Observe(c, state, arrival);
    if (fired_ == fired && !resolves) Touch(c, state, arrival);
  }

  void Observe(std::uint32_t c, KeyState& state, const Seen& arrival) {
    const ChainRule& rule = world_.rules[c];
    if (IsCount(rule)) {
      OnCounted(c, state, arrival);
    } else if (rule.type == ChainType::kTemporal) {
      if (Concerns(rule, arrival)) OnSet(c, state, &arrival, arrival.time);
    } else {
      OnSequence(c, state, arrival);
    }
  }

  void OnTimer(std::uint32_t c, KeyState& state, std::int64_t due, bool expiry) {
    const ChainRule& rule = world_.rules[c];
    if (IsCount(rule)) {
      switch (rule.window) {
        case ChainWindow::kSliding: return SlideCount(c, state, nullptr, due + 1);
        case ChainWindow::kTumbling: return JudgeTumbling(c, state, due);
        case ChainWindow::kSession: return JudgeSession(c, state, due);
      }
    }
    if (rule.ties_any) return OnTied(c, state, nullptr, due + 1);
    if (rule.type == ChainType::kTemporalOrdered) return SequenceTimer(c, state, due, expiry);
    if (!expiry) return SetDeadline(c, state, due);
    if (Expires(rule, state, due)) OnSet(c, state, nullptr, due + 1);
  }

  // ------------------------------------------------------------------------------------ alerts
  [[nodiscard]] bool Silent(std::uint32_t c) const {
    bool referred = false;
    for (const ChainRule& rule : world_.rules) {
      const std::vector<ChainRef> inputs = InputsOf(rule);
      if (std::find(inputs.begin(), inputs.end(), world_.detections + c) == inputs.end()) continue;
      if (rule.generate) return false;
      referred = true;
    }
    return referred;
  }

  static void AddOrigin(DigestBuilder& builder, const Seen& seen) {
    if (seen.deadline) {
      builder.Add("deadline").Add(seen.time);
      return;
    }
    builder.Add(seen.origin.topic).Add(std::int64_t{seen.origin.partition});
    builder.Add(seen.origin.offset).Add(std::int64_t{seen.origin.index});
  }

  // Incident: rule, meaning, group, first bound event, what decided. Id: incident and seq.
  [[nodiscard]] Digest IncidentOf(const ChainRule& rule, const Texts& key, const Steps& evidence,
                                  const Seen* deciding, std::int64_t time) const {
    const Seen* first = nullptr;
    for (const auto& step : evidence) {
      for (const Bound& bound : step) {
        if (bound.seen->deadline) continue;
        if (first == nullptr || bound.seen->point < first->point) first = bound.seen;
      }
    }
    DigestBuilder builder;
    builder.Add(rule.name).Add(rule.semantics.Hex());
    builder.Add(static_cast<std::int64_t>(key.size()));
    for (std::size_t i = 0; i < key.size(); ++i) builder.Add(rule.group_by[i]).Add(key[i]);
    if (first != nullptr) AddOrigin(builder, *first);
    Seen timer;
    timer.deadline = true;
    timer.time = time;
    AddOrigin(builder, deciding == nullptr ? timer : *deciding);
    return builder.Finish();
  }

  void Choose(const Choice& choice, std::int64_t due) {
    std::vector<Fired> candidates = std::move(choices_[choice]);
    choices_.erase(choice);
    std::size_t best = 0;
    for (std::size_t i = 1; i < candidates.size(); ++i) {
      const ChainRule& a = world_.rules[candidates[i].rule];
      const ChainRule& b = world_.rules[candidates[best].rule];
      if (a.choose->priority > b.choose->priority || (a.choose->priority == b.choose->priority &&
                                                      candidates[i].rule < candidates[best].rule)) {
        best = i;
      }
    }
    std::set<std::string> others;
    for (const Fired& each : candidates) {
      if (each.rule != candidates[best].rule) others.insert(each.alert.rule);
    }
    candidates[best].alert.others.assign(others.begin(), others.end());
    Emit(std::move(candidates[best]), due);
  }

  void Emit(Fired fired, std::int64_t at) {
    const ChainRule& rule = world_.rules[fired.rule];
    if (rule.suppress) {
      auto& [until, count] =
          hidden_[fired.rule].try_emplace(fired.suppress_key, kLongAgo, 0).first->second;
      if (fired.alert.time <= until) {
        ++count;
        return;
      }
      fired.alert.suppressed = count;
      until = fired.alert.time + rule.suppress->span;
      count = 0;
    }
    alerts_.push_back(fired.alert);
    if (rule.plain || (rule.window != ChainWindow::kSliding && !rule.resolve)) return;
    fired.told_at = at;
    fired.stirred = fired.alert.time;
    if (rule.resolve && rule.resolve->quiet) {
      timers_.insert(
          {fired.stirred + *rule.resolve->quiet, false, fired.rule, DueKind::kQuiet, fired.key});
    }
    open_.insert_or_assign({fired.rule, fired.key}, std::move(fired));
  }

  // ---------------------------------------------------------------------------------- incidents
  void Say(Fired& open, const char* status, std::int64_t time, std::int64_t at) {
    open.alert.status = status;
    ++open.alert.seq;
    open.alert.time = time;
    open.alert.suppressed = 0;
    open.alert.id =
        DigestBuilder().Add(open.incident.Hex()).Add(std::int64_t{open.alert.seq}).Finish();
    // What is resolved says what it said last, or what it was about to say.
    if (std::string(status) != "resolved" || open.changed) open.said = Compose(open, at);
    open.told_at = at;
    open.changed.reset();
    alerts_.push_back(open.alert);
  }

  void Resolve(std::uint32_t c, const Texts& key, std::int64_t time) {
    const auto found = open_.find({c, key});
    if (found == open_.end()) return;
    Say(found->second, "resolved", time, time);
    open_.erase(found);
  }

  // An incident whose predicate is true no more is over, also where a firing that is not told follows.
  void EndOver(std::uint32_t c, const KeyState& state) {
    const auto found = open_.find({c, state.key});
    if (found == open_.end() || world_.rules[c].resolve || state.on) return;
    if (!found->second.changed) open_.erase(found);
  }

  // An arrival looks whether what the incident says has changed.
  void Touch(std::uint32_t c, const KeyState& state, const Seen& arrival) {
    const ChainRule& rule = world_.rules[c];
    const auto found = open_.find({c, state.key});
    if (found == open_.end()) return;
    Fired& open = found->second;
    const std::int64_t time = arrival.time;
    if (!rule.resolve && !state.on) {
      if (!open.changed) open_.erase(found);
      return;
    }
    if (rule.resolve && rule.resolve->quiet) {
      std::vector<ChainRef> of = rule.resolve->of;
      if (of.empty()) {
        for (const ChainStep& step : rule.steps) of.push_back(step.on);
      }
      if (HasAny(of, arrival)) {
        open.stirred = time;
        timers_.insert({time + *rule.resolve->quiet, false, c, DueKind::kQuiet, state.key});
      }
    }
    if (state.on && rule.window == ChainWindow::kSliding &&
        rule.type != ChainType::kTemporalOrdered) {
      const Steps now = IsCount(rule)
                            ? AllOf(rule, LookAt(rule, state, time - rule.timespan, time).counted)
                            : BoundAt(rule, state, time);
      for (std::size_t s = 0; s < now.size(); ++s) {
        if (open.steps[s].empty()) open.steps[s] = now[s];
      }
    }
    if (!rule.update_every) return;
    Fired copy = open;
    if (Compose(copy, time) == open.said) return;
    if (time >= open.told_at + *rule.update_every) return Say(open, "updated", time, time);
    open.changed = time;
    timers_.insert({open.told_at + *rule.update_every, false, c, DueKind::kUpdate, state.key});
  }

  void OnIncidentTimer(std::uint32_t c, const Texts& key, std::int64_t due, bool quiet) {
    const ChainRule& rule = world_.rules[c];
    const auto found = open_.find({c, key});
    if (found == open_.end()) return;
    Fired& open = found->second;
    if (quiet) {
      if (open.stirred + *rule.resolve->quiet == due) Resolve(c, key, due);
      return;
    }
    if (!open.changed || open.told_at + *rule.update_every != due) return;
    const std::int64_t changed = *open.changed;
    open.changed.reset();
    Fired copy = open;
    if (Compose(copy, due) != open.said) Say(open, "updated", changed, due);
  }

  const ChainWorld& world_;
  std::int64_t point_ = 0;
  Seen now_;  // all hits of this point, edges too
  std::set<Due> timers_;
  std::vector<std::map<Texts, KeyState>> states_;                 // per correlation
  std::vector<std::vector<std::vector<Registered>>> registered_;  // per correlation and register
  std::vector<std::map<Texts, std::pair<std::int64_t, std::int64_t>>> hidden_;  // until, how many
  std::map<Choice, std::vector<Fired>> choices_;
  std::map<std::pair<std::uint32_t, Texts>, Fired> open_;
  std::size_t fired_ = 0;  // edges so far
  std::vector<ChainAlert> alerts_;
};

// What names stand for in a rule's expressions.
class Machine::Names final : public ChainNames {
 public:
  Names(const Machine& machine, std::uint32_t c, const Texts& key, const Steps& steps,
        const Seen* deciding, std::int64_t time, ChainValue value, std::int64_t count)
      : machine_(machine),
        c_(c),
        rule_(machine.world_.rules[c]),
        key_(key),
        steps_(steps),
        deciding_(deciding),
        time_(time),
        value_(std::move(value)),
        count_(count) {}

  void Compute(const std::string& name, ChainValue value) { computed_[name] = std::move(value); }

  [[nodiscard]] ChainValue Read(const ChainExpr& name) const override {
    switch (name.op) {
      case Op::kMatched: return ChainValue::Whole(Matched(steps_));
      case Op::kTotal: return ChainValue::Whole(static_cast<std::int64_t>(steps_.size()));
      case Op::kTime: return ChainValue::Time(time_);
      case Op::kValue: return value_;
      case Op::kCount: return ChainValue::Whole(count_);
      case Op::kRegister:
      case Op::kPrevious: {
        const std::uint32_t r = RegisterOf(name.name);
        const auto key = KeyOf(r);
        if (!key) return {};
        const bool previous = name.op == Op::kPrevious;
        return machine_.ReadRegister(c_, r, *key, time_, machine_.point_ - (previous ? 1 : 0));
      }
      case Op::kName: return Bare(name.name);
      default: break;
    }
    const auto& step = steps_[StepOf(name.name)];
    if (name.op == Op::kSeen) return ChainValue::Bool(!step.empty());
    if (name.op == Op::kStepCount) return ChainValue::Whole(static_cast<std::int64_t>(step.size()));
    if (step.empty()) return {};
    if (name.op == Op::kStepTime) return ChainValue::Time(step.back().seen->time);
    return TextOf(First(*step.back().seen->Of(step.back().rule), name.field));
  }

  [[nodiscard]] std::int64_t CountTimes(const std::string& reg, std::int64_t from,
                                        std::int64_t to) const override {
    const std::uint32_t r = RegisterOf(reg);
    const auto key = KeyOf(r);
    if (!key) return 0;
    const auto held = machine_.Held(c_, r, *key, time_, machine_.point_);
    return std::count_if(held.begin(), held.end(), [&](const Registered& each) {
      return each.time >= from && each.time <= to;
    });
  }

 private:
  [[nodiscard]] static ChainValue TextOf(const std::string* text) {
    return text == nullptr ? ChainValue{} : ChainValue::Text(*text);
  }
  [[nodiscard]] std::size_t StepOf(const std::string& name) const {
    for (std::size_t s = 0; s < rule_.steps.size(); ++s) {
      if (rule_.steps[s].name == name) return s;
    }
    return 0;
  }
  [[nodiscard]] std::uint32_t RegisterOf(const std::string& name) const {
    for (std::uint32_t r = 0; r < rule_.registers.size(); ++r) {
      if (rule_.registers[r].name == name) return r;
    }
    return 0;
  }
  // The asking side's key of a register; nothing where a part of it is not there.
  [[nodiscard]] std::optional<Texts> KeyOf(std::uint32_t r) const {
    if (rule_.registers[r].by.empty()) return key_;
    Texts key;
    for (const auto& entry : rule_.registers[r].by) {
      const ChainValue value = Evaluate(entry.second, *this);
      if (value.kind == ChainValue::Kind::kAbsent || value.kind == ChainValue::Kind::kError) {
        return std::nullopt;
      }
      key.push_back(Show(value));
    }
    return key;
  }
  [[nodiscard]] ChainValue Bare(const std::string& name) const {
    const auto computed = computed_.find(name);
    if (computed != computed_.end()) return computed->second;
    for (std::size_t i = 0; i < key_.size(); ++i) {
      if (rule_.group_by[i] == name) return ChainValue::Text(key_[i]);
    }
    if (deciding_ != nullptr) {
      for (const RuleHit& hit : deciding_->hits) {
        if (const std::string* text = First(hit.fields, name)) return ChainValue::Text(*text);
      }
    }
    const Bound* newest = nullptr;
    for (const auto& step : steps_) {
      for (const Bound& bound : step) {
        if (First(*bound.seen->Of(bound.rule), name) == nullptr) continue;
        if (newest == nullptr || newest->seen->point < bound.seen->point) newest = &bound;
      }
    }
    return newest == nullptr ? ChainValue{} : TextOf(First(*newest->seen->Of(newest->rule), name));
  }

  const Machine& machine_;
  std::uint32_t c_;
  const ChainRule& rule_;
  const Texts& key_;
  const Steps& steps_;
  const Seen* deciding_;
  std::int64_t time_;
  ChainValue value_;
  std::int64_t count_;
  std::map<std::string, ChainValue> computed_;
};

void Machine::FireCount(std::uint32_t c, KeyState& state, const CountView& view,
                        const Seen* deciding, std::int64_t time) {
  const ChainRule& rule = world_.rules[c];
  Steps evidence(1);
  if (rule.type == ChainType::kTemporal) {
    evidence = NewestOf(rule, view.counted);
  } else {
    for (const Seen* seen : view.counted) evidence[0].push_back({seen, 0});
  }
  const Steps steps =
      rule.type == ChainType::kTemporal ? NewestOf(rule, view.counted) : AllOf(rule, view.counted);
  const auto count = rule.type == ChainType::kTemporal
                         ? Matched(steps)
                         : static_cast<std::int64_t>(view.counted.size());
  const Names names(*this, c, state.key, steps, deciding, time, view.value, count);
  if (rule.where && !IsTrue(Evaluate(*rule.where, names))) return;
  state.last_fired = time;
  Fire(c, state, evidence, steps, deciding, time, view.value, count);
}

bool Machine::Where(std::uint32_t c, const KeyState& state, const Steps& steps,
                    const Seen* deciding, std::int64_t time) const {
  const auto& where = world_.rules[c].where;
  return !where || IsTrue(Evaluate(*where, Names(*this, c, state.key, steps, deciding, time, {},
                                                 Matched(steps))));
}

void Machine::Fire(std::uint32_t c, KeyState& state, const Steps& evidence, const Steps& steps,
                   const Seen* deciding, std::int64_t time, const ChainValue& value,
                   std::int64_t count) {
  const ChainRule& rule = world_.rules[c];
  Names names(*this, c, state.key, steps, deciding, time, value, count);
  // The edge: the completing event's fields, hidden by the group and by what is computed.
  RuleHit edge{world_.detections + c, {}};
  if (deciding != nullptr) {
    for (auto hit = deciding->hits.rbegin(); hit != deciding->hits.rend(); ++hit) {
      for (const auto& [name, values] : hit->fields) edge.fields[name] = values;
    }
  }
  for (std::size_t i = 0; i < state.key.size(); ++i) {
    edge.fields[rule.group_by[i]] = {state.key[i]};
  }
  for (const auto& [name, expression] : rule.fields) {
    const ChainValue computed = Evaluate(expression, names);
    names.Compute(name, computed);
    edge.fields.erase(name);
    if (computed.kind != ChainValue::Kind::kAbsent && computed.kind != ChainValue::Kind::kError) {
      edge.fields[name] = {Show(computed)};
    }
  }
  now_.time = time;
  ++fired_;
  now_.hits.push_back(std::move(edge));
  if (Silent(c)) return;
  Fired fired;
  fired.rule = c;
  fired.key = state.key;
  fired.steps = steps;
  fired.value = value;
  fired.count = count;
  ChainAlert& alert = fired.alert;
  alert.rule = rule.name;
  alert.status = "firing";
  alert.time = time;
  for (std::size_t i = 0; i < state.key.size(); ++i) {
    alert.group.emplace_back(rule.group_by[i], state.key[i]);
  }
  fired.said = Compose(c, names, steps, alert);
  fired.incident = IncidentOf(rule, state.key, evidence, deciding, time);
  alert.id = DigestBuilder().Add(fired.incident.Hex()).Add(std::int64_t{0}).Finish();
  fired.suppress_key = state.key;
  if (rule.suppress && !rule.suppress->by.empty()) {
    fired.suppress_key.clear();
    for (const std::string& name : rule.suppress->by) {
      ChainExpr field;
      field.op = Op::kName;
      field.name = name;
      fired.suppress_key.push_back(Show(names.Read(field)));
    }
  }
  if (!rule.choose) return Emit(std::move(fired), time);
  std::uint32_t last = c;
  for (std::uint32_t other = 0; other < world_.rules.size(); ++other) {
    const auto& choose = world_.rules[other].choose;
    if (choose && choose->group == rule.choose->group) last = std::max(last, other);
  }
  auto& candidates = choices_[{last, state.key}];
  if (candidates.empty()) {
    timers_.insert({time + rule.choose->settle, false, last, DueKind::kChoice, state.key});
  }
  candidates.push_back(std::move(fired));
}

std::string Machine::Compose(std::uint32_t c, const Names& names, const Steps& steps,
                             ChainAlert& alert) const {
  const ChainRule& rule = world_.rules[c];
  alert.level = rule.level;
  alert.title = rule.name;
  alert.cause = Render(rule.cause, names);
  std::string said;
  for (const ChainVariant& variant : rule.variants) {
    if (variant.when && !IsTrue(Evaluate(*variant.when, names))) continue;
    if (!variant.level.empty()) alert.level = variant.level;
    if (!variant.title.empty()) alert.title = variant.title;
    // A text that comes out empty gives nothing to replace by.
    const std::string cause = variant.cause ? Render(*variant.cause, names) : std::string();
    if (!cause.empty()) alert.cause = cause;
    said = variant.name;
    break;
  }
  said += "|" + alert.level + "|" + alert.title + "|" + alert.cause + "|";
  for (const auto& step : steps) said += step.empty() ? '0' : '1';
  return said;
}

std::string Machine::Compose(Fired& open, std::int64_t at) const {
  Names names(*this, open.rule, open.key, open.steps, nullptr, at, open.value, open.count);
  for (const auto& [name, expression] : world_.rules[open.rule].fields) {
    names.Compute(name, Evaluate(expression, names));
  }
  return Compose(open.rule, names, open.steps, open.alert);
}

}  // namespace

std::string ToString(const ChainAlert& alert) {
  std::string line = alert.rule + " " + alert.status + " seq " + std::to_string(alert.seq) +
                     " at " + std::to_string(alert.time) + " [";
  for (const auto& [name, value] : alert.group) line += name + "=" + value + " ";
  line += "] " + alert.level + " '" + alert.title + "' '" + alert.cause + "' suppressed " +
          std::to_string(alert.suppressed) + " others";
  for (const std::string& other : alert.others) line += " " + other;
  return line + " id " + alert.id.Hex();
}

std::vector<ChainAlert> Correlate(const ChainWorld& world, std::vector<ChainEvent> events) {
  return Machine(world).Run(std::move(events));
}

}  // namespace faultline::reference
