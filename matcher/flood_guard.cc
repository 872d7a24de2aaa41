// SPDX-License-Identifier: Apache-2.0
#include "matcher/flood_guard.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "matcher/correlate/hit_codec.h"
#include "matcher/correlate/hour.h"

namespace faultline {

bool FloodGuard::Tells(Lane& lane, const Hit& hit, const Position& position) {
  if (most_ == 0) return true;
  // A record that is no event may claim any time: none lies above those of events.
  const std::int64_t hour =
      std::max(HourOf(position.reached), HourOf(std::min(hit.time, position.highest)));
  const auto [at, fresh] = lane.floods_.try_emplace({hour, hit.rule});
  Flood& flood = at->second;
  if (fresh) {
    flood.due = EndOfHour(hour);
    lane.first_end_ = std::min(lane.first_end_, flood.due);
  }
  if (flood.told < most_) {
    ++flood.told;
    return true;
  }
  if (flood.hidden == 0) flood.first = hit.origin;
  ++flood.hidden;
  ++hidden_;
  flood.last = hit;
  flood.last.event.clear();
  return false;
}

std::vector<FloodGuard::Flood> FloodGuard::End(Lane& lane, EventTime reached) {
  std::vector<Flood> ended;
  auto at = lane.floods_.begin();
  for (; at != lane.floods_.end() && at->second.due < reached; ++at) {
    if (at->second.hidden > 0) ended.push_back(std::move(at->second));
  }
  lane.floods_.erase(lane.floods_.begin(), at);
  lane.first_end_ = at == lane.floods_.end() ? EventTime::Max() : at->second.due;
  return ended;
}

std::vector<FloodGuard::Flood> FloodGuard::EndAll() {
  std::vector<Flood> all;
  for (auto& [source, lane] : lanes_) {
    for (Flood& flood : End(lane, EventTime::Max())) all.push_back(std::move(flood));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Flood& a, const Flood& b) { return a.due < b.due; });
  return all;
}

void FloodGuard::Save(const RuleSet& rules, StateWriter& out) const {
  std::uint32_t entries = 0;
  for (const auto& [source, lane] : lanes_) {
    entries += static_cast<std::uint32_t>(lane.floods_.size());
  }
  out.U32(entries);
  for (const auto& [source, lane] : lanes_) {
    for (const auto& [key, flood] : lane.floods_) {
      const sigma::DetectionRule& rule = rules.detections()[key.second];
      out.Text(source.topic);
      out.U32(static_cast<std::uint32_t>(source.partition));
      out.Text(IdentityOf(rule.meta));
      out.Hash(rule.semantics);
      out.I64(key.first);
      out.I64(flood.told);
      out.I64(flood.hidden);
      if (flood.hidden == 0) continue;
      out.Place(flood.first);
      out.Text(EncodeHit(flood.last));
    }
  }
}

void FloodGuard::Load(const RuleSet& rules, StateReader& in) {
  for (auto& [source, lane] : lanes_) {
    lane.floods_.clear();
    lane.first_end_ = EventTime::Max();
  }
  std::map<std::pair<std::string, Digest>, std::uint32_t> known;
  for (std::uint32_t rule = 0; rule < rules.detections().size(); ++rule) {
    const sigma::DetectionRule& each = rules.detections()[rule];
    known[{IdentityOf(each.meta), each.semantics}] = rule;
  }
  for (std::uint32_t left = in.Count(52); left > 0 && in.ok(); --left) {
    SourceName source;
    source.topic = in.Text();
    source.partition = static_cast<std::int32_t>(in.U32());
    std::string identity = in.Text();
    const Digest semantics = in.Hash();
    const std::int64_t hour = in.I64();
    Flood flood;
    flood.told = in.I64();
    flood.hidden = in.I64();
    if (!IsHour(hour) || flood.told < 0 || flood.hidden < 0) in.Refuse();
    if (in.ok() && flood.hidden > 0) {
      flood.first = in.Place();
      std::optional<Hit> last = DecodeHit(in.Text());
      if (!last) in.Refuse();
      flood.last = std::move(last).value_or(Hit{});
    }
    const auto rule = known.find({std::move(identity), semantics});
    if (!in.ok() || rule == known.end()) continue;
    flood.last.rule = rule->second;
    flood.due = EndOfHour(hour);
    Lane& lane = lanes_[source];
    lane.first_end_ = std::min(lane.first_end_, flood.due);
    lane.floods_.insert_or_assign({hour, rule->second}, std::move(flood));
  }
}

}  // namespace faultline
