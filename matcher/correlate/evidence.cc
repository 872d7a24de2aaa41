// SPDX-License-Identifier: Apache-2.0
#include "matcher/correlate/evidence.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "matcher/correlate/state_codec.h"

namespace faultline {

EvidenceStore::EvidenceStore(const sigma::CorrelationRule& rule)
    : rule_(rule), steps_of_(rule.inputs.size()), sources_(1) {
  for (std::uint32_t step = 0; step < rule.steps.size(); ++step) {
    steps_of_[rule.steps[step].input].push_back(step);
  }
}

const InputHit* EvidenceStore::Counted(const Arrival& arrival) const noexcept {
  for (const InputHit& hit : arrival.hits) {
    if (!steps_of_[hit.input].empty()) return &hit;
  }
  return nullptr;
}

std::uint32_t EvidenceStore::SourceOf(const Origin& origin) {
  if (last_source_ != 0 && sources_[last_source_] == origin.source) return last_source_;
  const auto [found, fresh] =
      source_ids_.try_emplace(origin.source, static_cast<std::uint32_t>(sources_.size()));
  if (fresh) sources_.push_back(origin.source);
  return last_source_ = found->second;
}

std::uint32_t EvidenceStore::KeepNote(Note note) {
  if (free_notes_.empty()) {
    notes_.push_back(std::move(note));
    return kNotes + static_cast<std::uint32_t>(notes_.size()) - 1;
  }
  const std::uint32_t at = free_notes_.back();
  free_notes_.pop_back();
  notes_[at] = std::move(note);
  return kNotes + at;
}

EventRef EvidenceStore::Keep(const Arrival& arrival) {
  const InputHit* first = Counted(arrival);
  const Hit& hit = *first->hit;
  EventRef event;
  event.time = arrival.time;
  const bool deadline = hit.turn != 0;
  if (!deadline) {
    event.offset = hit.origin.offset;
    event.source = SourceOf(hit.origin);
  }
  if (arrival.hits.size() == 1 && hit.origin.index == 0 && hit.captures.empty() && !rule_.chain &&
      !deadline) {
    event.note = first->input;
    return event;
  }
  Note note;
  note.index = hit.origin.index;
  if (deadline) note.rests = std::make_unique<const Origin>(hit.origin);
  note.turn = hit.turn;
  for (const InputHit& each : arrival.hits) {
    if (steps_of_[each.input].empty()) continue;
    Bound bound = BoundOf(rule_, each.input, *each.hit);
    note.told.push_back({each.input, bound.captures, std::move(bound.values)});
  }
  if (IsPlain(note)) {
    event.note = first->input;
  } else {
    event.note = KeepNote(std::move(note));
  }
  return event;
}

// Nothing in it that its EventRef does not say.
bool EvidenceStore::IsPlain(const Note& note) noexcept {
  return note.told.size() == 1 && note.index == 0 && note.told[0].values.empty() &&
         note.rests == nullptr;
}

void EvidenceStore::DropNote(std::uint32_t at) {
  notes_[at] = Note{};
  free_notes_.push_back(at);
}

std::int64_t EvidenceStore::BytesOfNote(std::uint32_t at) const noexcept {
  std::size_t bytes = 32;
  const auto& rests = notes_[at].rests;
  if (rests) bytes += sizeof(Origin) + rests->source.topic.size();
  for (const Told& told : notes_[at].told) {
    bytes += 32;
    for (const NamedValue& value : told.values) {
      bytes += 64 + value.name.size() + value.value.size();
    }
  }
  return static_cast<std::int64_t>(bytes);
}

const EvidenceStore::Told* EvidenceStore::Find(const EventRef& event, std::uint32_t input,
                                               const Told& plain) const noexcept {
  if (event.note < kNotes) return event.note == input ? &plain : nullptr;
  for (const Told& told : notes_[event.note - kNotes].told) {
    if (told.input == input) return &told;
  }
  return nullptr;
}

Bound EvidenceStore::MakeBound(const EventRef& event, const Told& told) const {
  Bound bound;
  bound.input = told.input;
  bound.time = event.time;
  if (event.source != 0) {
    const std::uint32_t index = event.note < kNotes ? 0 : notes_[event.note - kNotes].index;
    bound.origin = {sources_[event.source], event.offset, index};
  } else {
    const Note& note = notes_[event.note - kNotes];
    bound.origin = *note.rests;
    bound.turn = note.turn;
  }
  bound.values = told.values;
  bound.captures = told.captures;
  return bound;
}

bool EvidenceStore::Is(const EventRef& event, std::uint32_t step) const noexcept {
  return Find(event, rule_.steps[step].input, {}) != nullptr;
}

Bound EvidenceStore::TellAs(const EventRef& event, std::uint32_t step) const {
  const std::uint32_t input = rule_.steps[step].input;
  const Told plain{input, 0, {}};
  const Told* told = Find(event, input, plain);
  FAULTLINE_CHECK(told != nullptr);
  return MakeBound(event, *told);
}

void EvidenceStore::Tell(const EventRef& event, std::vector<BoundStep>& steps) const {
  const auto tell = [&](const Told& told) {
    const Bound bound = MakeBound(event, told);
    for (const std::uint32_t step : steps_of_[told.input]) steps[step].push_back(bound);
  };
  if (event.note < kNotes) return tell({event.note, 0, {}});
  for (const Told& told : notes_[event.note - kNotes].told) tell(told);
}

void EvidenceStore::Save(const EventRef& event, StateWriter& out) const {
  const Note plain{0, nullptr, 0, {{event.note, 0, {}}}};
  const Note& note = event.note < kNotes ? plain : notes_[event.note - kNotes];
  out.Time(event.time);
  out.I32(note.turn);
  out.Place(event.source == 0 ? *note.rests
                              : Origin{sources_[event.source], event.offset, note.index});
  out.U32(static_cast<std::uint32_t>(note.told.size()));
  for (const Told& told : note.told) {
    out.U32(told.input);
    out.U32(told.captures);
    out.Named(told.values);
  }
}

std::optional<EventRef> EvidenceStore::Load(StateReader& in) {
  EventRef event;
  event.time = in.Time();
  Note note;
  note.turn = in.I32();
  const Origin origin = in.Place();
  if (!in.ok()) return std::nullopt;
  if (note.turn != 0) {
    note.rests = std::make_unique<const Origin>(origin);
  } else {
    event.source = SourceOf(origin);
    event.offset = origin.offset;
  }
  note.index = origin.index;
  note.told.resize(in.Count(12));
  for (std::size_t i = 0; i < note.told.size(); ++i) {
    Told& told = note.told[i];
    told.input = in.U32();
    told.captures = in.U32();
    told.values = in.Named();
    if (told.input >= steps_of_.size() || steps_of_[told.input].empty() ||
        told.captures > told.values.size() || (i > 0 && note.told[i - 1].input > told.input)) {
      in.Refuse();
    }
  }
  if (note.told.empty()) in.Refuse();
  if (!in.ok()) return std::nullopt;
  event.note = IsPlain(note) ? note.told[0].input : KeepNote(std::move(note));
  return event;
}

}  // namespace faultline
