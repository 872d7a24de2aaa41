// SPDX-License-Identifier: Apache-2.0
// The built-in table of log sources against SigmaHQ's own mapping and against the rules themselves.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/sigma/logsource.h"
#include "matcher/sigma/scalars.h"
#include "tests/support/data.h"

namespace faultline::sigma {
namespace {

using Names = std::map<std::string, std::string>;
using Values = std::map<std::string, std::set<std::string>>;  // field -> any of these

// One way to be of a log source: all conditions, and how fields are called then.
struct Way {
  Values where;
  Names fields;
  friend auto operator<=>(const Way&, const Way&) = default;
};

std::string TextOf(const Value& value) {
  if (const auto* number = std::get_if<Number>(&value)) return number->text;
  std::string text;
  if (const auto* pattern = std::get_if<Pattern>(&value)) {
    for (const Pattern::Token& token : pattern->tokens) {
      text += token.kind == Pattern::Kind::kLiteral ? token.text : "*";
    }
  }
  return text;
}

std::set<Way> OurWays(const LogSource& source) {
  std::set<Way> ways;
  for (const LogSourceAlternative& one : LogSourceTable::BuiltIn().Find(source).alternatives) {
    if (one.otherwise || one.declared != LogSource{}) continue;
    Way way;
    way.fields.insert(one.renames.begin(), one.renames.end());
    for (const Item& item : one.conditions) {
      for (const Choice& choice : item.choices)
        way.where[item.field].insert(TextOf(choice.front()));
    }
    ways.insert(way);
  }
  return ways;
}

// Channels of today's Windows where thor.yml has another or an older name.
const std::map<std::string, std::string>& MoreChannels() {
  static const std::map<std::string, std::string> channels{
      {"dns-client", "Microsoft-Windows-DNS-Client/Operational"},
      {"hyper-v-worker", "Microsoft-Windows-Hyper-V-Worker-Admin"},
      {"kernel-event-tracing", "Microsoft-Windows-Kernel-EventTracing/Admin"}};
  return channels;
}

// Events of the Security log and of today's antivirus programs, which thor.yml leaves out.
std::set<Way> MoreWays(const std::string& category) {
  const Names registry{
      {"TargetObject", "ObjectName"}, {"Image", "ProcessName"}, {"Details", "NewValue"}};
  const auto audited = [&registry](std::set<std::string> operations) {
    Way way{{{"Channel", {"Security"}}, {"EventID", {"4657"}}}, registry};
    if (!operations.empty()) way.where["OperationType"] = std::move(operations);
    return way;
  };
  if (category == "registry_event") return {audited({})};
  if (category == "registry_add") return {audited({"%%1904"})};
  if (category == "registry_delete") return {audited({"%%1906"})};
  if (category == "registry_set") return {audited({"%%1904", "%%1905"})};
  if (category == "network_connection") {
    return {{{{"Channel", {"Security"}}, {"EventID", {"5156"}}},
             {{"Image", "Application"},
              {"SourceIp", "SourceAddress"},
              {"DestinationIp", "DestAddress"},
              {"DestinationPort", "DestPort"}}}};
  }
  return {};
}

std::string Text(const yaml::Node& entry, std::string_view key) {
  const yaml::Node* node = entry.Find(key);
  return node == nullptr ? std::string() : node->scalar;
}

std::set<std::string> Texts(const yaml::Node& node) {
  std::set<std::string> texts;
  if (node.IsScalar()) texts.insert(node.scalar);
  for (const yaml::Node& item : node.items) texts.insert(item.scalar);
  return texts;
}

struct Thor {
  std::map<std::string, std::set<std::string>> channels;  // by service
  std::map<std::string, std::set<Way>> categories;
};

Thor ReadThor(const std::filesystem::path& path) {
  constexpr std::string_view kLog = "WinEventLog:";
  Thor thor;
  const auto documents = yaml::ParseYaml(testing::ReadFile(path), "thor.yml");
  if (!documents) throw std::runtime_error(documents.error().ToString());
  const yaml::Node& sources = *documents->front().Find("logsources");
  for (const yaml::Pair& pair : sources.pairs) {
    const yaml::Node* files = pair.value.Find("sources");
    if (files == nullptr) continue;
    for (const std::string& source : Texts(*files)) {
      if (!source.starts_with(kLog)) continue;
      thor.channels[Text(pair.value, "service")].insert(source.substr(kLog.size()));
    }
  }
  for (const auto& [service, channel] : MoreChannels()) thor.channels.at(service).insert(channel);
  for (const yaml::Pair& pair : sources.pairs) {
    const yaml::Node* rewrite = pair.value.Find("rewrite");
    if (rewrite == nullptr) continue;
    Way way;
    way.where["Channel"] = thor.channels.at(Text(*rewrite, "service"));
    for (const yaml::Pair& where : pair.value.Find("conditions")->pairs) {
      way.where[where.key.scalar] = Texts(where.value);
    }
    if (const yaml::Node* fields = pair.value.Find("fieldmappings")) {
      for (const yaml::Pair& field : fields->pairs) {
        way.fields.emplace(field.key.scalar, field.value.scalar);
      }
    }
    thor.categories[Text(pair.value, "category")].insert(way);
  }
  return thor;
}

TEST(LogSourceTable, HasEveryWindowsLogOfThorWithItsChannelsAndNoOthers) {
  FAULTLINE_TEST_DATA_OR_LEAVE(path, "sigmahq/tests/thor.yml");
  const Thor thor = ReadThor(path);
  EXPECT_GT(thor.channels.size(), 40U);
  for (const auto& [service, channels] : thor.channels) {
    const std::set<Way> expected{{{{"Channel", channels}}, {}}};
    EXPECT_EQ(OurWays({"windows", "", service}), expected) << service;
  }
}

TEST(LogSourceTable, HasEveryWindowsCategoryOfThorWithItsEventsAndFieldNames) {
  FAULTLINE_TEST_DATA_OR_LEAVE(path, "sigmahq/tests/thor.yml");
  const Thor thor = ReadThor(path);
  EXPECT_GT(thor.categories.size(), 30U);
  for (const auto& [category, ways] : thor.categories) {
    if (category == "antivirus") {  // names no product: other programs beside Defender
      const std::set<Way> ours = OurWays({"", category, ""});
      EXPECT_TRUE(std::includes(ours.begin(), ours.end(), ways.begin(), ways.end()));
      continue;
    }
    std::set<Way> expected = ways;
    expected.merge(MoreWays(category));
    EXPECT_EQ(OurWays({"windows", category, ""}), expected) << category;
  }
}

// Every log source of the rules has rows.
TEST(LogSourceTable, MapsEveryLogSourceOfSigmaHq) {
  FAULTLINE_TEST_DATA_OR_LEAVE(root, "sigmahq");
  std::map<std::string, int> counts;
  int rules = 0;
  for (const char* folder : {"rules", "rules-emerging-threats", "rules-threat-hunting"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() != ".yml") continue;
      const auto documents =
          yaml::ParseYaml(testing::ReadFile(entry.path()), entry.path().string());
      ASSERT_TRUE(documents) << documents.error().ToString();
      for (const yaml::Node& document : *documents) {
        const yaml::Node* node = document.Find("logsource");
        if (node == nullptr) continue;
        const LogSource source{Text(*node, "product"), Text(*node, "category"),
                               Text(*node, "service")};
        ++rules;
        if (++counts[ToString(source)] > 1) continue;
        EXPECT_TRUE(LogSourceTable::BuiltIn().Find(source).mapped) << ToString(source);
      }
    }
  }
  std::cout << rules << " rules of " << counts.size() << " log sources:\n";
  for (const auto& [source, count] : counts) std::cout << "  " << count << ' ' << source << '\n';
  EXPECT_GT(rules, 3000);
}

}  // namespace
}  // namespace faultline::sigma
