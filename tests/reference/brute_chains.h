// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/hash.h"

// Correlations and chains evaluated by brute force: every event is kept, every predicate is looked at
// from scratch after each arrival and at each instant at which one could change. Shares no code with
// matcher/; says what docs/chains-reference.md says, slowly.
namespace faultline::reference {

// What an expression gives.
struct ChainValue {
  enum class Kind { kAbsent, kError, kBool, kWhole, kDecimal, kText, kTime, kSpan };
  Kind kind = Kind::kAbsent;
  std::int64_t whole = 0;  // kBool 0 or 1, kWhole, kTime and kSpan in nanoseconds
  double decimal = 0;
  std::string text;

  [[nodiscard]] static ChainValue Error() { return {Kind::kError, 0, 0, {}}; }
  [[nodiscard]] static ChainValue Bool(bool value) { return {Kind::kBool, value ? 1 : 0, 0, {}}; }
  [[nodiscard]] static ChainValue Whole(std::int64_t value) { return {Kind::kWhole, value, 0, {}}; }
  [[nodiscard]] static ChainValue Decimal(double value) { return {Kind::kDecimal, 0, value, {}}; }
  [[nodiscard]] static ChainValue Text(std::string value) {
    return {Kind::kText, 0, 0, std::move(value)};
  }
  [[nodiscard]] static ChainValue Time(std::int64_t value) { return {Kind::kTime, value, 0, {}}; }
  [[nodiscard]] static ChainValue Span(std::int64_t value) { return {Kind::kSpan, value, 0, {}}; }
};

struct ChainExpr {
  enum class Op {
    kLiteral,    // literal
    kStepField,  // name.field
    kStepTime,
    kStepCount,
    kSeen,        // seen(name)
    kRegister,    // reg.name
    kPrevious,    // prev.name
    kCountTimes,  // count(reg.name, args[0], args[1])
    kName,        // a bare name
    kMatched,
    kTotal,
    kTime,
    kValue,
    kCount,
    kNot,
    kAnd,
    kOr,
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kNegate,
    kExists,
    kAbs,
    kMin,
    kMax,
    kCoalesce,
    kIf,
    kLower,
    kNumber,
    kText
  };
  Op op = Op::kLiteral;
  ChainValue literal;
  std::string name, field;
  std::vector<ChainExpr> args;
};

// Text and expressions in turn: text[0] {{expr[0]}} text[1] ... ; one text more than expressions.
struct ChainText {
  std::vector<std::string> texts;
  std::vector<ChainExpr> expressions;
};

// Rules are numbered: detections from 0, correlations behind them, children before parents.
using ChainRef = std::uint32_t;

enum class ChainType {
  kEventCount,
  kValueCount,
  kValueSum,
  kValueAvg,
  kValueMedian,
  kValuePercentile,
  kTemporal,
  kTemporalOrdered
};
enum class ChainWindow { kSliding, kTumbling, kSession };
enum class ChainRefire { kNone, kEvery, kWindow, kAfter };
enum class ChainOverlap { kLatest, kFirst, kAll, kConsume };

struct ChainThreshold {
  enum class Op { kGt, kGte, kLt, kLte, kEq, kNeq };
  Op op = Op::kGte;
  double number = 0;
};

// A condition of `temporal` over steps.
struct ChainCondition {
  enum class Kind { kStep, kAnd, kOr, kNot, kAtLeast };
  Kind kind = Kind::kAtLeast;
  std::uint32_t number = 0;  // kStep: which; kAtLeast: so many different steps
  std::vector<ChainCondition> parts;
};

struct ChainBind {
  std::string field;
  std::uint32_t step = 0;
  std::string step_field;
};

struct ChainStep {
  std::string name;
  ChainRef on = 0;
  std::uint32_t times = 1;
  std::string distinct;
  std::optional<std::int64_t> times_within, within;
  std::vector<ChainBind> bind;
};

struct ChainAbsence {
  enum class Kind { kAfter, kBefore, kBetween };
  Kind kind = Kind::kAfter;
  ChainRef on = 0;
  std::uint32_t step = 0, until = 0;
  std::int64_t within = 0;
  std::vector<ChainBind> bind;
};

struct ChainRegister {
  enum class Fn { kLast, kFirst, kMax, kMin, kSum, kCount, kDistinct, kTimes };
  std::string name;
  Fn fn = Fn::kLast;
  ChainRef on = 0;
  std::string field;  // "time": the events' time
  std::int64_t ttl = 0;
  std::vector<std::pair<std::string, ChainExpr>> by;  // empty: the group key
  std::optional<ChainRef> reset;
};

struct ChainVariant {
  std::string name;
  std::optional<ChainExpr> when;
  std::string level, title;  // empty: the rule's
  std::optional<ChainText> cause;
};

struct ChainChoose {
  std::string group;
  std::int64_t priority = 0, settle = 0;
};

struct ChainSuppress {
  std::int64_t span = 0;
  std::vector<std::string> by;  // empty: the group key
};

struct ChainResolve {
  std::vector<ChainRef> on;
  std::optional<std::int64_t> quiet;
  std::vector<ChainRef> of;  // empty: the steps' rules
};

struct ChainRule {
  std::string name;  // its id too
  ChainType type = ChainType::kEventCount;
  bool plain = true;  // no `faultline:` map: neither updated nor resolved
  bool generate = false;
  std::vector<std::string> group_by;
  std::map<std::string, std::map<ChainRef, std::string>> aliases;  // group-by name -> rule -> field
  std::int64_t timespan = 0;
  std::vector<ChainStep> steps;  // of `rules` or of `steps`
  ChainCondition condition;      // kTemporal
  std::vector<ChainThreshold> thresholds;
  std::vector<std::string> value_fields;
  double percentile = 50;
  ChainWindow window = ChainWindow::kSliding;
  std::int64_t gap = 0;
  ChainRefire refire = ChainRefire::kNone;
  std::int64_t refire_after = 0;
  bool ties_any = false;
  ChainOverlap overlap = ChainOverlap::kLatest;
  std::vector<ChainAbsence> absences;
  std::vector<ChainRegister> registers;
  std::vector<std::pair<std::string, ChainExpr>> fields;
  std::optional<ChainExpr> where;
  std::vector<ChainRef> until;
  std::optional<ChainResolve> resolve;
  std::optional<ChainChoose> choose;
  std::vector<ChainVariant> variants;
  std::optional<ChainSuppress> suppress;
  std::optional<std::int64_t> update_every;  // nothing: never
  std::string level = "medium";
  ChainText cause;
  Digest semantics;  // as compiled: an ingredient of identities
};

// Where an event comes from.
struct ChainOrigin {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::uint32_t index = 0;

