// SPDX-License-Identifier: Apache-2.0
// Which events a rule is tried on, and under which names it finds their fields.
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/event/walker.h"
#include "matcher/sigma/logsource.h"
#include "matcher/signature/rule_set.h"

namespace faultline {
namespace {

using sigma::LogSource;

std::string Rule(const std::string& logsource, const std::string& search,
                 const std::string& id = "r1") {
  return "title: T\nid: " + id + "\nlogsource: {" + logsource + "}\ndetection:\n  s: " + search +
         "\n  condition: s\n";
}

std::shared_ptr<const RuleSet> Compiled(const std::string& text, std::vector<LogSource> inputs,
                                        const sigma::LoadOptions& load = {}) {
  sigma::RuleCollection rules = sigma::LoadRulesFromText(text, "rule.yml", load);
  EXPECT_TRUE(rules.errors.empty()) << rules.errors[0].ToString();
  RuleSet::Options options;
  options.inputs = std::move(inputs);
  return *RuleSet::Compile(std::move(rules), options);
}

bool Matches(const std::string& rule, const std::string& event, const LogSource& input = {},
             const sigma::LoadOptions& load = {}) {
  const auto set = Compiled(rule, {input}, load);
  Walker walker(&set->fields());
  Walker::Options options;
  Matcher matcher(set);
  const InputScope scope = matcher.ScopeOf(input);
  if (walker.Begin(event, options) != WalkFault::kNone) {
    return !matcher.MatchRaw(event, scope).empty();
  }
  bool matched = false;
  while (const Event* one = walker.Next()) matched = matched || !matcher.Match(*one, scope).empty();
  return matched;
}

// An event of each log source, as its shippers write it, is found by a rule of that log source, on
// an input that declares nothing.
TEST(LogSourceGate, FindsTheEventsOfEachProductAsTheirShippersWriteThem) {
  const struct {
    const char* logsource;
    const char* search;
    const char* event;
  } cases[] = {
      {"product: windows, category: process_creation", "{ParentImage|endswith: '\\word.exe'}",
       R"({"Channel":"Security","EventID":4688,"NewProcessName":"C:\\a.exe","ParentProcessName":"C:\\word.exe"})"},
      {"product: windows, category: process_creation", "{Image|endswith: '\\a.exe'}",
       R"({"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"1","event_data":{"Image":"C:\\a.exe"}}})"},
      {"product: windows, category: network_connection", "{DestinationPort: 4444}",
       R"({"Channel":"Security","EventID":5156,"Application":"\\device\\a.exe","DestPort":"4444"})"},
      {"product: windows, category: registry_set", "{TargetObject|endswith: '\\Run', Details: x}",
       R"({"Channel":"Security","EventID":4657,"OperationType":"%%1905","ObjectName":"\\REGISTRY\\MACHINE\\Run","NewValue":"x"})"},
      {"product: windows, service: dns-client", "{EventID: 3008}",
       R"({"Event":{"System":{"Channel":"Microsoft-Windows-DNS-Client/Operational","EventID":3008}}})"},
      {"category: antivirus", "{Signature|contains: Mimikatz}",
       R"({"Channel":"Microsoft-Windows-Windows Defender/Operational","EventID":1116,"Threat Name":"x","ThreatName":"HackTool:Win64/Mimikatz"})"},
      {"category: antivirus", "{Signature|contains: Mimikatz, Filename|endswith: .exe}",
       R"({"Signature":"Hacktool.Mimikatz","file_path":"C:\\m.exe"})"},
      // Linux and macOS
      {"product: linux, category: process_creation", "{Image|endswith: /nc}",
       R"({"Event":{"System":{"Channel":"Linux-Sysmon/Operational","EventID":1},"EventData":{"Image":"/bin/nc"}}})"},
      {"product: linux, category: process_creation",
       "{Image|endswith: /nc, CommandLine|contains: -e}",
       R"({"event":{"category":["process"],"type":["start"]},"host":{"os":{"type":"linux"}},"process":{"executable":"/bin/nc","command_line":"nc -e sh"}})"},
      {"product: linux, category: process_creation", "{Image|endswith: /nc}",
       R"({"Image":"/bin/nc","CommandLine":"nc -e sh"})"},
      {"product: linux, category: file_event", "{TargetFilename|startswith: /etc/cron.d/}",
       R"({"event":{"category":["file"],"type":["creation"]},"file":{"path":"/etc/cron.d/x"}})"},
      {"product: linux, category: network_connection", "{DestinationIp: 203.0.113.9}",
       R"({"Event":{"System":{"Channel":"Linux-Sysmon/Operational","EventID":3},"EventData":{"DestinationIp":"203.0.113.9"}}})"},
      {"product: linux, service: auditd", "{type: EXECVE, a0: chattr}",
       R"({"type":"EXECVE","a0":"chattr","a1":"+i"})"},
      {"product: linux, service: auditd", "{type: EXECVE, a0: chattr}",
       R"({"auditd":{"log":{"record_type":"EXECVE","a0":"chattr"}}})"},
      {"product: linux, service: auditd", "{type: syscall, SYSCALL: init_module}",
       R"({"auditd":{"message_type":"syscall","data":{"syscall":"init_module"}}})"},
      {"product: linux, service: sshd", "[Corrupted MAC on input]",
       R"({"SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Corrupted MAC on input."})"},
      {"product: linux, service: sshd", "[Corrupted MAC on input]",
       "Nov  3 10:00:00 h sshd[7]: Corrupted MAC on input."},
      {"product: linux, service: sudo", "{USER: '#-*'}",
       R"({"process":{"name":"sudo"},"system":{"auth":{"sudo":{"user":"#-1"}}}})"},
      {"product: linux, service: cron", "[REPLACE]",
       R"({"ident":"CRON","message":"(root) REPLACE (root) "})"},
      {"product: linux, service: clamav", "[FOUND]",
       R"({"program":"clamd","message":"x: Eicar FOUND"})"},
      {"product: linux, service: syslog", "[segfault]", R"({"message":"x segfault at 0"})"},
      {"product: linux", "[wget]", R"({"message":"wget x"})"},
      {"product: macos, category: process_creation", "{Image|endswith: /osascript}",
       R"({"event":{"category":["process"],"type":["start"]},"host":{"os":{"type":"macos"}},"process":{"executable":"/usr/bin/osascript"}})"},
      // cloud
      {"product: aws, service: cloudtrail",
       "{eventSource: s3.amazonaws.com, requestParameters.acl: x}",
       R"({"eventSource":"s3.amazonaws.com","eventName":"PutBucketAcl","requestParameters":{"acl":"x"}})"},
      {"product: aws, service: cloudtrail", "{eventName: StopLogging, userIdentity.type: Root}",
       R"({"detail-type":"AWS API Call via CloudTrail","detail":{"eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","userIdentity":{"type":"Root"}}})"},
      {"product: aws, service: cloudtrail",
       "{eventSource: iam.amazonaws.com, eventName: CreateUser, userIdentity.type: Root}",
       R"({"event":{"module":"aws","provider":"iam.amazonaws.com","action":"CreateUser"},"aws":{"cloudtrail":{"user_identity":{"type":"Root"}}}})"},
      {"product: azure, service: activitylogs",
       "{operationName: Microsoft.Network/dnsZones/delete}",
       R"({"azure":{"activitylogs":{"operation_name":"MICROSOFT.NETWORK/DNSZONES/DELETE"}}})"},
      {"product: azure, service: auditlogs", "{properties.message: Delete user}",
       R"({"category":"AuditLogs","operationName":"Delete user","properties":{"activityDisplayName":"Delete user"}})"},
      {"product: azure, service: signinlogs", "{ResultType: 50053}",
       R"({"category":"SignInLogs","resultType":"50053","properties":{}})"},
      {"product: azure, service: riskdetection", "{riskEventType: anomalousToken}",
       R"({"category":"UserRiskEvents","properties":{"riskEventType":"anomalousToken"}})"},
      {"product: azure, service: pim", "{riskEventType: staleSignInAlertIncident}",
       R"({"riskEventType":"staleSignInAlertIncident"})"},
      {"product: gcp, service: gcp.audit", "{gcp.audit.method_name: v*.Compute.Firewalls.Delete}",
       R"({"logName":"projects/p/logs/x","protoPayload":{"methodName":"v1.compute.firewalls.delete"}})"},
      {"product: gcp, service: google_workspace.admin",
       "{eventService: admin.googleapis.com, eventName: ADD_APPLICATION}",
       R"({"protoPayload":{"serviceName":"admin.googleapis.com","metadata":{"event":[{"eventName":"ADD_APPLICATION"}]}}})"},
      {"product: gcp, service: google_workspace.login",
       "{protoPayload.metadata.event.eventName: account_disabled_generic}",
       R"({"data":{"protoPayload":{"metadata":{"event":[{"eventName":"account_disabled_generic"}]}}}})"},
      {"product: m365, service: audit", "{Operation: Add-FederatedDomain, Workload: Exchange}",
       R"({"event":{"action":"Add-FederatedDomain"},"o365":{"audit":{"Workload":"Exchange"}}})"},
      {"product: m365, service: threat_management",
       "{eventSource: SecurityComplianceCenter, status: success}",
       R"({"eventSource":"SecurityComplianceCenter","eventName":"Mass download","status":"success"})"},
      {"product: okta, service: okta", "{eventType: policy.rule.delete}",
       R"({"okta":{"event_type":"policy.rule.delete"}})"},
      {"product: onelogin, service: onelogin.events", "{event_type_id: 532}",
       R"({"event_type_id":532})"},
      {"product: github, service: audit", "{action: repo.destroy}",
       R"({"action":"repo.destroy","actor":"a"})"},
      {"product: bitbucket, service: audit", "{auditType.action: x}",
       R"({"auditType":{"action":"x","category":"y"}})"},
      {"product: kubernetes, service: audit", "{verb: create, objectRef.resource: pods}",
       R"({"kubernetes":{"audit":{"verb":"create","objectRef":{"resource":"pods"}}}})"},
      {"product: kubernetes, category: application, service: audit", "{verb: create, hostPath: /}",
       R"({"kind":"Event","verb":"create","requestObject":{"spec":{"volumes":[{"hostPath":{"path":"/"}}]}}})"},
      // software and network
      {"product: opencanary, category: application", "{logtype: 4002}",
       R"({"logtype":4002,"node_id":"n"})"},
      {"product: rpc_firewall, category: application", "{EventLog: RPCFW, EventID: 3}",
       R"({"Channel":"RPCFW","EventID":3})"},
      {"product: django, category: application", "[SuspiciousOperation]",
       R"({"message":"SuspiciousOperation: x"})"},
      {"product: cisco, service: aaa", "[show archive]", R"({"message":"%AAA: show archive"})"},
      {"product: cisco, service: duo", "{event_type: authentication, reason: bypass_user}",
       R"({"event_type":"authentication","reason":"bypass_user"})"},
      {"product: fortigate, service: event", "{action: Add, cfgpath: system.admin}",
       R"({"fortinet":{"firewall":{"action":"Add","cfgpath":"system.admin"}}})"},
      {"product: paloalto, category: file_event, service: globalprotect",
       "{TargetFilename|contains: /x}", R"({"TargetFilename":"/opt/x"})"},
      {"product: zeek, service: dns", "{query: evil.example}",
       R"({"_path":"dns","uid":"C1","id.orig_h":"192.0.2.1","query":"evil.example"})"},
      {"product: zeek, service: smb_files", "{path|endswith: IPC$, name: svcctl}",
       R"({"event":{"dataset":"zeek.smb_files"},"zeek":{"smb_files":{"path":"\\\\h\\IPC$","name":"svcctl"}}})"},
      {"product: zeek, service: http", "{c-uri: /x, method: GET}",
       R"({"uid":"C1","id.orig_h":"192.0.2.1","method":"GET","uri":"/x"})"},
      {"category: proxy", "{c-uri|endswith: .exe, c-useragent: x}",
       R"({"url":{"original":"http://h/a.exe"},"user_agent":{"original":"x"}})"},
      {"category: proxy", "{cs-host: evil.example}", R"({"cs-host":"evil.example"})"},
      {"category: webserver", "{cs-method: POST, cs-uri-query|contains: /owa/, sc-status: 200}",
       R"({"http":{"request":{"method":"POST"},"response":{"status_code":200}},"url":{"original":"/owa/x"}})"},
      {"service: nginx", "[worker process exited]",
       "2026/11/03 worker process exited on signal 11"},
      {"category: dns", "{query: evil.example}", R"({"dns":{"question":{"name":"evil.example"}}})"},
      {"category: firewall", "{dst_port: 23, action: accept}",
       R"({"destination":{"port":23},"event":{"action":"accept"}})"},
      {"category: database", "[xp_cmdshell]", R"({"query_text":"exec xp_cmdshell"})"},
  };
  for (const auto& c : cases) {
    EXPECT_TRUE(Matches(Rule(c.logsource, c.search), c.event)) << c.logsource << '\n' << c.event;
  }
}

TEST(LogSourceGate, LeavesEventsOfOtherLogSourcesAlone) {
  const struct {
    const char* logsource;
    const char* search;
    const char* event;
  } cases[] = {
      {"product: linux", "[wget]", R"({"Channel":"Security","EventID":1,"x":"wget"})"},
      {"product: linux, service: sshd", "[word]", R"({"ident":"cron","message":"word"})"},
      {"product: linux, category: process_creation", "{Image|endswith: nc}",
       R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"/bin/nc"})"},
      {"product: linux, category: process_creation", "{Image|endswith: nc}",
       R"({"host":{"os":{"type":"macos"}},"event":{"category":"process","type":"start"},"process":{"executable":"/bin/nc"}})"},
      {"product: linux, category: process_creation", "{Image|endswith: nc}",
       R"({"event":{"category":"file","type":"creation"},"process":{"executable":"/bin/nc"}})"},
      {"product: windows, category: process_creation", "{CommandLine: x}",
       R"({"CommandLine":"x"})"},
      {"product: windows, service: system", "{EventID: 7}",
       R"({"Channel":"Security","EventID":7})"},
      {"product: aws, service: cloudtrail", "{eventName: x}", R"({"eventName":"x"})"},
      {"category: antivirus", "{Signature: x}",
       R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":7,"Signature":"x"})"},
  };
  for (const auto& c : cases) {
    EXPECT_FALSE(Matches(Rule(c.logsource, c.search), c.event)) << c.logsource << '\n' << c.event;
  }
}

TEST(LogSourceGate, ADeclaredInputDecidesBeforeTheFields) {
  const std::string creation =
      Rule("product: windows, category: process_creation", "{Image|endswith: a.exe}");
  const std::string bare = R"({"Image":"C:\\a.exe"})", audit = R"({"NewProcessName":"C:\\a.exe"})";
  const std::string sysmon = R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,)"
                             R"("Image":"C:\\a.exe"})";
  const LogSource whole{"windows", "process_creation", ""};
  EXPECT_FALSE(Matches(creation, bare));
  EXPECT_TRUE(Matches(creation, bare, whole));
  EXPECT_TRUE(Matches(creation, audit, whole));
  EXPECT_TRUE(Matches(creation, sysmon, whole));
  EXPECT_TRUE(Matches(creation, sysmon, {"windows", "", ""}));
  EXPECT_TRUE(Matches(creation, sysmon, {"", "process_creation", ""}));
  EXPECT_FALSE(Matches(creation, bare, {"", "process_creation", ""}));
  for (const LogSource& other :
       {LogSource{"linux", "", ""}, LogSource{"windows", "dns_query", ""}}) {
    EXPECT_FALSE(Matches(creation, sysmon, other)) << sigma::ToString(other);
  }
  // A row's own names count where the row is recognised: here Image is no name of 4688.
  EXPECT_FALSE(
      Matches(creation, R"({"Channel":"Security","EventID":4688,"Image":"C:\\a.exe"})", whole));
}

