// SPDX-License-Identifier: Apache-2.0
//
// The engine does what the executable model of time does, step by step: model_cases.py drives the model
// and writes down its logs, what was read and done, and what each commit held; here the engine is
// driven alike. FAULTLINE_SEED and FAULTLINE_CASES choose other cases.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/engine.h"
#include "tests/support/data.h"
#include "tests/support/kind_rules.h"

namespace faultline::testing {
namespace {

using std::chrono::seconds;
using Lines = std::multiset<std::string>;

constexpr std::int64_t kSecond = 1'000'000'000;

const std::string kRules = KindRules("abc") + R"(title: single
id: single
logsource: {category: test}
detection: {s: {first: '*'}, condition: s}
---
title: extra
name: extra
id: rule-extra
logsource: {category: test}
detection: {s: {extra: '*'}, condition: s}
---
title: count
id: count
correlation: {type: event_count, rules: [a, b, c], group-by: [key], timespan: 15s, condition: {gte: 3}}
---
title: count of the others
id: count-extra
correlation: {type: event_count, rules: [extra], group-by: [extra], timespan: 15s, condition: {gte: 3}}
---
title: absent
id: absent
correlation: {type: temporal_ordered, group-by: [key], timespan: 1s}
faultline:
  steps: [{on: a}]
  overlap: all
  absent: [{on: b, after: a, within: 8s}]
  update_every: never
)";

std::shared_ptr<const RuleSet> Rules() {
  static const std::shared_ptr<const RuleSet> rules = [] {
    RuleSet::Options options;
    options.extra_fields = DefaultTimestamps();
    auto set = RuleSet::Compile(sigma::LoadRulesFromText(kRules, "rules.yml"), options);
    if (!set) ADD_FAILURE() << set.error().ToString();
    for (const Error& error : (*set)->errors()) ADD_FAILURE() << error.ToString();
    return *set;
  }();
  return rules;
}

struct LogRecord {
  std::int64_t offset = 0, stamp = 0;
  bool appended = false;
  std::string payload;
};

// One element: the hits of one index.
std::string ElementOf(std::int64_t time, const std::string& key, const std::string& kind,
                      const std::string& extra, bool first) {
  std::string json = "{\"@timestamp\":" + std::to_string(time);
  if (!key.empty()) json += ",\"key\":\"" + key + "\",\"kind\":\"" + kind + "\"";
  if (!extra.empty()) json += ",\"extra\":\"" + extra + "\"";
  if (first) json += ",\"first\":1";
  return json + "}";
}

LogRecord RecordFrom(std::istringstream& words) {
  LogRecord record;
  std::int64_t field = 0;
  std::size_t hits = 0;
  words >> record.offset >> record.stamp >> record.appended >> field >> hits;
  std::vector<std::vector<std::pair<std::string, std::string>>> elements(1);
  for (std::size_t i = 0; i < hits; ++i) {
    std::size_t index = 0;
    std::string key, kind;
    words >> index >> key >> kind;
    if (elements.size() <= index) elements.resize(index + 1);
    elements[index].emplace_back(key, kind);
  }
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto& told = elements[i];
    record.payload += (i == 0 ? "" : ",") + ElementOf(field, told.empty() ? "" : told[0].first,
                                                      told.empty() ? "" : told[0].second,
                                                      told.size() < 2 ? "" : told[1].first, i == 0);
  }
  if (elements.size() > 1) record.payload = "[" + record.payload + "]";
  return record;
}

std::string Place(const Origin& origin) {
  return origin.source.topic + " " + std::to_string(origin.source.partition) + " " +
         std::to_string(origin.offset) + " " + std::to_string(origin.index);
}

std::string Seconds(EventTime time) {
  if (time == EventTime::Min()) return "-";
  if (time == EventTime::Max()) return "1000000000";  // the model's end of time
  return std::to_string(time.nanos() / kSecond);
}

// The engine where the model has its domain; what a crash takes and what it does not.
class Follower {
 public:
  void AddSource(const SourceName& name, bool fresh) {
    logs_[name];
    if (fresh) {
      SourcePosition position;
      position.source = name;
      position.idle = true;
      stored_[name] = position;
    }
  }
  void AddRecord(const SourceName& name, LogRecord record) {
    logs_[name].push_back(std::move(record));
  }

  // A new engine from what is stored.
  void Load() {
    engine_ = std::make_unique<Engine>(Rules(), Engine::Options{});
    if (!state_.empty()) {
      const auto loaded = engine_->LoadState(state_);
      if (!loaded) ADD_FAILURE() << loaded.error().ToString();
    }
    InputOptions input;
    input.walk.shape = Shape::kFlat;
    input.lateness = seconds(10);
    input.max_future = seconds(5);
    input.idle_after = seconds(30);
    for (const auto& [name, log] : logs_) {
      const auto stored = stored_.find(name);
      const SourcePosition* position = stored == stored_.end() ? nullptr : &stored->second;
      ids_[name] = engine_->AddSource(name, input, position, journal_);
      place_[name] = 0;
      while (position != nullptr && place_[name] < log.size() &&
             log[place_[name]].offset < position->committed) {
        ++place_[name];
      }
    }
    given_.clear();
    decided_.clear();
  }

