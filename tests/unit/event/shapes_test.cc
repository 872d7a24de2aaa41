// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/shapes.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/event/text.h"
#include "matcher/event/walker.h"
#include "matcher/shapes/shape_file.h"

namespace faultline {
namespace {

struct Expectation {
  const char* field;
  std::vector<std::string> values;
};
struct Case {
  Shape shape;
  std::string payload;
  std::vector<Expectation> expected;
};

void Check(const Case& c) {
  FieldTable::Builder builder(BuiltInShapes().get());
  std::vector<FieldId> ids;
  for (const Expectation& e : c.expected) ids.push_back(builder.Add(e.field));
  const FieldTable table = std::move(builder).Build();
  Walker walker(&table);
  ASSERT_EQ(walker.Begin(c.payload, {}), WalkFault::kNone) << c.payload;
  const Event* event = walker.Next();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(ToString(event->shape()), ToString(c.shape)) << c.payload;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::vector<std::string> values;
    std::string buffer;
    for (const RawValue& value : event->Of(ids[i])) values.emplace_back(Decode(value, buffer));
    EXPECT_EQ(values, c.expected[i].values) << c.expected[i].field << " in " << c.payload;
  }
}

TEST(Shapes, NamesGoBothWays) {
  for (std::size_t index = 0; index < kConcreteShapes; ++index) {
    const auto shape = static_cast<Shape>(index);
    EXPECT_EQ(ShapeFromString(ToString(shape)), shape);
    EXPECT_EQ(BuiltInShapes()->Find(ToString(shape)), shape);
  }
  EXPECT_EQ(ShapeFromString(ToString(Shape::kAuto)), Shape::kAuto);
  EXPECT_EQ(ShapeFromString("evt"), std::nullopt);
}

TEST(Shapes, DottedNamesTryTheLongestLiteralKeyFirst) {
  const std::vector<Path> expected{{"x.y.z"}, {"x.y", "z"}, {"x", "y.z"}, {"x", "y", "z"}};
  EXPECT_EQ(BuiltInShapes()->PathsOf(Shape::kFlat, "x.y.z"), expected);
  EXPECT_EQ(BuiltInShapes()->PathsOf(Shape::kFlat, "a.b.c.d.e.f.g.h.i").size(), 2u);
}

TEST(Shapes, Flat) {
  Check({Shape::kFlat,
         R"({"SourceName":"Sysmon","Hostname":"H1","host":"wec","EventID":"7","Message":"m",)"
         R"("ProcessId":"5","TimeCreated":"2023-08-15T09:55:42Z","userIdentity":{"type":"Root"}})",
         {{"Provider_Name", {"Sysmon"}},
          {"Computer", {"H1"}},
          {"ComputerName", {"H1"}},
          {"EventID", {"7"}},
          {"ProcessId", {"5"}},
          {"Data", {"m"}},
          {"TimeCreated", {"2023-08-15T09:55:42Z"}},
          {"userIdentity.type", {"Root"}},
          {"Image", {}}}});
}

TEST(Shapes, EvtxWithNestedAttributes) {
  Check({Shape::kEvtx,
         R"({"Event":{"#attributes":{"xmlns":"x"},"System":{"Provider":{"#attributes":)"
         R"({"Name":"ESE","Guid":"g"}},"EventID":{"#attributes":{"Qualifiers":1},"#text":7},)"
         R"("TimeCreated":{"#attributes":{"SystemTime":"2025-11-27T07:40:10.165324Z"}},)"
         R"("Execution":{"#attributes":{"ProcessID":3544}},"Channel":"Application",)"
         R"("Computer":"N1","Level":4},"EventData":{"Data":{"#text":["one","two"]}},)"
         R"("RenderingInfo":{"Message":"rendered"}}})",
         {{"Provider_Name", {"ESE"}},
          {"EventID", {"7"}},
          {"Channel", {"Application"}},
          {"Computer", {"N1"}},
          {"Level", {"4"}},
          {"TimeCreated", {"2025-11-27T07:40:10.165324Z"}},
          {"@timestamp", {"2025-11-27T07:40:10.165324Z"}},
          {"Data", {"one", "two"}},
          {"Message", {"rendered"}},
          {"Execution_ProcessID", {"3544"}},
          {"ProcessId", {}}}});
}

TEST(Shapes, EvtxWithJoinedAttributes) {
  Check({Shape::kEvtx,
         R"({"Event":{"System":{"Provider_attributes":{"Name":"Sysmon"},"EventID":1,)"
         R"("TimeCreated_attributes":{"SystemTime":"2025-01-02T03:04:05Z"}},)"
         R"("EventData":{"Image":"a.exe","ProcessId":12}}})",
         {{"Provider_Name", {"Sysmon"}},
          {"EventID", {"1"}},
          {"TimeCreated", {"2025-01-02T03:04:05Z"}},
          {"Image", {"a.exe"}},
          {"ProcessId", {"12"}}}});
}

TEST(Shapes, EvtxUserDataUnderAnyElement) {
  Check({Shape::kEvtx,
         R"({"Event":{"System":{"EventID":21},"UserData":{"EventXML":{"#attributes":{},)"
         R"("User":"A\\b","Address":"LOCAL"}}}})",
         {{"User", {"A\\b"}},
          {"Address", {"LOCAL"}},
          {"Event.UserData.EventXML.Address", {"LOCAL"}},
          {"Message", {}}}});
}

TEST(Shapes, WinlogbeatNested) {
  Check({Shape::kWinlogbeat,
         R"({"@timestamp":"2024-01-01T00:00:00Z","message":"hello","host":{"name":"wec"},)"
         R"("event":{"code":"4688"},"process":{"executable":"ecs.exe","pid":9},)"
         R"("winlog":{"channel":"Security","provider_name":"P","event_id":4688,)"
         R"("computer_name":"DC1","event_data":{"NewProcessName":"x.exe","param2":"q",)"
         R"("param1":"p"},"user_data":{"Address":"LOCAL"}}})",
         {{"Channel", {"Security"}},
          {"Provider_Name", {"P"}},
          {"EventID", {"4688"}},
          {"Computer", {"DC1"}},
          {"Message", {"hello"}},
          {"NewProcessName", {"x.exe"}},
          {"Address", {"LOCAL"}},
          {"Image", {"ecs.exe"}},
          {"Data", {"q", "p"}},
          {"param1", {"p"}},
          {"@timestamp", {"2024-01-01T00:00:00Z"}}}});
}

TEST(Shapes, WinlogbeatWithDottedKeysAndOldRootFields) {
  Check({Shape::kWinlogbeat,
         R"({"winlog.channel":"Security","winlog.event_data.Image":"x","event.code":"1",)"
         R"("host.name":"h"})",
         {{"Channel", {"Security"}}, {"Image", {"x"}}, {"EventID", {"1"}}, {"Computer", {"h"}}}});
  Check({Shape::kWinlogbeat,
         R"({"log_name":"System","source_name":"SCM","event_id":7036,"computer_name":"c",)"
         R"("host":{"name":"wec"},"process_id":4,"event_data":{"Image":"y","ProcessId":"12"}})",
         {{"Channel", {"System"}},
          {"Provider_Name", {"SCM"}},
          {"EventID", {"7036"}},
          {"Computer", {"c"}},
          {"Image", {"y"}},
          {"ProcessId", {"12"}}}});
}

TEST(Shapes, Nxlog) {
  Check({Shape::kNxlog,
         R"({"EventTime":"2020-09-21 13:12:07","Hostname":"WS5","host":"wec","EventType":)"
         R"("SetValue","EventTypeOrignal":"INFO","ExecutionProcessID":44,"ProcessId":"5868",)"
         R"("SourceName":"Microsoft-Windows-Sysmon","SourceModuleName":"eventlog",)"
         R"("Channel":"Microsoft-Windows-Sysmon/Operational","param1":"one"})",
         {{"EventTime", {"2020-09-21 13:12:07"}},
          {"Computer", {"WS5"}},
          {"Provider_Name", {"Microsoft-Windows-Sysmon"}},
          {"EventType", {"SetValue"}},
          {"ProcessId", {"5868"}},
          {"Execution_ProcessID", {"44"}},
          {"Data", {"one"}}}});
}

// ------------------------------------------------------------------------- traps, per shipper

// EventType, Domain and UserID are NXLog's; the event's own EventType is in its message.
TEST(ShapeTraps, NxlogsOwnFieldsAreNotTheEvents) {
  Check(
      {Shape::kNxlog,
       R"({"EventTime":"2020-09-21 13:12:07","Hostname":"WS5.corp.example","EventType":"INFO",)"
       R"("Severity":"INFO","EventID":13,"SourceName":"Microsoft-Windows-Sysmon",)"
       R"("ExecutionProcessID":2212,"Channel":"Microsoft-Windows-Sysmon/Operational",)"
       R"("Domain":"NT AUTHORITY","AccountName":"SYSTEM","UserID":"S-1-5-18",)"
       R"("Message":"Registry value set:\r\nRuleName: -\r\nEventType: SetValue\r\nDetails: x\\n=y",)"
       R"("TargetObject":"HKLM\\X","ProcessId":"5868","User":"CORP\\ann",)"
       R"("SourceModuleName":"in","SourceModuleType":"im_msvistalog"})",
       {{"EventType", {"SetValue"}},
        {"Domain", {}},
        {"User", {"CORP\\ann"}},
        {"UserID", {"S-1-5-18"}},
        {"Security_UserID", {"S-1-5-18"}},
        {"RuleName", {}},
        {"ProcessId", {"5868"}},
        {"Execution_ProcessID", {"2212"}},
        {"TimeCreated", {}},
        {"EventTime", {"2020-09-21 13:12:07"}}}});
}

// Another EventType than NXLog's words is the event's, whatever the message says.
TEST(ShapeTraps, NxlogWithTheEventsOwnEventType) {
  Check({Shape::kNxlog,
         R"({"EventType":"DeleteKey","Message":"x:\r\nEventType: SetValue",)"
         R"("SourceModuleName":"in"})",
         {{"EventType", {"DeleteKey"}}}});
}

TEST(ShapeTraps, NxlogKeepsTheBlanksOfDefendersFields) {
  Check(
      {Shape::kNxlog,
       R"({"SourceName":"Microsoft-Windows-Windows Defender","Source Name":"Real-Time Protection",)"
       R"("Threat Name":"EICAR","SourceModuleName":"in"})",
       {{"SourceName", {"Real-Time Protection"}},
        {"Provider_Name", {"Microsoft-Windows-Windows Defender"}},
        {"ThreatName", {"EICAR"}}}});
}

TEST(ShapeTraps, EvtxSourceNameIsTheEventsBeforeTheProviders) {
  const std::string head =
      R"({"Event":{"System":{"Provider":{"#attributes":{"Name":"P"}},"EventID":1119},"EventData":)";
  Check({Shape::kEvtx,
         head + R"({"Source Name":"Real-Time Protection"}}})",
         {{"SourceName", {"Real-Time Protection"}}, {"Provider_Name", {"P"}}}});
  Check({Shape::kEvtx, head + R"({}}})", {{"SourceName", {"P"}}}});
}

// An empty string that the shipper dropped is absent; one that it sent is there.
TEST(ShapeTraps, DroppedEmptyStringsAreAbsent) {
  Check({Shape::kWinlogbeat,
         R"({"winlog":{"channel":"System","event_data":{"A":""}}})",
         {{"A", {""}}, {"B", {}}}});
}

TEST(ShapeTraps, WinlogbeatModulesSplitHashesAndUser) {
  Check({Shape::kWinlogbeat,
         R"({"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"1"},)"
         R"("user":{"domain":"NT AUTHORITY","name":"SYSTEM"},)"
         R"("process":{"hash":{"md5":"0a","sha256":"0b"},"pe":{"imphash":"0c"}}})",
         {{"Hashes", {"MD5=0a,SHA256=0b,IMPHASH=0c"}},
          {"Imphash", {"0c"}},
          {"sha1", {}},
          {"User", {"NT AUTHORITY\\SYSTEM"}}}});
  // Without a module the user is the one of the event's header.
  Check({Shape::kWinlogbeat,
         R"({"log_name":"System","user":{"domain":"NT AUTHORITY","name":"SYSTEM"}})",
         {{"User", {}}, {"Hashes", {}}}});
}

