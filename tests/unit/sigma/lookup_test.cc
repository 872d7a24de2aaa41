// SPDX-License-Identifier: Apache-2.0
#include "matcher/sigma/lookup.h"

#include <string>

#include <gtest/gtest.h>

namespace faultline::sigma {
namespace {

std::string Complaint(const std::string& csv) {
  const auto table = LookupTable::Parse(csv, "t.csv");
  return table ? "fine" : table.error().ToString();
}

TEST(LookupTable, FindsTheRowWhateverTheLetterCase) {
  const auto table = LookupTable::Parse("computer,cluster,site\nNODE1,EX1,Bern\nnode2,EX2,\n", "t");
  ASSERT_TRUE(table) << table.error().ToString();
  EXPECT_EQ(table->rows(), 2U);
  EXPECT_EQ(*table->Find("node1", 1), "EX1");
  EXPECT_EQ(*table->Find("NODE2", 1), "EX2");
  EXPECT_EQ(*table->Find("Node1", 2), "Bern");
  EXPECT_EQ(table->Find("node2", 2), nullptr) << "an empty cell says nothing";
  EXPECT_EQ(table->Find("node3", 1), nullptr);
  EXPECT_EQ(table->Column("site"), 2U);
  EXPECT_FALSE(table->Column("Site"));
}

TEST(LookupTable, ReadsWhatSpreadsheetsWrite) {
  const auto table = LookupTable::Parse(
      "\xEF\xBB\xBFname,\"of, it\"\r\n\r\n\"a \"\"b\"\"\",\"two\nlines\"\r\nlast,", "t");
  ASSERT_TRUE(table) << table.error().ToString();
  EXPECT_EQ(table->columns(), (std::vector<std::string>{"name", "of, it"}));
  EXPECT_EQ(*table->Find("A \"B\"", 1), "two\nlines");
  EXPECT_EQ(table->rows(), 2U);
}

TEST(LookupTable, TellsWhatIsWrongAndWhere) {
  const struct {
    std::string csv, complaint;
  } cases[] = {
      {"", "t.csv:1:1: the table is empty; its first line names the columns"},
      {"\n\n", "t.csv:1:1: the table is empty; its first line names the columns"},
      {"a,,c\n", "t.csv:1:3: a column has no name"},
      {"a,b,a\n", "t.csv:1:5: two columns have the name 'a'"},
      {"a,b\n1,2\n3\n", "t.csv:3:1: a row of 1 fields, there are 2 columns"},
      {"a,b\n1,2,3\n", "t.csv:2:1: a row of 3 fields, there are 2 columns"},
      {"a,b\n,2\n", "t.csv:2:1: the row has no key"},
      {"a,b\nx,2\n\nX,3\n",
       "t.csv:4:1: the key 'X' comes twice; letter case does not tell keys apart"},
      {"a,b\n1,x\"y\n",
       "t.csv:2:4: a quote inside a field that does not begin with one; put the whole field in "
       "quotes and write a quote in it twice"},
      {"a,b\n1,\"x\"y\n",
       "t.csv:2:6: text behind the closing quote of a field; write a quote inside a quoted field "
       "twice"},
      {"a,b\n1,\"x\ny,\n", "t.csv:2:3: the quote is not closed"},
      {"a,b\n1," + std::string(LookupTable::kMaxFieldBytes + 1, 'x'),
       "t.csv:2:3: a field of more than 4096 bytes"},
      {std::string(LookupTable::kMaxBytes + 1, 'x'), "t.csv: larger than 16777216 bytes"},
  };
  for (const auto& each : cases) EXPECT_EQ(Complaint(each.csv), each.complaint);
  std::string wide = "c0";
  for (std::size_t i = 1; i <= LookupTable::kMaxColumns; ++i) wide += ",c" + std::to_string(i);
  EXPECT_NE(Complaint(wide).find("more than 64 columns"), std::string::npos);
}

TEST(LookupTable, AsLargeAsTheLimitsAllow) {
  std::string csv = "k,v\n";
  for (std::size_t i = 0; i < LookupTable::kMaxRows; ++i) csv += std::to_string(i) + ",v\n";
  EXPECT_EQ(Complaint(csv), "fine");
  EXPECT_EQ(Complaint(csv + "x,v\n"), "t.csv:1000002:1: more than 1000000 rows");
}

}  // namespace
}  // namespace faultline::sigma
