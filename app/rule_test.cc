// SPDX-License-Identifier: Apache-2.0
#include "app/rule_test.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
#include "exporters/alert_json.h"
#include "matcher/sigma/logsource.h"
#include "matcher/sigma/pack.h"

namespace faultline::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::nanoseconds;

constexpr std::size_t kMaxTestFile = 1 << 20;
constexpr std::size_t kToldAlerts = 5;

// No field of an event has this name: with it as the only timestamp no event has a time of its own.
constexpr char kNoField[] = "\x01";

// ---------------------------------------------------------------------------------------- files

bool IsYaml(const fs::path& path) {
  return path.extension() == ".yml" || path.extension() == ".yaml";
}

Error FolderFault(const fs::path& folder, const std::error_code& error) {
  return Error{Fault::kIo, "cannot be read: " + error.message(), Place{folder.string(), 0, 0}, {}};
}

Result<std::vector<std::string>> TestsBelow(const fs::path& folder);

// What the pack.yaml of a folder names as its tests.
Result<std::vector<std::string>> TestsOfPack(const fs::path& folder, const sigma::Pack& pack) {
  std::vector<std::string> tests;
  for (const std::string& name : pack.tests) {
    const fs::path path = folder / name;
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      tests.push_back(path.string());
      continue;
    }
    auto below = TestsBelow(path);
    if (!below) return below;
    tests.insert(tests.end(), below->begin(), below->end());
  }
  std::sort(tests.begin(), tests.end());
  return tests;
}

Result<std::vector<std::string>> TestsBelow(const fs::path& folder) {
  const auto pack = sigma::ReadPack(folder.string());
  if (pack && !*pack) return tl::unexpected<Error>(pack->error());
  if (pack && !(*pack)->tests.empty()) return TestsOfPack(folder, **pack);
  std::error_code error;
  std::vector<std::string> tests;
  std::vector<std::string> direct;
  const bool is_tests = fs::canonical(folder, error).filename() == "tests";
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const fs::path& path = at->path();
    std::error_code ignored;
    if (!IsYaml(path) || !fs::is_regular_file(path, ignored)) continue;
    const bool top = at.depth() == 0;
    const bool in_tests = top ? is_tests : path.parent_path().filename() == "tests";
    if (in_tests || path.filename() == "info.yml") {
      tests.push_back(path.string());
    } else if (top) {
      direct.push_back(path.string());
    }
  }
  if (error) return tl::unexpected<Error>(FolderFault(folder, error));
  if (tests.empty()) tests = std::move(direct);
  if (tests.empty()) {
    return Fail(Fault::kUsage, "no rule tests in this folder", Place{folder.string(), 0, 0},
                "rule tests are *.yml in a folder 'tests'");
  }
  std::sort(tests.begin(), tests.end());
  return tests;
}

// `path` from the current directory, else from the nearest folder above the test that has it.
std::optional<std::string> ResolvePath(const std::string& path, const std::string& test_file) {
  std::error_code error;
  if (fs::exists(path, error)) return path;
  fs::path folder = fs::absolute(test_file, error).lexically_normal().parent_path();
  while (!error && fs::path(path).is_relative()) {
    if (fs::exists(folder / path, error)) return (folder / path).string();
    if (!folder.has_relative_path()) break;
    folder = folder.parent_path();
  }
  return std::nullopt;
}

// The folder of the pack that a test lies in: its rules are meant where the case names none.
std::optional<std::string> PackAbove(const std::string& test_file) {
  std::error_code ignored;
  fs::path folder = fs::absolute(test_file, ignored).lexically_normal().parent_path();
  for (; folder.has_relative_path(); folder = folder.parent_path()) {
    if (fs::exists(folder / "pack.yaml", ignored)) return folder.string();
  }
  return std::nullopt;
}

