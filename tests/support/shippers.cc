// SPDX-License-Identifier: Apache-2.0
#include "tests/support/shippers.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace faultline::testing {
namespace {

using reference::Json;
using Texts = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kCollector = "wec01.corp.example";

// ------------------------------------------------------------------------------ writing JSON

std::string Quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': json += "\\\""; break;
      case '\\': json += "\\\\"; break;
      case '\n': json += "\\n"; break;
      case '\r': json += "\\r"; break;
      case '\t': json += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          json += c;
        }
    }
  }
  return json + '"';
}

// An object, member by member; values are JSON already.
class Object {
 public:
  Object& Raw(std::string_view key, std::string_view json) {
    text_ += fmt::format("{}{}:{}", text_.empty() ? "" : ",", Quoted(key), json);
    return *this;
  }
  Object& Text(std::string_view key, std::string_view value) { return Raw(key, Quoted(value)); }
  Object& Texts(const faultline::testing::Texts& texts) {
    for (const auto& [key, value] : texts) Text(key, value);
    return *this;
  }
  // Nothing where there are none.
  Object& Lists(std::string_view key, const std::vector<std::string>& texts) {
    std::string list;
    for (const std::string& text : texts) list += (list.empty() ? "" : ",") + Quoted(text);
    return texts.empty() ? *this : Raw(key, "[" + list + "]");
  }
  [[nodiscard]] std::string Done() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

// ------------------------------------------------------------------------- reading the event

const Json* Member(const Json* json, std::string_view key) {
  if (json == nullptr) return nullptr;
  for (const auto& [name, value] : json->members) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string TextOf(const Json* json) {
  if (json == nullptr || json->kind == Json::Kind::kNull) return {};
  const Json* inner = Member(json, "#text");
  return inner != nullptr ? TextOf(inner) : json->text;
}

bool IsGuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const auto c = static_cast<unsigned char>(text[i]);
    if (dash ? c != '-' : std::isxdigit(c) == 0) return false;
  }
  return true;
}

// The XML reader writes a GUID bare and in capitals; Windows renders it in braces.
std::string Rendered(std::string text) {
  if (!IsGuid(text)) return text;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return "{" + text + "}";
}

struct WindowsLog {
  std::string provider, guid, id, version, level, task, opcode, keywords, time, record, process,
      thread, channel, computer, user;
  Texts data;                        // of EventData, or of the one element of UserData
  std::vector<std::string> strings;  // of EventData, without names
  std::string user_element;          // that element's name
  std::string message;
};

// As the provider's message table has it: Sysmon's messages name every field.
std::string MessageOf(const WindowsLog& log) {
  if (log.provider != "Microsoft-Windows-Sysmon") {
    return fmt::format("Event {} of {}.", log.id, log.provider);
  }
  std::string message = "Sysmon event:";
  for (const auto& [name, value] : log.data) message += fmt::format("\r\n{}: {}", name, value);
  return message;
}

WindowsLog Read(const Json& evtx) {
  const Json* event = Member(&evtx, "Event");
  const Json* system = Member(event, "System");
  const auto attribute = [&](std::string_view element, std::string_view name) {
    return TextOf(Member(Member(Member(system, element), "#attributes"), name));
  };
  const auto text = [&](std::string_view element) { return TextOf(Member(system, element)); };
  WindowsLog log;
  log.provider = attribute("Provider", "Name");
  log.guid = Rendered(attribute("Provider", "Guid"));
  log.id = text("EventID");
  log.version = text("Version");
  log.level = text("Level");
  log.task = text("Task");
  log.opcode = text("Opcode");
  log.keywords = text("Keywords");
  log.time = attribute("TimeCreated", "SystemTime");
  log.record = text("EventRecordID");
  log.process = attribute("Execution", "ProcessID");
  log.thread = attribute("Execution", "ThreadID");
  log.channel = text("Channel");
  log.computer = text("Computer");
  log.user = attribute("Security", "UserID");
  const Json* data = Member(event, "EventData");
  if (const Json* user = Member(event, "UserData"); user != nullptr && !user->members.empty()) {
    log.user_element = user->members.front().key;
    data = &user->members.front().value;
  }
  if (data != nullptr) {
    for (const auto& [name, value] : data->members) {
      if (const Json* const list = Member(&value, "#text");
          list != nullptr && list->kind == Json::Kind::kArray) {
        for (const Json& item : list->elements) log.strings.push_back(item.text);
      } else if (name != "#attributes") {
        log.data.emplace_back(name, Rendered(TextOf(&value)));
      }
    }
  }
  const Json* rendered = Member(Member(event, "RenderingInfo"), "Message");
  log.message = rendered != nullptr ? rendered->text : MessageOf(log);
  return log;
}

