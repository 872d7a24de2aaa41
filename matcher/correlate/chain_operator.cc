// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/chain_operator.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "matcher/correlate/arming.h"
#include "matcher/correlate/chain_intake.h"
#include "matcher/correlate/flat_store.h"
#include "matcher/correlate/row_judge.h"
#include "matcher/correlate/sequence_chain.h"
#include "matcher/correlate/set_chain.h"
#include "matcher/correlate/step_layout.h"

namespace faultline {
namespace {

// A Chain (SetChain, SequenceChain) for each key.
template <class Chain>
class KeyedChain final : public Operator {
 public:
  KeyedChain(const sigma::CorrelationRule& rule, std::uint32_t unit, const Limits& limits,
             Timers* timers)
      : rule_(&rule),
        unit_(unit),
        timers_(timers),
        intake_(rule),
        arming_(rule),
        chain_(rule, intake_),
        layout_(rule),
        store_(limits, intake_.keep()) {}

  void Observe(const Arrival& arrival, Judge& judge, Outcome& out) override;
  void OnTimer(const Digest& key, EventTime due, Judge& judge, Outcome& out) override;
  [[nodiscard]] bool Awaits(const Digest& key, EventTime due) const override;
  void ExpireBefore(EventTime time) override { store_.ExpireBefore(time, Uncharge{&store_}); }
  [[nodiscard]] EventTime HoldsUntil(const Digest& key) const override;
  [[nodiscard]] std::vector<BoundStep> BoundNow(const Digest& key, EventTime now) const override;
  [[nodiscard]] Numbers numbers() const override { return store_.numbers(); }
  void Save(StateWriter& out) const override;
  [[nodiscard]] bool Load(StateReader& in) override;
  void ForEachOpen(const std::function<void(const Open&)>& visit) const override;

 private:
  struct Entry {
    std::vector<std::string> group;  // values, as the rule's group-by
    ChainIntake::State intake;
    typename Chain::State chain;
    Arming::State arming;
    std::int64_t bytes = 0;  // charged to the store
    // The next timer that is set and not yet due, Max() for none: for a deadline or an expiry.
    EventTime timer = EventTime::Max();
    bool timer_expires = false;
    std::uint32_t bound = 0;  // steps, when last settled

    [[nodiscard]] bool empty() const noexcept {
      return intake.empty() && chain.empty() && !arming.on;
    }
  };
  struct Slot {  // null only until Observe() or Load() has filled it
    std::unique_ptr<Entry> entry;

    [[nodiscard]] std::uint32_t rank() const noexcept { return entry ? entry->bound : 0; }
  };
  using Store = FlatStore<Slot>;
  struct Uncharge {  // when a key goes
    Store* store;
    void operator()(typename Store::Node& gone) const { store->Charge(-gone.state.entry->bytes); }
  };

  void Fire(Entry& entry, const Standing& standing, EventTime at, Outcome& out);
  void Settle(typename Store::Node& node, EventTime now);
  [[nodiscard]] std::int64_t Measure(Entry& entry) const;
  void SetTimer(const Digest& key, Entry& entry);
  [[nodiscard]] std::vector<NamedValue> GroupOf(const Entry& entry) const;

