// SPDX-License-Identifier: Apache-2.0
#include "bench/adversarial/streams.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace faultline::bench {
namespace {

constexpr std::size_t kMembers = 4096;  // that an event may have
constexpr std::size_t kHashKeys = 10000;
constexpr std::size_t kKeysAnEvent = 2500;

// A 64-bit number that looks like chance, the same for the same.
std::uint64_t Mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

using Members = std::vector<std::pair<std::string, std::string>>;  // name, value; not yet escaped

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string Spelled(const std::string& text) {
  std::string spelled;
  for (const char c : text) spelled += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
  return spelled;
}

std::string Json(const Members& members, std::string (*write)(const std::string&)) {
  std::string json = "{\"EventID\":1";
  for (const auto& [name, value] : members) {
    json += fmt::format(R"(,"{}":"{}")", name, write(value));
  }
  return json + "}";
}

// A process creation of its own number: nothing in it comes again. Every tenth is a bad one.
Members Creation(std::size_t number) {
  const std::uint64_t a = Mixed(2 * number), b = Mixed(2 * number + 1);
  const std::string tool = number % 10 == 0 ? "vssadmin.exe" : fmt::format("tool{:x}.exe", a);
  const std::string what = number % 10 == 0 ? "delete shadows /all" : fmt::format("--job {:x}", b);
  return {
      {"Channel", "Microsoft-Windows-Sysmon/Operational"},
      {"Provider_Name", "Microsoft-Windows-Sysmon"},
      {"Computer", fmt::format("host{:x}.example", b % 100000)},
      {"Image", fmt::format(R"(C:\Program Files\App{:x}\{})", a, tool)},
      {"CommandLine",
       fmt::format(R"("C:\Program Files\App{:x}\{}" {} --out C:\Temp\{:x}.log)", a, tool, what, b)},
      {"ParentImage", fmt::format(R"(C:\Users\u{:x}\AppData\Local\run{:x}.exe)", b, a)},
      {"ParentCommandLine", fmt::format(R"(run{:x}.exe -k {:x} -p)", a, b)},
      {"CurrentDirectory", fmt::format(R"(C:\Users\u{:x}\)", b)},
      {"User", fmt::format(R"(EXAMPLE\u{:x})", b)},
      {"OriginalFileName", tool},
      {"Description", fmt::format("job runner {:x}", a)},
      {"Hashes", fmt::format("MD5={0:016X}{1:016X},SHA256={0:016X}{1:016X}{1:016X}{0:016X}", a, b)},
      {"IntegrityLevel", "Medium"}};
}

std::string Plain(std::size_t number) { return Json(Creation(number), Escaped); }

Stream NewValues(std::size_t count) {
  Stream stream{"every value new", {}, {}};
  for (std::size_t i = 0; i < count; ++i) stream.events.push_back(Plain(i));
  return stream;
}

Stream NewClasses(std::size_t count) {
  Stream stream{"every class new", {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    stream.events.push_back(fmt::format(
        R"({{"EventID":{},"Channel":"Channel-{:x}","Provider_Name":"Provider-{:x}","Image":"C:\\a{}.exe"}})",
        1000 + i, Mixed(i), Mixed(~i), i));
  }
  return stream;
}

Stream ManyFields(std::size_t count) {
  Stream stream{"4,096 fields", {}, {}};
  for (std::size_t i = 0; i < std::max<std::size_t>(1, count / 100); ++i) {
    stream.plain.push_back(Plain(i));
    Members members = Creation(i);
    for (std::size_t k = members.size() + 1; k < kMembers; ++k) {
      members.emplace_back(fmt::format("Field{:05}", k), fmt::format("{:x}", Mixed(k + i)));
    }
    stream.events.push_back(Json(members, Escaped));
  }
  return stream;
}

Stream Spellings(std::size_t count) {
  Stream stream{"\\u005c spellings", {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    stream.plain.push_back(Plain(i));
    stream.events.push_back(Json(Creation(i), Spelled));
  }
  return stream;
}

// A key's hash is made of its length and its first and last eight bytes.
Stream OneHash(std::size_t count) {
  constexpr char kDigits[] = "abcdefghijklmnopqrstuvwxyz";
  Stream stream{"keys of one hash", {}, {}};
  for (std::size_t i = 0; i < std::max<std::size_t>(4, count / 100); ++i) {
    stream.plain.push_back(Plain(i));
    Members members = Creation(i);
    for (std::size_t k = 0; k < kKeysAnEvent; ++k) {
      const std::size_t n = (i * kKeysAnEvent + k) % kHashKeys;  // of "DestinationHostname"
      members.emplace_back(fmt::format("Destinat{}{}{}Hostname", kDigits[n % 26],
                                       kDigits[n / 26 % 26], kDigits[n / 676 % 26]),
                           "x");
    }
    stream.events.push_back(Json(members, Escaped));
  }
  return stream;
}

Stream ManyTriggers(std::size_t count) {
  Stream stream{fmt::format("{} rules an event", kTriggered), {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    Members members = Creation(i + 1);
    std::string& command = members[4].second;
    for (std::size_t rule = 0; rule < kTriggered; ++rule)
      command += fmt::format(" trigger{:03}", rule);
    stream.events.push_back(Json(members, Escaped));
  }
  return stream;
}

// Words that many rules look for, over and over before the command.
Stream KnownWords(std::size_t count) {
  constexpr std::string_view kWords = R"(cmd.exe /c powershell.exe -enc \temp\ http:// )";
  constexpr std::size_t kTimes = 60;
  Stream stream{"known words", {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    Members members = Creation(i);
    std::string& command = members[4].second;
    command.insert(0, kWords);
    stream.plain.push_back(Json(members, Escaped));
    for (std::size_t more = 1; more < kTimes; ++more) command.insert(0, kWords);
    stream.events.push_back(Json(members, Escaped));
  }
  return stream;
}

}  // namespace

std::string TriggeredRules() {
  std::string text;
  for (std::size_t rule = 0; rule < kTriggered; ++rule) {
    text += fmt::format(
        "title: Trigger {0}\nid: trigger-{0}\nlogsource: {{product: windows, category: "
        "process_creation}}\n"
        "detection:\n  word: {{CommandLine|contains: trigger{0:03}}}\n"
        "  path: {{CurrentDirectory|startswith: 'C:\\Users\\'}}\n  condition: word and path\n---\n",
        rule);
  }
  return text;
}

std::vector<Stream> AdversarialStreams(std::size_t count) {
  std::vector<Stream> streams;
  streams.push_back(NewValues(count));
  streams.push_back(NewClasses(count));
  streams.push_back(ManyFields(count));
  streams.push_back(Spellings(count));
  streams.push_back(OneHash(count));
  streams.push_back(KnownWords(count));
  streams.push_back(ManyTriggers(count));
  return streams;
}

}  // namespace faultline::bench