TEST(LogSourceGate, ADeclaredServiceStandsForItsChannel) {
  const std::string creation = Rule("product: windows, category: process_creation", "{Image: a}");
  const LogSource sysmon{"windows", "", "sysmon"};
  EXPECT_TRUE(Matches(creation, R"({"EventID":1,"Image":"a"})", sysmon));
  EXPECT_FALSE(Matches(creation, R"({"EventID":3,"Image":"a"})", sysmon));
  EXPECT_TRUE(
      Matches(Rule("product: windows, service: sysmon", "{Image: a}"), R"({"Image":"a"})", sysmon));
  EXPECT_FALSE(Matches(Rule("product: windows, service: security", "{Image: a}"),
                       R"({"Channel":"Security","Image":"a"})", sysmon));
}

TEST(LogSourceGate, ADeclaredProductTakesRulesOfTheProductAlone) {
  const std::string linux = Rule("product: linux", "{f: x}");
  const std::string odd = R"({"Channel":"mine","f":"x"})";
  EXPECT_FALSE(Matches(linux, odd));
  EXPECT_TRUE(Matches(linux, odd, {"linux", "", ""}));
  EXPECT_FALSE(Matches(linux, odd, {"windows", "", ""}));
}

TEST(LogSourceGate, AnUnmappedLogSourceIsTriedOnEveryEventButThoseOfOtherInputs) {
  const std::string rule = Rule("product: acme, service: badge", "{f: x}");
  EXPECT_TRUE(Matches(rule, R"({"Channel":"Security","f":"x"})"));
  EXPECT_TRUE(Matches(rule, R"({"f":"x"})", {"acme", "", ""}));
  EXPECT_FALSE(Matches(rule, R"({"f":"x"})", {"acme", "", "door"}));
}

