// SPDX-License-Identifier: Apache-2.0
#include "app/rule_test.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "app/program.h"
#include "tests/support/data.h"

namespace faultline::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRules = R"(title: Failed
id: 00000000-0000-0000-0000-000000000001
name: failed
level: medium
logsource: {product: any}
detection:
  s: {EventID: 1}
  condition: s
---
title: Lost
id: 00000000-0000-0000-0000-000000000002
name: lost
level: low
logsource: {product: any}
detection:
  s: {EventID: 2}
  condition: s
---
title: Failed and lost
id: 00000000-0000-0000-0000-000000000003
name: failed_and_lost
level: high
correlation:
  type: temporal
  rules: [failed, lost]
  group-by: [Computer]
  timespan: 1m
faultline:
  explain:
    cause: "{{Computer}} lost its disk"
---
title: Kind
id: 00000000-0000-0000-0000-000000000004
name: kind
level: low
logsource: {product: any}
detection:
  s: {Kind: a}
  condition: s
)";

// A folder of its own for each test, gone at its end.
class RuleTests : public ::testing::Test {
 protected:
  RuleTests() {
    std::string form = (fs::temp_directory_path() / "faultline-rule-test-XXXXXX").string();
    EXPECT_NE(mkdtemp(form.data()), nullptr);
    folder_ = form;
    Write("pack/rules.yml", kRules);
  }
  ~RuleTests() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  std::string Write(const std::string& name, std::string_view text) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  // The outcomes of a file pack/tests/t.yml, each "ok" or its reason with the folder cut off.
  std::vector<std::string> Reasons(std::string_view text,
                                   const std::vector<std::string>& rules = {}) {
    RuleTestRunner runner(rules, CompileOptions(Config{}));
    const Result<void> ran = runner.RunFile(Write("pack/tests/t.yml", text));
    EXPECT_TRUE(ran) << ran.error().ToString();
    std::vector<std::string> reasons;
    for (const RuleTestOutcome& outcome : runner.outcomes()) {
      EXPECT_EQ(outcome.ok, outcome.why.empty());
      reasons.push_back(outcome.ok ? "ok" : Local(outcome.why));
    }
    return reasons;
  }

  // The reason of the one case with these lines added to a head that is right.
  std::string Reason(const std::string& lines) {
    const auto reasons = Reasons("name: n\nrules: [pack]\n" + lines);
    EXPECT_EQ(reasons.size(), 1U);
    return reasons.empty() ? "" : reasons.front();
  }

  std::string Local(std::string text) const {
    const std::string prefix = (folder_ / "pack/tests").string() + "/";
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
      text.erase(at, prefix.size());
    }
    return text;
  }

  fs::path folder_;
};

constexpr char kBoth[] =
    "events:\n"
    "  - {at: 5s, EventID: 1, Computer: A}\n"
    "  - {at: +20s, EventID: 2, Computer: A}\n";

TEST_F(RuleTests, WhatComesAsExpectedPasses) {
  for (const char* expect : {
           "expect: [{rule: failed_and_lost}]",
           "expect: [{rule: Failed and lost, count: 1, level: high, group: {Computer: A}}]",
           "expect: [{rule: 00000000-0000-0000-0000-000000000003, time: 25s}]",
           "expect: [{rule: failed_and_lost, text: [lost its disk, A]}]",
           "expect: [{rule: failed_and_lost, group: {Computer: B}, count: 0}]",
           "expect: [{rule: kind, count: 0}]",
           "expect_none: [failed, Lost, kind]",
       }) {
    EXPECT_EQ(Reason(std::string(kBoth) + expect), "ok") << expect;
  }
}

