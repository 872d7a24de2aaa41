// SPDX-License-Identifier: Apache-2.0
// What the table of settings says to people and to editors: show, init, schema, reference.
#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "app/config.h"
#include "app/settings.h"

namespace faultline::app {
namespace {

constexpr std::string_view kInputs = "inputs[]";

std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t dot = path.find('.');
    parts.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    path = path.substr(dot + 1);
  }
}

bool OfInput(const Setting& setting) { return setting.path.rfind(kInputs, 0) == 0; }

// Writes settings as nested YAML: opens a section when a path enters it.
class YamlWriter {
 public:
  // `line` goes below its sections, which are written where they begin.
  void Line(const std::vector<std::string>& sections, std::string_view line) {
    std::size_t shared = 0;
    while (shared < open_.size() && shared < sections.size() && open_[shared] == sections[shared]) {
      ++shared;
    }
    open_.resize(shared);
    for (std::size_t i = shared; i < sections.size(); ++i) {
      text_ += fmt::format("{}{}:\n", Indent(i), sections[i]);
      open_.push_back(sections[i]);
    }
    text_ += fmt::format("{}{}\n", Indent(sections.size()), line);
  }

  void Raw(std::string_view line) {
    text_ += fmt::format("{}\n", line);
    open_.clear();
  }
  void SetBase(std::size_t spaces) {
    base_ = spaces;
    open_.clear();
  }
  [[nodiscard]] std::string Take() { return std::move(text_); }

 private:
  [[nodiscard]] std::string Indent(std::size_t depth) const {
    return std::string(base_ + depth * 2, ' ');
  }

  std::string text_;
  std::vector<std::string> open_;  // sections that the last line stood in
  std::size_t base_ = 0;           // blanks before everything
};

std::string OriginOf(const Config& config, const std::string& path) {
  const auto it = config.origins.find(path);
  if (it != config.origins.end()) return ToString(it->second);
  return path == "instance" ? "default: the host name" : "default";
}

void ShowOne(const Setting& setting, const std::string& path, std::vector<std::string> sections,
             std::size_t input, const Config& config, YamlWriter& writer) {
  const std::string key = sections.back();
  sections.pop_back();
  Config& slots = const_cast<Config&>(config);  // the slot is only read here
  writer.Line(sections, fmt::format("{}: {}  # {}", key, ShowValue(setting.slot(slots, input)),
                                    OriginOf(config, path)));
}

void ShowInputs(const Config& config, YamlWriter& writer) {
  writer.Raw(config.inputs.empty() ? "inputs: []  # default" : "inputs:");
  for (std::size_t i = 0; i < config.inputs.size(); ++i) {
    writer.Raw("  -");
    writer.SetBase(4);
    for (const Setting& setting : Settings()) {
      if (!OfInput(setting)) continue;
      const std::string rest(setting.path.substr(kInputs.size() + 1));
      ShowOne(setting, fmt::format("inputs.{}.{}", i, rest), Split(rest), i, config, writer);
    }
    writer.SetBase(0);
  }
}

std::string Defaults(const Setting& setting) {
  Config config;
  config.inputs.emplace_back();
  return ShowValue(setting.slot(config, 0));
}

std::string JsonText(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

std::string JsonList(const std::vector<std::string_view>& texts) {
  std::string list;
  for (const std::string_view text : texts) list += (list.empty() ? "" : ", ") + JsonText(text);
  return "[" + list + "]";
}

// The JSON Schema of one setting's value.
std::string TypeSchema(const Setting& setting) {
  Config config;
  config.inputs.emplace_back();
  const Slot slot = setting.slot(config, 0);
  constexpr std::string_view kTexts =
      R"("anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "number", "boolean"]}}])";
  switch (slot.index()) {
    case 0:
      return setting.choices.empty() ? R"("type": ["string", "number"])"
                                     : R"("enum": )" + JsonList(setting.choices);
    case 1: return R"("type": "boolean")";
    case 2:
      return fmt::format(R"("type": "integer", "minimum": {}, "maximum": {})", setting.least,
                         setting.most);
    case 3:
      return R"("type": ["integer", "string"], "pattern": "^[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)?$")";
    case 4: return R"("type": "string", "pattern": "^[0-9]+(ns|us|ms|s|m|h|d|w)$")";
    case 5: return R"("type": "string", "pattern": "^([0-9]+(ns|us|ms|s|m|h|d|w)|never)$")";
    case 6: return R"("type": ["string", "null"])";
    case 7: return R"("type": "string", "pattern": "^\\$\\{(env|file):.+\\}$")";
    case 8: return std::string(kTexts);
    case 11: return fmt::format(R"("type": "object", "additionalProperties": {{{}}})", kTexts);
    case 12: return R"("type": "object", "additionalProperties": {"type": "object"})";
    default: break;
  }
  if (!setting.choices.empty()) {
    return fmt::format(R"("type": "object", "propertyNames": {{"enum": {}}})",
                       JsonList(setting.choices));
  }
  return R"("type": "object")";
}

