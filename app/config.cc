// SPDX-License-Identifier: Apache-2.0
#include "app/config.h"

#include <regex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "app/settings.h"
#include "base/suggest.h"
#include "matcher/event/timestamp.h"
#include "matcher/shapes/shape_file.h"
#include "matcher/sigma/yaml.h"

namespace faultline::app {
namespace {

constexpr std::string_view kEnvironmentPrefix = "FAULTLINE__";
constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr std::size_t kMaxInputs = 256;

bool IsNull(const yaml::Node& node) {
  return !node.quoted && (node.scalar.empty() || node.scalar == "~" || node.scalar == "null" ||
                          node.scalar == "Null" || node.scalar == "NULL");
}

Value ToValue(const yaml::Node& node) {
  Value value;
  value.place = node.place;
  switch (node.kind) {
    case yaml::Kind::kScalar:
      value.kind = IsNull(node) ? Value::Kind::kNull : Value::Kind::kScalar;
      value.text = node.scalar;
      break;
    case yaml::Kind::kSequence:
      value.kind = Value::Kind::kList;
      for (const yaml::Node& item : node.items) value.items.push_back(ToValue(item));
      break;
    case yaml::Kind::kMapping:
      value.kind = Value::Kind::kMap;
      for (const yaml::Pair& pair : node.pairs) {
        value.pairs.push_back({ToValue(pair.key), ToValue(pair.value)});
      }
      break;
  }
  return value;
}

// The one document of `text`; nothing at all reads as an empty one.
Result<Value> ParseDocument(std::string_view text, const std::string& file) {
  Result<std::vector<yaml::Node>> documents =
      yaml::ParseYaml(text, file, yaml::Limits{}, Fault::kConfig);
  if (!documents) return tl::unexpected<Error>(documents.error());
  if (documents->empty()) return Value{};
  if (documents->size() > 1) {
    return Fail(Fault::kConfig, "a configuration file is one YAML document", (*documents)[1].place,
                "take out the line '---', or give the parts as several files");
  }
  return ToValue(documents->front());
}

// "a,b" -> the list [a, b]; an empty text is the empty list.
void SplitList(std::string_view text, Value& list) {
  list.kind = Value::Kind::kList;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    Value item;
    item.kind = Value::Kind::kScalar;
    item.text = std::string(text.substr(0, comma));
    item.place = list.place;
    list.items.push_back(std::move(item));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
}

tl::unexpected<Error> ConfigError(std::string message, const Place& place,
                                  std::string remedy = {}) {
  return Fail(Fault::kConfig, std::move(message), place, std::move(remedy));
}

// "inputs.3.lateness" -> "inputs[].lateness"; other paths as they are.
std::string TablePath(std::string_view path) {
  constexpr std::string_view kInputs = "inputs.";
  if (path.rfind(kInputs, 0) != 0) return std::string(path);
  const std::size_t dot = path.find('.', kInputs.size());
  if (dot == std::string_view::npos) return "inputs[]";
  return "inputs[]" + std::string(path.substr(dot));
}

bool IsSection(std::string_view table_path) {
  const std::string prefix = std::string(table_path) + ".";
  const std::vector<Setting>& all = Settings();
  return std::any_of(all.begin(), all.end(), [&prefix](const Setting& setting) {
    return setting.path.rfind(prefix, 0) == 0;
  });
}

// The keys that may stand below a section ("" = the root).
std::vector<std::string> KeysBelow(std::string_view table_path) {
  const std::string prefix = table_path.empty() ? "" : std::string(table_path) + ".";
  std::set<std::string> keys;
  for (const Setting& setting : Settings()) {
    if (setting.path.rfind(prefix, 0) != 0) continue;
    const std::string_view rest = setting.path.substr(prefix.size());
    std::string key(rest.substr(0, rest.find('.')));
    if (key == "inputs[]") key = "inputs";
    keys.insert(std::move(key));
  }
  return {keys.begin(), keys.end()};
}

std::string Join(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

// Writes the values of one source of configuration into a Config.
class Filler {
 public:
  explicit Filler(Config* config) : config_(config) {}

  // A map of sections and settings below `path`.
  Result<void> Fill(const std::string& path, const Value& map) {
    if (map.kind == Value::Kind::kNull) return {};  // a section with everything commented out
    if (map.kind != Value::Kind::kMap) {
      return ConfigError(
          fmt::format("{}: expected a map of settings", path.empty() ? "the file" : path),
          map.place);
    }
    for (const auto& [key, value] : map.pairs) {
      if (auto ok = Put(path, key, value); !ok) return ok;
    }
    return {};
  }

  // One value by its whole path, as --set and the environment name it.
  Result<void> PutPath(std::string_view path, const Value& value) {
    if (auto ok = ReachInput(path, value); !ok) return ok;
    const std::string table_path = TablePath(path);
    if (const Setting* const setting = FindSetting(table_path); setting != nullptr) {
      return Set(*setting, path, value);
    }
    for (const Setting& setting : Settings()) {  // a key of a map: kafka.properties.NAME
      if (table_path.rfind(std::string(setting.path) + ".", 0) != 0) continue;
      const std::size_t cut = path.size() - (table_path.size() - setting.path.size());
      return SetKey(setting, path.substr(0, cut), path.substr(cut + 1), value);
    }
    return Unknown(path, value.place);
  }

 private:
  Result<void> Put(const std::string& path, const Value& key, const Value& value) {
    if (path.empty() && key.text == "inputs") return FillInputs(value);
    const std::string whole = Join(path, key.text);
    const std::string table_path = TablePath(whole);
    if (const Setting* const setting = FindSetting(table_path); setting != nullptr) {
      return Set(*setting, whole, value);
    }
    // A key with a dot in it is no shorthand for a section: it would slip past the duplicate check.
    if (key.text.find('.') == std::string::npos && IsSection(table_path)) return Fill(whole, value);
    return Unknown(whole, key.place);
  }

  Result<void> FillInputs(const Value& value) {
    if (value.kind == Value::Kind::kNull) return {};
    if (value.kind != Value::Kind::kList) {
      return ConfigError("inputs: expected a list of inputs", value.place,
                         "begin each input with '- topics: [...]'");
    }
    if (value.items.size() > kMaxInputs) {
      return ConfigError(fmt::format("inputs: more than {} inputs", kMaxInputs), value.place);
    }
    config_->inputs.assign(value.items.size(), InputConfig{});
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      const std::string path = fmt::format("inputs.{}", i);
      config_->origins[path] = value.items[i].place;
      if (auto ok = Fill(path, value.items[i]); !ok) return ok;
    }
    return {};
  }

  // "inputs.N." makes input N where it is the next one.
  Result<void> ReachInput(std::string_view path, const Value& value) {
    constexpr std::string_view kInputs = "inputs.";
    if (path.rfind(kInputs, 0) != 0) return {};
    const std::optional<std::size_t> index = InputIndex(path);
    if (!index || *index > config_->inputs.size() || *index >= kMaxInputs) {
      return ConfigError(fmt::format("{}: no such input", path), value.place,
                         fmt::format("there are {}; the next one is inputs.{}",
                                     config_->inputs.size(), config_->inputs.size()));
    }
    if (*index == config_->inputs.size()) config_->inputs.emplace_back();
    return {};
  }

  static std::optional<std::size_t> InputIndex(std::string_view path) {
    constexpr std::size_t kSkip = 7;  // "inputs."
    if (path.rfind("inputs.", 0) != 0) return std::nullopt;
    std::size_t index = 0;
    const char* const begin = path.data() + kSkip;
    const auto [stop, error] = std::from_chars(begin, path.data() + path.size(), index);
    if (error != std::errc() || stop == begin) return std::nullopt;
    return index;
  }

  Result<void> Set(const Setting& setting, std::string_view path, const Value& value) {
    const std::size_t input = InputIndex(path).value_or(0);
    auto ok = Assign(setting, path, setting.slot(*config_, input), value);
    if (!ok) return ok;
    config_->origins[std::string(path)] = value.place;
    for (const auto& [key, below] : value.pairs) {
      config_->origins[Join(path, key.text)] = key.place.file.empty() ? below.place : key.place;
    }
    return {};
  }

  Result<void> SetKey(const Setting& setting, std::string_view path, std::string_view key,
                      const Value& value) {
    const Slot slot = setting.slot(*config_, InputIndex(path).value_or(0));
    const std::size_t dot = std::holds_alternative<TextMaps*>(slot) ? key.find('.') : key.npos;
    const Value map = dot == key.npos
                          ? MapOf(key, value)
                          : MapOf(key.substr(0, dot), MapOf(key.substr(dot + 1), value));
    if (!std::holds_alternative<std::map<std::string, PropertyValue>*>(slot) &&
        !std::holds_alternative<std::map<std::string, std::string>*>(slot) &&
        !std::holds_alternative<TextLists*>(slot) && !std::holds_alternative<TextMaps*>(slot)) {
      return Unknown(Join(path, key), value.place);
    }
    return Set(setting, path, map);
  }

  static Value MapOf(std::string_view key, const Value& value) {
    Value map;
    map.kind = Value::Kind::kMap;
    map.place = value.place;
    Value name;
    name.kind = Value::Kind::kScalar;
    name.text = std::string(key);
    map.pairs.push_back({std::move(name), value});
    return map;
  }

  static tl::unexpected<Error> Unknown(std::string_view path, const Place& place) {
    const std::size_t dot = path.rfind('.');
    const std::string above(dot == std::string_view::npos ? "" : path.substr(0, dot));
    const std::vector<std::string> known = KeysBelow(TablePath(above));
    std::string remedy = ElsewhereOf(path);
    if (remedy.empty()) remedy = DidYouMean(LeafOf(path), known);
    if (remedy.empty() && !known.empty())
      remedy = fmt::format("known here: {}", fmt::join(known, ", "));
    return ConfigError(fmt::format("{}: unknown setting", path), place, std::move(remedy));
  }

  // The same word in another section: "brokers" at the root means kafka.brokers.
  static std::string ElsewhereOf(std::string_view path) {
    for (const Setting& setting : Settings()) {
      if (LeafOf(setting.path) == LeafOf(path))
        return fmt::format("did you mean '{}'?", setting.path);
    }
    return {};
  }

  Config* config_;  // never null
};

// A value given as one text: lists as [a, b] or a,b; maps as {a: b}.
Result<Value> ValueOfText(std::string_view path, std::string_view text, const std::string& from) {
  Value value;
  value.kind = Value::Kind::kScalar;
  value.text = std::string(text);
  value.place.file = from;
  const Setting* setting = FindSetting(TablePath(path));
  const bool entry = setting == nullptr;  // of a map, perhaps
  if (entry) setting = FindSetting(TablePath(path.substr(0, path.rfind('.'))));
  if (setting == nullptr) return value;
  Config scratch;
  scratch.inputs.emplace_back();
  const Slot slot = setting->slot(scratch, 0);
  const bool lists = std::holds_alternative<TextLists*>(slot);
  if (entry && !lists && !std::holds_alternative<TextMaps*>(slot)) return value;
  if (std::holds_alternative<std::string*>(slot) || std::holds_alternative<Secret*>(slot))
    return value;
  if (text == "null") {
    value.kind = Value::Kind::kNull;
    return value;
  }
  if (!text.empty() && (text.front() == '[' || text.front() == '{')) {
    return ParseDocument(text, from);
  }
  if ((entry && lists) || std::holds_alternative<std::vector<std::string>*>(slot)) {
    SplitList(text, value);
  }
  return value;
}

// "FAULTLINE__KAFKA__BROKERS" -> "kafka.brokers". Names of properties have dots, which no shell
// variable can have: there one underscore stands for a dot.
std::string PathOfVariable(std::string_view name) {
  std::string path;
  const std::string_view rest = name.substr(kEnvironmentPrefix.size());
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest.substr(i, 2) == "__") {
      path.push_back('.');
      ++i;
    } else {
      path.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(rest[i]))));
    }
  }
  constexpr std::string_view kProperties = "kafka.properties.";
  if (path.rfind(kProperties, 0) == 0) {
    std::replace(path.begin() + kProperties.size(), path.end(), '_', '.');
  }
  return path;
}

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

