// SPDX-License-Identifier: Apache-2.0
#include "app/explain_text.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "app/terminal.h"
#include "base/suggest.h"
#include "exporters/escape.h"
#include "exporters/json_writer.h"
#include "exporters/text_sink.h"
#include "matcher/sigma/logsource.h"

namespace faultline::app {
namespace {

using Kind = ExplainedPart::Kind;

constexpr std::size_t kToldTests = 6;
constexpr std::size_t kToldValues = 4;
constexpr std::size_t kToldBytes = 160;  // of one value

// ------------------------------------------------------------------------------------- people

std::string Quoted(std::string_view value) {
  const std::string_view shown = Shortened(value, kToldBytes);
  return fmt::format("'{}'{}", Printable(shown), shown.size() < value.size() ? "..." : "");
}

// Title and place.
std::string RuleLine(const sigma::Metadata& meta, bool color) {
  const std::string& title = meta.title.empty() ? meta.id : meta.title;
  return fmt::format(
      "{}  {}", Toned(Printable(title), Tone::kBold, color),
      Toned(Printable(fmt::format("{}:{}", meta.file, meta.place.line)), Tone::kDim, color));
}

std::string PlanLines(const RulePlan& plan, bool color) {
  std::string text =
      fmt::format("  plan: cost class {}, {}\n", Toned(ToString(plan.cost), Tone::kCyan, color),
                  plan.always ? "can hold where nothing it looks for is found"
                              : "holds only where something it looks for is found");
  for (const PlannedItem& item : plan.items) {
    text += fmt::format("    {:<8} {}{}  {}\n", ToString(item.cost),
                        item.search.empty() ? "log source" : Printable(item.search),
                        item.keywords ? " (every value)" : "",
                        Toned(Printable(item.item), Tone::kDim, color));
  }
  return text;
}

class TextWriter {
 public:
  TextWriter(const ToldExplanation& told, bool color) : told_(told), color_(color) {}

  std::string Text() && {
    const Explanation& explanation = *told_.explanation;
    const std::string verdict = explanation.held ? Toned("MATCH", Tone::kGreen, color_)
                                                 : Toned("NO MATCH", Tone::kRed, color_);
    text_ += fmt::format("{}  {}\n", verdict, RuleLine(told_.rule->meta, color_));
    LogSource();
    Verdict(explanation.detection.held, 1, "condition");
    Part(explanation.detection, 2);
    for (const Explanation::Filter& filter : explanation.filters) {
      Verdict(filter.condition.held, 1, "filter " + Quoted(filter.title));
      Part(filter.condition, 2);
    }
    if (told_.plan != nullptr) text_ += PlanLines(*told_.plan, color_);
    return std::move(text_);
  }

 private:
  [[nodiscard]] std::string Dim(std::string_view text) const {
    return Toned(text, Tone::kDim, color_);
  }

  void Line(std::size_t depth, std::string_view text) {
    text_ += fmt::format("{:{}}{}\n", "", depth * 2, text);
  }

  void Verdict(bool held, std::size_t depth, std::string_view text) {
    const std::string mark =
        held ? Toned("\u2713", Tone::kGreen, color_) : Toned("\u2717", Tone::kRed, color_);
    Line(depth, fmt::format("{} {}", mark, text));
  }

  void LogSource() {
    const Explanation& explanation = *told_.explanation;
    const std::string name = Printable(sigma::ToString(told_.rule->logsource));
    if (explanation.sources.empty()) {
      const std::string_view why =
          told_.rule->unmapped_logsource ? "not known here: any event" : "any event";
      return Verdict(true, 1, fmt::format("log source {}: {}", name, why));
    }
    const bool fits = std::any_of(explanation.sources.begin(), explanation.sources.end(),
                                  [](const ExplainedPart& source) { return source.held; });
    const std::size_t count = explanation.sources.size();
    if (fits) {  // the log that it is tells all
      Verdict(true, 1, "log source " + name);
      return Part(explanation.sources[explanation.source], 2);
    }
    Verdict(false, 1,
            fmt::format("log source {}{}", name,
                        count > 1 ? fmt::format(", any of {} logs", count) : ""));
    for (const ExplainedPart& source : explanation.sources) Part(source, 2);
  }

