// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/incidents.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "matcher/correlate/hour.h"
#include "matcher/correlate/state_codec.h"

namespace faultline {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kForgetAfter = std::chrono::hours(24 * 30);

Candidate CandidateOf(const Notice& notice, EventTime at) {
  Candidate candidate;
  candidate.group = &notice.group;
  candidate.steps = notice.steps;
  candidate.at = at;
  candidate.count = notice.count;
  candidate.value = notice.value;
  return candidate;
}

void Replace(const std::string& by, std::string& text) {
  if (!by.empty()) text = by;
}
void Replace(const std::vector<std::string>& by, std::vector<std::string>& texts) {
  if (!by.empty()) texts = by;
}

void ComposeIn(const sigma::CorrelationRule& rule, const sigma::ExprEnvironment& environment,
               Notice& notice) {
  notice.variant.clear();
  notice.level = rule.meta.level;
  notice.title.clear();
  notice.explanation = Render(rule.texts, environment);
  const auto chosen =
      std::find_if(rule.variants.begin(), rule.variants.end(), [&](const sigma::Variant& variant) {
        return variant.when.empty() || variant.when.Holds(environment);
      });
  if (chosen == rule.variants.end()) return;
  notice.variant = chosen->name;
  if (chosen->level) notice.level = *chosen->level;
  notice.title = chosen->title.Render(environment);
  const sigma::Explain told = Render(chosen->texts, environment);
  Replace(told.cause, notice.explanation.cause);
  Replace(told.impact, notice.explanation.impact);
  Replace(told.runbook, notice.explanation.runbook);
  Replace(told.remedy, notice.explanation.remedy);
  Replace(told.references, notice.explanation.references);
}

// What a reader would see changed.
Digest SaidBy(const Notice& notice) {
  DigestBuilder said;
  said.Add(notice.variant).Add(static_cast<std::int64_t>(notice.level)).Add(notice.title);
  for (const BoundStep& step : notice.steps) said.Add(std::int64_t{!step.empty()});
  said.Add(notice.explanation.cause).Add(notice.explanation.impact);
  said.Add(notice.explanation.runbook);
  for (const std::string& step : notice.explanation.remedy) said.Add(step);
  said.Add("references");
  for (const std::string& reference : notice.explanation.references) said.Add(reference);
  return said.Finish();
}

Digest SuppressKey(const sigma::CorrelationRule& rule, const RuleEnvironment& environment,
                   const Notice& notice) {
  DigestBuilder by;
  if (!rule.suppress || rule.suppress->by.empty()) {
    for (const NamedValue& part : notice.group) by.Add(part.value);
  } else {
    for (const auto& part : rule.suppress->by) {
      by.Add(sigma::ToText(part.second.Evaluate(environment)));
    }
  }
  return by.Finish();
}

// A firing waits for `choose` as long as any rule of the group lets it.
std::vector<Suppression::Rule> SuppressionOf(const std::vector<Incidents::Unit>& units) {
  std::map<std::string, nanoseconds> settle;  // the longest of each choose group
  for (const Incidents::Unit& unit : units) {
    const auto& choose = unit.rule->choose;
    if (choose) settle[choose->group] = std::max(settle[choose->group], choose->settle);
  }
  std::vector<Suppression::Rule> rules;
  for (const Incidents::Unit& unit : units) {
    Suppression::Rule& rule = rules.emplace_back();
    if (unit.rule->suppress) rule.span = unit.rule->suppress->span;
    if (unit.rule->choose) rule.slack = settle[unit.rule->choose->group];
  }
  return rules;
}

}  // namespace

Incidents::Incidents(std::vector<Unit> units, const Options& options, Timers* timers)
    : units_(std::move(units)),
      options_(options),
      timers_(timers),
      open_room_(units_.size()),
      choice_room_(units_.size()),
      suppression_(SuppressionOf(units_), options.max_open),
      forgotten_(units_.size()) {
  std::map<std::string, std::uint32_t> last;
  for (std::uint32_t unit = 0; unit < units_.size(); ++unit) {
    if (units_[unit].rule->choose) last[units_[unit].rule->choose->group] = unit;
  }
  for (const Unit& unit : units_) {
    choice_unit_.push_back(unit.rule->choose ? last[unit.rule->choose->group] : 0);
  }
}

