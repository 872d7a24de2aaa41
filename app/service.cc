// SPDX-License-Identifier: Apache-2.0
#include "app/service.h"

#include <regex.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/class_compiler.h"
#include "app/commands/common.h"
#include "app/kafka_setup.h"
#include "app/telemetry.h"
#include "app/version.h"
#include "base/clock.h"
#include "base/log.h"
#include "consumer/journal.h"
#include "exporters/http.h"
#include "exporters/kafka_sink.h"
#include "exporters/metrics.h"
#include "matcher/event/timestamp.h"

namespace faultline::app {
namespace {

constexpr std::chrono::seconds kTopicTimeout{30};
constexpr std::chrono::seconds kJournalTimeout{60};
constexpr std::chrono::seconds kStalled{10};  // without a round of the loop: not ready
constexpr std::chrono::minutes kStuck{15};    // ... not alive: longer than any call may block

// One worker and what it borrows, in the order of construction.
struct Unit {
  std::unique_ptr<KafkaInbox> inbox;
  std::unique_ptr<kafka::TransactionalProducer> producer;
  std::unique_ptr<KafkaOutbox> outbox;
  std::unique_ptr<KafkaSink> sink;
  std::unique_ptr<Sink> watch;  // may be null
  std::unique_ptr<Worker> worker;
  mutable std::mutex mutex;                // guards ended
  std::optional<Result<WorkerEnd>> ended;  // set by the worker's thread
  std::jthread thread;                     // last: ends before what it uses
};

StartAt StartOf(const InputConfig& input) {
  StartAt start;
  if (input.start == "latest") {
    start.kind = StartAt::Kind::kLatest;
  } else if (input.start != "earliest") {
    start.kind = StartAt::Kind::kTime;
    const auto time = ParseTimestamp(input.start);
    start.time = std::chrono::milliseconds(time ? time->nanos() / 1'000'000 : 0);
  }
  return start;
}

// POSIX extended, as librdkafka reads the patterns of a subscription.
bool Matches(const std::string& pattern, const std::string& topic) {
  regex_t compiled;
  if (regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) return false;
  const bool matches = regexec(&compiled, topic.c_str(), 0, nullptr, 0) == 0;
  regfree(&compiled);
  return matches;
}

// The worker takes one start and one idle time for all inputs.
Result<void> CheckInputs(const Config& config) {
  if (config.inputs.empty()) {
    return Fail(Fault::kConfig, "no inputs are configured", {}, "name topics under inputs");
  }
  for (const InputConfig& input : config.inputs) {
    if (input.start != config.inputs[0].start || input.idle_after != config.inputs[0].idle_after) {
      return Fail(Fault::kConfig, "inputs differ in start or idle_after",
                  config.PlaceOf("inputs.1"),
                  "give all inputs the same values; this version takes one of each");
    }
  }
  return {};
}

std::chrono::milliseconds Millis(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

// The rule's events are all told apart by `field` itself, not by something captured or computed of
// that name.
bool TakesAsItIs(const sigma::DetectionRule& rule, const std::string& field) {
  for (const sigma::Capture& capture : rule.captures) {
    const auto& names = capture.names;
    if (std::find(names.begin(), names.end(), field) != names.end()) return false;
  }
  return true;
}

// All events of one group, and all that its registers hold, have the same `field`.
bool KeepsTogether(const sigma::CorrelationRule& rule, const RuleSet& rules,
                   const std::string& field) {
  for (std::size_t i = 0; i < rule.group_by.size(); ++i) {
    const bool same =
        std::all_of(rule.inputs.begin(), rule.inputs.end(), [&](const sigma::Input& input) {
          return input.group_fields[i] == field &&
                 (input.rule.correlation ||
                  TakesAsItIs(rules.detections()[input.rule.index], field));
        });
    if (!same) continue;
    return std::all_of(
        rule.registers.begin(), rule.registers.end(), [&](const sigma::Register& reg) {
          return reg.by_group || std::any_of(reg.by.begin(), reg.by.end(), [&](const auto& by) {
                   return by.first == field && by.second.text() == field;
                 });
        });
  }
  return false;
}

}  // namespace

const InputConfig* InputOf(const Config& config, const std::string& topic) {
  const InputConfig* by_pattern = nullptr;
  for (const InputConfig& input : config.inputs) {
    for (const std::string& name : input.topics) {
      if (name == topic) return &input;
      if (by_pattern == nullptr && name.starts_with('^') && Matches(name, topic)) {
        by_pattern = &input;
      }
    }
  }
  return by_pattern;
}

Result<void> CheckWorkers(const Config& config, const RuleSet& rules) {
  if (config.workers <= 1) return {};
  for (const sigma::CorrelationRule& rule : rules.correlations()) {
    for (const InputConfig& input : config.inputs) {
      const bool implied =
          !input.partition_key.empty() &&
          std::all_of(input.partition_key.begin(), input.partition_key.end(),
                      [&](const std::string& field) { return KeepsTogether(rule, rules, field); });
      if (implied) continue;
      return Fail(
          Fault::kConfig,
          fmt::format("{} workers, but the events of one group of '{}' may lie with several: "
                      "its group-by does not hold the partition_key of the input '{}'",
                      config.workers, rule.meta.title,
                      input.topics.empty() ? "" : input.topics.front()),
          config.PlaceOf("workers"),
          "set workers: 1, or partition the input by fields of the group-by and say so in "
          "inputs.partition_key");
    }
  }
  return {};
}

struct Service::Impl {
  explicit Impl(Options the_options)
      : options(std::move(the_options)),
        rules(options.rules),
        metrics(kVersion, SystemClock().Now()) {}

