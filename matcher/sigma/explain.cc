// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/explain.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "matcher/sigma/pattern.h"
#include "matcher/sigma/text_template.h"

namespace faultline::sigma {
namespace {

const std::vector<std::string_view>& LaterKeys() {
  static const std::vector<std::string_view> keys = {
      "lookup", "steps",   "some",   "require",  "absent",    "registers", "where",
      "until",  "resolve", "choose", "variants", "suppress",  "overlap",   "settings",
      "refire", "window",  "gap",    "ties",     "percentile"};
  return keys;
}

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (static_cast<unsigned char>(c) & 0x80) != 0 ||
         std::string_view("_.-@# ").find(c) != std::string_view::npos;
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Placeholders are {{name}}: closed, named, and no expressions.
void CheckPlaceholders(std::string_view text, const Place& place, Reading& reading) {
  for (std::size_t at = text.find("{{"); at != text.npos; at = text.find("{{", at)) {
    const std::size_t end = text.find("}}", at + 2);
    if (end == text.npos) return reading.Refuse("'{{' is not closed by '}}'", place);
    const std::string_view name = Trim(text.substr(at + 2, end - at - 2));
    if (name.empty()) return reading.Refuse("'{{}}' names no field", place);
    if (!std::all_of(name.begin(), name.end(), IsNameByte)) {
      return reading.Refuse(fmt::format("'{{{{{}}}}}' is no field name", name), place,
                            "expressions are not supported yet");
    }
    at = end + 2;
  }
}

std::vector<std::string> ReadTemplates(const yaml::Node& node, std::string_view what,
                                       Reading& reading) {
  std::vector<std::string> texts = ReadTexts(node, what, reading);
  for (const std::string& text : texts) CheckPlaceholders(text, node.place, reading);
  return texts;
}

std::string ReadTemplate(const yaml::Node& node, std::string_view what, Reading& reading) {
  std::string text = ReadText(node, what, reading);
  CheckPlaceholders(text, node.place, reading);
  return text;
}

Explain ReadExplain(const yaml::Node& node, Reading& reading) {
  Explain explain;
  if (!ExpectMap(node, "'explain'", reading)) return explain;
  ExpectKeys(node, "'explain'", {"cause", "impact", "remedy", "references", "runbook"}, {},
             reading);
  if (const auto* cause = node.Find("cause"))
    explain.cause = ReadTemplate(*cause, "'cause'", reading);
  if (const auto* impact = node.Find("impact")) {
    explain.impact = ReadTemplate(*impact, "'impact'", reading);
  }
  if (const auto* runbook = node.Find("runbook")) {
    explain.runbook = ReadTemplate(*runbook, "'runbook'", reading);
  }
  if (const auto* remedy = node.Find("remedy")) {
    explain.remedy = ReadTemplates(*remedy, "'remedy'", reading);
  }
  if (const auto* references = node.Find("references")) {
    explain.references = ReadTemplates(*references, "'references'", reading);
  }
  ChargeFields(TemplateNames(explain), node.place, reading);
  return explain;
}

void CheckNames(const Capture& capture, Reading& reading) {
  for (std::size_t i = 0; i < capture.names.size(); ++i) {
    const std::string& name = capture.names[i];
    if (!IsCaptureName(name)) {
      reading.Refuse(fmt::format("capture: '{}' is no name", name), capture.place,
                     "use letters, digits and underscores, at most 32");
    }
    const auto end = capture.names.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(capture.names.begin(), end, name) != end) {
      reading.Refuse(fmt::format("capture: name '{}' is given twice", name), capture.place);
    }
  }
}

void ReadRegexCapture(const yaml::Node& map, const yaml::Node& re, Capture& capture,
                      Reading& reading) {
  capture.pcre = ReadText(re, "'re'", reading);
  capture.regex = Regex{capture.pcre, false, false, false};
  capture.names = GroupNames(capture.pcre);
  if (reading.ok() && capture.names.empty()) {
    reading.Refuse("capture: the regular expression has no named group", re.place,
                   "write (?<name>...)");
  }
  if (const yaml::Node* as = map.FindKey("as")) {
    reading.Refuse("capture: 'as' goes with 'template'", as->place, "name the groups in 're'");
  }
}

void ReadTemplateCapture(const yaml::Node& map, const yaml::Node& text, Capture& capture,
                         Reading& reading) {
  const yaml::Node* as = map.Find("as");
  if (as == nullptr) {
    return reading.Refuse("capture: 'template' needs 'as', the names of its placeholders",
                          text.place);
  }
  capture.names = ReadTexts(*as, "'as'", reading);
  if (capture.names.empty()) reading.Refuse("capture: 'as' is empty", as->place);
  CheckNames(capture, reading);
  const std::string words = ReadText(text, "'template'", reading);
  if (!reading.ok()) return;
  auto pcre = TemplateToPcre(words, capture.names);
  if (!pcre) return reading.Refuse("capture: " + pcre.error().message, text.place);
  capture.pcre = std::move(*pcre);
}

Capture ReadCapture(const yaml::Node& node, Reading& reading) {
  Capture capture;
  capture.place = node.place;
  if (!ExpectMap(node, "a capture", reading)) return capture;
  ExpectKeys(node, "a capture", {"field", "re", "template", "as"}, {}, reading);
  const yaml::Node* field = node.Find("field");
  const yaml::Node* re = node.Find("re");
  const yaml::Node* text = node.Find("template");
  if (field == nullptr) {
    reading.Refuse("a capture has no 'field'", node.place);
  } else {
    capture.field = ReadText(*field, "'field'", reading);
  }
  if ((re == nullptr) == (text == nullptr)) {
    reading.Refuse("a capture needs one of 're' and 'template'", node.place);
  } else if (re != nullptr) {
    ReadRegexCapture(node, *re, capture, reading);
  } else {
    ReadTemplateCapture(node, *text, capture, reading);
  }
  return capture;
}

}  // namespace

void ReadFaultlineMap(const yaml::Node& node, Reading& reading, DetectionRule& rule) {
  if (!ExpectMap(node, "'faultline'", reading)) return;
  ExpectKeys(node, "'faultline'", {"capture", "explain"}, LaterKeys(), reading);
  if (const yaml::Node* captures = node.Find("capture")) {
    if (!captures->IsSequence()) reading.Refuse("'capture' must be a list", captures->place);
    for (const yaml::Node& item : captures->items) {
      rule.captures.push_back(ReadCapture(item, reading));
      ChargeRegex({rule.captures.back().pcre, false, false, false}, item.place, reading);
    }
  }
  if (const yaml::Node* explain = node.Find("explain")) {
    rule.explain = ReadExplain(*explain, reading);
  }
}

void ReadFaultlineMap(const yaml::Node& node, Reading& reading, CorrelationRule& rule) {
  if (!ExpectMap(node, "'faultline'", reading)) return;
  if (const yaml::Node* capture = node.FindKey("capture")) {
    reading.Refuse("'capture' belongs to a detection", capture->place);
  }
  ExpectKeys(node, "'faultline'", {"explain"}, LaterKeys(), reading);
  rule.chain = true;
  if (const yaml::Node* explain = node.Find("explain")) {
    rule.explain = ReadExplain(*explain, reading);
  }
}

}  // namespace faultline::sigma
