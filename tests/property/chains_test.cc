// SPDX-License-Identifier: Apache-2.0
//
// Generated correlations and chains over generated streams: the engine's records equal those of an
// oracle that keeps every event and looks at every predicate from scratch, ids included; and the way
// in which the records were read does not matter. FAULTLINE_SEED and FAULTLINE_CASES choose other
// cases.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/engine.h"
#include "tests/property/generated_chains.h"
#include "tests/reference/brute_chains.h"
#include "tests/support/sanitized.h"

namespace faultline::testing {
namespace {

using reference::ChainAlert;
using reference::ChainEvent;
using reference::ChainWorld;
using Lines = std::multiset<std::string>;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// A world and what the engine made of it.
struct Compiled {
  ChainWorld world;
  std::string yaml;
  std::shared_ptr<const RuleSet> rules;  // null: refused
  std::set<std::string> impossible;      // rules that were refused because they can never fire
};

constexpr const char* kPack =
    "{name: generated, version: 1.0.0, description: made up, lookups: {sites: {columns: [key, "
    "site]}}}";

Compiled Compile(ChainWorld world) {
  Compiled compiled{std::move(world), {}, nullptr, {}};
  compiled.yaml = ToYaml(compiled.world);
  RuleSet::Options options;
  options.extra_fields = DefaultTimestamps();
  std::vector<sigma::TextFile> files = {{"generated.yml", compiled.yaml}};
  if (!compiled.world.table.empty()) {
    files.push_back({"pack.yaml", kPack});
    files.push_back({"lookups/sites.csv", TableOf(compiled.world)});
  }
  auto loaded = sigma::LoadRulesFromFiles(files);
  if (!loaded) {
    ADD_FAILURE() << loaded.error().ToString() << '\n' << compiled.yaml;
    return compiled;
  }
  auto rules = RuleSet::Compile(std::move(*loaded), options);
  if (!rules) {
    ADD_FAILURE() << rules.error().ToString() << '\n' << compiled.yaml;
    return compiled;
  }
  for (const Error& error : (*rules)->errors()) {
    const std::string text = error.ToString();
    if (text.find("can never hold") == text.npos && text.find("which is rejected") == text.npos) {
      ADD_FAILURE() << text << '\n' << compiled.yaml;
      return compiled;
    }
    for (const sigma::ReportEntry& entry : (*rules)->report()) {
      if (entry.state == sigma::RuleState::kRejected) compiled.impossible.insert(entry.id);
    }
  }
  if (!compiled.impossible.empty()) return compiled;
  for (reference::ChainRule& rule : compiled.world.rules) {
    for (const sigma::CorrelationRule& each : (*rules)->correlations()) {
      if (each.meta.id == rule.name) rule.semantics = each.semantics;
    }
  }
  compiled.rules = *rules;
  return compiled;
}

ChainAlert AsOracleTells(const Alert& alert) {
  ChainAlert told;
  told.rule = alert.rule->id;
  told.status = ToString(alert.status);
  for (const NamedValue& value : alert.group) told.group.emplace_back(value.name, value.value);
  told.time = alert.time.nanos();
  told.seq = alert.seq;
  told.level = sigma::ToString(alert.level);
  told.title = alert.title.empty() ? alert.rule->title : alert.title;
  told.cause = alert.explanation.cause;
  told.suppressed = alert.suppressed_count;
  told.others = alert.others;
  std::sort(told.others.begin(), told.others.end());
  told.id = alert.id;
  return told;
}

// Reads events in the order given. Sources may share a name: each record keeps its origin whichever
// source it is read through.
class Reader {
 public:
  Reader(const Compiled& compiled, std::size_t sources) : engine_(compiled.rules, {}) {
    for (std::size_t i = 0; i < sources; ++i) ways_.push_back(i);
  }