// Names for strings without names, as shippers give them: the word and a number.
Texts Numbered(std::string_view word, const std::vector<std::string>& strings) {
  Texts numbered;
  for (const std::string& text : strings) {
    numbered.emplace_back(fmt::format("{}{}", word, numbered.size() + 1), text);
  }
  return numbered;
}

Texts WithoutEmpty(const Texts& texts) {
  Texts kept;
  for (const auto& text : texts) {
    if (!text.second.empty()) kept.push_back(text);
  }
  return kept;
}

std::string LocalTime(const WindowsLog& log) {  // without a zone
  return log.time.substr(0, 10) + " " + log.time.substr(11, 8);
}

// --------------------------------------------------------------------------------- shippers

std::string Flat(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  return Object()
      .Text("SourceName", log.provider)
      .Text("ProviderGuid", log.guid)
      .Text("Channel", log.channel)
      .Text("Hostname", log.computer)
      .Text("host", kCollector)
      .Text("TimeCreated", log.time)
      .Raw("EventID", log.id)
      .Text("Message", log.message)
      .Texts(log.data)
      .Lists("Data", log.strings)
      .Done();
}

Object WinlogbeatHead(const WindowsLog& log, const Texts& data) {
  Object winlog;
  winlog.Text("channel", log.channel)
      .Text("provider_name", log.provider)
      .Text("provider_guid", log.guid)
      .Text("event_id", log.id)
      .Text("computer_name", log.computer)
      .Text("record_id", log.record)
      .Text("api", "wineventlog")
      .Raw("process", fmt::format(R"({{"pid":{},"thread":{{"id":{}}}}})", log.process, log.thread))
      .Raw("user", Object().Text("identifier", log.user).Done());
  const std::string values = Object().Texts(data).Texts(Numbered("param", log.strings)).Done();
  if (log.user_element.empty()) {
    winlog.Raw("event_data", values);
  } else {
    winlog.Raw("user_data", Object().Text("xml_name", log.user_element).Texts(data).Done());
  }
  Object root;
  root.Text("@timestamp", log.time)
      .Raw("host", Object().Text("name", kCollector).Done())
      .Raw("agent", Object().Text("type", "winlogbeat").Text("version", "8.11.1").Done())
      .Raw("event", Object().Text("code", log.id).Text("provider", log.provider).Done())
      .Text("message", log.message)
      .Raw("winlog", winlog.Done());
  return root;
}

std::string Winlogbeat(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  return WinlogbeatHead(log, WithoutEmpty(log.data)).Done();
}

// Winlogbeat 6: everything at the root.
std::string OldWinlogbeat(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  const std::string data =
      Object().Texts(WithoutEmpty(log.data)).Texts(Numbered("param", log.strings)).Done();
  return Object()
      .Text("@timestamp", log.time)
      .Text("log_name", log.channel)
      .Text("source_name", log.provider)
      .Text("provider_guid", log.guid)
      .Raw("event_id", log.id)
      .Text("computer_name", log.computer)
      .Text("record_number", log.record)
      .Raw("process_id", log.process)
      .Raw("host", Object().Text("name", kCollector).Done())
      .Text("message", log.message)
      .Raw(log.user_element.empty() ? "event_data" : "user_data", data)
      .Done();
}

// Members of an object by dotted path, written nested.
class Tree {
 public:
  void Put(std::string_view path, std::string value) {
    const std::size_t dot = path.find('.');
    Tree& child = children_[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) {
      child.value_ = std::move(value);
    } else {
      child.Put(path.substr(dot + 1), std::move(value));
    }
  }
  void Into(Object& object) const {
    for (const auto& [key, child] : children_) object.Raw(key, child.Text());
  }

 private:
  [[nodiscard]] std::string Text() const {
    if (children_.empty()) return Quoted(value_);
    Object object;
    Into(object);
    return object.Done();
  }
  std::map<std::string, Tree> children_;
  std::string value_;
};

