// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/class_compiler.h"
#include "app/commands/commands.h"
#include "app/exit_code.h"
#include "app/kafka_setup.h"
#include "app/replay_files.h"
#include "app/signals.h"
#include "app/state_file.h"
#include "base/clock.h"
#include "consumer/replay.h"
#include "matcher/event/timestamp.h"

namespace faultline::app {
namespace {

struct ReplayFlags {
  ConfigFlags config;
  RuleFlags rules;
  std::vector<ReplayFile> files;  // in the order of the command line
  std::vector<std::string> topics;
  std::string brokers, offsets, since, until, output, summary, alert_topic, fail_on;
  std::string journal = "auto";
  std::string load_state, save_state;
};

using FilePtr = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

Result<FilePtr> OpenOutput(const std::string& path) {
  FilePtr file(std::fopen(path.c_str(), "wb"), std::fclose);
  if (file) return file;
  return Fail(Fault::kIo, fmt::format("cannot write the file: {}", std::strerror(errno)),
              Place{path, 0, 0});
}

Result<std::optional<EventTime>> TimeFlag(std::string_view flag, const std::string& text) {
  if (text.empty()) return std::optional<EventTime>();
  const std::optional<EventTime> time = ParseTimestamp(text);
  if (time) return time;
  return Fail(Fault::kUsage, fmt::format("{}: '{}' is no time", flag, text), {},
              "write it as 2026-11-23T09:30:00Z");
}

// "0=100,2=50" of the one topic, or "topic:0=100".
Result<std::map<SourceName, std::int64_t>> OffsetsFlag(const ReplayFlags& flags) {
  std::map<SourceName, std::int64_t> offsets;
  std::string_view rest = flags.offsets;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const std::size_t equals = part.find('=');
    std::string name(part.substr(0, equals));
    if (name.find(':') == std::string::npos) name = flags.topics.front() + ":" + name;
    const Result<SourceName> source = ParseSourceName(name);
    std::int64_t offset = -1;
    if (equals != std::string_view::npos) {
      const std::string_view digits = part.substr(equals + 1);
      const auto [stop, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), offset);
      if (error != std::errc() || stop != digits.data() + digits.size()) offset = -1;
    }
    if (!source || offset < 0) {
      return Fail(Fault::kUsage, fmt::format("--offsets: cannot read '{}'", part), {},
                  "write PARTITION=OFFSET, or TOPIC:PARTITION=OFFSET, separated by commas");
    }
    offsets[*source] = offset;
  }
  return offsets;
}

// Everything one replay needs, gathered before the first record is read.
struct Plan {
  Config config;
  RuleSetPtr rules;
  ReplayOptions options;
  std::optional<sigma::Level> fail_on;
  std::map<SourceName, std::int64_t> offsets;
};

Result<Plan> MakePlan(const ReplayFlags& flags, const Context& context) {
  Plan plan;
  const auto level = FailOnLevel(flags.fail_on);
  if (!level) return tl::unexpected<Error>(level.error());
  plan.fail_on = *level;
  if (flags.topics.empty() == flags.files.empty()) {
    return Fail(Fault::kUsage, "replay takes files, or a topic with --from-topic", {},
                "- is standard input; see faultline replay --help");
  }
  const auto since = TimeFlag("--since", flags.since);
  if (!since) return tl::unexpected<Error>(since.error());
  const auto until = TimeFlag("--until", flags.until);
  if (!until) return tl::unexpected<Error>(until.error());
  if (flags.journal != "auto" && flags.journal != "off") {
    return Fail(Fault::kUsage, "--journal: auto or off");
  }
  if (!flags.offsets.empty() && flags.topics.empty()) {
    return Fail(Fault::kUsage, "--offsets needs --from-topic");
  }
  if (!flags.topics.empty()) {
    auto offsets = OffsetsFlag(flags);
    if (!offsets) return tl::unexpected<Error>(offsets.error());
    plan.offsets = std::move(*offsets);
  }
  ConfigFlags config_flags = flags.config;
  if (!flags.brokers.empty()) {
    config_flags.flags.push_back({"--brokers", "kafka.brokers", flags.brokers});
  }
  Result<Config> config = LoadConfig(config_flags);
  if (!config) return tl::unexpected<Error>(config.error());
  plan.config = std::move(*config);
  const bool needs_kafka = !flags.topics.empty() || !flags.alert_topic.empty();
  if (needs_kafka && plan.config.kafka.brokers.empty()) {
    return Fail(Fault::kUsage, "no brokers given", {}, "name them with --brokers or kafka.brokers");
  }
  if (needs_kafka) {
    if (auto ok = CheckClient(plan.config); !ok) {
      return tl::unexpected<Error>(ok.error());
    }
  }
  Result<RuleSetPtr> rules = UsableRuleSet(plan.config, flags.rules, context);
  if (!rules) return tl::unexpected<Error>(rules.error());
  plan.rules = std::move(*rules);
  const InputConfig input = plan.config.inputs.empty() ? InputConfig{} : plan.config.inputs.front();
  plan.options.input = InputOptionsOf(input, *plan.rules);
  plan.options.engine = EngineOptionsOf(plan.config);
  if (!flags.load_state.empty()) {
    Result<std::string> state = ReadStateFile(flags.load_state);
    if (!state) return tl::unexpected<Error>(state.error());
    plan.options.load_state = std::move(*state);
  }
  plan.options.save_state = !flags.save_state.empty();
  plan.options.since = *since;
  plan.options.until = *until;
  return plan;
}