TEST_F(RuleTests, AFailureSaysWhatCameInstead) {
  const std::string came = "\n  came: failed_and_lost, high, at 25s, Computer=A";
  EXPECT_EQ(Reason(std::string(kBoth) + "expect: [{rule: failed_and_lost, count: 2}]"),
            "expected 2 of [failed_and_lost], got 1" + came);
  EXPECT_EQ(Reason(std::string(kBoth) + "expect: [{rule: failed_and_lost, level: low}]"),
            "expected 1 of [failed_and_lost, low], got 0" + came);
  EXPECT_EQ(Reason(std::string(kBoth) + "expect: [{rule: failed_and_lost, group: {Computer: B}}]"),
            "expected 1 of [failed_and_lost, Computer=B], got 0" + came);
  EXPECT_EQ(Reason(std::string(kBoth) + "expect: [{rule: failed_and_lost, time: 20s}]"),
            "expected 1 of [failed_and_lost, at 20s], got 0" + came);
  EXPECT_EQ(Reason(std::string(kBoth) + "expect: [{rule: kind}]"),
            "expected 1 of [kind], got 0" + came);
  EXPECT_EQ(Reason(std::string(kBoth) + "expect_none: [failed_and_lost]"),
            "expected no alert of [failed_and_lost], got 1" + came);
  EXPECT_NE(Reason(std::string(kBoth) + "expect: [{rule: failed_and_lost, text: gremlins}]")
                .find("that says: Failed and lost\nA lost its disk"),
            std::string::npos);
}

TEST_F(RuleTests, ACorrelationThatDidNotFireTellsWhatItsRulesMatched) {
  EXPECT_EQ(Reason("events: [{at: 0s, EventID: 1, Computer: A}]\n"
                   "expect: [{rule: failed_and_lost}]"),
            "expected 1 of [failed_and_lost], got 0\n  no alert came\n"
            "  its rules matched: failed 1 times, lost 0 times");
}

TEST_F(RuleTests, TimesCountFromTheBaseOrFromTheEventBefore) {
  EXPECT_EQ(
      Reason("events: [{at: 0s, EventID: 1, Computer: A}, {at: +60s, EventID: 2, Computer: A}]\n"
             "expect: [{rule: failed_and_lost, time: 60s}]"),
      "ok");
  EXPECT_EQ(Reason("events: [{at: 0s, EventID: 1, Computer: A}, {at: +1m, EventID: 9}, "
                   "{at: +1ms, EventID: 2, Computer: A}]\nexpect_none: [failed_and_lost]"),
            "ok");
  EXPECT_EQ(
      Reason("events: [{at: 30s, EventID: 1, Computer: A}, {at: 80s, EventID: 2, Computer: A}]\n"
             "expect: [{rule: failed_and_lost, time: 80s}]"),
      "ok");
}

TEST_F(RuleTests, AtCountsWhateverTimeTheEventCarries) {
  EXPECT_EQ(Reason("events:\n"
                   "  - {at: 0s, EventID: 1, Computer: A, '@timestamp': '2020-01-01T00:00:00Z'}\n"
                   "  - {at: 10s, EventID: 2, Computer: A, '@timestamp': '2021-01-01T00:00:00Z'}\n"
                   "expect: [{rule: failed_and_lost, time: 10s}]"),
            "ok");
}

TEST_F(RuleTests, WithoutAtEventsHaveTheirOwnTimes) {
  const std::string head =
      "events:\n  - {EventID: 1, Computer: A, '@timestamp': '2020-01-01T00:00:00Z'}\n";
  const std::string expect = "expect: [{rule: failed_and_lost}]";
  EXPECT_EQ(Reason(head + "  - {EventID: 2, Computer: A, '@timestamp': '2020-01-01T00:00:10Z'}\n" +
                   expect),
            "ok");
  EXPECT_NE(Reason(head + "  - {EventID: 2, Computer: A, '@timestamp': '2020-01-01T01:00:00Z'}\n" +
                   expect),
            "ok");
}

TEST_F(RuleTests, LatenessDecidesWhatComesTooLate) {
  const std::string events =
      "events: [{at: 20s, EventID: 1, Computer: A}, {at: 0s, EventID: 2, Computer: A}]\n"
      "expect: [{rule: failed_and_lost}]\n";
  EXPECT_EQ(Reason(events + "lateness: 20s"), "ok");
  const std::string reason = Reason(events);
  EXPECT_NE(reason.find(
                "event 2 came 20s behind the latest one, too late for correlations (lateness 10s)"),
            std::string::npos)
      << reason;
}

TEST_F(RuleTests, TheIdleClockMovesOn) {
  EXPECT_EQ(Reason(std::string(kBoth) + "advance: 10m\nexpect: [{rule: failed_and_lost}]"), "ok");
}

