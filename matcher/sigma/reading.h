// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "matcher/sigma/cost.h"
#include "matcher/sigma/lint.h"
#include "matcher/sigma/pack.h"
#include "matcher/sigma/rule.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

// What one text may still become by windash, base64offset, expand and `action: global`: a file of
// 1 MiB could ask for gigabytes.
struct ExpansionBudget {
  std::size_t values = 100'000;
  std::size_t bytes = 16 << 20;
  CompileBudget compile;

  // Takes `count` values of `size` bytes each; false where that is more than is left.
  bool Take(std::size_t count, std::size_t size) noexcept;
};

// One document being read: whose it is, the first fault found in it, and what the linter has to
// say. The functions below give what they could read and leave the fault here; callers look at ok()
// where they build on it.
//
// Ownership  Borrows options, budget and pack, which outlive it.
class Reading {
 public:
  // Of a document that is no rule.
  explicit Reading(std::string rule) : rule_(std::move(rule)) {}
  Reading(std::string rule, const LoadOptions& options, ExpansionBudget& budget,
          const Pack* pack = nullptr)
      : rule_(std::move(rule)), options_(&options), budget_(&budget), pack_(pack) {}

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
  [[nodiscard]] const LoadOptions& options() const noexcept;
  // That the document lies in; one without a name, settings and tables where it lies in none.
  [[nodiscard]] const Pack& pack() const noexcept;
  [[nodiscard]] std::vector<Finding> TakeFindings() noexcept { return std::move(findings_); }

  // Keeps the fault if it is the first; the message begins with the rule's name.
  void Refuse(const std::string& message, const Place& place, std::string remedy = {});
  void Note(std::string code, std::string message, const Place& place, std::string remedy = {});
  // Takes `values` of `bytes` each out of the file's budget; false where it does not last.
  bool Charge(std::size_t values, std::size_t bytes) noexcept {
    return budget_ == nullptr || budget_->Take(values, bytes);
  }

  // Null: no limit.
  [[nodiscard]] CompileBudget* compile_budget() noexcept {
    return budget_ == nullptr ? nullptr : &budget_->compile;
  }

 private:
  std::string rule_;                      // title, name or id; empty where it has none
  const LoadOptions* options_ = nullptr;  // null: none
  ExpansionBudget* budget_ = nullptr;     // null: no limit
  const Pack* pack_ = nullptr;            // null: none
  std::optional<Error> error_;
  std::vector<Finding> findings_;
};

// A text that is not empty; numbers and booleans count as their text.
[[nodiscard]] std::string ReadText(const yaml::Node& node, std::string_view what, Reading& reading);
// A list of such texts; a single one counts as a list of one.
[[nodiscard]] std::vector<std::string> ReadTexts(const yaml::Node& node, std::string_view what,
                                                 Reading& reading);
// The same for what stands under a key of a map; nothing where the key is absent, null or empty.
[[nodiscard]] std::string OptionalText(const yaml::Node& map, std::string_view key,
                                       Reading& reading);
[[nodiscard]] std::vector<std::string> OptionalTexts(const yaml::Node& map, std::string_view key,
                                                     Reading& reading);
// The log source of a document, which must name some part; `what` is "rule" or "filter".
[[nodiscard]] LogSource ReadLogSource(const yaml::Node& document, std::string_view what,
                                      Reading& reading);
// False, with the fault, where `node` is no map.
bool ExpectMap(const yaml::Node& node, std::string_view what, Reading& reading);
// Refuses a key of `map` that is not among `known`: as "not supported yet" where it is among
// `later`, else as unknown with a suggestion.
void ExpectKeys(const yaml::Node& map, std::string_view what,
                const std::vector<std::string_view>& known,
                const std::vector<std::string_view>& later, Reading& reading);
// The place of a scalar's first character, behind its quote.
[[nodiscard]] Place TextPlace(const yaml::Node& scalar);

}  // namespace faultline::sigma
