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

constexpr hours kDay{12};
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
                                               {"DC1", Shape::kFlat},
                                               {"FILE1", Shape::kNxlog},
                                               {"WEB1", Shape::kWinlogbeat},
                                               {"WEB2", Shape::kFlat},
                                               {"PC-0117", Shape::kNxlog},
                                               {"PC-0342", Shape::kEvtx}}};

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
  return Event(time, computer, "System", "ClusSvc", 1201, 4,
               fmt::format("The Cluster Service brought the Resource Group \"EXVS{}\" online.",
                           1 + dice.Below(2)));
}

// What looks like the incident and is none: another resource, another JET error, another computer.
std::vector<WindowsEvent> NearMisses(EventTime incident) {
  return {
      Event(incident - hours(2), "NODE1", "System", "ClusSvc", 1042, 2,
            "Cluster generic service 'Print Spooler' failed."),
      Event(
          incident - hours(2) + seconds(9), "NODE1", "Application", "MSExchangeDS", 1002, 2,
          "The Microsoft Exchange Server directory database (EDB) could not be initialized, error "
          "-550. Unrecoverable error, the directory can't continue."),
      Event(incident - minutes(50), "NODE1", "System", "ClusSvc", 1042, 2,
            "Cluster generic service 'Microsoft Exchange Directory' failed."),
      Event(
          incident - minutes(49), "NODE2", "Application", "MSExchangeDS", 1002, 2,
          "The Microsoft Exchange Server directory database (EDB) could not be initialized, error "
          "-528. Unrecoverable error, the directory can't continue.")};
}

std::vector<WindowsEvent> Incident(EventTime decided) {
  return {Event(decided - seconds(23), "NODE1", "Application", "MSExchangeDS", 1002, 2,
                "The Microsoft Exchange Server directory database (EDB) could not be "
                "initialized,\r\nerror "
                "-528. Unrecoverable error, the directory can't continue."),
          Event(decided, "NODE1", "System", "ClusSvc", 1042, 2,
                "Cluster generic service 'Microsoft Exchange Directory' failed.")};
}

}  // namespace

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
    const auto partition =
        static_cast<std::int32_t>((machine - kMachines.begin()) % options.partitions);
    const Shape shape = machine->name == "NODE1" ? options.incident_shape : machine->shape;
    const EventTime at = event.time + delay;
    arrivals.push_back({at, arrivals.size(), partition, std::move(event), shape});
  };
  const auto step = nanoseconds(kDay) / static_cast<std::int64_t>(options.background);
  for (std::size_t i = 0; i < options.background; ++i) {
    const EventTime time = Start() + step * static_cast<std::int64_t>(i);
    const auto whole = time - nanoseconds(time.nanos() % 1'000'000);
    // Every machine speaks in turn first, so that every partition reaches the day's end.
    const Machine& machine =
        kMachines[i % 3 == 0 ? (i / 3) % kMachines.size() : dice.Below(kMachines.size())];
    const auto delay = milliseconds(dice.Below(4000));
    add(Background(dice, whole, machine.name), delay);
  }
  for (WindowsEvent& event : NearMisses(IncidentTime())) add(std::move(event), seconds(1));
  for (WindowsEvent& event : Incident(IncidentTime())) add(std::move(event), seconds(1));
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
