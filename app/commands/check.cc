// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/exit_code.h"
#include "app/kafka_setup.h"
#include "app/load_report.h"
#include "app/service.h"

namespace faultline::app {
namespace {

constexpr std::chrono::seconds kBrokerTimeout{10};

struct CheckFlags {
  ConfigFlags config;
  RuleFlags rules;
  bool offline = false;
};

std::string Report(const RuleSet& rules, const Context& context) {
  if (context.format == "json") return LoadReportJson(rules);
  if (context.format == "csv") return LoadReportCsv(rules);
  if (context.format == "sarif") return LoadReportSarif(rules);
  if (context.Table()) return LoadReportTable(rules, context.ColorOn(stdout));
  return LoadReportLines(rules);
}

// Rejections and findings as people read them.
void Tell(const RuleSet& rules, const Context& context) {
  const bool color = context.ColorOn(stderr);
  for (const Error& error : rules.errors()) PrintError(error, color);
  if (context.quiet) return;
  for (const sigma::Finding& finding : rules.findings()) {
    PrintWarning(Error{Fault::kRules, fmt::format("{} [{}]", finding.message, finding.code),
                       finding.place, finding.remedy},
                 color);
  }
}

// Lint counts where it is about what a rule means; with --strict all of it does.
int ExitCodeOf(const RuleSet& rules, bool strict) {
  if (!rules.errors().empty()) return kExitRules;
  const bool lint =
      std::any_of(rules.findings().begin(), rules.findings().end(),
                  [strict](const sigma::Finding& finding) { return strict || !IsNote(finding); });
  return lint ? kExitLint : kExitOk;
}

// Brokers answer, and the topics of the configuration are there.
Result<void> CheckBroker(const Config& config) {
  Result<kafka::Admin> admin = kafka::Admin::Create(ClientOf(config));
  if (!admin) return tl::unexpected<Error>(admin.error());
  std::vector<std::string> topics = InputTopics(config);
  const std::vector<std::string> own = OwnTopics(config);
  topics.insert(topics.end(), own.begin(), own.end());
  const auto described = admin->Describe(topics, kBrokerTimeout);
  if (!described) return tl::unexpected<Error>(described.error());
  return {};
}

void Check(const CheckFlags& flags, Context& context) {
  const Result<void> takes =
      context.ExpectFormat("check", {"ndjson", "json", "table", "csv", "sarif"});
  if (!takes) return context.Failed(takes.error());
  const Result<Config> config = LoadConfig(flags.config);
  if (!config) return context.Failed(config.error());
  if (flags.rules.paths.empty() && config->rules.paths.empty()) {
    if (!context.quiet) {
      PrintWarning(
          Error{Fault::kRules, "no rules to check", {}, "name them with --rules or rules.paths"},
          context.ColorOn(stderr));
    }
  } else {
    const Result<RuleSetPtr> rules = LoadRuleSet(*config, flags.rules);
    if (!rules) return context.Failed(rules.error());
    Tell(**rules, context);
    if (auto ok = WriteOut(Report(**rules, context)); !ok) return context.Failed(ok.error());
    context.exit_code = ExitCodeOf(**rules, flags.rules.strict);
    if (auto ok = CheckWorkers(*config, **rules); !ok) return context.Failed(ok.error());
  }
  if (config->kafka.brokers.empty()) return;
  Result<void> reachable = CheckClient(*config);
  if (reachable && !flags.offline && !flags.config.files.empty()) reachable = CheckBroker(*config);
  if (reachable) return;
  const int before = context.exit_code;
  context.Failed(reachable.error());
  if (before != kExitOk && context.exit_code == kExitBroker) context.exit_code = before;
}

}  // namespace

void AddCheckCommand(CLI::App& app, Context& context) {
  CLI::App* const command = app.add_subcommand(
      "check", "Configuration, rules and brokers: which rules load, which do not, and why");
  const auto flags = std::make_shared<CheckFlags>();
  AddConfigFlags(*command, flags->config);
  AddLogSourceFlags(*command, flags->config);
  AddRuleFlags(*command, flags->rules);
  command->add_flag("--offline", flags->offline, "Leave the brokers out");
  command->footer(
      "Examples:\n"
      "  faultline check --rules rules/\n"
      "  faultline check -c faultline.yaml --offline --format json | jq .counts\n"
      "  faultline check -r rules/ --format sarif > faultline.sarif\n"
      "Exit codes:  0 fine, 2 a rule does not load, 3 lint only (with --strict also what a rule\n"
      "             lacks for its readers: id, level, status), 64 usage, 69 broker not available,\n"
      "             78 configuration, or a topic that does not exist");
  command->callback([flags, &context] { Check(*flags, context); });
}

}  // namespace faultline::app
