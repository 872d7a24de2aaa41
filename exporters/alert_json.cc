// SPDX-License-Identifier: Apache-2.0
#include "exporters/alert_json.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "exporters/escape.h"
#include "exporters/json_writer.h"

namespace faultline {
namespace {

void Text(JsonWriter& json, std::string_view key, std::string_view value) {
  json.Key(key).String(value);
}

void TextIfAny(JsonWriter& json, std::string_view key, std::string_view value) {
  if (!value.empty()) Text(json, key, value);
}

void Texts(JsonWriter& json, std::string_view key, const std::vector<std::string>& values) {
  json.Key(key).BeginArray();
  for (const std::string& value : values) json.String(value);
  json.EndArray();
}

// A name that stands twice keeps its first value: JSON readers differ about doubled keys.
void NamedValues(JsonWriter& json, std::string_view key, const std::vector<NamedValue>& values) {
  json.Key(key).BeginObject();
  for (auto value = values.begin(); value != values.end(); ++value) {
    const bool seen = std::any_of(values.begin(), value, [&value](const NamedValue& earlier) {
      return earlier.name == value->name;
    });
    if (!seen) Text(json, value->name, value->value);
  }
  json.EndObject();
}

void WriteRule(JsonWriter& json, const Alert& alert) {
  const sigma::Metadata& rule = *alert.rule;
  json.Key("rule").BeginObject();
  Text(json, "id", RuleIdOf(rule));
  TextIfAny(json, "name", rule.name);
  Text(json, "title", RuleTitleOf(rule));
  Text(json, "revision", alert.rule_revision.Hex());
  Texts(json, "tags", rule.tags);
  Texts(json, "references", rule.references);
  Text(json, "file", rule.file);
  json.EndObject();
}

void WriteWindow(JsonWriter& json, const AlertWindow& window) {
  json.Key("window").BeginObject();
  Text(json, "type", window.type);
  Text(json, "start", ToString(window.start));
  Text(json, "end", ToString(window.end));
  json.Key("span_seconds").Seconds(window.span);
  json.Key("count").Int(window.count);
  json.Key("threshold").Int(window.threshold);
  TextIfAny(json, "value", window.value);
  json.Key("complete").Bool(window.complete);
  json.EndObject();
}

void WriteStep(JsonWriter& json, const Step& step) {
  json.BeginObject();
  Text(json, "name", step.name);
  Text(json, "rule", step.rule);
  json.Key("matched").Bool(step.matched);
  if (step.matched) Text(json, "time", ToString(step.time));
  json.Key("evidence").BeginArray();
  for (const std::uint32_t index : step.evidence) json.Int(index);
  json.EndArray();
  json.EndObject();
}

void WriteEvidence(JsonWriter& json, const Evidence& evidence) {
  json.BeginObject();
  Text(json, "topic", evidence.origin.source.topic);
  json.Key("partition").Int(evidence.origin.source.partition);
  json.Key("offset").Int(evidence.origin.offset);
  json.Key("index").Int(evidence.origin.index);
  Text(json, "timestamp", ToString(evidence.time));
  Text(json, "rule", evidence.rule);
  NamedValues(json, "captures", evidence.captures);
  TextIfAny(json, "event", evidence.event);
  json.EndObject();
}

void WriteExplanation(JsonWriter& json, const sigma::Explain& explanation) {
  if (explanation.empty()) return;
  json.Key("explanation").BeginObject();
  TextIfAny(json, "cause", explanation.cause);
  TextIfAny(json, "impact", explanation.impact);
  Texts(json, "remedy", explanation.remedy);
  Texts(json, "references", explanation.references);
  json.EndObject();
  TextIfAny(json, "runbook_url", explanation.runbook);
}

void WriteIdentity(JsonWriter& json, const Alert& alert, const AlertContext& context) {
  Text(json, "schema", kAlertSchema);
  Text(json, "id", alert.id.Hex());
  Text(json, "incident", alert.incident.Hex());
  Text(json, "fingerprint", alert.fingerprint.Hex());
  Text(json, "status", ToString(alert.status));
  json.Key("seq").Int(alert.seq);
  Text(json, "kind", ToString(alert.kind));
  Text(json, "time", ToString(alert.time));
  Text(json, "detected_at", ToString(context.detected_at));
  Text(json, "title", TitleOf(alert));
  Text(json, "level", sigma::ToString(alert.level));
  json.Key("severity").Int(SeverityOf(alert.level));
}

void WriteFindings(JsonWriter& json, const Alert& alert) {
  NamedValues(json, "group", alert.group);
  if (alert.window) WriteWindow(json, *alert.window);
  json.Key("steps").BeginArray();
  for (const Step& step : alert.steps) WriteStep(json, step);
  json.EndArray();
  TextIfAny(json, "matched", alert.matched);
  json.Key("evidence").BeginArray();
  for (const Evidence& evidence : alert.evidence) WriteEvidence(json, evidence);
  json.EndArray();
  json.Key("evidence_total").Int(alert.evidence_total);
  json.Key("truncated").Bool(alert.truncated);
  Texts(json, "flags", alert.flags);
}

void WriteSource(JsonWriter& json, const AlertContext& context) {
  json.Key("source").BeginObject();
  Text(json, "pipeline", context.pipeline);
  Text(json, "instance", context.instance);
  Text(json, "version", context.version);
  Text(json, "rules_revision", context.rules_revision);
  json.EndObject();
}

std::string Whole(const Alert& alert, const AlertContext& context) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  WriteIdentity(json, alert, context);
  WriteRule(json, alert);
  WriteFindings(json, alert);
  TextIfAny(json, "variant", alert.variant);
  WriteExplanation(json, alert.explanation);
  if (!alert.others.empty()) Texts(json, "others", alert.others);
  json.Key("suppressed_count").Int(alert.suppressed_count);
  json.Key("degraded").Bool(alert.degraded);
  WriteSource(json, context);
  if (context.replay_command) TextIfAny(json, "replay", context.replay_command(alert));
  json.EndObject();
  return out;
}

void DropEvents(Alert& alert) {
  for (Evidence& evidence : alert.evidence) evidence.event.clear();
}

// Half of the evidence, from its middle: the first and the last events tell the most. Steps go on
// pointing at what is left.
void HalveEvidence(Alert& alert) {
  const auto size = static_cast<std::uint32_t>(alert.evidence.size());
  const std::uint32_t keep = size > 2 ? std::max(2U, size / 2) : size / 2;
  const std::uint32_t cut = size - keep;
  const std::uint32_t from = keep / 2;
  alert.evidence.erase(alert.evidence.begin() + from, alert.evidence.begin() + from + cut);
  for (Step& step : alert.steps) {
    std::vector<std::uint32_t> left;
    for (const std::uint32_t index : step.evidence) {
      if (index < from) left.push_back(index);
      if (index >= from + cut) left.push_back(index - cut);
    }
    step.evidence = std::move(left);
  }
  if (alert.window) alert.window->complete = false;
}

void DropCaptures(Alert& alert) {
  for (Evidence& evidence : alert.evidence) evidence.captures.clear();
}

void DropTexts(Alert& alert) {
  alert.explanation = {};
  sigma::Metadata rule = *alert.rule;
  rule.tags.clear();
  rule.references.clear();
  alert.rule = std::make_shared<const sigma::Metadata>(std::move(rule));
}

void CutTo(std::string& text, std::size_t bytes) { text.resize(Shortened(text, bytes).size()); }

void CutLongTexts(Alert& alert) {
  constexpr std::size_t kShort = 256;
  sigma::Metadata rule = *alert.rule;
  for (std::string* text :
       {&rule.title, &rule.name, &rule.id, &rule.file, &alert.title, &alert.variant}) {
    CutTo(*text, kShort);
  }
  alert.rule = std::make_shared<const sigma::Metadata>(std::move(rule));
  if (alert.group.size() > 16) alert.group.resize(16);
  for (NamedValue& value : alert.group) {
    CutTo(value.name, kShort);
    CutTo(value.value, kShort);
  }
  alert.steps.clear();
  alert.others.clear();
}

std::string Trimmed(Alert alert, const AlertContext& context, std::size_t max_bytes) {
  alert.truncated = true;
  DropEvents(alert);
  std::string json = Whole(alert, context);
  while (json.size() > max_bytes && alert.evidence.size() > 2) {
    HalveEvidence(alert);
    json = Whole(alert, context);
  }
  constexpr std::array kSteps = {DropCaptures, DropTexts, HalveEvidence, HalveEvidence,
                                 CutLongTexts};
  for (const auto step : kSteps) {
    if (json.size() <= max_bytes) break;
    step(alert);
    json = Whole(alert, context);
  }
  return json;
}

bool IsHex(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// W3C Trace Context, version-format of version 00: what is not one is not passed on.
bool IsTraceparent(std::string_view text) noexcept {
  constexpr std::string_view kForm = "00-00000000000000000000000000000000-0000000000000000-00";
  if (text.size() != kForm.size()) return false;
  const auto zeros = [text](std::size_t at, std::size_t size) {
    return text.substr(at, size).find_first_not_of('0') == std::string_view::npos;
  };
  if (zeros(3, 32) || zeros(36, 16)) return false;
  return std::equal(text.begin(), text.end(), kForm.begin(),
                    [](char c, char form) { return form == '-' ? c == '-' : IsHex(c); });
}

bool IsUnreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// CloudEvents wants a URI-reference. The instance is no part of it: whoever finds an alert again
// gives it the same source and id, and readers may drop the double.
std::string SourceUri(const AlertContext& context) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string uri = "/faultline/";
  for (const char c : context.pipeline) {
    if (IsUnreserved(c)) {
      uri.push_back(c);
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      uri += {'%', kHex[byte >> 4], kHex[byte & 0xF]};
    }
  }
  return uri;
}

}  // namespace

