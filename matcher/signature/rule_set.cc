// SPDX-License-Identifier: Apache-2.0
#include "matcher/signature/rule_set.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "matcher/shapes/shape_file.h"
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
    add_all(rule.hit_fields);
    for (const sigma::ExprName& name : sigma::NamesOf(rule.texts)) {
      if (name.kind == sigma::ExprName::Kind::kEvent) fields.Add(name.field);
    }
    for (const auto& [name, expression] : rule.fields) {
      for (const sigma::ExprName& asked : expression.names()) {
        if (asked.kind == sigma::ExprName::Kind::kEvent) fields.Add(asked.field);
      }
    }
    for (const sigma::Lookup& lookup : rule.lookups) fields.Add(lookup.from);
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
  for (const sigma::Filter& filter : rules.filters) semantics.push_back(filter.semantics);
  std::sort(semantics.begin(), semantics.end());
  DigestBuilder revision;
  for (const Digest& digest : semantics) revision.Add(digest.Hex());
  return revision.Finish().Hex();
}

}  // namespace

Result<std::shared_ptr<const RuleSet>> RuleSet::Compile(sigma::RuleCollection rules,
                                                        const Options& options) {
  auto impl = std::make_unique<Impl>();
  RegexStore regexes(options.databases);
  RejectBadRegexes(rules, regexes);
  GateByInputs(options.inputs, rules);
  impl->revision = RevisionOf(rules);
  if (options.databases != nullptr) options.databases->Open(impl->revision);
  impl->options = options;
  if (impl->options.shapes == nullptr) impl->options.shapes = BuiltInShapes();
  FieldTable::Builder fields(impl->options.shapes.get());
  SignatureCompiler compiler(&fields, &regexes, &options.inputs);
  for (std::uint32_t i = 0; i < rules.detections.size(); ++i) {
    compiler.Add(i, rules.detections[i], rules.filters);
    impl->captures.push_back(CapturesOf(rules.detections[i], fields, regexes));
  }
  auto classes = ClassTable::Create(std::move(compiler).Finish(), options.databases);
  if (!classes) return tl::unexpected<Error>(classes.error());
  AddFieldsOfAlerts(rules, options, fields);
  impl->fields = std::move(fields).Build();
  impl->classes = std::move(*classes);
  impl->max_groups = regexes.max_groups();
  impl->rules = std::move(rules);
  return std::shared_ptr<const RuleSet>(new RuleSet(std::move(impl)));
}

RuleSet::RuleSet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RuleSet::~RuleSet() = default;

const FieldTable& RuleSet::fields() const noexcept { return impl_->fields; }
const ShapeSet& RuleSet::shapes() const noexcept { return *impl_->options.shapes; }
const std::vector<sigma::DetectionRule>& RuleSet::detections() const noexcept {
  return impl_->rules.detections;
}
const std::vector<sigma::CorrelationRule>& RuleSet::correlations() const noexcept {
  return impl_->rules.correlations;
}
const std::vector<sigma::Filter>& RuleSet::filters() const noexcept { return impl_->rules.filters; }
const std::vector<sigma::ReportEntry>& RuleSet::report() const noexcept {
  return impl_->rules.report;
}
const std::vector<Error>& RuleSet::errors() const noexcept { return impl_->rules.errors; }
const std::vector<sigma::Finding>& RuleSet::findings() const noexcept {
  return impl_->rules.findings;
}
const std::shared_ptr<DatabaseCache>& RuleSet::databases() const noexcept {
  return impl_->options.databases;
}
bool RuleSet::CompileNext() const { return impl_->classes->CompileNext(); }

const std::string& RuleSet::revision() const noexcept { return impl_->revision; }

}  // namespace faultline