TEST(LogSourceGate, AUsersTableOverridesAndExtends) {
  auto table = std::make_shared<sigma::LogSourceTable>(sigma::LogSourceTable::BuiltIn());
  const auto merged = table->Merge(
      "windows:\n"
      "  categories:\n"
      "    process_creation:\n"
      "      - built-in\n"
      "      - where: {Channel: EDR}\n"
      "        fields: {Image: exe_path, 'Parent*': ['Parent*', 'parent.*']}\n"
      "    dns_query: {where: {Channel: EDR}}\n"
      "acme: {services: {badge: {where: {source|startswith: badge}}}}\n",
      "mine.yaml");
  ASSERT_TRUE(merged) << merged.error().ToString();
  sigma::LoadOptions load;
  load.logsources = table;
  const std::string creation =
      Rule("product: windows, category: process_creation", "{Image: a, ParentUser: u}");
  EXPECT_TRUE(
      Matches(creation, R"({"Channel":"EDR","exe_path":"a","parent":{"User":"u"}})", {}, load));
  EXPECT_TRUE(Matches(creation,
                      R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,)"
                      R"("Image":"a","ParentUser":"u"})",
                      {}, load));
  const std::string dns = Rule("product: windows, category: dns_query", "{QueryName: q}");
  EXPECT_TRUE(Matches(dns, R"({"Channel":"EDR","QueryName":"q"})", {}, load));
  EXPECT_FALSE(Matches(dns,
                       R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":22,)"
                       R"("QueryName":"q"})",
                       {}, load));
  const std::string badge = Rule("product: acme, service: badge", "{f: x}");
  EXPECT_TRUE(Matches(badge, R"({"source":"badge-7","f":"x"})", {}, load));
  EXPECT_FALSE(Matches(badge, R"({"source":"door","f":"x"})", {}, load));
}