sigma::UpdateEvery Incidents::UpdateEveryOf(std::uint32_t unit) const {
  const auto& own = units_[unit].rule->update_every;
  return own ? *own : options_.update_every;
}

// Plain Sigma correlations are told once and that is all; so is a judged window, unless it is resolved.
bool Incidents::StaysOpen(std::uint32_t unit) const {
  const sigma::CorrelationRule& rule = *units_[unit].rule;
  return rule.chain && (rule.window == sigma::WindowKind::kSliding || rule.resolve);
}

bool Incidents::Over(const Key& key, const Open& open, EventTime at) const {
  const Unit& unit = units_[key.first];
  if (unit.rule->resolve) return at > std::max(open.told_at, open.stirred) + kForgetAfter;
  return unit.op->HoldsUntil(key.second) < at;
}

// Something of the rule's state went for want of room.
bool Incidents::Degraded(std::uint32_t unit) const {
  const Unit& of = units_[unit];
  return forgotten_[unit] + suppression_.forgotten(unit) + of.op->numbers().evictions +
             (of.registers != nullptr ? of.registers->numbers().evictions : 0) >
         0;
}

// The last entry stays, however large.
bool Incidents::Full(std::uint32_t unit, const Room& room) const {
  return room.entries > options_.max_open ||
         (room.entries > 1 && room.bytes > static_cast<std::int64_t>(units_[unit].max_bytes));
}

void Incidents::Compose(std::uint32_t unit, EventTime at, Notice& notice) const {
  const Candidate candidate = CandidateOf(notice, at);
  RuleEnvironment environment(*units_[unit].rule, units_[unit].registers, candidate);
  environment.Compute(notice.computed);
  ComposeIn(*units_[unit].rule, environment, notice);
}

// ---------------------------------------------------------------------------------------- firing

void Incidents::Fire(std::uint32_t unit, const Digest& key, const RuleEnvironment& environment,
                     Notice notice, std::vector<Notice>& out) {
  const sigma::CorrelationRule& rule = *units_[unit].rule;
  ComposeIn(rule, environment, notice);
  const EventTime at = notice.time;
  Waiting waiting{unit, key, SuppressKey(rule, environment, notice), std::move(notice)};
  if (!rule.choose) return Tell(std::move(waiting), at, out);
  const Key place{choice_unit_[unit], key};
  Choice& choice = choices_[place];
  const bool again = std::any_of(choice.waiting.begin(), choice.waiting.end(),
                                 [unit](const Waiting& one) { return one.unit == unit; });
  if (again) {
    ++suppressed_;
    return;
  }
  if (choice.waiting.empty()) choice.due = at + rule.choose->settle;
  Wait(place, choice, std::move(waiting));
  while (Full(place.first, choice_room_[place.first])) {
    const auto& [whose, due, first] =
        *choices_due_.lower_bound({place.first, EventTime::Min(), Digest{}});
    const Key early{whose, first};
    for (const Waiting& one : choices_[early].waiting) ++forgotten_[one.unit];
    Settle(early, at, out);
  }
}

void Incidents::Wait(const Key& place, Choice& choice, Waiting waiting) {
  Room& room = choice_room_[place.first];
  if (choice.waiting.empty()) {
    ++room.entries;
    choices_due_.insert({place.first, choice.due, place.second});
    timers_->Set({choice.due, place.first, Timer::Kind::kChoice, place.second});
  }
  const std::int64_t bytes = BytesOf(waiting.notice);
  choice.bytes += bytes;
  room.bytes += bytes;
  choice.waiting.push_back(std::move(waiting));
}

// Of what waits only the highest priority is told; of equal ones the first in the order of rules.
void Incidents::Settle(const Key& place, EventTime at, std::vector<Notice>& out) {
  const auto found = choices_.find(place);
  std::vector<Waiting> waiting = std::move(found->second.waiting);
  --choice_room_[place.first].entries;
  choice_room_[place.first].bytes -= found->second.bytes;
  choices_due_.erase({place.first, found->second.due, place.second});
  choices_.erase(found);
  std::stable_sort(waiting.begin(), waiting.end(), [this](const Waiting& a, const Waiting& b) {
    const std::int64_t first = units_[a.unit].rule->choose->priority;
    const std::int64_t second = units_[b.unit].rule->choose->priority;
    return first != second ? first > second : a.unit < b.unit;
  });
  for (std::size_t i = 1; i < waiting.size(); ++i) {
    const sigma::Metadata& meta = units_[waiting[i].unit].rule->meta;
    waiting.front().notice.others.push_back(sigma::IdentityOf(meta));
    ++suppressed_;
  }
  Tell(std::move(waiting.front()), at, out);
}

