// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/pack.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
#include "matcher/sigma/correlation.h"
#include "matcher/sigma/reading.h"
#include "matcher/sigma/rule.h"
#include "matcher/sigma/scalars.h"
#include "matcher/sigma/yaml.h"

namespace faultline::sigma {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPackBytes = 1 << 20;

// A table that pack.yaml names: its columns are what the rules count on.
struct NamedTable {
  std::string name;
  std::vector<std::string> columns;
  Place place;
};

// pack.yaml as it stands.
struct PackFile {
  Pack pack;
  std::vector<NamedTable> tables;
};

std::string_view TypeOf(const ExprValue& value) {
  if (std::holds_alternative<std::string>(value)) return "a text";
  return std::holds_alternative<std::chrono::nanoseconds>(value) ? "a duration" : "a number";
}

// What a text of YAML is as a setting: a number, a duration like 10m, or else a text.
std::optional<ExprValue> SettingOf(const yaml::Node& node) {
  if (const auto whole = yaml::AsInteger(node)) return *whole;
  if (const auto decimal = yaml::AsDouble(node)) return *decimal;
  const auto text = yaml::AsText(node);
  if (!text) return std::nullopt;
  if (const auto span = ParseTimespan(*text); span && !node.quoted) return *span;
  return *text;
}

void ReadSettings(const yaml::Node& map, Pack& pack, Reading& reading) {
  if (!ExpectMap(map, "'settings'", reading)) return;
  for (const yaml::Pair& pair : map.pairs) {
    if (!ExpectMap(pair.value, "a setting", reading)) return;
    ExpectKeys(pair.value, "a setting", {"default", "unit", "description"}, {}, reading);
    PackSetting setting;
    setting.unit = OptionalText(pair.value, "unit", reading);
    setting.description = OptionalText(pair.value, "description", reading);
    const yaml::Node* const node = pair.value.Find("default");
    const auto value = node == nullptr ? std::nullopt : SettingOf(*node);
    if (!value) {
      return reading.Refuse(fmt::format("the setting '{}' has no default", pair.key.scalar),
                            pair.key.place, "write a number, a text or a duration such as 10m");
    }
    setting.value = *value;
    pack.settings.emplace(pair.key.scalar, std::move(setting));
  }
}

std::vector<NamedTable> ReadTables(const yaml::Node& map, Reading& reading) {
  std::vector<NamedTable> tables;
  if (!ExpectMap(map, "'lookups'", reading)) return tables;
  for (const yaml::Pair& pair : map.pairs) {
    if (!ExpectMap(pair.value, "a lookup table", reading)) return tables;
    ExpectKeys(pair.value, "a lookup table", {"columns", "description"}, {}, reading);
    NamedTable table{pair.key.scalar, OptionalTexts(pair.value, "columns", reading),
                     pair.key.place};
    (void)OptionalText(pair.value, "description", reading);
    if (table.columns.size() < 2) {
      reading.Refuse(fmt::format("the lookup table '{}' needs 'columns'", table.name),
                     pair.key.place,
                     "name its key and what it gives: columns: [computer, cluster]");
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

std::string Needed(const yaml::Node& map, std::string_view key, Reading& reading) {
  std::string text = OptionalText(map, key, reading);
  if (text.empty()) reading.Refuse(fmt::format("the pack has no '{}'", key), map.place);
  return text;
}

PackFile ReadPackMap(const yaml::Node& map, Reading& reading) {
  PackFile file;
  if (!ExpectMap(map, "a pack", reading)) return file;
  ExpectKeys(map, "a pack",
             {"name", "version", "description", "fields", "lookups", "settings", "tests"}, {},
             reading);
  file.pack.name = Needed(map, "name", reading);
  file.pack.version = Needed(map, "version", reading);
  file.pack.description = Needed(map, "description", reading);
  file.pack.fields = OptionalTexts(map, "fields", reading);
  file.pack.tests = OptionalTexts(map, "tests", reading);
  if (const auto* lookups = map.Find("lookups")) file.tables = ReadTables(*lookups, reading);
  if (const auto* settings = map.Find("settings")) ReadSettings(*settings, file.pack, reading);
  return file;
}

Result<PackFile> ParsePack(const std::string& text, const std::string& path) {
  auto documents = yaml::ParseYaml(text, path);
  if (!documents) return tl::unexpected<Error>(documents.error());
  if (documents->size() != 1) {
    return Fail(Fault::kRules, "pack.yaml must hold one document", Place{path, 1, 1});
  }
  Reading reading("");
  PackFile file = ReadPackMap(documents->front(), reading);
  if (!reading.ok()) return tl::unexpected<Error>(*reading.error());
  return file;
}

tl::unexpected<Error> SettingFault(const std::string& pack, const std::string& name,
                                   const std::string& what, std::string remedy = {}) {
  return Fail(Fault::kConfig, fmt::format("rules.settings.{}.{}: {}", pack, name, what), {},
              std::move(remedy));
}

// The configuration's value of a setting, of the default's type.
Result<ExprValue> Overridden(const std::string& pack, const std::string& name,
                             const std::string& text, const ExprValue& usual) {
  yaml::Node node;
  node.scalar = text;
  std::optional<ExprValue> value = SettingOf(node);
  if (std::holds_alternative<std::string>(usual)) value = text;
  if (value && TypeOf(*value) == TypeOf(usual)) return *value;
  return SettingFault(pack, name, fmt::format("'{}' is not {}", text, TypeOf(usual)),
                      fmt::format("the default is {} too", TypeOf(usual)));
}

Result<void> Override(const LoadOptions& options, Pack& pack) {
  const auto given = options.settings.find(pack.name);
  if (given == options.settings.end()) return {};
  std::vector<std::string_view> known;
  for (const auto& [name, setting] : pack.settings) known.push_back(name);
  for (const auto& [name, text] : given->second) {
    const auto setting = pack.settings.find(name);
    if (setting == pack.settings.end()) {
      std::string remedy = DidYouMean(name, known);
      if (remedy.empty()) remedy = fmt::format("its settings: {}", fmt::join(known, ", "));
      return SettingFault(pack.name, name, "the pack has no such setting", std::move(remedy));
    }
    auto value = Overridden(pack.name, name, text, setting->second.value);
    if (!value) return tl::unexpected<Error>(value.error());
    setting->second.value = std::move(*value);
  }
  return {};
}

Result<void> CheckColumns(const NamedTable& wanted, const LookupTable& table,
                          const std::string& path) {
  for (const std::string& column : wanted.columns) {
    if (table.Column(column)) continue;
    return Fail(Fault::kRules,
                fmt::format("the lookup table '{}' has no column '{}'", wanted.name, column),
                Place{path, 1, 1},
                fmt::format("its first line must name {}", fmt::join(wanted.columns, ", ")));
  }
  if (table.columns().front() == wanted.columns.front()) return {};
  return Fail(Fault::kRules,
              fmt::format("the key of the lookup table '{}' is '{}', not '{}'", wanted.name,
                          table.columns().front(), wanted.columns.front()),
              Place{path, 1, 1}, "the key is the first column");
}

}  // namespace

Result<std::shared_ptr<const LookupTable>> Packs::Table(const std::string& path) {
  auto& known = tables_[path];
  if (known != nullptr) return known;
  const auto text = read_(path, LookupTable::kMaxBytes);
  if (!text) {
    return Fail(Fault::kRules, "no such lookup table", Place{path, 0, 0},
                "write a CSV file whose first line names the columns");
  }
  if (!*text) return tl::unexpected<Error>(text->error());
  auto table = LookupTable::Parse(**text, path);
  if (!table) return tl::unexpected<Error>(table.error());
  known = std::make_shared<const LookupTable>(std::move(*table));
  return known;
}

Result<std::shared_ptr<const Pack>> Packs::Outside() {
  if (outside_ != nullptr) return outside_;
  auto pack = std::make_shared<Pack>();
  for (const auto& [name, path] : options_.lookups) {
    auto table = Table(path);
    if (!table) return tl::unexpected<Error>(table.error());
    pack->tables.emplace(name, std::move(*table));
  }
  outside_ = std::move(pack);
  return outside_;
}

Result<std::shared_ptr<const Pack>> Packs::Load(const std::string& path, const std::string& text) {
  auto file = ParsePack(text, path);
  if (!file) return tl::unexpected<Error>(file.error());
  auto pack = std::make_shared<Pack>(std::move(file->pack));
  if (auto ok = Override(options_, *pack); !ok) return tl::unexpected<Error>(ok.error());
  const auto outside = Outside();
  if (!outside) return outside;
  pack->tables = (*outside)->tables;
  for (const NamedTable& wanted : file->tables) {
    const auto given = options_.lookups.find(wanted.name);
    const std::string own =
        (fs::path(path).parent_path() / "lookups" / (wanted.name + ".csv")).string();
    const std::string& from = given == options_.lookups.end() ? own : given->second;
    auto table = Table(from);
    if (!table) return tl::unexpected<Error>(table.error());
    if (auto ok = CheckColumns(wanted, **table, from); !ok) {
      return tl::unexpected<Error>(ok.error());
    }
    pack->tables[wanted.name] = std::move(*table);
  }
  return std::shared_ptr<const Pack>(std::move(pack));
}

Result<std::shared_ptr<const Pack>> Packs::OfFolder(const std::string& folder) {
  const auto known = folders_.find(folder);
  if (known != folders_.end()) return known->second;
  const std::string path = (fs::path(folder) / "pack.yaml").string();
  const auto text = read_(path, kMaxPackBytes);
  if (!text) return folders_.emplace(folder, nullptr).first->second;
  if (!*text) return tl::unexpected<Error>(text->error());
  auto pack = Load(path, **text);
  if (pack) folders_.emplace(folder, *pack);
  return pack;
}

Result<std::shared_ptr<const Pack>> Packs::Of(const std::string& file) {
  const std::string folder = fs::path(file).parent_path().string();
  const auto known = packs_.find(folder);
  if (known != packs_.end()) return known->second;
  auto pack = Above(folder);
  if (pack) packs_.emplace(folder, *pack);
  return pack;
}

Result<std::shared_ptr<const Pack>> Packs::Above(const fs::path& given) {
  std::error_code error;
  const fs::path whole = fs::absolute(given, error).lexically_normal();
  // As written while that goes upwards, then from the root of what it is relative to.
  for (const fs::path& start : {given, whole}) {
    for (fs::path folder = start;; folder = folder.parent_path()) {
      auto pack = OfFolder(folder.string());
      if (!pack || *pack != nullptr) return pack;
      if (folder == folder.parent_path()) break;
    }
  }
  return Outside();
}

void Packs::NoteUnused(RuleCollection& rules) const {
  std::vector<std::string_view> packs, tables;
  for (const auto& [folder, pack] : folders_) {
    if (pack != nullptr) packs.push_back(pack->name);
  }
  for (const DetectionRule& rule : rules.detections) {
    for (const Lookup& lookup : rule.lookups) tables.push_back(lookup.table);
  }
  const auto note = [&rules](const std::string& setting, const std::string& name,
                             const std::vector<std::string_view>& known, std::string_view what) {
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    rules.findings.push_back({"",
                              "unused-setting",
                              fmt::format("{}.{}: {}", setting, name, what),
                              {},
                              DidYouMean(name, known)});
  };
  for (const auto& [name, values] : options_.settings) {
    note("rules.settings", name, packs, "no rule lies in a pack of that name");
  }
  for (const auto& [name, path] : options_.lookups) {
    note("rules.lookups", name, tables, "no rule asks a table of that name");
  }
}

std::optional<Result<Pack>> ReadPack(const std::string& folder) {
  const fs::path path = fs::path(folder) / "pack.yaml";
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  auto text = ReadCapped(path.string(), kMaxPackBytes);
  if (!text) return Result<Pack>(tl::unexpected<Error>(text.error()));
  auto file = ParsePack(*text, path.string());
  if (!file) return Result<Pack>(tl::unexpected<Error>(file.error()));
  return Result<Pack>(std::move(file->pack));
}

}  // namespace faultline::sigma