  void Read(const SourceName& name, const std::string& now, std::int64_t steady) {
    const LogRecord& log = logs_[name][place_[name]++];
    Record record;
    record.source = ids_[name];
    record.offset = log.offset;
    record.payload = log.payload;
    record.timestamp_kind =
        log.appended ? TimestampKind::kLogAppendTime : TimestampKind::kCreateTime;
    record.timestamp = EventTime::Raw(log.stamp * kSecond);
    ReadEdge edge{std::nullopt, seconds(steady)};
    if (now != "-") edge.now = EventTime::Raw(std::stoll(now) * kSecond);
    engine_->Process(record, edge, out_);
    Take();
  }
  void End(const SourceName& name, std::int64_t next, std::int64_t steady) {
    engine_->AtEnd(ids_[name], next, seconds(steady), out_);
    Take();
  }
  void Idle(const SourceName& name, std::int64_t steady) {
    engine_->MarkIdle(ids_[name], seconds(steady), out_);
    Take();
  }
  void Tick(std::int64_t steady) {
    engine_->Tick(seconds(steady), out_);
    Take();
  }
  void Finish() {
    engine_->Finish(out_);
    Take();
  }

  // What this commit holds, told as the model tells it.
  Lines Commit() {
    Lines lines(given_.begin(), given_.end());
    given_.clear();
    state_ = engine_->SaveState();
    for (const SourcePosition& position : engine_->Positions()) {
      stored_[position.source] = position;
      lines.insert("position " + Name(position.source) + " " +
                   Below(position.source, position.committed) + " " +
                   Below(position.source, position.position) + " " +
                   (position.highest ? Seconds(*position.highest) : "-") + " " +
                   (position.idle ? "1 " : "0 ") + Seconds(position.frontier.time));
    }
    journal_.insert(journal_.end(), decided_.begin(), decided_.end());
    decided_.clear();
    return lines;
  }

 private:
  static std::string Name(const SourceName& name) {
    return name.topic + " " + std::to_string(name.partition);
  }

  // So many records of the log lie below `offset`.
  std::string Below(const SourceName& name, std::int64_t offset) {
    const auto& log = logs_[name];
    return std::to_string(std::count_if(log.begin(), log.end(), [offset](const LogRecord& record) {
      return record.offset < offset;
    }));
  }

  // The model knows one time of a record and one alert of several deadlines at one instant.
  void Take() {
    for (const Alert& alert : out_.alerts) {
      if (alert.rule->id == "single") {
        const Origin& origin = alert.evidence[0].origin;
        given_.insert("single " + Name(origin.source) + " " + std::to_string(origin.offset) + " " +
                      Seconds(alert.time));
      } else if (alert.rule->id == "absent") {
        given_.insert("absent " + alert.group[0].value + " " + Seconds(alert.time));
      } else {
        const Evidence* first = &alert.evidence[0];
        const Evidence* last = first;
        for (const Evidence& evidence : alert.evidence) {
          const auto point = std::tie(evidence.time, evidence.origin);
          if (point < std::tie(first->time, first->origin)) first = &evidence;
          if (point > std::tie(last->time, last->origin)) last = &evidence;
        }
        given_.insert("count " + alert.group[0].value + " " + Place(first->origin) + " by " +
                      Place(last->origin));
      }
    }
    for (const LateMatch& late : out_.late) {
      const std::string record =
          Name(late.origin.source) + " " + std::to_string(late.origin.offset);
      if (late.cause == "watermark") {
        given_.insert("own " + record);
      } else {
        given_.insert("returned " + Place(late.origin));
      }
    }
    for (const JournalEntry& entry : out_.journal) {
      const bool substitution = entry.kind == JournalEntry::Kind::kSubstitution;
      given_.insert((substitution ? "substitution " : "return ") + Name(entry.source) + " " +
                    std::to_string(entry.offset) + " " +
                    Seconds(substitution ? entry.time : entry.frontier.time));
      decided_.push_back(entry);
    }
    out_.Clear();
  }

  std::map<SourceName, std::vector<LogRecord>> logs_;
  std::map<SourceName, SourcePosition> stored_;  // durable
  std::vector<JournalEntry> journal_;            // durable
  std::string state_;                            // durable
  std::map<SourceName, SourceId> ids_;
  std::map<SourceName, std::size_t> place_;
  std::unique_ptr<Engine> engine_;
  Output out_;
  std::set<std::string> given_;
  std::vector<JournalEntry> decided_;
};

