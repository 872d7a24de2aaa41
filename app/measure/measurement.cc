// SPDX-License-Identifier: Apache-2.0
#include "app/measure/measurement.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "app/class_compiler.h"
#include "app/measure/match_pass.h"
#include "app/measure/pinned_team.h"
#include "bench/yardsticks/yardsticks.h"
#include "exporters/process_stats.h"

namespace faultline::app {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kFewestRounds = 9;
constexpr std::size_t kFew = 32;

double SecondsSince(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

double ResidentBytes() { return ReadProcessStats().resident_bytes.value_or(0); }

// What one thread has of each contestant.
struct Seat {
  Seat(const RuleSetPtr& rules, const InputOptions& input, const EventStore& store, Share the_share)
      : share(the_share),
        bytes(store.all().substr(share.thread * (store.all().size() / share.threads),
                                 store.all().size() / share.threads)),
        copy(bytes.size()),
        route(rules, input, {.route_only = true}) {}

  Share share;
  std::string_view bytes;              // what it copies
  std::unique_ptr<EnginePass> engine;  // null until SitDown()
  bench::MemcpyYardstick copy;
  bench::OnDemandYardstick on_demand;
  MatchPass route;
  BenchAnswer answer;       // of the engine's last pass
  std::uint64_t found = 0;  // by the yardstick's last pass
};

// Rounds of engine and yardsticks in turn, so that a busy moment of the machine meets all alike.
class Contest {
 public:
  Contest(RuleSetPtr rules, const InputOptions& input, const EventStore& store,
          const MeasureOptions& options, PinnedTeam* team)
      : rules_(std::move(rules)), input_(input), store_(store), options_(options), team_(team) {
    for (std::size_t thread = 0; thread < options.threads; ++thread) {
      const Share share{thread, options.threads};
      seats_.push_back(std::make_unique<Seat>(rules_, input_, store_, share));
    }
    for (std::size_t i = 0; i < store.events().size(); i += kFew) few_.push_back(store.events()[i]);
  }

  // Fills in what was measured. Requires: figures.answer is that of the engine's first pass.
  Result<void> Run(BenchFigures& figures) {
    bool same = true;
    const auto engines = [&] {
      const double seconds =
          All([this](Seat& seat) { seat.answer = seat.engine->Run(store_.events(), seat.share); });
      BenchAnswer sum;
      for (const auto& seat : seats_) sum.Add(seat->answer);
      same = same && sum == figures.answer;
      return seconds;
    };
    const auto alone = [&] {
      BenchAnswer answer;
      const double seconds = team_->Run(1, [&](std::size_t) {
        answer = alone_->Run(store_.events(), Share{0, 1});
      });
      same = same && answer == figures.answer;
      return seconds;
    };
    const auto route = [this] {
      return All(
          [this](Seat& seat) { seat.found = seat.route.Run(store_.events(), seat.share).events; });
    };
    // A pass that nobody times fills the memos.
    route();
    if (!options_.cold) {
      SitDown();
      engines();
      if (alone_ != nullptr) alone();
    }
    std::optional<std::uint64_t> parsed, routed;
    const Steady::time_point start = Steady::now();
    for (; figures.rounds < kFewestRounds || SecondsSince(start) < options_.seconds;
         ++figures.rounds) {
      if (options_.cold) SitDown();
      figures.engine.Add(engines());
      if (alone_ != nullptr) figures.one_thread.Add(alone());
      figures.copy.Add(All([](Seat& seat) { seat.found = seat.copy.Pass(seat.bytes); }));
      figures.on_demand.Add(All([this](Seat& seat) { seat.found = Parse(seat); }));
      same = same && Found() == parsed.value_or(Found());
      parsed = Found();
      figures.route.Add(route());
      same = same && Found() == routed.value_or(Found());
      routed = Found();
    }
    if (same) return {};
    return Fail(Fault::kInternal, "two passes over the same events gave different answers");
  }

 private:
  // Engines with empty memos. Cold ones are given some events, so that what a worker makes once
  // for each class is not timed.
  void SitDown() {
    Engine::Options engine;
    engine.matching.cold = options_.cold;
    for (auto& seat : seats_) seat->engine = std::make_unique<EnginePass>(rules_, input_, engine);
    if (options_.threads > 1) alone_ = std::make_unique<EnginePass>(rules_, input_, engine);
    if (!options_.cold) return;
    All([this](Seat& seat) { seat.engine->Run(few_, Share{0, 1}); });
    if (alone_ != nullptr) team_->Run(1, [this](std::size_t) { alone_->Run(few_, Share{0, 1}); });
  }

  template <typename Work>
  double All(const Work& work) {
    return team_->Run(seats_.size(), [&](std::size_t thread) { work(*seats_[thread]); });
  }

  std::uint64_t Parse(Seat& seat) const {
    std::uint64_t found = 0;
    seat.share.ForEachBlock(store_.events().size(), [&](std::size_t first, std::size_t count) {
      found += seat.on_demand.Pass({store_.events().data() + first, count});
    });
    return found;
  }

  [[nodiscard]] std::uint64_t Found() const {
    std::uint64_t found = 0;
    for (const auto& seat : seats_) found += seat->found;
    return found;
  }

  RuleSetPtr rules_;
  InputOptions input_;
  const EventStore& store_;
  MeasureOptions options_;
  PinnedTeam* team_;                          // never null
  std::vector<std::unique_ptr<Seat>> seats_;  // one per thread
  EventViews few_;                            // every kFew-th event
  std::unique_ptr<EnginePass> alone_;         // the engine on one thread; null when that is all
};

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double Contestant::BytesPerSecond(std::size_t bytes) const {
  const double median = Median(seconds_);
  return median > 0 ? static_cast<double>(bytes) / median : 0;
}

double Contestant::SpeedOver(const Contestant& other) const {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < std::min(seconds_.size(), other.seconds_.size()); ++round) {
    if (seconds_[round] > 0) ratios.push_back(other.seconds_[round] / seconds_[round]);
  }
  return Median(std::move(ratios));
}

Result<BenchFigures> Measure(const EventStore& store, const InputConfig& input,
                             const std::function<Result<RuleSetPtr>()>& load,
                             const MeasureOptions& options) {
  BenchFigures figures;
  PinnedTeam team(options.threads);
  const double resident_before = ResidentBytes();
  const Steady::time_point start = Steady::now();
  const Result<RuleSetPtr> rules = load();
  if (!rules) return tl::unexpected<Error>(rules.error());
  figures.load_seconds = SecondsSince(start);
  if ((*rules)->databases() != nullptr) {
    figures.cache = (*rules)->databases()->warm() ? "warm" : "cold";
  }
  const InputOptions read = InputOptionsOf(input, **rules);
  {
    ClassCompiler ahead(*rules, options.cache);
    EnginePass first(*rules, read, {});
    first.on_first_match = [&] { figures.first_match_seconds = SecondsSince(start); };
    team.Run(1, [&](std::size_t) { figures.answer = first.Run(store.events(), Share{0, 1}); });
    ahead.Finish();
    figures.compiled_seconds = SecondsSince(start);
    figures.engine_rss_bytes = std::max(0.0, ResidentBytes() - resident_before);
  }
  figures.rules = ActiveRules(**rules);
  figures.events = store.events().size();
  figures.bytes = store.all().size();
  Contest contest(*rules, read, store, options, &team);
  if (auto ok = contest.Run(figures); !ok) return tl::unexpected<Error>(ok.error());
  figures.costs = MeasureCosts(**rules, read, store);
  return figures;
}

}  // namespace faultline::app
