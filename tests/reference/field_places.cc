// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/field_places.h"

#include <algorithm>
#include <map>

namespace faultline::reference {
namespace {

using Path = std::vector<std::string>;
using Places = std::vector<Path>;  // best first
using Kind = Json::Kind;

enum class Layout { kFlat, kEvtx, kWinlogbeat, kNxlog };

void Flatten(const Json& json, FieldValues& out) {
  if (json.kind != Kind::kArray || json.elements.empty()) return out.push_back(&json);
  for (const Json& element : json.elements) Flatten(element, out);
}

// Everything at `path` below `json`: arrays on the way fan out, repeated keys all count.
void Collect(const Json& json, const Path& path, std::size_t depth, FieldValues& out) {
  if (depth == path.size()) return Flatten(json, out);
  for (const Json& element : json.elements) Collect(element, path, depth, out);
  for (const auto& [key, value] : json.members) {
    if (key == path[depth] || path[depth] == "*") Collect(value, path, depth + 1, out);
  }
}

FieldValues At(const Json& event, const Path& path) {
  FieldValues values;
  Collect(event, path, 0, values);
  return values;
}

bool Present(const Json& event, const Path& path) { return !At(event, path).empty(); }

Layout LayoutOf(const Json& event) {
  if (Present(event, {"Event", "System"})) return Layout::kEvtx;
  for (const char* key :
       {"winlog", "winlog.channel", "winlog.event_id", "event_data", "log_name"}) {
    if (Present(event, {key})) return Layout::kWinlogbeat;
  }
  for (const char* key : {"SourceModuleName", "SourceModuleType"}) {
    if (Present(event, {key})) return Layout::kNxlog;
  }
  return Layout::kFlat;
}

// A dotted name is one key, or a longest literal key and the rest below it.
void AddDotted(const std::string& name, Places& places) {
  places.push_back({name});
  for (std::size_t dot = name.rfind('.'); dot != name.npos && dot > 0;
       dot = name.rfind('.', dot - 1)) {
    Places rests;
    AddDotted(name.substr(dot + 1), rests);
    for (Path& rest : rests) {
      rest.insert(rest.begin(), name.substr(0, dot));
      places.push_back(std::move(rest));
    }
  }
}

using Aliases = std::map<std::string, std::vector<std::string>>;

void AddAliases(const Aliases& aliases, const std::string& name, Places& places) {
  const auto found = aliases.find(name);
  if (found == aliases.end()) return;
  for (const std::string& alias : found->second) AddDotted(alias, places);
}

Places FlatPlaces(const std::string& name) {
  static const Aliases kAliases{
      {"Provider_Name", {"SourceName", "ProviderName", "Provider"}},
      {"Computer", {"Hostname", "ComputerName", "MachineName"}},
      {"ComputerName", {"Computer", "Hostname"}},
      {"Hostname", {"Computer"}},
      {"Channel", {"LogName", "EventLog"}},
      {"EventID", {"EventId", "event_id", "EventCode"}},
      {"Message", {"message"}},
      {"Data", {"StringInserts", "string_inserts", "Message", "message"}},
  };
  Places places;
  AddDotted(name, places);
  AddAliases(kAliases, name, places);
  return places;
}

Places WinlogbeatPlaces(const std::string& name) {
  static const Aliases kHeader{
      {"Channel", {"winlog.channel", "log_name"}},
      {"Provider_Name", {"winlog.provider_name", "source_name"}},
      {"EventID", {"winlog.event_id", "event_id", "event.code"}},
      {"Computer", {"winlog.computer_name", "computer_name"}},
      {"Message", {"message", "winlog.message"}},
      {"Level", {"winlog.level", "level", "log.level"}},
      {"Task", {"winlog.task", "task"}},
      {"Keywords", {"winlog.keywords", "keywords"}},
  };
  Places places;
  AddAliases(kHeader, name, places);
  for (const char* data :
       {"winlog.event_data.", "winlog.user_data.", "event_data.", "user_data."}) {
    AddDotted(data + name, places);
  }
  if (name == "Data") AddAliases(kHeader, "Message", places);
  AddDotted(name, places);
  return places;
}

Places EvtxPlaces(const std::string& name) {
  static const std::vector<std::string> kHeader{"EventID", "Channel", "Computer", "Level", "Task"};
  const bool header = std::find(kHeader.begin(), kHeader.end(), name) != kHeader.end();
  Places places;
  if (header) places = {{"Event", "System", name, "#text"}, {"Event", "System", name}};
  if (name == "Provider_Name") {
    places = {{"Event", "System", "Provider", "#attributes", "Name"},
              {"Event", "System", "Provider_attributes", "Name"}};
  }
  if (name == "Message") places = {{"Event", "RenderingInfo", "Message"}};
  places.push_back({"Event", "EventData", name, "#text"});
  places.push_back({"Event", "EventData", name});
  places.push_back({"Event", "UserData", "*", name});
  places.push_back({"Event", "System", name});
  AddDotted(name, places);
  return places;
}

Places PlacesOf(Layout layout, const std::string& name) {
  switch (layout) {
    case Layout::kEvtx: return EvtxPlaces(name);
    case Layout::kWinlogbeat: return WinlogbeatPlaces(name);
    case Layout::kNxlog:
    case Layout::kFlat: break;
  }
  return FlatPlaces(name);
}

void CollectLeaves(const Json& json, FieldValues& out) {
  for (const Json& element : json.elements) CollectLeaves(element, out);
  for (const auto& [key, value] : json.members) CollectLeaves(value, out);
  const bool container = json.kind == Kind::kArray || json.kind == Kind::kObject;
  if (!container && json.kind != Kind::kNull) out.push_back(&json);
}

}  // namespace

FieldValues ValuesOf(const Json& event, const std::string& name) {
  for (const Path& place : PlacesOf(LayoutOf(event), name)) {
    if (FieldValues values = At(event, place); !values.empty()) return values;
  }
  return {};
}

FieldValues LeavesOf(const Json& event) {
  FieldValues leaves;
  CollectLeaves(event, leaves);
  return leaves;
}

}  // namespace faultline::reference