  const sigma::CorrelationRule* rule_;
  std::uint32_t unit_;
  Timers* timers_;
  ChainIntake intake_;
  Arming arming_;
  Chain chain_;
  StepLayout layout_;
  Store store_;
};

template <class Chain>
void KeyedChain<Chain>::Observe(const Arrival& arrival, Judge& judge, Outcome& out) {
  typename Store::Node* node = store_.Find(arrival.key);
  if (node != nullptr && store_.Dead(*node, arrival.time)) node = nullptr;
  if (!intake_.Concerns(arrival) && (node == nullptr || rule_->where.empty())) return;
  // A key that keeps nothing of the arrival takes no room.
  std::unique_ptr<Entry> fresh;
  if (node == nullptr) fresh = std::make_unique<Entry>();
  Entry& entry = node != nullptr ? *node->state.entry : *fresh;
  const RowJudge where(*rule_, layout_, *arrival.group, judge);
  if (entry.timer_expires && entry.timer < arrival.time) {
    // A child's expiry made the arrival; this key's own, of the same instant, has its timer behind it.
    const std::optional<Standing> left = chain_.LookBehind(entry.chain, entry.timer, where);
    if (left) Arming::Extend(entry.arming, *left);
  }
  const ChainArrival taken = intake_.Take(entry.intake, arrival);
  if (taken.until) {
    entry.chain = {};
    entry.arming = {};
  }
  std::size_t forgotten = chain_.Observe(entry.chain, taken, entry.intake.before, where);
  forgotten += intake_.Remember(entry.intake, taken);
  store_.CountEvictions(forgotten);
  const Standing standing = chain_.Look(entry.chain, taken, where);
  if (arming_.Look(entry.arming, standing, arrival.time, arrival.time,
                   !taken.occurrences.empty())) {
    Fire(entry, standing, arrival.time, out);
  }
  if (node == nullptr) {
    intake_.Expire(entry.intake, arrival.time);
    if (entry.empty()) return;
    for (const NamedValue& value : *arrival.group) entry.group.push_back(value.value);
    node = &store_.Touch(arrival.key, arrival.time, Uncharge{&store_});
    node->state.entry = std::move(fresh);
  } else {
    store_.Touch(arrival.key, arrival.time);
  }
  Settle(*node, arrival.time);
}

template <class Chain>
void KeyedChain<Chain>::OnTimer(const Digest& key, EventTime due, Judge& judge, Outcome& out) {
  typename Store::Node* const node = store_.Find(key);
  if (node == nullptr || node->state.entry->timer != due) return;
  Entry& entry = *node->state.entry;
  entry.timer = EventTime::Max();
  const bool expires = entry.timer_expires;
  const EventTime at = expires ? due + std::chrono::nanoseconds(1) : due;
  std::vector<NamedValue> group = GroupOf(entry);
  const RowJudge where(*rule_, layout_, group, judge);
  const std::optional<Standing> standing = expires ? chain_.LookBehind(entry.chain, due, where)
                                                   : chain_.LookAtDeadline(entry.chain, due, where);
  if (!standing) return SetTimer(key, entry);  // the state has overtaken this timer
  if (arming_.Look(entry.arming, *standing, due, at, false)) {
    Fire(entry, *standing, at, out);
    out.deadline = true;
    out.group = std::move(group);
  }
  Settle(*node, at);
}

template <class Chain>
bool KeyedChain<Chain>::Awaits(const Digest& key, EventTime due) const {
  const typename Store::Node* const node = store_.Find(key);
  return node != nullptr && node->state.entry->timer == due;
}

template <class Chain>
void KeyedChain<Chain>::Fire(Entry& entry, const Standing& standing, EventTime at, Outcome& out) {
  out.fired = true;
  out.time = at;
  out.steps = layout_.Materialised(standing.row);
  out.count = RowJudge::Matched(out.steps);
  out.value = out.count;
  if (rule_->overlap != sigma::OverlapKind::kConsume) return;
  entry.chain = {};
  entry.arming = {};
  entry.intake.counters.clear();
}

// Done with a key: drops it when it is empty, else sets its timer and lets others go for its sake.
template <class Chain>
void KeyedChain<Chain>::Settle(typename Store::Node& node, EventTime now) {
  Entry& entry = *node.state.entry;
  intake_.Expire(entry.intake, now);
  if (!Arming::Holds(entry.arming, now)) entry.arming = {};
  if (entry.empty()) {
    store_.Erase(Digest(node.key), Uncharge{&store_});
    return;
  }
  SetTimer(node.key, entry);
  const std::int64_t bytes = Measure(entry);
  const std::int64_t more = bytes - std::exchange(entry.bytes, bytes);
  store_.Settle(node, more, Uncharge{&store_});
}

// Its bytes; and notes how many steps are bound.
template <class Chain>
std::int64_t KeyedChain<Chain>::Measure(Entry& entry) const {
  entry.bound = chain_.Rank(entry.chain);
  std::int64_t bytes = intake_.BytesOf(entry.intake) + chain_.BytesOf(entry.chain);
  for (const std::string& value : entry.group) bytes += static_cast<std::int64_t>(value.size());
  return bytes;
}

template <class Chain>
void KeyedChain<Chain>::SetTimer(const Digest& key, Entry& entry) {
  const EventTime deadline = chain_.NextDeadline(entry.chain);
  const EventTime expiry = chain_.NextExpiry(entry.chain);
  const EventTime next = std::min(deadline, expiry);
  const bool expires = expiry < deadline;
  if (next > entry.timer || next == EventTime::Max()) return;
  if (next == entry.timer && expires >= entry.timer_expires) return;
  entry.timer = next;
  entry.timer_expires = expires;
  timers_->Set({next, unit_, expires ? Timer::Kind::kExpiry : Timer::Kind::kOperator, key});
}

template <class Chain>
std::vector<NamedValue> KeyedChain<Chain>::GroupOf(const Entry& entry) const {
  std::vector<NamedValue> group;
  for (std::size_t i = 0; i < entry.group.size(); ++i) {
    group.push_back({rule_->group_by[i], entry.group[i]});
  }
  return group;
}

template <class Chain>
EventTime KeyedChain<Chain>::HoldsUntil(const Digest& key) const {
  const typename Store::Node* const node = store_.Find(key);
  return node != nullptr && node->state.entry->arming.on ? node->state.entry->arming.until
                                                         : EventTime::Min();
}

template <class Chain>
std::vector<BoundStep> KeyedChain<Chain>::BoundNow(const Digest& key, EventTime now) const {
  const typename Store::Node* const node = store_.Find(key);
  return layout_.Materialised(node != nullptr ? chain_.RowAt(node->state.entry->chain, now)
                                              : BoundRefs());
}

template <class Chain>
void KeyedChain<Chain>::Save(StateWriter& out) const {
  out.U64(store_.evictions());
  out.U32(static_cast<std::uint32_t>(store_.size()));
  store_.ForEach([&](const typename Store::Node& node) {
    const Entry& entry = *node.state.entry;
    out.Hash(node.key);
    out.Time(node.touched);
    for (const std::string& value : entry.group) out.Text(value);
    BoundWriter bounds(&out);
    intake_.Save(entry.intake, out, bounds);
    chain_.Save(entry.chain, out, bounds);
    Arming::Save(entry.arming, out);
  });
}

template <class Chain>
bool KeyedChain<Chain>::Load(StateReader& in) {
  store_.SetEvictions(in.U64());
  Digest last;
  for (std::uint32_t count = in.Count(24), i = 0; i < count; ++i) {
    const Digest key = in.Hash();
    if (i > 0 && key <= last) in.Refuse();
    last = key;
    const EventTime touched = in.Time();
    auto entry = std::make_unique<Entry>();
    entry->group.resize(rule_->group_by.size());
    for (std::string& value : entry->group) value = in.Text();
    BoundReader bounds(&in, rule_->inputs.size());
    entry->intake = intake_.Load(in, bounds);
    entry->chain = chain_.Load(in, bounds);
    entry->arming = Arming::Load(in);
    if (!in.ok() || entry->empty()) return false;
    entry->bytes = Measure(*entry);
    typename Store::Node& node = store_.Restore(key, touched, entry->bytes);
    node.state.entry = std::move(entry);
    SetTimer(key, *node.state.entry);
  }
  store_.ShrinkToCaps(Uncharge{&store_});
  return in.ok();
}

template <class Chain>
void KeyedChain<Chain>::ForEachOpen(const std::function<void(const Open&)>& visit) const {
  store_.ForEach([&](const typename Store::Node& node) {
    const Entry& entry = *node.state.entry;
    Open open;
    open.group = GroupOf(entry);
    open.key = node.key;
    open.until = node.touched + intake_.keep();
    const BoundRefs row = chain_.RowAt(entry.chain, node.touched);
    open.since = node.touched;
    for (const BoundRef& bound : row) {
      if (bound != nullptr) open.since = std::min(open.since, bound->time);
    }
    chain_.Describe(entry.chain, open);
    if (open.waits.empty()) open.waits = intake_.Progress(entry.intake);
    if (open.waits.empty()) open.waits = "a step to look back from";
    visit(open);
  });
}

}  // namespace

std::unique_ptr<Operator> MakeChainOperator(const sigma::CorrelationRule& rule, std::uint32_t unit,
                                            const Operator::Limits& limits, Timers* timers) {
  if (rule.type == sigma::CorrelationType::kTemporal) {
    return std::make_unique<KeyedChain<SetChain>>(rule, unit, limits, timers);
  }
  return std::make_unique<KeyedChain<SequenceChain>>(rule, unit, limits, timers);
}

}  // namespace faultline
