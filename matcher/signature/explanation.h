// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "matcher/event/walker.h"
#include "matcher/signature/rule_set.h"

namespace faultline {

// One value that a rule's item names, and whether the event has it.
struct ExplainedTest {
  std::string text;  // "ends with '\cmd.exe'"
  bool held = false;
  std::optional<std::size_t> decided_by;  // index into the item's `values`; nothing where no single
                                          // value decides: absent fields, comparisons of two fields
};

// A part of a rule with the engine's verdict on it.
struct ExplainedPart {
  enum class Kind : std::uint8_t {
    kAll,
    kAny,
    kNot,
    kAtLeast,
    kSearch,
    kItem,
    kDeclared,  // the event's input declares log source `name`
    kNoOther    // all of `parts`, and the event is of none of the other logs
  };
  Kind kind = Kind::kAll;
  bool held = false;
  Place place;                       // searches and items
  std::string name;                  // kSearch: its name
  std::uint32_t at_least = 0;        // kAtLeast: how many of `parts`
  std::vector<ExplainedPart> parts;  // of those that have some: all, any, not, at least, search

  // kItem
  std::string field;        // as the rule says; empty: keywords
  std::string event_field;  // its name in this log
  bool all = false;         // every test must hold, else any
  bool negated = false;     // the item holds when its tests do not
  bool present = false;     // the event has the field; a keyword item: some keyword was found
  std::vector<ExplainedTest> tests;
  std::vector<std::string> values;  // what the event has there, decoded; at most kMaxValues
  std::size_t more_values = 0;      // beyond them
};

// Why a detection rule holds for an event or does not.
struct Explanation {
  std::uint32_t rule = 0;              // index into RuleSet::detections()
  bool held = false;                   // the rule, as the engine says; not asked at Depth::kSources
  std::vector<ExplainedPart> sources;  // what its log source can mean, any of them; empty: anything
  std::size_t source = 0;              // with whose field names the rest is told
  ExplainedPart detection;             // its conditions
  struct Filter {
    std::uint32_t index = 0;  // into RuleCollection::filters
    std::string title;
    ExplainedPart condition;  // must hold too
  };
  std::vector<Filter> filters;
};

// Takes rules apart and has the engine judge each part of them for an event.
//
// Place      rules -> [Explainer -> RuleSet, Matcher] -> Explanation -> app/explain_text.
// Errors     None of its own: whatever RuleSet::Compile took, its parts compile too.
// Memory     Each part is a rule of its own: many times a rule set, so only for rules that are asked
//            about.
// Threads    Confined to one thread. Shares the RuleSet.
class Explainer {
 public:
  // How far rules are taken apart; what lies deeper is left out of the explanation.
  enum class Depth : std::uint8_t {
    kSources,  // the log source only: which rules are for such an event at all
    kItems,    // each line of a selection
    kValues    // each value of a line, and which of the event's values it held for
  };
  static constexpr std::size_t kMaxValues = 64;

  // `declared` is the log source of the input that the events are from.
  [[nodiscard]] static Result<Explainer> Create(std::shared_ptr<const RuleSet> rules,
                                                const std::vector<std::uint32_t>& chosen,
                                                Depth depth, const sigma::LogSource& declared = {});
  ~Explainer();
  Explainer(Explainer&&) noexcept;
  Explainer& operator=(Explainer&&) noexcept;

  // An explanation per chosen rule for each event of `payload` (one, or those of a root array); the
  // walker's fault for what is no event.
  struct OfEvent {
    std::vector<Explanation> rules;   // in the order chosen
    std::vector<std::string> fields;  // the event's fields that some rule of the set names
  };
  struct OfPayload {
    WalkFault fault = WalkFault::kNone;
    std::vector<OfEvent> events;
  };
  [[nodiscard]] OfPayload Explain(std::string_view payload, const Walker::Options& options);

 private:
  struct Impl;
  explicit Explainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;  // never null
};

// How far an event is from a rule: how many lines of it would have to be otherwise. 0 when it holds.
struct Closeness {
  std::size_t changes = 0;
  std::size_t held = 0;  // lines that hold of those that should, by what the event has
};
// Requires: explained to Depth::kItems at least.
[[nodiscard]] Closeness ClosenessOf(const Explanation& explanation);

}  // namespace faultline