TEST_F(RuleTests, ScalarsKeepTheirTypes) {
  const std::string rules = Write("typed/rules.yml", R"(title: Typed
name: typed
level: low
logsource: {product: any}
detection:
  s: {Text: '007', Number: 7, Flag: true, Nothing: null, Deep.List: b, Plain: 0x10, Word: yes}
  condition: s
)");
  EXPECT_EQ(Reasons("name: n\nevents:\n  - {at: 0s, Text: '007', Number: 007, Flag: true, Nothing: "
                    "null, Deep: {List: [a, b]}, Plain: 0x10, Word: yes}\nexpect: [{rule: typed}]",
                    {rules}),
            std::vector<std::string>{"ok"});
}

TEST_F(RuleTests, ADeclaredLogSourceIsThatOfTheEvents) {
  const std::string rules = Write("sources/rules.yml", R"(title: Sudo
name: sudo
level: low
logsource: {product: linux, service: sudo}
detection:
  s: {COMMAND: x}
  condition: s
)");
  const std::string events = "events: [{at: 0s, program: other, COMMAND: x}]\n";
  const std::string tests = "name: without\n" + events + "expect_none: [sudo]\n---\nname: with\n" +
                            events + "logsource: {product: linux, service: sudo}\n" +
                            "expect: [{rule: sudo}]\n---\nname: of another\n" + events +
                            "logsource: {product: windows}\nexpect_none: [Sudo]\n";
  EXPECT_EQ(Reasons(tests, {rules}),
            (std::vector<std::string>{"ok", "ok",
                                      "t.yml:13:15: rule 'Sudo' is not active; no input is of "
                                      "product linux"}));
}

TEST_F(RuleTests, EventFilesLieBesideTheTest) {
  Write("pack/tests/events/2.json", "{\n  \"EventID\": 2,\n  \"Computer\": \"A\"\n}\n");
  const std::string head = "events:\n  - {at: 0s, EventID: 1, Computer: A}\n";
  EXPECT_EQ(Reason(head + "  - {at: 1s, file: events/2.json}\nexpect: [{rule: failed_and_lost}]"),
            "ok");
  EXPECT_EQ(Reason(head + "  - {at: 1s, file: events/3.json}\nexpect: [{rule: failed_and_lost}]"),
            "t.yml:5:20: event file 'events/3.json' is no file; event files are looked for beside "
            "the test");
}

TEST_F(RuleTests, AnEventThatIsNoneFailsTheCase) {
  Write("pack/tests/bad.json", "{\"EventID\": ");
  EXPECT_EQ(Reason("events: [{at: 0s, file: bad.json}]\nexpect_none: [failed]"),
            "event 1 (t.yml:3:10) is no event: not JSON");
}

TEST_F(RuleTests, EachMistakeIsToldWithItsPlaceAndRemedy) {
  const std::string event = "events: [{at: 0s, EventID: 1}]\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"event: []\n", "t.yml:3:1: unknown key 'event' in a rule test; did you mean 'events'?"},
      {event + "expect: [{rule: kind, levl: low}]",
       "t.yml:4:23: unknown key 'levl' in 'expect'; did you mean 'level'?"},
      {event + "expect: [{rule: knid}]",
       "t.yml:4:17: no rule 'knid' in the rules of this case; did you mean 'kind'?"},
      {event + "expect_none: [knid]",
       "t.yml:4:15: no rule 'knid' in the rules of this case; did you mean 'kind'?"},
      {event + "expect: [{rule: kind, level: hgih}]",
       "t.yml:4:30: unknown level 'hgih'; did you mean 'high'?"},
      {event + "expect: [{level: high}]", "t.yml:4:10: an entry of 'expect' names no 'rule'"},
      {event + "expect: [{rule: kind, count: -1}]",
       "t.yml:4:30: 'count' must be a whole number from 0 on"},
      {event + "expect: []",
       "t.yml:1:1: the case expects nothing, so it cannot fail; add 'expect' "
       "or 'expect_none'"},
      {event + "shape: evxt\nexpect_none: [kind]",
       "t.yml:4:8: unknown shape 'evxt'; did you mean 'evtx'?"},
      {event + "advance: 10\nexpect_none: [kind]",
       "t.yml:4:10: 'advance' must be a duration, not '10'; write it with its unit: 500ms, 20s, "
       "10m, 1h, 2d"},
      {"events: [{at: soon, EventID: 1}]\nexpect_none: [kind]",
       "t.yml:3:15: 'at' must be a time, not 'soon'; write 20s for a time since the beginning, "
       "+20s for one since the event before"},
      {"events: [{at: 0s, EventID: 1}, {EventID: 2}]\nexpect_none: [kind]",
       "t.yml:3:32: the event says no time with 'at', others do; give each event an 'at', or none, "
       "if they carry their own times"},
      {"events: [{at: 0s, X: .inf}]\nexpect_none: [kind]",
       "t.yml:3:22: JSON has no value '.inf'; quote it if it is a text"},
      {"events: [{at: 0s}]\nexpect_none: [kind]", "t.yml:3:10: the event is empty"},
      {"expect_none: [kind]", "t.yml:1:1: the case has no 'events'"},
  };
  for (const auto& [lines, reason] : cases) EXPECT_EQ(Reason(lines), reason) << lines;
}

