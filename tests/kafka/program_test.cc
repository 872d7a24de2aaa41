// SPDX-License-Identifier: Apache-2.0
//
// The program on a real broker, as its users meet it. What is compared is what stands in the
// topics, read with read_committed by librdkafka's plain consumer.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/kafka/support/broker.h"
#include "tests/kafka/support/wait.h"
#include "tests/support/data.h"
#include "tests/support/program.h"

namespace faultline {
namespace {

using testing::Broker;
using testing::HttpGet;
using testing::Program;
using testing::ReadAll;
using testing::TemporaryFolder;
using testing::TestRecord;
using testing::UniqueName;
using testing::WaitUntil;

constexpr const char* kProgram = FAULTLINE_PROGRAM;

constexpr const char* kRules = R"(
title: Bad thing
id: bad-thing
logsource: {category: test}
detection: {s: {kind: bad}, condition: s}
level: high
---
title: First
name: first
id: first
logsource: {category: test}
detection: {s: {kind: first}, condition: s}
---
title: Second
name: second
id: second
logsource: {category: test}
detection: {s: {kind: second}, condition: s}
---
title: Both
id: both
level: critical
correlation: {type: temporal, rules: [first, second], group-by: [who], timespan: 10m}
)";

// Topics, configuration and rules of one pipeline.
class Pipeline {
 public:
  explicit Pipeline(std::int32_t partitions = 2, bool create = true)
      : brokers(Broker::Shared().address()) {
    if (create) {
      Broker::Shared().CreateTopic(input, partitions);
      for (const std::string& topic : {alerts, dead, late, markers}) {
        Broker::Shared().CreateTopic(topic);
      }
    }
    rules = folder.Write("rules.yml", kRules);
    config = folder.Write("faultline.yaml", Config());
  }

  [[nodiscard]] std::string Config() const {
    return "pipeline: " + input + "\ninstance: test\nkafka: {brokers: \"" + brokers +
           "\", group: " + input + "}\ninputs:\n  - {topics: [" + input +
           "], idle_after: 2s}\nrules: {paths: [\"" + rules + "\"]}\nalerts: {topic: " + alerts +
           "}\ndead_letters: {topic: " + dead + "}\nlate: {topic: " + late +
           "}\ninternal: {markers: " + markers +
           "}\ncommit: {interval: 100ms}\nhttp: {listen: \"127.0.0.1:0\"}\n";
  }

  std::string brokers;
  std::string input = UniqueName("in"), alerts = UniqueName("alerts"), dead = UniqueName("dead"),
              late = UniqueName("late"), markers = UniqueName("markers");
  TemporaryFolder folder;
  std::string rules, config;
};

// `faultline run` until it is told to stop.
class Daemon {
 public:
  explicit Daemon(const Pipeline& pipeline) : program_({kProgram, "run", "-c", pipeline.config}) {}

  // The address that its log names; waits for it.
  [[nodiscard]] std::string Http() {
    std::string address;
    EXPECT_TRUE(WaitUntil([&] {
      const std::string log = program_.Errors();
      const std::size_t at = log.find(" http=");
      if (at == std::string::npos || log.find('\n', at) == std::string::npos) {
        return program_.Ended().has_value();
      }
      address = log.substr(at + 6, log.find_first_of(" \n", at + 6) - at - 6);
      return true;
    })) << program_.Errors();
    return address;
  }
  [[nodiscard]] bool Ready() { return HttpGet(Http(), "/readyz").status == 200; }
  int Stop() {
    program_.Signal(SIGTERM);
    return program_.Wait();
  }
  Program& program() { return program_; }