void Incidents::Tell(Waiting waiting, EventTime at, std::vector<Notice>& out) {
  const sigma::CorrelationRule& rule = *units_[waiting.unit].rule;
  Notice& notice = waiting.notice;
  if (rule.suppress) {
    const auto hidden = suppression_.Tell(waiting.unit, waiting.by, notice.time, at);
    if (!hidden) {
      ++suppressed_;
      return;
    }
    notice.suppressed = *hidden;
  }
  notice.degraded = Degraded(waiting.unit);
  if (Flooded(waiting.unit, notice, at)) return;
  if (StaysOpen(waiting.unit)) OpenIncident(waiting, at);
  out.push_back(std::move(notice));
}

// Counts a notice that is told at `at`; above the limit of that hour it is only counted, and told at the
// hour's end.
bool Incidents::Flooded(std::uint32_t unit, const Notice& notice, EventTime at) {
  if (options_.max_per_rule == 0) return false;
  const std::int64_t hour = HourOf(at);
  Flood& flood = floods_[{unit, hour}];
  if (flood.told < options_.max_per_rule) {
    ++flood.told;
    return false;
  }
  if (flood.hidden == 0) timers_->Set({EndOfHour(hour), unit, Timer::Kind::kFlood, {}});
  ++flood.hidden;
  ++suppressed_;
  flood.last = notice;
  return true;
}

void Incidents::EndFlood(std::uint32_t unit, EventTime due, std::vector<Notice>& out) {
  const auto found = floods_.find({unit, HourOf(due)});
  if (found == floods_.end() || found->second.hidden == 0) return;
  Notice notice = std::move(found->second.last);
  notice.status = AlertStatus::kFlooded;
  notice.suppressed = found->second.hidden;
  notice.time = due;
  notice.deciding.reset();
  notice.decided = due;
  floods_.erase(found);
  out.push_back(std::move(notice));
}

// ------------------------------------------------------------------------------------- incidents

void Incidents::OpenIncident(const Waiting& waiting, EventTime at) {
  const Key key{waiting.unit, waiting.key};
  Open open;
  open.notice = waiting.notice;
  open.notice.event.clear();
  open.said = SaidBy(open.notice);
  open.told_at = at;
  open.stirred = waiting.notice.time;
  Put(key, std::move(open));
  MakeRoom(waiting.unit, at);
}

// Whatever is over goes first; nobody sees when it went.
void Incidents::MakeRoom(std::uint32_t unit, EventTime at) {
  if (Full(unit, open_room_[unit])) ExpireOpen(unit, at);
  while (Full(unit, open_room_[unit])) ForgetOldest(unit);
}

void Incidents::ForgetOldest(std::uint32_t unit) {
  const auto first = open_.lower_bound({unit, Digest{}});
  const auto end = open_.lower_bound({unit + 1, Digest{}});
  Close(std::min_element(first, end, [](const auto& a, const auto& b) {
    return std::tie(a.second.told_at, a.first) < std::tie(b.second.told_at, b.first);
  }));
  ++forgotten_[unit];
}

// In place of one that is open, whose timer for the quiet is taken over.
void Incidents::Put(const Key& key, Open open) {
  const auto [found, fresh] = open_.try_emplace(key);
  if (fresh) ++open_room_[key.first].entries;
  open.quiet = found->second.quiet;
  open.bytes = found->second.bytes;
  found->second = std::move(open);
  Charge(key, found->second);
  Quiet(key, found->second);
}

void Incidents::Charge(const Key& key, Open& open) {
  const std::int64_t bytes = BytesOf(open.notice);
  open_room_[key.first].bytes += bytes - open.bytes;
  open.bytes = bytes;
}

void Incidents::Close(std::map<Key, Open>::iterator at) {
  Room& room = open_room_[at->first.first];
  --room.entries;
  room.bytes -= at->second.bytes;
  open_.erase(at);
}

