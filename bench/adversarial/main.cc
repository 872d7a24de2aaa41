// SPDX-License-Identifier: Apache-2.0
//
// faultline_adversarial RULES EVENTS [COUNT]: time per byte of made-up streams beside that of
// EVENTS, walker and matcher alone, and what the stream added to the resident memory.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/measure/event_store.h"
#include "app/measure/match_pass.h"
#include "bench/adversarial/streams.h"
#include "exporters/process_stats.h"

namespace faultline::app {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kPasses = 3;            // the fastest counts
constexpr std::size_t kMostEvents = 1000000;  // of the stream that triggers rules
constexpr std::size_t kMaxBytes = 1 << 20;

template <typename T>
T OrDie(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().ToString().c_str());
  std::exit(1);
}

RuleSetPtr Load(const std::string& folder) {
  sigma::RuleCollection rules = OrDie(sigma::LoadRules({folder}));
  sigma::RuleCollection own = sigma::LoadRulesFromText(bench::TriggeredRules(), "triggers.yml");
  for (auto& rule : own.detections) rules.detections.push_back(std::move(rule));
  return OrDie(RuleSet::Compile(std::move(rules), {}));
}

struct Figures {
  MatchPass::Found found;
  double bytes = 0;  // of all events
  double nanoseconds = 0;
  double grown = 0;  // resident bytes

  [[nodiscard]] double PerByte() const { return nanoseconds / bytes; }
};

// Events one after the other, `times` over, by a worker that has seen nothing yet.
Figures Time(const RuleSetPtr& rules, const EventViews& events, std::size_t times,
             const MatcherOptions& options) {
  Figures figures;
  for (const std::string_view event : events) {
    figures.bytes += static_cast<double>(event.size() * times);
  }
  malloc_trim(0);  // what is free is not there
  const double before = ReadProcessStats().resident_bytes.value_or(0);
  MatchPass pass(rules, {}, options);
  auto fastest = Steady::duration::max();
  for (std::size_t i = 0; i < kPasses; ++i) {
    figures.found = {};
    const Steady::time_point start = Steady::now();
    for (std::size_t time = 0; time < times; ++time) {
      const MatchPass::Found found = pass.Run(events, {});
      figures.found.events += found.events;
      figures.found.matches += found.matches;
    }
    fastest = std::min(fastest, Steady::now() - start);
  }
  figures.nanoseconds = std::chrono::duration<double, std::nano>(fastest).count();
  figures.grown = std::max(0.0, ReadProcessStats().resident_bytes.value_or(0) - before);
  return figures;
}

EventViews Views(const std::vector<std::string>& events) { return {events.begin(), events.end()}; }

// The answer comes before the time: as without memo and witnesses, and as without what slows.
bool Proven(const RuleSetPtr& rules, const bench::Stream& stream) {
  const auto found = [&rules](const std::vector<std::string>& events, MatcherOptions options) {
    return MatchPass(rules, {}, options).Run(Views(events), {});
  };
  const MatchPass::Found answer = found(stream.events, {});
  if (answer.events != stream.events.size()) return false;
  if (!(found(stream.events, {.memo = false, .witnesses = false}) == answer)) return false;
  return stream.plain.empty() || found(stream.plain, {}) == answer;
}

void Tell(const std::string& name, const Figures& figures, const Figures& usual) {
  fmt::print("| {:<18} | {:>8} | {:>7.0f} | {:>8} | {:>7.3f} | {:>5.2f} | {:>5.0f} |\n", name,
             figures.found.events, figures.bytes / static_cast<double>(figures.found.events),
             figures.found.matches, figures.PerByte(), figures.PerByte() / usual.PerByte(),
             figures.grown / 1e6);
  std::fflush(stdout);
}

int Run(const std::string& folder, const std::string& corpus, std::size_t count) {
  const RuleSetPtr rules = Load(folder);
  EventStore store;
  if (auto ok = store.Add(corpus, kMaxBytes); !ok) {
    std::fprintf(stderr, "%s\n", ok.error().ToString().c_str());
    return 1;
  }
  store.Seal();
  fmt::print(
      "| stream | events | bytes each | matches | ns/byte | times the corpus | MB more |\n"
      "| --- | --- | --- | --- | --- | --- | --- |\n");
  const Figures usual = Time(rules, store.events(), 1, {});
  Tell("the corpus", usual, usual);
  for (const bench::Stream& stream : bench::AdversarialStreams(count)) {
    if (!Proven(rules, stream)) {
      std::fprintf(stderr, "%s: wrong matches\n", stream.name.c_str());
      return 1;
    }
    const bool triggers =
        stream.events.size() < kMostEvents && stream.name.ends_with("rules an event");
    const std::size_t times = triggers ? kMostEvents / stream.events.size() : 1;
    // A pass must not gain from the one before: no value is known.
    Tell(stream.name, Time(rules, Views(stream.events), times, {.cold = true}), usual);
  }
  return 0;
}

}  // namespace
}  // namespace faultline::app

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: faultline_adversarial RULES EVENTS [COUNT]\n", stderr);
    return 64;
  }
  const long count = argc > 3 ? std::atol(argv[3]) : 20000;
  return faultline::app::Run(argv[1], argv[2], static_cast<std::size_t>(std::max(count, 1000L)));
}
