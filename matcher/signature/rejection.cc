// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/rejection.h"

#include <optional>
#include <utility>
#include <variant>
#include <vector>

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

constexpr std::uint32_t kGone = 0xffffffff;

// Old index -> new index, kGone for rules that were taken out.
std::vector<std::uint32_t> TakeOutDetections(sigma::RuleCollection& rules, RegexStore& regexes) {
  std::vector<std::uint32_t> moved;
  std::vector<sigma::DetectionRule> kept;
  for (sigma::DetectionRule& rule : rules.detections) {
    if (std::optional<Error> error = BadRegex(rule, regexes)) {
      Reject(rules, rule.meta, "detection", std::move(*error));
      moved.push_back(kGone);
    } else {
      moved.push_back(static_cast<std::uint32_t>(kept.size()));
      kept.push_back(std::move(rule));
    }
  }
  rules.detections = std::move(kept);
  return moved;
}

void TakeOutCorrelations(sigma::RuleCollection& rules, const std::vector<std::uint32_t>& moved) {
  std::vector<sigma::CorrelationRule> kept;
  for (sigma::CorrelationRule& rule : rules.correlations) {
    std::optional<std::size_t> bad;
    for (std::size_t i = 0; i < rule.members.size(); ++i) {
      rule.members[i] = moved[rule.members[i]];
      if (rule.members[i] == kGone && !bad) bad = i;
    }
    if (!bad) {
      kept.push_back(std::move(rule));
      continue;
    }
    const std::string name = *bad < rule.rules.size() ? rule.rules[*bad] : "";
    Reject(rules, rule.meta, "correlation",
           Error{Fault::kRules,
                 "correlation '" + TitleOf(rule.meta) + "' refers to rule '" + name +
                     "', which was rejected",
                 rule.meta.place, "repair that rule"});
  }
  rules.correlations = std::move(kept);
}

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
  const std::vector<std::uint32_t> moved = TakeOutDetections(rules, regexes);
  TakeOutCorrelations(rules, moved);
}

}  // namespace faultline
