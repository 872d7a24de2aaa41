// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "matcher/sigma/filter.h"
#include "matcher/sigma/pack.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {

// Gathers the documents of any number of texts, then checks them against each other.
//
// Place      files -> Text -> [Assembly] -> RuleCollection.
// Order      Texts in the order in which they are added; the report keeps it.
// Threads    Confined to one. A Text is read by any, beside others.
// Errors     A document that cannot be honoured is rejected with its reason; the others stay.
// Ownership  Borrows the options, which outlive it.
class Assembly {
 public:
  // What one text says by itself.
  class Text;

  explicit Assembly(const LoadOptions& options) : options_(options) {}

  void Add(Text text);
  [[nodiscard]] RuleCollection Finish() &&;

 private:
  struct Entry {
    std::variant<std::monostate, DetectionRule, FilterRule> rule;
    yaml::Node document;                // of a correlation, which is read when all rules are known
    ExpansionBudget* budget = nullptr;  // of its text
    const Pack* pack = nullptr;         // that its text lies in; null: none
    Metadata meta;
    std::string kind;
    std::optional<Error> error;
    std::vector<Finding> findings;
    std::uint32_t index = 0;   // in the collection, of an accepted rule
    std::size_t targets = 0;   // of an accepted filter
    bool replaceable = false;  // gives way to another rule of its name
    std::string replaced;      // where that one stands
  };

  void GiveWay();
  void CheckTwins(bool by_name);
  void PlaceDetections(RuleCollection& rules);
  [[nodiscard]] std::vector<std::uint32_t> Targets(Entry& entry, const RuleCollection& rules,
                                                   std::size_t most);
  void PlaceFilters(RuleCollection& rules);
  static void Describe(const Entry& entry, const RuleCollection& rules, ReportEntry& report);
  void PlaceCorrelations(RuleCollection& rules);
  void PlaceCorrelation(Entry& entry, RuleCollection& rules);
  void ChargeQuestions(const CorrelationRule& rule, const Entry& entry, Reading& reading);
  void RefuseCircles(const std::vector<std::vector<std::size_t>>& children,
                     const std::vector<bool>& placed, std::vector<std::size_t>& ready);
  [[nodiscard]] std::optional<RuleRef> FindRule(const yaml::Node& reference, Reading& reading);
  [[nodiscard]] Entry* FindEntry(std::string_view reference);
  [[nodiscard]] std::string Suggest(std::string_view reference, bool correlations);

  const LoadOptions& options_;
  std::vector<std::unique_ptr<ExpansionBudget>> budgets_;  // of each text
  std::vector<std::shared_ptr<const Pack>> packs_;         // of each text; null: in none
  std::vector<Entry> entries_;
  int suggestions_left_ = 8;  // each looks through all rules
  // Correlations in the order of RuleCollection: how many rules each reaches, repeats included.
  std::vector<std::size_t> reached_;
  std::size_t questions_left_ = 1'000'000;  // fields that correlations may ask of rules
  // Into entries_, the first of each id and name; made when all are known.
  std::unordered_map<std::string_view, std::size_t> by_id_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

class Assembly::Text {
 public:
  // `pack`: that the text lies in; null: none.
  Text(std::string_view text, const std::string& file, std::shared_ptr<const Pack> pack,
       const LoadOptions& options);
  // Of a file that could not be read.
  explicit Text(Error fault) { AddFault(std::move(fault)); }

 private:
  friend class Assembly;
  void AddDocument(const yaml::Node& document, const LoadOptions& options);
  void AddFault(Error error);

  std::unique_ptr<ExpansionBudget> budget_ = std::make_unique<ExpansionBudget>();  // never null
  std::shared_ptr<const Pack> pack_;                                               // may be null
  std::vector<Entry> entries_;
};

}  // namespace faultline::sigma