TEST(ShapeTraps, OneTextOfHashesIsReadByItsParts) {
  for (const char* payload :
       {R"({"Event":{"System":{},"EventData":{"Hashes":"SHA1=1A,MD5=2B,IMPHASH=3C"}}})",
        R"({"Hashes":"SHA1=1A,MD5=2B,IMPHASH=3C","SourceModuleName":"in"})",
        R"({"data":{"win":{"system":{},"eventdata":{"hashes":"SHA1=1A,MD5=2B,IMPHASH=3C"}}}})",
        R"({"winlog":{"event_data":{"Hashes":"SHA1=1A,MD5=2B,IMPHASH=3C"}}})"}) {
    FieldTable::Builder builder(BuiltInShapes().get());
    const FieldId imphash = builder.Add("Imphash"), sha256 = builder.Add("sha256"),
                  md5 = builder.Add("md5"), hashes = builder.Add("Hashes");
    const FieldTable table = std::move(builder).Build();
    Walker walker(&table);
    ASSERT_EQ(walker.Begin(payload, {}), WalkFault::kNone);
    const Event* event = walker.Next();
    EXPECT_EQ((*event->Of(imphash).begin()).raw, "3C") << payload;
    EXPECT_EQ((*event->Of(md5).begin()).raw, "2B") << payload;
    EXPECT_TRUE(event->Of(sha256).empty()) << payload;
    EXPECT_EQ((*event->Of(hashes).begin()).raw, "SHA1=1A,MD5=2B,IMPHASH=3C") << payload;
  }
}

