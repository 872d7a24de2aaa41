// SPDX-License-Identifier: Apache-2.0
// Counts every allocation of the program: a warm engine makes none for records that match nothing.
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "matcher/engine.h"
#include "tests/support/counted_memory.h"

namespace faultline {
namespace {

using testing::Allocations;

constexpr char kRules[] = R"(title: values
name: values
logsource: {category: test}
detection:
  exact: {a: 'x'}
  part: {a|contains: ['tail', "\u00E9"]}
  glob: {a: 'C:*.exe'}
  expression: {a|re: '^(x|xx)+y'}
  words: [needle]
  condition: 1 of them
---
title: many
correlation:
  type: event_count
  rules: [values]
  group-by: [a]
  timespan: 5m
  condition: {gte: 2}
)";

// A warm engine allocates nothing for records that match nothing.
void ExpectNoAllocation(bool match_only) {
  sigma::RuleCollection read = sigma::LoadRulesFromText(kRules, "rules.yml");
  ASSERT_TRUE(read.errors.empty()) << read.errors.front().ToString();
  RuleSet::Options compiling;
  compiling.extra_fields = DefaultTimestamps();
  Engine::Options options;
  options.match_only = match_only;
  Engine engine(RuleSet::Compile(std::move(read), compiling).value(), options);
  const SourceId source = engine.AddSource(SourceName{"topic", 0}, {}, nullptr, {});
  Output out;
  std::size_t alerts = 0;
  std::int64_t offset = 0;
  const auto put = [&](std::string_view payload) {
    Record record;
    record.source = source;
    record.offset = offset++;
    record.payload = payload;
    out.Clear();
    engine.Process(record, {}, out);
    alerts += out.alerts.size();
  };
  // Event time moves on with every record, so that the correlators are told.
  char event[] =
      R"({"@timestamp":"2026-01-01T00:00:00Z","a":"some \u00C8 text","b":["C:\\b.exe",4.5e3]})";
  std::size_t minutes = 0;
  const auto write = [&event](std::size_t at, std::size_t number) {
    event[at] = static_cast<char>('0' + number / 10);
    event[at + 1] = static_cast<char>('0' + number % 10);
  };
  const auto minute = [&] {
    write(26, minutes / 60);
    write(29, minutes % 60);
    for (std::size_t second = 0; second < 60; ++second) {
      write(32, second);
      put(event);
      put(R"({"a":null})");
      put(R"([{"a":"first"},{"c":{"d":"second"}}])");
      put("");
    }
    ++minutes;
  };
  for (int i = 0; i < 2; ++i) put(R"({"@timestamp":"2026-01-01T00:00:00Z","a":"x"})");
  // So long that witnesses are chosen for the last time, and what waited has been released.
  while (minutes < 200) minute();
  const std::size_t told = alerts;
  const long before = Allocations();
  while (minutes < 210) minute();
  EXPECT_EQ(Allocations(), before);
  EXPECT_EQ(alerts, told);
  EXPECT_GE(told, 1u);
}

TEST(EngineMemory, MatchingAlone) { ExpectNoAllocation(true); }
TEST(EngineMemory, WithCorrelations) { ExpectNoAllocation(false); }

}  // namespace
}  // namespace faultline
