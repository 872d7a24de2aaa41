// SPDX-License-Identifier: Apache-2.0
#include "app/program.h"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/exit_code.h"
#include "app/suggest.h"

namespace faultline::app {
namespace {

void AddCommonOptions(CLI::App& app, Context& context) {
  app.add_option("--format", context.format,
                 "Output: auto (table on a terminal, NDJSON in a pipe), ndjson, json, table, csv")
      ->check(CLI::IsMember({"auto", "ndjson", "json", "table", "csv"}))
      ->type_name("FORMAT");
  app.add_option("--color", context.color, "auto, always or never; NO_COLOR is honoured")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  app.add_flag("-q,--quiet", context.quiet, "No progress, summary or warnings");
}

void AddCommands(CLI::App& app, Context& context) {
  AddRunCommand(app, context);
  AddReplayCommand(app, context);
  AddMatchCommand(app, context);
  AddCheckCommand(app, context);
  AddTestCommand(app, context);
  AddDemoCommand(app, context);
  AddConfigCommand(app, context);
  AddVersionCommand(app, context);
  AddCompletionCommand(app, context);
}

// A usage error in our own words, with the command that was nearly written.
int UsageError(const CLI::ParseError& error, const CLI::App& app, int argc,
               const char* const* argv) {
  std::vector<std::string> commands;
  for (const CLI::App* const command : app.get_subcommands(nullptr)) {
    commands.push_back(command->get_name());
  }
  std::string remedy;
  if (argc > 1 && app.get_subcommands().empty()) remedy = DidYouMean(argv[1], commands);
  if (remedy.empty()) remedy = "see faultline --help";
  PrintError(Error{Fault::kUsage, error.what(), {}, remedy}, UsesColor(ColorChoice::kAuto, stderr));
  return kExitUsage;
}

}  // namespace

int RunProgram(int argc, const char* const* argv) {
  CLI::App app(
      "faultline finds failures and attacks in log streams on Kafka, and says what caused them.",
      "faultline");
  Context context;
  AddCommonOptions(app, context);
  app.require_subcommand(1);
  app.fallthrough();
  AddCommands(app, context);
  app.footer(
      "Exit codes:  0 fine, 1 findings, 2 rules do not load, 64 usage, 69 broker not available,\n"
      "             74 input or output, 75 drain limit passed, 78 configuration, 130 interrupted\n"
      "Each command tells more:  faultline COMMAND --help");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return UsageError(error, app, argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "faultline: %s\n", error.what());
    return kExitInternal;
  }
  return context.exit_code;
}

}  // namespace faultline::app
