// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"
#include "app/exit_code.h"
#include "app/rule_test.h"
#include "base/clock.h"
#include "exporters/escape.h"

namespace faultline::app {
namespace {

struct TestFlags {
  ConfigFlags config;
  std::vector<std::string> paths;
  std::vector<std::string> rules;
  std::string junit;
  std::string filter;
};

using Outcomes = std::vector<RuleTestOutcome>;

// ---------------------------------------------------------------------------------------- JSON

std::string OutcomeJson(const RuleTestOutcome& outcome) {
  return fmt::format(R"({{"name":{},"file":{},"ok":{},"why":{}}})", JsonString(outcome.name),
                     JsonString(outcome.place.file), outcome.ok, JsonString(outcome.why));
}

std::string ReportJson(const RuleTestRunner& runner) {
  std::vector<std::string> cases;
  for (const RuleTestOutcome& outcome : runner.outcomes()) cases.push_back(OutcomeJson(outcome));
  return fmt::format("{{\"passed\":{},\"failed\":{},\"cases\":[{}]}}\n", runner.passed(),
                     cases.size() - runner.passed(), fmt::join(cases, ","));
}

std::string ReportLines(const Outcomes& outcomes) {
  std::string text;
  for (const RuleTestOutcome& outcome : outcomes) text += OutcomeJson(outcome) + "\n";
  return text;
}

// --------------------------------------------------------------------------------------- people

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Line breaks stay, everything else becomes safe for a terminal.
std::string WhyText(const RuleTestOutcome& outcome, bool color) {
  std::string text;
  if (outcome.error) {
    for (const std::string& line : LinesOf(Diagnostic(*outcome.error, "error", color))) {
      text += "    " + line + "\n";
    }
    return text;
  }
  for (const std::string& line : LinesOf(outcome.why)) {
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    text += std::string(4 + indent, ' ') + Printable(line.substr(indent)) + "\n";
  }
  return text;
}

std::string ReportTable(const RuleTestRunner& runner, bool color) {
  std::string text;
  std::string file;
  for (const RuleTestOutcome& outcome : runner.outcomes()) {
    if (outcome.place.file != file) {
      file = outcome.place.file;
      text += Toned(Printable(file), Tone::kBold, color) + "\n";
    }
    const std::string verdict =
        outcome.ok ? Toned("ok  ", Tone::kGreen, color) : Toned("FAIL", Tone::kRed, color);
    text += fmt::format("  {}  {}  {}\n", verdict, Printable(outcome.name),
                        Toned(fmt::format("line {}", outcome.place.line), Tone::kDim, color));
    if (!outcome.ok) text += WhyText(outcome, color);
  }
  return text;
}

double Seconds(std::chrono::nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

// One line: how many, how long, and the slowest where there are several.
std::string Summary(const RuleTestRunner& runner, std::chrono::nanoseconds took, bool color) {
  const Outcomes& outcomes = runner.outcomes();
  const std::size_t failed = outcomes.size() - runner.passed();
  std::string text = fmt::format("{} passed, {} failed", runner.passed(), failed);
  text = Toned(text, failed == 0 ? Tone::kGreen : Tone::kRed, color);
  if (runner.left_out() > 0) text += fmt::format(", {} left out by --filter", runner.left_out());
  std::chrono::nanoseconds playing{};
  for (const RuleTestOutcome& outcome : outcomes) playing += outcome.took;
  return text + fmt::format(" in {:.3f} s ({:.3f} s of it in the cases)\n", Seconds(took),
                            Seconds(playing));
}

// ---------------------------------------------------------------------------------------- JUnit

// XML 1.0 has no way to write most control characters: they become blanks.
std::string Xml(std::string_view text) {
  std::string xml;
  std::size_t at = 0;
  while (at < text.size()) {
    const CodePoint point = DecodeUtf8(text, at);
    switch (point.code) {
      case U'&': xml += "&amp;"; break;
      case U'<': xml += "&lt;"; break;
      case U'>': xml += "&gt;"; break;
      case U'"': xml += "&quot;"; break;
      case U'\n': xml += "&#10;"; break;
      default: {
        const bool allowed = point.code >= 0x20 && point.code != 0xFFFE && point.code != 0xFFFF;
        AppendUtf8(xml, allowed ? point.code : U' ');
      }
    }
    at += point.length;
  }
  return xml;
}

std::string JunitCase(const RuleTestOutcome& outcome) {
  const std::string head =
      fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.6f}\"",
                  Xml(outcome.place.file), Xml(outcome.name), Seconds(outcome.took));
  if (outcome.ok) return head + "/>\n";
  const std::string_view kind = outcome.error ? "error" : "failure";
  const std::vector<std::string> lines = LinesOf(outcome.why);
  return fmt::format("{}>\n      <{} message=\"{}\">{}</{}>\n    </testcase>\n", head, kind,
                     Xml(lines.empty() ? std::string() : lines.front()), Xml(outcome.why), kind);
}

struct JunitSuite {
  std::size_t tests = 0, failures = 0, errors = 0;
  std::chrono::nanoseconds took{};
  std::string cases;
};

// The attributes that a suite and the whole have in common.
std::string JunitTotals(const JunitSuite& suite) {
  return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" time=\"{:.6f}\"",
                     suite.tests, suite.failures, suite.errors, Seconds(suite.took));
}