// `part` stands somewhere in `text`, letter case of ASCII aside.
bool HasPart(std::string_view text, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [&lower](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

// ---------------------------------------------------------------------------------------- rules

bool Means(const RuleReference& reference, const sigma::Metadata& meta) {
  return reference.text == meta.id || reference.text == meta.name || reference.text == meta.title;
}

const std::string& NameOf(const sigma::Metadata& meta) {
  return !meta.name.empty() ? meta.name : !meta.title.empty() ? meta.title : meta.id;
}

template <class Visit>
void ForEachMeta(const RuleSet& rules, const Visit& visit) {
  for (const auto& rule : rules.detections()) visit(rule.meta);
  for (const auto& rule : rules.correlations()) visit(rule.meta);
}

Result<void> CheckKnown(const RuleReference& reference, const RuleSet& rules) {
  bool known = false;
  std::vector<std::string_view> names;
  ForEachMeta(rules, [&](const sigma::Metadata& meta) {
    known = known || Means(reference, meta);
    names.insert(names.end(), {meta.id, meta.name, meta.title});
  });
  if (known) return {};
  for (const sigma::ReportEntry& entry : rules.report()) {
    if (reference.text == entry.id || reference.text == entry.title) {
      return Fail(Fault::kRules, fmt::format("rule '{}' is not active", reference.text),
                  reference.place, entry.reason);
    }
  }
  return Fail(Fault::kUsage, fmt::format("no rule '{}' in the rules of this case", reference.text),
              reference.place, DidYouMean(reference.text, names));
}

std::vector<std::string_view> ShapeNames(const ShapeSet& shapes) {
  std::vector<std::string_view> names{"auto"};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    names.push_back(shapes.spec(static_cast<Shape>(i)).name);
  }
  return names;
}

// ------------------------------------------------------------------------------------- running

// What a case brought about.
struct Seen {
  std::vector<Alert> alerts;
  std::vector<std::string> damage;  // events that are none: the case is wrong
  std::vector<std::string> late;    // told where something failed
  std::shared_ptr<EngineStats> stats;
};

InputOptions InputOf(const RuleTest& test, Shape shape) {
  InputOptions input;
  input.walk.shape = shape;
  input.logsource = test.logsource;
  input.lateness = test.lateness;
  if (!test.own_times) input.timestamp = {kNoField};
  return input;
}

std::string SpanText(nanoseconds span) {
  return span.count() == 0  ? "0s"
         : span.count() < 0 ? "-" + ShowDuration(-span)
                            : ShowDuration(span);
}

void Collect(Output& out, const RuleTest& test, Seen& seen) {
  std::move(out.alerts.begin(), out.alerts.end(), std::back_inserter(seen.alerts));
  for (const LateMatch& late : out.late) {
    seen.late.push_back(fmt::format(
        "event {} came {} behind the latest one, too late for correlations (lateness {})",
        late.origin.offset + 1, SpanText(late.late_by), SpanText(test.lateness)));
  }
  out.Clear();
}

// record by record, then as much time as the case says, else all of it
Seen Play(const RuleTest& test, Shape shape, const RuleSetPtr& rules) {
  Seen seen;
  Engine::Options options;
  options.match_only = test.match_only;
  Engine engine(rules, options);
  seen.stats = engine.stats();
  Output out;
  Record record;
  record.source = engine.AddSource({"test", 0}, InputOf(test, shape), nullptr, {});
  record.timestamp_kind = TimestampKind::kCreateTime;
  for (const RuleTestEvent& event : test.events) {
    record.payload = event.payload;
    record.timestamp = event.time;
    engine.Process(record, ReadEdge{}, out);
    ++record.offset;
    if (out.dead_letter) {
      seen.damage.push_back(fmt::format("event {} ({}) is no event: {}", record.offset,
                                        ToString(event.place), out.dead_letter->message));
    }
    Collect(out, test, seen);
  }
  if (test.advance) {
    // From the highest time on, what is due at the end of `advance` included.
    engine.MarkIdle(record.source, nanoseconds(0), out);
    engine.Tick(test.lateness + *test.advance + nanoseconds(1), out);
  } else {
    engine.Finish(out);
  }
  Collect(out, test, seen);
  return seen;
}

// ------------------------------------------------------------------------------------- judging

std::string AlertText(const Alert& alert) {
  const sigma::Explain& told = alert.explanation;
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", TitleOf(alert), told.cause, told.impact,
                     fmt::join(told.remedy, "\n"), fmt::join(told.references, "\n"), told.runbook);
}

bool InGroup(const std::pair<std::string, std::string>& wanted, const Alert& alert) {
  return std::any_of(alert.group.begin(), alert.group.end(), [&](const NamedValue& value) {
    return value.name == wanted.first && value.value == wanted.second;
  });
}

