// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/correlator.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "matcher/correlate/chain.h"
#include "matcher/correlate/keyed_store.h"
#include "matcher/correlate/window.h"
#include "matcher/sigma/text_template.h"

namespace faultline {
namespace {

using sigma::CorrelationRule;
using sigma::CorrelationType;

BoundEvent Bind(const Hit& hit) { return {hit.rule, hit.time, hit.origin, hit.captures}; }

// Calls `visit` on every event that the state holds.
template <class Visit>
void ForEachBound(CountWindow::State& state, Visit visit) {
  for (BoundEvent& event : state.last) visit(event);
}
template <class Visit>
void ForEachBound(SetWindow::State& state, Visit visit) {
  for (auto& event : state.newest) {
    if (event) visit(*event);
  }
}
template <class Visit>
void ForEachBound(SequenceWindow::State& state, Visit visit) {
  for (auto& prefix : state.prefix) std::for_each(prefix.begin(), prefix.end(), visit);
}

// One event as one group of one correlation sees it.
struct Arrival {
  std::vector<std::uint32_t> members;  // which of the correlation's rules it matched
  std::vector<BoundEvent> bound;       // the event as matched by each of them
};

// An operator with its groups.
template <class Operator>
struct Room {
  Room(typename Operator::Config config, std::size_t max_keys) : op(config), groups(max_keys) {}

  Operator op;
  KeyedStore<typename Operator::State> groups;
};

bool ObserveIn(Room<CountWindow>& room, CountWindow::State& state, const Arrival& arrival) {
  return room.op.Observe(state, arrival.bound.front());
}
template <class Operator>
bool ObserveIn(Room<Operator>& room, typename Operator::State& state, const Arrival& arrival) {
  return room.op.Observe(state, arrival.members, arrival.bound);
}

std::vector<BoundEvent> EvidenceIn(const Room<SetWindow>& room, const SetWindow::State& state,
                                   EventTime at) {
  return room.op.Evidence(state, at);
}
template <class Operator>
std::vector<BoundEvent> EvidenceIn(const Room<Operator>& room,
                                   const typename Operator::State& state, EventTime) {
  return room.op.Evidence(state);
}

using AnyRoom = std::variant<Room<CountWindow>, Room<SetWindow>, Room<SequenceWindow>>;

AnyRoom MakeRoom(const CorrelationRule& rule, std::size_t max_keys) {
  const auto members = static_cast<std::uint32_t>(rule.members.size());
  switch (rule.type) {
    case CorrelationType::kEventCount:
      return Room<CountWindow>({rule.timespan, rule.threshold}, max_keys);
    case CorrelationType::kTemporal:
      return Room<SetWindow>({rule.timespan, members, rule.threshold}, max_keys);
    default: break;
  }
  return Room<SequenceWindow>({rule.timespan, members}, max_keys);
}

}  // namespace

struct Correlator::Impl {
  // What the correlations want of one detection rule.
  struct Use {
    // (correlation, place among its members)
    std::vector<std::pair<std::uint32_t, std::uint32_t>> correlations;
    bool silent = false;
    std::vector<std::string> fields;
  };

  std::shared_ptr<const RuleSet> rules;
  std::vector<Use> uses;       // per detection rule
  std::vector<AnyRoom> rooms;  // per correlation
  std::vector<std::uint32_t> keyless;

