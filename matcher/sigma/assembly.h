// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "matcher/sigma/filter.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

// Gathers the documents of any number of texts, then checks them against each other.
//
// Place      files -> [Assembly] -> RuleCollection.
// Order      Texts in the order in which they are added; the report keeps it.
// Errors     A document that cannot be honoured is rejected with its reason; the others stay.
// Ownership  Borrows the options, which outlive it.
class Assembly {
 public:
  explicit Assembly(const LoadOptions& options) : options_(options) {}

  void AddText(std::string_view text, const std::string& file);
  // A file that could not be read.
  void AddFault(Error error);
  [[nodiscard]] RuleCollection Finish() &&;

 private:
  struct Entry {
    std::variant<std::monostate, DetectionRule, CorrelationRule, FilterRule> rule;
    Metadata meta;
    std::string kind;
    std::optional<Error> error;
    std::vector<Finding> findings;
    std::uint32_t index = 0;  // of an accepted detection in the collection
    std::size_t targets = 0;  // of an accepted filter
  };

  void AddDocument(const yaml::Node& document);
  void CheckTwins(bool by_name);
  void PlaceDetections(RuleCollection& rules);
  [[nodiscard]] std::vector<std::uint32_t> Targets(Entry& entry, const RuleCollection& rules,
                                                   std::size_t most);
  void PlaceFilters(RuleCollection& rules);
  static void Describe(const Entry& entry, const RuleCollection& rules, ReportEntry& report);
  void Resolve(Entry& entry, const RuleCollection& rules);
  [[nodiscard]] const Entry* FindEntry(std::string_view reference) const;
  [[nodiscard]] std::string Suggest(std::string_view reference);

  const LoadOptions& options_;
  ExpansionBudget budget_;  // of the text that is being read
  std::vector<Entry> entries_;
  int suggestions_left_ = 8;  // each looks through all rules
  // Into entries_, the first of each id and name; made when all are known.
  std::unordered_map<std::string_view, std::size_t> by_id_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

}  // namespace faultline::sigma