std::string ReasonOf(const RuleSet& rules, const std::string& id) {
  for (const sigma::ReportEntry& entry : rules.report()) {
    if (entry.id == id && entry.state == sigma::RuleState::kGated) return entry.reason;
  }
  return "active";
}

TEST(LogSourceGate, ReportsRulesThatNoInputCanGiveEventsFor) {
  const std::string text =
      Rule("product: linux", "{f: x}", "linux") + "---\n" +
      Rule("product: windows, category: dns_query", "{f: x}", "dns") + "---\n" +
      Rule("product: windows, service: system", "{f: x}", "system") + "---\n" +
      Rule("category: proxy", "{f: x}", "proxy") + "---\n" +
      "title: both\nid: both\ncorrelation: {type: temporal, rules: [linux, system], timespan: 1m}\n"
      "---\n"
      "title: none\nid: none\ncorrelation: {type: event_count, rules: [dns], timespan: 1m, "
      "condition: {gte: 2}}\n";
  const auto rules =
      Compiled(text, {{"windows", "process_creation", ""}, {"windows", "", "system"}});
  EXPECT_EQ(ReasonOf(*rules, "linux"), "no input is of product linux");
  EXPECT_EQ(ReasonOf(*rules, "dns"), "active");  // the second input names no category
  EXPECT_EQ(ReasonOf(*rules, "system"), "active");
  EXPECT_EQ(ReasonOf(*rules, "proxy"), "active");
  EXPECT_EQ(ReasonOf(*rules, "both"), "active");
  const auto narrow = Compiled(text, {{"windows", "process_creation", "sysmon"}});
  EXPECT_EQ(ReasonOf(*narrow, "dns"), "no input is of category dns_query");
  EXPECT_EQ(ReasonOf(*narrow, "system"), "no input is of service system");
  EXPECT_EQ(ReasonOf(*narrow, "both"), "no input can give events of its rules");
  EXPECT_EQ(ReasonOf(*narrow, "none"), "no input can give events of its rules");
  EXPECT_TRUE(narrow->detections().empty());
  EXPECT_TRUE(narrow->correlations().empty());
  EXPECT_EQ(rules->detections().size(), 4U);  // linux stays for its correlation
}