void PutHashes(const std::string& hashes, const std::string& object, Tree& tree) {
  for (std::size_t from = 0; from < hashes.size();) {
    const std::size_t end = std::min(hashes.find(',', from), hashes.size());
    const std::string pair = hashes.substr(from, end - from);
    const std::size_t equals = std::min(pair.find('='), pair.size() - 1);
    std::string name = pair.substr(0, equals), value = pair.substr(equals + 1);
    for (std::string* text : {&name, &value}) {
      std::transform(text->begin(), text->end(), text->begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    }
    tree.Put(object + (name == "imphash" ? ".pe." : ".hash.") + name, value);
    from = end + 1;
  }
}

// Winlogbeat with its Sysmon module: what has a common name goes there, and leaves the event data.
std::string WinlogbeatEcs(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  if (log.provider != "Microsoft-Windows-Sysmon") return Winlogbeat(evtx);
  std::map<std::string, std::string> moved{{"ProcessGuid", "process.entity_id"},
                                           {"ProcessId", "process.pid"},
                                           {"Image", "process.executable"},
                                           {"CommandLine", "process.command_line"},
                                           {"CurrentDirectory", "process.working_directory"},
                                           {"ParentProcessGuid", "process.parent.entity_id"},
                                           {"ParentProcessId", "process.parent.pid"},
                                           {"ParentImage", "process.parent.executable"},
                                           {"ParentCommandLine", "process.parent.command_line"},
                                           {"TargetFilename", "file.path"},
                                           {"ImageLoaded", "dll.path"},
                                           {"PipeName", "file.name"},
                                           {"TargetObject", "registry.path"},
                                           {"SourceImage", "process.executable"},
                                           {"SourceProcessGUID", "process.entity_id"},
                                           {"SourceProcessId", "process.pid"}};
  const std::string object = log.id == "7" ? "dll" : "process";
  moved["OriginalFileName"] = object + ".pe.original_file_name";
  moved["Company"] = object + ".pe.company";
  moved["Description"] = object + ".pe.description";
  moved["FileVersion"] = object + ".pe.file_version";
  moved["Product"] = object + ".pe.product";
  Tree tree;
  Texts data;
  for (const auto& [name, value] : WithoutEmpty(log.data)) {
    const auto place = moved.find(name);
    if (place != moved.end()) {
      tree.Put(place->second, value);
    } else if (name == "Hashes") {
      PutHashes(value, object, tree);
    } else if (name == "User" && value.find('\\') != std::string::npos) {
      tree.Put("user.domain", value.substr(0, value.find('\\')));
      tree.Put("user.name", value.substr(value.find('\\') + 1));
    } else {
      data.emplace_back(name, value);
    }
  }
  Object root = WinlogbeatHead(log, data);
  tree.Into(root);
  return root.Done();
}

std::string Nxlog(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  Object root;
  root.Text("EventTime", LocalTime(log))
      .Text("Hostname", log.computer)
      .Raw("Keywords", "-9223372036854775808")
      .Text("EventType", "INFO")
      .Raw("SeverityValue", "2")
      .Text("Severity", "INFO")
      .Raw("EventID", log.id)
      .Text("SourceName", log.provider)
      .Text("ProviderGuid", log.guid)
      .Raw("Version", log.version)
      .Raw("Task", log.task)
      .Raw("OpcodeValue", log.opcode)
      .Raw("RecordNumber", log.record)
      .Raw("ExecutionProcessID", log.process)
      .Raw("ExecutionThreadID", log.thread)
      .Text("Channel", log.channel)
      .Text("Domain", "NT AUTHORITY")
      .Text("AccountName", "SYSTEM")
      .Text("UserID", log.user)
      .Text("AccountType", "User")
      .Text("Message", log.message)
      .Text("Opcode", "Info");
  for (const auto& [name, value] : WithoutEmpty(log.data)) {
    if (name != "EventType") root.Text(name, value);  // its own stands there
  }
  root.Text("EventReceivedTime", LocalTime(log))
      .Text("SourceModuleName", "eventlog")
      .Text("SourceModuleType", "im_msvistalog");
  return root.Done();
}

std::string FluentBit(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  std::string inserts;
  const auto insert = [&inserts](const std::string& text) {
    inserts += (inserts.empty() ? "" : ",") + Quoted(text);
  };
  for (const std::string& text : log.strings) insert(text);
  for (const auto& [name, value] : log.data) insert(value);
  return Object()
      .Text("ProviderName", log.provider)
      .Text("ProviderGuid", log.guid)
      .Text("Qualifiers", "")
      .Raw("EventID", log.id)
      .Raw("Version", log.version)
      .Raw("Level", log.level)
      .Raw("Task", log.task)
      .Raw("Opcode", log.opcode)
      .Text("Keywords", log.keywords)
      .Text("TimeCreated", LocalTime(log) + " +0000")
      .Raw("EventRecordID", log.record)
      .Text("ActivityID", "")
      .Text("RelatedActivityID", "")
      .Raw("ProcessID", log.process)
      .Raw("ThreadID", log.thread)
      .Text("Channel", log.channel)
      .Text("Computer", log.computer)
      .Text("UserID", "NT AUTHORITY\\SYSTEM")
      .Text("Message", log.message)
      .Raw("StringInserts", "[" + inserts + "]")
      .Done();
}

std::string Vector(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  return Object()
      .Text("timestamp", log.time)
      .Text("message", log.message)
      .Text("host", kCollector)
      .Text("source_type", "windows_event_log")
      .Raw("event_id", log.id)
      .Raw("record_id", log.record)
      .Text("level", "Information")
      .Raw("level_value", log.level)
      .Text("channel", log.channel)
      .Text("provider_name", log.provider)
      .Text("provider_guid", log.guid)
      .Text("computer", log.computer)
      .Text("user_id", log.user)
      .Raw("process_id", log.process)
      .Raw("thread_id", log.thread)
      .Raw(log.user_element.empty() ? "event_data" : "user_data", Object().Texts(log.data).Done())
      .Lists("string_inserts", log.strings)
      .Done();
}

Object OtelBody(const WindowsLog& log) {
  Object body;
  body.Raw("event_id", fmt::format(R"({{"id":{},"qualifiers":0}})", log.id))
      .Raw("provider", Object().Text("name", log.provider).Text("guid", log.guid).Done())
      .Text("system_time", log.time)
      .Text("computer", log.computer)
      .Text("channel", log.channel)
      .Raw("record_id", log.record)
      .Text("level", "Information")
      .Text("message", log.message)
      .Text("task", "")
      .Text("opcode", "Info")
      .Raw("keywords", R"(["[Audit Success]"])")
      .Raw("execution",
           fmt::format(R"({{"process_id":{},"thread_id":{}}})", log.process, log.thread))
      .Raw("security", Object().Text("user_id", log.user).Done());
  return body;
}

std::string Otel(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  const std::string data = Object().Texts(log.data).Texts(Numbered("Data", log.strings)).Done();
  return OtelBody(log).Raw(log.user_element.empty() ? "event_data" : "user_data", data).Done();
}

// A log record; its event data as a list of single members, as the receiver wrote it before.
std::string OtelRecord(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  std::string list;
  for (const auto& [name, value] : log.data) {
    list += (list.empty() ? "" : ",") + Object().Text(name, value).Done();
  }
  for (const std::string& text : log.strings) {
    list += (list.empty() ? "" : ",") + Object().Text("", text).Done();
  }
  Object body = OtelBody(log);
  if (log.user_element.empty()) {
    body.Raw("event_data", "{\"data\":[" + list + "]}");
  } else {
    body.Raw("user_data", Object().Raw(log.user_element, Object().Texts(log.data).Done()).Done());
  }
  return Object()
      .Text("observedTimeUnixNano", "1764229211000000000")
      .Text("severityText", "Information")
      .Raw("body", body.Done())
      .Done();
}

// A plain JSON value in OTLP's types.
std::string Typed(const Json& value) {
  switch (value.kind) {
    case Json::Kind::kNumber: return Object().Text("intValue", value.text).Done();
    case Json::Kind::kObject: {
      std::string members;
      for (const auto& [key, inner] : value.members) {
        members += (members.empty() ? "" : ",") +
                   Object().Text("key", key).Raw("value", Typed(inner)).Done();
      }
      return R"({"kvlistValue":{"values":[)" + members + "]}}";
    }
    case Json::Kind::kArray: {
      std::string elements;
      for (const Json& inner : value.elements) {
        elements += (elements.empty() ? "" : ",") + Typed(inner);
      }
      return R"({"arrayValue":{"values":[)" + elements + "]}}";
    }
    default: return Object().Text("stringValue", value.text).Done();
  }
}

std::string OtlpRecord(const Json& evtx) {
  return Object()
      .Text("timeUnixNano", "1764229210165000000")
      .Raw("severityNumber", "9")
      .Raw("body", Typed(*reference::ParseJson(Otel(evtx))))
      .Done();
}

Object SplunkFields(const WindowsLog& log) {
  Object fields;
  fields.Text("Name", log.provider)
      .Text("Guid", log.guid)
      .Text("EventID", log.id)
      .Text("EventCode", log.id)
      .Text("Channel", log.channel)
      .Text("Computer", log.computer)
      .Text("EventRecordID", log.record)
      .Text("ProcessID", log.process)
      .Text("ThreadID", log.thread)
      .Text("SystemTime", log.time)
      .Text("UserID", log.user)
      .Texts(log.data);
  return fields;
}

std::string SplunkCollector(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  return Object()
      .Raw("time", "1764229210.165")
      .Text("host", kCollector)
      .Text("source", "XmlWinEventLog:" + log.channel)
      .Text("sourcetype", "XmlWinEventLog")
      .Raw("event", SplunkFields(log).Done())
      .Done();
}

std::string SplunkExport(const Json& evtx) {
  Object fields = SplunkFields(Read(evtx));
  fields.Text("_time", "2025-11-27T07:40:10.165+00:00").Text("sourcetype", "XmlWinEventLog");
  return Object().Raw("preview", "false").Raw("result", fields.Done()).Done();
}

// The classic input: one text of lines, the message last.
std::string SplunkClassic(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  const std::string text = fmt::format(
      "11/27/2025 07:40:10 AM\nLogName={}\nEventCode={}\nEventType=4\nComputerName={}\n"
      "SourceName={}\nType=Information\nRecordNumber={}\nMessage={}",
      log.channel, log.id, log.computer, log.provider, log.record, log.message);
  return Object()
      .Raw("time", "1764229210.165")
      .Text("host", kCollector)
      .Text("source", "WinEventLog:" + log.channel)
      .Text("sourcetype", "WinEventLog")
      .Text("event", text)
      .Done();
}

std::string WithSmallFirst(std::string name) {
  name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
  return name;
}

std::string Wazuh(const Json& evtx) {
  const WindowsLog log = Read(evtx);
  Object data;
  for (const auto& [name, value] : WithoutEmpty(log.data)) {
    const std::string once = Quoted(value);
    data.Text(WithSmallFirst(name), once.substr(1, once.size() - 2));
  }
  if (!log.strings.empty()) {
    const std::string once = Quoted(fmt::format("{}", fmt::join(log.strings, ", ")));
    data.Text("data", once.substr(1, once.size() - 2));
  }
  Object system;
  system.Text("providerName", log.provider)
      .Text("providerGuid", log.guid)
      .Text("eventID", log.id)
      .Text("version", log.version)
      .Text("level", log.level)
      .Text("task", log.task)
      .Text("opcode", log.opcode)
      .Text("keywords", log.keywords)
      .Text("systemTime", log.time)
      .Text("eventRecordID", log.record)
      .Text("processID", log.process)
      .Text("threadID", log.thread)
      .Text("channel", log.channel)
      .Text("computer", log.computer)
      .Text("severityValue", "INFORMATION")
      .Text("message", "\"" + log.message + "\"");
  const std::string element =
      log.user_element.empty() ? "eventdata" : WithSmallFirst(log.user_element);
  const std::string win = Object().Raw("system", system.Done()).Raw(element, data.Done()).Done();
  return Object()
      .Text("timestamp", "2025-11-27T07:40:12.000+0000")
      .Raw("rule", R"({"level":3,"description":"Sysmon","id":"61603"})")
      .Raw("agent", R"({"id":"001","name":"pc-1","ip":"10.0.0.5"})")
      .Raw("manager", Object().Text("name", kCollector).Done())
      .Raw("decoder", R"({"name":"windows_eventchannel"})")
      .Raw("data", Object().Raw("win", win).Done())
      .Text("location", "EventChannel")
      .Done();
}

}  // namespace

const std::vector<Shipper>& Shippers() {
  static const std::vector<Shipper> shippers{
      {"flat", "flat", Flat},
      {"winlogbeat", "winlogbeat", Winlogbeat},
      {"winlogbeat 6", "winlogbeat", OldWinlogbeat},
      {"winlogbeat with modules", "winlogbeat", WinlogbeatEcs},
      {"nxlog", "nxlog", Nxlog},
      {"fluentbit", "fluentbit", FluentBit},
      {"vector", "vector", Vector},
      {"otel", "otel", Otel},
      {"otel log record", "otel", OtelRecord},
      {"otel OTLP-JSON", "otel", OtlpRecord},
      {"splunk event collector", "splunk", SplunkCollector},
      {"splunk export", "splunk", SplunkExport},
      {"splunk classic", "splunk", SplunkClassic},
      {"wazuh", "wazuh", Wazuh}};
  return shippers;
}

std::vector<std::string> SplitValues(std::string_view text) {
  std::vector<std::string> values;
  int depth = 0;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (depth++ == 0) begin = i;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) values.emplace_back(text.substr(begin, i + 1 - begin));
    }
  }
  return values;
}

}  // namespace faultline::testing
