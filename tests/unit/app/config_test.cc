// SPDX-License-Identifier: Apache-2.0
#include "app/config.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "app/settings.h"
#include "tests/support/data.h"

namespace faultline::app {
namespace {

// What loading `text` as c.yaml complains about, as one line; "fine" when it does not.
std::string Complaint(std::string_view text) {
  ConfigLoader loader;
  if (auto ok = loader.AddText(text, "c.yaml"); !ok) {
    EXPECT_EQ(ok.error().fault, Fault::kConfig);
    return ok.error().ToString();
  }
  const auto config = loader.Finish();
  return config ? "fine" : config.error().ToString();
}

struct Case {
  std::string text;
  std::string complaint;
};

TEST(Config, EachMistakeIsToldWithItsPlaceAndRemedy) {
  const std::vector<Case> cases = {
      {"kafka:\n  broker: x\n",
       "c.yaml:2:3: kafka.broker: unknown setting; did you mean 'brokers'?"},
      {"brokers: x\n", "c.yaml:1:1: brokers: unknown setting; did you mean 'kafka.brokers'?"},
      {"kafka: text\n", "c.yaml:1:8: kafka: expected a map of settings"},
      {"workers: many\n", "c.yaml:1:10: workers: expected a whole number, got 'many'"},
      {"workers: 0\n", "c.yaml:1:10: workers: 0 is out of range; allowed: 1 to 64"},
      {"drain: 30\n",
       "c.yaml:1:8: drain: expected a duration, got '30'; write it with its unit: 500ms, 10s, 5m, "
       "1h, 2d"},
      {"drain: 0s\n", "c.yaml:1:8: drain: 0s is out of range; allowed: 1s to 1h"},
      {"inputs:\n  - topics: [a]\n    max_event_bytes: 1XB\n",
       "c.yaml:3:22: inputs.0.max_event_bytes: expected a size, got '1XB'; write it as 1MiB, "
       "512KiB, "
       "64kB or a number of bytes"},
      {"inputs:\n  - topics: [a]\n    shape: evtxx\n",
       "c.yaml:3:12: inputs.0.shape: unknown shape 'evtxx'; did you mean 'evtx'?"},
      {"inputs:\n  - topics: [a]\n    shape: splunk\n", "fine"},
      {"shapes: [/nowhere/shapes.yaml]\n", "/nowhere/shapes.yaml: cannot be opened"},
      {"inputs:\n  - shape: auto\n",
       "c.yaml:2:5: inputs.0.topics: an input needs at least one topic"},
      {"inputs:\n  - topics: [faultline-alerts]\n",
       "c.yaml:2:13: inputs.0.topics: 'faultline-alerts' is our own alerts.topic; reading what we "
       "write "
       "would never end"},
      {"inputs: [{topics: [a], start: 2026-11-23T09:00:00Z}]\n", "fine"},
      {"inputs: [{topics: [a], start: yesterday}]\n",
       "c.yaml:1:31: inputs.0.start: 'yesterday' is no time; write earliest, latest or a time as "
       "2026-11-23T09:00:00Z"},
      {"inputs:\n  - topics: [a]\n    timezone: Europe/Berlin\n",
       "c.yaml:3:15: inputs.0.timezone: 'Europe/Berlin' is no zone; write UTC or an offset like "
       "+02:00"},
      {"inputs:\n  - topics: [a]\n    logsource: {produkt: linux}\n",
       "c.yaml:3:17: inputs.0.logsource: unknown key 'produkt'; did you mean 'product'?"},
      {"inputs:\n  - topics: [a]\n    logsource: {product: [linux]}\n",
       "c.yaml:3:26: inputs.0.logsource.product: expected a text, got a list"},
      {"inputs: {topics: a}\n",
       "c.yaml:1:9: inputs: expected a list of inputs; begin each input with '- topics: [...]'"},
      {"allow_plaintext: yes\n", "c.yaml:1:18: allow_plaintext: expected true or false, got 'yes'"},
      {"delivery: at_least_once\n",
       "c.yaml:1:11: delivery: 'at_least_once' is not supported by this version; supported: "
       "exactly_once"},
      {"rules: {lookups: {a: [b.csv]}}\n",
       "c.yaml:1:22: rules.lookups.a: expected a text, got a list"},
      {"rules: {settings: {disks: 5}}\n",
       "c.yaml:1:27: rules.settings.disks: expected a map, got a single value"},
      {"rules: {settings: {disks: {margin: {}}}}\n",
       "c.yaml:1:36: rules.settings.disks.margin: expected a text, got a map"},
      {"http: {token: hunter2}\n",
       "c.yaml:1:15: http.token: a secret must not stand in the configuration; write ${env:NAME} "
       "or "
       "${file:PATH}"},
      {"kafka: {properties: {sasl.password: hunter2}}\n",
       "c.yaml:1:37: kafka.properties.sasl.password: a secret must not stand in the configuration; "
       "write "
       "${env:NAME} or ${file:PATH}"},
      {"alerts: {topic: 'a b'}\n",
       "c.yaml:1:17: alerts.topic: 'a b' is no topic name; letters, digits, '.', '_' and '-', at "
       "most "
       "249"},
      {"dead_letters: {topic: x}\nalerts: {topic: x}\n",
       "c.yaml:1:23: dead_letters.topic: 'x' is the alerts.topic too; name another topic: readers "
       "of one want nothing of the other"},
      {"inputs: [{topics: [a]}, {topics: [b, a]}]\n",
       "c.yaml:1:34: inputs.1.topics: 'a' is a topic of inputs.0 too; name each topic once"},
      {"inputs: [{topics: ['^(a']}]\n",
       "c.yaml:1:19: inputs.0.topics: the pattern '^(a' is wrong: Unmatched ( or \\(; write a "
       "POSIX "
       "extended regular expression"},
      {"pipeline: a\n---\npipeline: b\n",
       "c.yaml:3:1: a configuration file is one YAML document; take out the line '---', or give "
       "the parts "
       "as several files"},
  };
  for (const Case& each : cases) EXPECT_EQ(Complaint(each.text), each.complaint) << each.text;
}

TEST(Config, AnEmptyFileAndEmptySectionsAreTheDefaults) {
  EXPECT_EQ(Complaint(""), "fine");
  EXPECT_EQ(Complaint("kafka:\nrules:\ninputs:\n"), "fine");
}

TEST(Config, SettingsOfPacksAndLookupsComeFromEverySource) {
  ConfigLoader loader;
  ASSERT_TRUE(loader.AddText(
      "rules: {settings: {disks: {margin: 5, window: 10m}}, lookups: {cluster: a.csv}}\n", "1"));
  ASSERT_TRUE(loader.AddText("rules: {settings: {nets: {x: 1}}, lookups: {site: b.csv}}\n", "2"));
  ASSERT_TRUE(loader.AddSet("rules.settings.disks.margin=7"));
  ASSERT_TRUE(loader.AddSet("rules.settings.cpus={share: 0.5}"));
  ASSERT_TRUE(loader.AddSet("rules.lookups.site=c.csv"));
  const auto config = loader.Finish();
  ASSERT_TRUE(config) << config.error().ToString();
  const TextMaps settings = {{"cpus", {{"share", "0.5"}}},
                             {"disks", {{"margin", "7"}, {"window", "10m"}}},
                             {"nets", {{"x", "1"}}}};
  EXPECT_EQ(config->rules.settings, settings);
  EXPECT_EQ(config->rules.lookups,
            (std::map<std::string, std::string>{{"cluster", "a.csv"}, {"site", "c.csv"}}));
}

TEST(Config, TheLaterSourceWins) {
  ConfigLoader loader;
  ASSERT_TRUE(loader.AddText("kafka: {brokers: file1, group: file1}\npipeline: file1\n", "1.yaml"));
  ASSERT_TRUE(
      loader.AddText("kafka: {brokers: file2}\npipeline: file2\ninstance: file2\n", "2.yaml"));
  ASSERT_TRUE(
      loader.AddEnvironment({"PATH=/bin", "FAULTLINE__PIPELINE=env", "FAULTLINE__INSTANCE=env",
                             "FAULTLINE__KAFKA__PROPERTIES__SOCKET_TIMEOUT_MS=1000"}));
  ASSERT_TRUE(loader.AddSet("instance=set"));
  ASSERT_TRUE(loader.AddSet("commit.interval=1s"));
  ASSERT_TRUE(loader.AddFlag("--interval", "commit.interval", "2s"));
  const auto config = loader.Finish();
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->kafka.group, "file1");
  EXPECT_EQ(config->kafka.brokers, "file2");
  EXPECT_EQ(config->pipeline, "env");
  EXPECT_EQ(config->instance, "set");
  EXPECT_EQ(config->commit_interval, std::chrono::seconds(2));
  EXPECT_EQ(config->kafka.properties.at("socket.timeout.ms").text, "1000");
  EXPECT_EQ(ToString(config->PlaceOf("kafka.group")), "1.yaml:1:32");
  EXPECT_EQ(ToString(config->PlaceOf("pipeline")), "FAULTLINE__PIPELINE");
  EXPECT_EQ(ToString(config->PlaceOf("instance")), "--set instance");
  EXPECT_EQ(ToString(config->PlaceOf("commit.interval")), "--interval");
}

TEST(Config, UnknownVariablesAndSetsAreErrorsToo) {
  ConfigLoader loader;
  EXPECT_EQ(loader.AddEnvironment({"FAULTLINE__KAFKA__BROKER=x"}).error().ToString(),
            "FAULTLINE__KAFKA__BROKER: kafka.broker: unknown setting; did you mean 'brokers'?");
  EXPECT_EQ(loader.AddSet("worker=2").error().ToString(),
            "--set worker: worker: unknown setting; did you mean 'workers'?");
  EXPECT_EQ(loader.AddSet("workers").error().fault, Fault::kUsage);
}

TEST(Config, ListsAndInputsCanBeSet) {
  ConfigLoader loader;
  ASSERT_TRUE(loader.AddSet("inputs.0.topics=a,b"));
  ASSERT_TRUE(loader.AddSet("inputs.0.lateness=5m"));
  ASSERT_TRUE(loader.AddSet("rules.paths=[x, 'y z']"));
  EXPECT_FALSE(loader.AddSet("inputs.7.lateness=5m"));
  const auto config = loader.Finish();
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->inputs.at(0).topics, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config->inputs.at(0).lateness, std::chrono::minutes(5));
  EXPECT_EQ(config->rules.paths, (std::vector<std::string>{"x", "y z"}));
}

