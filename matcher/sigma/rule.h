// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "matcher/sigma/condition.h"

namespace faultline::sigma {

enum class Level : std::uint8_t { kInformational, kLow, kMedium, kHigh, kCritical };
[[nodiscard]] std::string_view ToString(Level level) noexcept;
[[nodiscard]] std::optional<Level> LevelFromString(std::string_view text) noexcept;

// A string of a rule after its one pass of unescaping: literal stretches and wildcards, in order.
struct Pattern {
  enum class Kind : std::uint8_t { kLiteral, kAny /* * */, kOne /* ? */ };
  struct Token {
    Kind kind = Kind::kLiteral;
    std::string text;  // for kLiteral, UTF-8 as in the rule, not folded
  };
  std::vector<Token> tokens;  // adjacent literals and adjacent kAny are merged; empty = ''
};

// A regular expression as PCRE2 reads it; flags of modifiers, not of inline groups.
struct Regex {
  std::string pattern;
  bool ignore_case = false;
  bool multi_line = false;
  bool dot_all = false;
};

struct Null {};
struct Number {
  std::string text;  // decimal text
};
struct Bool {
  bool value = false;
};
// `contains`, `startswith`, `endswith` are folded into a Pattern (outer kAny tokens) by the loader.
using Value = std::variant<Null, Bool, Number, Pattern, Regex>;

// One line of a selection: field, modifiers, values.
struct Item {
  std::string field;      // empty: a keyword, searched in every scalar leaf
  bool all = false;       // modifier `all`: every value, else any
  bool cased = false;
  std::vector<Value> values;  // at least one
  Place place;
};

// A search: OR over alternatives, each an AND of items. A map is one alternative, a list of maps
// several, a list of keywords one item without a field.
struct Search {
  std::string name;
  std::vector<std::vector<Item>> alternatives;
  Place place;
};

struct LogSource {
  std::string product, category, service;  // empty: not given
};

// What a log source means: any of these alternatives. Conditions are ordinary items, ANDed in front
// of the detection; `renames` give the detection's fields their names in that log.
struct LogSourceAlternative {
  std::vector<Item> conditions;
  std::vector<std::pair<std::string, std::string>> renames;  // rule's field -> event's field
};

// faultline.capture: named groups taken from a field of a matching event.
struct Capture {
  std::string field;
  std::optional<Regex> regex;  // names are the regex's named groups
  std::string pcre;            // what is compiled in the end: the regex, or the template turned into one
  std::vector<std::string> names;
  Place place;
};

// faultline.explain: texts with {{field}} placeholders.
struct Explain {
  std::string cause, impact, runbook;
  std::vector<std::string> remedy, references;
  [[nodiscard]] bool empty() const noexcept {
    return cause.empty() && impact.empty() && runbook.empty() && remedy.empty() &&
           references.empty();
  }
};

struct Metadata {
  std::string id, name, title, status, author, description;  // id may be empty only for rules that have a name or title
  Level level = Level::kInformational;
  bool has_level = false;
  std::vector<std::string> tags, references, falsepositives;
  Place place;        // of the document
  std::string file;   // path as given on the command line or in the configuration
};

// A RULE as written, checked: everything in it is supported, nothing was ignored.
struct DetectionRule {
  Metadata meta;
  LogSource logsource;
  std::vector<LogSourceAlternative> sources;  // empty: ungated
  bool unmapped_logsource = false;            // a log source was named and no table row fits
  std::vector<Search> searches;
  std::vector<Condition> conditions;  // OR
  std::vector<Capture> captures;
  Explain explain;
  Digest semantics;  // of detection, condition, log source and captures; not of texts
};

enum class CorrelationType : std::uint8_t { kEventCount, kTemporal, kTemporalOrdered };
[[nodiscard]] std::string_view ToString(CorrelationType type) noexcept;

struct CorrelationRule {
  Metadata meta;
  CorrelationType type = CorrelationType::kEventCount;
  std::vector<std::string> rules;      // as written: ids or names of detection rules
  std::vector<std::uint32_t> members;  // indices into RuleCollection::detections, same order; no doubles
  std::vector<std::string> group_by;
  std::chrono::nanoseconds timespan{};  // > 0
  // event_count: at least this many events (gte n, or gt n-1). temporal: at least this many different
  // rules (all of them unless a numeric condition says less). temporal_ordered: number of rules.
  std::uint32_t threshold = 1;
  bool generate = false;  // base rules alert by themselves too
  bool chain = false;     // has a `faultline:` map
  Explain explain;
  Digest semantics;  // includes those of its members
};

enum class RuleState : std::uint8_t { kActive, kGated, kRejected };

// One line of the load report.
struct ReportEntry {
  std::string id, title, file, kind;  // kind: "detection", "correlation"
  int line = 0;
  RuleState state = RuleState::kActive;
  std::string reason;               // for gated and rejected; a note for active (ungated log source)
  std::optional<Error> error;       // for rejected
  std::chrono::nanoseconds horizon{};  // correlations: the timespan
};

// All rules of some paths, cross-checked, in file order; and what became of each document.
struct RuleCollection {
  std::vector<DetectionRule> detections;
  std::vector<CorrelationRule> correlations;
  std::vector<ReportEntry> report;
  std::vector<Error> errors;  // every rejection and every unreadable file, in order
};

// Reads files and folders (*.yml, *.yaml, recursively, sorted; files below a folder `tests` and a file
// `pack.yaml` are no rules). One bad document does not stop the others. Fails only when a path cannot
// be read at all. Never reads above 1 MiB of a file: such a file is an error.
[[nodiscard]] Result<RuleCollection> LoadRules(const std::vector<std::string>& paths);

// The same for one text; `file` is its name in messages.
[[nodiscard]] RuleCollection LoadRulesFromText(std::string_view text, const std::string& file);

}  // namespace faultline::sigma
