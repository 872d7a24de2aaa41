// SPDX-License-Identifier: Apache-2.0
#include "exporters/alert_json.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/data.h"
#include "tests/support/program.h"
#include "tests/unit/exporters/alerts.h"

namespace faultline {
namespace {

using testing::ChainAlert;
using testing::ContextOfTests;
using testing::CorrelationAlert;
using testing::DetectionAlert;
using testing::HostileAlert;
using testing::HostileText;

struct Verdict {
  int code = 0;
  std::string output;
};

// What python3-jsonschema says of records, one per line.
Verdict Validate(const std::string& lines, const std::string& option = "--quiet") {
  const auto root = testing::SourceDir();
  testing::Program program({"python3", (root / "tests/unit/exporters/validate_alerts.py").string(),
                            (root / "exporters/alert.schema.json").string(), option},
                           lines);
  const int code = program.Wait();
  return {code, program.Output() + program.Errors()};
}

std::string Replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

std::size_t CountOf(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

// Alerts of every kind, each with and without what may be absent.
std::vector<Alert> AllKinds() {
  std::vector<Alert> alerts = {DetectionAlert(), CorrelationAlert(), ChainAlert(), HostileAlert()};
  for (const AlertStatus status :
       {AlertStatus::kUpdated, AlertStatus::kResolved, AlertStatus::kFlooded}) {
    alerts.push_back(ChainAlert());
    alerts.back().status = status;
    alerts.back().seq = 4;
  }
  Alert bare = ChainAlert();  // what a rule without texts gives
  bare.window.reset();
  bare.explanation = {};
  testing::ChangeRule(bare, [](sigma::Metadata& rule) {
    rule = {};
    rule.name = "only-a-name";
  });
  bare.steps[1] = {"ds-error", "second", false, {}, {}};
  alerts.push_back(bare);
  Alert odd = DetectionAlert();
  odd.flags = {"substituted_time", "duplicate_key"};
  odd.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  odd.truncated = odd.degraded = true;
  odd.suppressed_count = 12;
  odd.explanation.runbook = "https://example.org/run";
  odd.evidence.clear();
  odd.time = EventTime::Raw(1);  // nine digits of a second
  alerts.push_back(odd);
  return alerts;
}

TEST(AlertJsonTest, EveryKindIsValid) {
  AlertContext context = ContextOfTests();
  std::string lines;
  for (const Alert& alert : AllKinds()) lines += AlertJson(alert, context) + "\n";
  context.replay_command = [](const Alert&) { return "faultline replay " + HostileText(); };
  context.pipeline = context.instance = HostileText();
  for (const Alert& alert : AllKinds()) lines += AlertJson(alert, context) + "\n";
  context.replay_command = [](const Alert&) { return std::string(); };
  lines += AlertJson(DetectionAlert(), context) + "\n";
  const Verdict verdict = Validate(lines);
  EXPECT_EQ(verdict.code, 0) << verdict.output;
  EXPECT_NE(verdict.output.find(std::to_string(2 * AllKinds().size() + 1) + " records, 0 faults"),
            std::string::npos)
      << verdict.output;
}

TEST(AlertJsonTest, TheValidatorRefusesWhatIsWrong) {
  const std::string good = AlertJson(ChainAlert(), ContextOfTests());
  const std::vector<std::pair<std::string_view, std::string_view>> wrong = {
      {R"("seq":0)", R"("seq":-1)"},
      {R"("seq":0)", R"("seq":0,"more":1)"},
      {R"("seq":0)", R"("seq":0,"seq":1)"},
      {R"("seq":0,)", ""},
      {R"("level":"critical")", R"("level":"dire")"},
      {R"("kind":"chain")", R"("kind":"sigma")"},
      {R"("matched":"2 of 2")", R"("matched":"two")"},
      {"2026-11-23T12:00:20.000Z", "2026-11-23 12:00:20"},
      {R"("offset":20)", R"("offset":"20")"},
  };
  std::string lines = good + "\n";
  for (const auto& [what, with] : wrong) lines += Replaced(good, what, with) + "\n";
  const Verdict verdict = Validate(lines);
  EXPECT_EQ(verdict.code, 1);
  const std::string output = "\n" + verdict.output;
  EXPECT_EQ(output.find("\n1: "), std::string::npos) << output;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_NE(output.find("\n" + std::to_string(i + 2) + ": "), std::string::npos)
        << wrong[i].second << " passes:" << output;
  }
  EXPECT_EQ(Validate("").code, 1);
}

TEST(AlertJsonTest, WritesTheRecordInThisOrder) {
  AlertContext context = ContextOfTests();
  context.replay_command = [](const Alert& alert) { return "faultline replay " + alert.rule->id; };
  EXPECT_EQ(
      AlertJson(ChainAlert(), context),
      R"({"schema":"faultline.alert/1","id":"00000000000000010000000000000002",)"
      R"("incident":"00000000000000030000000000000004",)"
      R"("fingerprint":"00000000000000050000000000000006","status":"firing","seq":0,)"
      R"("kind":"chain","time":"2026-11-23T12:00:20.000Z",)"
      R"("detected_at":"2026-11-23T12:01:00.000Z",)"
      R"("title":"Directory restore meets a registry checkpoint","level":"critical","severity":5,)"
      R"("rule":{"id":"0a1b","name":"restore-checkpoint",)"
      R"("title":"Directory restore meets a registry checkpoint","revision":"00000000000000070000000000000008",)"
      R"("tags":["attack.t1489"],"references":["https://example.org/Q188674"],)"
      R"("file":"rules/stop.yml"},"group":{"Computer":"NODE1"},)"
      R"("window":{"type":"temporal","start":"2026-11-23T12:00:00.000Z",)"
      R"("end":"2026-11-23T12:00:20.000Z","span_seconds":600,"count":2,"threshold":2,)"
      R"("complete":true},)"
      R"("steps":[{"name":"cluster-failed","rule":"first","matched":true,)"
      R"("time":"2026-11-23T12:00:00.000Z","evidence":[0]},)"
      R"({"name":"ds-error","rule":"second","matched":true,)"
      R"("time":"2026-11-23T12:00:20.000Z","evidence":[1]}],"matched":"2 of 2",)"
      R"("evidence":[{"topic":"events","partition":1,"offset":0,"index":0,)"
      R"("timestamp":"2026-11-23T12:00:00.000Z","rule":"first",)"
      R"("captures":{"resource":"Directory"}},)"
      R"({"topic":"events","partition":1,"offset":20,"index":0,)"
      R"("timestamp":"2026-11-23T12:00:20.000Z","rule":"second","captures":{},)"
      R"("event":"{\"EventID\":1002}"}],"evidence_total":2,"truncated":false,"flags":[],)"
      R"("explanation":{"cause":"The checkpoint writes back an old key.",)"
      R"("impact":"The directory does not start.",)"
      R"("remedy":["Remove the checkpoint.","Restore again."],"references":["Q188674"]},)"
      R"("runbook_url":"https://example.org/run","suppressed_count":0,"degraded":false,)"
      R"("source":{"pipeline":"exchange prod","instance":"node1","version":"1.2.3",)"
      R"("rules_revision":"r7"},"replay":"faultline replay 0a1b"})");
}

TEST(AlertJsonTest, HostileTextIsOneSafeLineThatReadsBack) {
  const std::string json = AlertJson(HostileAlert(), ContextOfTests());
  for (const char c : json) EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7F);
  for (const std::string_view control : {"\u202E", "\u2066", "\u2028", "\u0085", "\u200F"}) {
    EXPECT_EQ(json.find(control), std::string::npos);
  }
  const Verdict verdict = Validate(json + "\n", "--show");
  EXPECT_EQ(verdict.code, 0) << verdict.output;
  // As Python reads it: what was valid is unchanged, each broken sequence is U+FFFD.
  const std::string text =
      R"(\u001b[2J\u001b]0;x\u0007 \"quoted\\\" \r\n\t \u0000 <script>)"
      R"(\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd \u202egnp\u2066 \u2028 \u0085 \u200f )"
      R"(\ud83d\ude00 \ufffd)";
  EXPECT_NE(verdict.output.find("\"title\": \"" + text + "\""), std::string::npos)
      << verdict.output;
  // A name that stands twice keeps its first value.
  EXPECT_NE(verdict.output.find("\"group\": {\"\": \"\", \"" + text + "\": \"" + text + "\"}"),
            std::string::npos)
      << verdict.output;
}

TEST(AlertJsonTest, SpansAreExactNumbers) {
  const std::string json = AlertJson(CorrelationAlert(), ContextOfTests());
  EXPECT_NE(json.find(R"("span_seconds":1.5,)"), std::string::npos) << json;
}

// An alert with all that can be large.
Alert LargeAlert() {
  Alert alert = ChainAlert();
  alert.evidence.clear();
  alert.steps[0].evidence.clear();
  for (std::uint32_t i = 0; i < 500; ++i) {
    alert.evidence.push_back(testing::EvidenceAt(i, "first"));
    alert.evidence.back().captures = {{"path", std::string(300, 'c')}};
    alert.steps[0].evidence.push_back(i);
  }
  alert.steps[1].evidence = {499};
  alert.evidence.back().event = std::string(8192, 'e');
  alert.evidence_total = 500;
  alert.explanation.cause = std::string(3000, 't');
  testing::ChangeRule(alert, [](sigma::Metadata& rule) { rule.title = std::string(5000, 'T'); });
  for (int i = 0; i < 40; ++i) {
    alert.group.push_back({"field" + std::to_string(i), std::string(2000, 'g')});
  }
  return alert;
}