 private:
  Program program_;
};

std::string Field(const std::string& json, const std::string& name) {
  const std::string key = "\"" + name + "\":\"";
  const std::size_t at = json.find(key);
  return at == std::string::npos
             ? ""
             : json.substr(at + key.size(), json.find('"', at + key.size()) - at - key.size());
}

std::multiset<std::string> Ids(const std::vector<TestRecord>& records) {
  std::multiset<std::string> ids;
  for (const TestRecord& record : records) ids.insert(Field(record.value.value_or(""), "id"));
  return ids;
}

std::multiset<std::string> Ids(const std::string& ndjson) {
  std::multiset<std::string> ids;
  std::size_t from = 0;
  for (std::size_t end; (end = ndjson.find('\n', from)) != std::string::npos; from = end + 1) {
    ids.insert(Field(ndjson.substr(from, end - from), "id"));
  }
  return ids;
}

std::string Header(const TestRecord& record, const std::string& name) {
  for (const auto& [key, value] : record.headers) {
    if (key == name) return value.value_or("(null)");
  }
  return "(none)";
}

std::string Event(int second, const std::string& kind, const std::string& who = "x") {
  return "{\"@timestamp\":" + std::to_string(1'700'000'000 + second) + ",\"kind\":\"" + kind +
         "\",\"who\":\"" + who + "\"}";
}

TEST(Run, StoppedInMidStreamItLosesAndDoublesNothing) {
  const Pipeline pipeline;
  std::set<std::string> bad;  // origins of what must alert
  std::multiset<std::string> poison;
  for (std::int32_t partition = 0; partition < 2; ++partition) {
    std::vector<std::string> values;
    for (int i = 0; i < 6000; ++i) {
      if (i % 100 == 7) {
        values.push_back("{poison \x01 " + std::to_string(partition) + " " + std::to_string(i));
        poison.insert(values.back());
      } else {
        values.push_back(Event(i, i % 10 == 3 ? "bad" : "fine"));
        if (i % 10 == 3) bad.insert(std::to_string(partition) + "@" + std::to_string(i));
      }
    }
    testing::ProduceValues(pipeline.brokers, pipeline.input, partition, values);
  }
  {
    Daemon first(pipeline);
    ASSERT_TRUE(WaitUntil([&] { return ReadAll(pipeline.brokers, pipeline.alerts).size() > 10; }))
        << first.program().Errors();
    ASSERT_EQ(first.Stop(), 0) << first.program().Errors();
  }
  Daemon second(pipeline);
  ASSERT_TRUE(WaitUntil([&] {
    return ReadAll(pipeline.brokers, pipeline.alerts).size() >= bad.size();
  })) << second.program().Errors();
  ASSERT_TRUE(
      WaitUntil([&] { return ReadAll(pipeline.brokers, pipeline.dead).size() >= poison.size(); }));
  EXPECT_NE(second.program().Errors().find("windows_lost"), std::string::npos)
      << second.program().Errors();
  EXPECT_NE(HttpGet(second.Http(), "/metrics").body.find("faultline_windows_lost_total"),
            std::string::npos);
  ASSERT_EQ(second.Stop(), 0) << second.program().Errors();

  const auto alerts = ReadAll(pipeline.brokers, pipeline.alerts);
  const auto ids = Ids(alerts);
  EXPECT_EQ(alerts.size(), bad.size());
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), bad.size());
  for (const TestRecord& alert : alerts) {
    const std::string evidence = alert.value->substr(alert.value->find("\"evidence\":"));
    const std::size_t partition = evidence.find("\"partition\":") + 12;
    const std::size_t offset = evidence.find("\"offset\":") + 9;
    const std::string origin =
        evidence.substr(partition, evidence.find(',', partition) - partition) + "@" +
        evidence.substr(offset, evidence.find(',', offset) - offset);
    EXPECT_EQ(bad.erase(origin), 1U) << origin;
  }
  EXPECT_TRUE(bad.empty());
  std::multiset<std::string> dead;
  for (const TestRecord& record : ReadAll(pipeline.brokers, pipeline.dead)) {
    dead.insert(record.value.value_or("(null)"));
    EXPECT_EQ(Header(record, "__connect.errors.topic"), pipeline.input);
    EXPECT_EQ(Header(record, "faultline_reason"), "json");
  }
  EXPECT_EQ(dead, poison);
}

