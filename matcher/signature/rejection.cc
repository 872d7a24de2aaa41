// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/rejection.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "matcher/sigma/references.h"
#include "matcher/signature/capture.h"

namespace faultline {
namespace {

std::string TitleOf(const sigma::Metadata& meta) {
  if (!meta.title.empty()) return meta.title;
  return meta.name.empty() ? meta.id : meta.name;
}

Error At(const sigma::Metadata& meta, const std::string& field, const Place& place,
         const Error& cause) {
  Error error = cause;
  error.message = "rule '" + TitleOf(meta) + "', " +
                  (field.empty() ? "keywords" : "field '" + field + "'") + ": " + cause.message;
  error.place = place;
  if (error.place.file.empty()) error.place.file = meta.file;
  if (error.remedy.empty()) error.remedy = "write it in PCRE2's syntax";
  return error;
}

std::optional<Error> BadItem(const sigma::Metadata& meta, const sigma::Item& item,
                             RegexStore& regexes) {
  for (const sigma::Choice& choice : item.choices) {
    for (const sigma::Value& value : choice) {
      const sigma::Regex* source = std::get_if<sigma::Regex>(&value);
      if (source == nullptr) continue;
      const auto regex = regexes.Get(*source);
      if (!regex) return At(meta, item.field, item.place, regex.error());
    }
  }
  return std::nullopt;
}

std::optional<Error> BadSearch(const sigma::Metadata& meta,
                               const std::vector<sigma::Search>& searches, RegexStore& regexes) {
  for (const sigma::Search& search : searches) {
    for (const auto& items : search.alternatives) {
      for (const sigma::Item& item : items) {
        if (std::optional<Error> error = BadItem(meta, item, regexes)) return error;
      }
    }
  }
  return std::nullopt;
}

std::optional<Error> BadRegex(const sigma::DetectionRule& rule, RegexStore& regexes) {
  if (std::optional<Error> error = BadSearch(rule.meta, rule.searches, regexes)) return error;
  for (const sigma::LogSourceAlternative& source : rule.sources) {
    for (const sigma::Item& item : source.conditions) {
      if (std::optional<Error> error = BadItem(rule.meta, item, regexes)) return error;
    }
  }
  for (const sigma::Capture& capture : rule.captures) {
    const auto regex = regexes.Get(CompiledCapture::SourceOf(capture));
    if (!regex) return At(rule.meta, capture.field, capture.place, regex.error());
  }
  return std::nullopt;
}

void Reject(sigma::RuleCollection& rules, const sigma::Metadata& meta, const std::string& kind,
            Error error) {
  for (sigma::ReportEntry& entry : rules.report) {
    if (entry.kind != kind || entry.file != meta.file || entry.line != meta.place.line) continue;
    entry.state = sigma::RuleState::kRejected;
    entry.reason = error.message;
    entry.error = error;
  }
  rules.errors.push_back(std::move(error));
}

// A correlation goes with the first of the rules that it refers to.
void RejectCorrelations(sigma::RuleCollection& rules, sigma::Leaving& leaving) {
  for (std::size_t i = 0; i < rules.correlations.size(); ++i) {  // children first
    const sigma::CorrelationRule& rule = rules.correlations[i];
    const auto bad =
        std::find_if(rule.inputs.begin(), rule.inputs.end(),
                     [&](const sigma::Input& input) { return leaving.Has(input.rule); });
    if (bad == rule.inputs.end()) continue;
    leaving.correlations[i] = true;
    Reject(rules, rule.meta, "correlation",
           Error{Fault::kRules,
                 "correlation '" + TitleOf(rule.meta) + "' refers to rule '" + bad->reference +
                     "', which was rejected",
                 rule.meta.place, "repair that rule"});
  }
}

constexpr std::uint32_t kGone = 0xffffffff;

// Rules go on without a filter that was taken out.
void TakeOutFilters(sigma::RuleCollection& rules, RegexStore& regexes) {
  std::vector<std::uint32_t> moved;
  std::vector<sigma::Filter> kept;
  for (sigma::Filter& filter : rules.filters) {
    if (std::optional<Error> error = BadSearch(filter.meta, filter.searches, regexes)) {
      Reject(rules, filter.meta, "filter", std::move(*error));
      moved.push_back(kGone);
    } else {
      moved.push_back(static_cast<std::uint32_t>(kept.size()));
      kept.push_back(std::move(filter));
    }
  }
  rules.filters = std::move(kept);
  for (sigma::DetectionRule& rule : rules.detections) {
    for (std::uint32_t& filter : rule.filters) filter = moved[filter];
    std::erase(rule.filters, kGone);
  }
}

}  // namespace

void RejectBadRegexes(sigma::RuleCollection& rules, RegexStore& regexes) {
  TakeOutFilters(rules, regexes);
  sigma::Leaving leaving(rules);
  for (std::size_t i = 0; i < rules.detections.size(); ++i) {
    const sigma::DetectionRule& rule = rules.detections[i];
    std::optional<Error> error = BadRegex(rule, regexes);
    if (!error) continue;
    leaving.detections[i] = true;
    Reject(rules, rule.meta, "detection", std::move(*error));
  }
  RejectCorrelations(rules, leaving);
  TakeOut(leaving, rules);
}

}  // namespace faultline