// The settings and sections below `prefix` (ending in '.' or empty) as a JSON Schema object.
std::string ObjectSchema(const std::string& prefix, const std::string& indent) {
  std::vector<std::string> members;
  std::string last;
  for (const Setting& setting : Settings()) {
    if (setting.path.rfind(prefix, 0) != 0) continue;
    const std::string rest(setting.path.substr(prefix.size()));
    const std::size_t dot = rest.find('.');
    const std::string key = rest.substr(0, dot);
    if (key == last) continue;
    last = key;
    const std::string inner = indent + "  ";
    if (dot == std::string::npos) {
      members.push_back(fmt::format(R"({}{}: {{"description": {}, {}}})", inner, JsonText(key),
                                    JsonText(setting.doc), TypeSchema(setting)));
    } else if (key == kInputs) {
      members.push_back(
          fmt::format("{}\"inputs\": {{\"type\": [\"array\", \"null\"], \"items\": {}}}", inner,
                      ObjectSchema("inputs[].", inner)));
    } else {
      members.push_back(
          fmt::format("{}{}: {}", inner, JsonText(key), ObjectSchema(prefix + key + ".", inner)));
    }
  }
  return fmt::format(
      "{{\"type\": [\"object\", \"null\"], \"additionalProperties\": false, "
      "\"properties\": {{\n{}\n{}}}}}",
      fmt::join(members, ",\n"), indent);
}

// `text` in lines of at most 96 characters, each after `mark`.
std::vector<std::string> Wrap(std::string_view text, std::string_view mark) {
  constexpr std::size_t kWidth = 96;
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t cut = text.size();
    if (cut > kWidth) cut = text.rfind(' ', kWidth);
    lines.push_back(std::string(mark) + std::string(text.substr(0, cut)));
    text = cut >= text.size() ? std::string_view() : text.substr(cut + 1);
  }
  return lines;
}

}  // namespace

std::string ShowConfig(const Config& config) {
  YamlWriter writer;
  bool inputs_shown = false;
  for (const Setting& setting : Settings()) {
    if (!OfInput(setting)) {
      ShowOne(setting, std::string(setting.path), Split(setting.path), 0, config, writer);
    } else if (!inputs_shown) {
      ShowInputs(config, writer);
      inputs_shown = true;
    }
  }
  return writer.Take();
}

std::string StartingConfig() {
  YamlWriter writer;
  writer.Raw(
      "# faultline's configuration. What is commented out shows the default; "
      "docs/configuration.md");
  writer.Raw(
      "# lists every setting. A file, then FAULTLINE__SECTION__KEY, then --set, then flags: the");
  writer.Raw("# later one wins. Check it with: faultline check -c THIS_FILE");
  bool inputs_open = false;
  for (const Setting& setting : Settings()) {
    if (!setting.later.empty()) continue;
    const bool of_input = OfInput(setting);
    if (of_input && !inputs_open) {
      writer.Raw("inputs:");
      writer.Raw("  -");
    }
    if (of_input != inputs_open) writer.SetBase(of_input ? 4 : 0);
    inputs_open = of_input;
    std::vector<std::string> sections =
        Split(of_input ? setting.path.substr(kInputs.size() + 1) : setting.path);
    const std::string key = sections.back();
    sections.pop_back();
    for (const std::string& line : Wrap(setting.doc, "# ")) writer.Line(sections, line);
    writer.Line(sections, setting.sample.empty() ? fmt::format("# {}: {}", key, Defaults(setting))
                                                 : fmt::format("{}: {}", key, setting.sample));
  }
  return writer.Take();
}

std::string ConfigSchema() {
  std::string schema = ObjectSchema("", "");
  return "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"title\": "
         "\"faultline.yaml\",\n " +
         schema.substr(1) + "\n";
}

namespace {

bool IsMap(const Setting& setting) {
  Config config;
  config.inputs.emplace_back();
  return std::holds_alternative<std::map<std::string, std::string>*>(setting.slot(config, 0));
}

}  // namespace

std::string ConfigReference() {
  std::string table = "| setting | type | default | meaning |\n| --- | --- | --- | --- |\n";
  for (const Setting& setting : Settings()) {
    Config config;
    config.inputs.emplace_back();
    std::string doc(setting.doc);
    if (!setting.choices.empty())
      doc += fmt::format(" {}: {}.", IsMap(setting) ? "Keys" : "One of",
                         fmt::join(setting.choices, ", "));
    if (!setting.later.empty()) doc += fmt::format(" *Not supported yet: {}.*", setting.later);
    table += fmt::format("| `{}` | {} | `{}` | {} |\n", setting.path,
                         TypeName(setting.slot(config, 0)), Defaults(setting), doc);
  }
  return table;
}

}  // namespace faultline::app
