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
  const char* payload;
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

}  // namespace
}  // namespace faultline