  void Part(const ExplainedPart& part, std::size_t depth) {
    switch (part.kind) {
      case Kind::kItem: return Item(part, depth);
      case Kind::kSearch: Verdict(part.held, depth, Printable(part.name)); break;
      case Kind::kNot: Verdict(part.held, depth, "not"); break;
      case Kind::kAll: Verdict(part.held, depth, "all of"); break;
      case Kind::kAny: Verdict(part.held, depth, "any of"); break;
      case Kind::kAtLeast:
        Verdict(part.held, depth, fmt::format("at least {} of", part.at_least));
        break;
      case Kind::kDeclared:
        Verdict(part.held, depth, fmt::format("the input declares {}", Printable(part.name)));
        break;
      case Kind::kNoOther: Verdict(part.held, depth, "of no other log, and all of"); break;
    }
    for (const ExplainedPart& below : part.parts) Part(below, depth + 1);
  }

  void Item(const ExplainedPart& item, std::size_t depth) {
    std::string head = item.negated ? "not: " : "";
    head += item.field.empty() ? "any value" : Printable(item.field);
    if (item.event_field != item.field)
      head += fmt::format(" (here {})", Printable(item.event_field));
    const std::string where = "  " + Dim(fmt::format("line {}", item.place.line));
    const bool one = item.tests.size() == 1;
    if (one) head += " " + Printable(item.tests.front().text);
    if (!one) head += fmt::format(": {} of {} values", item.all ? "all" : "any", item.tests.size());
    Verdict(item.held, depth, head + (item.place.line > 0 ? where : ""));
    if (!one) Tests(item, depth + 1);
    Values(item, depth + 1);
  }

  // Those that decided: of `any` the ones that held, else the ones that did not.
  void Tests(const ExplainedPart& item, std::size_t depth) {
    const bool some = std::any_of(item.tests.begin(), item.tests.end(),
                                  [](const ExplainedTest& test) { return test.held; });
    const bool failing = item.all && std::any_of(item.tests.begin(), item.tests.end(),
                                                 [](const auto& test) { return !test.held; });
    const bool wanted = item.all ? !failing : some;
    std::size_t told = 0;
    for (const ExplainedTest& test : item.tests) {
      if (test.held != wanted) continue;
      if (told++ == kToldTests) {
        Line(depth, Dim("  ..."));
        break;
      }
      Verdict(test.held, depth, Printable(test.text) + Decided(item, test));
    }
    const auto others = static_cast<std::size_t>(
        std::count_if(item.tests.begin(), item.tests.end(),
                      [wanted](const ExplainedTest& test) { return test.held != wanted; }));
    if (others == 0) return;
    Line(depth, Dim(fmt::format("  {} other{} {}", others, others == 1 ? "" : "s",
                                wanted ? (others == 1 ? "does not" : "do not")
                                       : (others == 1 ? "does" : "do"))));
  }

  std::string Decided(const ExplainedPart& item, const ExplainedTest& test) {
    if (!test.decided_by || item.values.size() < 2) return {};
    return "  by " + Quoted(item.values[*test.decided_by]);
  }

  void Values(const ExplainedPart& item, std::size_t depth) {
    if (item.field.empty()) {
      if (item.values.empty()) return Line(depth, Dim("no value of the event does"));
    } else if (item.values.empty()) {
      std::string text = fmt::format("the event has no {}", Printable(item.event_field));
      const std::string remedy = DidYouMean(item.event_field, *told_.fields);
      if (!remedy.empty()) text += "; " + Printable(remedy);
      return Line(depth, Dim(text));
    }
    std::string text = item.field.empty() ? "in " : "the event has ";
    // The deciding one first, where there is one.
    std::vector<std::size_t> order;
    for (const ExplainedTest& test : item.tests) {
      if (test.decided_by) order.push_back(*test.decided_by);
    }
    for (std::size_t i = 0; i < item.values.size(); ++i) order.push_back(i);
    std::vector<std::size_t> told;
    for (const std::size_t value : order) {
      if (std::find(told.begin(), told.end(), value) == told.end()) told.push_back(value);
    }
    for (std::size_t i = 0; i < std::min(told.size(), kToldValues); ++i) {
      text += fmt::format("{}{}", i == 0 ? "" : ", ", Quoted(item.values[told[i]]));
    }
    const std::size_t total = item.values.size() + item.more_values;
    if (total > kToldValues) text += fmt::format(" and {} more", total - kToldValues);
    Line(depth, Dim(text));
  }

