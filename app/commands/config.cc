// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/exit_code.h"

namespace faultline::app {
namespace {

void Print(Context& context, std::string_view text) {
  if (auto ok = WriteOut(text); !ok) context.Failed(ok.error());
}

void RunShow(const ConfigFlags& flags, Context& context) {
  const Result<Config> config = LoadConfig(flags);
  if (!config) return context.Failed(config.error());
  Print(context, ShowConfig(*config));
}

}  // namespace

void AddConfigCommand(CLI::App& app, Context& context) {
  CLI::App* const config = app.add_subcommand("config", "Show, start or describe a configuration");
  config->require_subcommand(1);
  config->footer(
      "Later wins: defaults, files in order, FAULTLINE__SECTION__KEY, --set section.key=value, "
      "flags.");

  CLI::App* const show = config->add_subcommand(
      "show", "The effective configuration: where each value came from, secrets hidden");
  const auto flags = std::make_shared<ConfigFlags>();
  AddConfigFlags(*show, *flags);
  show->footer(
      "Example:  FAULTLINE__KAFKA__BROKERS=kafka1:9092 faultline config show -c faultline.yaml\n"
      "Exit codes:  0 fine, 78 the configuration is wrong");
  show->callback([flags, &context] { RunShow(*flags, context); });

  CLI::App* const init = config->add_subcommand("init", "A commented configuration to start from");
  init->footer("Example:  faultline config init > faultline.yaml");
  init->callback([&context] { Print(context, StartingConfig()); });

  CLI::App* const schema = config->add_subcommand("schema", "JSON Schema of the configuration");
  schema->footer("Example:  faultline config schema > faultline.schema.json");
  schema->callback([&context] { Print(context, ConfigSchema()); });
}

}  // namespace faultline::app