TEST(Config, PlaceholdersAreListsByName) {
  ConfigLoader loader;
  ASSERT_TRUE(loader.AddText(
      "rules: {placeholders: {admins: [root, 'adm*'], port: 22, dcs: [a]}}\n", "c.yaml"));
  ASSERT_TRUE(loader.AddSet("rules.placeholders.dcs=[b, c]"));
  EXPECT_EQ(loader.AddText("rules: {placeholders: {x: {y: z}}}\n", "d.yaml").error().ToString(),
            "d.yaml:1:27: rules.placeholders.x: expected a list of texts, got a map");
  const auto config = loader.Finish();
  ASSERT_TRUE(config) << config.error().ToString();
  const TextLists expected = {{"admins", {"root", "adm*"}}, {"dcs", {"b", "c"}}, {"port", {"22"}}};
  EXPECT_EQ(config->rules.placeholders, expected);
  EXPECT_NE(ShowConfig(*config).find("{admins: [root, \"adm*\"], dcs: [b, c], port: [22]}"),
            std::string::npos)
      << ShowConfig(*config);
}

TEST(Config, NoSecretIsEverShown) {
  ASSERT_EQ(setenv("FAULTLINE_TEST_CANARY", "hunter2", 1), 0);
  ConfigLoader loader;
  ASSERT_TRUE(
      loader.AddText("kafka: {properties: {sasl.password: '${env:FAULTLINE_TEST_CANARY}'}}\n"
                     "http: {token: '${env:FAULTLINE_TEST_CANARY}'}\n",
                     "c.yaml"));
  const auto config = loader.Finish();
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->http_token.Reveal(), "hunter2");
  const std::string shown = ShowConfig(*config);
  EXPECT_EQ(shown.find("hunter2"), std::string::npos);
  EXPECT_NE(shown.find("***"), std::string::npos);
}

