// SPDX-License-Identifier: Apache-2.0
#include "app/commands/common.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/class_compiler.h"
#include "app/exit_code.h"
#include "app/job_threads.h"
#include "app/rule_select.h"
#include "app/version.h"
#include "base/suggest.h"
#include "matcher/sigma/logsource.h"

namespace faultline::app {
namespace {

constexpr std::size_t kShownRejections = 20;

}  // namespace

bool Context::ColorOn(std::FILE* stream) const {
  const ColorChoice choice = color == "always"  ? ColorChoice::kAlways
                             : color == "never" ? ColorChoice::kNever
                                                : ColorChoice::kAuto;
  return UsesColor(choice, stream);
}

bool Context::Machine() const {
  return format == "json" || format == "ndjson" || (format == "auto" && !IsTerminal(stdout));
}

bool Context::Table() const {
  return format == "table" || (format == "auto" && IsTerminal(stdout));
}

Result<void> Context::ExpectFormat(std::string_view command,
                                   const std::vector<std::string>& known) const {
  if (format == "auto" || std::find(known.begin(), known.end(), format) != known.end()) return {};
  return Fail(Fault::kUsage, fmt::format("{} has no format {}", command, format), {},
              fmt::format("formats: auto, {}", fmt::join(known, ", ")));
}

void Context::Failed(const Error& error) {
  PrintError(error, ColorOn(stderr));
  exit_code = ExitCodeOf(error.fault);
}

void AddConfigFlags(CLI::App& command, ConfigFlags& flags) {
  command.add_option("-c,--config", flags.files, "Configuration file; several apply in order")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command.add_option("--set", flags.sets, "Set one value, as section.key=value")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void AddLogSourceFlags(CLI::App& command, ConfigFlags& flags) {
  command
      .add_option("--logsource", flags.logsource,
                  "What all events are of, as product=linux,service=auditd")
      ->type_name("KEY=VALUE,...");
  command
      .add_option("--logsources", flags.logsources,
                  "File of log sources over the built-in table; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
}

Result<std::map<std::string, std::string>> ParseLogSource(std::string_view text) {
  std::map<std::string, std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string key(part.substr(0, equals));
    const std::string value(part.substr(std::min(equals + 1, part.size())));
    const bool known = key == "product" || key == "category" || key == "service";
    if (!known || value.empty() || !parts.emplace(key, value).second) {
      return Fail(Fault::kUsage, fmt::format("--logsource: cannot read '{}'", part), {},
                  "write product=NAME, category=NAME or service=NAME, separated by commas");
    }
    at = end + 1;
  }
  return parts;
}

Result<Config> LoadConfig(const ConfigFlags& flags) {
  ConfigLoader loader;
  for (const std::string& file : flags.files) {
    if (auto ok = loader.AddFile(file); !ok) return tl::unexpected<Error>(ok.error());
  }
  if (auto ok = loader.AddEnvironment(ProcessEnvironment()); !ok) {
    return tl::unexpected<Error>(ok.error());
  }
  for (const std::string& set : flags.sets) {
    if (auto ok = loader.AddSet(set); !ok) return tl::unexpected<Error>(ok.error());
  }
  for (const ConfigFlags::Flag& flag : flags.flags) {
    if (auto ok = loader.AddFlag(flag.flag, flag.path, flag.value); !ok) {
      return tl::unexpected<Error>(ok.error());
    }
  }
  Result<Config> config = loader.Finish();
  if (!config) return config;
  if (!flags.logsource.empty()) {
    auto declared = ParseLogSource(flags.logsource);
    if (!declared) return tl::unexpected<Error>(declared.error());
    config->inputs.resize(1);
    config->inputs.front().logsource = std::move(*declared);
  }
  if (!flags.logsources.empty()) config->rules.logsources = flags.logsources;
  return config;
}

sigma::LogSource LogSourceOf(const InputConfig& input) {
  const auto part = [&input](const char* key) {
    const auto found = input.logsource.find(key);
    return found == input.logsource.end() ? std::string() : found->second;
  };
  return {part("product"), part("category"), part("service")};
}

Result<sigma::LoadOptions> LoadOptionsOf(const Config& config) {
  sigma::LoadOptions options;
  options.jobs = OnProcessors();
  options.placeholders.insert(config.rules.placeholders.begin(), config.rules.placeholders.end());
  options.settings.insert(config.rules.settings.begin(), config.rules.settings.end());
  options.lookups.insert(config.rules.lookups.begin(), config.rules.lookups.end());
  if (config.rules.logsources.empty()) return options;
  auto table = sigma::LoadLogSources(config.rules.logsources);
  if (!table) return tl::unexpected<Error>(table.error());
  options.logsources = std::move(*table);
  return options;
}

void AddRuleFlags(CLI::App& command, RuleFlags& flags) {
  command.add_option("-r,--rules", flags.paths, "Rule file or folder; may be repeated")
      ->type_name("PATH")
      ->allow_extra_args(false);
  command.add_flag("--strict", flags.strict, "A rule that does not load is an error (exit 2)");
}

RuleSet::Options CompileOptions(const Config& config) {
  RuleSet::Options options;
  std::set<std::string> fields;
  for (const InputConfig& input : config.inputs) {
    fields.insert(input.timestamp.begin(), input.timestamp.end());
  }
  fields.insert(DefaultTimestamps().begin(), DefaultTimestamps().end());
  if (!config.inputs.empty()) options.inputs.clear();
  for (const InputConfig& input : config.inputs) options.inputs.push_back(LogSourceOf(input));
  options.extra_fields.assign(fields.begin(), fields.end());
  options.match_limit = static_cast<std::uint32_t>(config.rules.match_limit);
  options.depth_limit = static_cast<std::uint32_t>(config.rules.depth_limit);
  options.shapes = config.known_shapes;
  options.databases = ReadDatabases(config.rules.cache);
  return options;
}

Result<RuleSetPtr> LoadRuleSet(const Config& config, const RuleFlags& flags) {
  const Result<sigma::LoadOptions> options = LoadOptionsOf(config);
  if (!options) return tl::unexpected<Error>(options.error());
  Result<sigma::RuleCollection> rules =
      sigma::LoadRules(flags.paths.empty() ? config.rules.paths : flags.paths, *options);
  if (!rules) return tl::unexpected<Error>(rules.error());
  SelectRules(config.rules.select, *rules);
  return RuleSet::Compile(std::move(*rules), CompileOptions(config));
}

std::size_t ActiveRules(const RuleSet& rules) {
  return rules.detections().size() + rules.correlations().size();
}

Result<RuleSetPtr> UsableRuleSet(const Config& config, const RuleFlags& flags,
                                 const Context& context) {
  if (flags.paths.empty() && config.rules.paths.empty()) {
    return Fail(Fault::kUsage, "no rules given", {}, "name files or folders with --rules");
  }
  Result<RuleSetPtr> rules = LoadRuleSet(config, flags);
  if (!rules) return rules;
  const std::vector<Error>& errors = (*rules)->errors();
  if (flags.strict && !errors.empty()) {
    for (std::size_t i = 1; i < errors.size(); ++i) PrintError(errors[i], context.ColorOn(stderr));
    return tl::unexpected<Error>(errors.front());
  }
  const std::size_t shown = context.quiet ? 0 : std::min(errors.size(), kShownRejections);
  for (std::size_t i = 0; i < shown; ++i) PrintWarning(errors[i], context.ColorOn(stderr));
  if (shown < errors.size() && !context.quiet) {
    std::fputs(
        fmt::format("... and {} more; `faultline check` lists them all\n", errors.size() - shown)
            .c_str(),
        stderr);
  }
  if (ActiveRules(**rules) == 0) {
    return Fail(Fault::kRules, "no rule is active", {},
                "`faultline check` says why each one is not");
  }
  return rules;
}

InputOptions InputOptionsOf(const InputConfig& input, const RuleSet& rules) {
  InputOptions options;
  options.walk.shape = rules.shapes().Find(input.shape).value_or(Shape::kAuto);
  options.walk.max_bytes = static_cast<std::size_t>(input.max_event_bytes.count);
  options.walk.strict_json = input.strict_json;
  if (!input.keywords_exclude.empty()) {
    options.walk.hidden_from_leaves =
        std::make_shared<const std::vector<std::string>>(input.keywords_exclude);
  }
  options.logsource = LogSourceOf(input);
  options.timestamp = input.timestamp;
  options.zone = ParseZone(input.timezone).value_or(std::chrono::seconds(0));
  options.lateness = input.lateness;
  options.max_future = input.max_future;
  options.idle_after = input.idle_after;
  return options;
}

Engine::Options EngineOptionsOf(const Config& config) {
  Engine::Options options;
  options.max_keys = static_cast<std::size_t>(config.state.max_keys_per_partition);
  options.max_state_bytes = static_cast<std::size_t>(config.state.memory.count);
  options.max_alerts_per_rule = config.alerts.max_per_rule;
  options.update_every = config.alerts.update_every;
  options.max_skew = config.max_skew;
  return options;
}

AlertContext AlertContextOf(const Config& config, const RuleSet& rules, std::string run) {
  AlertContext context;
  context.pipeline = config.pipeline;
  context.instance = config.instance;
  context.version = kVersion;
  context.rules_revision = rules.revision();
  context.run = std::move(run);
  return context;
}

Result<TextFormat> TextFormatOf(const Context& context, std::string_view command,
                                TextFormat on_terminal) {
  const Result<void> takes = context.ExpectFormat(command, {"ndjson", "json", "table", "csv"});
  if (!takes) return tl::unexpected<Error>(takes.error());
  if (context.format == "ndjson") return TextFormat::kNdjson;
  if (context.format == "json") return TextFormat::kJson;
  if (context.format == "table") return TextFormat::kTable;
  if (context.format == "csv") return TextFormat::kCsv;
  return IsTerminal(stdout) ? on_terminal : TextFormat::kNdjson;
}

Result<std::optional<sigma::Level>> FailOnLevel(const std::string& text) {
  if (text.empty()) return std::optional<sigma::Level>();
  const std::optional<sigma::Level> level = sigma::LevelFromString(text);
  if (level) return level;
  const std::vector<std::string> known = {"informational", "low", "medium", "high", "critical"};
  std::string remedy = DidYouMean(text, known);
  if (remedy.empty()) remedy = fmt::format("levels: {}", fmt::join(known, ", "));
  return Fail(Fault::kUsage, fmt::format("--fail-on: unknown level '{}'", text), {},
              std::move(remedy));
}

std::uint64_t AlertsFrom(const std::array<std::uint64_t, 5>& by_level, sigma::Level level) {
  std::uint64_t count = 0;
  for (auto i = static_cast<std::size_t>(level); i < by_level.size(); ++i) count += by_level[i];
  return count;
}

Result<void> WriteOut(std::string_view text) {
  if ((text.empty() || std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) &&
      std::fflush(stdout) == 0) {
    return {};
  }
  return Fail(Fault::kIo, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

}  // namespace faultline::app
