// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/exchange_pack.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/commands/common.h"
#include "tests/support/data.h"

namespace faultline::app {

RuleSetPtr ExchangePack() {
  const auto path = testing::SourceDir() / "packs/exchange-cluster";
  auto rules = RuleSet::Compile(*sigma::LoadRules({path.string()}), CompileOptions(Config{}));
  return rules ? *rules : nullptr;
}

std::vector<WindowsEvent> Incidents() {
  std::vector<WindowsEvent> events = StoryIncidents();
  std::stable_sort(events.begin(), events.end(),
                   [](const WindowsEvent& a, const WindowsEvent& b) { return a.time < b.time; });
  return events;
}

std::multiset<Said> SaidOf(const RuleSetPtr& rules, const std::vector<Sent>& records,
                           std::string_view shape) {
  Engine engine(rules, {});
  InputOptions input;
  input.walk.shape = *rules->shapes().Find(shape);
  input.timestamp = {"\x01"};  // the record's: not every shipper's sample carries the event's own
  Record record;
  record.source = engine.AddSource({"story", 0}, input, nullptr, {});
  record.timestamp_kind = TimestampKind::kCreateTime;
  std::multiset<Said> said;
  Output out;
  const auto keep = [&] {
    for (const Alert& alert : out.alerts) {
      std::string group;
      for (const NamedValue& part : alert.group) group += part.name + "=" + part.value + " ";
      said.emplace(alert.rule->id, group, alert.variant, std::string(ToString(alert.status)),
                   alert.time.nanos(), static_cast<int>(alert.level), alert.explanation.remedy,
                   alert.explanation.cause);
    }
    out.Clear();
  };
  for (const Sent& sent : records) {
    record.payload = sent.payload;
    record.timestamp = sent.time;
    engine.Process(record, ReadEdge{}, out);
    EXPECT_FALSE(out.dead_letter) << sent.payload;
    ++record.offset;
    keep();
  }
  engine.Finish(out);
  keep();
  return said;
}

// What one says and the other does not, a line each.
std::string Difference(const std::multiset<Said>& expected, const std::multiset<Said>& said) {
  std::string text;
  const auto tell = [&text](std::string_view mark, const std::multiset<Said>& ones,
                            const std::multiset<Said>& others) {
    for (const Said& one : ones) {
      if (others.count(one) == ones.count(one)) continue;
      const auto& [rule, group, variant, status, time, level, remedy, cause] = one;
      text +=
          fmt::format("\n{} {} {}{} {} at {} level {}: {} ({})", mark, rule, group, variant, status,
                      ToString(EventTime::Raw(time)), level, cause, fmt::join(remedy, " | "));
    }
  };
  tell("missing", expected, said);
  tell("more   ", said, expected);
  return text;
}

}  // namespace faultline::app