// What was seen together before is looked up by its bytes side by side: those of another split, kind or
// number of values are another event.
TEST(LogSourceGate, ValuesThatReadAlikeSideBySideAreToldApart) {
  std::string rules;
  for (const char* id : {"1", "11", "null", "true", "y1"}) {
    if (!rules.empty()) rules += "---\n";
    rules += Rule("product: windows, service: security", std::string("{EventID: '") + id + "'}",
                  std::string("r-") + id);
  }
  rules += "---\n" + Rule("product: windows, service: system", "{EventID: null}", "r-none");
  const std::vector<std::string> events{
      R"({"Channel":"Security","EventID":"1"})",
      R"({"Channel":"Security","EventID":1})",
      R"({"Channel":"Security1","EventID":"1"})",
      R"({"Channel":"Security1","EventID":""})",
      R"({"Channel":"Security","EventID":"11"})",
      R"({"Channel":"Securit","EventID":"y1"})",
      R"({"Channel":"Security","EventID":"y1"})",
      R"({"Channel":"Security","EventID":"null"})",
      R"({"Channel":"Security","EventID":null})",
      R"({"Channel":"Security","EventID":"true"})",
      R"({"Channel":"Security","EventID":true})",
      R"({"Channel":"Security","EventID":[1]})",
      R"({"Channel":"Security","EventID":[1,11]})",
      R"({"Channel":"Security","EventID":{}})",
      R"({"Channel":"Security","EventID":[]})",
      R"({"Channel":"Security"})",
      R"({"EventID":"Security"})",
      R"({"EventID":1})",
      R"({"Channel":"System","EventID":null})",
      R"({"Channel":"System"})",
      R"({"Channel":"System","EventID":""})",
      R"({"Channel":"SECURITY","EventID":"1"})",
      R"({"Channel":")" + std::string(600, 'x') + R"(","EventID":1})"};
  const auto set = Compiled(rules, {LogSource{}});
  Walker walker(&set->fields());
  Matcher matcher(set);
  const auto matched = [&walker](const std::string& event, Matcher& by) {
    EXPECT_EQ(walker.Begin(event, {}), WalkFault::kNone);
    const auto found = by.Match(*walker.Next());
    return std::vector<std::uint32_t>(found.begin(), found.end());
  };
  std::set<std::vector<std::uint32_t>> answers;
  for (std::size_t i = 0; i < events.size() * events.size() * 2; ++i) {
    const std::string& event = events[i * i % events.size()];
    Matcher fresh(set, {.memo = false});
    const auto expected = matched(event, fresh);
    EXPECT_EQ(matched(event, matcher), expected) << event;
    EXPECT_EQ(matched(events[i % events.size()], matcher).size(),
              matched(events[i % events.size()], fresh).size());
    answers.insert(expected);
  }
  EXPECT_GT(answers.size(), 5u);
}

}  // namespace
}  // namespace faultline
