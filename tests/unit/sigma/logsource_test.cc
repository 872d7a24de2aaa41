// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/logsource.h"

#include <gtest/gtest.h>

namespace faultline::sigma {
namespace {

TEST(LogSource, ContainsWhatAgreesInEveryGivenPart) {
  const LogSource all, windows{"windows", "", ""}, creation{"windows", "process_creation", ""},
      any_creation{"", "process_creation", ""}, sysmon{"windows", "process_creation", "sysmon"};
  EXPECT_TRUE(Contains(all, all));
  EXPECT_TRUE(Contains(all, sysmon));
  EXPECT_TRUE(Contains(windows, creation));
  EXPECT_TRUE(Contains(any_creation, sysmon));
  EXPECT_TRUE(Contains(creation, creation));
  EXPECT_FALSE(Contains(creation, windows));
  EXPECT_FALSE(Contains(sysmon, creation));
  EXPECT_FALSE(Contains(windows, all));
  EXPECT_FALSE(Contains(LogSource{"linux", "", ""}, creation));
}

TEST(LogSource, ConflictsWhereBothNameAPartAndItDiffers) {
  EXPECT_FALSE(Conflict({}, {"windows", "", ""}));
  EXPECT_FALSE(Conflict({"windows", "", "system"}, {"windows", "dns_query", ""}));
  EXPECT_TRUE(Conflict({"windows", "", ""}, {"linux", "", ""}));
  EXPECT_TRUE(Conflict({"windows", "dns_query", ""}, {"windows", "file_event", ""}));
  EXPECT_TRUE(Conflict({"", "", "auth"}, {"linux", "", "cron"}));
}

TEST(LogSource, ARenameIsOfAWholeNameOrOfItsBeginning) {
  const Renames renames{{"Image", "exe|process.exe"}, {"*", "*|raw.*"}, {"a.*", "b.*"}};
  EXPECT_EQ(NameIn("Image", renames), "exe|process.exe");
  EXPECT_EQ(NameIn("Other", renames), "Other|raw.Other");
  EXPECT_EQ(NameIn("a.c", renames), "b.c");
  EXPECT_EQ(NameIn("Other", {}), "Other");
}

TEST(LogSourceTable, MistakesSayWhereAndWhat) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"- x\n",
       "mine.yaml:1:1: a file of log sources must be a map, this is a list; write 'key: value' "
       "lines, indented below it"},
      {"p: {service: {}}\n",
       "mine.yaml:1:5: unknown key 'service' in a product; did you mean 'services'?"},
      {"p:\n  services:\n    a: {wher: {x: 1}}\n",
       "mine.yaml:3:9: unknown key 'wher' in a row; did you mean 'where'?"},
      {"p:\n  services:\n    a: {where: {x|contian: 1}}\n",
       "mine.yaml:3:19: field 'x': unknown modifier 'contian'; did you mean 'contains'?"},
      {"p:\n  services:\n    a: [builtin]\n",
       "mine.yaml:3:9: a row is a map of service, where and fields, or the word built-in"},
      {"p: {services: {a: []}}\n", "mine.yaml:1:19: a list of rows is empty; write {}"},
      {"p: {services: {b: {}}, categories: {c: {service: bb}}}\n",
       "mine.yaml:1:50: unknown service 'bb'; did you mean 'b'?"},
      {"p: {services: {a: {service: a}}}\n",
       "mine.yaml:1:29: a row of a service names no other service; repeat its 'where'"},
      {"p: {services: {a: {fields: {x|contains: y}}}}\n",
       "mine.yaml:1:29: 'x|contains' is no name of a field; write several names as a list; "
       "modifiers have no place here"},
      {"p: {services: {a: {fields: {'x*': y}}}}\n",
       "mine.yaml:1:35: 'x*' and 'y': both end in a star, or none"},
      {"p: {services: {a: {fields: {x: []}}}}\n", "mine.yaml:1:29: 'x' has no names"},
  };
  for (const auto& c : cases) {
    LogSourceTable table = LogSourceTable::BuiltIn();
    const Result<void> merged = table.Merge(c.text, "mine.yaml");
    ASSERT_FALSE(merged) << c.text;
    EXPECT_EQ(merged.error().ToString(), c.error);
  }
}

TEST(LogSourceTable, ALaterFileTakesTheRowsOfAnEarlierOneAsBuiltIn) {
  LogSourceTable table = LogSourceTable::BuiltIn();
  ASSERT_TRUE(table.Merge("acme: {services: {badge: {where: {f: 1}}}}\n", "1.yaml"));
  ASSERT_TRUE(table.Merge("acme: {services: {badge: [{where: {f: 2}}, built-in]}}\n", "2.yaml"));
  const LogSourceTable::Meaning meaning = table.Find({"acme", "", "badge"});
  EXPECT_TRUE(meaning.mapped);
  ASSERT_EQ(meaning.alternatives.size(), 3U);  // two rows, and every event of such an input
  EXPECT_TRUE((meaning.alternatives.begin() + 2)->otherwise);
  EXPECT_FALSE(table.Find({"acme", "", "door"}).mapped);
  EXPECT_FALSE(table.Find({"nobody", "", ""}).mapped);
}

}  // namespace
}  // namespace faultline::sigma