Result<void> Read(const ReplayFlags& flags, const Plan& plan, const ReplayOptions& options,
                  Sink& sink, ReplaySummary& summary) {
  const ClassCompiler ahead(plan.rules, plan.config.rules.cache);
  if (flags.topics.empty()) return ReplayFiles(plan.rules, flags.files, options, sink, summary);
  ReplayTopicOptions topic;
  topic.consumer = ReaderOf(plan.config);
  topic.topics = flags.topics;
  topic.offsets = plan.offsets;
  if (flags.journal == "auto") topic.journal = plan.config.internal.markers;
  return ReplayTopic(plan.rules, topic, options, sink, summary);
}

// Where a replay's alerts go besides text: a topic that was named on the command line.
class Tee final : public Sink {
 public:
  Tee(Sink* text, Sink* topic) : text_(text), topic_(topic) {}

  Result<void> WriteAlert(const Alert& alert) override {
    if (auto ok = text_->WriteAlert(alert); !ok || topic_ == nullptr) return ok;
    return topic_->WriteAlert(alert);
  }
  Result<void> WriteDeadLetter(const Record& record, const SourceName& source,
                               const DeadLetter& why) override {
    return text_->WriteDeadLetter(record, source, why);  // a replay dead-letters nothing anew
  }
  Result<void> WriteLate(const LateMatch& late) override { return text_->WriteLate(late); }
  Result<void> WriteJournal(const JournalEntry& entry) override {
    return text_->WriteJournal(entry);
  }

 private:
  Sink* text_;   // never null
  Sink* topic_;  // may be null
};

Result<void> WriteSummary(const std::string& path, const ReplaySummary& summary) {
  if (path.empty()) return {};
  Result<FilePtr> file = OpenOutput(path);
  if (!file) return tl::unexpected<Error>(file.error());
  const std::string text = SummaryJson(summary);
  if (std::fwrite(text.data(), 1, text.size(), file->get()) == text.size() &&
      std::fflush(file->get()) == 0) {
    return {};
  }
  return Fail(Fault::kIo, fmt::format("cannot write the file: {}", std::strerror(errno)),
              Place{path, 0, 0});
}

