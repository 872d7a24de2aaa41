// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/correlator.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "matcher/correlate/environment.h"
#include "matcher/correlate/key.h"
#include "matcher/correlate/registers.h"
#include "matcher/correlate/state_codec.h"
#include "matcher/correlate/timers.h"

namespace faultline {
namespace {

using sigma::CorrelationRule;

constexpr std::uint32_t kStateVersion = 3;
// How often state that nothing touches is looked at for what has expired.
constexpr std::chrono::nanoseconds kSweepEvery = std::chrono::minutes(10);

// Who listens to a rule: a correlation, and which of its inputs the rule is.
struct Listener {
  std::uint32_t unit = 0;
  std::uint32_t input = 0;
};

// A correlation at work.
struct Unit {
  const CorrelationRule* rule = nullptr;
  std::unique_ptr<Operator> op;
  std::unique_ptr<Registers> registers;  // null: the rule has none
  std::vector<Listener> parents;
  // Per input what it is for.
  std::vector<bool> counts;  // for the operator: steps, absences, until
  std::vector<bool> shown;   // ... and what moves a chain's `where`: its registers
  std::vector<bool> resolves;
  std::vector<bool> stirs;
};

bool OfOperator(const Timer& timer) {
  return timer.kind == Timer::Kind::kOperator || timer.kind == Timer::Kind::kExpiry;
}

// What the state of a correlation counts on: what it means, and its rules in their order, which is no
// part of what a count or a set means.
Digest LayoutOf(const RuleSet& rules, const CorrelationRule& rule) {
  DigestBuilder layout;
  const auto add = [&layout](const Digest& digest) {
    layout.Add(static_cast<std::int64_t>(digest.high)).Add(static_cast<std::int64_t>(digest.low));
  };
  add(rule.semantics);
  for (const sigma::Input& input : rule.inputs) {
    const sigma::RuleRef& ref = input.rule;
    add(ref.correlation ? rules.correlations()[ref.index].semantics
                        : rules.detections()[ref.index].semantics);
  }
  return layout.Finish();
}

// What the operator, the registers and the incidents of a rule may each take of its bytes. Plain Sigma
// correlations have the first alone; `choose` keeps firings besides what is open.
Operator::Limits LimitsOf(const CorrelationRule& rule, Operator::Limits limits) {
  const int parts =
      1 + (rule.registers.empty() ? 0 : 1) + (rule.chain ? 1 : 0) + (rule.choose ? 1 : 0);
  limits.max_bytes /= static_cast<std::size_t>(parts);
  return limits;
}

std::unique_ptr<Unit> UnitOf(const CorrelationRule& rule, std::uint32_t index,
                             const Operator::Limits& limits, Timers* timers) {
  auto unit = std::make_unique<Unit>();
  unit->rule = &rule;
  const Operator::Limits each = LimitsOf(rule, limits);
  unit->op = MakeOperator(rule, index, each, timers);
  if (!rule.registers.empty()) unit->registers = std::make_unique<Registers>(rule, each);
  for (auto* uses : {&unit->counts, &unit->shown, &unit->resolves, &unit->stirs}) {
    uses->resize(rule.inputs.size());
  }
  for (const sigma::Step& step : rule.steps) unit->counts[step.input] = true;
  for (const sigma::Absence& absence : rule.absences) unit->counts[absence.input] = true;
  for (const std::uint32_t input : rule.until) unit->counts[input] = true;
  unit->shown = unit->counts;
  if (!rule.where.empty() && sigma::IsTemporal(rule.type) &&
      rule.window == sigma::WindowKind::kSliding) {
    for (const sigma::Register& reg : rule.registers) {
      unit->shown[reg.input] = true;
      if (reg.reset) unit->shown[*reg.reset] = true;
    }
  }
  if (rule.resolve) {
    for (const std::uint32_t input : rule.resolve->on) unit->resolves[input] = true;
    for (const std::uint32_t input : rule.resolve->of) unit->stirs[input] = true;
  }
  return unit;
}

class UnitJudge final : public Judge {
 public:
  // `arrived`: all that the event is to the correlation, also what does not count for its operator.
  UnitJudge(const Unit& unit, std::span<const InputHit> arrived) : unit_(unit), arrived_(arrived) {}

