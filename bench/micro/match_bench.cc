// SPDX-License-Identifier: Apache-2.0
//
// The engine stage by stage, each one with what comes before it: what a stage takes is the
// difference. Then what memo and witnesses are worth, and what rules of each cost class take alone.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>

#include "bench/micro/corpus.h"
#include "matcher/signature/plan.h"

namespace faultline::bench {
namespace {

using app::EventViews;

const app::RuleSetPtr& AllRules() {
  static const app::RuleSetPtr rules = WindowsRules();
  return rules;
}

void Account(benchmark::State& state, const Corpus& corpus) {
  const auto events = static_cast<std::int64_t>(corpus.events().size());
  state.SetItemsProcessed(state.iterations() * events);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(corpus.bytes()));
}

void BM_Walk(benchmark::State& state, const Corpus& (*of)()) {
  const Corpus& corpus = of();
  Walker walker(&AllRules()->fields());
  const auto pass = [&] {
    std::size_t found = 0;
    for (const std::string_view event : corpus.events()) {
      if (walker.Begin(event, {}) != WalkFault::kNone) continue;
      while (walker.Next() != nullptr) ++found;
    }
    return found;
  };
  Prove(pass() == corpus.events().size(), "every line is an event");
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(pass());
  Account(state, corpus);
}
BENCHMARK_CAPTURE(BM_Walk, mixed, Corpus::Mixed)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Walk, creations, Corpus::Creations)->Unit(benchmark::kMillisecond);

void BM_Match(benchmark::State& state, const Corpus& (*of)(), MatcherOptions options) {
  const Corpus& corpus = of();
  app::MatchPass pass(AllRules(), {}, options);
  const std::uint64_t matches = options.route_only ? 0 : corpus.matches();
  Prove(pass.Run(corpus.events(), {}) == app::MatchPass::Found{corpus.events().size(), matches},
        "the recorded matches");
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(pass.Run(corpus.events(), {}));
  Account(state, corpus);
}
#define FAULTLINE_BOTH(name, ...)                                                               \
  BENCHMARK_CAPTURE(BM_Match, name##_mixed, Corpus::Mixed, MatcherOptions{__VA_ARGS__})         \
      ->Unit(benchmark::kMillisecond);                                                          \
  BENCHMARK_CAPTURE(BM_Match, name##_creations, Corpus::Creations, MatcherOptions{__VA_ARGS__}) \
      ->Unit(benchmark::kMillisecond)
FAULTLINE_BOTH(route_only, .route_only = true);
FAULTLINE_BOTH(warm);
FAULTLINE_BOTH(cold, .cold = true);
FAULTLINE_BOTH(no_memo, .memo = false);
FAULTLINE_BOTH(no_witnesses, .witnesses = false);
FAULTLINE_BOTH(neither, .memo = false, .witnesses = false);

// What alert records add.
void BM_Process(benchmark::State& state, const Corpus& (*of)()) {
  const Corpus& corpus = of();
  app::EnginePass pass(AllRules(), {}, {});
  Prove(pass.Run(corpus.events(), {}).matches == corpus.matches(), "the recorded matches");
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(pass.Run(corpus.events(), {}).matches);
  Account(state, corpus);
}
BENCHMARK_CAPTURE(BM_Process, mixed, Corpus::Mixed)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Process, creations, Corpus::Creations)->Unit(benchmark::kMillisecond);

// Rules whose dearest condition is of one class, without memo; "keywords" whatever their class.
void BM_RulesOf(benchmark::State& state, Cost cost, bool keywords) {
  const Corpus& corpus = Corpus::Mixed();
  const app::RuleSetPtr rules = WindowsRules([&](const sigma::DetectionRule& rule) {
    const RulePlan plan = PlanOf(rule);
    const bool looks_everywhere = std::any_of(plan.items.begin(), plan.items.end(),
                                              [](const auto& item) { return item.keywords; });
    return keywords ? looks_everywhere : plan.cost == cost && !looks_everywhere;
  });
  app::MatchPass pass(rules, {}, {.memo = false});
  app::MatchPass plainly(rules, {}, {.memo = false, .witnesses = false});
  Prove(pass.Run(corpus.events(), {}) == plainly.Run(corpus.events(), {}), "without witnesses too");
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(pass.Run(corpus.events(), {}));
  Account(state, corpus);
  state.counters["rules"] = static_cast<double>(rules->detections().size());
}
BENCHMARK_CAPTURE(BM_RulesOf, hash, Cost::kHash, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RulesOf, literal, Cost::kLiteral, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RulesOf, lazy, Cost::kLazy, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RulesOf, regex, Cost::kRegex, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RulesOf, pcre2, Cost::kBacktracking, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RulesOf, keywords, Cost::kHash, true)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace faultline::bench

BENCHMARK_MAIN();
