// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "matcher/event/event.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/database_cache.h"

namespace faultline {

// All that is compiled: immutable, shared by the workers.
//
// Place      sigma rules -> [RuleSet] -> Matcher, Correlator.
// Threads    Immutable after Compile.
// Errors     Compile rejects single rules (a regular expression that does not compile) by moving them
//            to the report; it fails only on our own mistakes.
class RuleSet {
 public:
  struct Options {
    std::vector<std::string> extra_fields;  // asked for besides those of the rules: timestamps
    std::uint32_t match_limit = 100000;     // PCRE2, per value
    std::uint32_t depth_limit = 250;
    std::shared_ptr<const ShapeSet> shapes;    // null: the built-in ones
    std::vector<sigma::LogSource> inputs{{}};  // what each declares; an empty one declares nothing
    std::shared_ptr<DatabaseCache> databases;  // may be null: everything is compiled
  };

  [[nodiscard]] static Result<std::shared_ptr<const RuleSet>> Compile(sigma::RuleCollection rules,
                                                                      const Options& options);
  ~RuleSet();

  [[nodiscard]] const FieldTable& fields() const noexcept;
  [[nodiscard]] const ShapeSet& shapes() const noexcept;
  [[nodiscard]] const std::vector<sigma::DetectionRule>& detections() const noexcept;
  [[nodiscard]] const std::vector<sigma::CorrelationRule>& correlations() const noexcept;
  [[nodiscard]] const std::vector<sigma::Filter>& filters() const noexcept;
  [[nodiscard]] const std::vector<sigma::ReportEntry>& report() const noexcept;
  [[nodiscard]] const std::vector<Error>& errors() const noexcept;
  [[nodiscard]] const std::vector<sigma::Finding>& findings() const noexcept;
  [[nodiscard]] const std::string& revision() const noexcept;  // 32 hex digits over all semantics

  // Compiles one more of the classes that events are expected to be of; false when none is left.
  // Classes are compiled when first needed too; what matches never depends on when. By any thread,
  // beside matching.
  [[nodiscard]] bool CompileNext() const;

  // What it was given to find databases in and to keep them; may be null.
  [[nodiscard]] const std::shared_ptr<DatabaseCache>& databases() const noexcept;

  struct Impl;
  [[nodiscard]] const Impl& impl() const noexcept { return *impl_; }

 private:
  explicit RuleSet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;  // never null
};

// Which rules the events of an input can match; of one Matcher.
using InputScope = std::uint32_t;
inline constexpr InputScope kUndeclared = 0;  // of inputs that declare no log source

// One named value that a capture, a lookup or a field gave.
struct NamedValue {
  std::string name;
  std::string value;
  friend bool operator==(const NamedValue&, const NamedValue&) = default;
};

// What a Matcher may leave out of its work. The matches are the same whatever is set, but for
// `route_only`: tests and benchmarks compare them.
struct MatcherOptions {
  bool memo = true;         // remember what held for a value
  bool witnesses = true;    // look at a rule only when one of its witnesses was seen
  bool cold = false;        // every value is new to the memo: what a stream without repeats costs
  bool route_only = false;  // find the class of an event and match nothing: what is left to beat
};

// Tells which detection rules hold for an event. A worker's own scratch around a shared RuleSet.
//
// Place      Event -> [Matcher] -> rule indices -> engine.
// Memory     Scratch grows to its high-water mark; nothing per event after that.
// Threads    Confined to one thread. Borrows nothing: shares the RuleSet.
class Matcher {
 public:
  explicit Matcher(std::shared_ptr<const RuleSet> rules, MatcherOptions options = {});
  ~Matcher();
  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;

  // The scope of inputs that declare `source`. At setup only.
  // Requires: it is one of the inputs that the rules were compiled for, or empty.
  [[nodiscard]] InputScope ScopeOf(const sigma::LogSource& source);

  // Indices into detections() of the rules that hold, ascending. Valid until the next call.
  [[nodiscard]] std::span<const std::uint32_t> Match(const Event& event,
                                                     InputScope scope = kUndeclared) noexcept;

  // Indices into filters() of those that took this event from a rule that would have held, after
  // Match or MatchRaw; each once, ascending. Valid until the next call.
  [[nodiscard]] std::span<const std::uint32_t> filtered() const noexcept;

  // What rule `rule` takes from `event`: its captures, its computed fields, its lookups, in their order; what is
  // absent is left out, and of two of one name the first stands.
  void Capture(std::uint32_t rule, const Event& event, std::vector<NamedValue>& out);

  // The decoded texts of a field's scalar values; "null" and objects give none.
  void Texts(std::string_view field, const Event& event, std::vector<std::string>& out);

  // Keyword rules over bytes that are no JSON: the raw line as one leaf. Only rules without any
  // field, whose log source an event without any field can be of.
  [[nodiscard]] std::span<const std::uint32_t> MatchRaw(std::string_view bytes,
                                                        InputScope scope = kUndeclared) noexcept;

  // Rules that were looked at, because of a witness or because they have none.
  [[nodiscard]] std::uint64_t candidates() const noexcept;
  // Values that PCRE2 had to be asked for; those of them, and arrays under `fieldref`, whose search
  // hit a limit: they do not match.
  [[nodiscard]] std::uint64_t regex_fallbacks() const noexcept;
  [[nodiscard]] std::uint64_t regex_limits_hit() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline
