// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/explain.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "matcher/sigma/correlation_scope.h"
#include "matcher/sigma/lookup.h"
#include "matcher/sigma/pattern.h"
#include "matcher/sigma/scalars.h"

namespace faultline::sigma {
namespace {

// Keys of the map that say what happens over time.
const std::vector<std::string_view>& ChainKeys() {
  static const std::vector<std::string_view> keys = {
      "steps",  "some",    "require", "absent",   "registers", "where",
      "until",  "resolve", "choose",  "variants", "suppress",  "overlap",
      "refire", "window",  "gap",     "ties",     "timespan",  "update_every"};
  return keys;
}

// Inside a scalar over several lines places are not known: its own stands for them.
Place InnerPlace(const yaml::Node& node) {
  Place place = TextPlace(node);
  if (node.multi_line) place.column = 0;
  return place;
}

void RefuseInner(const Error& error, const yaml::Node& node, std::string_view what,
                 Reading& reading) {
  reading.Refuse(fmt::format("{}: {}", what, error.message),
                 error.place.column > 0 ? error.place : node.place, error.remedy);
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
  ExpectKeys(node, "a capture", {"field", "re", "template", "as", "join"}, {}, reading);
  const yaml::Node* field = node.Find("field");
  const yaml::Node* re = node.Find("re");
  const yaml::Node* text = node.Find("template");
  if (field == nullptr) {
    reading.Refuse("a capture has no 'field'", node.place);
  } else {
    capture.field = ReadText(*field, "'field'", reading);
  }
  if (const yaml::Node* join = node.Find("join")) {
    capture.join = yaml::AsText(*join);
    if (!capture.join) reading.Refuse("'join' must be a text", join->place, "write join: ' '");
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

void ReadFields(const yaml::Node& map, Reading& reading, DetectionRule& rule) {
  if (!ExpectMap(map, "'fields'", reading)) return;
  const DetectionScope scope(rule, reading.pack());
  for (const yaml::Pair& pair : map.pairs) {
    const std::string& name = pair.key.scalar;
    if (!CheckFieldName(name, pair.key.place, reading)) return;
    for (const Capture& capture : rule.captures) {
      if (std::find(capture.names.begin(), capture.names.end(), name) == capture.names.end()) {
        continue;
      }
      return reading.Refuse(fmt::format("'{}' is captured already", name), pair.key.place,
                            "give the computed field another name");
    }
    Expression expression =
        ReadExpression(pair.value, fmt::format("field '{}'", name), scope, reading);
    if (!reading.ok()) return;
    ChargeFields(FieldsOf(expression.names()), pair.value.place, reading);
    rule.fields.emplace_back(name, std::move(expression));
  }
}

}  // namespace

Expression ReadExpression(const yaml::Node& node, std::string_view what, const ExprScope& scope,
                          Reading& reading) {
  const std::string text = ReadText(node, what, reading);
  if (!reading.ok()) return {};
  auto expression = Expression::Parse(text, InnerPlace(node), scope);
  if (expression) return std::move(*expression);
  RefuseInner(expression.error(), node, what, reading);
  return {};
}

Template ReadTemplate(const yaml::Node& node, std::string_view what, const ExprScope& scope,
                      Reading& reading) {
  const std::string text = ReadText(node, what, reading);
  if (!reading.ok()) return {};
  auto parsed = Template::Parse(text, InnerPlace(node), scope);
  if (parsed) return std::move(*parsed);
  RefuseInner(parsed.error(), node, what, reading);
  return {};
}

Texts ReadTexts(const yaml::Node& map, const ExprScope& scope, Reading& reading) {
  Texts texts;
  const auto one = [&](std::string_view key, Template& text) {
    const yaml::Node* node = map.Find(key);
    if (node != nullptr) text = ReadTemplate(*node, fmt::format("'{}'", key), scope, reading);
  };
  const auto several = [&](std::string_view key, std::vector<Template>& list) {
    const yaml::Node* node = map.Find(key);
    if (node == nullptr) return;
    const std::string what = fmt::format("'{}'", key);
    static_cast<void>(ReadTexts(*node, what, reading));  // its form
    if (node->IsScalar()) list.push_back(ReadTemplate(*node, what, scope, reading));
    for (const yaml::Node& item : node->items) {
      list.push_back(ReadTemplate(item, what, scope, reading));
    }
  };
  one("cause", texts.cause);
  one("impact", texts.impact);
  one("runbook", texts.runbook);
  several("remedy", texts.remedy);
  several("references", texts.references);
  return texts;
}

Texts ReadExplain(const yaml::Node& node, const ExprScope& scope, Reading& reading) {
  if (!ExpectMap(node, "'explain'", reading)) return {};
  ExpectKeys(node, "'explain'", {"cause", "impact", "remedy", "references", "runbook"}, {},
             reading);
  return ReadTexts(node, scope, reading);
}

std::vector<std::string> FieldsOf(const std::vector<ExprName>& names) {
  std::vector<std::string> fields;
  for (const ExprName& name : names) {
    if (name.kind == ExprName::Kind::kEvent || name.kind == ExprName::Kind::kStepField) {
      fields.push_back(name.field);
    }
  }
  return fields;
}

bool CheckFieldName(const std::string& name, const Place& place, Reading& reading) {
  if (!IsCaptureName(name)) {
    reading.Refuse(fmt::format("'{}' is no name", name), place,
                   "use letters, digits and underscores, at most 32");
  } else if (IsReserved(name)) {
    reading.Refuse(fmt::format("'{}' means something else in expressions", name), place,
                   "use another name");
  }
  return reading.ok();
}

void ReadFaultlineMap(const yaml::Node& node, Reading& reading, DetectionRule& rule) {
  if (!ExpectMap(node, "'faultline'", reading)) return;
  for (const yaml::Pair& pair : node.pairs) {
    const auto& keys = ChainKeys();
    if (std::find(keys.begin(), keys.end(), pair.key.scalar) == keys.end()) continue;
    reading.Refuse(fmt::format("'{}' belongs to a correlation", pair.key.scalar), pair.key.place,
                   "move it to a correlation that refers to this rule");
  }
  ExpectKeys(node, "'faultline'", {"capture", "fields", "lookup", "explain", "replaceable"}, {},
             reading);
  if (const yaml::Node* replaceable = node.Find("replaceable")) {
    if (!yaml::AsBool(*replaceable)) {
      reading.Refuse("'replaceable' must be true or false", replaceable->place, "write true");
    }
  }
  if (const yaml::Node* captures = node.Find("capture")) {
    if (!captures->IsSequence()) {
      reading.Refuse("'capture' must be a list", captures->place, "write - field: ... below it");
    }
    for (const yaml::Node& item : captures->items) {
      rule.captures.push_back(ReadCapture(item, reading));
      ChargeRegex({rule.captures.back().pcre, false, false, false}, item.place, reading);
    }
  }
  if (const yaml::Node* fields = node.Find("fields"); fields != nullptr && reading.ok()) {
    ReadFields(*fields, reading, rule);
  }
  if (const yaml::Node* lookup = node.Find("lookup")) rule.lookups = ReadLookups(*lookup, reading);
  if (const yaml::Node* explain = node.Find("explain"); explain != nullptr && reading.ok()) {
    rule.texts = ReadExplain(*explain, DetectionScope(rule, reading.pack()), reading);
    ChargeFields(FieldsOf(NamesOf(rule.texts)), explain->place, reading);
  }
}

}  // namespace faultline::sigma
