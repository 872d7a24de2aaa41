// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/registers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <type_traits>

#include "matcher/correlate/key.h"
#include "matcher/correlate/state_codec.h"
#include "matcher/sigma/expression_value.h"

namespace faultline {
namespace {

using sigma::ExprAbsent;
using sigma::ExprError;
using sigma::ExprValue;
using sigma::Register;
using Fn = sigma::Register::Fn;

__extension__ typedef __int128 Wide;  // holds any sum of the observations of a key

constexpr std::int64_t kObservationBytes = 64;

bool WantsNumber(Fn fn) { return fn == Fn::kMax || fn == Fn::kMin || fn == Fn::kSum; }
bool WantsValue(Fn fn) { return fn != Fn::kCount && fn != Fn::kTimes; }

bool IsNumber(const ExprValue& value) {
  const auto* const decimal = std::get_if<double>(&value);
  return std::holds_alternative<std::int64_t>(value) ||
         (decimal != nullptr && std::isfinite(*decimal));
}

std::int64_t BytesOf(const ExprValue& value) {
  const auto* const text = std::get_if<std::string>(&value);
  return kObservationBytes + (text != nullptr ? static_cast<std::int64_t>(text->size()) : 0);
}

// Exact while all are whole, else compensated (Neumaier).
class Sum {
 public:
  void Add(const ExprValue& value) {
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
      whole_ += *number;
      return;
    }
    const double term = std::get<double>(value);
    const double next = sum_ + term;
    lost_ += std::abs(sum_) >= std::abs(term) ? (sum_ - next) + term : (term - next) + sum_;
    sum_ = next;
    decimal_ = true;
  }
  [[nodiscard]] ExprValue Value() const {
    if (decimal_) {
      const double value = sum_ + lost_ + static_cast<double>(whole_);
      return std::isfinite(value) ? ExprValue(value) : ExprValue(ExprError{});
    }
    using Limits = std::numeric_limits<std::int64_t>;
    if (whole_ > Limits::max() || whole_ < Limits::min()) return ExprError{};
    return static_cast<std::int64_t>(whole_);
  }

 private:
  Wide whole_ = 0;
  double sum_ = 0, lost_ = 0;
  bool decimal_ = false;
};

}  // namespace

Registers::Observation Registers::Row::TakeFront() {
  Observation front = std::move(held[head]);
  if (++head * 2 > held.size()) {
    held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(head));
    head = 0;
  }
  return front;
}

Registers::Registers(const sigma::CorrelationRule& rule, const Operator::Limits& limits)
    : rule_(&rule) {
  Operator::Limits each = limits;
  each.max_bytes /= std::max<std::size_t>(rule.registers.size(), 1);
  for (const Register& reg : rule.registers) stores_.emplace_back(each, reg.ttl);
}

void Registers::Observe(EventTime at, std::span<const InputHit> hits) {
  changes_.clear();
  for (std::uint32_t index = 0; index < rule_->registers.size(); ++index) {
    const Register& reg = rule_->registers[index];
    for (const InputHit& hit : hits) {
      if (reg.reset == hit.input) Reset(index, *hit.hit, hit.input);
    }
    for (const InputHit& hit : hits) {
      if (reg.input == hit.input) TakeIn(index, at, hit);
    }
  }
}

void Registers::Reset(std::uint32_t index, const Hit& hit, std::uint32_t input) {
  Store& store = stores_[index];
  for (const Digest& key : KeysOfHit(index, input, hit)) {
    Store::Node* const node = store.Find(key);
    if (node == nullptr) continue;
    Change& change = ChangeOf(index, key);
    while (node->state.size() > 0) {
      change.gone.push_back(node->state.TakeFront());
      store.Charge(-BytesOf(change.gone.back().value));
    }
    store.Erase(key);
  }
}

