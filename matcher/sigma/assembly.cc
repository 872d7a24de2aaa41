// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/assembly.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "matcher/sigma/collection.h"
#include "matcher/sigma/correlation.h"
#include "matcher/sigma/detection.h"
#include "matcher/sigma/explain.h"
#include "matcher/sigma/filter.h"
#include "matcher/sigma/known_fields.h"
#include "matcher/sigma/lint.h"
#include "matcher/sigma/logsource.h"
#include "matcher/sigma/metadata.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/semantics.h"
#include "matcher/sigma/suggest.h"

namespace faultline::sigma {
namespace {

// How often filters may apply, all filters and rules together.
constexpr std::size_t kMaxFiltered = 1'000'000;

// What to call a document in messages, before anything of it is known to be right.
std::string NameOf(const yaml::Node& document) {
  for (const std::string_view key : {"title", "name", "id"}) {
    const yaml::Node* node = document.Find(key);
    if (node != nullptr && node->IsScalar() && !node->scalar.empty()) return node->scalar;
  }
  return {};
}

DetectionRule ReadDetectionRule(const yaml::Node& document, Reading& reading) {
  DetectionRule rule;
  rule.logsource = ReadLogSource(document, "rule", reading);
  const LogSourceTable* const table = reading.options().logsources.get();
  LogSourceTable::Meaning meaning =
      (table != nullptr ? *table : LogSourceTable::BuiltIn()).Find(rule.logsource);
  rule.unmapped_logsource = !meaning.mapped;
  rule.sources = std::move(meaning.alternatives);
  ReadDetection(*document.Find("detection"), reading, rule);
  if (const yaml::Node* map = document.Find("faultline")) ReadFaultlineMap(*map, reading, rule);
  if (reading.ok()) {
    Lint(rule, reading);
    NoteMisspelt(rule, reading);
  }
  return rule;
}

CorrelationRule ReadCorrelationRule(const yaml::Node& document, Reading& reading) {
  CorrelationRule rule;
  if (const yaml::Node* key = document.FindKey("detection")) {
    reading.Refuse("a document is a detection or a correlation, not both", key->place,
                   "separate them by '---'");
  }
  const yaml::Node& map = *document.Find("correlation");
  ReadCorrelation(map, reading, rule);
  if (const yaml::Node* ours = document.Find("faultline")) ReadFaultlineMap(*ours, reading, rule);
  if (reading.ok()) Lint(rule, map.place, reading);
  return rule;
}

ReportEntry ReportOf(const Metadata& meta, const std::string& kind) {
  ReportEntry entry;
  entry.id = meta.id;
  entry.title = meta.title.empty() ? meta.name : meta.title;
  entry.file = meta.file;
  entry.kind = kind;
  entry.line = meta.place.line;
  return entry;
}

}  // namespace

void Assembly::AddFault(Error error) {
  Entry entry;
  entry.meta.file = error.place.file;
  entry.meta.place = error.place;
  entry.kind = "file";
  entry.error = std::move(error);
  entries_.push_back(std::move(entry));
}

void Assembly::AddText(std::string_view text, const std::string& file) {
  budget_ = {};
  std::vector<yaml::Node> documents;
  auto fault = yaml::ParseYamlPrefix(text, file, {}, Fault::kRules, documents);
  Collection collection;
  for (yaml::Node& document : documents) {
    auto rule = collection.Next(std::move(document));
    if (!rule) {
      AddFault(std::move(rule.error()));
    } else if (*rule) {
      AddDocument(**rule);
    }
  }
  if (fault) AddFault(std::move(*fault));
}

void Assembly::AddDocument(const yaml::Node& document) {
  Reading reading(NameOf(document), options_, budget_);
  Entry entry;
  if (document.FindKey("filter") != nullptr) {
    entry.kind = "filter";
    entry.rule = ReadFilterRule(document, reading);
  } else if (document.FindKey("correlation") != nullptr) {
    entry.kind = "correlation";
    entry.rule = ReadCorrelationRule(document, reading);
  } else if (document.FindKey("detection") != nullptr) {
    entry.kind = "detection";
    entry.rule = ReadDetectionRule(document, reading);
  } else if (document.FindKey("logsource") != nullptr || document.FindKey("title") != nullptr) {
    entry.kind = "detection";
    reading.Refuse("the rule has no 'detection' and no 'correlation'", document.place,
                   "add 'detection:' with searches and a condition");
  } else {
    return;
  }
  entry.meta = ReadMetadata(document, reading);
  entry.error = reading.error();
  entry.findings = reading.TakeFindings();
  entries_.push_back(std::move(entry));
}

// Rejects all entries of one id, or of one name, naming another's place.
void Assembly::CheckTwins(bool by_name) {
  auto& first = by_name ? by_name_ : by_id_;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    const std::string& key = by_name ? entry.meta.name : entry.meta.id;
    if (key.empty()) continue;
    const auto [found, fresh] = first.emplace(key, i);
    if (fresh) continue;
    Entry& other = entries_[found->second];
    const auto refuse = [&](Entry& one, const Entry& twin) {
      if (one.error) return;
      Reading reading(one.meta.title, options_, budget_);
      reading.Refuse(fmt::format("the {} '{}' is also that of {}", by_name ? "name" : "id", key,
                                 faultline::ToString(twin.meta.place)),
                     one.meta.place, "give each rule its own");
      one.error = reading.error();
    };
    refuse(other, entry);
    refuse(entry, other);
  }
}

