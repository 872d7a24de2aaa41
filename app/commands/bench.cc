// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/libraries.h"
#include "app/measure/measurement.h"
#include "app/version.h"

namespace faultline::app {
namespace {

struct BenchFlags {
  ConfigFlags config;
  RuleFlags rules;
  std::vector<std::string> files;
  MeasureOptions measure;
};

Result<EventStore> LoadEvents(const BenchFlags& flags, const InputConfig& input) {
  EventStore store;
  for (const std::string& file : flags.files) {
    const auto limit = static_cast<std::size_t>(input.max_event_bytes.count);
    if (auto ok = store.Add(file, limit); !ok) return tl::unexpected<Error>(ok.error());
  }
  store.Seal();
  if (store.events().empty()) return Fail(Fault::kData, "the files hold no event");
  return store;
}

Result<BenchFigures> Run(const BenchFlags& flags, const Context& context) {
  const Result<Config> config = LoadConfig(flags.config);
  if (!config) return tl::unexpected<Error>(config.error());
  const InputConfig input = config->inputs.empty() ? InputConfig{} : config->inputs.front();
  const Result<EventStore> store = LoadEvents(flags, input);
  if (!store) return tl::unexpected<Error>(store.error());
  MeasureOptions measure = flags.measure;
  measure.cache = config->rules.cache;
  return Measure(
      *store, input, [&] { return UsableRuleSet(*config, flags.rules, context); }, measure);
}

// "model, N processors, kernel".
std::string Machine() {
  std::string model = "unknown processor";
  std::ifstream information("/proc/cpuinfo");
  for (std::string line; std::getline(information, line);) {
    if (!line.starts_with("model name")) continue;
    if (const auto colon = line.find(": "); colon != line.npos) model = line.substr(colon + 2);
    break;
  }
  utsname system{};
  uname(&system);
  return fmt::format("{}, {} processors, {} {}", model, std::thread::hardware_concurrency(),
                     system.sysname, system.release);
}

std::string VersionsJson() {
  std::vector<std::string> versions{
      fmt::format("{}:{}", JsonString("faultline"), JsonString(kVersion))};
  for (const auto& [name, version] : LibraryVersions()) {
    versions.push_back(fmt::format("{}:{}", JsonString(name), JsonString(version)));
  }
  return fmt::format("{{{}}}", fmt::join(versions, ","));
}

// The engine's speed and that of what it is compared with.
struct Row {
  const char* key;
  const char* name;
  const Contestant* contestant;
};

std::vector<Row> Yardsticks(const BenchFigures& figures) {
  return {{"memcpy", "memcpy", &figures.copy},
          {"simdjson_ondemand_10_fields", "simdjson on-demand, 10 fields", &figures.on_demand},
          {"walk_and_route", "walk and route only", &figures.route}};
}

std::vector<Row> Rivals(const BenchFigures& figures, const MeasureOptions& options) {
  std::vector<Row> rivals = Yardsticks(figures);
  if (options.threads > 1) {
    rivals.push_back({"one_thread", "the engine on one thread", &figures.one_thread});
  }
  return rivals;
}

std::string CostsJson(const CostReport& costs) {
  std::vector<std::string> classes;
  for (const auto& [cost, rules] : costs.classes) {
    classes.push_back(fmt::format("{}:{}", JsonString(ToString(cost)), rules));
  }
  std::vector<std::string> slowest;
  for (const SlowRule& rule : costs.slowest) {
    slowest.push_back(fmt::format(
        R"({{"id":{},"title":{},"file":{},"line":{},"cost":"{}","reason":{},"nanoseconds_per_event":{:.1f}}})",
        JsonString(rule.id), JsonString(rule.title), JsonString(rule.file), rule.line,
        ToString(rule.cost), JsonString(rule.reason), rule.nanoseconds));
  }
  return fmt::format(R"("cost_classes":{{{}}},"slowest_rules":[{}])", fmt::join(classes, ","),
                     fmt::join(slowest, ","));
}

double EventsPerSecond(const BenchFigures& figures) {
  if (figures.bytes == 0) return 0;
  return figures.engine.BytesPerSecond(figures.bytes) * static_cast<double>(figures.events) /
         static_cast<double>(figures.bytes);
}

std::string Json(const BenchFigures& f, const MeasureOptions& options) {
  // 0 stands for "no event matched"; null says it.
  const std::string first =
      f.answer.matches == 0 ? "null" : fmt::format("{:.6f}", f.first_match_seconds);
  std::vector<std::string> yardsticks, ratios;
  for (const Row& row : Yardsticks(f)) {
    yardsticks.push_back(
        fmt::format(R"("{}":{:.0f})", row.key, row.contestant->BytesPerSecond(f.bytes)));
  }
  for (const Row& row : Rivals(f, options)) {
    ratios.push_back(fmt::format(R"("{}":{:.6f})", row.key, f.engine.SpeedOver(*row.contestant)));
  }
  return fmt::format(
      R"({{"machine":{},"versions":{},"rules":{},"events":{},"bytes":{},"matches":{},)"
      R"("matches_digest":"{}","memo":"{}","rounds":{},"threads":{},"load_seconds":{:.6f},)"
      R"("first_match_seconds":{},"compiled_seconds":{:.6f},"cache":"{}",)"
      R"("engine_rss_bytes":{:.0f},"events_per_second":{:.1f},"bytes_per_second":{:.0f},)"
      R"("yardsticks":{{{}}},"ratios":{{{}}},{}}})"
      "\n",
      JsonString(Machine()), VersionsJson(), f.rules, f.events, f.bytes, f.answer.matches,
      f.answer.DigestText(), options.cold ? "cold" : "warm", f.rounds, options.threads,
      f.load_seconds, first, f.compiled_seconds, f.cache, f.engine_rss_bytes, EventsPerSecond(f),
      f.engine.BytesPerSecond(f.bytes), fmt::join(yardsticks, ","), fmt::join(ratios, ","),
      CostsJson(f.costs));
}

std::string Table(const BenchFigures& f, const MeasureOptions& options) {
  std::string text = fmt::format(
      "{}\n{} rules, {} events, {} bytes, {} matches ({})\n"
      "{} memo, {} thread{}, {} rounds\n"
      "rules loaded in {:.2f} s, first match after {:.2f} s, all compiled after {:.2f} s, "
      "{:.1f} MB for the engine\n"
      "  {:<30}{:>12.1f} MB/s   {:.0f} events/s\n",
      Machine(), f.rules, f.events, f.bytes, f.answer.matches, f.answer.DigestText(),
      options.cold ? "cold" : "warm", options.threads, options.threads == 1 ? "" : "s", f.rounds,
      f.load_seconds, f.first_match_seconds, f.compiled_seconds, f.engine_rss_bytes / 1e6, "engine",
      f.engine.BytesPerSecond(f.bytes) / 1e6, EventsPerSecond(f));
  for (const Row& row : Rivals(f, options)) {
    text += fmt::format("  {:<30}{:>12.1f} MB/s   engine / it {:.4f}\n", row.name,
                        row.contestant->BytesPerSecond(f.bytes) / 1e6,
                        f.engine.SpeedOver(*row.contestant));
  }
  text += "rules by their dearest condition:";
  for (const auto& [cost, rules] : f.costs.classes) {
    text += fmt::format(" {} {}", rules, ToString(cost));
  }
  text += "\n";
  for (const SlowRule& rule : f.costs.slowest) {
    text += fmt::format("  {:>8.0f} ns an event alone: {} ({})\n", rule.nanoseconds, rule.title,
                        rule.reason);
  }
  return text;
}

}  // namespace

void AddBenchCommand(CLI::App& app, Context& context) {
  CLI::App* const command =
      app.add_subcommand("bench", "Throughput on events in memory, beside yardsticks");
  const auto flags = std::make_shared<BenchFlags>();
  AddConfigFlags(*command, flags->config);
  AddLogSourceFlags(*command, flags->config);
  AddRuleFlags(*command, flags->rules);
  command->add_option("FILES", flags->files, "NDJSON, plain or .zst .lz4 .gz; - is standard input")
      ->required()
      ->type_name("");
  command->add_flag("--cold", flags->measure.cold, "Every value is new to the memo");
  command
      ->add_option("--seconds", flags->measure.seconds, "How long to measure; nine rounds at least")
      ->check(CLI::Range(0.0, 86400.0))
      ->type_name("S");
  command->add_option("--threads", flags->measure.threads, "Pinned threads that share the events")
      ->check(CLI::Range(1, 256))
      ->type_name("N");
  command->footer(
      "Example:  faultline bench --rules rules/ events.ndjson.zst --format json\n"
      "Exit codes:  0 fine, 2 rules do not load, 64 usage, 70 passes disagree, 74 input or output");
  command->callback([flags, &context] {
    if (auto takes = context.ExpectFormat("bench", {"json", "ndjson", "table"}); !takes) {
      return context.Failed(takes.error());
    }
    const Result<BenchFigures> figures = Run(*flags, context);
    if (!figures) return context.Failed(figures.error());
    const std::string text =
        context.Machine() ? Json(*figures, flags->measure) : Table(*figures, flags->measure);
    if (auto ok = WriteOut(text); !ok) context.Failed(ok.error());
  });
}

}  // namespace faultline::app