// Sees to a timer that comes no later than the quiet is long enough. What stirs meanwhile does not move
// it: when it comes, it is set again.
void Incidents::Quiet(const Key& key, Open& open) {
  const auto& resolve = units_[key.first].rule->resolve;
  if (!resolve || !resolve->quiet) return;
  const EventTime due = open.stirred + *resolve->quiet;
  if (open.quiet && *open.quiet <= due) return;
  open.quiet = due;
  timers_->Set({due, key.first, Timer::Kind::kQuiet, key.second});
}

void Incidents::EndOver(std::uint32_t unit, const Digest& key, EventTime at) {
  if (open_room_[unit].entries == 0) return;
  const auto found = open_.find({unit, key});
  if (found == open_.end() || found->second.changed) return;
  if (Over(found->first, found->second, at)) Close(found);
}

void Incidents::Touch(std::uint32_t unit, const Digest& key, const Touched& touched,
                      std::vector<Notice>& out) {
  const auto found = open_.find({unit, key});
  if (found == open_.end()) return;
  Open& open = found->second;
  if (Over(found->first, open, touched.at)) {
    if (!open.changed) Close(found);
    return;
  }
  if (touched.resolves) {
    Say(found->first, open, AlertStatus::kResolved, touched.at, touched.at, out);
    Close(found);
    return;
  }
  if (touched.stirs) {
    open.stirred = touched.at;
    Quiet(found->first, open);
  }
  const Operator& op = *units_[unit].op;
  if (op.HoldsUntil(key) >= touched.at) {
    std::vector<BoundStep> now = op.BoundNow(key, touched.at);
    for (std::size_t i = 0; i < open.notice.steps.size() && i < now.size(); ++i) {
      if (open.notice.steps[i].empty()) open.notice.steps[i] = std::move(now[i]);
    }
    Charge(found->first, open);
  }
  Consider(found->first, open, touched.at, out);
  MakeRoom(unit, touched.at);
}

// Tells a change at once, or at the end of the time in which nothing more is told.
void Incidents::Consider(const Key& key, Open& open, EventTime at, std::vector<Notice>& out) {
  const sigma::UpdateEvery every = UpdateEveryOf(key.first);
  if (!every) return;
  Notice now = open.notice;
  Compose(key.first, at, now);
  if (SaidBy(now) == open.said) return;
  if (at >= open.told_at + *every) {
    return Say(key, open, AlertStatus::kUpdated, at, at, out);
  }
  if (!open.changed) {
    timers_->Set({open.told_at + *every, key.first, Timer::Kind::kUpdate, key.second});
  }
  open.changed = at;
}

void Incidents::Say(const Key& key, Open& open, AlertStatus status, EventTime time, EventTime at,
                    std::vector<Notice>& out) {
  Notice& notice = open.notice;
  notice.status = status;
  ++notice.seq;
  notice.time = time;
  notice.suppressed = 0;
  notice.degraded = Degraded(key.first);
  if (sigma::IsTemporal(units_[key.first].rule->type)) notice.count = SeenOf(notice.steps);
  // What is resolved says what it said last, or what it was about to say.
  if (status != AlertStatus::kResolved || open.changed) Compose(key.first, at, notice);
  open.said = SaidBy(notice);
  open.told_at = at;
  open.changed.reset();
  Charge(key, open);
  out.push_back(notice);
}

void Incidents::OnTimer(const Timer& timer, std::vector<Notice>& out) {
  const Key key{timer.unit, timer.key};
  if (timer.kind == Timer::Kind::kChoice) {
    const auto choice = choices_.find(key);
    if (choice != choices_.end() && choice->second.due == timer.due) Settle(key, timer.due, out);
    return;
  }
  if (timer.kind == Timer::Kind::kFlood) return EndFlood(timer.unit, timer.due, out);
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  Open& open = found->second;
  if (timer.kind == Timer::Kind::kQuiet) {
    if (open.quiet != timer.due) return;  // that of an incident before this one
    open.quiet.reset();
    if (open.stirred + *units_[timer.unit].rule->resolve->quiet > timer.due) {
      return Quiet(key, open);
    }
    Say(key, open, AlertStatus::kResolved, timer.due, timer.due, out);
    Close(found);
    return;
  }
  const sigma::UpdateEvery every = UpdateEveryOf(timer.unit);
  if (!open.changed || !every || open.told_at + *every != timer.due) return;
  const EventTime changed = *open.changed;
  open.changed.reset();
  Notice now = open.notice;
  Compose(timer.unit, timer.due, now);
  if (SaidBy(now) == open.said) return;  // changed back
  Say(key, open, AlertStatus::kUpdated, changed, timer.due, out);
  MakeRoom(timer.unit, timer.due);
}

