// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/correlation_text.h"
#include "app/explain_text.h"
#include "app/rule_test_file.h"
#include "base/suggest.h"
#include "consumer/file_source.h"
#include "exporters/text_sink.h"
#include "matcher/shapes/shape_file.h"
#include "matcher/signature/explanation.h"

namespace faultline::app {
namespace {

struct ExplainFlags {
  ConfigFlags config;
  RuleFlags rules;
  std::string event;
  std::optional<std::int64_t> record;
  std::vector<std::string> chosen;
  std::size_t near = 3;
  bool plan = false;
};

using Rules = std::vector<std::uint32_t>;  // indices into RuleSet::detections(), ascending

constexpr std::size_t kFewRules = 3;             // so many are told whether they match or not
constexpr std::size_t kMaxEventText = 16 << 20;  // of an event over several lines

// --------------------------------------------------------------------------------------- event

struct ChosenEvent {
  Origin origin;
  std::string payload;
  bool more = false;  // other records follow
};

bool IsInline(std::string_view text) {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && (text[at] == '{' || text[at] == '[');
}

bool IsJson(std::string_view payload) {
  const FieldTable none = FieldTable::Builder(BuiltInShapes().get()).Build();
  return Walker(&none).Begin(payload, {}) == WalkFault::kNone;
}

// Records of the file in order. One JSON text a line; else, where the first line is none, texts
// over several lines one after the other.
Result<ChosenEvent> FromFile(const ExplainFlags& flags) {
  Result<FileSource> file = FileSource::Open(flags.event, {});
  if (!file) return tl::unexpected<Error>(file.error());
  const std::int64_t wanted = flags.record.value_or(0);
  ChosenEvent event;
  std::string text;  // all of it, while it may be one over several lines
  bool lines = false;
  std::int64_t number = 0;
  for (;; ++number) {
    const Result<std::optional<FileRecord>> record = file->Next();
    if (!record) return tl::unexpected<Error>(record.error());
    if (!*record) break;
    if (number == 0) lines = (*record)->details != nullptr || IsJson((*record)->payload);
    if (lines && number > wanted) {
      event.more = true;
      return event;
    }
    if (number == wanted) {
      event.origin = Origin{*(*record)->source, (*record)->offset, 0};
      event.payload = std::string((*record)->payload);
    }
    if (!lines && text.size() < kMaxEventText) text.append((*record)->payload).append("\n");
  }
  if (!lines && number > 0) {
    const std::vector<std::string> objects = SplitObjects(text);
    number = static_cast<std::int64_t>(objects.size());
    event.origin = Origin{{flags.event, 0}, wanted, 0};
    if (wanted < number) event.payload = objects[static_cast<std::size_t>(wanted)];
    event.more = number > wanted + 1;
  }
  if (wanted < number) return event;
  return Fail(Fault::kUsage, fmt::format("there is no record {}", wanted), Place{flags.event, 0, 0},
              fmt::format("it holds {}, counted from 0", number));
}

Result<ChosenEvent> ReadEvent(const ExplainFlags& flags) {
  if (!IsInline(flags.event)) return FromFile(flags);
  if (flags.record.value_or(0) != 0) {
    return Fail(Fault::kUsage, "--record chooses from a file, the event is given as it is", {},
                "leave it out");
  }
  ChosenEvent event;
  event.origin = Origin{{"-e", 0}, 0, 0};
  event.payload = flags.event;
  return event;
}

// --------------------------------------------------------------------------------------- rules

bool Means(const std::string& reference, const sigma::Metadata& meta) {
  return reference == meta.id || reference == meta.name || reference == meta.title;
}

// The detections that a correlation refers to, itself or through others, which stand before it.
void AddDetections(std::size_t correlation, const RuleSet& rules, Rules& chosen) {
  std::vector<bool> wanted(correlation + 1);
  wanted[correlation] = true;
  for (std::size_t i = wanted.size(); i-- > 0;) {
    if (!wanted[i]) continue;
    for (const sigma::Input& input : rules.correlations()[i].inputs) {
      if (input.rule.correlation) {
        wanted[input.rule.index] = true;
      } else {
        chosen.push_back(input.rule.index);
      }
    }
  }
}

// The correlations that the user names, or all; by index.
Rules ChosenCorrelations(const std::vector<std::string>& references, const RuleSet& rules) {
  Rules chosen;
  for (std::uint32_t i = 0; i < rules.correlations().size(); ++i) {
    const sigma::Metadata& meta = rules.correlations()[i].meta;
    if (references.empty() ||
        std::any_of(references.begin(), references.end(),
                    [&meta](const std::string& reference) { return Means(reference, meta); })) {
      chosen.push_back(i);
    }
  }
  return chosen;
}

// The rules that the user names; of a correlation those that it refers to.
Result<Rules> NamedRules(const std::vector<std::string>& references, const RuleSet& rules) {
  Rules chosen;
  for (const std::string& reference : references) {
    const std::size_t before = chosen.size();
    std::vector<std::string_view> names;
    for (std::uint32_t i = 0; i < rules.detections().size(); ++i) {
      const sigma::Metadata& meta = rules.detections()[i].meta;
      if (Means(reference, meta)) chosen.push_back(i);
      names.insert(names.end(), {meta.id, meta.name, meta.title});
    }
    for (std::size_t i = 0; i < rules.correlations().size(); ++i) {
      if (Means(reference, rules.correlations()[i].meta)) AddDetections(i, rules, chosen);
    }
    if (chosen.size() > before) continue;
    for (const sigma::ReportEntry& entry : rules.report()) {
      if (reference != entry.id && reference != entry.title) continue;
      return Fail(Fault::kRules,
                  fmt::format("--rule: '{}' is not active: {}", reference, entry.reason),
                  Place{entry.file, entry.line, 0});
    }
    return Fail(Fault::kUsage,
                fmt::format("--rule: no rule has the id, name or title '{}'", reference), {},
                DidYouMean(reference, names));
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

Rules AllRules(const RuleSet& rules) {
  Rules all;
  for (std::uint32_t i = 0; i < rules.detections().size(); ++i) all.push_back(i);
  return all;
}

Rules MatchingRules(const RuleSetPtr& rules, std::string_view payload, const InputOptions& input) {
  Walker walker(&rules->fields());
  Matcher matcher(rules);
  Rules matching;
  const InputScope scope = matcher.ScopeOf(input.logsource);
  if (walker.Begin(payload, input.walk) != WalkFault::kNone) return matching;
  while (const Event* const event = walker.Next()) {
    const auto matched = matcher.Match(*event, scope);
    matching.insert(matching.end(), matched.begin(), matched.end());
  }
  std::sort(matching.begin(), matching.end());
  matching.erase(std::unique(matching.begin(), matching.end()), matching.end());
  return matching;
}

bool Fits(const Explanation& explanation) {
  return explanation.sources.empty() ||
         std::any_of(explanation.sources.begin(), explanation.sources.end(),
                     [](const ExplainedPart& source) { return source.held; });
}

struct NearRule {
  std::uint32_t rule = 0;
  bool of_log = false;  // its log source is known, and the event is of it
  Closeness closeness;
};

bool Nearer(const NearRule& a, const NearRule& b) {
  if (a.of_log != b.of_log) return a.of_log;
  if (a.closeness.changes != b.closeness.changes) return a.closeness.changes < b.closeness.changes;
  return a.closeness.held > b.closeness.held;
}

// The rules for such an event of which some line holds, the nearest first, at most `count`.
Result<Rules> NearRules(const RuleSetPtr& rules, const Rules& matching, std::size_t count,
                        std::string_view payload, const InputOptions& input) {
  if (count == 0) return Rules{};
  Rules others;
  const Rules all = AllRules(*rules);
  std::set_difference(all.begin(), all.end(), matching.begin(), matching.end(),
                      std::back_inserter(others));
  Result<Explainer> by_source =
      Explainer::Create(rules, others, Explainer::Depth::kSources, input.logsource);
  if (!by_source) return tl::unexpected<Error>(by_source.error());
  Rules fitting;
  for (const auto& event : by_source->Explain(payload, input.walk).events) {
    for (const Explanation& explanation : event.rules) {
      if (Fits(explanation)) fitting.push_back(explanation.rule);
    }
  }
  std::sort(fitting.begin(), fitting.end());
  fitting.erase(std::unique(fitting.begin(), fitting.end()), fitting.end());
  Result<Explainer> by_item =
      Explainer::Create(rules, fitting, Explainer::Depth::kItems, input.logsource);
  if (!by_item) return tl::unexpected<Error>(by_item.error());
  std::vector<NearRule> near;
  for (const auto& event : by_item->Explain(payload, input.walk).events) {
    for (const Explanation& explanation : event.rules) {
      const Closeness closeness = ClosenessOf(explanation);
      if (closeness.held == 0) continue;
      near.push_back({explanation.rule, !explanation.sources.empty(), closeness});
    }
  }
  std::stable_sort(near.begin(), near.end(), Nearer);
  Rules nearest;
  for (const NearRule& rule : near) {
    if (nearest.size() == count) break;
    if (std::find(nearest.begin(), nearest.end(), rule.rule) == nearest.end()) {
      nearest.push_back(rule.rule);
    }
  }
  return nearest;
}

// ------------------------------------------------------------------------------------- command

// Gathers what is written, in the form that was asked for.
class Writer {
 public:
  explicit Writer(const Context& context) : context_(context) {}

  void Add(const std::string& text, const std::string& json) {
    if (context_.Table()) {
      out_ += (out_.empty() ? "" : "\n") + text;
    } else if (context_.format == "json") {
      out_ += (out_.empty() ? "[" : ",\n") + json;
    } else {
      out_ += json + "\n";
    }
  }
  [[nodiscard]] bool color() const { return context_.ColorOn(stdout); }
  Result<void> Finish() {
    if (context_.format == "json") out_ += out_.empty() ? "[]\n" : "]\n";
    return WriteOut(out_);
  }

 private:
  const Context& context_;
  std::string out_;
};

Result<void> WritePlans(const RuleSet& rules, const Rules& chosen, const Rules& correlations,
                        const Context& context) {
  Writer writer(context);
  for (const std::uint32_t index : chosen) {
    const sigma::DetectionRule& rule = rules.detections()[index];
    const RulePlan plan = PlanOf(rule);
    writer.Add(PlanText(rule, plan, writer.color()), PlanJson(rule, plan));
  }
  for (const std::uint32_t index : correlations) {
    writer.Add(CorrelationPlanText(rules, index, writer.color()),
               CorrelationPlanJson(rules, index));
  }
  return writer.Finish();
}

Result<void> WriteExplanations(const RuleSetPtr& rules, const Rules& chosen,
                               const ChosenEvent& event, const InputOptions& input,
                               const ExplainFlags& flags, const Context& context) {
  Result<Explainer> explainer =
      Explainer::Create(rules, chosen, Explainer::Depth::kValues, input.logsource);
  if (!explainer) return tl::unexpected<Error>(explainer.error());
  const Explainer::OfPayload explained = explainer->Explain(event.payload, input.walk);
  if (explained.fault != WalkFault::kNone) {
    return Fail(Fault::kData, fmt::format("no event: {}", ToString(explained.fault)),
                Place{OriginText(event.origin), 0, 0},
                "an event is one JSON object, or an array of them");
  }
  Writer writer(context);
  std::uint32_t index = 0;
  for (const Explainer::OfEvent& of_event : explained.events) {
    for (const Explanation& explanation : of_event.rules) {
      ToldExplanation told;
      told.rule = &rules->detections()[explanation.rule];
      told.explanation = &explanation;
      told.fields = &of_event.fields;
      told.origin = event.origin;
      told.origin.index = index;
      RulePlan plan;
      if (flags.plan) {
        plan = PlanOf(*told.rule);
        told.plan = &plan;
      }
      writer.Add(ExplanationText(told, writer.color()), ExplanationJson(told));
    }
    ++index;
  }
  return writer.Finish();
}

void Note(const Context& context, const std::string& text) {
  if (!context.quiet) std::fputs((text + "\n").c_str(), stderr);
}

Result<Rules> ChosenRules(const ExplainFlags& flags, const RuleSetPtr& rules,
                          const ChosenEvent& event, const InputOptions& input,
                          const Context& context) {
  if (!flags.chosen.empty()) return NamedRules(flags.chosen, *rules);
  if (rules->detections().size() <= kFewRules) return AllRules(*rules);
  Rules chosen = MatchingRules(rules, event.payload, input);
  const std::size_t matching = chosen.size();
  const Result<Rules> near = NearRules(rules, chosen, flags.near, event.payload, input);
  if (!near) return near;
  chosen.insert(chosen.end(), near->begin(), near->end());
  Note(context, fmt::format("{} of {} rules match; {} that come near are told too", matching,
                            rules->detections().size(), near->size()));
  return chosen;
}

Result<void> Explain(const ExplainFlags& flags, const Context& context) {
  const Result<void> takes = context.ExpectFormat("explain", {"ndjson", "json", "table"});
  if (!takes) return takes;
  if (flags.event.empty() && !flags.plan) {
    return Fail(Fault::kUsage, "no event given", {}, "name a file, - or JSON with --event");
  }
  const Result<Config> config = LoadConfig(flags.config);
  if (!config) return tl::unexpected<Error>(config.error());
  const Result<RuleSetPtr> rules = UsableRuleSet(*config, flags.rules, context);
  if (!rules) return tl::unexpected<Error>(rules.error());
  if (flags.event.empty()) {
    const Result<Rules> chosen =
        flags.chosen.empty() ? Result<Rules>(AllRules(**rules)) : NamedRules(flags.chosen, **rules);
    if (!chosen) return tl::unexpected<Error>(chosen.error());
    return WritePlans(**rules, *chosen, ChosenCorrelations(flags.chosen, **rules), context);
  }
  const Result<ChosenEvent> event = ReadEvent(flags);
  if (!event) return tl::unexpected<Error>(event.error());
  if (event->more && !flags.record) {
    Note(context, fmt::format("{} holds more records, this is the first; --record N chooses",
                              event->origin.source.topic));
  }
  const InputConfig configured = config->inputs.empty() ? InputConfig{} : config->inputs.front();
  const InputOptions input = InputOptionsOf(configured, **rules);
  const Result<Rules> chosen = ChosenRules(flags, *rules, *event, input, context);
  if (!chosen) return tl::unexpected<Error>(chosen.error());
  return WriteExplanations(*rules, *chosen, *event, input, flags, context);
}

}  // namespace

void AddExplainCommand(CLI::App& app, Context& context) {
  CLI::App* const command = app.add_subcommand(
      "explain", "Why an event matches a rule or does not, condition by condition");
  const auto flags = std::make_shared<ExplainFlags>();
  AddConfigFlags(*command, flags->config);
  AddLogSourceFlags(*command, flags->config);
  AddRuleFlags(*command, flags->rules);
  command->add_option("-e,--event", flags->event, "The event: a file, - or JSON")
      ->type_name("EVENT");
  command->add_option("--record", flags->record, "Which record of the file, counted from 0")
      ->check(CLI::Validator(CLI::NonNegativeNumber).description(""))
      ->type_name("N");
  command
      ->add_option("--rule", flags->chosen,
                   "Id, name or title of a rule to explain; may be repeated")
      ->type_name("RULE")
      ->allow_extra_args(false);
  command->add_option("--near", flags->near, "How many rules that nearly match to explain too")
      ->type_name("N");
  command->add_flag("--plan", flags->plan,
                    "How each rule was compiled: what is looked up, scanned for, asked late; of a "
                    "correlation its operator, timers and policies");
  command->footer(
      "Without --rule it tells the rules that match and those that come nearest.\n"
      "Examples:\n"
      "  faultline explain -r rule.yml -e event.json\n"
      "  faultline explain -r rules/ -e archive.ndjson.zst --record 4711\n"
      "  faultline explain -r rules/ --rule 'Whoami Utility Execution' -e '{\"EventID\": 1}'\n"
      "  faultline explain -r rules/ --plan --format ndjson | jq -c 'select(.plan.always)'\n"
      "Exit codes:  0 fine, 2 rules do not load, 64 usage, 74 input or output, 78 configuration");
  command->callback([flags, &context] {
    if (auto done = Explain(*flags, context); !done) context.Failed(done.error());
  });
}

}  // namespace faultline::app
