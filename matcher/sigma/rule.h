// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/hash.h"
#include "base/jobs.h"
#include "base/result.h"
#include "matcher/sigma/chain.h"
#include "matcher/sigma/condition.h"
#include "matcher/sigma/lint.h"
#include "matcher/sigma/lookup.h"

namespace faultline::sigma {

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
// `exists`: some value is there, null and empty ones too.
struct Exists {
  bool wanted = true;
};
enum class TextMatch : std::uint8_t { kEquals, kContains, kStartsWith, kEndsWith };
// `fieldref`: the item's field against another one, text by text: this one equals, contains, begins
// or ends with that one.
struct FieldRef {
  std::string field;
  TextMatch how = TextMatch::kEquals;
};
// `cidr`: IPv4 as v4-mapped IPv6. Host bits are zero. A network with a prefix below 96 is one of IPv6
// and holds no IPv4 address, mapped or not.
struct Network {
  std::array<std::uint8_t, 16> address{};  // network byte order
  std::uint8_t prefix = 128;               // of the 128 bits
};
enum class Order : std::uint8_t { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
// `gt`, `gte`, `lt`, `lte`: the event's number stands in that order to this one. Never kEqual.
struct Comparison {
  Order order = Order::kLess;
  Number number;
};
enum class TimeUnit : std::uint8_t { kMinute, kHour, kDay, kWeek, kMonth, kYear };
// `minute` to `year`: that part of the event's time, in UTC (ISO weeks), stands so to `number`.
struct TimePart {
  TimeUnit unit = TimeUnit::kMinute;
  Order order = Order::kEqual;
  std::int64_t number = 0;
};
// `contains`, `startswith`, `endswith` are folded into a Pattern (outer kAny tokens) by the loader;
// windash, base64, base64offset, the UTF-16 modifiers and expand are done there too: what they give
// are Patterns, whose text may be any bytes.
using Value = std::variant<Null, Bool, Number, Pattern, Regex, Exists, FieldRef, Network,
                           Comparison, TimePart>;

// What one value of a rule became; any of them will do. Mostly one; windash and the like give more.
using Choice = std::vector<Value>;

// One line of a selection: field, modifiers, values.
struct Item {
  std::string field;            // empty: a keyword, searched in every scalar leaf
  bool all = false;             // modifier `all`: every choice, else any
  bool cased = false;           // Patterns and FieldRefs compare byte by byte
  bool negated = false;         // modifier `neq`: true where the item without it is false
  std::vector<Choice> choices;  // at least one, none empty
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

  friend bool operator==(const LogSource&, const LogSource&) = default;
  friend auto operator<=>(const LogSource&, const LogSource&) = default;
};

// A rule's field -> the event's; "a|b" is the first of the two that is present. "x*" -> "y*" is for
// all fields that begin so.
using Renames = std::vector<std::pair<std::string, std::string>>;

// What a log source means: any of these alternatives. Conditions are ordinary items, ANDed in front
// of the detection; `renames` give the detection's fields their names in that log.
struct LogSourceAlternative {
  std::vector<Item> conditions;
  Renames renames;
  LogSource declared;  // not empty: only on inputs whose declared log source lies in this one
  // Only where no alternative without it has its conditions; has none itself.
  bool otherwise = false;
};

// All of them that one log source has; copies share them.
class LogSourceAlternatives {
 public:
  LogSourceAlternatives() = default;  // none
  explicit LogSourceAlternatives(std::vector<LogSourceAlternative> all)
      : all_(std::make_shared<const std::vector<LogSourceAlternative>>(std::move(all))) {}

  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return all_ == nullptr ? 0 : all_->size(); }
  [[nodiscard]] const LogSourceAlternative* begin() const noexcept {
    return all_ == nullptr ? nullptr : all_->data();
  }
  [[nodiscard]] const LogSourceAlternative* end() const noexcept { return begin() + size(); }