  Result<void> CreateTopics();
  Result<void> AddUnit(std::int64_t number);
  Result<void> StartHttp();
  // The rules asked for last, in the background.
  void CompileAhead() {
    compiler = std::make_unique<ClassCompiler>(rules, options.config.rules.cache);
  }
  void Run(Unit& unit, std::stop_token stop);
  [[nodiscard]] HealthStatus Live() const;
  [[nodiscard]] HealthStatus Ready() const;
  [[nodiscard]] bool Recent(const Unit& unit, std::chrono::nanoseconds bound) const;
  void TellReloads(MetricWriter& writer) const;

  Options options;
  mutable std::mutex mutex;              // guards rules
  std::shared_ptr<const RuleSet> rules;  // those asked for last
  std::vector<std::unique_ptr<Unit>> units;
  std::atomic<std::int64_t> reloads_ok{0},
      reloads_failed{0};  // writer: the thread that calls Reload()
  std::atomic<std::int64_t> loaded_at{SystemClock().Now().nanos()};  // likewise
  Metrics metrics;
  std::unique_ptr<HttpServer> http;  // its handlers read all of the above
  std::unique_ptr<ClassCompiler> compiler;
};

Result<void> Service::Impl::CreateTopics() {
  Result<kafka::Admin> admin = kafka::Admin::Create(ClientOf(options.config));
  if (!admin) return tl::unexpected<Error>(admin.error());
  return admin->CreateTopics(TopicsToCreate(options.config), kTopicTimeout);
}

Result<void> Service::Impl::AddUnit(std::int64_t number) {
  const Config& config = options.config;
  auto unit = std::make_unique<Unit>();
  auto inbox = KafkaInbox::Create({ConsumerOf(config, number), InputTopics(config)});
  if (!inbox) return tl::unexpected<Error>(inbox.error());
  unit->inbox = std::move(*inbox);
  auto producer = kafka::TransactionalProducer::Create(ProducerOf(config, number));
  if (!producer) return tl::unexpected<Error>(producer.error());
  unit->producer = std::move(*producer);
  unit->outbox = std::make_unique<KafkaOutbox>(unit->producer.get(), unit->inbox.get());

  KafkaSink::Topics topics;
  topics.alerts = config.alerts.topic;
  topics.dead_letters = config.dead_letters_topic;
  topics.late = config.late_topic;
  topics.markers = config.internal.markers;
  unit->sink = std::make_unique<KafkaSink>(unit->producer.get(), topics,
                                           AlertContextOf(config, *rules, "live"), SystemClock());
  if (options.watch) unit->watch = options.watch(unit->sink.get());

  Worker::Options worker;
  worker.engine = EngineOptionsOf(config);
  worker.engine.matching = options.matching;
  worker.engine.stats = std::make_shared<EngineStats>();
  worker.input = [config, set = rules](const SourceName& source) {
    const InputConfig* const input = InputOf(config, source.topic);
    return InputOptionsOf(input != nullptr ? *input : config.inputs.front(), *set);
  };
  worker.start = StartOf(config.inputs.front());
  worker.commit_interval = Millis(config.commit_interval);
  worker.alert_linger = Millis(config.commit_alert_linger);
  worker.idle_after = config.inputs.front().idle_after;
  worker.drain = Millis(config.drain);
  worker.needs_all_partitions = config.workers <= 1;
  worker.journal = [config] {
    return ReadJournal(ReaderOf(config), config.internal.markers, kJournalTimeout);
  };
  Sink* const sink = unit->watch ? unit->watch.get() : unit->sink.get();
  unit->worker = std::make_unique<Worker>(worker, rules, unit->inbox.get(), unit->outbox.get(),
                                          sink, &SystemClock());
  metrics.Add([stats = worker.engine.stats, sink = unit->sink.get(),
               worker = unit->worker.get()](MetricWriter& writer) {
    TellEngine(*stats, writer);
    TellSink(*sink, writer);
    TellWorker(*worker->View(), SystemClock(), writer);
  });
  units.push_back(std::move(unit));
  return {};
}

void Service::Impl::Run(Unit& unit, std::stop_token stop) {
  Result<WorkerEnd> end = unit.worker->Run(std::move(stop));
  if (!end) Log(LogLevel::kError, "worker_ended", LogValue(end.error().ToString()));
  const std::lock_guard lock(unit.mutex);
  unit.ended = std::move(end);
}

bool Service::Impl::Recent(const Unit& unit, std::chrono::nanoseconds bound) const {
  const std::int64_t last = unit.worker->View()->worker.last_progress_steady_nanos.value();
  return SystemClock().Steady().count() - last <= bound.count();
}

HealthStatus Service::Impl::Live() const {
  for (std::size_t i = 0; i < units.size(); ++i) {
    const std::lock_guard lock(units[i]->mutex);
    if (units[i]->ended) return {false, {fmt::format("worker {} has ended", i)}};
    const bool begun = units[i]->worker->View()->worker.last_progress_steady_nanos.value() != 0;
    if (begun && !Recent(*units[i], kStuck)) {
      return {false, {fmt::format("worker {} makes no progress", i)}};
    }
  }
  return {};
}

HealthStatus Service::Impl::Ready() const {
  HealthStatus status = Live();
  for (const auto& unit : units) {
    const Health health = unit->worker->health();
    if (!health.ready) status.causes.push_back(health.cause);
    if (health.ready && !Recent(*unit, kStalled))
      status.causes.emplace_back("the worker is stalled");
  }
  status.ok = status.causes.empty();
  return status;
}

void Service::Impl::TellReloads(MetricWriter& writer) const {
  writer.Counter("reloads_total", {{"result", "ok"}}, static_cast<double>(reloads_ok));
  writer.Counter("reloads_total", {{"result", "failed"}}, static_cast<double>(reloads_failed));
  writer.Gauge("config_last_reload_success_timestamp_seconds", {},
               static_cast<double>(loaded_at) / 1e9);
}

Result<void> Service::Impl::StartHttp() {
  metrics.Add([this](MetricWriter& writer) {
    TellReloads(writer);
    std::shared_ptr<const RuleSet> now;
    {
      const std::lock_guard lock(mutex);
      now = rules;
    }
    TellRules(*now, writer);
  });
  auto server = HttpServer::Start(
      options.config.http_listen,
      {[this] { return metrics.Render(); }, [this] { return Live(); }, [this] { return Ready(); }});
  if (!server) {
    return tl::unexpected<Error>(AtSetting(options.config, "http.listen", server.error()));
  }
  http = std::move(*server);
  return {};
}

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Service>> Service::Start(Options options) {
  const Config& config = options.config;
  if (auto ok = CheckInputs(config); !ok) return tl::unexpected<Error>(ok.error());
  if (auto ok = CheckClient(config); !ok) return tl::unexpected<Error>(ok.error());
  if (auto ok = CheckWorkers(config, *options.rules); !ok) return tl::unexpected<Error>(ok.error());
  auto impl = std::make_unique<Impl>(std::move(options));
  if (impl->options.create_topics) {
    if (auto ok = impl->CreateTopics(); !ok) return tl::unexpected<Error>(ok.error());
  }
  for (std::int64_t i = 0; i < impl->options.config.workers; ++i) {
    if (auto ok = impl->AddUnit(i); !ok) return tl::unexpected<Error>(ok.error());
  }
  if (auto ok = impl->StartHttp(); !ok) return tl::unexpected<Error>(ok.error());
  for (auto& unit : impl->units) {
    Unit* const started = unit.get();
    started->thread = std::jthread([owner = impl.get(), started](std::stop_token stop) {
      owner->Run(*started, std::move(stop));
    });
  }
  impl->CompileAhead();
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

Service::~Service() {
  if (!impl_) return;
  Stop();
  for (auto& unit : impl_->units) {
    if (unit->thread.joinable()) unit->thread.join();
  }
  impl_->http.reset();
}

std::optional<Result<WorkerEnd>> Service::Ended() const {
  std::optional<Result<WorkerEnd>> worst;
  for (const auto& unit : impl_->units) {
    const std::lock_guard lock(unit->mutex);
    if (!unit->ended) {
      continue;
    }
    if (!unit->ended->has_value()) return unit->ended;  // the others are stopped by the caller
    if (!worst || **unit->ended == WorkerEnd::kDrainLimit) worst = unit->ended;
  }
  const bool all = std::all_of(impl_->units.begin(), impl_->units.end(), [](const auto& unit) {
    const std::lock_guard lock(unit->mutex);
    return unit->ended.has_value();
  });
  return all ? worst : std::nullopt;
}

void Service::Reload() {
  if (!impl_->options.load_rules) return;
  Result<std::shared_ptr<const RuleSet>> fresh = impl_->options.load_rules();
  if (fresh) {
    if (auto ok = CheckWorkers(impl_->options.config, **fresh); !ok) {
      fresh = tl::unexpected<Error>(ok.error());
    }
  }
  if (!fresh) {
    ++impl_->reloads_failed;
    Log(LogLevel::kError, "reload_failed",
        "error=" + LogValue(fresh.error().ToString()) + " the old rules stay");
    return;
  }
  for (auto& unit : impl_->units) {
    unit->worker->RequestReload(*fresh);
    unit->sink->SetRulesRevision((*fresh)->revision());
  }
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->rules = std::move(*fresh);
  }
  impl_
      ->CompileAhead();  // waits for the class that the last one has at hand: nobody waits for this
  ++impl_->reloads_ok;
  impl_->loaded_at = SystemClock().Now().nanos();
  Log(LogLevel::kInfo, "rules_reloaded",
      fmt::format("detections={} correlations={} revision={}", impl_->rules->detections().size(),
                  impl_->rules->correlations().size(), impl_->rules->revision()));
}

void Service::Stop() {
  for (auto& unit : impl_->units) unit->thread.request_stop();
}

Health Service::health() const {
  const HealthStatus status = impl_->Ready();
  return {status.ok, status.causes.empty() ? std::string() : status.causes.front()};
}

const std::string& Service::http_address() const noexcept { return impl_->http->address(); }

Service::Progress Service::progress() const {
  Progress progress;
  for (const auto& unit : impl_->units) {
    const auto view = unit->worker->View();
    for (const auto& [source, partition] : view->partitions) {
      progress.records += partition.records.value();
      progress.lag += partition.lag.value();
    }
    progress.alerts_delivered += view->worker.alerts_delivered.value();
  }
  return progress;
}

}  // namespace faultline::app
