// SPDX-License-Identifier: Apache-2.0
// The exchange-cluster pack says the same of the same incidents, whichever shipper sent them, with
// the message rendered or with nothing but the insertion strings.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/demo/story.h"
#include "exporters/escape.h"
#include "tests/golden/exchange_pack.h"
#include "tests/support/shippers.h"

namespace faultline::app {
namespace {

// What stands between two texts.
std::string Between(const std::string& text, std::string_view before, std::string_view behind) {
  const std::size_t from = text.find(before);
  if (from == text.npos) return {};
  const std::size_t begin = from + before.size();
  return text.substr(begin, text.find(behind, begin) - begin);
}

// The insertion strings of the story's messages, by source and event.
std::vector<std::string> StringsOf(const WindowsEvent& event) {
  const std::string& text = event.message;
  const std::string source = fmt::format("{} {}", event.provider, event.event_id);
  if (source == "ClusSvc 1042") return {Between(text, "'", "'")};
  if (source == "ClusSvc 1024") {
    return {Between(text, "resource ", " could"), Between(text, "key\r\n", ". The")};
  }
  if (source == "MSExchangeDS 1002") return {text.substr(text.find('-'), 4)};
  if (source == "MSExchangeMU 1042") return {Between(text, "code is ", ".")};
  if (source == "MSExchangeMU 1043") return {Between(text, "code is error ", ".")};
  if (event.event_id == 1036) return {"1", Between(text, "with error ", ".")};
  if (event.provider == "MSExchangeCluster") return {text.substr(0, text.find(':'))};
  if (source == "ClusSvc 1201") return {Between(text, "\"", "\"")};
  if (source == "ClusSvc 1135") return {Between(text, "node ", " was")};
  if (source == "ClusSvc 1123") return {"NODE1", "Private"};
  if (source == "MSExchangeRepl 2058") {
    return {Between(text, "node for ", ". The"), Between(text, "returned is: ", ".")};
  }
  if (source == "ds_usn_observed 1") return {Between(text, ": ", "\n")};
  if (source == "MSExchangeDS 1224") {
    return {"3030174", "6c1e673d9bd6d011b66b08002be5a6b2", "2501"};
  }
  return {};
}

// The event's XML as JSON, as evtx files give it.
std::string EvtxOf(const WindowsEvent& event, bool rendered) {
  std::string data;
  for (const auto& [name, value] : event.data) {
    data += fmt::format("{}{}:{}", data.empty() ? "" : ",", JsonString(name), JsonString(value));
  }
  if (!rendered) {
    std::string list;
    for (const std::string& text : StringsOf(event)) {
      list += (list.empty() ? "" : ",") + JsonString(text);
    }
    if (!list.empty()) data = fmt::format(R"("Data":{{"#text":[{}]}})", list);
  }
  return fmt::format(
      R"({{"Event":{{"System":{{"Provider":{{"#attributes":{{"Name":{},"Guid":""}}}},"EventID":{},"Version":0,"Level":{},"Task":0,"Opcode":0,"Keywords":"0x80000000000000","TimeCreated":{{"#attributes":{{"SystemTime":"{}"}}}},"EventRecordID":7,"Execution":{{"#attributes":{{"ProcessID":4,"ThreadID":8}}}},"Channel":{},"Computer":{},"Security":null}},"EventData":{{{}}},"RenderingInfo":{{"Message":{}}}}}}})",
      JsonString(event.provider), event.event_id, event.level, ToString(event.time),
      JsonString(event.channel), JsonString(event.computer), data,
      rendered ? JsonString(event.message) : "\"\"");
}

// Splunk's XML input sends neither the message nor strings without names; NXLog and Splunk's classic
// input send the message alone. What they do not send cannot be read: the pack's README says so.
const std::vector<std::string_view> kWithoutMessage = {"splunk event collector", "splunk export"};
const std::vector<std::string_view> kWithoutStrings = {"splunk event collector", "splunk export",
                                                       "splunk classic", "nxlog"};

class Shipped : public ::testing::TestWithParam<bool> {};

TEST_P(Shipped, TheSameRulesGroupsVariantsAndRemedies) {
  const bool rendered = GetParam();
  const RuleSetPtr rules = ExchangePack();
  ASSERT_NE(rules, nullptr);
  const std::vector<WindowsEvent> events = Incidents();
  std::vector<Sent> evtx, flat;
  for (const WindowsEvent& event : events) {
    evtx.push_back({event.time, EvtxOf(event, rendered)});
    flat.push_back({event.time, Render(event, Shape::kFlat)});
  }
  const std::multiset<Said> expected = SaidOf(rules, flat, "flat");
  std::set<std::string> named;
  for (const Said& one : expected) named.insert(std::get<0>(one));
  EXPECT_EQ(named.size(), 5U) << "each article of the story has its alert";
  EXPECT_EQ(Difference(expected, SaidOf(rules, evtx, "evtx")), "") << "evtx";
  const auto& left_out = rendered ? kWithoutMessage : kWithoutStrings;
  for (const testing::Shipper& shipper : testing::Shippers()) {
    if (std::count(left_out.begin(), left_out.end(), shipper.name) != 0) continue;
    std::vector<Sent> sent;
    for (const Sent& event : evtx) {
      const auto read = reference::ParseJson(event.payload);
      ASSERT_TRUE(read) << event.payload;
      sent.push_back({event.time, shipper.render(*read)});
    }
    for (const std::string_view shape : {shipper.shape, std::string_view("auto")}) {
      EXPECT_EQ(Difference(expected, SaidOf(rules, sent, shape)), "")
          << shipper.name << " read as " << shape;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Pack, Shipped, ::testing::Values(true, false),
                         [](const auto& param) { return param.param ? "Rendered" : "Strings"; });

}  // namespace
}  // namespace faultline::app