  [[nodiscard]] bool Holds(const Candidate& candidate) override {
    if (unit_.rule->where.empty()) return true;
    Candidate whole = candidate;
    if (!candidate.deciding.empty()) whole.deciding = arrived_;
    RuleEnvironment environment(*unit_.rule, unit_.registers.get(), whole);
    environment.Compute();
    return unit_.rule->where.Holds(environment);
  }

 private:
  const Unit& unit_;
  std::span<const InputHit> arrived_;
};

// A hit on its way to a correlation, with its groups there.
struct Incoming {
  InputHit hit;
  std::vector<GroupKey> keys;
};
using Inbox = std::map<std::uint32_t, std::vector<Incoming>>;  // per unit, children first

// One key's share of what arrived at one point.
struct Share {
  GroupKey key;
  std::vector<InputHit> hits;
};

// By key, in the order of mention: of the rules, then of the values in the event.
std::vector<Share> SharesOf(std::vector<Incoming>& incoming, std::vector<bool>& keyless) {
  std::vector<Share> shares;
  for (auto& [hit, keys] : incoming) {
    if (keys.empty()) keyless[hit.input] = true;
    for (GroupKey& key : keys) {
      const auto place = std::find_if(shares.begin(), shares.end(), [&key](const Share& share) {
        return share.key.digest == key.digest;
      });
      if (place != shares.end()) {
        place->hits.push_back(hit);
      } else {
        shares.push_back({std::move(key), {hit}});
      }
    }
  }
  return shares;
}

// The oldest event of what is bound; null when only deadlines are.
const Bound* FirstOf(std::span<const BoundStep> steps) {
  const Bound* first = nullptr;
  for (const BoundStep& step : steps) {
    for (const Bound& bound : step) {
      if (bound.deadline()) continue;
      if (first == nullptr || bound.Before(*first)) first = &bound;
    }
  }
  return first;
}

// The newest of what is bound; null when nothing is.
const Bound* NewestOf(std::span<const BoundStep> steps) {
  const Bound* newest = nullptr;
  for (const BoundStep& step : steps) {
    for (const Bound& bound : step) {
      if (newest == nullptr || newest->Before(bound)) newest = &bound;
    }
  }
  return newest;
}

// What `hit` says goes to `fields`, but for names that are there.
void AddFields(const Hit& hit, std::vector<HitField>& fields) {
  const auto add = [&fields](const std::string& name, auto values) {
    const bool there = std::any_of(fields.begin(), fields.end(),
                                   [&name](const HitField& field) { return field.name == name; });
    if (!there && !values.empty()) fields.push_back({name, std::move(values)});
  };
  for (const NamedValue& capture : hit.captures) {
    add(capture.name, std::vector<std::string>{capture.value});
  }
  for (const HitField& field : hit.fields) add(field.name, field.values);
}

}  // namespace

struct Correlator::Impl {
  std::shared_ptr<const RuleSet> rules;
  Options options;
  Timers timers;
  std::vector<std::vector<Listener>> listeners;  // per detection rule
  std::vector<std::unique_ptr<Unit>> units;      // per correlation
  std::unique_ptr<Incidents> incidents;
  std::vector<std::uint32_t> keyless, numberless;
  std::int64_t edges_made = 0;
  EventTime swept = EventTime::Min();

  Inbox inbox;            // what is to be seen at the point that is being worked at
  std::deque<Hit> edges;  // those of that point; they stay where they are
  // Timers that have made edges: of those due at `turn_due` the last one's turn, and its edge's.
  EventTime turn_due = EventTime::Min();
  std::int32_t due_turn = 0, expiry_turn = 0;
  std::int32_t turn = 0;