void Registers::TakeIn(std::uint32_t index, EventTime at, const InputHit& hit) {
  Observation observation{at, ExprAbsent{}};
  if (!ValueOf(rule_->registers[index], hit, observation.value)) return;
  for (const Digest& key : KeysOfHit(index, hit.input, *hit.hit)) Append(index, key, observation);
}

void Registers::Append(std::uint32_t index, const Digest& key, const Observation& observation) {
  Store& store = stores_[index];
  const Register& reg = rule_->registers[index];
  const auto uncharge = [&store](Store::Node& gone) {
    for (const Observation& held : gone.state.live()) store.Charge(-BytesOf(held.value));
  };
  Store::Node& node = store.Touch(key, observation.time, uncharge);
  Row& row = node.state;
  Change& change = ChangeOf(index, key);
  std::int64_t bytes = BytesOf(observation.value);
  const auto drop_front = [&] {
    Observation front = row.TakeFront();
    bytes -= BytesOf(front.value);
    if (row.size() >= change.added) {
      change.gone.push_back(std::move(front));
    } else {
      --change.added;
    }
  };
  while (row.size() > 0 && row.live().front().time < observation.time - reg.ttl) drop_front();
  if (reg.fn == Fn::kLast) {
    while (row.size() > 0) drop_front();
  } else if (row.size() == kMaxObservations) {
    drop_front();
    store.CountEvictions(1);
  }
  row.held.push_back(observation);
  ++change.added;
  store.Settle(node, bytes, uncharge);
}

bool Registers::ValueOf(const Register& reg, const InputHit& hit, ExprValue& value) {
  if (!WantsValue(reg.fn)) return true;
  if (reg.of_time) {
    value = hit.hit->time;
    return true;
  }
  const Bound bound = BoundOf(*rule_, hit.input, *hit.hit);
  const std::string* const text = bound.Find(reg.field);
  if (text != nullptr) value = *text;
  if (!WantsNumber(reg.fn)) return text != nullptr;
  value = sigma::NumberOf(value);
  if (IsNumber(value)) return true;
  ++no_number_;
  return false;
}

std::vector<Digest> Registers::KeysOfHit(std::uint32_t index, std::uint32_t input,
                                         const Hit& hit) const {
  const Register& reg = rule_->registers[index];
  std::vector<std::string> names;
  if (reg.by_group) {
    names = rule_->inputs[input].group_fields;
  } else {
    for (const auto& [name, expression] : reg.by) names.push_back(name);
  }
  std::vector<Digest> keys;
  for (const GroupKey& key : KeysOf(hit, names, names)) {
    std::vector<std::string> values;
    for (const NamedValue& value : key.group) values.push_back(value.value);
    keys.push_back(KeyOf(index, values));
  }
  return keys;
}

Digest Registers::KeyOf(std::uint32_t index, const std::vector<std::string>& values) const {
  DigestBuilder builder;
  builder.Add(std::int64_t{index});
  for (const std::string& value : values) builder.Add(value);
  return builder.Finish();
}

Registers::Change& Registers::ChangeOf(std::uint32_t index, const Digest& key) {
  for (Change& change : changes_) {
    if (change.index == index && change.key == key) return change;
  }
  changes_.push_back({index, key, {}, 0});
  return changes_.back();
}

std::vector<const Registers::Observation*> Registers::At(std::uint32_t index, const Digest& key,
                                                         EventTime at, bool previous) const {
  const EventTime from = at - rule_->registers[index].ttl;
  std::vector<const Observation*> there;
  const auto add = [&](const Observation& observation) {
    if (observation.time >= from) there.push_back(&observation);
  };
  std::size_t added = 0;
  if (previous) {
    for (const Change& change : changes_) {
      if (change.index != index || change.key != key) continue;
      std::for_each(change.gone.begin(), change.gone.end(), add);
      added = change.added;
    }
  }
  const Store::Node* const node = stores_[index].Find(key);
  if (node == nullptr) return there;
  const std::span<const Observation> live = node->state.live();
  for (const Observation& held : live.first(live.size() - added)) add(held);
  return there;
}

