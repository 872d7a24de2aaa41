// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/secret.h"
#include "base/result.h"
#include "matcher/event/shapes.h"

namespace faultline::app {

// Number of bytes; written as 1MiB, 512KiB, 64kB or a plain number.
struct Bytes {
  std::int64_t count = 0;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

using Duration = std::chrono::nanoseconds;  // written as 500ms, 10s, 5m, 1h, 2d

using TextLists = std::map<std::string, std::vector<std::string>>;
using TextMaps = std::map<std::string, std::map<std::string, std::string>>;

// One entry of `inputs`.
struct InputConfig {
  std::vector<std::string> topics;  // names, or patterns that begin with ^
  std::string shape = "auto";
  std::map<std::string, std::string> logsource;  // product, category, service; what is declared
  std::vector<std::string> timestamp;            // empty: the engine's own list
  std::string timezone = "UTC";                  // UTC, or an offset like +02:00
  Duration lateness = std::chrono::seconds(10);
  Duration max_future = std::chrono::minutes(5);
  Duration idle_after = std::chrono::seconds(30);
  Bytes max_event_bytes{1 << 20};
  bool strict_json = false;
  std::vector<std::string> keywords_exclude;
  std::vector<std::string> partition_key;  // empty: none
  std::string start = "earliest";          // earliest, latest or a time
};

// Every setting with its default. What each one means is said once, in settings.cc, from where
// `config init`, `config schema` and docs/configuration.md take it.
//
// Ownership  A value.
struct Config {
  std::string pipeline = "faultline";
  std::string instance;  // empty until loaded: then the host name
  struct Kafka {
    std::string brokers;
    std::string group = "faultline";
    std::map<std::string, PropertyValue> properties;
  } kafka;
  std::vector<std::string> shapes;               // files
  std::shared_ptr<const ShapeSet> known_shapes;  // with those of the files; set by Finish()
  std::vector<InputConfig> inputs;
  struct Rules {
    std::vector<std::string> paths;
    std::optional<std::string> cache;            // file of what was compiled
    std::vector<std::string> logsources;         // files laid over the built-in table
    std::map<std::string, std::string> lookups;  // table -> file
    bool watch = false;
    struct Select {
      std::string min_level = "informational";
      std::vector<std::string> status, tags, ids, except;
    } select;
    std::int64_t match_limit = 100000;
    std::int64_t depth_limit = 250;
    TextMaps settings;  // pack -> setting -> value
    TextLists placeholders;
  } rules;
  struct Alerts {
    std::string topic = "faultline-alerts";
    std::string format = "native";
    std::int64_t max_per_rule = 10000;
    std::optional<Duration> update_every = std::chrono::seconds(60);  // nothing: never
  } alerts;
  std::string dead_letters_topic = "faultline-dead-letters";
  std::optional<std::string> late_topic;
  struct Internal {
    std::string hits = "faultline-hits";
    std::string changelog = "faultline-changelog";
    std::string markers = "faultline-markers";
    std::int64_t partitions = 64;
    Duration marker_interval = std::chrono::seconds(1);
  } internal;
  Duration max_skew = std::chrono::hours(1);
  std::string delivery = "exactly_once";
  struct State {
    std::optional<std::string> directory;
    Bytes memory{512LL << 20};
    std::int64_t max_keys_per_partition = 15625;
  } state;
  Duration commit_interval = std::chrono::milliseconds(500);
  Duration commit_alert_linger = std::chrono::milliseconds(50);
  Duration drain = std::chrono::seconds(30);
  std::string http_listen = "127.0.0.1:9464";
  Secret http_token;
  bool allow_plaintext = false;
  std::int64_t workers = 1;

  // Where each value came from, by dotted path ("inputs.0.lateness", each key of a map too); absent:
  // the default.
  std::map<std::string, Place> origins;
  // Where the value at `path`, or what holds it, came from; nowhere for a default.
  [[nodiscard]] Place PlaceOf(std::string path) const;
};

// `error` as one of the setting at `path`: with its place, unless it has one.
[[nodiscard]] Error AtSetting(const Config& config, const std::string& path, Error error);

// Reads the effective configuration.
//
// Order      Defaults, `files` in order, `environment` (FAULTLINE__SECTION__KEY), `sets`
//            ("section.key=value"): what comes later wins. Flags of a command are given as `flags`,
//            like `sets` but named after the flag.
// Errors     Fault::kConfig with file:line:column (or the variable or flag) of the first mistake:
//            unknown keys with a suggestion, wrong types and ranges, settings that this version
//            cannot honour.
class ConfigLoader {
 public:
  ConfigLoader();

  [[nodiscard]] Result<void> AddFile(const std::string& path);
  [[nodiscard]] Result<void> AddText(std::string_view text, const std::string& file);
  // "NAME=value" entries; others than FAULTLINE__* are passed over.
  [[nodiscard]] Result<void> AddEnvironment(const std::vector<std::string>& entries);
  [[nodiscard]] Result<void> AddSet(std::string_view assignment);  // of --set
  [[nodiscard]] Result<void> AddFlag(std::string_view flag, std::string_view path,
                                     std::string_view value);
  // What all of it gives together, checked across settings.
  [[nodiscard]] Result<Config> Finish();

 private:
  Config config_;
};

// The process's environment as NAME=value.
[[nodiscard]] std::vector<std::string> ProcessEnvironment();

// The effective configuration as YAML, secrets hidden, each value's origin as a comment.
[[nodiscard]] std::string ShowConfig(const Config& config);
// A commented file to start from; `check` accepts it.
[[nodiscard]] std::string StartingConfig();
// JSON Schema (draft 2020-12) of the configuration file.
[[nodiscard]] std::string ConfigSchema();
// The table of settings of docs/configuration.md.
[[nodiscard]] std::string ConfigReference();

// Texts of the configuration's units. Nothing for what is no such text.
[[nodiscard]] std::optional<Duration> ParseDuration(std::string_view text);
[[nodiscard]] std::string ShowDuration(Duration duration);
[[nodiscard]] std::optional<Bytes> ParseBytes(std::string_view text);
[[nodiscard]] std::string ShowBytes(Bytes bytes);
// "UTC" or an offset like "+02:00"; positive east of Greenwich.
[[nodiscard]] std::optional<std::chrono::seconds> ParseZone(std::string_view text);

}  // namespace faultline::app