  Impl(std::shared_ptr<const RuleSet> the_rules, const Options& the_options);
  void Send(const Hit& hit, const Listener& to, Inbox& box) const;
  void Prefetch(const std::vector<Inbox>& boxes) const;
  void Work(EventTime at, std::vector<Notice>& out);
  void See(std::uint32_t index, EventTime at, std::vector<Incoming>& incoming,
           std::vector<Notice>& out);
  std::uint64_t SeeShare(std::uint32_t index, EventTime at, const Share& share,
                         std::vector<Notice>& out);
  void Fire(std::uint32_t index, const Digest& key, const std::vector<NamedValue>& group,
            Outcome& outcome, std::span<const InputHit> deciding, std::vector<Notice>& out);
  void SendUp(const Unit& unit, std::uint32_t index, const Candidate& candidate,
              const RuleEnvironment& environment);
  void OnTimer(const Timer& timer, std::vector<Notice>& out);
  std::int32_t NextTurn(const Timer& timer);
  bool AdvanceTo(EventTime time, std::vector<Notice>& out);
  bool Sweep(EventTime time);
  void Expire(EventTime time);
};

Correlator::Impl::Impl(std::shared_ptr<const RuleSet> the_rules, const Options& the_options)
    : rules(std::move(the_rules)), options(the_options) {
  const auto& correlations = rules->correlations();
  listeners.resize(rules->detections().size());
  std::vector<Incidents::Unit> all;
  for (std::uint32_t index = 0; index < correlations.size(); ++index) {
    const CorrelationRule& rule = correlations[index];
    units.push_back(UnitOf(rule, index, options.limits, &timers));
    all.push_back({&rule, units.back()->op.get(), units.back()->registers.get(),
                   LimitsOf(rule, options.limits).max_bytes});
    for (std::uint32_t input = 0; input < rule.inputs.size(); ++input) {
      const sigma::RuleRef& child = rule.inputs[input].rule;
      auto& heard = child.correlation ? units[child.index]->parents : listeners[child.index];
      heard.push_back({index, input});
    }
  }
  incidents = std::make_unique<Incidents>(std::move(all), options.incidents, &timers);
}

void Correlator::Impl::Send(const Hit& hit, const Listener& to, Inbox& box) const {
  const CorrelationRule& rule = *units[to.unit]->rule;
  box[to.unit].push_back(
      {{to.input, &hit}, KeysOf(hit, rule.group_by, rule.inputs[to.input].group_fields)});
}

void Correlator::Impl::Prefetch(const std::vector<Inbox>& boxes) const {
  std::map<std::uint32_t, std::vector<Digest>> ahead;  // per unit
  for (const Inbox& box : boxes) {
    for (const auto& [unit, incoming] : box) {
      std::vector<Digest>& digests = ahead[unit];
      for (const Incoming& each : incoming) {
        for (const GroupKey& key : each.keys) digests.push_back(key.digest);
      }
    }
  }
  for (const auto& [unit, digests] : ahead) units[unit]->op->Prefetch(digests);
}

// Everything that is in the inbox, and what it brings about at the same point.
void Correlator::Impl::Work(EventTime at, std::vector<Notice>& out) {
  while (!inbox.empty()) {
    auto next = inbox.extract(inbox.begin());
    std::vector<Incoming>& incoming = next.mapped();
    std::stable_sort(incoming.begin(), incoming.end(), [](const Incoming& a, const Incoming& b) {
      return a.hit.input < b.hit.input;
    });
    See(next.key(), at, incoming, out);
  }
  edges.clear();
}

void Correlator::Impl::See(std::uint32_t index, EventTime at, std::vector<Incoming>& incoming,
                           std::vector<Notice>& out) {
  Unit& unit = *units[index];
  bool numberless_here = false;
  if (unit.registers) {
    std::vector<InputHit> hits;
    for (const Incoming& each : incoming) hits.push_back(each.hit);
    unit.registers->Observe(at, hits);
    numberless_here = unit.registers->TakeNoNumber() > 0;
  }
  unit.op->ExpireBefore(at);
  std::vector<bool> without_key(unit.rule->inputs.size());
  for (const Share& share : SharesOf(incoming, without_key)) {
    if (SeeShare(index, at, share, out) > 0) numberless_here = true;
  }
  if (numberless_here) numberless.push_back(index);
  for (std::size_t input = 0; input < without_key.size(); ++input) {
    if (without_key[input] && unit.counts[input]) return keyless.push_back(index);
  }
}

// How many values were no numbers where one was asked for.
std::uint64_t Correlator::Impl::SeeShare(std::uint32_t index, EventTime at, const Share& share,
                                         std::vector<Notice>& out) {
  Unit& unit = *units[index];
  Incidents::Touched touched{at, false, false};
  std::vector<InputHit> shown;
  for (const InputHit& hit : share.hits) {
    touched.resolves = touched.resolves || unit.resolves[hit.input];
    touched.stirs = touched.stirs || unit.stirs[hit.input];
    if (unit.shown[hit.input]) shown.push_back(hit);
  }
  Outcome outcome;
  if (!shown.empty()) {
    incidents->EndOver(index, share.key.digest, at);
    UnitJudge judge(unit, share.hits);
    unit.op->Observe({at, share.key.digest, &share.key.group, shown}, judge, outcome);
  }
  // What the event resolves was open before it.
  if (!outcome.fired || touched.resolves) {
    incidents->Touch(index, share.key.digest, touched, out);
  }
  if (outcome.fired) {
    Fire(index, share.key.digest, share.key.group, outcome, share.hits, out);
  }
  return outcome.no_number;
}

void Correlator::Impl::Fire(std::uint32_t index, const Digest& key,
                            const std::vector<NamedValue>& group, Outcome& outcome,
                            std::span<const InputHit> deciding, std::vector<Notice>& out) {
  Unit& unit = *units[index];
  ++edges_made;
  Notice notice;
  notice.correlation = index;
  notice.time = outcome.time;
  notice.group = group;
  notice.steps = std::move(outcome.steps);
  notice.count = outcome.count;
  notice.value = outcome.value;
  notice.decided = outcome.time;
  const Bound* first = FirstOf(notice.steps);
  if (first != nullptr) notice.first = first->origin;
  if (!deciding.empty()) {  // hits of one event, or edges that one timer made
    const Hit& event = *deciding.front().hit;
    if (event.turn == 0) notice.deciding = event.origin;
    notice.event = event.event;
    notice.flags = event.flags;
    notice.traceparent = event.traceparent;
  }

  const std::vector<NamedValue> shown = group;
  const std::vector<BoundStep> steps = notice.steps;
  const Candidate candidate{&shown, steps, deciding, outcome.time, outcome.count, outcome.value};
  RuleEnvironment environment(*unit.rule, unit.registers.get(), candidate);
  environment.Compute();
  notice.computed = environment.computed();
  if (!unit.parents.empty()) SendUp(unit, index, candidate, environment);
  if (unit.rule->silent) return;
  incidents->Fire(index, key, environment, std::move(notice), out);
}

// The edge: for its parents a hit with the group, the computed fields, and those of the event.
void Correlator::Impl::SendUp(const Unit& unit, std::uint32_t index, const Candidate& candidate,
                              const RuleEnvironment& environment) {
  Hit edge;
  edge.rule = index;
  edge.edge = true;
  edge.time = candidate.at;
  edge.captures = *candidate.group;
  for (std::size_t i = 0; i < unit.rule->fields.size(); ++i) {
    const sigma::ExprValue& value = environment.computed()[i];
    if (std::holds_alternative<sigma::ExprAbsent>(value)) continue;
    edge.captures.push_back({unit.rule->fields[i].first, sigma::ToText(value)});
  }
  if (candidate.deciding.empty()) {
    edge.turn = turn;
    if (const Bound* newest = NewestOf(candidate.steps)) edge.origin = newest->origin;
  } else {
    const Hit& event = *candidate.deciding.front().hit;
    edge.turn = event.turn;
    edge.origin = event.origin;
    edge.event = event.event;
    edge.flags = event.flags;
    edge.traceparent = event.traceparent;
  }
  for (const InputHit& arrived : candidate.deciding) AddFields(*arrived.hit, edge.fields);
  edges.push_back(std::move(edge));
  for (const Listener& parent : unit.parents) Send(edges.back(), parent, inbox);
}

void Correlator::Impl::OnTimer(const Timer& timer, std::vector<Notice>& out) {
  Unit& unit = *units[timer.unit];
  if (unit.registers)
    unit.registers->Observe(timer.due, {});  // nothing is current: prev.x is reg.x
  if (!OfOperator(timer)) return incidents->OnTimer(timer, out);
  incidents->EndOver(timer.unit, timer.key, timer.due);
  Outcome outcome;
  UnitJudge judge(unit, {});
  unit.op->OnTimer(timer.key, timer.due, judge, outcome);
  if (!outcome.fired) return;
  const std::vector<NamedValue> group = std::move(outcome.group);
  const EventTime at = outcome.time;
  turn = NextTurn(timer);
  Fire(timer.unit, timer.key, group, outcome, {}, out);
  Work(at, out);
}

// All timers of an instant act in one go, so that no state has to be kept of this.
std::int32_t Correlator::Impl::NextTurn(const Timer& timer) {
  if (timer.due != turn_due) {
    turn_due = timer.due;
    due_turn = 0;
    expiry_turn = std::numeric_limits<std::int32_t>::min();
  }
  return timer.kind == Timer::Kind::kExpiry ? expiry_turn++ : ++due_turn;
}

bool Correlator::Impl::AdvanceTo(EventTime time, std::vector<Notice>& out) {
  // Keys that were evicted, and incidents that are over, leave timers behind.
  timers.Thin([this](const Timer& timer) {
    return OfOperator(timer) ? units[timer.unit]->op->Awaits(timer.key, timer.due)
                             : incidents->Awaits(timer);
  });
  bool fired = false;
  while (const std::optional<Timer> timer = timers.TakeBefore(time)) {
    OnTimer(*timer, out);
    fired = true;
  }
  return Sweep(time) || fired;
}

bool Correlator::Impl::Sweep(EventTime time) {
  if (time < swept + kSweepEvery || !time.finite()) return false;
  swept = time;
  Expire(time);
  return true;
}

// Drops what can never count again; nobody sees when.
void Correlator::Impl::Expire(EventTime time) {
  for (const auto& unit : units) {
    unit->op->ExpireBefore(time);
    if (unit->registers) unit->registers->ExpireBefore(time);
  }
  incidents->ExpireBefore(time);
}

// -------------------------------------------------------------------------------------- Correlator

Correlator::Correlator(std::shared_ptr<const RuleSet> rules, const Options& options)
    : impl_(std::make_unique<Impl>(std::move(rules), options)) {}

Correlator::~Correlator() = default;
Correlator::Correlator(Correlator&&) noexcept = default;
Correlator& Correlator::operator=(Correlator&&) noexcept = default;

bool Correlator::Refers(std::uint32_t detection) const noexcept {
  return !impl_->listeners[detection].empty();
}

void Correlator::Observe(const std::vector<Hit>& hits, std::vector<Notice>& out) {
  std::vector<Inbox> boxes;  // per event
  std::vector<EventTime> times;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const Hit& hit = hits[i];
    if (i == 0 || hit.time != hits[i - 1].time || hit.origin != hits[i - 1].origin) {
      boxes.emplace_back();
      times.push_back(hit.time);
    }
    for (const Listener& listener : impl_->listeners[hit.rule]) {
      impl_->Send(hit, listener, boxes.back());
    }
  }
  if (boxes.size() > 1) impl_->Prefetch(boxes);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    impl_->AdvanceTo(times[i], out);
    impl_->inbox = std::move(boxes[i]);
    impl_->Work(times[i], out);
  }
}