TEST(Config, WhatIsShownLoadsAgainAndShowsTheSame) {
  ConfigLoader loader;
  ASSERT_TRUE(loader.AddText("inputs:\n  - topics: [a, '^b']\n    lateness: 90s\n", "c.yaml"));
  const auto config = loader.Finish();
  ASSERT_TRUE(config);
  ConfigLoader again;
  const auto ok = again.AddText(ShowConfig(*config), "shown.yaml");
  ASSERT_TRUE(ok) << ok.error().ToString() << ShowConfig(*config);
  const auto second = again.Finish();
  ASSERT_TRUE(second) << second.error().ToString();
  EXPECT_EQ(second->inputs.at(0).topics, config->inputs.at(0).topics);
  EXPECT_EQ(second->inputs.at(0).lateness, std::chrono::seconds(90));
}

TEST(Config, TheStartingFileLoads) { EXPECT_EQ(Complaint(StartingConfig()), "fine"); }

TEST(Config, TheReferenceListsEverySetting) {
  const std::string doc = testing::ReadFile(testing::SourceDir() / "docs/configuration.md");
  EXPECT_NE(doc.find(ConfigReference()), std::string::npos)
      << "docs/configuration.md should hold:\n"
      << ConfigReference();
}

TEST(Config, DurationsAndSizes) {
  EXPECT_EQ(ParseDuration("2d"), std::chrono::hours(48));
  EXPECT_EQ(ParseDuration("500ms"), std::chrono::milliseconds(500));
  for (const char* bad : {"", "s", "-1s", "1 s", "1.5s", "99999999999999w"}) {
    EXPECT_EQ(ParseDuration(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(ParseBytes("1MiB"), Bytes{1048576});
  EXPECT_EQ(ParseBytes("64kB"), Bytes{64000});
  for (const char* bad : {"", "MiB", "-1", "1mb", "9999999999GiB"}) {
    EXPECT_EQ(ParseBytes(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace faultline::app
