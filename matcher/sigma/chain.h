// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "matcher/sigma/expression.h"

// Correlations as written, checked and resolved: the model that docs/chains-reference.md describes.
// Every span is in event time and > 0 where it is given; every index was checked.
namespace faultline::sigma {

enum class Level : std::uint8_t { kInformational, kLow, kMedium, kHigh, kCritical };
[[nodiscard]] std::string_view ToString(Level level) noexcept;
[[nodiscard]] std::optional<Level> LevelFromString(std::string_view text) noexcept;

// A rule that a correlation refers to: an index into RuleCollection::detections or ::correlations.
// A correlation stands behind all correlations that it refers to.
struct RuleRef {
  bool correlation = false;
  std::uint32_t index = 0;

  friend auto operator<=>(const RuleRef&, const RuleRef&) = default;
};

// One rule that a correlation listens to, once, however often it is named.
struct Input {
  std::string reference;  // as written: id or name
  RuleRef rule;
  std::vector<std::string> group_fields;  // per group-by entry: the field of this rule's events
  // Fields of its events that the correlation will ask for: group, steps, registers, bind, texts.
  std::vector<std::string> fields;
};

enum class CorrelationType : std::uint8_t {
  kEventCount,
  kValueCount,
  kValueSum,
  kValueAvg,
  kValuePercentile,
  kValueMedian,
  kTemporal,
  kTemporalOrdered
};
[[nodiscard]] std::string_view ToString(CorrelationType type) noexcept;
[[nodiscard]] constexpr bool IsTemporal(CorrelationType type) noexcept {
  return type == CorrelationType::kTemporal || type == CorrelationType::kTemporalOrdered;
}

// One comparison of a correlation's condition.
struct Threshold {
  enum class Op : std::uint8_t { kGt, kGte, kLt, kLte, kEq, kNeq };
  Op op = Op::kGte;
  ExprValue number;  // int64 or double
};

// A condition of `temporal` over steps: `some`, `require` and text conditions all become this. Nodes
// in postfix order: children stand before parents, the last one is the root.
struct StepCondition {
  struct Node {
    enum class Kind : std::uint8_t { kStep, kAnd, kOr, kNot, kAtLeast };
    Kind kind = Kind::kStep;
    std::uint32_t number = 0;             // kStep: step; kAtLeast: so many different steps seen
    std::vector<std::uint32_t> children;  // kAnd, kOr, kNot
  };
  std::vector<Node> nodes;
};

enum class WindowKind : std::uint8_t { kSliding, kTumbling, kSession };
enum class RefireKind : std::uint8_t { kEdge, kEvery, kWindow, kAfter };
enum class OverlapKind : std::uint8_t { kLatest, kFirst, kAll, kConsume };

// A field of the arriving event that must equal, as text, a field of an earlier step's.
struct Binding {
  std::string field;
  std::uint32_t step = 0;
  std::string step_field;
};

struct Step {
  std::string name;
  std::uint32_t input = 0;
  std::uint32_t times = 1;  // >= 1
  std::string distinct;     // empty: every event counts
  std::optional<std::chrono::nanoseconds> times_within;
  std::optional<std::chrono::nanoseconds> within;  // since the previous step
  std::vector<Binding> bind;
  Place place;
};

struct Absence {
  enum class Kind : std::uint8_t { kAfter, kBefore, kBetween };
  Kind kind = Kind::kAfter;
  std::uint32_t input = 0;
  std::uint32_t step = 0;   // kAfter, kBefore: that step; kBetween: a
  std::uint32_t until = 0;  // kBetween: b, a later step
  std::chrono::nanoseconds within{};
  std::vector<Binding> bind;
};

struct Register {
  enum class Fn : std::uint8_t { kLast, kFirst, kMax, kMin, kSum, kCount, kDistinct, kTimes };
  std::string name;
  Fn fn = Fn::kLast;
  std::uint32_t input = 0;
  std::string field;  // empty for kCount, kTimes; "time" with of_time
  bool of_time = false;
  std::chrono::nanoseconds ttl{};
  bool by_group = true;  // `by` is the group key
  // Else: field of the register's events -> what the asking chain looks up.
  std::vector<std::pair<std::string, Expression>> by;
  std::optional<std::uint32_t> reset;  // input
};

struct Choose {
  std::string group;
  std::int64_t priority = 0;
  std::chrono::nanoseconds settle{};  // >= 0
};

struct Suppress {
  std::chrono::nanoseconds span{};
  std::vector<std::pair<std::string, Expression>> by;  // empty: the group key
};

struct Resolve {
  std::vector<std::uint32_t> on;  // inputs
  std::optional<std::chrono::nanoseconds> quiet;
  std::vector<std::uint32_t> of;  // inputs that end the quiet; empty without `quiet`
};

// Texts of an alert, before what they name is known; rendered they are an Explain.
struct Texts {
  Template cause, impact, runbook;
  std::vector<Template> remedy, references;
  [[nodiscard]] bool empty() const noexcept {
    return cause.empty() && impact.empty() && runbook.empty() && remedy.empty() &&
           references.empty();
  }
};

// Every name that the texts ask for, repeats left out.
[[nodiscard]] std::vector<ExprName> NamesOf(const Texts& texts);

struct Variant {
  std::string name;
  Expression when;  // empty: always
  std::optional<Level> level;
  Template title;  // empty: the rule's
  Texts texts;     // what it gives replaces the rule's, part by part
};

// How often an open incident may tell of changes; nothing: never.
using UpdateEvery = std::optional<std::chrono::nanoseconds>;

}  // namespace faultline::sigma