TEST(ShapeTraps, WazuhEscapesItsEventDataTwice) {
  Check(
      {Shape::kWazuh,
       R"({"timestamp":"2025-11-27T07:40:12.000+0000","agent":{"name":"pc-1"},"manager":)"
       R"({"name":"wazuh"},"data":{"win":{"system":{"providerName":"Microsoft-Windows-Sysmon",)"
       R"("eventID":"1","computer":"pc-1.corp.example","processID":"3036","channel":"C",)"
       R"("systemTime":"2025-11-27T07:40:10.1653240Z","message":"\"m\""},"eventdata":)"
       R"({"image":"C:\\\\Windows\\\\new.exe","commandLine":"\\\"C:\\\\a b\\\" /x","processId":)"
       R"("4460","threat Name":"t","data":"one, C:\\\\two, ","plain":"C:\\Windows"}}},"location":"EventChannel"})",
       {{"EventID", {"1"}},
        {"Computer", {"pc-1.corp.example"}},
        {"Image", {"C:\\Windows\\new.exe"}},
        {"CommandLine", {"\"C:\\a b\" /x"}},
        {"Plain", {"C:\\Windows"}},
        {"ProcessId", {"4460"}},
        {"Execution_ProcessID", {"3036"}},
        {"ThreatName", {"t"}},
        {"Data", {"one", "C:\\two", ""}},
        {"Message", {"\"m\""}},
        {"@timestamp", {"2025-11-27T07:40:10.1653240Z"}},
        {"Provider_Name", {"Microsoft-Windows-Sysmon"}}}});
}

