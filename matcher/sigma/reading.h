// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

// One document being read: whose it is, and the first fault found in it. The functions below give
// what they could read and leave the fault here; callers look at ok() where they build on it.
class Reading {
 public:
  explicit Reading(std::string rule) : rule_(std::move(rule)) {}

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }

  // Keeps the fault if it is the first; the message begins with the rule's name.
  void Refuse(const std::string& message, const Place& place, std::string remedy = {});

 private:
  std::string rule_;  // title, name or id; empty where it has none
  std::optional<Error> error_;
};

// A text that is not empty; numbers and booleans count as their text.
[[nodiscard]] std::string ReadText(const yaml::Node& node, std::string_view what, Reading& reading);
// A list of such texts; a single one counts as a list of one.
[[nodiscard]] std::vector<std::string> ReadTexts(const yaml::Node& node, std::string_view what,
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
