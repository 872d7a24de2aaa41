// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/demo/alert_watch.h"
#include "app/demo/pack.h"
#include "app/demo/story.h"
#include "app/exit_code.h"
#include "app/kafka_setup.h"
#include "app/service.h"
#include "app/signals.h"
#include "base/clock.h"
#include "base/log.h"
#include "consumer/replay.h"
#include "kafka/mock_cluster.h"

namespace faultline::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kTopic = "windows-events";
constexpr seconds kTimeout{120};  // for a broker that does not answer
constexpr milliseconds kLook{50};

struct DemoFlags {
  std::string brokers, write, topic = kTopic, shape = "evtx", http = "127.0.0.1:9464";
  std::uint64_t seed = 1;
  bool keep = false;
};

StoryOptions StoryOf(const DemoFlags& flags) {
  StoryOptions options;
  options.seed = flags.seed;
  options.incident_shape = ShapeFromString(flags.shape).value_or(Shape::kEvtx);
  return options;
}

// The configuration that the demo runs with; `faultline config init` shows all there is.
Result<Config> DemoConfig(const DemoFlags& flags, const std::string& brokers) {
  ConfigLoader loader;
  const std::string text = fmt::format(
      "pipeline: demo\n"
      "instance: demo\n"
      "kafka: {{brokers: \"{}\", group: faultline-{}}}\n"
      "inputs: [{{topics: [{}], shape: auto}}]\n"
      "alerts: {{topic: {}-alerts}}\n"
      "dead_letters: {{topic: {}-dead-letters}}\n"
      "internal: {{markers: {}-markers}}\n"
      "http: {{listen: \"{}\"}}\n",
      brokers, flags.topic, flags.topic, flags.topic, flags.topic, flags.topic, flags.http);
  if (auto ok = loader.AddText(text, "the demo's configuration"); !ok) {
    return tl::unexpected<Error>(ok.error());
  }
  return loader.Finish();
}

Result<void> Play(const Config& config, const std::vector<StoryRecord>& story,
                  const std::string& topic) {
  kafka::ProducerProperties properties;
  properties.client = ClientOf(config);
  auto producer = kafka::PlainProducer::Create(properties);
  if (!producer) return tl::unexpected<Error>(producer.error());
  const auto failed = [&topic](const kafka::KafkaError& error) {
    return tl::unexpected<Error>(kafka::ToError(error, "cannot write to " + topic));
  };
  for (const StoryRecord& told : story) {
    kafka::OutgoingRecord record;
    record.topic = topic;
    record.partition = told.partition;
    record.key = told.key;
    record.value = told.payload;
    record.timestamp = milliseconds(told.time.nanos() / 1'000'000);
    if (auto done = (*producer)->Produce(record); !done) return failed(done.error());
  }
  if (auto done = (*producer)->Flush(kTimeout); !done) return failed(done.error());
  return {};
}

Result<void> MakeTopics(const Config& config, const std::string& topic) {
  Result<kafka::Admin> admin = kafka::Admin::Create(ClientOf(config));
  if (!admin) return tl::unexpected<Error>(admin.error());
  const auto known = admin->List(seconds(10));
  if (!known) return tl::unexpected<Error>(known.error());
  for (const kafka::TopicDescription& description : *known) {
    if (description.name != topic) continue;
    return Fail(Fault::kUsage, fmt::format("the topic {} exists already", topic), {},
                "the demo plays into a topic of its own: delete it, or name another with --topic");
  }
  std::vector<kafka::TopicSpec> specs = TopicsToCreate(config);
  for (kafka::TopicSpec& spec : specs) {
    if (spec.name != topic) continue;
    spec.partitions = kStoryMachines;
    spec.config["retention.ms"] = "-1";  // the story is older than what brokers keep by default
  }
  return admin->CreateTopics(specs, kTimeout);
}

// Everything was read, nothing is left to come, and each alert was seen in the alert topic.
bool Over(const Service& service, const AlertWatch& watch, std::size_t records) {
  const Service::Progress progress = service.progress();
  return progress.records >= static_cast<std::int64_t>(records) && progress.lag == 0 &&
         watch.written() > 0 && watch.seen() == watch.written() &&
         progress.alerts_delivered >= static_cast<std::int64_t>(watch.written());
}

