// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/state_file.h"
#include "exporters/escape.h"
#include "exporters/json_writer.h"
#include "matcher/engine.h"

namespace faultline::app {
namespace {

struct StateFlags {
  ConfigFlags config;
  RuleFlags rules;
  std::string file;
};

// A window, a chain or an incident that is open.
struct OpenLine {
  std::string_view kind;  // "window" (or chain), "incident"
  const sigma::Metadata* rule = nullptr;
  std::vector<NamedValue> group;
  Digest key;  // where only the key's hash is kept
  EventTime since;
  std::string until;  // empty: not known
  std::string waits;
};

std::string UntilText(EventTime until) { return until.finite() ? ToString(until) : ""; }

std::vector<OpenLine> LinesOf(const Engine& engine) {
  const auto& correlations = engine.rules().correlations();
  std::vector<OpenLine> lines;
  engine.correlator().ForEachOpen([&](std::uint32_t index, const Operator::Open& open) {
    lines.push_back({"window", &correlations[index].meta, open.group, open.key, open.since,
                     UntilText(open.until), open.waits});
  });
  engine.correlator().ForEachIncident([&](const Notice& notice) {
    lines.push_back(
        {"incident", &correlations[notice.correlation].meta, notice.group, Digest(), notice.decided,
         "", fmt::format("its end; last told {}, seq {}", ToString(notice.time), notice.seq)});
  });
  return lines;
}

std::string GroupText(const OpenLine& line) {
  if (line.group.empty()) return line.key == Digest() ? "(all)" : "key " + line.key.Hex();
  std::string text;
  for (const NamedValue& part : line.group) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", part.name, part.value);
  }
  return text;
}

const std::string& NameOf(const sigma::Metadata& meta) {
  return meta.title.empty() ? meta.id : meta.title;
}

std::string LineText(const OpenLine& line, bool color) {
  std::string text = fmt::format("{:<8}  {}  {}\n", line.kind,
                                 Toned(Printable(NameOf(*line.rule)), Tone::kBold, color),
                                 Printable(GroupText(line)));
  text += fmt::format("          since {}", ToString(line.since));
  if (!line.until.empty()) text += ", until " + line.until;
  return text + ": waits for " + Printable(line.waits) + "\n";
}

std::string LineJson(const OpenLine& line) {
  std::string text;
  JsonWriter json(&text);
  json.BeginObject().Key("kind").String(line.kind);
  json.Key("rule").BeginObject().Key("id").String(line.rule->id);
  json.Key("title").String(line.rule->title).EndObject().Key("group").BeginObject();
  for (const NamedValue& part : line.group) json.Key(part.name).String(part.value);
  json.EndObject();
  if (line.group.empty() && line.key != Digest()) json.Key("key").String(line.key.Hex());
  json.Key("since").String(ToString(line.since));
  if (!line.until.empty()) json.Key("until").String(line.until);
  json.Key("waits_for").String(line.waits).EndObject();
  return text;
}

std::string Text(const std::vector<OpenLine>& lines, const Context& context) {
  std::string text;
  const bool array = context.format == "json";
  for (const OpenLine& line : lines) {
    if (context.Table()) {
      text += LineText(line, context.ColorOn(stdout));
    } else {
      text += (array ? (text.empty() ? "[" : ",\n") : "") + LineJson(line) + (array ? "" : "\n");
    }
  }
  if (array) text += text.empty() ? "[]\n" : "]\n";
  return text;
}

Result<void> Inspect(const StateFlags& flags, const Context& context) {
  const Result<void> takes = context.ExpectFormat("state inspect", {"ndjson", "json", "table"});
  if (!takes) return takes;
  const Result<Config> config = LoadConfig(flags.config);
  if (!config) return tl::unexpected<Error>(config.error());
  const Result<RuleSetPtr> rules = UsableRuleSet(*config, flags.rules, context);
  if (!rules) return tl::unexpected<Error>(rules.error());
  const Result<std::string> bytes = ReadStateFile(flags.file);
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  Engine engine(*rules, EngineOptionsOf(*config));
  if (auto loaded = engine.LoadState(*bytes); !loaded) {
    Error error = loaded.error();
    error.place.file = flags.file;
    return tl::unexpected<Error>(std::move(error));
  }
  const std::vector<OpenLine> lines = LinesOf(engine);
  if (auto written = WriteOut(Text(lines, context)); !written) return written;
  if (context.quiet) return {};
  const auto incidents = std::count_if(
      lines.begin(), lines.end(), [](const OpenLine& line) { return line.kind == "incident"; });
  std::fputs(fmt::format("{} open windows and chains, {} open incidents, up to {}\n",
                         lines.size() - static_cast<std::size_t>(incidents), incidents,
                         ToString(engine.frontier_time()))
                 .c_str(),
             stderr);
  return {};
}

}  // namespace

void AddStateCommand(CLI::App& app, Context& context) {
  CLI::App* const state = app.add_subcommand("state", "What correlations keep between events");
  state->require_subcommand(1);
  CLI::App* const command = state->add_subcommand(
      "inspect", "Open windows, chains and incidents of a state file: what they wait for");
  const auto flags = std::make_shared<StateFlags>();
  AddConfigFlags(*command, flags->config);
  AddRuleFlags(*command, flags->rules);
  command->add_option("file", flags->file, "A state file, as replay --save-state writes it")
      ->required()
      ->type_name("FILE");
  command->footer(
      "Correlations that the rules do not have, or that mean something else by now, are left out.\n"
      "Examples:\n"
      "  faultline replay -r rules/ monday.ndjson --save-state monday.state\n"
      "  faultline state inspect monday.state -r rules/\n"
      "  faultline state inspect monday.state -r rules/ --format ndjson | jq .waits_for\n"
      "Exit codes:  0 fine, 2 rules do not load, 64 usage, 74 input or output, or no state file,\n"
      "             78 configuration");
  command->callback([flags, &context] {
    if (auto done = Inspect(*flags, context); !done) context.Failed(done.error());
  });
}

}  // namespace faultline::app
