// SPDX-License-Identifier: Apache-2.0
//
// The stages of the hot path one by one, on an event of our own. Times are for comparison within
// one run.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "matcher/event/walker.h"
#include "matcher/signature/rule_set.h"

namespace faultline {
namespace {

constexpr const char* kEvent =
    R"({"@timestamp":"2026-03-02T12:00:00Z","Channel":"Security","Provider_Name":"Microsoft-Windows-Security-Auditing",)"
    R"("EventID":4624,"Computer":"DC1","TargetUserName":"alice","LogonType":"3","IpAddress":"10.1.2.3",)"
    R"("Message":"An account was successfully logged on.\r\n\r\nNew Logon:\r\n\tAccount Name:\talice"})";

constexpr const char* kRule = R"(
title: network logon of alice
id: logon
logsource: {product: windows, service: security}
detection:
  s: {EventID: 4624, TargetUserName|contains: lic, Message|re: 'Account Name:\s+alice'}
  condition: s
)";

std::shared_ptr<const RuleSet> Rules() {
  auto rules = RuleSet::Compile(sigma::LoadRulesFromText(kRule, "bench.yml"), {});
  if (!rules || !(*rules)->errors().empty()) std::abort();
  return *rules;
}

const Event* Walk(Walker& walker) {
  if (walker.Begin(kEvent, {}) != WalkFault::kNone) std::abort();
  return walker.Next();
}

void BM_Walk(benchmark::State& state) {
  const auto rules = Rules();
  Walker walker(&rules->fields());
  for (auto _ : state) benchmark::DoNotOptimize(Walk(walker));
}
BENCHMARK(BM_Walk);

void BM_WalkAndMatch(benchmark::State& state) {
  const auto rules = Rules();
  Walker walker(&rules->fields());
  Matcher matcher(rules);
  if (matcher.Match(*Walk(walker)).size() != 1) std::abort();  // the answer comes before the time
  for (auto _ : state) benchmark::DoNotOptimize(matcher.Match(*Walk(walker)));
}
BENCHMARK(BM_WalkAndMatch);

}  // namespace
}  // namespace faultline

BENCHMARK_MAIN();
