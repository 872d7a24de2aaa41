// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/exit_code.h"
#include "app/kafka_setup.h"
#include "exporters/escape.h"

namespace faultline::app {
namespace {

constexpr std::chrono::seconds kBrokerTimeout{10};

struct CheckFlags {
  ConfigFlags config;
  RuleFlags rules;
  bool offline = false;
};

std::string_view StateName(sigma::RuleState state) noexcept {
  switch (state) {
    case sigma::RuleState::kActive: return "active";
    case sigma::RuleState::kGated: return "gated";
    case sigma::RuleState::kRejected: break;
  }
  return "rejected";
}

double HorizonSeconds(const sigma::ReportEntry& entry) {
  return std::chrono::duration<double>(entry.horizon).count();
}

struct Counts {
  std::array<std::size_t, 3> by_state{};  // index = sigma::RuleState
  std::size_t detections = 0, correlations = 0;
  double longest_horizon = 0;
};

Counts CountsOf(const RuleSet& rules) {
  Counts counts;
  for (const sigma::ReportEntry& entry : rules.report()) {
    ++counts.by_state.at(static_cast<std::size_t>(entry.state));
    counts.longest_horizon = std::max(counts.longest_horizon, HorizonSeconds(entry));
  }
  counts.detections = rules.detections().size();
  counts.correlations = rules.correlations().size();
  return counts;
}

std::string EntryJson(const sigma::ReportEntry& entry) {
  return fmt::format(
      R"({{"id":{},"title":{},"file":{},"line":{},"state":"{}","reason":{},"kind":{},"horizon_seconds":{}}})",
      JsonString(entry.id), JsonString(entry.title), JsonString(entry.file), entry.line,
      StateName(entry.state), JsonString(entry.reason), JsonString(entry.kind),
      HorizonSeconds(entry));
}

std::string ReportJson(const RuleSet& rules) {
  std::vector<std::string> entries;
  for (const sigma::ReportEntry& entry : rules.report()) entries.push_back(EntryJson(entry));
  const Counts counts = CountsOf(rules);
  return fmt::format(
      "{{\"rules\":[{}],\"counts\":{{\"active\":{},\"gated\":{},\"rejected\":{},\"detections\":{},"
      "\"correlations\":{},\"longest_horizon_seconds\":{}}}}}\n",
      fmt::join(entries, ","), counts.by_state[0], counts.by_state[1], counts.by_state[2],
      counts.detections, counts.correlations, counts.longest_horizon);
}

std::string ReportLines(const RuleSet& rules) {
  std::string text;
  for (const sigma::ReportEntry& entry : rules.report()) text += EntryJson(entry) + "\n";
  return text;
}

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string ReportCsv(const RuleSet& rules) {
  std::string text = "id,title,file,line,state,reason,kind,horizon_seconds\r\n";
  for (const sigma::ReportEntry& entry : rules.report()) {
    text += fmt::format("{},{},{},{},{},{},{},{}\r\n", CsvField(entry.id), CsvField(entry.title),
                        CsvField(entry.file), entry.line, StateName(entry.state),
                        CsvField(entry.reason), entry.kind, HorizonSeconds(entry));
  }
  return text;
}

std::string ReportTable(const RuleSet& rules, bool color) {
  std::string text;
  for (const sigma::ReportEntry& entry : rules.report()) {
    const Tone tone = entry.state == sigma::RuleState::kActive  ? Tone::kGreen
                      : entry.state == sigma::RuleState::kGated ? Tone::kYellow
                                                                : Tone::kRed;
    text += fmt::format(
        "{} {:<11}  {}  {}", Toned(fmt::format("{:<8}", StateName(entry.state)), tone, color),
        entry.kind, Printable(entry.title),
        Toned(Printable(fmt::format("{}:{}", entry.file, entry.line)), Tone::kDim, color));
    if (entry.horizon.count() > 0) text += "  looks back " + ShowDuration(entry.horizon);
    if (!entry.reason.empty() && entry.state != sigma::RuleState::kRejected) {
      text += "  (" + Printable(entry.reason) + ")";
    }
    text += "\n";
  }
  const Counts counts = CountsOf(rules);
  return text + fmt::format("{} active ({} detections, {} correlations), {} gated, {} rejected\n",
                            counts.by_state[0], counts.detections, counts.correlations,
                            counts.by_state[1], counts.by_state[2]);
}

std::string Report(const RuleSet& rules, const Context& context) {
  if (context.format == "json") return ReportJson(rules);
  if (context.format == "csv") return ReportCsv(rules);
  if (context.Machine()) return ReportLines(rules);
  return ReportTable(rules, context.ColorOn(stdout));
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
    for (const Error& error : (*rules)->errors()) PrintError(error, context.ColorOn(stderr));
    if (auto ok = WriteOut(Report(**rules, context)); !ok) return context.Failed(ok.error());
    if (!(*rules)->errors().empty()) context.exit_code = kExitRules;
  }
  if (config->kafka.brokers.empty()) return;
  Result<void> reachable = kafka::CheckClient(ClientOf(*config));
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
      "Exit codes:  0 fine, 2 a rule does not load, 64 usage, 69 broker not available,\n"
      "             78 configuration, or a topic that does not exist");
  command->callback([flags, &context] { Check(*flags, context); });
}

}  // namespace faultline::app