Result<int> Watch(Service& service, AlertWatch& watch, const DemoFlags& flags,
                  std::size_t records) {
  const auto begun = SystemClock().Steady();
  bool told = false;
  while (true) {
    const int signal = WaitForSignal(kLook);
    if (signal != 0) return flags.keep && told ? kExitOk : kExitInterrupted;
    if (auto shown = watch.ShowArrived(); !shown) return tl::unexpected<Error>(shown.error());
    if (const auto end = service.Ended()) {
      if (!*end) return tl::unexpected<Error>(end->error());
      return Fail(Fault::kInternal, "the consumer has ended before the story was over");
    }
    if (!told && Over(service, watch, records)) {
      told = true;
      if (!flags.keep) return kExitOk;
      std::fprintf(stderr, "The story is over. Ctrl-C ends the demo.\n");
    }
    if (!told && SystemClock().Steady() - begun > kTimeout) {
      return Fail(Fault::kBroker, "the story was not diagnosed in time: " + service.health().cause);
    }
  }
}

Result<int> PlayLive(const DemoFlags& flags, const Context& context) {
  std::unique_ptr<kafka::MockCluster> mock;
  std::string brokers = flags.brokers;
  if (brokers.empty()) {
    auto cluster = kafka::MockCluster::Create();
    if (!cluster) return tl::unexpected<Error>(cluster.error());
    mock = std::move(*cluster);
    brokers = mock->brokers();
  }
  Result<Config> config = DemoConfig(flags, brokers);
  if (!config) return tl::unexpected<Error>(config.error());
  Result<RuleSetPtr> rules = BundledRules(*config);
  if (!rules) return tl::unexpected<Error>(rules.error());
  if (mock) {
    for (const std::string& topic : OwnTopics(*config)) {
      if (auto ok = mock->CreateTopic(topic, 1); !ok) return tl::unexpected<Error>(ok.error());
    }
    if (auto ok = mock->CreateTopic(flags.topic, kStoryMachines); !ok) {
      return tl::unexpected<Error>(ok.error());
    }
  } else if (auto ok = MakeTopics(*config, flags.topic); !ok) {
    return tl::unexpected<Error>(ok.error());
  }

  const std::vector<StoryRecord> story = TellStory(StoryOf(flags));
  if (auto ok = Play(*config, story, flags.topic); !ok) return tl::unexpected<Error>(ok.error());

  AlertWatch watch(context.ColorOn(stdout), WidthOf(stdout));
  Service::Options options;
  options.config = *config;
  options.rules = *rules;
  options.watch = [&watch](Sink* sink) { return watch.Around(sink); };
  auto service = Service::Start(std::move(options));
  if (!service) return tl::unexpected<Error>(service.error());
  if (!context.quiet) {
    std::fprintf(stderr,
                 "faultline demo: %zu events of %d machines in as many partitions of '%s' on %s%s\n"
                 "metrics: http://%s/metrics\n\n",
                 story.size(), kStoryMachines, flags.topic.c_str(),
                 mock ? "an in-process Kafka, " : "", brokers.c_str(),
                 (*service)->http_address().c_str());
  }
  if (auto ok = watch.Read(ReaderOf(*config), config->alerts.topic); !ok) {
    return tl::unexpected<Error>(ok.error());
  }
  const Result<int> code = Watch(**service, watch, flags, story.size());
  if (code && *code == kExitOk && !context.quiet) {
    std::fprintf(stderr, "%lld events read, %zu alert(s) in topic '%s'\n",
                 static_cast<long long>((*service)->progress().records), watch.seen(),
                 config->alerts.topic.c_str());
  }
  return code;
}

using FilePtr = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

Result<FilePtr> Create(const std::filesystem::path& path) {
  FilePtr file(std::fopen(path.c_str(), "wb"), std::fclose);
  if (file) return file;
  return Fail(Fault::kIo, fmt::format("cannot write: {}", std::strerror(errno)),
              {path.string(), 0, 0});
}

