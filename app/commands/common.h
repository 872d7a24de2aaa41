// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/config.h"
#include "app/terminal.h"
#include "base/result.h"
#include "exporters/alert_json.h"
#include "exporters/text_sink.h"
#include "matcher/engine.h"
#include "matcher/signature/rule_set.h"

namespace CLI {
class App;
}

namespace faultline::app {

// What all commands share: the options that may stand anywhere, and the exit code of the one that
// ran.
struct Context {
  std::string format = "auto";  // --format
  std::string color = "auto";   // --color
  bool quiet = false;           // --quiet: no progress, no summary, no warnings
  int exit_code = 0;

  [[nodiscard]] bool ColorOn(std::FILE* stream) const;
  [[nodiscard]] bool Machine() const;  // output for programs: told so, or a pipe
  [[nodiscard]] bool Table() const;    // told so, or auto on a terminal
  // Fault::kUsage when --format is none of `known`, which `command` can write; auto always is.
  [[nodiscard]] Result<void> ExpectFormat(std::string_view command,
                                          const std::vector<std::string>& known) const;
  // Prints the error and sets the exit code that belongs to it.
  void Failed(const Error& error);
};

// -c/--config and --set of the commands that read a configuration.
struct ConfigFlags {
  std::vector<std::string> files;
  std::vector<std::string> sets;
  // Flags of the command as (flag, path, value): they win over everything.
  struct Flag {
    std::string flag, path, value;
  };
  std::vector<Flag> flags;
  std::string logsource;                // what the one input declares; empty: as configured
  std::vector<std::string> logsources;  // in place of rules.logsources
};
void AddConfigFlags(CLI::App& command, ConfigFlags& flags);
[[nodiscard]] Result<Config> LoadConfig(const ConfigFlags& flags);
// --logsource and --logsources of the commands that read events of one input; LoadConfig honours
// them.
void AddLogSourceFlags(CLI::App& command, ConfigFlags& flags);
// "product=linux,service=auditd".
[[nodiscard]] Result<std::map<std::string, std::string>> ParseLogSource(std::string_view text);

// --rules and --strict of the commands that load rules.
struct RuleFlags {
  std::vector<std::string> paths;
  bool strict = false;
};
void AddRuleFlags(CLI::App& command, RuleFlags& flags);

using RuleSetPtr = std::shared_ptr<const RuleSet>;

// What the configuration asks of the compiler.
[[nodiscard]] RuleSet::Options CompileOptions(const Config& config);
// Loads, selects (rules.select) and compiles; --rules win over rules.paths. Rejected rules are in
// the set's report.
[[nodiscard]] Result<RuleSetPtr> LoadRuleSet(const Config& config, const RuleFlags& flags);
// The rule set for match, replay and run: tells rejected rules on standard error and goes on with
// the rest; an error (Fault::kRules) with --strict or when no rule is active.
[[nodiscard]] Result<RuleSetPtr> UsableRuleSet(const Config& config, const RuleFlags& flags,
                                               const Context& context);
[[nodiscard]] std::size_t ActiveRules(const RuleSet& rules);

// What the configuration asks of the loader.
[[nodiscard]] Result<sigma::LoadOptions> LoadOptionsOf(const Config& config);
// What an input declares.
[[nodiscard]] sigma::LogSource LogSourceOf(const InputConfig& input);

// How records of an input are read; without inputs, the defaults.
[[nodiscard]] InputOptions InputOptionsOf(const InputConfig& input, const RuleSet& rules);

// What the configuration asks of an engine.
[[nodiscard]] Engine::Options EngineOptionsOf(const Config& config);

[[nodiscard]] AlertContext AlertContextOf(const Config& config, const RuleSet& rules,
                                          std::string run);

// --format as the sink's form; `on_terminal` is what auto means on a terminal.
[[nodiscard]] Result<TextFormat> TextFormatOf(const Context& context, std::string_view command,
                                              TextFormat on_terminal);

// --fail-on LEVEL; an empty text is none.
[[nodiscard]] Result<std::optional<sigma::Level>> FailOnLevel(const std::string& text);
[[nodiscard]] std::uint64_t AlertsFrom(const std::array<std::uint64_t, 5>& by_level,
                                       sigma::Level level);

// Writes `text` to standard output; Fault::kIo when it takes no more.
[[nodiscard]] Result<void> WriteOut(std::string_view text);

}  // namespace faultline::app
