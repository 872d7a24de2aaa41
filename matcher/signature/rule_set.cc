// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/rule_set.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "matcher/sigma/text_template.h"
#include "matcher/signature/gating.h"
#include "matcher/signature/rejection.h"
#include "matcher/signature/rule_set_impl.h"
#include "matcher/signature/signature_compiler.h"

namespace faultline {
namespace {

// Alerts and group keys read fields too: whatever a rule names is looked for in the event.
void AddFieldsOfAlerts(const sigma::RuleCollection& rules, const RuleSet::Options& options,
                       FieldTable::Builder& fields) {
  const auto add_all = [&fields](const std::vector<std::string>& names) {
    for (const std::string& name : names) fields.Add(name);
  };
  add_all(options.extra_fields);
  for (const sigma::DetectionRule& rule : rules.detections) {
    add_all(sigma::TemplateNames(rule.explain));
  }
  for (const sigma::CorrelationRule& rule : rules.correlations) {
    add_all(rule.group_by);
    add_all(sigma::TemplateNames(rule.explain));
  }
}

std::vector<CompiledCapture> CapturesOf(const sigma::DetectionRule& rule,
                                        FieldTable::Builder& fields, RegexStore& regexes) {
  std::vector<CompiledCapture> captures;
  for (const sigma::Capture& capture : rule.captures) {
    auto regex = regexes.Get(CompiledCapture::SourceOf(capture));
    FAULTLINE_CHECK(regex.has_value());  // rules with bad expressions were taken out before
    captures.emplace_back(capture, fields.Add(capture.field), std::move(*regex));
  }
  return captures;
}

std::string RevisionOf(const sigma::RuleCollection& rules) {
  std::vector<Digest> semantics;
  for (const sigma::DetectionRule& rule : rules.detections) semantics.push_back(rule.semantics);
  for (const sigma::CorrelationRule& rule : rules.correlations) semantics.push_back(rule.semantics);
  std::sort(semantics.begin(), semantics.end());
  DigestBuilder revision;
  for (const Digest& digest : semantics) revision.Add(digest.Hex());
  return revision.Finish().Hex();
}

}  // namespace

Result<std::shared_ptr<const RuleSet>> RuleSet::Compile(sigma::RuleCollection rules,
                                                        const Options& options) {
  auto impl = std::make_unique<Impl>();
  RegexStore regexes;
  RejectBadRegexes(rules, regexes);
  GateByInputs(options.inputs, rules);
  FieldTable::Builder fields;
  SignatureCompiler compiler(&fields, &regexes, &options.inputs);
  for (std::uint32_t i = 0; i < rules.detections.size(); ++i) {
    compiler.Add(i, rules.detections[i]);
    impl->captures.push_back(CapturesOf(rules.detections[i], fields, regexes));
  }
  if (Result<void> done = compiler.Finish(); !done) return tl::unexpected<Error>(done.error());
  AddFieldsOfAlerts(rules, options, fields);
  impl->fields = std::move(fields).Build();
  impl->pool = std::move(compiler.pool);
  impl->classes = std::move(compiler.classes);
  impl->plans = std::move(compiler.plans);
  impl->truth_bits = compiler.truth_bits;
  impl->max_groups = regexes.max_groups();
  impl->needs_leaves = std::any_of(impl->plans.begin(), impl->plans.end(),
                                   [](const auto& plan) { return plan.field == kKeywordField; });
  impl->revision = RevisionOf(rules);
  impl->options = options;
  impl->rules = std::move(rules);
  return std::shared_ptr<const RuleSet>(new RuleSet(std::move(impl)));
}

RuleSet::RuleSet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RuleSet::~RuleSet() = default;

const FieldTable& RuleSet::fields() const noexcept { return impl_->fields; }
const std::vector<sigma::DetectionRule>& RuleSet::detections() const noexcept {
  return impl_->rules.detections;
}
const std::vector<sigma::CorrelationRule>& RuleSet::correlations() const noexcept {
  return impl_->rules.correlations;
}
const std::vector<sigma::ReportEntry>& RuleSet::report() const noexcept {
  return impl_->rules.report;
}
const std::vector<Error>& RuleSet::errors() const noexcept { return impl_->rules.errors; }
bool RuleSet::needs_leaves() const noexcept { return impl_->needs_leaves; }
const std::string& RuleSet::revision() const noexcept { return impl_->revision; }

}  // namespace faultline