 private:
  std::shared_ptr<const std::vector<LogSourceAlternative>> all_;  // null: none
};

// faultline.capture: named groups taken from a field of a matching event.
struct Capture {
  std::string field;
  std::optional<Regex> regex;  // names are the regex's named groups
  std::string pcre;  // what is compiled in the end: the regex, or the template turned into one
  std::vector<std::string> names;
  std::optional<std::string>
      join;  // between the field's values, taken as one text; else each alone
  Place place;
};

// Rendered Texts.
struct Explain {
  std::string cause, impact, runbook;
  std::vector<std::string> remedy, references;
  [[nodiscard]] bool empty() const noexcept {
    return cause.empty() && impact.empty() && runbook.empty() && remedy.empty() &&
           references.empty();
  }
};

struct Metadata {
  std::string id;  // may be empty only for rules that have a name or title
  std::string name, title, status, author, description;
  Level level = Level::kInformational;
  bool has_level = false;
  std::vector<std::string> tags, references, falsepositives;
  Place place;       // of the document
  std::string file;  // path as given on the command line or in the configuration
};

// What identity calls a rule: its id, else its name, else its title.
[[nodiscard]] const std::string& IdentityOf(const Metadata& meta) noexcept;

// A RULE as written, checked: everything in it is supported, nothing was ignored.
struct DetectionRule {
  Metadata meta;
  LogSource logsource;
  LogSourceAlternatives sources;    // empty: ungated
  bool unmapped_logsource = false;  // the table has no row for the log source
  std::vector<Search> searches;
  std::vector<Condition> conditions;  // OR
  std::vector<Capture> captures;
  std::vector<Lookup> lookups;         // after the captures, in this order
  std::vector<std::uint32_t> filters;  // indices into RuleCollection::filters, ascending
  std::vector<std::pair<std::string, Expression>> fields;  // computed from the event, in order
  Texts texts;                                             // `explain`
  std::vector<std::string> hit_fields;  // what correlations ask of its events, sorted
  bool silent = false;  // some rule refers to it and none of them generates: it does not alert
  Digest semantics;     // of detection, condition, log source, captures and lookups; not of texts
};

// A Sigma filter: ANDed with each rule that it is for, exactly as written.
struct Filter {
  Metadata meta;
  LogSource logsource;
  std::vector<Search> searches;       // names of its own, not those of the rules
  std::vector<Condition> conditions;  // OR
  Digest semantics;
};

struct CorrelationRule {
  Metadata meta;
  CorrelationType type = CorrelationType::kEventCount;
  std::vector<std::string> group_by;
  std::chrono::nanoseconds timespan{};  // > 0
  std::vector<Input> inputs;            // every rule it listens to, once
  std::vector<Step> steps;              // of `rules` or `steps`; of every type, in their order
  StepCondition condition;              // temporal; no nodes in the other types
  std::vector<Threshold> thresholds;    // count and value types, ANDed
  std::vector<std::string> value_fields;
  double percentile = 50;
  WindowKind window = WindowKind::kSliding;
  std::chrono::nanoseconds gap{};  // session
  RefireKind refire = RefireKind::kEdge;
  std::chrono::nanoseconds refire_after{};  // RefireKind::kAfter
  bool ties_any = false;
  OverlapKind overlap = OverlapKind::kLatest;
  std::vector<Absence> absences;
  std::vector<Register> registers;
  std::vector<std::pair<std::string, Expression>> fields;
  Expression where;
  std::vector<std::uint32_t> until;  // inputs
  std::optional<Resolve> resolve;
  std::optional<Choose> choose;
  std::vector<Variant> variants;
  std::optional<Suppress> suppress;
  std::optional<UpdateEvery> update_every;  // nothing: as configured
  Texts texts;
  std::chrono::nanoseconds horizon{};
  bool silent = false;  // some rule refers to it and none of them generates: it does not alert

  bool generate = false;  // base rules alert by themselves too
  bool chain = false;     // has a `faultline:` map
  Digest semantics;       // includes those of the rules that it refers to
};

// Inputs whose events can complete it, once each, ascending: its steps', and of a set those that can
// take a deadline away or move `where`.
[[nodiscard]] std::vector<std::uint32_t> DecidingInputs(const CorrelationRule& rule);

enum class RuleState : std::uint8_t { kActive, kGated, kRejected };

// One line of the load report.
struct ReportEntry {
  std::string id, title, file, kind;  // kind: "detection", "correlation", "filter"
  int line = 0;
  RuleState state = RuleState::kActive;
  std::string reason;          // for gated and rejected; a note for active (ungated log source)
  std::optional<Error> error;  // for rejected
  std::chrono::nanoseconds horizon{};  // of a correlation: how far it looks back
};

// All rules of some paths, cross-checked, in file order; and what became of each document.
struct RuleCollection {
  std::vector<DetectionRule> detections;
  std::vector<CorrelationRule> correlations;
  std::vector<Filter> filters;  // those that apply to some rule
  std::vector<ReportEntry> report;
  std::vector<Error> errors;      // every rejection and every unreadable file, in order
  std::vector<Finding> findings;  // about the rules that were not rejected, in order of the report
};

class LogSourceTable;

// What rules may refer to beyond themselves.
struct LoadOptions {
  // For the modifier `expand`: name (without per cent signs) -> values, read like values of a rule.
  std::map<std::string, std::vector<std::string>, std::less<>> placeholders;
  std::shared_ptr<const LogSourceTable> logsources;  // null: the built-in table
  // Pack -> setting -> its value as text, in place of the pack's default.
  std::map<std::string, std::map<std::string, std::string>, std::less<>> settings;
  // Table -> CSV file, in place of the packs' own tables of that name.
  std::map<std::string, std::string, std::less<>> lookups;
  JobRunner jobs;  // reads files beside each other; empty: one after the other, the same rules
};

// Reads files and folders (*.yml, *.yaml, recursively, sorted; files below a folder `tests` and a file
// `pack.yaml` are no rules). A rule belongs to the pack whose folder is the nearest above it (pack.h).
// One bad document does not stop the others. Fails only when a path cannot be read at all, or a
// pack.yaml, a lookup table or a setting of a pack is wrong. Never reads above 1 MiB of a file of
// rules: such a file is an error.
[[nodiscard]] Result<RuleCollection> LoadRules(const std::vector<std::string>& paths,
                                               const LoadOptions& options = {});

// The same for one text; `file` is its name in messages.
[[nodiscard]] RuleCollection LoadRulesFromText(std::string_view text, const std::string& file,
                                               const LoadOptions& options = {});

// The same for files that are part of the program: rules, pack.yaml and tables among them.
struct TextFile {
  std::string path, text;
};
[[nodiscard]] Result<RuleCollection> LoadRulesFromFiles(const std::vector<TextFile>& files,
                                                        const LoadOptions& options = {});

}  // namespace faultline::sigma