bool Correlator::AdvanceTo(EventTime time, std::vector<Notice>& out) {
  return impl_->AdvanceTo(time, out);
}

std::string Correlator::Save(EventTime frontier) {
  if (frontier.finite()) impl_->Expire(frontier);
  StateWriter out;
  out.U32(kStateVersion);
  out.U32(static_cast<std::uint32_t>(impl_->units.size()));
  for (const auto& unit : impl_->units) {
    out.Text(IdentityOf(unit->rule->meta));
    out.Hash(LayoutOf(*impl_->rules, *unit->rule));
    StateWriter blob;
    unit->op->Save(blob);
    if (unit->registers) unit->registers->Save(blob);
    out.Text(blob.bytes());
  }
  impl_->incidents->Save(out);
  return out.Take();
}

bool Correlator::Load(std::string_view bytes) {
  auto fresh = std::make_unique<Impl>(impl_->rules, impl_->options);
  StateReader in(bytes);
  if (in.U32() != kStateVersion) return false;
  std::map<std::pair<std::string, Digest>, std::uint32_t> known;
  for (std::uint32_t index = 0; index < fresh->units.size(); ++index) {
    const CorrelationRule& rule = *fresh->units[index]->rule;
    known[{IdentityOf(rule.meta), LayoutOf(*impl_->rules, rule)}] = index;
  }
  std::vector<std::optional<std::uint32_t>> moved(in.Count(24));
  for (auto& to : moved) {
    std::string identity = in.Text();
    const Digest layout = in.Hash();
    const std::string blob = in.Text();
    const auto found = known.find({std::move(identity), layout});
    if (!in.ok() || found == known.end()) continue;
    to = found->second;
    StateReader state(blob);
    Unit& unit = *fresh->units[found->second];
    if (!unit.op->Load(state)) return false;
    if (unit.registers && !unit.registers->Load(state)) return false;
    if (!state.ok() || !state.AtEnd()) return false;
  }
  if (!in.ok() || !fresh->incidents->Load(moved, in) || !in.AtEnd()) return false;
  impl_ = std::move(fresh);
  return true;
}