bool IsTopicName(std::string_view name) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), allowed);
}

// What is wrong with a pattern of topics; librdkafka reads them as POSIX extended expressions.
std::optional<std::string> PatternFault(const std::string& pattern) {
  regex_t compiled;
  const int code = regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB);
  if (code == 0) {
    regfree(&compiled);
    return std::nullopt;
  }
  std::array<char, 256> message{};
  regerror(code, &compiled, message.data(), message.size());
  return message.data();
}

std::vector<std::string> ShapeNames(const ShapeSet& shapes) {
  std::vector<std::string> names{"auto"};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    names.push_back(shapes.spec(static_cast<Shape>(i)).name);
  }
  return names;
}

}  // namespace

Place Config::PlaceOf(std::string path) const {
  for (;;) {
    if (const auto found = origins.find(path); found != origins.end()) return found->second;
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos) return {};
    path.resize(dot);
  }
}

Error AtSetting(const Config& config, const std::string& path, Error error) {
  if (error.place.file.empty()) error.place = config.PlaceOf(path);
  return error;
}

ConfigLoader::ConfigLoader() = default;

Result<void> ConfigLoader::AddFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return ConfigError("cannot read the configuration file", Place{path, 0, 0});
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad() || (text.empty() && !file.eof())) {
    return ConfigError("cannot read the configuration file", Place{path, 0, 0});
  }
  if (text.size() > kMaxFileBytes) {
    return ConfigError("the configuration file is larger than 1 MiB", Place{path, 0, 0});
  }
  return AddText(text, path);
}

