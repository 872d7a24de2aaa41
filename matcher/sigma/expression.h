// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/event_time.h"
#include "base/hash.h"
#include "base/result.h"

namespace faultline::sigma {

// What an expression of the `faultline:` map gives (docs/chains-reference.md, Expressions).
struct ExprAbsent {
  friend bool operator==(const ExprAbsent&, const ExprAbsent&) = default;
};
struct ExprError {  // overflow, division by zero, an impossible number
  friend bool operator==(const ExprError&, const ExprError&) = default;
};
using ExprValue = std::variant<ExprAbsent, ExprError, bool, std::int64_t, double, std::string,
                               EventTime, std::chrono::nanoseconds>;

// As texts show it: absent is empty, an error is "(error)", decimals at most 15 digits, times in ISO
// 8601 with Z, durations like 1h30m.
[[nodiscard]] std::string ToText(const ExprValue& value);
// Text that reads as a decimal number becomes that number (int64 where it fits, else double).
[[nodiscard]] ExprValue NumberOf(const ExprValue& value);

// kEvent: a text of an event, of which only the value tells whether it is a number.
// kTimes: a `times` register, for count() alone.
enum class ExprType : std::uint8_t { kEvent, kBool, kNumber, kText, kTime, kDuration, kTimes };

// A name of an expression, looked up when rules load. `index` counts steps, registers, computed
// fields or group-by fields of the rule.
struct ExprName {
  enum class Kind : std::uint8_t {
    kStepField,  // `field` of the event bound to step `index`
    kStepTime,
    kStepCount,
    kSeen,      // seen(step)
    kRegister,  // reg.x
    kPrevious,  // prev.x
    kComputed,  // `fields`
    kGroup,     // group-by
    kEvent,     // `field` of the deciding event, else of the newest bound event that has it
    kMatched,
    kTotal,
    kTime,   // of the alert
    kValue,  // what a count or value type compared
    kCount,
  };
  Kind kind = Kind::kEvent;
  std::uint32_t index = 0;
  std::string field;

  friend auto operator<=>(const ExprName&, const ExprName&) = default;
};

// Names in the order in which they are met, each once.
class ExprNames {
 public:
  void Add(const std::vector<ExprName>& names);
  [[nodiscard]] std::vector<ExprName> Take() && { return std::move(names_); }

 private:
  std::vector<ExprName> names_;
  std::set<ExprName> known_;
};

// What names mean while rules load.
class ExprScope {
 public:
  struct Found {
    std::variant<ExprName, ExprValue> what;  // a value: a setting, a constant from here on
    ExprType type = ExprType::kEvent;
  };
  virtual ~ExprScope() = default;
  // `parts`: the name split at its dots, back quotes removed. An error says what is unknown and
  // suggests; its place is filled in by the parser.
  [[nodiscard]] virtual Result<Found> Find(const std::vector<std::string>& parts) const = 0;
  [[nodiscard]] virtual Result<ExprName> FindStep(std::string_view step) const = 0;  // seen(step)
};

// What names stand for while an expression is evaluated.
class ExprEnvironment {
 public:
  virtual ~ExprEnvironment() = default;
  [[nodiscard]] virtual ExprValue Read(const ExprName& name) const = 0;
  // Observations of `times` register `index` in [from, to].
  [[nodiscard]] virtual std::int64_t CountTimes(std::uint32_t index, EventTime from,
                                                EventTime to) const = 0;
};

// One expression: parsed, its names resolved, its types checked, constants folded. Immutable, cheap
// to copy (shared).
//
// Errors     Parse says place (the node's, moved by the column inside the text where it is a plain
//            scalar), what is wrong and what to write. Evaluate never fails: errors are values.
// Limits     4 KiB of text, 256 nodes, depth 64.
class Expression {
 public:
  Expression() = default;  // empty: evaluates to absent
  [[nodiscard]] static Result<Expression> Parse(std::string_view text, const Place& place,
                                                const ExprScope& scope);
  // The expression that is one name; for group-by and the like.
  [[nodiscard]] static Expression OfName(ExprName name, ExprType type);

  [[nodiscard]] ExprValue Evaluate(const ExprEnvironment& environment) const;
  [[nodiscard]] bool Holds(const ExprEnvironment& environment) const;  // true, and nothing else
  [[nodiscard]] ExprType type() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return tree_ == nullptr; }
  // What it gives where no name is left in it.
  [[nodiscard]] std::optional<ExprValue> constant() const;
  [[nodiscard]] const std::string& text() const noexcept;  // as written
  // Every name in it, repeats left out; registers that count() asks stand as kRegister.
  [[nodiscard]] const std::vector<ExprName>& names() const noexcept;
  // Of its meaning, settings folded in; spacing and brackets do not matter.
  [[nodiscard]] Digest semantics() const;

  struct Tree;

 private:
  explicit Expression(std::shared_ptr<const Tree> tree) : tree_(std::move(tree)) {}
  std::shared_ptr<const Tree> tree_;
};

// A text with {{expressions}}. What they give is data and not looked into again.
class Template {
 public:
  Template() = default;
  [[nodiscard]] static Result<Template> Parse(std::string_view text, const Place& place,
                                              const ExprScope& scope);

  [[nodiscard]] std::string Render(const ExprEnvironment& environment) const;
  [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }
  [[nodiscard]] const std::string& source() const noexcept { return source_; }  // as written
  void AddNames(ExprNames& names) const;
  [[nodiscard]] std::vector<ExprName> names() const;

 private:
  std::string source_;
  std::vector<std::variant<std::string, Expression>> parts_;
};

}  // namespace faultline::sigma
