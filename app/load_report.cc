// SPDX-License-Identifier: Apache-2.0
#include "app/load_report.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/config.h"
#include "app/rule_select.h"
#include "app/terminal.h"
#include "app/version.h"
#include "exporters/escape.h"
#include "exporters/json_writer.h"
#include "matcher/correlate/state_size.h"

namespace faultline::app {
namespace {

constexpr std::string_view kRejected = "rejected";

std::string_view StateName(sigma::RuleState state) noexcept {
  switch (state) {
    case sigma::RuleState::kActive: return "active";
    case sigma::RuleState::kGated: return "gated";
    case sigma::RuleState::kRejected: break;
  }
  return kRejected;
}

double HorizonSeconds(const sigma::ReportEntry& entry) {
  return std::chrono::duration<double>(entry.horizon).count();
}

// Per line of the report that is an active correlation: StatePerKey().
using StateSizes = std::map<const sigma::ReportEntry*, std::int64_t>;

StateSizes StateSizesOf(const RuleSet& rules) {
  std::map<std::pair<std::string, int>, const sigma::CorrelationRule*> by_place;
  for (const sigma::CorrelationRule& rule : rules.correlations()) {
    by_place[{rule.meta.file, rule.meta.place.line}] = &rule;
  }
  StateSizes sizes;
  for (const sigma::ReportEntry& entry : rules.report()) {
    const auto rule = by_place.find({entry.file, entry.line});
    if (entry.kind != "correlation" || rule == by_place.end()) continue;
    sizes[&entry] = StatePerKey(*rule->second);
  }
  return sizes;
}

std::int64_t SizeIn(const StateSizes& sizes, const sigma::ReportEntry& entry) {
  const auto found = sizes.find(&entry);
  return found == sizes.end() ? 0 : found->second;
}

struct Counts {
  std::array<std::size_t, 3> by_state{};  // index = sigma::RuleState
  double longest_horizon = 0;
};

Counts CountsOf(const RuleSet& rules) {
  Counts counts;
  for (const sigma::ReportEntry& entry : rules.report()) {
    ++counts.by_state.at(static_cast<std::size_t>(entry.state));
    counts.longest_horizon = std::max(counts.longest_horizon, HorizonSeconds(entry));
  }
  return counts;
}

std::string EntryJson(const sigma::ReportEntry& entry, const StateSizes& sizes) {
  return fmt::format(
      R"({{"id":{},"title":{},"file":{},"line":{},"state":"{}","reason":{},"kind":{},"horizon_seconds":{},"state_bytes_per_key":{}}})",
      JsonString(entry.id), JsonString(entry.title), JsonString(entry.file), entry.line,
      StateName(entry.state), JsonString(entry.reason), JsonString(entry.kind),
      HorizonSeconds(entry), SizeIn(sizes, entry));
}

std::string FindingJson(const sigma::Finding& finding) {
  return fmt::format(
      R"({{"rule":{},"code":{},"message":{},"file":{},"line":{},"column":{},"remedy":{}}})",
      JsonString(finding.rule), JsonString(finding.code), JsonString(finding.message),
      JsonString(finding.place.file), finding.place.line, finding.place.column,
      JsonString(finding.remedy));
}

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// --------------------------------------------------------------------------------------- SARIF

// A path as SARIF wants it: a relative reference, or file:// with an absolute one.
std::string Uri(std::string_view path) {
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-._~").find(c) != std::string_view::npos;
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return uri;
}

void WriteResult(std::string_view code, std::string_view level, const std::string& message,
                 const std::string& remedy, const Place& place, JsonWriter& json) {
  json.BeginObject().Key("ruleId").String(code).Key("level").String(level);
  json.Key("message").BeginObject();
  json.Key("text").String(remedy.empty() ? message : message + "; " + remedy).EndObject();
  if (!place.file.empty()) {
    json.Key("locations").BeginArray().BeginObject().Key("physicalLocation").BeginObject();
    json.Key("artifactLocation").BeginObject().Key("uri").String(Uri(place.file)).EndObject();
    if (place.line > 0) {
      json.Key("region").BeginObject().Key("startLine").Int(place.line);
      if (place.column > 0) json.Key("startColumn").Int(CharacterColumn(place));
      json.EndObject();
    }
    json.EndObject().EndObject().EndArray();
  }
  json.EndObject();
}

}  // namespace

bool IsNote(const sigma::Finding& finding) {
  return finding.code.starts_with("missing-") || finding.code.starts_with("id-");
}

std::map<std::string, std::size_t> LeftOut(const RuleSet& rules) {
  std::map<std::string, std::size_t> left_out;
  for (const sigma::ReportEntry& entry : rules.report()) {
    if (entry.state != sigma::RuleState::kGated) continue;
    if (!entry.reason.starts_with(kLeftOutBy)) continue;
    const std::string_view why = std::string_view(entry.reason).substr(kLeftOutBy.size());
    ++left_out[std::string(why.substr(0, why.find(',')))];
  }
  return left_out;
}

std::string LoadReportJson(const RuleSet& rules) {
  std::vector<std::string> entries, findings, left_out;
  const StateSizes sizes = StateSizesOf(rules);
  for (const sigma::ReportEntry& entry : rules.report()) {
    entries.push_back(EntryJson(entry, sizes));
  }
  for (const sigma::Finding& finding : rules.findings()) findings.push_back(FindingJson(finding));
  for (const auto& [why, count] : LeftOut(rules)) {
    left_out.push_back(fmt::format("{}:{}", JsonString(why), count));
  }
  const Counts counts = CountsOf(rules);
  return fmt::format(
      "{{\"rules\":[{}],\"counts\":{{\"active\":{},\"gated\":{},\"rejected\":{},\"detections\":{},"
      "\"correlations\":{},\"longest_horizon_seconds\":{},\"left_out\":{{{}}},\"findings\":{}}},"
      "\"findings\":[{}]}}\n",
      fmt::join(entries, ","), counts.by_state[0], counts.by_state[1], counts.by_state[2],
      rules.detections().size(), rules.correlations().size(), counts.longest_horizon,
      fmt::join(left_out, ","), findings.size(), fmt::join(findings, ","));
}

std::string LoadReportLines(const RuleSet& rules) {
  std::string text;
  const StateSizes sizes = StateSizesOf(rules);
  for (const sigma::ReportEntry& entry : rules.report()) text += EntryJson(entry, sizes) + "\n";
  return text;
}

std::string LoadReportCsv(const RuleSet& rules) {
  std::string text = "id,title,file,line,state,reason,kind,horizon_seconds,state_bytes_per_key\r\n";
  const StateSizes sizes = StateSizesOf(rules);
  for (const sigma::ReportEntry& entry : rules.report()) {
    text += fmt::format("{},{},{},{},{},{},{},{},{}\r\n", CsvField(entry.id), CsvField(entry.title),
                        CsvField(entry.file), entry.line, StateName(entry.state),
                        CsvField(entry.reason), entry.kind, HorizonSeconds(entry),
                        SizeIn(sizes, entry));
  }
  return text;
}

std::string LoadReportTable(const RuleSet& rules, bool color) {
  std::string text;
  const StateSizes sizes = StateSizesOf(rules);
  for (const sigma::ReportEntry& entry : rules.report()) {
    const Tone tone = entry.state == sigma::RuleState::kActive  ? Tone::kGreen
                      : entry.state == sigma::RuleState::kGated ? Tone::kYellow
                                                                : Tone::kRed;
    text += fmt::format(
        "{} {:<11}  {}  {}", Toned(fmt::format("{:<8}", StateName(entry.state)), tone, color),
        entry.kind, Printable(entry.title),
        Toned(Printable(fmt::format("{}:{}", entry.file, entry.line)), Tone::kDim, color));
    if (entry.horizon.count() > 0) text += "  looks back " + ShowDuration(entry.horizon);
    if (const std::int64_t size = SizeIn(sizes, entry); size > 0) {
      text += fmt::format(", keeps {} bytes a key", size);
    }
    if (!entry.reason.empty() && entry.state != sigma::RuleState::kRejected) {
      text += "  (" + Printable(entry.reason) + ")";
    }
    text += "\n";
  }
  const Counts counts = CountsOf(rules);
  text += fmt::format("{} active ({} detections, {} correlations), {} gated, {} rejected",
                      counts.by_state[0], rules.detections().size(), rules.correlations().size(),
                      counts.by_state[1], counts.by_state[2]);
  if (!rules.findings().empty()) {
    text += fmt::format(", {} finding{}", rules.findings().size(),
                        rules.findings().size() == 1 ? "" : "s");
  }
  text += "\n";
  for (const auto& [why, count] : LeftOut(rules)) {
    text += fmt::format("  {} left out by {}\n", count, why);
  }
  return text;
}

std::string LoadReportSarif(const RuleSet& rules) {
  std::set<std::string_view> codes = {kRejected};
  for (const sigma::Finding& finding : rules.findings()) codes.insert(finding.code);
  std::string text;
  JsonWriter json(&text);
  json.BeginObject().Key("$schema").String("https://json.schemastore.org/sarif-2.1.0.json");
  json.Key("version").String("2.1.0").Key("runs").BeginArray().BeginObject();
  json.Key("tool").BeginObject().Key("driver").BeginObject();
  json.Key("name").String("faultline").Key("version").String(kVersion);
  json.Key("rules").BeginArray();
  for (const std::string_view code : codes) json.BeginObject().Key("id").String(code).EndObject();
  json.EndArray().EndObject().EndObject();
  json.Key("columnKind").String("unicodeCodePoints").Key("results").BeginArray();
  for (const Error& error : rules.errors()) {
    WriteResult(kRejected, "error", error.message, error.remedy, error.place, json);
  }
  for (const sigma::Finding& finding : rules.findings()) {
    WriteResult(finding.code, IsNote(finding) ? "note" : "warning", finding.message, finding.remedy,
                finding.place, json);
  }
  json.EndArray().EndObject().EndArray().EndObject();
  return text + "\n";
}

}  // namespace faultline::app