bool Incidents::Awaits(const Timer& timer) const {
  const Key key{timer.unit, timer.key};
  if (timer.kind == Timer::Kind::kChoice) {
    const auto choice = choices_.find(key);
    return choice != choices_.end() && choice->second.due == timer.due;
  }
  if (timer.kind == Timer::Kind::kFlood) {
    const auto flood = floods_.find({timer.unit, HourOf(timer.due)});
    return flood != floods_.end() && flood->second.hidden > 0;
  }
  const auto found = open_.find(key);
  if (found == open_.end()) return false;
  const Open& open = found->second;
  if (timer.kind == Timer::Kind::kQuiet) return open.quiet == timer.due;
  const sigma::UpdateEvery every = UpdateEveryOf(timer.unit);
  return open.changed && every && open.told_at + *every == timer.due;
}

void Incidents::ExpireOpen(std::uint32_t unit, EventTime time) {
  for (auto at = open_.lower_bound({unit, Digest{}}); at != open_.end();) {
    const auto entry = at++;
    if (entry->first.first != unit) return;
    if (!entry->second.changed && Over(entry->first, entry->second, time)) Close(entry);
  }
}

// What can say nothing more goes; that it goes late changes nothing.
void Incidents::ExpireBefore(EventTime time) {
  for (std::uint32_t unit = 0; unit < units_.size(); ++unit) {
    if (open_room_[unit].entries > 0) ExpireOpen(unit, time);
  }
  suppression_.ExpireBefore(time);
  std::erase_if(floods_, [&](const auto& entry) {
    return entry.second.hidden == 0 && EndOfHour(entry.first.second) < time;
  });
}

Incidents::Numbers Incidents::numbers() const {
  Numbers numbers;
  numbers.open = static_cast<std::int64_t>(open_.size());
  numbers.suppressed = suppressed_;
  for (std::uint32_t unit = 0; unit < units_.size(); ++unit) {
    numbers.bytes += open_room_[unit].bytes + choice_room_[unit].bytes;
    numbers.forgotten += forgotten_[unit] + suppression_.forgotten(unit);
  }
  return numbers;
}

void Incidents::ForEachOpen(std::uint32_t unit,
                            const std::function<void(const Notice&)>& visit) const {
  for (auto it = open_.lower_bound({unit, Digest{}}); it != open_.end(); ++it) {
    if (it->first.first != unit) return;
    visit(it->second.notice);
  }
}

// ----------------------------------------------------------------------------------------- state

void Incidents::SaveOpen(const Open& open, StateWriter& out) {
  faultline::Save(open.notice, out);
  out.Hash(open.said);
  out.Time(open.told_at);
  out.Bool(open.changed.has_value());
  out.Time(open.changed.value_or(EventTime{}));
  out.Time(open.stirred);
}

void Incidents::LoadOpen(const Key& key, StateReader& in) {
  Open open;
  open.notice = LoadNoticeOf(key.first, in);
  open.said = in.Hash();
  open.told_at = in.Time();
  const bool changed = in.Bool();
  const EventTime when = in.Time();
  if (changed) open.changed = when;
  open.stirred = in.Time();
  if (!in.ok()) return;
  const sigma::UpdateEvery every = UpdateEveryOf(key.first);
  if (changed && every) {
    timers_->Set({open.told_at + *every, key.first, Timer::Kind::kUpdate, key.second});
  }
  Put(key, std::move(open));
  while (Full(key.first, open_room_[key.first])) ForgetOldest(key.first);
}

Notice Incidents::LoadNoticeOf(std::uint32_t unit, StateReader& in) const {
  Notice notice = LoadNotice(*units_[unit].rule, in);
  notice.correlation = unit;
  return notice;
}

void Incidents::LoadWaiting(const Key& key, const Digest& choice, EventTime due, StateReader& in) {
  const std::uint32_t unit = key.first;
  Waiting waiting{unit, key.second, in.Hash(), LoadNoticeOf(unit, in)};
  if (!units_[unit].rule->choose) in.Refuse();
  if (!in.ok()) return;
  const Key place{choice_unit_[unit], choice};
  Choice& of = choices_[place];
  if (of.waiting.empty()) of.due = due;
  if (of.due != due) in.Refuse();
  if (in.ok()) Wait(place, of, std::move(waiting));
}