TEST(AlertJsonTest, FitsTheSizeAndStaysValidAtEveryCut) {
  const AlertContext context = ContextOfTests();
  const std::size_t whole = AlertJson(LargeAlert(), context).size();
  std::string lines;
  for (std::size_t size = whole; size > 9000; size -= size / 5) {
    const std::string json = AlertJson(LargeAlert(), context, size);
    EXPECT_LE(json.size(), size);
    EXPECT_EQ(CountOf(json, R"("truncated":true)"), size == whole ? 0U : 1U) << size;
    EXPECT_NE(json.find(R"("evidence_total":500)"), std::string::npos) << size;
    lines += json + "\n";
  }
  const Verdict verdict = Validate(lines);
  EXPECT_EQ(verdict.code, 0) << verdict.output;
}

TEST(AlertJsonTest, TheRawEventGoesFirst) {
  const AlertContext context = ContextOfTests();
  const std::size_t whole = AlertJson(LargeAlert(), context).size();
  const std::string json = AlertJson(LargeAlert(), context, whole - 1);
  EXPECT_EQ(json.find(R"("event":)"), std::string::npos);
  EXPECT_EQ(CountOf(json, R"("offset":)"), 500U);
  EXPECT_NE(json.find(R"("complete":true)"), std::string::npos);
}

TEST(AlertJsonTest, EvidenceGoesFromItsMiddleAndStepsPointAtWhatIsLeft) {
  Alert alert = ChainAlert();
  alert.evidence.clear();
  for (std::uint32_t i = 0; i < 8; ++i) {
    alert.evidence.push_back(testing::EvidenceAt(i, "first"));
    alert.evidence.back().captures = {{"path", std::string(500, 'c')}};
  }
  alert.evidence_total = 8;
  alert.steps[0].evidence = {0, 1, 3, 4};
  alert.steps[1].evidence = {6, 7};
  const AlertContext context = ContextOfTests();
  const std::string json = AlertJson(alert, context, AlertJson(alert, context).size() - 100);
  std::vector<std::string> left;
  for (const int offset : {0, 1, 2, 3, 4, 5, 6, 7}) {
    const std::string text = "\"offset\":" + std::to_string(offset) + ",";
    if (json.find(text) != std::string::npos) left.push_back(std::to_string(offset));
  }
  EXPECT_EQ(left, (std::vector<std::string>{"0", "1", "6", "7"}));
  EXPECT_NE(json.find(R"("evidence":[0,1]})"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("evidence":[2,3]})"), std::string::npos) << json;
  // The events of the window are no longer all there.
  EXPECT_NE(json.find(R"("complete":false)"), std::string::npos) << json;
}

TEST(AlertHeadersTest, AreCloudEventsInBinaryForm) {
  Alert alert = ChainAlert();
  alert.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  AlertContext context = ContextOfTests();
  context.run = "replay-1";
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"ce_specversion", "1.0"},
      {"ce_type", "dev.faultline.alert.v1"},
      {"ce_source", "/faultline/exchange%20prod"},
      {"ce_id", "00000000000000010000000000000002"},
      {"ce_time", "2026-11-23T12:00:20.000Z"},
      {"ce_subject", "0a1b"},
      {"content-type", "application/json"},
      {"faultline_level", "critical"},
      {"faultline_run", "replay-1"},
      {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
  };
  std::vector<std::pair<std::string, std::string>> found;
  for (const Header& header : AlertHeaders(alert, context)) {
    found.emplace_back(header.name, header.value.value_or("null"));
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(AlertKey(alert), "00000000000000050000000000000006");
}

TEST(AlertHeadersTest, WhatIsNoTraceparentIsNotPassedOn) {
  for (const std::string text : {"", "x", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                 "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
                                 "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
                                 "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                 "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"}) {
    Alert alert = DetectionAlert();
    alert.traceparent = text;
    for (const Header& header : AlertHeaders(alert, ContextOfTests())) {
      EXPECT_NE(header.name, "traceparent") << text;
    }
  }
}

TEST(ShellWordTest, TheShellReadsTheWordBack) {
  for (const std::string word : {"plain-1.2_3/a:b,c=d@e", "", "two words", "it's", "~root", "$(id)",
                                 "`id`", "a\nb", "*", "-n", "\\", "\"", "!x", "é;|&<>"}) {
    testing::Program shell({"sh", "-c", "printf '[%s]' " + ShellWord(word)});
    EXPECT_EQ(shell.Wait(), 0);
    EXPECT_EQ(shell.Output(), "[" + word + "]");
  }
}

}  // namespace
}  // namespace faultline