const Assembly::Entry* Assembly::FindEntry(std::string_view reference) const {
  const auto id = by_id_.find(reference);
  if (id != by_id_.end()) return &entries_[id->second];
  const auto name = by_name_.find(reference);
  return name == by_name_.end() ? nullptr : &entries_[name->second];
}

std::string Assembly::Suggest(std::string_view reference) {
  if (suggestions_left_ == 0) return {};
  --suggestions_left_;
  std::vector<std::string_view> candidates;
  for (const Entry& entry : entries_) {
    if (entry.kind != "detection") continue;
    candidates.push_back(entry.meta.name);
    candidates.push_back(entry.meta.id);
  }
  return DidYouMean(reference, candidates);
}

void Assembly::PlaceDetections(RuleCollection& rules) {
  for (Entry& entry : entries_) {
    auto* rule = std::get_if<DetectionRule>(&entry.rule);
    if (rule == nullptr || entry.error) continue;
    rule->meta = entry.meta;
    entry.index = static_cast<std::uint32_t>(rules.detections.size());
    rules.detections.push_back(std::move(*rule));
  }
}

// The detections that a filter is for, ascending, at most one more than `most`; notes what it names
// in vain.
std::vector<std::uint32_t> Assembly::Targets(Entry& entry, const RuleCollection& rules,
                                             std::size_t most) {
  const FilterRule& rule = std::get<FilterRule>(entry.rule);
  std::vector<std::uint32_t> targets;
  const auto contained = [&](std::uint32_t index) {
    return Contains(rule.filter.logsource, rules.detections[index].logsource);
  };
  const auto count = static_cast<std::uint32_t>(rules.detections.size());
  for (std::uint32_t i = 0; rule.rules.empty() && i < count && targets.size() <= most; ++i) {
    if (contained(i)) targets.push_back(i);
  }
  Reading reading(entry.meta.title, options_, budget_);
  for (const FilterRule::Reference& reference : rule.rules) {
    const Entry* target = FindEntry(reference.rule);
    std::string why;
    if (target == nullptr) {
      why = fmt::format("no rule has the id or name '{}'", reference.rule);
    } else if (target->kind != "detection") {
      why = fmt::format("'{}' is a {}: filters apply to detections alone", reference.rule,
                        target->kind);
    } else if (target->error) {
      why = fmt::format("the rule '{}' is rejected", reference.rule);
    } else if (!contained(target->index)) {
      why = fmt::format("the log source of '{}' is not within that of the filter", reference.rule);
    } else {
      targets.push_back(target->index);
      continue;
    }
    reading.Note("filter-without-target", why, reference.place,
                 target == nullptr ? Suggest(reference.rule) : std::string());
  }
  auto findings = reading.TakeFindings();
  std::move(findings.begin(), findings.end(), std::back_inserter(entry.findings));
  std::sort(targets.begin(), targets.end());
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  return targets;
}

