// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/event_time.h"
#include "matcher/correlate/operator.h"
#include "matcher/sigma/rule.h"

namespace faultline {

class StateReader;
class StateWriter;

// An event as windows keep it: its time, and where to find the rest.
struct EventRef {
  EventTime time;
  std::int64_t offset = 0;
  std::uint32_t source = 0;  // of EvidenceStore; 0: a deadline, whose origin is in its note
  std::uint32_t note = 0;    // the input, or EvidenceStore's note on what is out of the common
};

// What the windows of one correlation remember of events, by reference: sources are kept once, and
// only an event that matched several rules, has captured values or lies in an array has a note, and so
// has a deadline.
//
// Place      CountWindow, ValueWindow, PeriodWindow keep EventRefs; EvidenceStore makes Bounds of them.
// Memory     A source stays for good; a note until Drop(). BytesOf() is what an EventRef takes.
// Threads    Confined to its operator. Borrows the rule.
class EvidenceStore {
 public:
  // At most so many events are told of one firing: the oldest, and the newest.
  static constexpr std::size_t kTold = 1024;

  explicit EvidenceStore(const sigma::CorrelationRule& rule);

  // The hits of `arrival` that are steps: the first one; null where there is none.
  [[nodiscard]] const InputHit* Counted(const Arrival& arrival) const noexcept;
  // Remembers an arrival of which some hit is a step.
  [[nodiscard]] EventRef Keep(const Arrival& arrival);
  void Drop(const EventRef& event) {
    if (event.note >= kNotes) DropNote(event.note - kNotes);
  }
  // Logical bytes beyond sizeof(EventRef).
  [[nodiscard]] std::int64_t BytesOf(const EventRef& event) const noexcept {
    return event.note < kNotes ? 0 : BytesOfNote(event.note - kNotes);
  }

  // Whether the event is one of step `step`, and as such a one.
  [[nodiscard]] bool Is(const EventRef& event, std::uint32_t step) const noexcept;
  [[nodiscard]] Bound TellAs(const EventRef& event, std::uint32_t step) const;
  // Puts the event into each step that it is one of.
  void Tell(const EventRef& event, std::vector<BoundStep>& steps) const;
  // The same for events that `at(i)` gives, i < count, oldest first: the first and the newest ones.
  template <class At>
  [[nodiscard]] std::vector<BoundStep> TellAll(std::size_t count, At at) const {
    std::vector<BoundStep> steps(rule_.steps.size());
    for (std::size_t i = 0; i < count; ++i) {
      if (i == 1 && count > kTold) i = count - kTold + 1;
      Tell(at(i), steps);
    }
    return steps;
  }

  void Save(const EventRef& event, StateWriter& out) const;
  // Nothing (and `in` refuses) for what cannot be an event of the rule.
  [[nodiscard]] std::optional<EventRef> Load(StateReader& in);
  static constexpr std::size_t kLeastSaved = 8 + 4 + 4;

 private:
  struct Told {
    std::uint32_t input = 0;
    std::uint32_t captures = 0;
    std::vector<NamedValue> values;
  };
  struct Note {
    std::uint32_t index = 0;              // of the origin
    std::unique_ptr<const Origin> rests;  // of a deadline: where the newest event lies; else null
    std::int32_t turn = 0;                // of a deadline, as in Hit
    std::vector<Told> told;  // by input; at least one, several where a child fired for several keys
  };
  static constexpr std::uint32_t kNotes = 1U << 16;  // below: the number of the only input

  [[nodiscard]] std::uint32_t SourceOf(const Origin& origin);
  [[nodiscard]] std::uint32_t KeepNote(Note note);
  [[nodiscard]] static bool IsPlain(const Note& note) noexcept;
  void DropNote(std::uint32_t at);
  [[nodiscard]] std::int64_t BytesOfNote(std::uint32_t at) const noexcept;
  // What is told of the event as input `input`; null where it is none of it, or `plain`.
  [[nodiscard]] const Told* Find(const EventRef& event, std::uint32_t input,
                                 const Told& plain) const noexcept;
  [[nodiscard]] Bound MakeBound(const EventRef& event, const Told& told) const;

  const sigma::CorrelationRule& rule_;
  std::vector<std::vector<std::uint32_t>> steps_of_;  // per input
  std::vector<SourceName> sources_;                   // [0] is no source
  std::map<SourceName, std::uint32_t> source_ids_;
  std::uint32_t last_source_ = 0;  // most events come from where the last one came from
  std::vector<Note> notes_;
  std::vector<std::uint32_t> free_notes_;
};

}  // namespace faultline