Correlator::Numbers Correlator::numbers() const {
  Numbers numbers;
  const auto add = [&numbers](const Operator::Numbers& part) {
    numbers.state_bytes += part.bytes;
    numbers.evictions += static_cast<std::int64_t>(part.evictions);
  };
  for (const auto& unit : impl_->units) {
    const Operator::Numbers op = unit->op->numbers();
    numbers.windows_open += op.keys;
    add(op);
    if (unit->registers) add(unit->registers->numbers());
  }
  const Incidents::Numbers incidents = impl_->incidents->numbers();
  numbers.state_bytes += incidents.bytes;
  numbers.evictions += static_cast<std::int64_t>(incidents.forgotten);
  numbers.suppressed = static_cast<std::int64_t>(incidents.suppressed);
  numbers.edges = impl_->edges_made;
  numbers.timers = static_cast<std::int64_t>(impl_->timers.size());
  return numbers;
}

std::vector<std::uint32_t> Correlator::TakeKeyless() { return std::exchange(impl_->keyless, {}); }

std::vector<std::uint32_t> Correlator::TakeNumberless() {
  return std::exchange(impl_->numberless, {});
}

void Correlator::ForEachOpen(
    const std::function<void(std::uint32_t, const Operator::Open&)>& visit) const {
  for (std::uint32_t index = 0; index < impl_->units.size(); ++index) {
    impl_->units[index]->op->ForEachOpen([&](const Operator::Open& open) { visit(index, open); });
  }
}

void Correlator::ForEachIncident(const std::function<void(const Notice&)>& visit) const {
  for (std::uint32_t index = 0; index < impl_->units.size(); ++index) {
    impl_->incidents->ForEachOpen(index, visit);
  }
}

}  // namespace faultline
