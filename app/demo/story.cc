// SPDX-License-Identifier: Apache-2.0
#include "app/demo/story.h"

#include <algorithm>
#include <array>
#include <random>
#include <string_view>
#include <tuple>

#include <fmt/format.h>

#include "exporters/json_writer.h"

namespace faultline::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr hours kWeek{7 * 24};
constexpr minutes kIncidentAfter{6 * 60 + 12};

EventTime Start() { return *EventTime::FromCivil(2026, 3, 2, 6, 0, 0, 0); }

std::string Quoted(std::string_view text) {
  std::string quoted;
  AppendJsonText(quoted, text);
  return quoted;
}

std::string_view LevelWord(int level) {
  return level == 2 ? "Error" : level == 3 ? "Warning" : "Information";
}

std::string Members(const WindowsEvent& event) {
  std::string members;
  for (const auto& [name, value] : event.data) {
    if (!members.empty()) members += ",";
    members += Quoted(name) + ":" + Quoted(value);
  }
  return members;
}

std::string RenderFlat(const WindowsEvent& event) {
  const std::string data = Members(event);
  return fmt::format(
      R"({{"@timestamp":"{}","Channel":{},"Provider_Name":{},"EventID":{},"Level":{},"Computer":{},"Message":{}{}{}}})",
      ToString(event.time), Quoted(event.channel), Quoted(event.provider), event.event_id,
      event.level, Quoted(event.computer), Quoted(event.message), data.empty() ? "" : ",", data);
}

std::string RenderEvtx(const WindowsEvent& event) {
  return fmt::format(
      R"({{"Event":{{"#attributes":{{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"}},"System":{{"Provider":{{"#attributes":{{"Name":{}}}}},"EventID":{},"Level":{},"TimeCreated":{{"#attributes":{{"SystemTime":"{}"}}}},"Channel":{},"Computer":{},"Security":null}},"EventData":{{{}}},"RenderingInfo":{{"Message":{}}}}}}})",
      Quoted(event.provider), event.event_id, event.level, ToString(event.time),
      Quoted(event.channel), Quoted(event.computer), Members(event), Quoted(event.message));
}

std::string RenderWinlogbeat(const WindowsEvent& event) {
  std::string word(LevelWord(event.level));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return fmt::format(
      R"({{"@timestamp":"{}","message":{},"log":{{"level":"{}"}},"event":{{"code":"{}","provider":{}}},"agent":{{"type":"winlogbeat"}},"winlog":{{"channel":{},"provider_name":{},"event_id":"{}","computer_name":{},"event_data":{{{}}}}}}})",
      ToString(event.time), Quoted(event.message), word, event.event_id, Quoted(event.provider),
      Quoted(event.channel), Quoted(event.provider), event.event_id, Quoted(event.computer),
      Members(event));
}

std::string RenderNxlog(const WindowsEvent& event) {
  std::string time = ToString(event.time).substr(0, 19);
  time[10] = ' ';
  const std::string data = Members(event);
  return fmt::format(
      R"({{"EventTime":"{}","Hostname":{},"Keywords":-9223372036854775808,"EventType":"{}","SeverityValue":2,"Severity":"INFO","EventID":{},"SourceName":{},"Channel":{},"Message":{},"SourceModuleName":"eventlog","SourceModuleType":"im_msvistalog"{}{}}})",
      time, Quoted(event.computer), event.level == 2 ? "ERROR" : "INFO", event.event_id,
      Quoted(event.provider), Quoted(event.channel), Quoted(event.message), data.empty() ? "" : ",",
      data);
}

// A machine of the story and how its logs are shipped.
struct Machine {
  std::string_view name;
  Shape shape;
};

constexpr std::array<Machine, 8> kMachines = {{{"NODE1", Shape::kEvtx},
                                               {"NODE2", Shape::kWinlogbeat},
                                               {"NODE3", Shape::kNxlog},
                                               {"NODE4", Shape::kFlat},
                                               {"SRV1", Shape::kEvtx},
                                               {"DC1", Shape::kFlat},
                                               {"FILE1", Shape::kNxlog},
                                               {"PC-0117", Shape::kWinlogbeat}}};
static_assert(kMachines.size() == kStoryMachines);

constexpr std::array<std::string_view, 6> kUsers = {"alice", "bob",        "carol",
                                                    "dave",  "svc-backup", "svc-web"};
constexpr std::array<std::string_view, 6> kServices = {"Print Spooler",
                                                       "Windows Update",
                                                       "Microsoft Exchange Event",
                                                       "Task Scheduler",
                                                       "Microsoft Exchange Directory",
                                                       "Background Intelligent Transfer Service"};