TEST(ShapeTraps, FluentBitNamesNothingButWhatTheMessageDoes) {
  Check(
      {Shape::kFluentbit,
       R"({"ProviderName":"Microsoft-Windows-Sysmon","ProviderGuid":"{5770385f}","EventID":1,)"
       R"("TimeCreated":"2025-11-27 07:40:10 +0000","ProcessID":3036,"Channel":"C","Computer":)"
       R"("PC1","hostname":"fluent","UserID":"NT AUTHORITY\\SYSTEM","Message":"Process Create:)"
       R"(\r\nRuleName: \r\nProcessId: 4460\r\nImage: C:\\new\\run.exe\r\nCommandLine: a = b: c",)"
       R"("StringInserts":["-","4460"]})",
       {{"Image", {"C:\\new\\run.exe"}},
        {"CommandLine", {"a = b: c"}},
        {"RuleName", {""}},
        {"ProcessId", {"4460"}},
        {"Execution_ProcessID", {"3036"}},
        {"Computer", {"PC1"}},
        {"Data", {"-", "4460"}},
        {"TimeCreated", {"2025-11-27 07:40:10 +0000"}},
        {"ParentImage", {}}}});
  // winlog, the older input: its own Data is binary, its own EventType a severity.
  Check(
      {Shape::kFluentbit,
       R"({"RecordNumber":7,"EventID":1042,"EventType":"Error","Channel":"System","SourceName":)"
       R"("ClusSvc","ComputerName":"NODE1","Data":"0e00","Message":"failed.","StringInserts":["x"]})",
       {{"Provider_Name", {"ClusSvc"}},
        {"Computer", {"NODE1"}},
        {"EventType", {}},
        {"EventRecordID", {"7"}},
        {"Data", {"x"}}}});
}