  friend auto operator<=>(const ChainOrigin&, const ChainOrigin&) = default;
};

using ChainFields = std::map<std::string, std::vector<std::string>>;

struct ChainEvent {
  std::int64_t time = 0;  // nanoseconds
  ChainOrigin origin;
  std::vector<ChainRef> rules;  // detections it matched, ascending
  ChainFields fields;
};

struct ChainAlert {
  std::string rule, status;
  std::vector<std::pair<std::string, std::string>> group;
  std::int64_t time = 0;
  std::uint32_t seq = 0;
  std::string level, title, cause;
  std::int64_t suppressed = 0;
  std::vector<std::string> others;  // names, sorted
  Digest id;

  friend bool operator==(const ChainAlert&, const ChainAlert&) = default;
};

// A line for people; equal alerts, equal lines.
[[nodiscard]] std::string ToString(const ChainAlert& alert);

// What a detection takes from a text of its event.
struct ChainCapture {
  std::string field;
  bool is_template = false;        // words and %1 ...; else an expression with groups
  std::string pattern;             // an expression's groups: `(?<name>`
  std::vector<std::string> names;  // of the groups, in order
  std::optional<std::string> join;
};

struct ChainLookup {
  std::string field, from;
  bool default_from = false;
  std::string otherwise;  // empty: the field is absent then
};

// In this order.
struct ChainTakes {
  std::vector<ChainCapture> captures;
  std::vector<std::pair<std::string, ChainExpr>> fields;
  std::vector<ChainLookup> lookups;
};

struct ChainWorld {
  std::uint32_t detections = 0;
  std::vector<ChainTakes> takes;                // per detection
  std::vector<std::vector<std::string>> table;  // that of all lookups; first its columns' names
  std::vector<ChainRule> rules;                 // correlations
};

// The fields of an event as `detection` brings them: what it takes hides what has the name already.
[[nodiscard]] ChainFields Taken(const ChainWorld& world, ChainRef detection, ChainFields fields);

// All alerts of the correlations of `world` over `events` (any order), up to the end of time.
[[nodiscard]] std::vector<ChainAlert> Correlate(const ChainWorld& world,
                                                std::vector<ChainEvent> events);

// An expression over nothing but literals and the first values of `fields`.
[[nodiscard]] ChainValue Evaluate(const ChainExpr& expression, const ChainFields& fields);

}  // namespace faultline::reference
