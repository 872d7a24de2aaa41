// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/class_compiler.h"
#include "app/commands/commands.h"
#include "app/exit_code.h"
#include "app/signals.h"
#include "base/clock.h"
#include "consumer/file_source.h"
#include "matcher/engine.h"

namespace faultline::app {
namespace {

struct MatchFlags {
  ConfigFlags config;
  RuleFlags rules;
  std::vector<std::string> files;
  std::string fail_on;
  bool count = false;
  bool lines = false;
};

constexpr std::uint64_t kShownDeadLetters = 10;

Engine::Options MatchOnly() {
  Engine::Options options;
  options.match_only = true;
  return options;
}

// What becomes of a record that matches: its alerts, the record itself, or a number.
enum class Wanted : std::uint8_t { kAlerts, kLines, kCount };

// One pass over the files in their order: every detection rule that holds, no correlation state.
class MatchRun {
 public:
  MatchRun(RuleSetPtr rules, const InputOptions& input, Wanted wanted, TextSink* sink,
           const Context& context)
      : engine_(std::move(rules), MatchOnly()),
        input_(input),
        wanted_(wanted),
        sink_(sink),
        context_(context) {}

  Result<void> ReadFile(const std::string& path, const std::stop_token& stop) {
    FileSource::Options options;
    options.max_event_bytes = input_.walk.max_bytes;
    Result<FileSource> file = FileSource::Open(path, options);
    if (!file) return tl::unexpected<Error>(file.error());
    while (!stop.stop_requested()) {
      Result<std::optional<FileRecord>> record = file->Next();
      if (!record) return tl::unexpected<Error>(record.error());
      if (!*record) break;
      if (auto ok = Take(**record); !ok) return ok;
    }
    return {};
  }

  [[nodiscard]] const std::array<std::uint64_t, 5>& by_level() const noexcept { return by_level_; }
  [[nodiscard]] std::uint64_t matched() const noexcept { return matched_; }  // records, so far

 private:
  Result<void> Take(const FileRecord& read) {
    if (read.damaged) {
      TellDeadLetter(*read.source, read.offset, *read.damaged);
      return {};
    }
    Record record;
    record.source = SourceOf(*read.source);
    record.offset = read.offset;
    record.payload = read.payload;
    record.tombstone = read.tombstone;
    record.timestamp_kind = read.timestamp_kind;
    record.timestamp = read.timestamp;
    record.details = read.details;
    output_.Clear();
    engine_.Process(record, ReadEdge{}, output_);
    if (!output_.alerts.empty()) ++matched_;
    for (const Alert& alert : output_.alerts) {
      ++by_level_.at(static_cast<std::size_t>(alert.level));
      if (wanted_ != Wanted::kAlerts) continue;
      if (auto ok = sink_->WriteAlert(alert); !ok) return ok;
    }
    if (wanted_ == Wanted::kLines && !output_.alerts.empty()) {
      if (auto ok = WriteLine(read.payload); !ok) return ok;
    }
    if (!output_.dead_letter) return {};
    TellDeadLetter(*read.source, read.offset, *output_.dead_letter);
    return sink_->WriteDeadLetter(record, *read.source, *output_.dead_letter);
  }

  // The record as it was read; Finish() of the sink flushes it.
  static Result<void> WriteLine(std::string_view record) {
    if (std::fwrite(record.data(), 1, record.size(), stdout) == record.size() &&
        std::fputc('\n', stdout) != EOF) {
      return {};
    }
    return Fail(Fault::kIo, "standard output takes no more");
  }

  SourceId SourceOf(const SourceName& name) {
    const auto it = sources_.find(name);
    if (it != sources_.end()) return it->second;
    return sources_[name] = engine_.AddSource(name, input_, nullptr, {});
  }

  void TellDeadLetter(const SourceName& source, std::int64_t offset, const DeadLetter& why) {
    if (context_.quiet || ++told_ > kShownDeadLetters) return;
    const Origin origin{source, offset, 0};
    PrintWarning(Error{Fault::kData,
                       fmt::format("no event: {} ({})", why.message, why.reason),
                       Place{OriginText(origin), 0, 0},
                       {}},
                 context_.ColorOn(stderr));
  }

