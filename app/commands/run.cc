// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/exit_code.h"
#include "app/service.h"
#include "app/signals.h"
#include "base/log.h"

namespace faultline::app {
namespace {

constexpr std::chrono::milliseconds kLook{100};

struct RunFlags {
  ConfigFlags config;
  RuleFlags rules;
  bool create_topics = false;
  std::string brokers;
};

int ExitCodeOfEnd(const Result<WorkerEnd>& end, const Context& context) {
  if (!end) {
    PrintError(end.error(), context.ColorOn(stderr));
    return ExitCodeOf(end.error().fault);
  }
  return *end == WorkerEnd::kClean ? kExitOk : kExitDrain;
}

// Signals in, until the workers have ended.
int Supervise(Service& service, const Context& context) {
  while (true) {
    const int signal = WaitForSignal(kLook);
    if (signal == SIGHUP) service.Reload();
    if (signal == SIGTERM || signal == SIGINT) {
      Log(LogLevel::kInfo, "draining", "commits what is open, then stops");
      service.Stop();
    }
    if (const auto end = service.Ended()) {
      const int code = ExitCodeOfEnd(*end, context);
      // What librdkafka still does after the drain limit may never end; nothing is lost by leaving
      // it.
      if (code == kExitDrain) _exit(code);
      return code;
    }
  }
}

Result<int> Run(const RunFlags& flags, const Context& context) {
  ConfigFlags config_flags = flags.config;
  if (!flags.brokers.empty()) {
    config_flags.flags.push_back({"--brokers", "kafka.brokers", flags.brokers});
  }
  Result<Config> config = LoadConfig(config_flags);
  if (!config) return tl::unexpected<Error>(config.error());
  if (config->kafka.brokers.empty()) {
    return Fail(Fault::kConfig, "no brokers are configured", {},
                "name them under kafka.brokers or with --brokers");
  }
  Result<RuleSetPtr> rules = UsableRuleSet(*config, flags.rules, context);
  if (!rules) return tl::unexpected<Error>(rules.error());

  Service::Options options;
  options.config = *config;
  options.rules = *rules;
  options.create_topics = flags.create_topics;
  options.load_rules = [flags, config = *config, &context] {
    return UsableRuleSet(config, flags.rules, context);
  };
  auto service = Service::Start(std::move(options));
  if (!service) return tl::unexpected<Error>(service.error());
  Log(LogLevel::kInfo, "started",
      fmt::format("pipeline={} instance={} rules={} http={}", LogValue(config->pipeline),
                  LogValue(config->instance), ActiveRules(**rules), (*service)->http_address()));
  const int code = Supervise(**service, context);
  Log(LogLevel::kInfo, "stopped", fmt::format("exit={}", code));
  return code;
}

}  // namespace

void AddRunCommand(CLI::App& app, Context& context) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* const command = app.add_subcommand("run", "Consume topics and alert, until SIGTERM");
  AddConfigFlags(*command, flags->config);
  AddRuleFlags(*command, flags->rules);
  command->add_option("--brokers", flags->brokers, "Brokers, as host:port,host:port")
      ->type_name("HOSTS");
  command->add_flag("--create-topics", flags->create_topics,
                    "Make the topics that do not exist yet, with the brokers' defaults");
  command->footer(
      "SIGTERM or SIGINT commits what is open and ends; SIGHUP reloads the rules between two\n"
      "transactions, and rules that do not load leave the old ones.\n"
      "Example:  faultline run -c faultline.yaml");
  command->callback([flags, &context] {
    BlockSignals();
    const Result<int> code = Run(*flags, context);
    if (code) {
      context.exit_code = *code;
    } else {
      context.Failed(code.error());
    }
  });
}

}  // namespace faultline::app
