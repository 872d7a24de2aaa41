// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/assembly.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "matcher/sigma/correlation.h"
#include "matcher/sigma/detection.h"
#include "matcher/sigma/explain.h"
#include "matcher/sigma/logsource.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/scalars.h"
#include "matcher/sigma/semantics.h"
#include "matcher/sigma/suggest.h"

namespace faultline::sigma {
namespace {

std::string OptionalText(const yaml::Node& document, std::string_view key, Reading& reading) {
  const yaml::Node* node = document.Find(key);
  if (node == nullptr || yaml::IsNull(*node)) return {};
  if (node->IsScalar() && node->scalar.empty()) return {};
  return ReadText(*node, fmt::format("'{}'", key), reading);
}

std::vector<std::string> OptionalTexts(const yaml::Node& document, std::string_view key,
                                       Reading& reading) {
  const yaml::Node* node = document.Find(key);
  if (node == nullptr || yaml::IsNull(*node)) return {};
  return ReadTexts(*node, fmt::format("'{}'", key), reading);
}

void ReadLevel(const yaml::Node& document, Reading& reading, Metadata& meta) {
  const yaml::Node* node = document.Find("level");
  if (node == nullptr || yaml::IsNull(*node)) return;
  const std::string text = ReadText(*node, "'level'", reading);
  const auto level = LevelFromString(text);
  if (!level) {
    return reading.Refuse(fmt::format("unknown level '{}'", text), node->place,
                          DidYouMean(text, {"informational", "low", "medium", "high", "critical"}));
  }
  meta.level = *level;
  meta.has_level = true;
}

Metadata ReadMetadata(const yaml::Node& document, Reading& reading) {
  Metadata meta;
  meta.place = document.place;
  meta.file = document.place.file;
  meta.id = OptionalText(document, "id", reading);
  meta.name = OptionalText(document, "name", reading);
  meta.title = OptionalText(document, "title", reading);
  meta.status = OptionalText(document, "status", reading);
  meta.author = OptionalText(document, "author", reading);
  meta.description = OptionalText(document, "description", reading);
  meta.tags = OptionalTexts(document, "tags", reading);
  meta.references = OptionalTexts(document, "references", reading);
  meta.falsepositives = OptionalTexts(document, "falsepositives", reading);
  ReadLevel(document, reading, meta);
  if (meta.id.empty() && meta.name.empty() && meta.title.empty()) {
    reading.Refuse("the rule has no title, name or id", document.place, "add a title and an id");
  }
  return meta;
}

void ReadLogSource(const yaml::Node& document, Reading& reading, DetectionRule& rule) {
  const yaml::Node* node = document.Find("logsource");
  if (node == nullptr) {
    return reading.Refuse("the rule has no 'logsource'", document.place,
                          "add product, category or service");
  }
  if (!ExpectMap(*node, "'logsource'", reading)) return;
  ExpectKeys(*node, "'logsource'", {"product", "category", "service", "definition"}, {}, reading);
  rule.logsource.product = OptionalText(*node, "product", reading);
  rule.logsource.category = OptionalText(*node, "category", reading);
  rule.logsource.service = OptionalText(*node, "service", reading);
  const LogSource& source = rule.logsource;
  if (source.product.empty() && source.category.empty() && source.service.empty()) {
    return reading.Refuse("'logsource' names no product, category or service", node->place);
  }
  auto sources = FindLogSource(source);
  rule.unmapped_logsource = !sources.has_value();
  if (sources) rule.sources = std::move(*sources);
}

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
  ReadLogSource(document, reading, rule);
  ReadDetection(*document.Find("detection"), reading, rule);
  if (const yaml::Node* map = document.Find("faultline")) ReadFaultlineMap(*map, reading, rule);
  return rule;
}

CorrelationRule ReadCorrelationRule(const yaml::Node& document, Reading& reading) {
  CorrelationRule rule;
  if (const yaml::Node* key = document.FindKey("detection")) {
    reading.Refuse("a document is a detection or a correlation, not both", key->place,
                   "separate them by '---'");
  }
  ReadCorrelation(*document.Find("correlation"), reading, rule);
  if (const yaml::Node* map = document.Find("faultline")) ReadFaultlineMap(*map, reading, rule);
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
  std::vector<yaml::Node> documents;
  auto fault = yaml::ParseYamlPrefix(text, file, {}, Fault::kRules, documents);
  for (const yaml::Node& document : documents) AddDocument(document);
  if (fault) AddFault(std::move(*fault));
}

void Assembly::AddDocument(const yaml::Node& document) {
  Reading reading(NameOf(document));
  Entry entry;
  if (const yaml::Node* key = document.FindKey("correlation")) {
    entry.kind = "correlation";
    entry.rule = ReadCorrelationRule(document, reading);
  } else if (document.FindKey("filter") != nullptr || document.FindKey("action") != nullptr) {
    key = document.FindKey("filter");
    entry.kind = key != nullptr ? "filter" : "action";
    if (key == nullptr) key = document.FindKey("action");
    reading.Refuse(fmt::format("'{}' documents are not supported yet", entry.kind), key->place);
  } else if (document.FindKey("detection") != nullptr) {
    entry.kind = "detection";
    entry.rule = ReadDetectionRule(document, reading);
  } else if (document.FindKey("logsource") != nullptr || document.FindKey("title") != nullptr) {
    entry.kind = "detection";
    reading.Refuse("the rule has no 'detection' and no 'correlation'", document.place);
  } else {
    return;
  }
  entry.meta = ReadMetadata(document, reading);
  entry.error = reading.error();
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
      Reading reading(one.meta.title);
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
    rule->semantics = SemanticsOf(*rule);
    entry.index = static_cast<std::uint32_t>(rules.detections.size());
    rules.detections.push_back(std::move(*rule));
  }
}

// Looks the members of a correlation up.
void Assembly::Resolve(Entry& entry, const RuleCollection& rules) {
  CorrelationRule& rule = std::get<CorrelationRule>(entry.rule);
  Reading reading(entry.meta.title);
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

RuleCollection Assembly::Finish() && {
  RuleCollection rules;
  CheckTwins(false);
  CheckTwins(true);
  PlaceDetections(rules);
  for (Entry& entry : entries_) {
    auto* correlation = std::get_if<CorrelationRule>(&entry.rule);
    if (correlation != nullptr && !entry.error) Resolve(entry, rules);
    ReportEntry report = ReportOf(entry.meta, entry.kind);
    if (entry.error) {
      report.state = RuleState::kRejected;
      report.reason = entry.error->message;
      report.error = entry.error;
      rules.errors.push_back(*entry.error);
    } else if (correlation != nullptr) {
      report.horizon = correlation->timespan;
      correlation->meta = entry.meta;
      correlation->semantics = SemanticsOf(*correlation, rules.detections);
      rules.correlations.push_back(std::move(*correlation));
    } else if (const DetectionRule& rule = rules.detections[entry.index]; rule.unmapped_logsource) {
      report.reason = fmt::format(
          "no conditions are known for the log source {}: tried on every "
          "event",
          ToString(rule.logsource));
    }
    rules.report.push_back(std::move(report));
  }
  return rules;
}

}  // namespace faultline::sigma