bool Fits(const ExpectedAlert& expected, const Alert& alert) {
  if (!Means(expected.rule, *alert.rule) || expected.status != alert.status) return false;
  if (expected.variant && *expected.variant != alert.variant) return false;
  if (expected.matched && *expected.matched != alert.matched) return false;
  if (expected.suppressed && *expected.suppressed != alert.suppressed_count) return false;
  if (expected.level && *expected.level != alert.level) return false;
  if (expected.time && *expected.time != alert.time) return false;
  const std::string text = expected.texts.empty() ? std::string() : AlertText(alert);
  return std::all_of(expected.group.begin(), expected.group.end(),
                     [&](const auto& wanted) { return InGroup(wanted, alert); }) &&
         std::all_of(expected.texts.begin(), expected.texts.end(), [&](const std::string& wanted) {
           return text.find(wanted) != std::string::npos;
         });
}

std::string TimeText(EventTime time, const RuleTest& test) {
  return test.own_times ? ToString(time) : SpanText(time - RuleTestBase());
}

std::string Describe(const ExpectedAlert& expected, const RuleTest& test) {
  std::string text = expected.rule.text;
  if (expected.status != AlertStatus::kFiring)
    text += fmt::format(", {}", ToString(expected.status));
  if (expected.variant) text += fmt::format(", variant {}", *expected.variant);
  if (expected.matched) text += fmt::format(", matched {}", *expected.matched);
  if (expected.suppressed) text += fmt::format(", {} hidden before", *expected.suppressed);
  if (expected.level) text += fmt::format(", {}", ToString(*expected.level));
  if (expected.time) text += fmt::format(", at {}", TimeText(*expected.time, test));
  for (const auto& [name, value] : expected.group) text += fmt::format(", {}={}", name, value);
  for (const std::string& wanted : expected.texts) text += fmt::format(", with '{}'", wanted);
  return text;
}

std::string Describe(const Alert& alert, const RuleTest& test) {
  std::string text = fmt::format("{}, {}, at {}", NameOf(*alert.rule), ToString(alert.level),
                                 TimeText(alert.time, test));
  if (alert.status != AlertStatus::kFiring) text += fmt::format(", {}", ToString(alert.status));
  if (!alert.variant.empty()) text += fmt::format(", variant {}", alert.variant);
  if (alert.suppressed_count > 0) text += fmt::format(", {} hidden before", alert.suppressed_count);
  for (const auto& [name, value] : alert.group) text += fmt::format(", {}={}", name, value);
  return text;
}

// A line for each alert, the first few of them.
std::string Listed(const std::vector<const Alert*>& alerts, bool with_text, const RuleTest& test) {
  std::string text;
  for (std::size_t i = 0; i < std::min(alerts.size(), kToldAlerts); ++i) {
    text += fmt::format("\n  came: {}", Describe(*alerts[i], test));
    if (with_text) text += fmt::format("\n    that says: {}", AlertText(*alerts[i]));
  }
  if (alerts.size() > kToldAlerts) {
    text += fmt::format("\n  and {} more", alerts.size() - kToldAlerts);
  }
  return text;
}

// How often the rules of a correlation matched: which part of it is missing.
std::string MembersText(const RuleReference& reference, const RuleSet& rules, const Seen& seen) {
  for (const sigma::CorrelationRule& rule : rules.correlations()) {
    if (!Means(reference, rule.meta)) continue;
    std::vector<std::string> members;
    for (const sigma::Input& input : rule.inputs) {
      const sigma::Metadata& meta = input.rule.correlation
                                        ? rules.correlations()[input.rule.index].meta
                                        : rules.detections()[input.rule.index].meta;
      const std::int64_t matches = seen.stats->Of(IdentityOf(meta), meta.level)->matches.value();
      members.push_back(fmt::format("{} {} times", NameOf(meta), matches));
    }
    return fmt::format("\n  its rules matched: {}", fmt::join(members, ", "));
  }
  return {};
}