Result<void> ConfigLoader::AddText(std::string_view text, const std::string& file) {
  Result<Value> root = ParseDocument(text, file);
  if (!root) return tl::unexpected<Error>(root.error());
  return Filler(&config_).Fill("", *root);
}

Result<void> ConfigLoader::AddEnvironment(const std::vector<std::string>& entries) {
  std::vector<std::string> ours;
  for (const std::string& entry : entries) {
    if (entry.rfind(kEnvironmentPrefix, 0) == 0) ours.push_back(entry);
  }
  std::sort(ours.begin(), ours.end());  // the order of the environment must not decide
  for (const std::string& entry : ours) {
    const std::size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    const std::string path = PathOfVariable(name);
    const std::string text = equals == std::string::npos ? "" : entry.substr(equals + 1);
    Result<Value> value = ValueOfText(path, text, name);
    if (!value) return tl::unexpected<Error>(value.error());
    if (auto ok = Filler(&config_).PutPath(path, *value); !ok) return ok;
  }
  return {};
}

Result<void> ConfigLoader::AddSet(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Fail(Fault::kUsage, fmt::format("--set {}: expected section.key=value", assignment));
  }
  return AddFlag("--set " + std::string(assignment.substr(0, equals)), assignment.substr(0, equals),
                 assignment.substr(equals + 1));
}

