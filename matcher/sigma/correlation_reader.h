// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "matcher/sigma/correlation.h"
#include "matcher/sigma/correlation_scope.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"

namespace faultline::sigma {

// Reads one correlation: correlation.cc what plain Sigma says, chain.cc what happens over time
// beyond that, chain_alert.cc what is said about it.
//
// Order      Inputs and steps first, then what names them, then expressions.
// Ownership  Borrows its arguments, which outlive it.
// Errors     The first fault is left with `reading`; after it nothing that is read counts.
class CorrelationReader {
 public:
  CorrelationReader(const RuleCollection& rules, const RuleFinder& find, Reading& reading);

  [[nodiscard]] CorrelationRule Read(const yaml::Node& document) &&;

 private:
  // The reference of an alias: whose field stands for it.
  struct Alias {
    std::string name;
    RuleRef rule;
    std::string field;
    Place place;
  };

  // correlation.cc
  void ReadType(const yaml::Node& map);
  void ReadRules(const yaml::Node& map);
  void ReadGroupBy(const yaml::Node& map);
  void ReadAliases(const yaml::Node& map);
  void ReadTimespan(const yaml::Node& map);
  void ReadGenerate(const yaml::Node& map);
  void ReadCondition(const yaml::Node& map);
  void ReadComparison(const yaml::Pair& pair);
  void ReadValue(const yaml::Node& map, const yaml::Node& condition);
  void ReadTextCondition(const yaml::Node& condition);
  void CheckComparisons(const Place& place);
  void CheckSlidingComparisons(const yaml::Node& condition);
  void TurnIntoSteps();
  void CheckTextCondition(const Place& place);
  void FinishInputs(const yaml::Node& map);

  // chain.cc
  void ReadChain(const yaml::Node& map);
  void CheckKeys(const yaml::Node& map);
  void ReadSteps(const yaml::Node& list, const yaml::Node& correlation);
  [[nodiscard]] Step ReadStep(const yaml::Node& node);
  void ReadTimes(const yaml::Node& map, Step& step);
  void ReadBindings(const yaml::Node& map, std::size_t steps, std::uint32_t input,
                    std::vector<Binding>& bindings);
  void ReadChosenSteps(const yaml::Node& map);
  [[nodiscard]] std::uint32_t ReadRequired(const yaml::Node& line);
  void ReadWindow(const yaml::Node& map);
  void ReadRefire(const yaml::Node& map);
  void ReadPolicies(const yaml::Node& map);
  void ReadAbsences(const yaml::Node& list);
  [[nodiscard]] Absence ReadAbsence(const yaml::Node& map);
  void ReadBetween(const yaml::Node& pair, const yaml::Node& map, Absence& absence);
  void CheckReachable(const Absence& absence, const Place& place);
  void ReadHorizon();

  // chain_alert.cc
  void ReadRegisters(const yaml::Node& map);
  [[nodiscard]] Register ReadRegister(const yaml::Pair& pair);
  void ReadRegisterKey(const yaml::Node& by, Register& reg);
  void ReadFields(const yaml::Node& map);
  void ReadVariants(const yaml::Node& list);
  [[nodiscard]] Variant ReadVariant(const yaml::Node& map, std::size_t number, bool last);
  void ReadChoose(const yaml::Node& map);
  void ReadSuppress(const yaml::Node& map);
  void ReadResolve(const yaml::Node& node);
  void ReadUpdateEvery(const yaml::Node& node);
  void ReadAlert(const yaml::Node& map);

  // The input that listens to a rule; refuses an unknown one.
  std::uint32_t InputOf(const yaml::Node& reference);
  [[nodiscard]] std::vector<std::uint32_t> InputsOf(const yaml::Node& references,
                                                    std::string_view what);
  [[nodiscard]] const Metadata& MetaOf(const RuleRef& rule) const;
  // Refuses a name that no step has.
  std::uint32_t StepNamed(const std::string& name, const Place& place);
  void AddStep(Step step);
  void Ask(std::uint32_t input, const std::string& field);
  void Ask(const std::vector<ExprName>& names);
  // `10m`, or a setting that is a duration; above 0.
  std::chrono::nanoseconds ReadSpan(const yaml::Node& node, std::string_view what);
  // A whole number from `least` on, or a setting that is one.
  std::int64_t ReadWhole(const yaml::Node& node, std::string_view what, std::int64_t least,
                         std::int64_t most);
  [[nodiscard]] Expression ReadCondition(const yaml::Node& node, std::string_view what);
  void Refuse(const std::string& message, const Place& place, std::string remedy);

  [[nodiscard]] bool IsTemporal() const noexcept {
    return rule_.type == CorrelationType::kTemporal ||
           rule_.type == CorrelationType::kTemporalOrdered;
  }
  [[nodiscard]] bool IsSequence() const noexcept {
    return rule_.type == CorrelationType::kTemporalOrdered;
  }

  const RuleCollection& rules_;
  const RuleFinder& find_;
  Reading& reading_;
  CorrelationRule rule_;
  CorrelationScope scope_;
  std::vector<Alias> aliases_;
  std::vector<std::set<std::string, std::less<>>> asked_;  // per input
  std::set<std::string, std::less<>> asked_of_event_;      // by bare names: of whichever decides
  bool some_chosen_ = false;  // `some` or a condition tells which steps are needed
};

}  // namespace faultline::sigma