TEST(Run, EventsOfKcatGiveAChainWithTrueHeadersAndEvidence) {
  const Pipeline pipeline(1);
  const std::string events = Event(0, "first", "n1") + "\n" + Event(5, "second", "n1") + "\n" +
                             Event(700, "fine") + "\n" + Event(600, "first", "n2") + "\n" +
                             Event(690, "first", "n3") + "\n";  // late, and just not
  Program kcat({"kcat", "-P", "-b", pipeline.brokers, "-t", pipeline.input, "-p", "0", "-k", "key",
                "-H", "traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
               events);
  ASSERT_EQ(kcat.Wait(), 0) << kcat.Errors();
  Daemon daemon(pipeline);
  ASSERT_TRUE(WaitUntil([&] { return ReadAll(pipeline.brokers, pipeline.alerts).size() == 1; }))
      << daemon.program().Errors();
  const TestRecord alert = ReadAll(pipeline.brokers, pipeline.alerts).at(0);
  EXPECT_EQ(Header(alert, "ce_specversion"), "1.0");
  EXPECT_EQ(Header(alert, "ce_type"), "dev.faultline.alert.v1");
  EXPECT_EQ(Header(alert, "ce_id"), Field(*alert.value, "id"));
  EXPECT_EQ(Header(alert, "ce_subject"), "both");
  EXPECT_EQ(Header(alert, "content-type"), "application/json");
  EXPECT_EQ(Header(alert, "faultline_level"), "critical");
  EXPECT_EQ(Header(alert, "faultline_run"), "live");
  EXPECT_EQ(Header(alert, "traceparent"),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(alert.key.value_or(""), Field(*alert.value, "fingerprint"));
  EXPECT_NE(alert.value->find("\"topic\":\"" + pipeline.input + "\",\"partition\":0,\"offset\":1"),
            std::string::npos)
      << *alert.value;

  ASSERT_TRUE(WaitUntil([&] { return ReadAll(pipeline.brokers, pipeline.late).size() == 1; }));
  const std::string late = ReadAll(pipeline.brokers, pipeline.late).at(0).value.value_or("");
  EXPECT_EQ(
      late,
      "{\"schema\":\"faultline.late/1\",\"rule\":\"first\",\"cause\":\"watermark\",\"topic\":\"" +
          pipeline.input +
          "\",\"partition\":0,\"offset\":3,\"index\":0,\"time\":\"2023-11-14T22:23:20.000Z\","
          "\"late_by_seconds\":100,\"pipeline\":\"" +
          pipeline.input + "\"}");

  Program replay({kProgram, "replay", "--rules", pipeline.rules, "--from-topic", pipeline.input,
                  "--brokers", pipeline.brokers, "--journal", "off", "--format", "ndjson"});
  ASSERT_EQ(replay.Wait(), 0) << replay.Errors();
  EXPECT_EQ(Ids(replay.Output()), Ids({alert}));
  EXPECT_EQ(daemon.Stop(), 0);
}

TEST(Run, TopicsMissingAtTheStartEndItWith78) {
  const Pipeline pipeline(1, false);
  Daemon daemon(pipeline);
  EXPECT_EQ(daemon.program().Wait(), 78) << daemon.program().Errors();
  EXPECT_NE(daemon.program().Errors().find(pipeline.input), std::string::npos);
}

TEST(Run, WithoutABrokerItWaitsAndSaysWhy) {
  Pipeline pipeline(1);
  std::string text = pipeline.Config();
  text.replace(text.find(pipeline.brokers), pipeline.brokers.size(), "127.0.0.1:1");
  pipeline.config = pipeline.folder.Write("unreachable.yaml", text);
  Daemon daemon(pipeline);
  const std::string http = daemon.Http();
  ASSERT_FALSE(http.empty()) << daemon.program().Errors();
  ASSERT_TRUE(WaitUntil([&] {
    const auto answer = HttpGet(http, "/readyz");
    return answer.status == 503 && answer.body.find("127.0.0.1:1") != std::string::npos;
  })) << HttpGet(http, "/readyz").body;
  EXPECT_EQ(HttpGet(http, "/livez").status, 200);
  EXPECT_FALSE(daemon.program().Ended());
  Program check({kProgram, "check", "-c", pipeline.config});
  EXPECT_EQ(check.Wait(), 69) << check.Errors();
}

TEST(Run, ReloadsOnSighupAndABadSetLeavesTheOldOne) {
  const Pipeline pipeline(1);
  Daemon daemon(pipeline);
  ASSERT_TRUE(WaitUntil([&] { return daemon.Ready(); })) << daemon.program().Errors();
  const std::string http = daemon.Http();

  pipeline.folder.Write("rules.yml", "title: x\ndetection: {");
  daemon.program().Signal(SIGHUP);
  ASSERT_TRUE(WaitUntil([&] {
    return HttpGet(http, "/metrics").body.find("faultline_reloads_total{result=\"failed\"} 1") !=
           std::string::npos;
  }));
  testing::ProduceValues(pipeline.brokers, pipeline.input, 0, {Event(0, "bad")});
  ASSERT_TRUE(WaitUntil([&] { return ReadAll(pipeline.brokers, pipeline.alerts).size() == 1; }));

  pipeline.folder.Write("rules.yml",
                        std::string(kRules) +
                            "---\ntitle: New\nid: new-rule\nlogsource: {category: test}\n"
                            "detection: {s: {kind: new}, condition: s}\n");
  daemon.program().Signal(SIGHUP);
  ASSERT_TRUE(WaitUntil([&] {
    return HttpGet(http, "/metrics").body.find("faultline_reloads_total{result=\"ok\"} 1") !=
           std::string::npos;
  }));
  // The new set is in use from the next transaction on: events until one of them meets it.
  int second = 1;
  ASSERT_TRUE(WaitUntil([&] {
    testing::ProduceValues(pipeline.brokers, pipeline.input, 0, {Event(second++, "new")});
    return ReadAll(pipeline.brokers, pipeline.alerts).size() > 1;
  })) << daemon.program().Errors();
  EXPECT_EQ(daemon.Stop(), 0);
}

TEST(Run, MetricsPassPromtool) {
  const Pipeline pipeline(1);
  testing::ProduceValues(pipeline.brokers, pipeline.input, 0, {Event(0, "bad"), "no json"});
  Daemon daemon(pipeline);
  ASSERT_TRUE(WaitUntil([&] { return ReadAll(pipeline.brokers, pipeline.alerts).size() == 1; }))
      << daemon.program().Errors();
  const std::string metrics = HttpGet(daemon.Http(), "/metrics").body;
  Program promtool({"promtool", "check", "metrics"}, metrics);
  EXPECT_EQ(promtool.Wait(), 0) << promtool.Output() << promtool.Errors() << metrics;
  EXPECT_NE(metrics.find("faultline_alerts_total{rule_id=\"bad-thing\",level=\"high\"} 1"),
            std::string::npos)
      << metrics;
  EXPECT_NE(metrics.find("faultline_alerts_total{rule_id=\"both\",level=\"critical\"} 0"),
            std::string::npos);
  EXPECT_EQ(daemon.Stop(), 0);
}

TEST(Demo, OnABrokerInATopicAndInFilesTheAlertIdsAreTheSame) {
  const std::string brokers = Broker::Shared().address();
  const std::string pack = (testing::SourceDir() / "packs/exchange-cluster").string();
  const std::string topic = UniqueName("demo");
  Program demo({kProgram, "demo", "--brokers", brokers, "--topic", topic, "--http", "127.0.0.1:0"});
  ASSERT_EQ(demo.Wait(), 0) << demo.Errors();
  const auto live = Ids(ReadAll(brokers, topic + "-alerts"));
  ASSERT_EQ(live.size(), 9U) << "five diagnoses, their updates and resolutions";
  for (const std::string& id : live) EXPECT_NE(demo.Output().find(id), std::string::npos) << id;

  Program from_topic({kProgram, "replay", "--rules", pack, "--from-topic", topic, "--brokers",
                      brokers, "--set", "internal.markers=" + topic + "-markers", "--format",
                      "ndjson"});
  ASSERT_EQ(from_topic.Wait(), 0) << from_topic.Errors();
  EXPECT_EQ(Ids(from_topic.Output()), live);

  const TemporaryFolder folder;
  const std::string base = folder.path() / topic;
  Program write({kProgram, "demo", "--topic", topic, "--write", folder.path().string()});
  ASSERT_EQ(write.Wait(), 0) << write.Errors();
  EXPECT_EQ(Ids(testing::ReadFile(folder.path() / "alerts.ndjson")), live);
  std::vector<std::string> replay = {kProgram, "replay", "--rules", pack, "--format", "ndjson"};
  for (int partition = 0;
       std::filesystem::exists(base + "-" + std::to_string(partition) + ".ndjson"); ++partition) {
    replay.insert(replay.end(), {"--as", topic + ":" + std::to_string(partition),
                                 base + "-" + std::to_string(partition) + ".ndjson"});
  }
  Program from_files(replay);
  ASSERT_EQ(from_files.Wait(), 0) << from_files.Errors();
  EXPECT_EQ(Ids(from_files.Output()), live);
}

}  // namespace
}  // namespace faultline