  const ToldExplanation& told_;
  bool color_;
  std::string text_;
};

// --------------------------------------------------------------------------------------- JSON

std::string_view Name(Kind kind) noexcept {
  switch (kind) {
    case Kind::kAll: return "all";
    case Kind::kAny: return "any";
    case Kind::kNot: return "not";
    case Kind::kAtLeast: return "at_least";
    case Kind::kSearch: return "search";
    case Kind::kDeclared: return "declared";
    case Kind::kNoOther: return "no_other";
    case Kind::kItem: break;
  }
  return "item";
}

void WriteItem(const ExplainedPart& item, JsonWriter& json) {
  json.Key("field").String(item.field).Key("event_field").String(item.event_field);
  json.Key("all").Bool(item.all).Key("negated").Bool(item.negated);
  json.Key("tests").BeginArray();
  for (const ExplainedTest& test : item.tests) {
    json.BeginObject().Key("text").String(test.text).Key("held").Bool(test.held);
    if (test.decided_by) json.Key("decided_by").String(item.values[*test.decided_by]);
    json.EndObject();
  }
  json.EndArray().Key("values").BeginArray();
  for (const std::string& value : item.values) json.String(value);
  json.EndArray().Key("more_values").Int(static_cast<std::int64_t>(item.more_values));
}

void WritePart(const ExplainedPart& part, JsonWriter& json) {
  json.BeginObject().Key("kind").String(Name(part.kind)).Key("held").Bool(part.held);
  if (part.place.line > 0)
    json.Key("line").Int(part.place.line).Key("column").Int(part.place.column);
  if (part.kind == Kind::kItem) {
    WriteItem(part, json);
    json.EndObject();
    return;
  }
  if (!part.name.empty()) json.Key("name").String(part.name);
  if (part.kind == Kind::kAtLeast) json.Key("at_least").Int(part.at_least);
  json.Key("parts").BeginArray();
  for (const ExplainedPart& below : part.parts) WritePart(below, json);
  json.EndArray().EndObject();
}

void WriteRule(const sigma::Metadata& meta, JsonWriter& json) {
  json.BeginObject().Key("id").String(meta.id).Key("title").String(meta.title);
  json.Key("file").String(meta.file).Key("line").Int(meta.place.line).EndObject();
}

void WritePlan(const RulePlan& plan, JsonWriter& json) {
  json.BeginObject().Key("cost").String(ToString(plan.cost)).Key("always").Bool(plan.always);
  json.Key("items").BeginArray();
  for (const PlannedItem& item : plan.items) {
    json.BeginObject().Key("search").String(item.search).Key("item").String(item.item);
    json.Key("cost").String(ToString(item.cost)).Key("keywords").Bool(item.keywords);
    json.Key("line").Int(item.place.line).EndObject();
  }
  json.EndArray().EndObject();
}

}  // namespace

std::string PlanText(const sigma::DetectionRule& rule, const RulePlan& plan, bool color) {
  return RuleLine(rule.meta, color) + "\n" + PlanLines(plan, color);
}

std::string PlanJson(const sigma::DetectionRule& rule, const RulePlan& plan) {
  std::string text;
  JsonWriter json(&text);
  json.BeginObject().Key("rule");
  WriteRule(rule.meta, json);
  json.Key("plan");
  WritePlan(plan, json);
  json.EndObject();
  return text;
}

std::string ExplanationText(const ToldExplanation& told, bool color) {
  return TextWriter(told, color).Text();
}

std::string ExplanationJson(const ToldExplanation& told) {
  const Explanation& explanation = *told.explanation;
  std::string text;
  JsonWriter json(&text);
  json.BeginObject().Key("event").BeginObject();
  json.Key("topic").String(told.origin.source.topic);
  json.Key("partition").Int(told.origin.source.partition);
  json.Key("offset").Int(told.origin.offset).Key("index").Int(told.origin.index).EndObject();
  json.Key("rule");
  WriteRule(told.rule->meta, json);
  json.Key("matched").Bool(explanation.held);
  json.Key("log_source").BeginObject();
  json.Key("name").String(sigma::ToString(told.rule->logsource));
  json.Key("mapped").Bool(!told.rule->unmapped_logsource).Key("any_of").BeginArray();
  for (const ExplainedPart& source : explanation.sources) WritePart(source, json);
  json.EndArray().EndObject().Key("detection");
  WritePart(explanation.detection, json);
  json.Key("filters").BeginArray();
  for (const Explanation::Filter& filter : explanation.filters) {
    json.BeginObject().Key("title").String(filter.title).Key("condition");
    WritePart(filter.condition, json);
    json.EndObject();
  }
  json.EndArray();
  if (told.plan != nullptr) {
    json.Key("plan");
    WritePlan(*told.plan, json);
  }
  json.EndObject();
  return text;
}

}  // namespace faultline::app