// The lines of one case up to its end, one step after the other.
class Case {
 public:
  // False where the case has gone wrong and said so.
  bool Step(const std::string& line) {
    if (expecting_ && !Expected(line)) return false;
    std::istringstream words(line);
    std::string what;
    words >> what;
    if (what == "case") return true;
    if (what == "load") return follower_.Load(), true;
    if (what == "finish") return follower_.Finish(), true;
    if (what == "commit") {
      given_ = follower_.Commit();
      wanted_.clear();
      return expecting_ = true;
    }
    if (what == "tick") {
      std::int64_t steady = 0;
      words >> steady;
      return follower_.Tick(steady), true;
    }
    SourceName name;
    words >> name.topic >> name.partition;
    std::int64_t number = 0, steady = 0;
    std::string now;
    if (what == "source") {
      words >> number;
      follower_.AddSource(name, number == 1);
    } else if (what == "record") {
      LogRecord record = RecordFrom(words);
      hits_[name.topic + std::to_string(record.offset)] =
          record.payload.find("\"kind\"") != std::string::npos;
      follower_.AddRecord(name, std::move(record));
    } else if (what == "read") {
      words >> now >> steady;
      follower_.Read(name, now, steady);
    } else if (what == "end") {
      words >> number >> steady;
      follower_.End(name, number, steady);
    } else if (what == "idle") {
      words >> steady;
      follower_.Idle(name, steady);
    }
    return true;
  }

  // Nothing more is expected of the last commit.
  bool End() { return !expecting_ || Compare(); }
  [[nodiscard]] std::size_t compared() const { return compared_; }

 private:
  static bool Tells(const std::string& what) {
    static const std::set<std::string> kinds = {"single", "own",    "returned", "count",
                                                "absent", "return", "position", "substitution"};
    return kinds.count(what) != 0;
  }

  // Keeps what the commit should hold; at the first other line compares.
  bool Expected(const std::string& line) {
    std::istringstream words(line);
    std::string what, topic;
    std::int64_t partition = 0, offset = 0;
    words >> what;
    if (!Tells(what)) return Compare();
    words >> topic >> partition >> offset;
    if (what == "own" && !hits_[topic + std::to_string(offset)]) return true;  // no match was late
    wanted_.insert(what == "returned" ? line.substr(0, line.rfind(' ')) : line);
    return true;
  }

  bool Compare() {
    expecting_ = false;
    compared_ += wanted_.size();
    const Lines wanted(wanted_.begin(), wanted_.end());
    EXPECT_EQ(given_, wanted);
    return given_ == wanted;
  }

  Follower follower_;
  std::map<std::string, bool> hits_;  // by topic and offset: the record has hits
  bool expecting_ = false;
  Lines given_;
  std::set<std::string> wanted_;
  std::size_t compared_ = 0;
};

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string ModelLines(const std::filesystem::path& model, std::uint64_t cases,
                       std::uint64_t seed) {
  const std::string command =
      "python3 -B '" + (SourceDir() / "tests/property/model_cases.py").string() + "' '" +
      model.string() + "' " + std::to_string(cases) + " " + std::to_string(seed);
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[65536];
  for (std::size_t read = 0; (read = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    text.append(buffer, read);
  }
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

TEST(TimeModel, EveryCommitOfTheEngineHoldsWhatTheModelsHolds) {
  FAULTLINE_TEST_DATA_OR_LEAVE(script, "../model/time_model.py");
  const std::uint64_t cases = FromEnvironment("FAULTLINE_CASES", 1000);
  const std::uint64_t seed = FromEnvironment("FAULTLINE_SEED", 0);
  std::istringstream lines(ModelLines(script.parent_path(), cases, seed));
  std::uint64_t at = seed;
  std::size_t compared = 0;
  std::unique_ptr<Case> current;
  std::string so_far;
  const auto end = [&] {
    if (!current) return;
    EXPECT_TRUE(current->End()) << "FAULTLINE_CASES=1 FAULTLINE_SEED=" << at << '\n' << so_far;
    compared += current->compared();
    ++at;
  };
  for (std::string line; std::getline(lines, line) && !HasFailure();) {
    if (line == "case") {
      end();
      current = std::make_unique<Case>();
      so_far.clear();
    }
    ASSERT_NE(current, nullptr) << line;
    so_far += line + '\n';
    ASSERT_TRUE(current->Step(line)) << "FAULTLINE_CASES=1 FAULTLINE_SEED=" << at << '\n' << so_far;
  }
  end();
  std::printf("FAULTLINE_SEED=%llu: %llu cases, %zu lines compared\n",
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(at - seed),
              compared);
  EXPECT_EQ(at - seed, cases);
}

}  // namespace
}  // namespace faultline::testing
