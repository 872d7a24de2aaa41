// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/libraries.h"
#include "app/version.h"

namespace faultline::app {
namespace {

std::string Text() {
  std::string text = fmt::format("faultline {}\n", kVersion);
  for (const auto& [name, version] : LibraryVersions()) {
    text += fmt::format("  {:<14}{}\n", name, version);
  }
  return text;
}

std::string Json() {
  std::vector<std::string> members;
  for (const auto& [name, version] : LibraryVersions()) {
    members.push_back(fmt::format("{}:{}", JsonString(name), JsonString(version)));
  }
  return fmt::format("{{\"version\":{},\"libraries\":{{{}}}}}\n", JsonString(kVersion),
                     fmt::join(members, ","));
}

}  // namespace

void AddVersionCommand(CLI::App& app, Context& context) {
  CLI::App* const command = app.add_subcommand("version", "Version of faultline and its libraries");
  command->footer("Example:  faultline version --format json");
  command->callback([&context] {
    const bool json = context.format == "json" || context.format == "ndjson";
    if (auto ok = WriteOut(json ? Json() : Text()); !ok) context.Failed(ok.error());
  });
}

}  // namespace faultline::app
