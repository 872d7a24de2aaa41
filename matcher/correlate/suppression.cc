// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/suppression.h"

#include <algorithm>

namespace faultline {

Suppression::Suppression(std::vector<Rule> rules, std::size_t most)
    : rules_(std::move(rules)),
      most_(std::max<std::size_t>(most, 1)),
      sizes_(rules_.size()),
      forgotten_(rules_.size()) {}

std::optional<std::int64_t> Suppression::Tell(std::uint32_t rule, const Digest& by, EventTime fired,
                                              EventTime now) {
  const Key key{rule, by};
  const auto found = told_.find(key);
  if (found == told_.end()) {
    Put(key, {fired, 0});
    if (sizes_[rule] > most_) Expire(rule, now);
    if (sizes_[rule] > most_) Evict(rule);
    return 0;
  }
  const Told before = found->second;
  if (fired <= before.at + *rules_[rule].span) {
    Put(key, {before.at, before.hidden + 1});
    return std::nullopt;
  }
  Put(key, {fired, 0});
  return before.hidden;
}

void Suppression::ExpireBefore(EventTime now) {
  for (std::uint32_t rule = 0; rule < rules_.size(); ++rule) {
    if (sizes_[rule] > 0) Expire(rule, now);
  }
}

bool Suppression::Restore(std::uint32_t rule, const Digest& by, const Told& told) {
  if (!rules_[rule].span) return false;
  Put({rule, by}, told);
  if (sizes_[rule] > most_) Evict(rule);
  return true;
}

void Suppression::Put(const Key& key, const Told& told) {
  const auto [found, fresh] = told_.try_emplace(key);
  if (fresh) {
    ++sizes_[key.first];
  } else {
    places_.erase(PlaceOf(key, found->second));
  }
  found->second = told;
  places_.insert(PlaceOf(key, told));
}

void Suppression::Expire(std::uint32_t rule, EventTime now) {
  const EventTime from = now - *rules_[rule].span - rules_[rule].slack;
  const auto first = places_.lower_bound({rule, false, EventTime::Min(), {}});
  for (auto at = first; at != places_.end();) {
    const auto& [whose, hides, told, by] = *at;
    if (whose != rule || hides || !(told < from)) return;
    Erase(at++);
  }
}

void Suppression::Evict(std::uint32_t rule) {
  auto oldest = places_.lower_bound({rule, false, EventTime::Min(), {}});
  const auto hides = places_.lower_bound({rule, true, EventTime::Min(), {}});
  const auto age = [](const auto& at) { return std::tie(std::get<2>(*at), std::get<3>(*at)); };
  const bool both = oldest != hides && hides != places_.end() && std::get<0>(*hides) == rule;
  if (both && age(hides) < age(oldest)) oldest = hides;
  Erase(oldest);
  ++forgotten_[rule];
}

void Suppression::Erase(std::set<Place>::iterator place) {
  const std::uint32_t rule = std::get<0>(*place);
  told_.erase({rule, std::get<3>(*place)});
  --sizes_[rule];
  places_.erase(place);
}

}  // namespace faultline