Result<int> Replay(const ReplayFlags& flags, const Context& context) {
  Result<Plan> plan = MakePlan(flags, context);
  if (!plan) return tl::unexpected<Error>(plan.error());

  const Result<TextFormat> format = TextFormatOf(context, "replay", TextFormat::kCard);
  if (!format) return tl::unexpected<Error>(format.error());
  FilePtr opened(nullptr, std::fclose);
  std::FILE* out = stdout;
  if (!flags.output.empty() && flags.output != "-") {
    Result<FilePtr> file = OpenOutput(flags.output);
    if (!file) return tl::unexpected<Error>(file.error());
    opened = std::move(*file);
    out = opened.get();
  }
  const bool to_file = opened != nullptr;
  TextSink::Options text;
  text.format = to_file && context.format == "auto" ? TextFormat::kNdjson : *format;
  text.color = !to_file && context.ColorOn(stdout);
  text.width = WidthOf(stdout);
  text.flush_each = !to_file && IsTerminal(stdout);
  if (to_file) text.name = flags.output;
  const AlertContext alert_context = AlertContextOf(plan->config, *plan->rules, "replay");
  TextSink sink(out, text, alert_context, SystemClock());

  Result<std::unique_ptr<TopicSink>> topic =
      TopicSink::Open(plan->config, flags.alert_topic, alert_context);
  if (!topic) return tl::unexpected<Error>(topic.error());
  Tee tee(&sink, topic->get());

  const bool show = !context.quiet && IsTerminal(stderr) && (to_file || !IsTerminal(stdout));
  ProgressLine progress(stderr, show, context.ColorOn(stderr));
  const Interrupt interrupt;
  ReplaySummary summary;
  ReplayOptions options = plan->options;
  options.stop = interrupt.token();
  options.progress = [&progress](const ReplayProgress& now) { progress.Update(now); };

  Result<void> done = Read(flags, *plan, options, tee, summary);
  progress.Clear();
  if (const Result<void> finished = sink.Finish(); done && !finished) done = finished;
  if (done && *topic) done = (*topic)->Finish();
  if (const Result<void> written = WriteSummary(flags.summary, summary); done && !written) {
    done = written;
  }
  if (done && !flags.save_state.empty()) done = WriteStateFile(flags.save_state, summary.state);
  if (!context.quiet) std::fputs(SummaryText(summary, context.ColorOn(stderr)).c_str(), stderr);
  if (!done) return tl::unexpected<Error>(done.error());
  if (interrupt.requested()) return kExitInterrupted;
  const bool found = plan->fail_on && AlertsFrom(summary.alerts_by_level, *plan->fail_on) > 0;
  return found ? kExitFindings : kExitOk;
}

}  // namespace

void AddReplayCommand(CLI::App& app, Context& context) {
  CLI::App* const command = app.add_subcommand(
      "replay", "Archived files or topics through the same engine, as fast as the machine reads");
  const auto flags = std::make_shared<ReplayFlags>();
  AddConfigFlags(*command, flags->config);
  AddLogSourceFlags(*command, flags->config);
  AddRuleFlags(*command, flags->rules);
  AddReplayFiles(*command);
  command->add_option("--from-topic", flags->topics, "Topic to read; may be repeated")
      ->type_name("TOPIC")
      ->allow_extra_args(false);
  command->add_option("--brokers", flags->brokers, "Brokers, as host:port,...");
  command->add_option("--offsets", flags->offsets, "Where partitions start: PARTITION=OFFSET,...");
  command->add_option("--since", flags->since, "Event time from which alerts are given")
      ->type_name("TIME");
  command->add_option("--until", flags->until, "Event time before which alerts are given")
      ->type_name("TIME");
  command->add_option("--journal", flags->journal, "Follow the live run's journal: auto or off")
      ->type_name("auto|off")
      ->capture_default_str();
  command->add_option("-o,--output", flags->output, "Alerts as NDJSON into a file")
      ->type_name("FILE");
  command->add_option("--summary", flags->summary, "Counts as JSON into a file")->type_name("FILE");
  command
      ->add_option("--alert-topic", flags->alert_topic,
                   "Send the alerts to this topic too; without it no topic is written")
      ->type_name("TOPIC");
  command->add_option("--load-state", flags->load_state, "Go on from what --save-state wrote")
      ->type_name("FILE");
  command
      ->add_option("--save-state", flags->save_state,
                   "What correlations keep at the end, which then is not the end of time")
      ->type_name("FILE");
  command
      ->add_option("--fail-on", flags->fail_on, "Exit with 1 when an alert of this level is given")
      ->type_name("LEVEL");
  command->footer(
      "Examples:\n"
      "  faultline replay --rules packs/exchange-cluster archive.ndjson.zst -o alerts.ndjson\n"
      "  faultline replay -r rules/ --as wef:0 wef-0.ndjson --as wef:1 wef-1.ndjson\n"
      "  faultline replay -r rules/ --from-topic wef --brokers kafka1:9092 --since "
      "2026-11-23T09:00:00Z\n"
      "  kcat -C -J -e -b kafka1:9092 -t wef | faultline replay -r rules/ -\n"
      "Exit codes:  0 fine, 1 found with --fail-on, 2 rules do not load, 64 usage, 69 broker,\n"
      "             74 input or output, 78 configuration, 130 interrupted");
  command->callback([flags, command, &context] {
    Result<std::vector<ReplayFile>> files = ReplayFilesOf(*command);
    if (!files) return context.Failed(files.error());
    flags->files = std::move(*files);
    const Result<int> code = Replay(*flags, context);
    if (!code) return context.Failed(code.error());
    context.exit_code = *code;
  });
}

}  // namespace faultline::app
