// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "matcher/event/fields.h"
#include "matcher/sigma/rule.h"
#include "matcher/signature/regex.h"
#include "matcher/signature/rule_set.h"
#include "matcher/signature/text_view.h"

namespace faultline {

// What a rule takes from one field of a matching event: named groups of the first value that fits.
//
// Threads    Immutable.
class CompiledCapture {
 public:
  // The expression that `capture` stands for: its regex, or the template turned into one.
  [[nodiscard]] static sigma::Regex SourceOf(const sigma::Capture& capture);
  // Requires: `regex` is SourceOf(capture), compiled.
  CompiledCapture(const sigma::Capture& capture, FieldId field, std::shared_ptr<const Regex> regex);

  [[nodiscard]] FieldId field() const noexcept { return field_; }
  // What stands between the field's values where they are taken as one text.
  [[nodiscard]] const std::optional<std::string>& join() const noexcept { return join_; }
  // Appends the groups that took part, but for names that are in `out` already. False when `text`
  // does not fit.
  [[nodiscard]] bool Take(const TextView& text, RegexScratch& scratch,
                          std::vector<NamedValue>& out) const;

 private:
  FieldId field_;
  std::optional<std::string> join_;
  std::shared_ptr<const Regex> regex_;                         // never null
  std::vector<std::pair<std::string, std::uint32_t>> groups_;  // name, number
};

}  // namespace faultline