  Engine engine_;
  InputOptions input_;
  Wanted wanted_;
  TextSink* sink_;  // never null
  const Context& context_;
  Output output_;
  std::map<SourceName, SourceId> sources_;
  std::array<std::uint64_t, 5> by_level_{};
  std::uint64_t matched_ = 0;
  std::uint64_t told_ = 0;
};

Result<Wanted> WantedOf(const MatchFlags& flags, const Context& context) {
  if (!flags.count && !flags.lines) return Wanted::kAlerts;
  if (context.format != "auto") {
    return Fail(Fault::kUsage,
                fmt::format("{} has no format {}",
                            flags.count ? "--count" : "--only-matching-lines", context.format),
                {}, "leave --format out");
  }
  return flags.count ? Wanted::kCount : Wanted::kLines;
}

Result<int> Match(const MatchFlags& flags, const Context& context) {
  const auto level = FailOnLevel(flags.fail_on);
  if (!level) return tl::unexpected<Error>(level.error());
  const Result<Wanted> wanted = WantedOf(flags, context);
  if (!wanted) return tl::unexpected<Error>(wanted.error());
  const Result<TextFormat> format = TextFormatOf(context, "match", TextFormat::kTable);
  if (!format) return tl::unexpected<Error>(format.error());
  const Result<Config> config = LoadConfig(flags.config);
  if (!config) return tl::unexpected<Error>(config.error());
  const Result<RuleSetPtr> rules = UsableRuleSet(*config, flags.rules, context);
  if (!rules) return tl::unexpected<Error>(rules.error());
  const ClassCompiler ahead(*rules, config->rules.cache);

  TextSink::Options options;
  options.format = *wanted == Wanted::kAlerts ? *format : TextFormat::kNdjson;
  options.color = context.ColorOn(stdout);
  options.width = WidthOf(stdout);
  options.flush_each = IsTerminal(stdout);
  TextSink sink(stdout, options, AlertContextOf(*config, **rules, "match"), SystemClock());
  const InputConfig input = config->inputs.empty() ? InputConfig{} : config->inputs.front();
  MatchRun run(*rules, InputOptionsOf(input, **rules), *wanted, &sink, context);

  const Interrupt interrupt(std::chrono::milliseconds(500));
  Result<void> done;
  for (const std::string& file : flags.files) {
    if (!done || interrupt.requested()) break;
    const std::uint64_t before = run.matched();
    done = run.ReadFile(file, interrupt.token());
    if (*wanted != Wanted::kCount) continue;
    const std::string name = flags.files.size() > 1 ? file + ":" : std::string();
    if (auto ok = WriteOut(fmt::format("{}{}\n", name, run.matched() - before)); !ok) done = ok;
  }
  const Result<void> finished = sink.Finish();
  if (!done) return tl::unexpected<Error>(done.error());
  if (!finished) return tl::unexpected<Error>(finished.error());
  if (interrupt.requested()) return kExitInterrupted;
  return *level && AlertsFrom(run.by_level(), **level) > 0 ? kExitFindings : kExitOk;
}

}  // namespace

void AddMatchCommand(CLI::App& app, Context& context) {
  CLI::App* const command =
      app.add_subcommand("match", "Events in, matches out: every rule by itself, no correlation");
  const auto flags = std::make_shared<MatchFlags>();
  AddConfigFlags(*command, flags->config);
  AddLogSourceFlags(*command, flags->config);
  AddRuleFlags(*command, flags->rules);
  command->add_option("FILES", flags->files, "NDJSON, plain or .zst .lz4 .gz; - is standard input")
      ->type_name("");
  command
      ->add_option("--fail-on", flags->fail_on, "Exit with 1 when a match of this level is found")
      ->type_name("LEVEL");
  command->add_flag("-o,--only-matching-lines", flags->lines,
                    "Write the records that match as they are, each once, as grep does");
  command->add_flag("--count", flags->count,
                    "Write how many records match; of several files a line each");
  command->footer(
      "Examples:\n"
      "  faultline match --rules rules/ < events.ndjson\n"
      "  faultline match -r rule.yml -o archive.ndjson.zst > found.ndjson\n"
      "  faultline match -r rule.yml --count day1.ndjson.gz day2.ndjson.gz\n"
      "  faultline match -r rule.yml --fail-on high archive.ndjson.zst | jq .title\n"
      "Exit codes:  0 fine, 1 found with --fail-on, 2 rules do not load, 64 usage, 74 input or "
      "output,\n"
      "             78 configuration, 130 interrupted");
  command->callback([flags, &context] {
    if (flags->files.empty()) flags->files = {"-"};
    const Result<int> code = Match(*flags, context);
    if (!code) return context.Failed(code.error());
    context.exit_code = *code;
  });
}

}  // namespace faultline::app