constexpr std::array<std::string_view, 5> kImages = {
    R"(C:\Windows\System32\svchost.exe)", R"(C:\Windows\System32\taskeng.exe)",
    R"(C:\Program Files\Backup\agent.exe)", R"(C:\exchsrvr\bin\admin.exe)",
    R"(C:\Windows\explorer.exe)"};

// Draws that are the same everywhere: the standard fixes the engine, not its distributions.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t Below(std::uint64_t bound) { return engine_() % bound; }
  template <class List>
  auto Of(const List& list) {
    return list[Below(list.size())];
  }

 private:
  std::mt19937_64 engine_;
};

WindowsEvent Event(EventTime time, std::string_view computer, std::string_view channel,
                   std::string_view provider, int id, int level, std::string message) {
  WindowsEvent event;
  event.time = time;
  event.channel = channel;
  event.provider = provider;
  event.computer = computer;
  event.event_id = id;
  event.level = level;
  event.message = std::move(message);
  return event;
}

// Draws stand in statements of their own: the order in which arguments are evaluated is not fixed.
WindowsEvent LogOn(Dice& dice, EventTime time, std::string_view computer) {
  const std::string user(dice.Of(kUsers));
  const auto type = 2 + dice.Below(4);
  const auto net = dice.Below(8);
  const auto host = 1 + dice.Below(250);
  WindowsEvent event =
      Event(time, computer, "Security", "Microsoft-Windows-Security-Auditing", 4624, 4,
            "An account was successfully logged on.\r\n\r\nNew Logon:\r\n\tAccount Name:\t" + user);
  event.data = {{"TargetUserName", user},
                {"LogonType", std::to_string(type)},
                {"IpAddress", fmt::format("10.1.{}.{}", net, host)}};
  return event;
}

WindowsEvent ProcessCreation(Dice& dice, EventTime time, std::string_view computer) {
  const std::string image(dice.Of(kImages));
  const auto argument = dice.Below(1000);
  const auto process = 1000 + 4 * dice.Below(2000);
  WindowsEvent event =
      Event(time, computer, "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 1,
            4, "Process Create:\r\nImage: " + image);
  event.data = {{"Image", image},
                {"CommandLine", fmt::format("\"{}\" -k {}", image, argument)},
                {"ProcessId", std::to_string(process)}};
  return event;
}

WindowsEvent ServiceState(Dice& dice, EventTime time, std::string_view computer) {
  const std::string_view service = dice.Of(kServices);
  const std::string_view state = dice.Below(2) == 0 ? "running" : "stopped";
  return Event(time, computer, "System", "Service Control Manager", 7036, 4,
               fmt::format("The {} service entered the {} state.", service, state));
}

WindowsEvent MailboxLogOn(Dice& dice, EventTime time, std::string_view computer) {
  const std::string_view user = dice.Of(kUsers);
  const std::string_view mailbox = dice.Of(kUsers);
  return Event(time, computer, "Application", "MSExchangeIS Private", 1016, 4,
               fmt::format("User {} logged on to the mailbox of {}.", user, mailbox));
}

WindowsEvent Background(Dice& dice, EventTime time, std::string_view computer) {
  const auto kind = dice.Below(10);
  if (kind < 3) return LogOn(dice, time, computer);
  if (kind < 5) return ProcessCreation(dice, time, computer);
  if (kind < 7) return ServiceState(dice, time, computer);
  if (kind == 7) return MailboxLogOn(dice, time, computer);
  if (kind == 8) {
    return Event(time, computer, "Application", "ESE97", 221, 4,
                 fmt::format("DIR ({}) Ending the backup of the file D:\\dsadata\\dir.edb.",
                             200 + dice.Below(100)));
  }
  return Event(time, computer, "System", "ClusSvc", 1200, 4,
               fmt::format("The Cluster Service is attempting to bring online the Resource Group "
                           "\"EXVS{}\".",
                           1 + dice.Below(2)));
}