TEST_F(RuleTests, AMistakeInOneCaseLeavesTheOthers) {
  const std::string good =
      "name: g\nrules: [pack]\nevents: [{at: 0s, EventID: 1}]\nexpect_none: [kind]\n";
  const auto reasons = Reasons(good + "---\nname: bad\n---\n" + good + "---\n[");
  ASSERT_EQ(reasons.size(), 4U);
  EXPECT_EQ(reasons[0], "ok");
  EXPECT_EQ(reasons[1], "t.yml:6:1: the case has no 'events'");
  EXPECT_EQ(reasons[2], "ok");
  EXPECT_NE(reasons[3], "ok");
}

TEST_F(RuleTests, AFileWithoutCasesIsAFailure) {
  EXPECT_EQ(Reasons("# nothing\n"), std::vector<std::string>{"t.yml: holds no rule test"});
}

TEST_F(RuleTests, RulesThatAreNotThereAreARulesFault) {
  RuleTestRunner runner({}, CompileOptions(Config{}));
  runner.RunText(
      "name: n\nrules: [no/such/pack]\nevents: [{at: 0s, EventID: 1}]\nexpect_none: [x]\n",
      (folder_ / "pack/tests/t.yml").string());
  ASSERT_EQ(runner.outcomes().size(), 1U);
  ASSERT_TRUE(runner.outcomes()[0].error);
  EXPECT_EQ(runner.outcomes()[0].error->fault, Fault::kRules);
}

TEST_F(RuleTests, ARejectedRuleIsToldOnceAndNamedInCasesThatWantIt) {
  Write("pack/bad.yml",
        "title: Bad\nid: 00000000-0000-0000-0000-000000000009\nlevel: low\n"
        "logsource: {product: any}\ndetection: {s: {A|contians: b}, condition: s}\n");
  const std::string one = "name: n\nrules: [pack]\nevents: [{at: 0s, EventID: 1}]\n";
  RuleTestRunner runner({}, CompileOptions(Config{}));
  runner.RunText(one + "expect_none: [kind]\n---\n" + one + "expect: [{rule: Bad}]\n",
                 (folder_ / "pack/tests/t.yml").string());
  EXPECT_EQ(runner.rule_errors().size(), 1U);
  ASSERT_EQ(runner.outcomes().size(), 2U);
  EXPECT_TRUE(runner.outcomes()[0].ok);
  ASSERT_TRUE(runner.outcomes()[1].error);
  EXPECT_EQ(runner.outcomes()[1].error->fault, Fault::kRules);
}

TEST_F(RuleTests, RegressionEntriesOfSigmaHQAreRead) {
  const std::string file = Write("data/info.yml",
                                 "id: x\nrule_metadata:\n"
                                 "  - {id: 00000000-0000-0000-0000-000000000001, title: Failed}\n"
                                 "regression_tests_info:\n"
                                 "  - {name: two, type: evtx, match_count: 2, path: a/b/e.evtx}\n"
                                 "  - {name: three, type: evtx, match_count: 3, path: a/b/e.evtx}\n"
                                 "  - {name: one, type: evtx, match_count: 1, path: a/b/e.evtx}\n"
                                 "  - {name: some, type: evtx, path: a/b/e.evtx}\n");
  Write("data/e.json", "{\"EventID\": 1, \"a\": \"}{\\\"\"}\n{\"EventID\": 2}{\"EventID\": 1}");
  RuleTestRunner runner({(folder_ / "pack").string()}, CompileOptions(Config{}));
  ASSERT_TRUE(runner.RunFile(file));
  ASSERT_EQ(runner.outcomes().size(), 4U);
  EXPECT_TRUE(runner.outcomes()[0].ok) << runner.outcomes()[0].why;
  EXPECT_FALSE(runner.outcomes()[1].ok);
  EXPECT_TRUE(runner.outcomes()[2].ok) << runner.outcomes()[2].why;
  EXPECT_TRUE(runner.outcomes()[3].ok) << runner.outcomes()[3].why;
}