  void Read(const ChainEvent& event, std::size_t way) {
    const std::string payload = ToJson(event);
    const SourceName name{event.origin.topic, event.origin.partition};
    Record record;
    record.source = SourceOf(name, way);
    record.offset = event.origin.offset;
    record.payload = payload;
    engine_.Process(record, {}, out_);
    Drain();
  }
  void Finish() {
    engine_.Finish(out_);
    Drain();
  }
  // All sources are there from the start: what comes first through one is not late for another.
  void Open(const std::vector<ChainEvent>& events) {
    for (const ChainEvent& event : events) {
      for (const std::size_t way : ways_) {
        (void)SourceOf({event.origin.topic, event.origin.partition}, way);
      }
    }
  }

  [[nodiscard]] const Lines& lines() const { return lines_; }
  [[nodiscard]] std::size_t late() const { return late_; }

 private:
  SourceId SourceOf(const SourceName& name, std::size_t way) {
    const auto [at, fresh] = ids_.try_emplace({name, way}, 0);
    if (fresh) {
      InputOptions input;
      input.walk.shape = Shape::kFlat;
      at->second = engine_.AddSource(name, input, nullptr, {});
    }
    return at->second;
  }
  void Drain() {
    for (const Alert& alert : out_.alerts) {
      if (alert.kind != AlertKind::kDetection) lines_.insert(ToString(AsOracleTells(alert)));
    }
    late_ += out_.late.size();
    out_.Clear();
  }