// What came where `expected` did not: alerts of the same rule, else all others.
std::string Instead(const ExpectedAlert& expected, const RuleTest& test, const RuleSet& rules,
                    const Seen& seen) {
  std::vector<const Alert*> same;
  std::vector<const Alert*> all;
  for (const Alert& alert : seen.alerts) {
    all.push_back(&alert);
    if (Means(expected.rule, *alert.rule)) same.push_back(&alert);
  }
  if (!same.empty()) return Listed(same, !expected.texts.empty(), test);
  return (all.empty() ? "\n  no alert came" : Listed(all, false, test)) +
         MembersText(expected.rule, rules, seen);
}

std::string Judge(const ExpectedAlert& expected, const RuleTest& test, const RuleSet& rules,
                  const Seen& seen) {
  const auto came = std::count_if(seen.alerts.begin(), seen.alerts.end(),
                                  [&](const Alert& alert) { return Fits(expected, alert); });
  const bool right = expected.or_more ? came >= expected.count : came == expected.count;
  if (right) return {};
  return fmt::format("expected {}{} of [{}], got {}{}", expected.or_more ? "at least " : "",
                     expected.count, Describe(expected, test), came,
                     Instead(expected, test, rules, seen));
}

std::string JudgeNone(const RuleReference& none, const RuleTest& test, const Seen& seen) {
  std::vector<const Alert*> came;
  for (const Alert& alert : seen.alerts) {
    if (Means(none, *alert.rule)) came.push_back(&alert);
  }
  if (came.empty()) return {};
  return fmt::format("expected no alert of [{}], got {}{}", none.text, came.size(),
                     Listed(came, false, test));
}

}  // namespace

Result<std::string> JudgeRuleTest(const RuleTest& test, const RuleSetPtr& rules) {
  std::vector<RuleReference> named = test.expect_none;
  for (const ExpectedAlert& expected : test.expect) named.push_back(expected.rule);
  for (const RuleReference& reference : named) {
    if (auto known = CheckKnown(reference, *rules); !known) {
      return tl::unexpected<Error>(known.error());
    }
  }
  const std::optional<Shape> shape = rules->shapes().Find(test.shape);
  if (!shape) {
    return Fail(Fault::kUsage, fmt::format("unknown shape '{}'", test.shape), test.shape_place,
                DidYouMean(test.shape, ShapeNames(rules->shapes())));
  }
  const Seen seen = Play(test, *shape, rules);
  std::vector<std::string> faults = seen.damage;
  for (const ExpectedAlert& expected : test.expect) {
    faults.push_back(Judge(expected, test, *rules, seen));
  }
  for (const RuleReference& none : test.expect_none) faults.push_back(JudgeNone(none, test, seen));
  std::erase(faults, std::string());
  if (!faults.empty()) faults.insert(faults.end(), seen.late.begin(), seen.late.end());
  return fmt::format("{}", fmt::join(faults, "\n"));
}

Result<std::vector<std::string>> FindRuleTests(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) {
      return Fail(Fault::kIo, "no such file or folder", Place{path, 0, 0});
    }
    if (!fs::is_directory(status)) {
      files.push_back(path);
      continue;
    }
    Result<std::vector<std::string>> found = TestsBelow(path);
    if (!found) return found;
    files.insert(files.end(), found->begin(), found->end());
  }
  return files;
}

RuleTestRunner::RuleTestRunner(Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

Result<void> RuleTestRunner::RunFile(const std::string& path) {
  const Result<std::string> text = ReadWhole(path, kMaxTestFile);
  if (!text) return tl::unexpected<Error>(text.error());
  RunText(*text, path);
  return {};
}

void RuleTestRunner::RunText(std::string_view text, const std::string& file) {
  const std::vector<Result<RuleTest>> tests = ReadRuleTests(text, file);
  for (const Result<RuleTest>& test : tests) {
    if (Wanted(test, file)) {
      outcomes_.push_back(Run(test, file));
    } else {
      ++left_out_;
    }
  }
  if (!tests.empty()) return;
  RuleTestOutcome outcome;
  outcome.name = "the file";
  outcome.place = Place{file, 0, 0};
  outcome.error = Error{Fault::kUsage, "holds no rule test", outcome.place, {}};
  outcome.why = outcome.error->ToString();
  outcomes_.push_back(std::move(outcome));
}

std::size_t RuleTestRunner::passed() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(outcomes_.begin(), outcomes_.end(),
                    [](const RuleTestOutcome& outcome) { return outcome.ok; }));
}