TEST(ShapeTraps, VectorsHostIsTheCollectorsAndItsProcessTheSystems) {
  Check(
      {Shape::kVector,
       R"({"channel":"System","computer":"NODE1","event_id":7045,"event_data":{"ServiceName":"s",)"
       R"("ProcessId":"12"},"host":"collector","level":"Information","level_value":4,)"
       R"("process_id":700,"provider_name":"Service Control Manager","record_id":9,"message":"m",)"
       R"("string_inserts":["a","b"],"timestamp":"2025-11-27T07:40:10Z","user_id":"S-1-5-18"})",
       {{"Computer", {"NODE1"}},
        {"ServiceName", {"s"}},
        {"ProcessId", {"12"}},
        {"Execution_ProcessID", {"700"}},
        {"Level", {"4"}},
        {"Data", {"a", "b"}},
        {"TimeCreated", {"2025-11-27T07:40:10Z"}},
        {"EventID", {"7045"}}}});
}

TEST(ShapeTraps, OtelBodiesByThemselvesAndInALogRecord) {
  const std::string body =
      R"({"channel":"Security","computer":"DC1","event_id":{"id":4688,"qualifiers":0},"provider":)"
      R"({"name":"P","guid":"{g}"},"record_id":5,"system_time":"2025-11-27T07:40:10Z","message":"m",)"
      R"("execution":{"process_id":4},"event_data":{"NewProcessName":"x.exe","ProcessId":"0x1a"}})";
  for (const std::string& payload :
       {body,
        R"({"severityText":"Information","resource":{"host.name":"col"},"body":)" + body + "}"}) {
    Check({Shape::kOtel,
           payload,
           {{"EventID", {"4688"}},
            {"Computer", {"DC1"}},
            {"Provider_Name", {"P"}},
            {"NewProcessName", {"x.exe"}},
            {"ProcessId", {"0x1a"}},
            {"Execution_ProcessID", {"4"}},
            {"TimeCreated", {"2025-11-27T07:40:10Z"}}}});
  }
  Check({Shape::kOtel,
         R"({"channel":"A","event_id":{"id":1},"provider":{"name":"P"},"event_data":{"data":)"
         R"([{"":"one"},{"":"two"},{"Image":"x"}]}})",
         {{"Data", {"one", "two"}}, {"Image", {"x"}}}});
  // Newer receivers number them.
  Check(
      {Shape::kOtel,
       R"({"channel":"A","event_id":{"id":1},"provider":{"name":"P"},"event_data":{"Data1":"one",)"
       R"("Data2":"two"}})",
       {{"Data", {"one", "two"}}}});
}

TEST(ShapeTraps, SplunkHostIsTheForwarders) {
  Check({Shape::kSplunk,
         R"({"time":1764229210.165,"host":"uf","sourcetype":"XmlWinEventLog","event":{"EventCode":)"
         R"("4688","Computer":"DC1","ProcessID":"4","ProcessId":"0x1a","Name":"P"}})",
         {{"EventID", {"4688"}},
          {"Computer", {"DC1"}},
          {"ProcessId", {"0x1a"}},
          {"Execution_ProcessID", {"4"}},
          {"Provider_Name", {"P"}}}});
  Check(
      {Shape::kSplunk,
       R"({"host":"uf","sourcetype":"WinEventLog","event":"11/27/2025 07:40:10 AM\nLogName=System)"
       R"(\nEventCode=7036\nComputerName=NODE1\nMessage=The service\r\nImage: C:\\new=1"})",
       {{"Channel", {"System"}},
        {"EventID", {"7036"}},
        {"Computer", {"NODE1"}},
        {"Image", {"C:\\new=1"}},
        {"Message", {"The service\r\nImage: C:\\new=1"}}}});
}

}  // namespace
}  // namespace faultline
