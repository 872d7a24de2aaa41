// SPDX-License-Identifier: Apache-2.0
#include "app/commands/bench.h"

#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/libraries.h"
#include "app/version.h"
#include "base/hash.h"
#include "bench/yardsticks/yardsticks.h"
#include "consumer/file_source.h"
#include "exporters/process_stats.h"
#include "matcher/engine.h"

namespace faultline::app {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kFewestRounds = 3;

struct BenchFlags {
  ConfigFlags config;
  RuleFlags rules;
  std::vector<std::string> files;
  double seconds = 10;
  int threads = 1;
};

double SecondsSince(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

double ResidentBytes() { return ReadProcessStats().resident_bytes.value_or(0); }

// Keeps this thread on the processor it runs on, so that its caches stay its own.
void PinThisThread() {
  const int processor = sched_getcpu();
  if (processor < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(processor), &set);
  sched_setaffinity(0, sizeof set, &set);
}

// The engine on the whole corpus, again and again, as `match` uses it.
class EngineRuns {
 public:
  EngineRuns(RuleSetPtr rules, const InputOptions& input) : engine_(std::move(rules), MatchOnly()) {
    source_ = engine_.AddSource(SourceName{"bench", 0}, input, nullptr, {});
  }

  // `on_match` is called once, at the first match ever.
  template <typename OnMatch>
  BenchAnswer Pass(const std::vector<std::string_view>& events, const OnMatch& on_match) {
    BenchAnswer answer;
    for (std::size_t i = 0; i < events.size(); ++i) {
      Record record;
      record.source = source_;
      record.offset = next_++;  // offsets grow over all passes: an old one would be a re-reading
      record.payload = events[i];
      output_.Clear();
      engine_.Process(record, ReadEdge{}, output_);
      if (!output_.alerts.empty() && std::exchange(none_yet_, false)) on_match();
      for (const Alert& alert : output_.alerts) answer.Add(i, IdentityOf(alert.rule));
    }
    return answer;
  }

 private:
  static Engine::Options MatchOnly() {
    Engine::Options options;
    options.match_only = true;
    return options;
  }

  Engine engine_;
  SourceId source_ = 0;
  Output output_;
  std::int64_t next_ = 0;
  bool none_yet_ = true;
};

// The walker alone, with the fields of all rules.
std::uint64_t WalkPass(Walker& walker, const Walker::Options& options,
                       const std::vector<std::string_view>& events) {
  std::uint64_t found = 0;
  for (const std::string_view event : events) {
    if (walker.Begin(event, options) != WalkFault::kNone) continue;
    while (walker.Next() != nullptr) ++found;
  }
  return found;
}

// Times of one contestant, one per round, and whether its answer was the same each time.
class Contestant {
 public:
  template <typename Pass>
  void Run(const Pass& pass) {
    const Steady::time_point start = Steady::now();
    const auto result = pass();
    seconds_.push_back(SecondsSince(start));
    if (!first_) first_ = result;
    steady_ = steady_ && *first_ == result;
  }
  [[nodiscard]] double BytesPerSecond(std::size_t bytes) const {
    const double median = Median(seconds_);
    return median > 0 ? static_cast<double>(bytes) / median : 0;
  }
  [[nodiscard]] bool steady() const noexcept { return steady_; }

 private:
  std::vector<double> seconds_;
  std::optional<std::uint64_t> first_;
  bool steady_ = true;
};

// Rounds of engine and yardsticks in turn, so that a busy moment of the machine meets all alike.
Result<void> MeasureRounds(EngineRuns& engine, const RuleSet& rules, const InputOptions& input,
                           const EventStore& store, double seconds, BenchFigures& figures) {
  bench::MemcpyYardstick copier(store.all().size());
  bench::OnDemandYardstick parser;
  Walker walker(&rules.fields());
  Contestant engines, copies, parses, walks;
  const auto same_answer = [&]() -> std::uint64_t {
    return engine.Pass(store.events(), [] {}) == figures.answer ? 1 : 0;
  };
  bool proved = true;
  const Steady::time_point start = Steady::now();
  for (; figures.rounds < kFewestRounds || SecondsSince(start) < seconds; ++figures.rounds) {
    engines.Run([&] {
      const std::uint64_t same = same_answer();
      proved = proved && same == 1;
      return same;
    });
    copies.Run([&] { return copier.Pass(store.all()); });
    parses.Run([&] { return parser.Pass(store.events()); });
    walks.Run([&] { return WalkPass(walker, input.walk, store.events()); });
  }
  if (!proved || !parses.steady() || !walks.steady()) {
    return Fail(Fault::kInternal, "two passes over the same events gave different answers");
  }
  figures.engine = engines.BytesPerSecond(figures.bytes);
  figures.copy = copies.BytesPerSecond(figures.bytes);
  figures.on_demand = parses.BytesPerSecond(figures.bytes);
  figures.walk = walks.BytesPerSecond(figures.bytes);
  return {};
}

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

Result<BenchFigures> Measure(const BenchFlags& flags, const Context& context) {
  const Result<Config> config = LoadConfig(flags.config);
  if (!config) return tl::unexpected<Error>(config.error());
  const InputConfig input = config->inputs.empty() ? InputConfig{} : config->inputs.front();
  const Result<EventStore> store = LoadEvents(flags, input);
  if (!store) return tl::unexpected<Error>(store.error());
  PinThisThread();

  BenchFigures figures;
  const double resident_before = ResidentBytes();
  const Steady::time_point start = Steady::now();
  const Result<RuleSetPtr> rules = UsableRuleSet(*config, flags.rules, context);
  if (!rules) return tl::unexpected<Error>(rules.error());
  figures.load_seconds = figures.compiled_seconds = SecondsSince(start);  // compiled while loading
  const InputOptions options = InputOptionsOf(input, **rules);
  EngineRuns engine(*rules, options);
  figures.answer =
      engine.Pass(store->events(), [&] { figures.first_match_seconds = SecondsSince(start); });
  figures.engine_rss_bytes = std::max(0.0, ResidentBytes() - resident_before);
  figures.rules = ActiveRules(**rules);
  figures.events = store->events().size();
  figures.bytes = store->all().size();
  if (auto ok = MeasureRounds(engine, **rules, options, *store, flags.seconds, figures); !ok) {
    return tl::unexpected<Error>(ok.error());
  }
  return figures;
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

std::string DigestText(const BenchAnswer& answer) {
  return fmt::format("{:016x}{:016x}", answer.digest[0], answer.digest[1]);
}

double EventsPerSecond(const BenchFigures& figures) {
  if (figures.bytes == 0) return 0;
  return figures.engine * static_cast<double>(figures.events) / static_cast<double>(figures.bytes);
}

double Ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::string Json(const BenchFigures& f) {
  std::vector<std::string> versions{
      fmt::format("{}:{}", JsonString("faultline"), JsonString(kVersion))};
  for (const auto& [name, version] : LibraryVersions()) {
    versions.push_back(fmt::format("{}:{}", JsonString(name), JsonString(version)));
  }
  // 0 stands for "no event matched"; null says it.
  const std::string first =
      f.answer.matches == 0 ? "null" : fmt::format("{:.6f}", f.first_match_seconds);
  return fmt::format(
      R"({{"machine":{},"versions":{{{}}},"rules":{},"events":{},"bytes":{},"matches":{},)"
      R"("matches_digest":"{}","rounds":{},"threads":1,"load_seconds":{:.6f},)"
      R"("first_match_seconds":{},"compiled_seconds":{:.6f},"cache":"none",)"
      R"("engine_rss_bytes":{:.0f},"events_per_second":{:.1f},"bytes_per_second":{:.0f},)"
      R"("yardsticks":{{"memcpy":{:.0f},"simdjson_ondemand_10_fields":{:.0f},)"
      R"("walk_and_route":{:.0f}}},"ratios":{{"memcpy":{:.6f},)"
      R"("simdjson_ondemand_10_fields":{:.6f},"walk_and_route":{:.6f}}}}})"
      "\n",
      JsonString(Machine()), fmt::join(versions, ","), f.rules, f.events, f.bytes, f.answer.matches,
      DigestText(f.answer), f.rounds, f.load_seconds, first, f.compiled_seconds, f.engine_rss_bytes,
      EventsPerSecond(f), f.engine, f.copy, f.on_demand, f.walk, Ratio(f.engine, f.copy),
      Ratio(f.engine, f.on_demand), Ratio(f.engine, f.walk));
}

std::string Table(const BenchFigures& f) {
  const auto row = [&f](std::string_view name, double speed) {
    return fmt::format("  {:<30}{:>12.1f} MB/s   engine / it {:.4f}\n", name, speed / 1e6,
                       Ratio(f.engine, speed));
  };
  return fmt::format(
             "{}\n{} rules, {} events, {} bytes, {} matches ({}), {} rounds\n"
             "rules loaded and compiled in {:.2f} s, {:.1f} MB for the engine\n"
             "  {:<30}{:>12.1f} MB/s   {:.0f} events/s\n",
             Machine(), f.rules, f.events, f.bytes, f.answer.matches, DigestText(f.answer),
             f.rounds, f.load_seconds, f.engine_rss_bytes / 1e6, "engine", f.engine / 1e6,
             EventsPerSecond(f)) +
         row("memcpy", f.copy) + row("simdjson on-demand, 10 fields", f.on_demand) +
         row("walker alone", f.walk);
}

}  // namespace

Result<void> EventStore::Add(const std::string& path, std::size_t max_event_bytes) {
  FileSource::Options options;
  options.max_event_bytes = max_event_bytes;
  Result<FileSource> file = FileSource::Open(path, options);
  if (!file) return tl::unexpected<Error>(file.error());
  while (true) {
    const Result<std::optional<FileRecord>> record = file->Next();
    if (!record) return tl::unexpected<Error>(record.error());
    if (!*record) return {};
    if ((*record)->damaged || (*record)->tombstone) continue;
    bytes_.append((*record)->payload);
    ends_.push_back(bytes_.size());
  }
}

void EventStore::Seal() {
  size_ = bytes_.size();
  bytes_.append(bench::ReadablePadding(), '\0');
  std::size_t from = 0;
  for (const std::size_t end : ends_) {
    events_.emplace_back(bytes_.data() + from, end - from);
    from = end;
  }
}

void BenchAnswer::Add(std::uint64_t event, std::string_view rule) {
  ++matches;
  digest[0] += Hash64(rule, event);
  digest[1] += Hash64(rule, ~event);
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

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
  command->add_option("--seconds", flags->seconds, "How long to measure; three rounds at least")
      ->check(CLI::Range(0.0, 86400.0))
      ->type_name("S");
  command->add_option("--threads", flags->threads, "Measuring threads; one is all there is")
      ->check(CLI::Range(1, 1))
      ->type_name("N");
  command->footer(
      "Example:  faultline bench --rules rules/ events.ndjson.zst --format json\n"
      "Exit codes:  0 fine, 2 rules do not load, 64 usage, 70 passes disagree, 74 input or output");
  command->callback([flags, &context] {
    const Result<BenchFigures> figures = Measure(*flags, context);
    if (!figures) return context.Failed(figures.error());
    const std::string text = context.Machine() ? Json(*figures) : Table(*figures);
    if (auto ok = WriteOut(text); !ok) context.Failed(ok.error());
  });
}

}  // namespace faultline::app