bool RuleTestRunner::Wanted(const Result<RuleTest>& test, const std::string& file) const {
  if (options_.filter.empty() || !test) return true;
  if (HasPart(file, options_.filter) || HasPart(test->name, options_.filter)) return true;
  const auto has = [this](const RuleReference& rule) {
    return HasPart(rule.text, options_.filter);
  };
  return std::any_of(test->expect.begin(), test->expect.end(),
                     [&has](const ExpectedAlert& expected) { return has(expected.rule); }) ||
         std::any_of(test->expect_none.begin(), test->expect_none.end(), has);
}

RuleTestOutcome RuleTestRunner::Run(const Result<RuleTest>& test, const std::string& file) {
  RuleTestOutcome outcome;
  const auto failed = [&outcome](const Error& error) {
    outcome.error = error;
    outcome.why = error.ToString();
    return outcome;
  };
  if (!test) {
    outcome.place = test.error().place;
    if (outcome.place.file.empty()) outcome.place.file = file;
    outcome.name = fmt::format("the case at line {}", outcome.place.line);
    return failed(test.error());
  }
  outcome.name = test->name;
  outcome.place = test->place;
  const Result<RuleSetPtr> rules = RulesOf(*test);
  if (!rules) return failed(rules.error());
  const std::chrono::nanoseconds begin = clock_.Steady();
  const Result<std::string> judged = JudgeRuleTest(*test, *rules);
  outcome.took = clock_.Steady() - begin;
  if (!judged) return failed(judged.error());
  outcome.why = *judged;
  outcome.ok = outcome.why.empty();
  return outcome;
}

Result<std::vector<std::string>> RuleTestRunner::PathsOf(const RuleTest& test) const {
  if (!options_.rules.empty()) return options_.rules;
  if (test.rules.empty()) {
    if (const auto pack = PackAbove(test.place.file)) return std::vector<std::string>{*pack};
    return Fail(Fault::kUsage, "the case names no rules", test.place,
                "add 'rules: [...]', or name them with --rules");
  }
  std::vector<std::string> paths;
  for (const std::string& path : test.rules) {
    std::optional<std::string> found = ResolvePath(path, test.place.file);
    if (!found) {
      return Fail(Fault::kRules, fmt::format("no rules at '{}'", path), test.place,
                  "looked from here and from the folders above the test");
    }
    paths.push_back(std::move(*found));
  }
  return paths;
}

Result<RuleSetPtr> RuleTestRunner::RulesOf(const RuleTest& test) {
  const Result<std::vector<std::string>> paths = PathsOf(test);
  if (!paths) return tl::unexpected<Error>(paths.error());
  std::vector<std::string> key = *paths;
  key.push_back(sigma::ToString(test.logsource));
  sigma::LoadOptions load = options_.load;  // what the test says comes before the configuration
  for (const auto& [pack, values] : test.settings) {
    for (const auto& [name, value] : values) {
      load.settings[pack][name] = value;
      key.push_back(fmt::format("{}\n{}\n{}", pack, name, value));
    }
  }
  for (const auto& [table, path] : test.lookups) {
    load.lookups.insert_or_assign(table, path);
    key.push_back(fmt::format("{}\n{}", table, path));
  }
  const auto known = compiled_.find(key);
  if (known != compiled_.end()) return known->second;
  Result<RuleSetPtr> rules = [&]() -> Result<RuleSetPtr> {
    Result<sigma::RuleCollection> loaded = sigma::LoadRules(*paths, load);
    if (!loaded) return tl::unexpected<Error>(loaded.error());
    RuleSet::Options compile = options_.compile;
    compile.inputs = {test.logsource};
    return RuleSet::Compile(std::move(*loaded), compile);
  }();
  const auto tell = [this](const Error& error) {
    const std::string text = error.ToString();
    if (std::none_of(rule_errors_.begin(), rule_errors_.end(),
                     [&text](const Error& told) { return told.ToString() == text; })) {
      rule_errors_.push_back(error);
    }
  };
  if (rules) {
    for (const Error& error : (*rules)->errors()) tell(error);
  } else {
    tell(rules.error());
  }
  return compiled_.emplace(std::move(key), std::move(rules)).first->second;
}

}  // namespace faultline::app