std::string AlertJson(const Alert& alert, const AlertContext& context, std::size_t max_bytes) {
  std::string json = Whole(alert, context);
  if (json.size() <= max_bytes) return json;
  return Trimmed(alert, context, max_bytes);
}

std::vector<Header> AlertHeaders(const Alert& alert, const AlertContext& context) {
  std::vector<Header> headers = {
      {"ce_specversion", "1.0"},
      {"ce_type", "dev.faultline.alert.v1"},
      {"ce_source", SourceUri(context)},
      {"ce_id", alert.id.Hex()},
      {"ce_time", ToString(alert.time)},
      {"ce_subject", Printable(Shortened(RuleIdOf(*alert.rule), 256))},
      {"content-type", "application/json"},
      {"faultline_level", std::string(sigma::ToString(alert.level))},
      {"faultline_run", context.run},
  };
  if (IsTraceparent(alert.traceparent)) headers.push_back({"traceparent", alert.traceparent});
  return headers;
}

std::string AlertKey(const Alert& alert) { return alert.fingerprint.Hex(); }

std::string_view RuleIdOf(const sigma::Metadata& rule) noexcept {
  if (!rule.id.empty()) return rule.id;
  return rule.name.empty() ? rule.title : rule.name;
}

std::string_view RuleTitleOf(const sigma::Metadata& rule) noexcept {
  if (!rule.title.empty()) return rule.title;
  return rule.name.empty() ? rule.id : rule.name;
}

std::string_view TitleOf(const Alert& alert) noexcept {
  return alert.title.empty() ? RuleTitleOf(*alert.rule) : std::string_view(alert.title);
}

int SeverityOf(sigma::Level level) noexcept { return static_cast<int>(level) + 1; }

std::string ShellWord(std::string_view word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return IsUnreserved(c) || c == '/' || c == ':' || c == ',' || c == '=' || c == '@';
  });
  // A leading tilde would be expanded.
  if (plain && word.front() != '~') return std::string(word);
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + "'";
}

}  // namespace faultline
