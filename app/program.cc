// SPDX-License-Identifier: Apache-2.0
#include "app/program.h"

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/exit_code.h"
#include "base/suggest.h"

namespace faultline::app {
namespace {

void AddCommonOptions(CLI::App& app, Context& context) {
  app.add_option("--format", context.format,
                 "Output: auto (table on a terminal, NDJSON in a pipe), ndjson, json, table, csv;\n"
                 "of check also sarif, of test also junit")
      ->check(CLI::IsMember({"auto", "ndjson", "json", "table", "csv", "sarif", "junit"}))
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
  AddExplainCommand(app, context);
  AddStateCommand(app, context);
  AddBenchCommand(app, context);
  AddDemoCommand(app, context);
  AddPackCommand(app, context);
  AddConfigCommand(app, context);
  AddVersionCommand(app, context);
  AddCompletionCommand(app, context);
}

// The innermost command that was recognised; the program itself where none was.
const CLI::App& CommandOf(const CLI::App& app) {
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  return parsed.empty() ? app : CommandOf(*parsed.front());
}

std::string PathOf(const CLI::App& command) {
  const CLI::App* const above = command.get_parent();
  return above == nullptr ? command.get_name() : PathOf(*above) + " " + command.get_name();
}

void AddOptionNames(const CLI::App& command, std::vector<std::string>& names) {
  for (const CLI::Option* const option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
}

// The words that a word at this place could have been: options, or the commands below.
std::vector<std::string> KnownWords(std::string_view word, const CLI::App& command,
                                    const CLI::App& app) {
  std::vector<std::string> known;
  if (word.substr(0, 1) == "-") {
    AddOptionNames(command, known);
    if (&command != &app) AddOptionNames(app, known);
  } else {
    for (const CLI::App* const below : command.get_subcommands(nullptr)) {
      known.push_back(below->get_name());
    }
  }
  return known;
}

// A usage error in our own words, with the command or option that was nearly written.
int UsageError(const CLI::ParseError& error, const CLI::App& app) {
  const CLI::App& command = CommandOf(app);
  const std::vector<std::string> left = app.remaining(true);
  std::string message = error.what();
  std::string remedy;
  const bool needs_word = command.get_require_subcommand_min() > 0;
  if (!left.empty()) {
    const std::string word = left.front().substr(0, left.front().find('='));
    const std::string_view kind = word.substr(0, 1) == "-" ? "option" : "command";
    if (kind == "option" || needs_word)
      message = "unknown " + std::string(kind) + " '" + word + "'";
    remedy = DidYouMean(word, KnownWords(word, command, app));
  } else if (needs_word && command.get_subcommands().empty()) {
    message = "no command given";
  }
  if (remedy.empty()) remedy = "see " + PathOf(command) + " --help";
  PrintError(Error{Fault::kUsage, message, {}, remedy}, UsesColor(ColorChoice::kAuto, stderr));
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
      "Exit codes:  0 fine, 1 findings, 2 rules do not load, 3 lint only, 64 usage,\n"
      "             69 broker not available, 74 input or output, 75 drain limit passed,\n"
      "             78 configuration, 130 interrupted\n"
      "Each command tells more:  faultline COMMAND --help");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return UsageError(error, app);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "faultline: %s\n", error.what());
    return kExitInternal;
  }
  return context.exit_code;
}

}  // namespace faultline::app
