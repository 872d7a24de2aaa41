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

#include "base/suggest.h"
#include "matcher/sigma/references.h"

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

// Leaves rules out, but for those that a selected correlation needs: those stay as its parts. A rule
// that alerts only through correlations goes with the last of them, unless it is named.
class Selection {
 public:
  Selection(const Config::Rules::Select& select, sigma::RuleCollection& rules)
      : select_(select), rules_(rules), leaving_(rules), kept_(rules) {}

  void Apply() {
    // Parents first: what they keep is known before their children are looked at.
    for (std::size_t i = rules_.correlations.size(); i-- > 0;) {
      const sigma::CorrelationRule& rule = rules_.correlations[i];
      Look({true, static_cast<std::uint32_t>(i)}, rule.meta, "correlation", rule.silent);
      if (leaving_.correlations[i]) continue;
      for (const sigma::Input& input : rule.inputs) kept_.Set(input.rule, true);
    }
    for (std::size_t i = 0; i < rules_.detections.size(); ++i) {
      const sigma::DetectionRule& rule = rules_.detections[i];
      Look({false, static_cast<std::uint32_t>(i)}, rule.meta, "detection", rule.silent);
    }
    TakeOut(leaving_, rules_);
  }

 private:
  void Look(const sigma::RuleRef& rule, const sigma::Metadata& meta, std::string_view kind,
            bool silent) {
    if (kept_.Has(rule)) return;
    std::string_view why = LeftOutBy(select_, meta);
    if (why.empty() && silent && !Named(select_.ids, meta)) {
      why = "rules.select, as are the correlations that it is a part of";
    }
    if (why.empty()) return;
    leaving_.Set(rule, true);
    Report(rules_, meta, kind, why);
  }

  const Config::Rules::Select& select_;
  sigma::RuleCollection& rules_;
  sigma::Leaving leaving_;
  sigma::Leaving kept_;  // as parts
};

}  // namespace

void SelectRules(const Config::Rules::Select& select, sigma::RuleCollection& rules) {
  TellUnknown("rules.select.ids", select.ids, rules);
  TellUnknown("rules.select.except", select.except, rules);
  Selection(select, rules).Apply();
}

}  // namespace faultline::app