// One file per partition, line = offset, and the alerts that a replay of them gives.
Result<int> WriteFiles(const DemoFlags& flags) {
  const std::filesystem::path folder = flags.write;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return Fail(Fault::kIo, "cannot make the folder: " + error.message(), {flags.write, 0, 0});
  std::vector<ReplayFile> files;
  std::vector<FilePtr> open;
  for (std::int32_t partition = 0; partition < kStoryMachines; ++partition) {
    const auto path = folder / fmt::format("{}-{}.ndjson", flags.topic, partition);
    auto file = Create(path);
    if (!file) return tl::unexpected<Error>(file.error());
    open.push_back(std::move(*file));
    files.push_back({path.string(), SourceName{flags.topic, partition}});
  }
  for (const StoryRecord& told : TellStory(StoryOf(flags))) {
    std::FILE* const file = open[static_cast<std::size_t>(told.partition)].get();
    if (std::fwrite(told.payload.data(), 1, told.payload.size(), file) != told.payload.size() ||
        std::fputc('\n', file) == EOF) {
      return Fail(Fault::kIo, fmt::format("cannot write: {}", std::strerror(errno)),
                  {files[static_cast<std::size_t>(told.partition)].path, 0, 0});
    }
  }
  for (FilePtr& file : open) {
    if (std::fclose(file.release()) != 0) {
      return Fail(Fault::kIo, fmt::format("cannot write: {}", std::strerror(errno)),
                  {flags.write, 0, 0});
    }
  }
  Result<Config> config = DemoConfig(flags, "127.0.0.1:9092");
  if (!config) return tl::unexpected<Error>(config.error());
  Result<RuleSetPtr> rules = BundledRules(*config);
  if (!rules) return tl::unexpected<Error>(rules.error());
  auto alerts = Create(folder / "alerts.ndjson");
  if (!alerts) return tl::unexpected<Error>(alerts.error());
  TextSink sink(alerts->get(), {}, AlertContextOf(*config, **rules, "demo"), SystemClock());
  ReplayOptions options;
  options.input = InputOptionsOf(config->inputs.front(), **rules);
  ReplaySummary summary;
  if (auto done = ReplayFiles(*rules, files, options, sink, summary); !done) {
    return tl::unexpected<Error>(done.error());
  }
  if (auto done = sink.Finish(); !done) return tl::unexpected<Error>(done.error());
  return kExitOk;
}

}  // namespace

void AddDemoCommand(CLI::App& app, Context& context) {
  auto flags = std::make_shared<DemoFlags>();
  CLI::App* const command =
      app.add_subcommand("demo", "Play a week with five incidents through Kafka and diagnose them");
  command
      ->add_option("--brokers", flags->brokers,
                   "Play into these brokers instead of an in-process Kafka")
      ->type_name("HOSTS");
  command->add_option("--topic", flags->topic, "Topic to play into; made by the demo")
      ->capture_default_str()
      ->type_name("NAME");
  command
      ->add_option("--write", flags->write,
                   "Only write DIR/TOPIC-PARTITION.ndjson and the expected DIR/alerts.ndjson")
      ->type_name("DIR");
  command->add_option("--seed", flags->seed, "Seed of the background noise")->capture_default_str();
  command->add_option("--shape", flags->shape, "How the failing node's events are shipped")
      ->check(CLI::IsMember({"flat", "evtx", "winlogbeat", "nxlog"}))
      ->capture_default_str();
  command->add_option("--http", flags->http, "Where metrics listen; port 0 takes a free one")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  command->add_flag("--keep", flags->keep, "Stay up when the incident is over");
  command->footer(
      "Examples:\n"
      "  faultline demo\n"
      "  faultline demo --write incident\n"
      "  faultline replay -r packs/exchange-cluster --as windows-events:0 \\\n"
      "    incident/windows-events-0.ndjson");
  command->callback([flags, &context] {
    BlockSignals();
    const Result<int> code = flags->write.empty() ? PlayLive(*flags, context) : WriteFiles(*flags);
    if (code) {
      context.exit_code = *code;
    } else {
      context.Failed(code.error());
    }
  });
}

}  // namespace faultline::app