  Engine engine_;
  std::vector<std::size_t> ways_;
  std::map<std::pair<SourceName, std::size_t>, SourceId> ids_;
  Output out_;
  Lines lines_;
  std::size_t late_ = 0;
};

Lines Oracle(const Compiled& compiled, const std::vector<ChainEvent>& events) {
  Lines lines;
  for (const ChainAlert& alert : reference::Correlate(compiled.world, events)) {
    lines.insert(ToString(alert));
  }
  return lines;
}

Lines InOrder(const Compiled& compiled, const std::vector<ChainEvent>& events) {
  Reader reader(compiled, 1);
  reader.Open(events);
  for (const ChainEvent& event : events) reader.Read(event, 0);
  reader.Finish();
  return reader.lines();
}

std::string Missing(const Lines& from, const Lines& in, const char* mark) {
  std::string text;
  for (const std::string& line : from) {
    if (in.count(line) < from.count(line)) text += std::string(mark) + line + '\n';
  }
  return text;
}

// The same failure with as few events as can be.
std::string Told(const Compiled& compiled, std::vector<ChainEvent> events) {
  const auto differs = [&](const std::vector<ChainEvent>& some) {
    return InOrder(compiled, some) != Oracle(compiled, some);
  };
  for (std::size_t i = 0; i < events.size() && differs(events);) {
    std::vector<ChainEvent> fewer = events;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (differs(fewer)) {
      events = std::move(fewer);
      i = 0;
    } else {
      ++i;
    }
  }
  std::string text = compiled.yaml;
  for (const ChainEvent& event : events) {
    text += std::to_string(event.time) + " " + event.origin.topic + "/" +
            std::to_string(event.origin.partition) + "/" + std::to_string(event.origin.offset) +
            " " + ToJson(event) + '\n';
  }
  const Lines engine = InOrder(compiled, events), oracle = Oracle(compiled, events);
  return text + Missing(engine, oracle, "engine only: ") + Missing(oracle, engine, "oracle only: ");
}

// Runs `check(seed, compiled, random)` for generated worlds of every family.
template <class Check>
void ForEachWorld(std::uint64_t worlds, const Check& check) {
  const std::uint64_t first = FromEnvironment("FAULTLINE_SEED", 1);
  const std::uint64_t only = FromEnvironment("FAULTLINE_FAMILY", kChainFamilies);
  std::cout << "FAULTLINE_SEED=" << first << " FAULTLINE_CASES=" << worlds << '\n';
  std::uint64_t failed = 0, impossible = 0;
  for (std::uint64_t seed = first; seed < first + worlds && failed < 3; ++seed) {
    const auto family = only < kChainFamilies ? only : seed % kChainFamilies;
    Random random(seed);
    const Compiled compiled = Compile(MakeWorld(random, static_cast<ChainFamily>(family)));

    if (!compiled.impossible.empty()) {
      ++impossible;
      for (const ChainAlert& alert : reference::Correlate(compiled.world, MakeStream(random, 60))) {
        EXPECT_EQ(compiled.impossible.count(alert.rule), 0u)
            << "FAULTLINE_SEED=" << seed << " fires: " << ToString(alert) << compiled.yaml;
      }
      continue;
    }
    if (compiled.rules == nullptr || !check(seed, compiled, random)) {
      std::cout << "FAULTLINE_SEED=" << seed << " family " << family << '\n';
      ++failed;
    }
  }
  std::cout << impossible << " rule sets were refused: they can never fire\n";
}

constexpr std::uint64_t kStreamsPerWorld = 4;

// How many cases a run tries, four a world; a few worlds are refused.
std::uint64_t Worlds(std::uint64_t cases) {
  return FromEnvironment("FAULTLINE_CASES", kSanitized ? 1'200 : cases) / kStreamsPerWorld;
}

TEST(Chains, EngineEqualsTheOracleIdsIncluded) {
  std::uint64_t cases = 0, alerts = 0, silent = 0;
  ForEachWorld(Worlds(21'000), [&](std::uint64_t seed, const Compiled& compiled, Random& random) {
    for (std::uint64_t stream = 0; stream < kStreamsPerWorld; ++stream) {
      const std::vector<ChainEvent> events = MakeStream(random, 4 + random() % 40);
      const Lines oracle = Oracle(compiled, events);
      const Lines engine = InOrder(compiled, events);
      ++cases;
      alerts += oracle.size();
      silent += oracle.empty() ? 1 : 0;
      if (engine == oracle) continue;
      ADD_FAILURE() << "FAULTLINE_SEED=" << seed << " stream " << stream << '\n'
                    << Told(compiled, events);
      return false;
    }
    return true;
  });
  std::cout << cases << " cases, " << alerts << " records, " << silent << " cases without any\n";
  EXPECT_GT(alerts, cases / 2);
}

// However the records come in, as long as none is late: shuffled within the lateness, through one to
// eight sources.
TEST(Chains, ArrivalOrderAndSourcesDoNotMatter) {
  ForEachWorld(Worlds(4'400), [&](std::uint64_t seed, const Compiled& compiled, Random& random) {
    const std::vector<ChainEvent> events = MakeStream(random, 4 + random() % 40);
    const Lines expected = InOrder(compiled, events);
    for (std::uint64_t run = 0; run < 2; ++run) {
      const std::size_t sources = 1 + random() % 8;
      const std::vector<ChainEvent> arrivals = Shuffled(random, events);
      Reader reader(compiled, sources);
      reader.Open(arrivals);
      for (const ChainEvent& event : arrivals) reader.Read(event, random() % sources);
      reader.Finish();
      EXPECT_EQ(reader.late(), 0u) << "FAULTLINE_SEED=" << seed;
      if (reader.lines() == expected) continue;
      ADD_FAILURE() << "FAULTLINE_SEED=" << seed << " run " << run << '\n'
                    << compiled.yaml << Missing(reader.lines(), expected, "shuffled only: ")
                    << Missing(expected, reader.lines(), "in order only: ");
      return false;
    }
    return true;
  });
}

// A log per source: offsets in the order of arrival.
std::vector<ChainEvent> AsLogs(std::vector<ChainEvent> arrivals) {
  std::map<SourceName, std::int64_t> next;
  for (ChainEvent& event : arrivals) {
    event.origin.offset = next[{event.origin.topic, event.origin.partition}]++;
  }
  return arrivals;
}

// A reader whose commits hold records, positions and state; a crash takes what is not committed.
class Committer {
 public:
  Committer(const Compiled& compiled, const std::vector<ChainEvent>& arrivals)
      : compiled_(compiled) {
    for (const ChainEvent& event : arrivals) {
      logs_[{event.origin.topic, event.origin.partition}].push_back(event);
    }
    Start();
  }

  // False where the source has nothing more.
  bool Read(const SourceName& name) {
    const std::size_t at = place_[name];
    if (at == logs_[name].size()) return false;
    const std::string payload = ToJson(logs_[name][at]);
    Record record;
    record.source = ids_[name];
    record.offset = logs_[name][at].origin.offset;
    record.payload = payload;
    engine_->Process(record, {}, out_);
    Take();
    ++place_[name];
    return true;
  }
  void Commit() {
    committed_.insert(open_.begin(), open_.end());
    open_.clear();
    state_ = engine_->SaveState();
    for (const SourcePosition& position : engine_->Positions()) stored_[position.source] = position;
  }
  // From what is committed; nothing else is left.
  void Start() {
    open_.clear();
    engine_ = std::make_unique<Engine>(compiled_.rules, Engine::Options{});
    if (!state_.empty()) {
      const auto loaded = engine_->LoadState(state_);
      if (!loaded) ADD_FAILURE() << loaded.error().ToString();
      EXPECT_EQ(engine_->SaveState(), state_) << "the same state, other bytes";
    }
    for (const auto& [name, log] : logs_) {
      const auto stored = stored_.find(name);
      const SourcePosition* position = stored == stored_.end() ? nullptr : &stored->second;
      InputOptions input;
      input.walk.shape = Shape::kFlat;
      ids_[name] = engine_->AddSource(name, input, position, {});
      place_[name] = position == nullptr ? 0 : static_cast<std::size_t>(position->committed);
    }
  }
  void Finish() {
    engine_->Finish(out_);
    Take();
    Commit();
  }

  [[nodiscard]] std::string State() const { return engine_->SaveState(); }
  [[nodiscard]] const Lines& committed() const { return committed_; }
  [[nodiscard]] std::vector<SourceName> Sources() const {
    std::vector<SourceName> names;
    for (const auto& [name, log] : logs_) names.push_back(name);
    return names;
  }

 private:
  void Take() {
    for (const Alert& alert : out_.alerts) {
      if (alert.kind != AlertKind::kDetection) open_.insert(ToString(AsOracleTells(alert)));
    }
    EXPECT_TRUE(out_.late.empty());
    out_.Clear();
  }

  const Compiled& compiled_;
  std::map<SourceName, std::vector<ChainEvent>> logs_;
  // Durable.
  std::string state_;
  std::map<SourceName, SourcePosition> stored_;
  Lines committed_;
  // Gone in a crash.
  std::unique_ptr<Engine> engine_;
  std::map<SourceName, SourceId> ids_;
  std::map<SourceName, std::size_t> place_;
  Output out_;
  Lines open_;
};

// State saved and loaded at any point, crashes at any point, reading in any order: every record is told
// once, and it is the same.
TEST(Chains, SavedStateAndCrashesLoseAndDoubleNothing) {
  ForEachWorld(Worlds(4'400), [&](std::uint64_t seed, const Compiled& compiled, Random& random) {
    const std::vector<ChainEvent> arrivals =
        AsLogs(Shuffled(random, MakeStream(random, 4 + random() % 40)));
    const Lines expected = Oracle(compiled, arrivals);
    Committer reader(compiled, arrivals);
    const std::vector<SourceName> sources = reader.Sources();
    const bool at_every_event = random() % 4 == 0;  // saved and loaded
    for (std::size_t step = 0; step < 4 * arrivals.size(); ++step) {
      (void)reader.Read(sources[random() % sources.size()]);
      const std::uint64_t what = random() % 10;
      if (at_every_event || what < 3) reader.Commit();
      if (at_every_event || what == 3 || what == 0) reader.Start();
    }
    Committer straight(compiled, arrivals);
    for (const SourceName& source : sources) {
      while (reader.Read(source)) {
      }
      while (straight.Read(source)) {
      }
    }
    EXPECT_EQ(reader.State(), straight.State()) << "FAULTLINE_SEED=" << seed;
    reader.Finish();
    if (reader.committed() == expected) return true;
    ADD_FAILURE() << "FAULTLINE_SEED=" << seed << '\n'
                  << compiled.yaml << Missing(reader.committed(), expected, "with crashes only: ")
                  << Missing(expected, reader.committed(), "oracle only: ");
    return false;
  });
}

}  // namespace
}  // namespace faultline::testing