ExprValue Registers::Read(std::uint32_t index, const Digest& key, EventTime at,
                          bool previous) const {
  const std::vector<const Observation*> there = At(index, key, at, previous);
  if (there.empty()) return ExprAbsent{};
  const auto before = [](const Observation* a, const Observation* b) {
    return sigma::Compare(a->value, b->value) == std::strong_ordering::less;
  };
  switch (rule_->registers[index].fn) {
    case Fn::kFirst: return there.front()->value;
    case Fn::kLast: return there.back()->value;
    case Fn::kMax: return (*std::max_element(there.begin(), there.end(), before))->value;
    case Fn::kMin: return (*std::min_element(there.begin(), there.end(), before))->value;
    case Fn::kCount: return static_cast<std::int64_t>(there.size());
    case Fn::kTimes: return ExprAbsent{};
    case Fn::kSum: {
      Sum sum;
      for (const Observation* held : there) sum.Add(held->value);
      return sum.Value();
    }
    case Fn::kDistinct: break;
  }
  std::set<std::string> different;
  for (const Observation* held : there) different.insert(sigma::ToText(held->value));
  return static_cast<std::int64_t>(different.size());
}

std::int64_t Registers::CountTimes(std::uint32_t index, const Digest& key, EventTime at,
                                   EventTime from, EventTime to) const {
  const std::vector<const Observation*> there = At(index, key, at, false);
  return std::count_if(there.begin(), there.end(), [&](const Observation* held) {
    return from <= held->time && held->time <= to;
  });
}

void Registers::ExpireBefore(EventTime time) {
  for (Store& store : stores_) {
    store.ExpireBefore(time, [&store](Store::Node& gone) {
      for (const Observation& held : gone.state.live()) store.Charge(-BytesOf(held.value));
    });
  }
}

Operator::Numbers Registers::numbers() const {
  Operator::Numbers all;
  for (const Store& store : stores_) {
    const Operator::Numbers numbers = store.numbers();
    all.keys += numbers.keys;
    all.bytes += numbers.bytes;
    all.evictions += numbers.evictions;
  }
  return all;
}

void Registers::Save(StateWriter& out) const {
  for (const Store& store : stores_) {
    out.U64(store.evictions());
    out.U32(static_cast<std::uint32_t>(store.size()));
    store.ForEach([&out](const Store::Node& node) {
      out.Hash(node.key);
      out.U32(static_cast<std::uint32_t>(node.state.size()));
      for (const Observation& held : node.state.live()) {
        out.Time(held.time);
        out.Value(held.value);
      }
    });
  }
}

bool Registers::Load(StateReader& in) {
  for (std::uint32_t index = 0; index < stores_.size(); ++index) {
    stores_[index].SetEvictions(in.U64());
    for (std::uint32_t keys = in.Count(29); keys > 0 && in.ok(); --keys) {
      const Digest key = in.Hash();
      const std::uint32_t count = in.Count(9);
      if (count == 0 || count > kMaxObservations || stores_[index].Find(key) != nullptr)
        in.Refuse();
      EventTime last = EventTime::Min();
      for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const Observation held{in.Time(), in.Value()};
        if (held.time < last || !Fits(rule_->registers[index], held)) in.Refuse();
        last = held.time;
        if (in.ok()) Append(index, key, held);
      }
      changes_.clear();
    }
  }
  return in.ok();
}

// Only what ValueOf() gives.
bool Registers::Fits(const Register& reg, const Observation& observation) const {
  const ExprValue& value = observation.value;
  if (!WantsValue(reg.fn)) return std::holds_alternative<ExprAbsent>(value);
  if (reg.of_time) return std::holds_alternative<EventTime>(value);
  return WantsNumber(reg.fn) ? IsNumber(value) : std::holds_alternative<std::string>(value);
}

}  // namespace faultline