// What looks like the first incident and is none: another resource, another JET error, another
// computer.
void NearMisses(EventTime incident, std::vector<WindowsEvent>& told) {
  const auto failed = [&](EventTime time, const std::string& resource) {
    told.push_back(Event(time, "NODE1", "System", "ClusSvc", 1042, 2,
                         fmt::format("Cluster generic service '{}' failed.", resource)));
  };
  const auto lost = [&](EventTime time, std::string_view node, int error) {
    told.push_back(
        Event(time, node, "Application", "MSExchangeDS", 1002, 2,
              fmt::format("The Microsoft Exchange Server directory database (EDB) could not be "
                          "initialized, error {}. Unrecoverable error, the directory can't "
                          "continue.",
                          error)));
  };
  failed(incident - hours(2), "Print Spooler");
  lost(incident - hours(2) + seconds(9), "NODE1", -550);
  failed(incident - minutes(50), "Microsoft Exchange Directory");
  lost(incident - minutes(49), "NODE2", -528);
}

WindowsEvent CheckpointLost(EventTime time, std::string_view node, std::string_view resource,
                            std::string_view key) {
  return Event(time, node, "System", "ClusSvc", 1024, 2,
               fmt::format("The registry checkpoint for cluster resource {} could not be restored "
                           "to registry key\r\nSYSTEM\\CurrentControlSet\\Services\\{}. The "
                           "resource may not function correctly.",
                           resource, key));
}

// Q188674: the directory's restore fails on NODE1; that afternoon it is done the right way.
void RestoreFails(EventTime decided, std::vector<WindowsEvent>& told) {
  told.push_back(Event(decided - seconds(23), "NODE1", "Application", "MSExchangeDS", 1002, 2,
                       "The Microsoft Exchange Server directory database (EDB) could not be "
                       "initialized,\r\nerror "
                       "-528. Unrecoverable error, the directory can't continue."));
  told.push_back(Event(decided, "NODE1", "System", "ClusSvc", 1042, 2,
                       "Cluster generic service 'Microsoft Exchange Directory' failed."));
  told.push_back(
      CheckpointLost(decided + hours(4), "NODE1", "Microsoft Exchange Directory", "MSExchangeDS"));
}

// Q316772: the Internet Mail Service goes offline and online again, three times in two days.
void CheckpointLocked(EventTime first, std::vector<WindowsEvent>& told) {
  for (const hours later : {hours(0), hours(5), hours(26)}) {
    told.push_back(CheckpointLost(first + later, "NODE2", "Internet Mail Service - (EXVS1)",
                                  "MSExchangeIMC\\Parameters"));
  }
}

// 906154: NODE4 was a domain controller besides and is demoted; in the night the System Attendant of
// its cluster does not come online.
void AttendantOffline(EventTime first, std::vector<WindowsEvent>& told) {
  const auto add = [&](minutes later, std::string_view node, std::string_view source, int id,
                       std::string message) {
    told.push_back(Event(first + later, node, "Application", source, id, 2, std::move(message)));
  };
  told.push_back(Event(first - hours(5), "NODE4", "System", "LSASRV", 29224, 4,
                       "This server is no longer a Domain Controller."));
  add(minutes(0), "NODE3", "MSExchangeMU", 1042,
      "Metabase Update failed to read the Configuration namespace property from the domain "
      "controller. Error code is 80040a01.");
  add(minutes(1), "NODE3", "MSExchangeMU", 1043,
      "Metabase Update failed to initialize enumerator of virtual server on cluster database. "
      "Error code is error 800706b5.");
  add(minutes(3), "NODE3", "POP3SVC", 1036,
      "An error occurred while starting the Microsoft Exchange POP3 Service: server instance "
      "number 1 failed to start with error 0x80040a01.");
  add(minutes(4), "NODE3", "IMAP4SVC", 1036,
      "An error occurred while starting the Microsoft Exchange IMAP4 Service: server instance "
      "number 1 failed to start with error 0x80040a01.");
  add(minutes(9), "NODE3", "MSExchangeCluster", 1003,
      "Exchange System Attendant Instance - (EXVS2): Failed to bring the resource online.");
  add(minutes(11), "NODE4", "MSExchangeCluster", 1012,
      "Exchange Information Store Instance - (EXVS2): The RPC call to take the resource offline "
      "failed.");
}

// 2058: the network fails and NODE1 with it, EXVS1 fails over; two days later, with the first
// traffic after the weekend, the copies turn out to differ.
void ReseedFails(EventTime failover, std::vector<WindowsEvent>& told) {
  const auto cluster = [&](EventTime time, std::string_view node, int id, std::string message) {
    told.push_back(Event(time, node, "System", "ClusSvc", id, 3, std::move(message)));
  };
  const std::string online = "The Cluster Service brought the Resource Group \"EXVS1\" online.";
  cluster(Start() + minutes(3), "NODE1", 1201, online);
  cluster(failover - seconds(31), "NODE2", 1123,
          "The node lost communication with cluster node 'NODE1' on network 'Private'.");
  cluster(failover - seconds(12), "NODE2", 1135,
          "Cluster node NODE1 was removed from the active server cluster membership. Cluster "
          "service may have been stopped on the node.");
  cluster(failover, "NODE2", 1201, online);
  told.push_back(Event(failover + hours(50), "NODE1", "Application", "MSExchangeRepl", 2058, 2,
                       "The Microsoft Exchange Replication Service was unable to perform an "
                       "incremental re-seed of the passive node for First Storage Group. The "
                       "specific error code returned is: 0xc8000222."));
}

