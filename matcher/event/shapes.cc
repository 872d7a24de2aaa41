// SPDX-License-Identifier: Apache-2.0
#include "matcher/event/shapes.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
#include <utility>

namespace faultline {
namespace {

using Paths = std::vector<Path>;

constexpr std::size_t kMaxSplits = 6;  // dots of a name up to which every split is a place

// A list of places, each at most once, best first.
class Places {
 public:
  void Add(Path path) {
    if (std::find(paths_.begin(), paths_.end(), path) == paths_.end()) {
      paths_.push_back(std::move(path));
    }
  }
  void Add(std::initializer_list<std::string_view> keys) { Add(Path(keys.begin(), keys.end())); }
  void Add(const Paths& paths) {
    for (const Path& path : paths) Add(path);
  }
  [[nodiscard]] Paths Take() { return std::move(paths_); }

 private:
  Paths paths_;
};

// Every way to read a dotted name: the longest literal key first, the nested path last.
Paths SplitsOf(std::string_view name) {
  Paths splits{{std::string(name)}};
  for (std::size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = name.rfind('.', dot - 1)) {
    for (Path& rest : SplitsOf(name.substr(dot + 1))) {
      rest.insert(rest.begin(), std::string(name.substr(0, dot)));
      splits.push_back(std::move(rest));
    }
  }
  return splits;
}

// The path of every single key.
Path KeysOf(std::string_view name) {
  Path keys;
  for (std::size_t from = 0;;) {
    const std::size_t dot = name.find('.', from);
    keys.emplace_back(name.substr(from, dot - from));
    if (dot == std::string_view::npos) return keys;
    from = dot + 1;
  }
}

// As SplitsOf; a name with very many dots is one literal key or one nested path, nothing between.
Paths Dotted(std::string_view name) {
  if (std::count(name.begin(), name.end(), '.') > static_cast<std::ptrdiff_t>(kMaxSplits)) {
    return {{std::string(name)}, KeysOf(name)};
  }
  return SplitsOf(name);
}

// Other names under which a field is known, best first.
struct Alias {
  std::string_view name;
  std::string_view place;  // dotted
};

template <std::size_t N>
void AddAliases(const std::array<Alias, N>& aliases, std::string_view name, Places& places) {
  for (const Alias& alias : aliases) {
    if (alias.name == name) places.Add(Dotted(alias.place));
  }
}

void AddInsertionStrings(std::string_view prefix, Places& places) {
  for (const std::string_view key : {"Data", "param#", "StringInserts", "string_inserts"}) {
    places.Add(Dotted(std::string(prefix).append(key)));
  }
}

// ---------------------------------------------------------------------------------------- flat

constexpr std::array kFlatAliases{
    Alias{"Provider_Name", "SourceName"},
    Alias{"Provider_Name", "ProviderName"},
    Alias{"Provider_Name", "Provider"},
    Alias{"Provider_Guid", "ProviderGuid"},
    Alias{"Computer", "Hostname"},
    Alias{"Computer", "ComputerName"},
    Alias{"Computer", "MachineName"},
    Alias{"ComputerName", "Computer"},
    Alias{"ComputerName", "Hostname"},
    Alias{"Hostname", "Computer"},
    Alias{"Channel", "LogName"},
    Alias{"Channel", "EventLog"},
    Alias{"EventID", "EventId"},
    Alias{"EventID", "event_id"},
    Alias{"EventID", "EventCode"},
    Alias{"Message", "message"},
    Alias{"EventRecordID", "RecordNumber"},
    Alias{"Execution_ProcessID", "ExecutionProcessID"},
};

void AddFlat(std::string_view name, Places& places) {
  places.Add({name});
  AddAliases(kFlatAliases, name, places);
  if (name == "Data") {
    AddInsertionStrings("", places);
    places.Add(PathsOf(Shape::kFlat, "Message"));
  }
}

// ---------------------------------------------------------------------------------------- evtx

// The spellings of an attribute: nested, joined to the element's name, with an at sign, plain.
void AddAttribute(std::string_view element, std::string_view attribute, Places& places) {
  const std::string joined = std::string(element) + "_attributes";
  const std::string at = "@" + std::string(attribute);
  places.Add({"Event", "System", element, "#attributes", attribute});
  places.Add({"Event", "System", joined, attribute});
  places.Add({"Event", "System", element, at});
  places.Add({"Event", "System", element, attribute});
}

void AddSystem(std::string_view name, Places& places) {
  places.Add({"Event", "System", name, "#text"});
  places.Add({"Event", "System", name});
}

bool IsSystemField(std::string_view name) {
  constexpr std::string_view kNames[] = {"EventID",       "Channel",   "Computer", "Level",
                                         "Task",          "Opcode",    "Version",  "Keywords",
                                         "EventRecordID", "Qualifiers"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Provider_Name is the attribute Name of the element Provider, and so on.
bool IsJoinedAttribute(std::string_view name) {
  constexpr std::string_view kElements[] = {"Provider_", "TimeCreated_", "Execution_",
                                            "Correlation_", "Security_"};
  return std::any_of(std::begin(kElements), std::end(kElements),
                     [name](std::string_view element) { return name.starts_with(element); });
}

void AddEvtxMessage(Places& places) {
  places.Add({"Event", "RenderingInfo", "Message"});
  places.Add({"Event", "EventData", "Message"});
  places.Add({"Message"});
  places.Add({"message"});
}

void AddEvtxOwn(std::string_view name, Places& places) {
  if (IsSystemField(name)) AddSystem(name, places);
  if (IsJoinedAttribute(name)) {
    const std::size_t cut = name.find('_');
    AddAttribute(name.substr(0, cut), name.substr(cut + 1), places);
  }
  if (name == "ComputerName" || name == "Hostname") {
    places.Add({"Event", "EventData", name});
    AddSystem("Computer", places);
  }
  if (name == "ProviderGuid") AddAttribute("Provider", "Guid", places);
  if (name == "SourceName") AddAttribute("Provider", "Name", places);
  if (name == "ExecutionProcessID") AddAttribute("Execution", "ProcessID", places);
  if (name == "TimeCreated" || name == "@timestamp") {
    AddAttribute("TimeCreated", "SystemTime", places);
    AddSystem("TimeCreated", places);
  }
  if (name == "Message") AddEvtxMessage(places);
  if (name == "Data") {
    places.Add({"Event", "EventData", "Data"});
    places.Add({"Event", "EventData", "param#"});
    places.Add({"Event", "UserData", "*", "Data"});
    places.Add({"Event", "UserData", "*", "param#"});
    AddEvtxMessage(places);
  }
}

void AddEvtx(std::string_view name, Places& places) {
  AddEvtxOwn(name, places);
  // The texts of EventData.Data may have names and are sorted out by the walker (NamedLists).
  if (name != "Data") places.Add({"Event", "EventData", name, "#text"});
  places.Add({"Event", "EventData", name});
  places.Add({"Event", "UserData", "*", name, "#text"});
  places.Add({"Event", "UserData", "*", name});
  AddSystem(name, places);
  if (name == "UserID") AddAttribute("Security", "UserID", places);
}

// ---------------------------------------------------------------------------------- winlogbeat

// The event's own header, since version 7 below "winlog", before at the root.
constexpr std::array kBeatHeader{
    Alias{"Channel", "winlog.channel"},
    Alias{"Channel", "log_name"},
    Alias{"Provider_Name", "winlog.provider_name"},
    Alias{"Provider_Name", "source_name"},
    Alias{"Provider_Guid", "winlog.provider_guid"},
    Alias{"Provider_Guid", "provider_guid"},
    Alias{"EventID", "winlog.event_id"},
    Alias{"EventID", "event_id"},
    Alias{"EventID", "event.code"},
    Alias{"Computer", "winlog.computer_name"},
    Alias{"Computer", "computer_name"},
    Alias{"Message", "message"},
    Alias{"Message", "winlog.message"},
    Alias{"Level", "winlog.level"},
    Alias{"Level", "level"},
    Alias{"Level", "log.level"},
    Alias{"Task", "winlog.task"},
    Alias{"Task", "task"},
    Alias{"Opcode", "winlog.opcode"},
    Alias{"Opcode", "opcode"},
    Alias{"Keywords", "winlog.keywords"},
    Alias{"Keywords", "keywords"},
    Alias{"EventRecordID", "winlog.record_id"},
    Alias{"EventRecordID", "record_number"},
    Alias{"Execution_ProcessID", "winlog.process.pid"},
    Alias{"Execution_ProcessID", "process_id"},
    Alias{"TimeCreated", "winlog.time_created"},
    Alias{"TimeCreated", "@timestamp"},
};

// Elastic's common names, where the event data itself is gone.
constexpr std::array kBeatFallbacks{
    Alias{"Channel", "event.channel"},
    Alias{"Provider_Name", "event.provider"},
    Alias{"ComputerName", "winlog.computer_name"},
    Alias{"ComputerName", "computer_name"},
    Alias{"Hostname", "winlog.computer_name"},
    Alias{"Hostname", "computer_name"},
    Alias{"UserID", "winlog.user.identifier"},
    Alias{"Image", "process.executable"},
    Alias{"CommandLine", "process.command_line"},
    Alias{"CurrentDirectory", "process.working_directory"},
    Alias{"ProcessId", "process.pid"},
    Alias{"ProcessGuid", "process.entity_id"},
    Alias{"OriginalFileName", "process.pe.original_file_name"},
    Alias{"Company", "process.pe.company"},
    Alias{"Description", "process.pe.description"},
    Alias{"Product", "process.pe.product"},
    Alias{"ParentImage", "process.parent.executable"},
    Alias{"ParentCommandLine", "process.parent.command_line"},
    Alias{"ParentProcessId", "process.parent.pid"},
    Alias{"TargetFilename", "file.path"},
    Alias{"ImageLoaded", "dll.path"},
    Alias{"ImageLoaded", "file.path"},
    Alias{"PipeName", "file.name"},
    Alias{"TargetObject", "registry.path"},
    Alias{"QueryName", "dns.question.name"},
    Alias{"SourceIp", "source.ip"},
    Alias{"SourcePort", "source.port"},
    Alias{"DestinationIp", "destination.ip"},
    Alias{"DestinationPort", "destination.port"},
    Alias{"DestinationHostname", "destination.domain"},
    Alias{"Computer", "host.name"},
    Alias{"ComputerName", "host.name"},
    Alias{"Hostname", "host.name"},
};

void AddBeatData(std::string_view name, Places& places) {
  constexpr std::string_view kPrefixes[] = {"winlog.event_data.", "winlog.user_data.",
                                            "event_data.", "user_data."};
  for (const std::string_view prefix : kPrefixes) {
    for (Path path : Dotted(prefix.substr(0, prefix.size() - 1))) {
      Path joined = path;
      joined.back().append(".").append(name);
      places.Add(std::move(joined));
      path.emplace_back(name);
      places.Add(std::move(path));
    }
  }
}

void AddWinlogbeat(std::string_view name, Places& places) {
  AddAliases(kBeatHeader, name, places);
  if (name == "Data") {
    for (const std::string_view key : {"Data", "param#"}) AddBeatData(key, places);
    AddInsertionStrings("", places);
    AddAliases(kBeatHeader, "Message", places);
  }
  AddBeatData(name, places);
  AddAliases(kBeatFallbacks, name, places);
}

// --------------------------------------------------------------------------------------- nxlog

constexpr std::array kNxlogOwn{
    Alias{"Provider_Name", "SourceName"},
    Alias{"Provider_Guid", "ProviderGuid"},
    Alias{"Computer", "Hostname"},
    Alias{"EventRecordID", "RecordNumber"},
    Alias{"Execution_ProcessID", "ExecutionProcessID"},
    Alias{"Execution_ThreadID", "ThreadID"},
    Alias{"Security_UserID", "UserID"},
    Alias{"Opcode", "OpcodeValue"},
};

void AddNxlog(std::string_view name, Places& places) {
  places.Add({name});
  AddAliases(kNxlogOwn, name, places);
  AddFlat(name, places);
}

}  // namespace

std::string_view ToString(Shape shape) noexcept {
  switch (shape) {
    case Shape::kFlat: return "flat";
    case Shape::kEvtx: return "evtx";
    case Shape::kWinlogbeat: return "winlogbeat";
    case Shape::kNxlog: return "nxlog";
    case Shape::kAuto: break;
  }
  return "auto";
}

std::optional<Shape> ShapeFromString(std::string_view name) noexcept {
  for (const Shape shape :
       {Shape::kFlat, Shape::kEvtx, Shape::kWinlogbeat, Shape::kNxlog, Shape::kAuto}) {
    if (ToString(shape) == name) return shape;
  }
  return std::nullopt;
}

std::vector<Path> PathsOf(Shape shape, std::string_view name) {
  Places places;
  switch (shape) {
    case Shape::kFlat: AddFlat(name, places); break;
    case Shape::kEvtx: AddEvtx(name, places); break;
    case Shape::kWinlogbeat: AddWinlogbeat(name, places); break;
    case Shape::kNxlog: AddNxlog(name, places); break;
    case Shape::kAuto: break;
  }
  places.Add(Dotted(name));
  return places.Take();
}

const std::vector<NamedList>& NamedLists() {
  static const std::vector<NamedList> lists{{{"Event", "EventData", "Data"},
                                             {{"#attributes", "Name"}, {"@Name"}, {"Name"}},
                                             {{"#text"}, {"text"}, {"Value"}}}};
  return lists;
}

const std::vector<Path>& BlankKeyObjects() {
  static const std::vector<Path> objects{
      {"Event", "EventData"}, {"Event", "UserData", "*"}, {"winlog", "event_data"}, {"event_data"}};
  return objects;
}

const std::vector<ShapeMarkPath>& ShapeMarkPaths() {
  static const std::vector<ShapeMarkPath> marks{
      {Shape::kEvtx, {"Event", "System"}},      {Shape::kWinlogbeat, {"winlog"}},
      {Shape::kWinlogbeat, {"winlog.channel"}}, {Shape::kWinlogbeat, {"winlog.event_id"}},
      {Shape::kWinlogbeat, {"event_data"}},     {Shape::kWinlogbeat, {"log_name"}},
      {Shape::kNxlog, {"SourceModuleName"}},    {Shape::kNxlog, {"SourceModuleType"}},
  };
  return marks;
}

}  // namespace faultline
