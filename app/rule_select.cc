// SPDX-License-Identifier: Apache-2.0
#include "app/rule_select.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/suggest.h"

namespace faultline::app {
namespace {

bool Has(const std::vector<std::string>& list, const std::string& word) {
  return !word.empty() && std::find(list.begin(), list.end(), word) != list.end();
}

bool Named(const std::vector<std::string>& list, const sigma::Metadata& meta) {
  return Has(list, meta.id) || Has(list, meta.name);
}

// The setting that leaves a rule out; empty for a selected one.
std::string_view LeftOutBy(const Config::Rules::Select& select, const sigma::Metadata& meta) {
  const auto least = sigma::LevelFromString(select.min_level);
  if (least && meta.level < *least) return "rules.select.min_level";
  if (!select.status.empty() && !Has(select.status, meta.status)) return "rules.select.status";
  const auto wanted = [&select](const std::string& tag) { return Has(select.tags, tag); };
  if (!select.tags.empty() && std::none_of(meta.tags.begin(), meta.tags.end(), wanted)) {
    return "rules.select.tags";
  }
  if (!select.ids.empty() && !Named(select.ids, meta)) return "rules.select.ids";
  return Named(select.except, meta) ? "rules.select.except" : "";
}

// Its findings go with it: nobody mends a rule that is not run.
void Report(sigma::RuleCollection& rules, const sigma::Metadata& meta, std::string_view kind,
            std::string_view why) {
  const std::string& name = !meta.title.empty()  ? meta.title
                            : !meta.name.empty() ? meta.name
                                                 : meta.id;
  std::erase_if(rules.findings, [&](const sigma::Finding& finding) {
    return finding.rule == name && finding.place.file == meta.file;
  });
  for (sigma::ReportEntry& entry : rules.report) {
    if (entry.kind != kind || entry.file != meta.file || entry.line != meta.place.line) continue;
    entry.state = sigma::RuleState::kGated;
    entry.reason = fmt::format("{}{}", kLeftOutBy, why);
  }
}

void TellUnknown(std::string_view setting, const std::vector<std::string>& named,
                 sigma::RuleCollection& rules) {
  std::vector<std::string> known;
  for (const sigma::ReportEntry& entry : rules.report) known.push_back(entry.id);
  for (const auto& rule : rules.detections) known.push_back(rule.meta.name);
  for (const auto& rule : rules.correlations) known.push_back(rule.meta.name);
  for (const std::string& id : named) {
    if (Has(known, id)) continue;
    rules.errors.push_back({Fault::kRules,
                            fmt::format("{}: no rule has the id or name '{}'", setting, id),
                            {},
                            DidYouMean(id, known)});
  }
}

// What a detection is to the correlations that refer to it.
struct Part {
  bool needed = false;  // by a selected one
  bool silent = false;  // alerts only through them
};

std::vector<Part> PartsOf(const Config::Rules::Select& select, const sigma::RuleCollection& rules) {
  std::vector<Part> parts(rules.detections.size());
  std::vector<bool> generated(parts.size());
  for (const sigma::CorrelationRule& rule : rules.correlations) {
    for (const std::uint32_t member : rule.members) {
      parts[member].needed = parts[member].needed || LeftOutBy(select, rule.meta).empty();
      parts[member].silent = true;
      generated[member] = generated[member] || rule.generate;
    }
  }
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i].silent &= !generated[i];
  return parts;
}

// Why a detection goes; empty for one that stays.
std::string_view LeftOutBy(const Config::Rules::Select& select, const sigma::Metadata& meta,
                           const Part& part) {
  if (part.needed) return "";
  const std::string_view why = LeftOutBy(select, meta);
  if (!why.empty() || !part.silent || Named(select.ids, meta)) return why;
  return "rules.select, as are the correlations that it is a part of";
}

}  // namespace

void SelectRules(const Config::Rules::Select& select, sigma::RuleCollection& rules) {
  TellUnknown("rules.select.ids", select.ids, rules);
  TellUnknown("rules.select.except", select.except, rules);
  const std::vector<Part> parts = PartsOf(select, rules);

  std::vector<std::uint32_t> moved(rules.detections.size());
  std::vector<sigma::DetectionRule> detections;
  for (std::size_t i = 0; i < rules.detections.size(); ++i) {
    sigma::DetectionRule& rule = rules.detections[i];
    const std::string_view why = LeftOutBy(select, rule.meta, parts[i]);
    if (!why.empty()) {
      Report(rules, rule.meta, "detection", why);
      continue;
    }
    moved[i] = static_cast<std::uint32_t>(detections.size());
    detections.push_back(std::move(rule));
  }
  rules.detections = std::move(detections);

  std::vector<sigma::CorrelationRule> correlations;
  for (sigma::CorrelationRule& rule : rules.correlations) {
    if (const std::string_view why = LeftOutBy(select, rule.meta); !why.empty()) {
      Report(rules, rule.meta, "correlation", why);
      continue;
    }
    for (std::uint32_t& member : rule.members) member = moved[member];
    correlations.push_back(std::move(rule));
  }
  rules.correlations = std::move(correlations);
}

}  // namespace faultline::app
