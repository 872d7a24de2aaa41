// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/exit_code.h"
#include "base/hash.h"

namespace faultline::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxName = 64;

struct Skeleton {
  std::string_view path;  // below the pack's folder; NAME stands for the pack's name
  std::string_view text;  // likewise, and ID1, ID2 for ids of its rules
};

// A signature, a chain over it, a table and a test: each file is there to be written over.
constexpr Skeleton kSkeleton[] = {
    {"pack.yaml",
     R"(# What this folder is: see docs/packs.md.
name: NAME
version: 0.1.0
description: Services that stop again and again.
fields: [Provider_Name, EventID, Computer, Message]
lookups:
  site:
    columns: [computer, site]
    description: Where a computer stands; one without a row is a site of its own.
settings:
  owner: {default: nobody, description: Who is asked first.}
)"},
    {"lookups/site.csv", "computer,site\nSERVER1,Zurich\nSERVER2,Zurich\n"},
    {"NAME.yml",
     R"(title: Service terminated unexpectedly
id: ID1
name: service_terminated
status: experimental
logsource:
  product: windows
  service: system
detection:
  selection:
    Provider_Name: Service Control Manager
    EventID: 7034
  condition: selection
level: low
faultline:
  capture:
    - field: Message
      template: "The %1 service terminated unexpectedly"
      as: [service]
  lookup: {field: site, from: Computer, table: site, default: from}
---
title: Services keep terminating
id: ID2
name: services_keep_terminating
status: experimental
correlation:
  type: event_count
  rules: [service_terminated]
  group-by: [site]
  timespan: 10m
  condition:
    gte: 3
level: high
faultline:
  explain:
    cause: "Services at {{site}} terminate again and again, the last one was {{service}}."
    remedy:
      - Look at what they have in common; a full disk comes first.
)"},
    {"tests/NAME.yml",
     R"(name: three services of one site
shape: flat
events:
  - {at: 0s, Channel: System, Provider_Name: Service Control Manager, EventID: 7034, Computer: SERVER1, Message: The Spooler service terminated unexpectedly.}
  - {at: +1m, Channel: System, Provider_Name: Service Control Manager, EventID: 7034, Computer: server2, Message: The Indexer service terminated unexpectedly.}
  - {at: +9m, Channel: System, Provider_Name: Service Control Manager, EventID: 7034, Computer: SERVER1, Message: The Mailer service terminated unexpectedly.}
expect:
  - {rule: services_keep_terminating, count: 1, level: high, group: {site: Zurich}, text: Mailer}
---
name: two of one site, one of another
shape: flat
events:
  - {at: 0s, Channel: System, Provider_Name: Service Control Manager, EventID: 7034, Computer: SERVER1, Message: The Spooler service terminated unexpectedly.}
  - {at: +1m, Channel: System, Provider_Name: Service Control Manager, EventID: 7034, Computer: SERVER2, Message: The Indexer service terminated unexpectedly.}
  - {at: +1m, Channel: System, Provider_Name: Service Control Manager, EventID: 7034, Computer: SERVER3, Message: The Mailer service terminated unexpectedly.}
expect_none: [services_keep_terminating]
)"},
    {"README.md",
     R"(# NAME

What it detects, what it needs in the logs, how it is tuned, what it cannot see.

    faultline check --rules NAME
    faultline test NAME
)"},
};

bool IsPackName(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= kMaxName && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), plain);
}

std::string Replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// A UUID for rule `rule` of the pack: the same name gives the same ids again.
std::string IdOf(std::string_view name, std::string_view rule) {
  std::string hex = DigestBuilder().Add("pack new").Add(name).Add(rule).Finish().Hex();
  hex[12] = '8';  // version 8: of our own making
  hex[16] = 'a';
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

Result<void> WriteFile(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (out) return {};
  return Fail(Fault::kIo, fmt::format("cannot be written: {}", std::strerror(errno)),
              Place{path.string(), 0, 0});
}

Result<void> NewPack(const std::string& name, const fs::path& into) {
  if (!IsPackName(name)) {
    return Fail(Fault::kUsage, fmt::format("'{}' is no name of a pack", name), {},
                "use lower-case letters, digits and hyphens");
  }
  const fs::path folder = into / name;
  std::error_code error;
  if (fs::exists(folder, error)) {
    return Fail(Fault::kUsage, "exists already", Place{folder.string(), 0, 0},
                "name another one, or remove it");
  }
  for (const Skeleton& file : kSkeleton) {
    std::string text = Replaced(std::string(file.text), "NAME", name);
    text = Replaced(Replaced(std::move(text), "ID1", IdOf(name, "1")), "ID2", IdOf(name, "2"));
    const std::string path = Replaced(std::string(file.path), "NAME", name);
    if (auto ok = WriteFile(folder / path, text); !ok) return ok;
  }
  return {};
}

}  // namespace

void AddPackCommand(CLI::App& app, Context& context) {
  struct PackFlags {
    std::string name, into = ".";
  };
  auto flags = std::make_shared<PackFlags>();
  CLI::App* const pack = app.add_subcommand("pack", "Packs of rules");
  pack->require_subcommand(1);
  CLI::App* const fresh =
      pack->add_subcommand("new", "A folder with a rule, a chain, a table and tests that pass");
  fresh->add_option("NAME", flags->name, "Of the pack and its folder")->type_name("")->required();
  fresh->add_option("--into", flags->into, "Where the folder is made")
      ->type_name("DIR")
      ->capture_default_str();
  fresh->footer(
      "Example:\n"
      "  faultline pack new printers && faultline test printers");
  fresh->callback([flags, &context] {
    if (auto ok = NewPack(flags->name, flags->into); !ok) return context.Failed(ok.error());
    if (context.quiet) return;
    const std::string path = (fs::path(flags->into) / flags->name).lexically_normal().string();
    std::fprintf(stderr, "%s is there; try: faultline test %s\n", path.c_str(), path.c_str());
  });
}

}  // namespace faultline::app