  void Plan(std::size_t max_keys);
  void ObserveOne(std::uint32_t correlation, const std::vector<Hit>& hits,
                  std::vector<Firing>& out);
};

void Correlator::Impl::Plan(std::size_t max_keys) {
  uses.resize(rules->detections().size());
  std::vector<std::set<std::string>> fields(uses.size());
  std::set<std::uint32_t> generated;
  const auto& correlations = rules->correlations();
  for (std::uint32_t c = 0; c < correlations.size(); ++c) {
    const CorrelationRule& rule = correlations[c];
    rooms.push_back(MakeRoom(rule, max_keys));
    const std::vector<std::string> named = sigma::TemplateNames(rule.explain);
    for (std::uint32_t place = 0; place < rule.members.size(); ++place) {
      const std::uint32_t detection = rule.members[place];
      uses[detection].correlations.emplace_back(c, place);
      fields[detection].insert(rule.group_by.begin(), rule.group_by.end());
      fields[detection].insert(named.begin(), named.end());
      if (rule.generate) generated.insert(detection);
    }
  }
  for (std::uint32_t d = 0; d < uses.size(); ++d) {
    uses[d].silent = !uses[d].correlations.empty() && !generated.contains(d);
    uses[d].fields.assign(fields[d].begin(), fields[d].end());
  }
}

void Correlator::Impl::ObserveOne(std::uint32_t correlation, const std::vector<Hit>& hits,
                                  std::vector<Firing>& out) {
  const CorrelationRule& rule = rules->correlations()[correlation];
  std::map<std::string, std::pair<GroupKey, Arrival>> arrivals;  // by key, so in a fixed order
  for (const Hit& hit : hits) {
    for (const auto& [c, place] : uses[hit.rule].correlations) {
      if (c != correlation) continue;
      std::vector<GroupKey> keys = KeysOf(hit, rule.group_by);
      if (keys.empty()) keyless.push_back(correlation);
      for (GroupKey& key : keys) {
        std::string bytes = key.bytes;
        auto& [kept, arrival] = arrivals[std::move(bytes)];
        kept = std::move(key);
        arrival.members.push_back(place);
        arrival.bound.push_back(Bind(hit));
      }
    }
  }
  const EventTime at = hits.front().time;
  for (auto& arrived : arrivals) {
    const std::string& bytes = arrived.first;
    GroupKey& key = arrived.second.first;
    const Arrival& arrival = arrived.second.second;
    std::visit(
        [&](auto& room) {
          auto& state = room.groups.Touch(bytes, at);
          if (!ObserveIn(room, state, arrival)) return;
          const auto deciding = std::find_if(hits.begin(), hits.end(), [&](const Hit& hit) {
            return hit.rule == arrival.bound.back().rule;
          });
          out.push_back({correlation, std::move(key), *deciding, EvidenceIn(room, state, at),
                         room.groups.evictions() > 0});
        },
        rooms[correlation]);
  }
}

Correlator::Correlator(std::shared_ptr<const RuleSet> rules, std::size_t max_keys)
    : impl_(std::make_unique<Impl>()) {
  impl_->rules = std::move(rules);
  impl_->Plan(max_keys);
}

Correlator::~Correlator() = default;
Correlator::Correlator(Correlator&&) noexcept = default;
Correlator& Correlator::operator=(Correlator&&) noexcept = default;

bool Correlator::Refers(std::uint32_t detection) const noexcept {
  return !impl_->uses[detection].correlations.empty();
}

bool Correlator::Silences(std::uint32_t detection) const noexcept {
  return impl_->uses[detection].silent;
}

const std::vector<std::string>& Correlator::FieldsOf(std::uint32_t detection) const noexcept {
  return impl_->uses[detection].fields;
}

void Correlator::Observe(const std::vector<Hit>& hits, std::vector<Firing>& out) {
  std::set<std::uint32_t> touched;
  for (const Hit& hit : hits) {
    for (const auto& [correlation, place] : impl_->uses[hit.rule].correlations) {
      touched.insert(correlation);
    }
  }
  for (const std::uint32_t correlation : touched) impl_->ObserveOne(correlation, hits, out);
}

void Correlator::ExpireBefore(EventTime frontier) {
  for (std::uint32_t c = 0; c < impl_->rooms.size(); ++c) {
    const EventTime oldest = frontier - impl_->rules->correlations()[c].timespan;
    std::visit([oldest](auto& room) { room.groups.ExpireBefore(oldest); }, impl_->rooms[c]);
  }
}

void Correlator::Adopt(Correlator& old) {
  const auto& before = old.impl_->rules->correlations();
  const auto& now = impl_->rules->correlations();
  for (std::uint32_t c = 0; c < now.size(); ++c) {
    const auto same = std::find_if(before.begin(), before.end(), [&](const CorrelationRule& rule) {
      return rule.meta.id == now[c].meta.id && rule.semantics == now[c].semantics;
    });
    if (same == before.end()) continue;
    // Equal semantics list the same members in the same order; only their indices may have moved.
    std::map<std::uint32_t, std::uint32_t> moved;
    for (std::size_t i = 0; i < same->members.size(); ++i) {
      moved[same->members[i]] = now[c].members[i];
    }
    AnyRoom& from = old.impl_->rooms[static_cast<std::size_t>(same - before.begin())];
    std::visit(
        [&moved](auto& room) {
          room.groups.ForEach([&moved](auto& state) {
            ForEachBound(state, [&moved](BoundEvent& event) { event.rule = moved[event.rule]; });
          });
        },
        from);
    impl_->rooms[c] = std::move(from);
  }
}

Correlator::Numbers Correlator::numbers() const noexcept {
  Numbers numbers;
  for (const AnyRoom& any : impl_->rooms) {
    std::visit(
        [&numbers](const auto& room) {
          numbers.windows_open += static_cast<std::int64_t>(room.groups.size());
          numbers.evictions += static_cast<std::int64_t>(room.groups.evictions());
        },
        any);
  }
  return numbers;
}

std::vector<std::uint32_t> Correlator::TakeKeyless() { return std::exchange(impl_->keyless, {}); }

}  // namespace faultline