void Assembly::PlaceFilters(RuleCollection& rules) {
  std::size_t left = kMaxFiltered;
  for (Entry& entry : entries_) {
    auto* rule = std::get_if<FilterRule>(&entry.rule);
    if (rule == nullptr || entry.error) continue;
    const std::vector<std::uint32_t> targets = Targets(entry, rules, left);
    if (targets.size() > left) {
      Reading reading(entry.meta.title, options_, budget_);
      reading.Refuse(fmt::format("all filters together apply to more than {} rules", kMaxFiltered),
                     entry.meta.place, "name the rules of each filter");
      entry.error = reading.error();
      continue;
    }
    left -= targets.size();
    entry.targets = targets.size();
    if (targets.empty()) continue;
    const auto index = static_cast<std::uint32_t>(rules.filters.size());
    for (const std::uint32_t target : targets) rules.detections[target].filters.push_back(index);
    rule->filter.meta = entry.meta;
    rule->filter.semantics = SemanticsOf(rule->filter);
    rules.filters.push_back(std::move(rule->filter));
  }
}

// Looks the members of a correlation up.
void Assembly::Resolve(Entry& entry, const RuleCollection& rules) {
  CorrelationRule& rule = std::get<CorrelationRule>(entry.rule);
  Reading reading(entry.meta.title, options_, budget_);
  Level highest = Level::kInformational;
  for (const std::string& reference : rule.rules) {
    const Entry* member = FindEntry(reference);
    if (member == nullptr) {
      reading.Refuse(fmt::format("unknown rule '{}'", reference), entry.meta.place,
                     Suggest(reference));
    } else if (member->kind != "detection") {
      reading.Refuse(fmt::format("'{}' is a {}: a reference to it is not supported yet", reference,
                                 member->kind),
                     entry.meta.place);
    } else if (member->error) {
      reading.Refuse(
          fmt::format("its member '{}' is rejected: {}", reference, member->error->ToString()),
          entry.meta.place);
    } else if (std::find(rule.members.begin(), rule.members.end(), member->index) !=
               rule.members.end()) {
      reading.Refuse(fmt::format("'{}' stands twice in 'rules'", reference), entry.meta.place);
    } else {
      rule.members.push_back(member->index);
      highest = std::max(highest, rules.detections[member->index].meta.level);
    }
  }
  if (!entry.meta.has_level) entry.meta.level = highest;
  entry.error = reading.error();
}

// What the load report says of an entry that is not rejected.
void Assembly::Describe(const Entry& entry, const RuleCollection& rules, ReportEntry& report) {
  if (entry.kind == "filter") {
    if (entry.targets > 0) return;
    report.state = RuleState::kGated;
    report.reason = "applies to no rule that is loaded";
  } else if (entry.kind == "detection" && rules.detections[entry.index].unmapped_logsource) {
    report.reason =
        fmt::format("no conditions are known for the log source {}: tried on every event",
                    ToString(rules.detections[entry.index].logsource));
  }
}

RuleCollection Assembly::Finish() && {
  RuleCollection rules;
  CheckTwins(false);
  CheckTwins(true);
  PlaceDetections(rules);
  PlaceFilters(rules);
  for (DetectionRule& rule : rules.detections) rule.semantics = SemanticsOf(rule, rules.filters);
  for (Entry& entry : entries_) {
    auto* correlation = std::get_if<CorrelationRule>(&entry.rule);
    if (correlation != nullptr && !entry.error) Resolve(entry, rules);
    ReportEntry report = ReportOf(entry.meta, entry.kind);
    if (entry.error) {
      report.state = RuleState::kRejected;
      report.reason = entry.error->message;
      report.error = entry.error;
      rules.errors.push_back(*entry.error);
    } else {
      Describe(entry, rules, report);
      std::move(entry.findings.begin(), entry.findings.end(), std::back_inserter(rules.findings));
    }
    if (correlation != nullptr && !entry.error) {
      report.horizon = correlation->timespan;
      correlation->meta = entry.meta;
      correlation->semantics = SemanticsOf(*correlation, rules.detections);
      rules.correlations.push_back(std::move(*correlation));
    }
    rules.report.push_back(std::move(report));
  }
  return rules;
}

}  // namespace faultline::sigma