Result<void> ConfigLoader::AddFlag(std::string_view flag, std::string_view path,
                                   std::string_view value) {
  Result<Value> parsed = ValueOfText(path, value, std::string(flag));
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  return Filler(&config_).PutPath(path, *parsed);
}

Result<Config> ConfigLoader::Finish() {
  Config config = config_;
  if (config.instance.empty()) config.instance = HostName();
  const auto place = [&config](const std::string& path) { return config.PlaceOf(path); };
  const std::pair<std::string, std::string> topics[] = {
      {"alerts.topic", config.alerts.topic},
      {"dead_letters.topic", config.dead_letters_topic},
      {"internal.markers", config.internal.markers},
      {"late.topic", config.late_topic.value_or("no-topic-of-late-matches")}};
  std::map<std::string, std::string> ours;
  for (const auto& [path, topic] : topics) {
    if (!IsTopicName(topic)) {
      return ConfigError(fmt::format("{}: '{}' is no topic name", path, topic), place(path),
                         "letters, digits, '.', '_' and '-', at most 249");
    }
    if (const auto [other, fresh] = ours.emplace(topic, path); !fresh) {
      return ConfigError(fmt::format("{}: '{}' is the {} too", path, topic, other->second),
                         place(path),
                         "name another topic: readers of one want nothing of the other");
    }
  }
  std::map<std::string, std::string> read;  // topics of the inputs
  auto shapes = LoadShapes(config.shapes);
  if (!shapes) return tl::unexpected<Error>(shapes.error());
  config.known_shapes = std::move(*shapes);
  for (std::size_t i = 0; i < config.inputs.size(); ++i) {
    InputConfig& input = config.inputs[i];
    const std::string path = fmt::format("inputs.{}", i);
    if (input.topics.empty()) {
      return ConfigError(path + ".topics: an input needs at least one topic", place(path));
    }
    for (const std::string& topic : input.topics) {
      if (topic.empty() || (topic.front() != '^' && !IsTopicName(topic))) {
        return ConfigError(fmt::format("{}.topics: '{}' is no topic name", path, topic),
                           place(path + ".topics"), "a pattern begins with ^");
      }
      if (const auto it = ours.find(topic); it != ours.end()) {
        return ConfigError(fmt::format("{}.topics: '{}' is our own {}", path, topic, it->second),
                           place(path + ".topics"), "reading what we write would never end");
      }
      if (const auto [other, fresh] = read.emplace(topic, path); !fresh) {
        return ConfigError(
            fmt::format("{}.topics: '{}' is a topic of {} too", path, topic, other->second),
            place(path + ".topics"), "name each topic once");
      }
      if (const auto fault = topic.front() == '^' ? PatternFault(topic) : std::nullopt) {
        return ConfigError(
            fmt::format("{}.topics: the pattern '{}' is wrong: {}", path, topic, *fault),
            place(path + ".topics"), "write a POSIX extended regular expression");
      }
    }
    if (!config.known_shapes->Find(input.shape)) {
      return ConfigError(fmt::format("{}.shape: unknown shape '{}'", path, input.shape),
                         place(path + ".shape"),
                         DidYouMean(input.shape, ShapeNames(*config.known_shapes)));
    }
    if (input.start != "earliest" && input.start != "latest" && !ParseTimestamp(input.start)) {
      return ConfigError(fmt::format("{}.start: '{}' is no time", path, input.start),
                         place(path + ".start"),
                         "write earliest, latest or a time as 2026-11-23T09:00:00Z");
    }
    if (!ParseZone(input.timezone)) {
      return ConfigError(fmt::format("{}.timezone: '{}' is no zone", path, input.timezone),
                         place(path + ".timezone"), "write UTC or an offset like +02:00");
    }
    if (input.partition_key == std::vector<std::string>{"none"}) input.partition_key.clear();
  }
  return config;
}

std::vector<std::string> ProcessEnvironment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    entries.emplace_back(*entry);
  }
  return entries;
}

}  // namespace faultline::app