// Q201414: the directory of SRV1 is restored and does not replicate out.
void DirectoryBehind(EventTime restored, std::vector<WindowsEvent>& told) {
  const auto observed = [&](EventTime time, int usn) {
    WindowsEvent event = Event(time, "SRV1", "Application", "ds_usn_observed", 1, 4,
                               fmt::format("USNChanged: {}", usn));
    event.data = {{"USNChanged", std::to_string(usn)}};
    told.push_back(std::move(event));
  };
  told.push_back(Event(restored, "SRV1", "Application", "MSExchangeDS", 1173, 3,
                       "A privileged operation (rights required = 0x4) on object  failed because "
                       "a non-security related error occurred."));
  observed(restored + hours(1), 1401);
  observed(restored + hours(2), 1501);
  for (const minutes later : {minutes(180), minutes(197), minutes(222)}) {
    told.push_back(Event(restored + later, "SRV1", "Application", "MSExchangeDS", 1224, 2,
                         "Fatal replication error (Internal ID 3030174). Parameters "
                         "6c1e673d9bd6d011b66b08002be5a6b2 2501."));
  }
}

}  // namespace

std::vector<WindowsEvent> StoryIncidents() {
  std::vector<WindowsEvent> told;
  NearMisses(IncidentTime(), told);
  RestoreFails(IncidentTime(), told);
  CheckpointLocked(Start() + hours(29), told);
  AttendantOffline(Start() + hours(68), told);
  ReseedFails(Start() + hours(81), told);
  DirectoryBehind(Start() + hours(140), told);
  return told;
}

EventTime IncidentTime() { return Start() + kIncidentAfter; }

std::string Render(const WindowsEvent& event, Shape shape) {
  switch (shape) {
    case Shape::kEvtx: return RenderEvtx(event);
    case Shape::kWinlogbeat: return RenderWinlogbeat(event);
    case Shape::kNxlog: return RenderNxlog(event);
    default: break;
  }
  return RenderFlat(event);
}

std::vector<StoryRecord> TellStory(const StoryOptions& options) {
  Dice dice(options.seed);
  struct Arrival {
    EventTime at;  // when it reaches the topic: a few seconds after it happened
    std::size_t number;
    std::int32_t partition;
    WindowsEvent event;
    Shape shape;
  };
  std::vector<Arrival> arrivals;
  const auto add = [&](WindowsEvent event, nanoseconds delay) {
    const auto machine = std::find_if(kMachines.begin(), kMachines.end(),
                                      [&](const Machine& m) { return m.name == event.computer; });
    const auto partition = static_cast<std::int32_t>(machine - kMachines.begin());
    const Shape shape = machine->name == "NODE1" ? options.incident_shape : machine->shape;
    const EventTime at = event.time + delay;
    arrivals.push_back({at, arrivals.size(), partition, std::move(event), shape});
  };
  const auto step = nanoseconds(kWeek) / static_cast<std::int64_t>(options.background);
  for (std::size_t i = 0; i < options.background; ++i) {
    const EventTime time = Start() + step * static_cast<std::int64_t>(i);
    const auto whole = time - nanoseconds(time.nanos() % 1'000'000);
    // Every machine speaks in turn first, so that every partition reaches the week's end.
    const Machine& machine =
        kMachines[i % 3 == 0 ? (i / 3) % kMachines.size() : dice.Below(kMachines.size())];
    const auto delay = milliseconds(dice.Below(4000));
    add(Background(dice, whole, machine.name), delay);
  }
  for (WindowsEvent& event : StoryIncidents()) add(std::move(event), seconds(1));
  std::sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) {
    return std::tie(a.at, a.number) < std::tie(b.at, b.number);
  });
  std::vector<StoryRecord> records;
  records.reserve(arrivals.size());
  for (const Arrival& arrival : arrivals) {
    records.push_back({arrival.partition, arrival.event.time, arrival.event.computer,
                       Render(arrival.event, arrival.shape)});
  }
  return records;
}

}  // namespace faultline::app