// Every entry is a blob behind its rule, so that those of rules that are gone can be passed over.
void Incidents::Save(StateWriter& out) const {
  const auto save = [&out](std::uint32_t unit, const Digest& key, const auto& write) {
    StateWriter blob;
    write(blob);
    out.U32(unit);
    out.Hash(key);
    out.Text(blob.bytes());
  };
  out.U32(static_cast<std::uint32_t>(open_.size()));
  for (const auto& [key, entry] : open_) {
    const Open& open = entry;
    save(key.first, key.second, [&open](StateWriter& blob) { SaveOpen(open, blob); });
  }
  std::size_t waits = 0;
  for (const auto& [key, choice] : choices_) waits += choice.waiting.size();
  out.U32(static_cast<std::uint32_t>(waits));
  for (const auto& [place, entry] : choices_) {
    const Digest& hash = place.second;
    const EventTime due = entry.due;
    for (const Waiting& waiting : entry.waiting) {
      save(waiting.unit, waiting.key, [&](StateWriter& blob) {
        blob.Hash(hash);
        blob.Time(due);
        blob.Hash(waiting.by);
        faultline::Save(waiting.notice, blob);
      });
    }
  }
  out.U32(static_cast<std::uint32_t>(suppression_.size()));
  suppression_.ForEach(
      [&save](std::uint32_t unit, const Digest& by, const Suppression::Told& told) {
        save(unit, by, [&told](StateWriter& blob) {
          blob.Time(told.at);
          blob.I64(told.hidden);
        });
      });
  out.U32(static_cast<std::uint32_t>(units_.size()));
  for (std::uint32_t unit = 0; unit < units_.size(); ++unit) {
    save(unit, Digest{}, [this, unit](StateWriter& blob) {
      blob.U64(forgotten_[unit]);
      blob.U64(suppression_.forgotten(unit));
    });
  }
  out.U32(static_cast<std::uint32_t>(floods_.size()));
  for (const auto& [key, entry] : floods_) {
    const std::int64_t hour = key.second;
    const Flood& flood = entry;
    save(key.first, Digest{}, [&](StateWriter& blob) {
      blob.I64(hour);
      blob.I64(flood.told);
      blob.I64(flood.hidden);
      if (flood.hidden > 0) faultline::Save(flood.last, blob);
    });
  }
}

bool Incidents::Load(const std::vector<std::optional<std::uint32_t>>& moved, StateReader& in) {
  const auto load = [&](const auto& read) {
    for (std::uint32_t left = in.Count(24); left > 0 && in.ok(); --left) {
      const std::uint32_t unit = in.U32();
      const Digest key = in.Hash();
      const std::string bytes = in.Text();
      if (unit >= moved.size()) in.Refuse();
      if (!in.ok() || !moved[unit]) continue;
      StateReader blob(bytes);
      read(Key{*moved[unit], key}, blob);
      if (!blob.ok() || !blob.AtEnd()) in.Refuse();
    }
  };
  load([this](const Key& key, StateReader& blob) { LoadOpen(key, blob); });
  load([this](const Key& key, StateReader& blob) {
    const Digest choice = blob.Hash();
    const EventTime due = blob.Time();
    LoadWaiting(key, choice, due, blob);
  });
  load([this](const Key& key, StateReader& blob) {
    const Suppression::Told told{blob.Time(), blob.I64()};
    if (!suppression_.Restore(key.first, key.second, told)) blob.Refuse();
  });
  load([this](const Key& key, StateReader& blob) {
    forgotten_[key.first] += blob.U64();  // what went for want of room just now as well
    suppression_.AddForgotten(key.first, blob.U64());
  });
  load([this](const Key& key, StateReader& blob) {
    const std::int64_t hour = blob.I64();
    Flood flood;
    flood.told = blob.I64();
    flood.hidden = blob.I64();
    if (!IsHour(hour)) return blob.Refuse();
    if (flood.hidden > 0) {
      flood.last = LoadNoticeOf(key.first, blob);
      timers_->Set({EndOfHour(hour), key.first, Timer::Kind::kFlood, {}});
    }
    floods_.insert_or_assign({key.first, hour}, std::move(flood));
  });
  return in.ok();
}

}  // namespace faultline
