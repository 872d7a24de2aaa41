// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/exit_code.h"

namespace faultline::app {
namespace {

std::vector<std::string> Options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<const CLI::App*> Commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string Words(const CLI::App& command, const CLI::App& root) {
  std::vector<std::string> words = Options(command);
  for (const CLI::App* const below : Commands(command)) words.push_back(below->get_name());
  if (&command != &root) {
    for (const std::string& common : Options(root)) words.push_back(common);
  }
  return fmt::format("{}", fmt::join(words, " "));
}

std::string Bash(const CLI::App& root) {
  std::string cases;
  for (const CLI::App* const command : Commands(root)) {
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), Words(*command, root));
  }
  return fmt::format(
      "_faultline() {{\n"
      "  local words cur=\"${{COMP_WORDS[COMP_CWORD]}}\"\n"
      "  case \"${{COMP_WORDS[1]}}\" in\n{}"
      "    *) words=\"{}\" ;;\n"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "}}\n"
      "complete -o default -F _faultline faultline\n",
      cases, Words(root, root));
}

std::string Zsh(const CLI::App& root) {
  return "#compdef faultline\nautoload -U +X bashcompinit && bashcompinit\n" + Bash(root);
}

std::string Fish(const CLI::App& root) {
  std::string text;
  for (const CLI::App* const command : Commands(root)) {
    text +=
        fmt::format("complete -c faultline -n __fish_use_subcommand -a {}\n", command->get_name());
    for (const std::string& option : Options(*command)) {
      text += fmt::format("complete -c faultline -n '__fish_seen_subcommand_from {}' -l {}\n",
                          command->get_name(), option.substr(2));
    }
  }
  return text;
}

}  // namespace

void AddCompletionCommand(CLI::App& app, Context& context) {
  CLI::App* const command = app.add_subcommand("completion", "Completion for bash, zsh or fish");
  const auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("");
  command->footer("Example:  faultline completion bash > /etc/bash_completion.d/faultline");
  command->callback([shell, &app, &context] {
    const std::string text = *shell == "bash" ? Bash(app) : *shell == "zsh" ? Zsh(app) : Fish(app);
    if (auto ok = WriteOut(text); !ok) context.Failed(ok.error());
  });
}

}  // namespace faultline::app
