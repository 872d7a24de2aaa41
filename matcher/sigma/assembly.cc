// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/assembly.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <queue>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
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
#include "matcher/sigma/references.h"
#include "matcher/sigma/scalars.h"
#include "matcher/sigma/semantics.h"

namespace faultline::sigma {
namespace {

// How often filters may apply, all filters and rules together.
constexpr std::size_t kMaxFiltered = 1'000'000;
// Of correlations that refer to correlations.
constexpr int kMaxDepth = 10;

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

Assembly::Text::Text(std::string_view text, const std::string& file,
                     std::shared_ptr<const Pack> pack, const LoadOptions& options)
    : pack_(std::move(pack)) {
  std::vector<yaml::Node> documents;
  auto fault = yaml::ParseYamlPrefix(text, file, {}, Fault::kRules, documents);
  Collection collection(documents);
  for (yaml::Node& document : documents) {
    auto rule = collection.Next(std::move(document));
    if (!rule) {
      AddFault(std::move(rule.error()));
    } else if (*rule) {
      AddDocument(**rule, options);
    }
  }
  if (fault) AddFault(std::move(*fault));
}

void Assembly::Text::AddFault(Error error) {
  Entry entry;
  entry.meta.file = error.place.file;
  entry.meta.place = error.place;
  entry.kind = "file";
  entry.error = std::move(error);
  entries_.push_back(std::move(entry));
}

void Assembly::Text::AddDocument(const yaml::Node& document, const LoadOptions& options) {
  Reading reading(NameOf(document), options, *budget_, pack_.get());
  Entry entry;
  entry.budget = budget_.get();
  entry.pack = pack_.get();
  if (document.FindKey("filter") != nullptr) {
    entry.kind = "filter";
    entry.rule = ReadFilterRule(document, reading);
  } else if (document.FindKey("correlation") != nullptr) {
    entry.kind = "correlation";
    entry.document = document;
  } else if (document.FindKey("detection") != nullptr) {
    entry.kind = "detection";
    entry.rule = ReadDetectionRule(document, reading);
    const yaml::Node* const map = document.Find("faultline");
    const yaml::Node* const replaceable = map == nullptr ? nullptr : map->Find("replaceable");
    entry.replaceable = replaceable != nullptr && yaml::AsBool(*replaceable).value_or(false);
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

void Assembly::Add(Text text) {
  budgets_.push_back(std::move(text.budget_));
  packs_.push_back(std::move(text.pack_));
  if (entries_.empty()) {  // one text alone is never held twice
    entries_ = std::move(text.entries_);
  } else {
    std::move(text.entries_.begin(), text.entries_.end(), std::back_inserter(entries_));
  }
}

// A replaceable detection is as if it were not there once another rule has its name.
void Assembly::GiveWay() {
  for (Entry& entry : entries_) {
    if (!entry.replaceable || entry.error || entry.meta.name.empty()) continue;
    for (const Entry& other : entries_) {
      if (other.replaceable || other.meta.name != entry.meta.name) continue;
      entry.replaced = faultline::ToString(other.meta.place);
      entry.rule = std::monostate();
      break;
    }
  }
}

// Rejects all entries of one id, or of one name, naming another's place.
void Assembly::CheckTwins(bool by_name) {
  auto& first = by_name ? by_name_ : by_id_;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    const std::string& key = by_name ? entry.meta.name : entry.meta.id;
    if (key.empty() || !entry.replaced.empty()) continue;
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

Assembly::Entry* Assembly::FindEntry(std::string_view reference) {
  const auto id = by_id_.find(reference);
  if (id != by_id_.end()) return &entries_[id->second];
  const auto name = by_name_.find(reference);
  return name == by_name_.end() ? nullptr : &entries_[name->second];
}

std::string Assembly::Suggest(std::string_view reference, bool correlations) {
  if (suggestions_left_ == 0) return {};
  --suggestions_left_;
  std::vector<std::string_view> candidates;
  for (const Entry& entry : entries_) {
    if (entry.kind != "detection" && !(correlations && entry.kind == "correlation")) continue;
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
  Reading reading(entry.meta.title);
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
                 target == nullptr ? Suggest(reference.rule, false) : std::string());
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
      Reading reading(entry.meta.title);
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

std::optional<RuleRef> Assembly::FindRule(const yaml::Node& reference, Reading& reading) {
  const std::string& name = reference.scalar;
  const Entry* entry = FindEntry(name);
  if (entry == nullptr) {
    std::string meant = Suggest(name, true);
    reading.Refuse(fmt::format("unknown rule '{}'", name), reference.place,
                   meant.empty() ? "name a rule that is loaded with it, by id or name" : meant);
  } else if (entry->kind != "detection" && entry->kind != "correlation") {
    reading.Refuse(fmt::format("'{}' is a {}", name, entry->kind), reference.place,
                   "name a detection or a correlation");
  } else if (entry->error) {
    reading.Refuse(fmt::format("it refers to '{}', which is rejected", name), reference.place,
                   "repair that rule");
  } else {
    return RuleRef{entry->kind == "correlation", entry->index};
  }
  return std::nullopt;
}

// Of all correlations that are left, each waits for another one: those that go round in a circle are
// refused and count as done.
void Assembly::RefuseCircles(const std::vector<std::vector<std::size_t>>& children,
                             const std::vector<bool>& placed, std::vector<std::size_t>& ready) {
  std::vector<std::size_t> seen_by(entries_.size(), 0);  // 1 + where the walk began
  for (std::size_t start = 0; start < entries_.size(); ++start) {
    if (placed[start] || seen_by[start] != 0) continue;
    std::vector<std::size_t> walk;
    std::size_t at = start;
    while (seen_by[at] == 0) {
      seen_by[at] = start + 1;
      walk.push_back(at);
      at = *std::find_if(children[at].begin(), children[at].end(),
                         [&placed](std::size_t child) { return !placed[child]; });
    }
    if (seen_by[at] != start + 1) continue;
    const auto first = std::find(walk.begin(), walk.end(), at);
    std::string circle;
    constexpr std::ptrdiff_t kTold = 10;
    for (auto one = first; one != walk.end() && one - first < kTold; ++one) {
      circle += NameOf(entries_[*one].document) + " -> ";
    }
    circle += walk.end() - first > kTold ? "..." : NameOf(entries_[at].document);
    for (auto one = first; one != walk.end(); ++one) {
      Entry& entry = entries_[*one];
      if (!entry.error) {
        Reading reading(NameOf(entry.document));
        reading.Refuse(fmt::format("correlations refer to each other in a circle: {}", circle),
                       entry.meta.place, "take one of the references out");
        entry.error = reading.error();
      }
      ready.push_back(*one);
    }
  }
}

// Children before parents, else in the order of the files.
void Assembly::PlaceCorrelations(RuleCollection& rules) {
  const std::size_t count = entries_.size();
  std::vector<std::vector<std::size_t>> children(count);
  std::vector<std::vector<std::size_t>> parents(count);
  std::vector<std::size_t> waits(count, 0);  // for how many children
  std::vector<int> depth(count, 1);
  std::vector<bool> placed(count, true);
  std::vector<std::size_t> ready;
  std::size_t left = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (entries_[i].kind != "correlation") continue;
    placed[i] = false;
    ++left;
    std::set<std::size_t> named;
    for (const std::string_view reference : ReferencesOf(entries_[i].document)) {
      const Entry* child = FindEntry(reference);
      if (child != nullptr && child->kind == "correlation") {
        named.insert(static_cast<std::size_t>(child - entries_.data()));
      }
    }
    children[i].assign(named.begin(), named.end());
    for (const std::size_t child : named) parents[child].push_back(i);
    waits[i] = named.size();
    if (named.empty()) ready.push_back(i);
  }
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> next(std::greater<>(),
                                                                                  std::move(ready));
  while (left > 0) {
    if (next.empty()) {
      std::vector<std::size_t> broken;
      RefuseCircles(children, placed, broken);
      for (const std::size_t one : broken) next.push(one);
    }
    const std::size_t i = next.top();
    next.pop();
    if (placed[i]) continue;
    placed[i] = true;
    --left;
    Entry& entry = entries_[i];
    if (depth[i] > kMaxDepth && !entry.error) {
      Reading reading(NameOf(entry.document));
      reading.Refuse(fmt::format("correlations refer to each other more than {} deep", kMaxDepth),
                     entry.meta.place, "refer to the rules further down");
      entry.error = reading.error();
    }
    if (!entry.error) PlaceCorrelation(entry, rules);
    entry.document = {};
    for (const std::size_t parent : parents[i]) {
      depth[parent] = std::max(depth[parent], depth[i] + 1);
      if (--waits[parent] == 0 && !placed[parent]) next.push(parent);
    }
  }
}

// What it asks reaches every rule below it.
void Assembly::ChargeQuestions(const CorrelationRule& rule, const Entry& entry, Reading& reading) {
  constexpr std::size_t kMost = 1'000'000'000;
  std::size_t reached = 0;
  std::size_t questions = 0;
  for (const Input& input : rule.inputs) {
    const std::size_t below = 1 + (input.rule.correlation ? reached_[input.rule.index] : 0);
    reached = std::min(kMost, reached + below);
    questions = std::min(kMost, questions + below * input.fields.size());
  }
  reached_.push_back(reached);
  if (questions > questions_left_) {
    return reading.Refuse("all correlations together ask for too many fields of too many rules",
                          entry.meta.place, "name fewer fields or fewer rules");
  }
  questions_left_ -= questions;
}

void Assembly::PlaceCorrelation(Entry& entry, RuleCollection& rules) {
  Reading reading(NameOf(entry.document), options_, *entry.budget, entry.pack);
  CorrelationRule rule = ReadCorrelation(
      entry.document, rules,
      [this](const yaml::Node& reference, Reading& of) { return FindRule(reference, of); },
      reading);
  if (reading.ok()) ChargeQuestions(rule, entry, reading);
  entry.error = reading.error();
  if (entry.error) return;
  auto findings = reading.TakeFindings();
  std::move(findings.begin(), findings.end(), std::back_inserter(entry.findings));
  if (!entry.meta.has_level) {
    for (const Input& input : rule.inputs) {
      const Metadata& meta = input.rule.correlation ? rules.correlations[input.rule.index].meta
                                                    : rules.detections[input.rule.index].meta;
      entry.meta.level = std::max(entry.meta.level, meta.level);
    }
  }
  rule.meta = entry.meta;
  rule.semantics = SemanticsOf(rule, rules);
  entry.index = static_cast<std::uint32_t>(rules.correlations.size());
  rules.correlations.push_back(std::move(rule));
}

// What the load report says of an entry that is not rejected.
void Assembly::Describe(const Entry& entry, const RuleCollection& rules, ReportEntry& report) {
  if (!entry.replaced.empty()) {
    report.state = RuleState::kGated;
    report.reason = fmt::format("the rule of its name at {} takes its place", entry.replaced);
    return;
  }
  if (entry.kind == "filter") {
    if (entry.targets > 0) return;
    report.state = RuleState::kGated;
    report.reason = "applies to no rule that is loaded";
  } else if (entry.kind == "correlation") {
    report.horizon = rules.correlations[entry.index].horizon;
  } else if (rules.detections[entry.index].unmapped_logsource) {
    report.reason =
        fmt::format("no conditions are known for the log source {}: tried on every event",
                    ToString(rules.detections[entry.index].logsource));
  }
}

RuleCollection Assembly::Finish() && {
  RuleCollection rules;
  GiveWay();
  CheckTwins(false);
  CheckTwins(true);
  PlaceDetections(rules);
  PlaceFilters(rules);
  RunJobs(options_.jobs, rules.detections.size(), [&rules](std::size_t i) {
    rules.detections[i].semantics = SemanticsOf(rules.detections[i], rules.filters);
  });
  PlaceCorrelations(rules);
  Connect(rules);
  for (Entry& entry : entries_) {
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
    rules.report.push_back(std::move(report));
  }
  return rules;
}

}  // namespace faultline::sigma