TEST_F(RuleTests, FoldersAreSearchedForTests) {
  const std::string test = Write("pack/tests/t.yml", "");
  Write("pack/tests/events/e.yml", "");
  const std::string lone = Write("lone/l.yml", "");
  const auto found = [](const fs::path& path) { return *FindRuleTests({path.string()}); };
  EXPECT_EQ(found(folder_), std::vector<std::string>{test});
  EXPECT_EQ(found(folder_ / "pack"), std::vector<std::string>{test});
  EXPECT_EQ(found(folder_ / "pack/tests"), std::vector<std::string>{test});
  EXPECT_EQ(found(folder_ / "lone"), std::vector<std::string>{lone});
  EXPECT_EQ(found(lone), std::vector<std::string>{lone});
  fs::create_directories(folder_ / "empty");
  EXPECT_EQ(FindRuleTests({(folder_ / "empty").string()}).error().fault, Fault::kUsage);
  EXPECT_EQ(FindRuleTests({(folder_ / "gone").string()}).error().fault, Fault::kIo);
}

// What `faultline test` with these arguments writes on standard output, and its exit code.
std::pair<int, std::string> RunTest(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), {"faultline", "test"});
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int code = RunProgram(static_cast<int>(arguments.size()), arguments.data());
  ::testing::internal::GetCapturedStderr();
  return {code, ::testing::internal::GetCapturedStdout()};
}

TEST_F(RuleTests, TheCommandReportsInEveryForm) {
  const std::string file =
      Write("pack/tests/t.yml", "name: good\nrules: [pack]\n" + std::string(kBoth) +
                                    "expect: [{rule: failed_and_lost}]\n---\n"
                                    "name: <bad>\nrules: [pack]\n" +
                                    kBoth +
                                    "expect: [{rule: kind, count: 0}, "
                                    "{rule: failed, count: 1}]\n");
  const std::string junit = (folder_ / "junit.xml").string();
  const auto [code, json] = RunTest({"--format", "json", "--junit", junit.c_str(), file.c_str()});
  EXPECT_EQ(code, 1);
  EXPECT_EQ(
      Local(json),
      R"({"passed":1,"failed":1,"cases":[{"name":"good","file":"t.yml","line":1,"ok":true,"why":""},)"
      R"({"name":"<bad>","file":"t.yml","line":8,"ok":false,"why":"expected 1 of [failed], got 0\n)"
      R"(  came: failed_and_lost, high, at 25s, Computer=A"}]})"
      "\n");
  const std::string xml = testing::ReadFile(junit);
  EXPECT_NE(xml.find(R"(tests="2" failures="1" errors="0")"), std::string::npos) << xml;
  EXPECT_NE(xml.find(R"(name="&lt;bad&gt;")"), std::string::npos) << xml;
  const std::string table = RunTest({"--format", "table", file.c_str()}).second;
  EXPECT_NE(table.find("  ok    good  line 1\n  FAIL  <bad>  line 8\n    expected 1 of [failed]"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("1 passed, 1 failed\n"), std::string::npos) << table;
}

TEST_F(RuleTests, ExitCodes) {
  const std::string head = "name: n\nrules: [pack]\nevents: [{at: 0s, EventID: 1}]\n";
  const std::string good = Write("good.yml", head + "expect_none: [kind]\n");
  const std::string wrong = Write("wrong.yml", head + "expect_non: [kind]\n");
  const std::string none = Write("none.yml",
                                 "name: n\nrules: [no]\nevents: [{at: 0s, A: 1}]\n"
                                 "expect_none: [kind]\n");
  EXPECT_EQ(RunTest({good.c_str()}).first, 0);
  EXPECT_EQ(RunTest({wrong.c_str()}).first, 1);
  EXPECT_EQ(RunTest({none.c_str()}).first, 2);
  EXPECT_EQ(RunTest({}).first, 64);
  EXPECT_EQ(RunTest({"--format", "csv", good.c_str()}).first, 64);
  EXPECT_EQ(RunTest({(folder_ / "gone").c_str()}).first, 74);
  EXPECT_EQ(RunTest({"--junit", folder_.c_str(), good.c_str()}).first, 74);
}

}  // namespace
}  // namespace faultline::app