std::string Junit(const Outcomes& outcomes) {
  std::map<std::string, JunitSuite> suites;  // by file
  JunitSuite whole;
  for (const RuleTestOutcome& outcome : outcomes) {
    JunitSuite& suite = suites[outcome.place.file];
    for (JunitSuite* const counted : {&suite, &whole}) {
      ++counted->tests;
      if (!outcome.ok) ++(outcome.error ? counted->errors : counted->failures);
      counted->took += outcome.took;
    }
    suite.cases += JunitCase(outcome);
  }
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"faultline test\" {}>\n",
      JunitTotals(whole));
  for (const auto& [file, suite] : suites) {
    text += fmt::format("  <testsuite name=\"{}\" {}>\n{}  </testsuite>\n", Xml(file),
                        JunitTotals(suite), suite.cases);
  }
  return text + "</testsuites>\n";
}

Result<void> WriteJunit(const std::string& path, const Outcomes& outcomes) {
  std::ofstream out(path, std::ios::binary);
  out << Junit(outcomes);
  out.close();
  if (out) return {};
  return Fail(Fault::kIo, "cannot be written", Place{path, 0, 0});
}

// -------------------------------------------------------------------------------------- command

std::string Report(const RuleTestRunner& runner, const Context& context) {
  if (context.format == "json") return ReportJson(runner);
  if (context.format == "junit") return Junit(runner.outcomes());
  if (!context.Table()) return ReportLines(runner.outcomes());
  return ReportTable(runner, context.ColorOn(stdout));
}

Result<int> Test(const TestFlags& flags, const Context& context) {
  const std::chrono::nanoseconds begin = SystemClock().Steady();
  const Result<void> takes = context.ExpectFormat("test", {"ndjson", "json", "table", "junit"});
  if (!takes) return tl::unexpected<Error>(takes.error());
  const Result<std::vector<std::string>> files = FindRuleTests(flags.paths);
  if (!files) return tl::unexpected<Error>(files.error());
  const Result<Config> config = LoadConfig(flags.config);
  if (!config) return tl::unexpected<Error>(config.error());
  const Result<sigma::LoadOptions> load = LoadOptionsOf(*config);
  if (!load) return tl::unexpected<Error>(load.error());
  RuleTestRunner runner({flags.rules, CompileOptions(*config), flags.filter, *load});
  for (const std::string& file : *files) {
    if (auto ran = runner.RunFile(file); !ran) return tl::unexpected<Error>(ran.error());
  }
  if (runner.outcomes().empty()) {
    return Fail(Fault::kUsage, fmt::format("--filter: no case has '{}' in it", flags.filter), {},
                "it is a part of a case's name, file or rules");
  }
  for (const Error& error : runner.rule_errors()) PrintError(error, context.ColorOn(stderr));
  if (!flags.junit.empty()) {
    if (auto ok = WriteJunit(flags.junit, runner.outcomes()); !ok) {
      return tl::unexpected<Error>(ok.error());
    }
  }
  if (auto ok = WriteOut(Report(runner, context)); !ok) return tl::unexpected<Error>(ok.error());
  std::FILE* const told = context.Table() ? stdout : stderr;
  if (context.Table() || !context.quiet) {
    std::fputs(Summary(runner, SystemClock().Steady() - begin, context.ColorOn(told)).c_str(),
               told);
  }
  const bool rules_fault =
      !runner.rule_errors().empty() ||
      std::any_of(runner.outcomes().begin(), runner.outcomes().end(), [](const auto& outcome) {
        return outcome.error && outcome.error->fault == Fault::kRules;
      });
  if (rules_fault) return kExitRules;
  return runner.passed() == runner.outcomes().size() ? kExitOk : kExitFindings;
}

}  // namespace

void AddTestCommand(CLI::App& app, Context& context) {
  CLI::App* const command =
      app.add_subcommand("test", "Rule tests: events in YAML and the alerts they must give");
  const auto flags = std::make_shared<TestFlags>();
  AddConfigFlags(*command, flags->config);
  command
      ->add_option("PATHS", flags->paths,
                   "Files of rule tests; of folders the *.yml in folders named tests")
      ->type_name("")
      ->required();
  command
      ->add_option("-r,--rules", flags->rules,
                   "Rule file or folder in place of what the tests name; may be repeated")
      ->type_name("PATH")
      ->allow_extra_args(false);
  command
      ->add_option("--filter", flags->filter,
                   "Only cases with this text in their name, file or rules; any letter case")
      ->type_name("TEXT");
  command->add_option("--junit", flags->junit, "Results as JUnit XML into a file")
      ->type_name("FILE");
  command->footer(
      "Examples:\n"
      "  faultline test packs/\n"
      "  faultline test packs/exchange-cluster/tests/q188674.yml --junit results.xml\n"
      "  faultline test packs/ --filter checkpoint --format json | jq .failed\n"
      "  faultline test --rules rules/ regression_data/     (SigmaHQ's info.yml)\n"
      "Exit codes:  0 all passed, 1 a case failed or is wrong, 2 a rule does not load, 64 usage,\n"
      "             74 input or output, 78 configuration");
  command->callback([flags, &context] {
    const Result<int> code = Test(*flags, context);
    if (!code) return context.Failed(code.error());
    context.exit_code = *code;
  });
}

}  // namespace faultline::app
