// SPDX-License-Identifier: Apache-2.0
//
// Random logs read by an engine in random order, with commits, crashes, idle phases, and clocks
// that are wrong or jump; compared with an oracle that knows the logs and the journal only and
// sorts everything, and with a replay in another reading order. FAULTLINE_SEED and FAULTLINE_CASES
// choose other cases.
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "matcher/engine.h"
#include "tests/reference/brute_correlator.h"
#include "tests/support/kind_rules.h"

namespace faultline {
namespace {

using reference::BruteEvent;
using std::chrono::seconds;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLateness = 10, kMaxFuture = 5, kIdleAfter = 30, kWindow = 15;

const std::string kRules = testing::KindRules("abc") + R"(title: every
id: every
logsource: {category: test}
detection: {s: {uid: '*'}, condition: s}
---
title: hit
name: hit
id: rule-hit
logsource: {category: test}
detection: {s: {kind: '*'}, condition: s}
---
title: each
id: each
correlation: {type: event_count, rules: [hit], group-by: [uid], timespan: 1s, condition: {gte: 1}}
---
title: count
id: count
correlation: {type: event_count, rules: [a, b, c], group-by: [key], timespan: 15s, condition: {gte: 3}}
---
title: set
id: set
correlation: {type: temporal, rules: [a, b], group-by: [key], timespan: 15s}
---
title: two of three
id: some
correlation: {type: temporal, rules: [a, b, c], group-by: [key], timespan: 15s, condition: {gte: 2}}
---
title: sequence
id: sequence
correlation: {type: temporal_ordered, rules: [a, b, c], group-by: [key], timespan: 15s}
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

InputOptions Input() {
  InputOptions input;
  input.lateness = seconds(kLateness);
  input.max_future = seconds(kMaxFuture);
  input.idle_after = seconds(kIdleAfter);
  return input;
}

// One element of a record: the group and the kinds it matches (none: no hit).
struct Element {
  std::string key;
  std::vector<std::string> kinds;
};

struct LogRecord {
  std::int64_t offset = 0;
  std::int64_t stamp = 0;  // seconds
  bool appended = false;   // the stamp is a LogAppendTime
  std::int64_t field = 0;  // seconds: the event's own time
  std::vector<Element> elements;
  std::string payload;
};

using Logs = std::map<SourceName, std::vector<LogRecord>>;

std::string Uid(const SourceName& source, std::int64_t offset, std::size_t index) {
  return source.topic + "/" + std::to_string(source.partition) + "/" + std::to_string(offset) +
         "/" + std::to_string(index);
}

std::string PayloadOf(const SourceName& source, const LogRecord& record) {
  std::string array;
  for (std::size_t i = 0; i < record.elements.size(); ++i) {
    const Element& element = record.elements[i];
    std::string kinds;
    for (const std::string& kind : element.kinds) {
      kinds += (kinds.empty() ? "" : ",") + ("\"" + kind + "\"");
    }
    array += (i == 0 ? "" : ",") + ("{\"@timestamp\":" + std::to_string(record.field)) +
             ",\"uid\":\"" + Uid(source, record.offset, i) + "\",\"key\":\"" + element.key + "\"" +
             (kinds.empty() ? "" : ",\"kind\":[" + kinds + "]") + "}";
  }
  return record.elements.size() == 1 ? array : "[" + array + "]";
}

using Random = std::mt19937_64;

std::int64_t Pick(Random& random, std::initializer_list<std::int64_t> values) {
  return *(values.begin() + random() % values.size());
}
bool Chance(Random& random, double share) {
  return std::uniform_real_distribution<double>(0, 1)(random) < share;
}

std::vector<LogRecord> MakeLog(Random& random, const SourceName& source, std::size_t records) {
  std::vector<LogRecord> log;
  std::int64_t time = 1000 + static_cast<std::int64_t>(random() % 8);
  std::int64_t offset = Pick(random, {0, 0, 1});
  const bool appended = Chance(random, .25);
  const double bad_share = static_cast<double>(Pick(random, {0, 6, 6, 30})) / 100;
  std::int64_t bad =
      Chance(random, .15) ? Pick(random, {1, 2, static_cast<std::int64_t>(records)}) : 0;
  for (std::size_t i = 0; i < records; ++i) {
    time +=
        Pick(random, {0, 0, 1, 1, 2, 5, 12}) + (Chance(random, .06) ? Pick(random, {100, 300}) : 0);
    LogRecord record;
    record.offset = offset;
    record.stamp = time;
    record.appended = appended;
    record.field = std::max<std::int64_t>(1, time - Pick(random, {0, 0, 0, 0, 3, 9, 25}));
    if (bad == 0 && Chance(random, bad_share)) bad = Pick(random, {1, 1, 2, 3, 8});
    if (bad > 0) {
      --bad;
      const std::int64_t skew = Pick(random, {20, 300, 9000});
      record.field += skew;
      if (!appended) record.stamp += Pick(random, {0, skew});
    }
    const std::int64_t elements = Pick(random, {1, 1, 1, 2});
    for (std::int64_t e = 0; e < elements; ++e) {
      Element element{std::string(1, static_cast<char>('x' + random() % 2)), {}};
      for (const char* kind : {"a", "b", "c"}) {
        if (Chance(random, .35)) element.kinds.emplace_back(kind);
      }
      record.elements.push_back(std::move(element));
    }
    record.payload = PayloadOf(source, record);
    log.push_back(std::move(record));
    offset += 1 + (Chance(random, .25) ? 1 : 0);
  }
  return log;
}

// What a reader gave and what was committed of it.
struct Results {
  std::vector<Alert> alerts;
  std::vector<LateMatch> late;
  std::vector<JournalEntry> journal;

  void Take(Output& out) {
    for (Alert& alert : out.alerts) alerts.push_back(std::move(alert));
    for (LateMatch& match : out.late) late.push_back(std::move(match));
    for (JournalEntry& entry : out.journal) journal.push_back(std::move(entry));
    out.Clear();
  }
  void Take(Results& other) {
    for (Alert& alert : other.alerts) alerts.push_back(std::move(alert));
    for (LateMatch& match : other.late) late.push_back(std::move(match));
    for (JournalEntry& entry : other.journal) journal.push_back(std::move(entry));
    other = {};
  }
};

// One reader with its transactions; what it loses in a crash and what it does not.
class Reader {
 public:
  Reader(const Logs& logs, std::int64_t clock) : logs_(logs), shift_(clock) {
    for (const auto& [source, log] : logs_) arrived_[source] = log.size();
    Load();
  }

  void HoldBack(Random& random) {
    for (auto& [source, count] : arrived_) count = random() % (count + 1);
  }
  bool Arrive(const SourceName& source) {
    if (arrived_[source] == logs_.at(source).size()) return false;
    ++arrived_[source];
    return true;
  }

  bool Read(const SourceName& source) {
    const std::size_t at = place_[source];
    const auto& log = logs_.at(source);
    if (at == arrived_[source]) {
      engine_->AtEnd(ids_[source], Next(source), Steady(), out_);
      transaction_.Take(out_);
      return false;
    }
    Record record;
    record.source = ids_[source];
    record.offset = log[at].offset;
    record.payload = log[at].payload;
    record.timestamp_kind =
        log[at].appended ? TimestampKind::kLogAppendTime : TimestampKind::kCreateTime;
    record.timestamp = EventTime::Raw(log[at].stamp * kSecond);
    latest_ = std::max(latest_, Now());
    engine_->Process(record, {EventTime::Raw(Now() * kSecond), Steady()}, out_);
    transaction_.Take(out_);
    ++place_[source];
    return true;
  }

  void Idle(const SourceName& source) {
    if (place_[source] < arrived_[source]) return;
    steady_ += kIdleAfter;
    engine_->AtEnd(ids_[source], Next(source), Steady(), out_);
    engine_->MarkIdle(ids_[source], Steady(), out_);
    transaction_.Take(out_);
  }

  void Tick(std::int64_t passed) {
    steady_ += passed;
    engine_->Tick(Steady(), out_);
    transaction_.Take(out_);
  }

  void MoveClock(std::int64_t steady, std::int64_t jump) {
    steady_ += steady;
    shift_ += jump;
  }

  void Commit() {
    committed_.Take(transaction_);
    for (const SourcePosition& position : engine_->Positions()) stored_[position.source] = position;
  }

  void Crash() {
    transaction_ = {};
    ++crashes_;
    Load();
  }

  void FinishArchive() {
    engine_->Finish(out_);
    transaction_.Take(out_);
  }

  [[nodiscard]] const Results& committed() const { return committed_; }
  [[nodiscard]] int crashes() const { return crashes_; }
  [[nodiscard]] std::int64_t latest() const { return latest_; }
  [[nodiscard]] const std::map<SourceName, SourcePosition>& stored() const { return stored_; }

 private:
  [[nodiscard]] std::int64_t Now() const { return steady_ + shift_; }
  [[nodiscard]] seconds Steady() const { return seconds(steady_); }
  [[nodiscard]] std::int64_t Next(const SourceName& source) {
    const std::size_t at = place_[source];
    return at == 0 ? 0 : logs_.at(source)[at - 1].offset + 1;
  }

  void Load() {
    engine_ = std::make_unique<Engine>(Rules(), Engine::Options{});
    for (const auto& [source, log] : logs_) {
      const auto stored = stored_.find(source);
      const SourcePosition* restored = stored == stored_.end() ? nullptr : &stored->second;
      ids_[source] = engine_->AddSource(source, Input(), restored, committed_.journal);
      std::size_t& at = place_[source];
      for (at = 0;
           restored != nullptr && at < log.size() && log[at].offset < restored->committed;) {
        ++at;
      }
    }
  }

  const Logs& logs_;
  std::int64_t steady_ = 0, shift_ = 0, latest_ = 0;
  std::map<SourceName, std::size_t> arrived_, place_;
  std::map<SourceName, SourceId> ids_;
  std::map<SourceName, SourcePosition> stored_;  // durable
  Results committed_;                            // durable
  Results transaction_;
  Output out_;
  std::unique_ptr<Engine> engine_;
  int crashes_ = 0;
};

// Knows the logs and the journal only.
struct Oracle {
  std::multiset<std::string> singles;  // "uid@time"
  std::multiset<std::string> late;     // "cause rule uid"
  std::vector<BruteEvent> hits;        // that reach the correlators; members are 0 a, 1 b, 2 c
  std::map<std::string, EventTime> times;
};

std::string Told(const std::string& uid, std::int64_t time) {
  return uid + "@" + std::to_string(time);
}

bool ReturnedLate(const std::vector<JournalEntry>& journal, const SourceName& source,
                  std::int64_t offset, const OrderPoint& point) {
  const JournalEntry* last = nullptr;
  for (const JournalEntry& entry : journal) {
    if (entry.kind == JournalEntry::Kind::kReturn && entry.source == source &&
        entry.offset <= offset) {
      last = &entry;
    }
  }
  return last != nullptr && point < last->frontier;
}

Oracle SortEverything(const Logs& logs, const std::vector<JournalEntry>& journal) {
  Oracle oracle;
  for (const auto& [source, log] : logs) {
    std::optional<std::int64_t> highest;
    for (const LogRecord& record : log) {
      for (std::size_t i = 0; i < record.elements.size(); ++i) {
        const std::string uid = Uid(source, record.offset, i);
        std::int64_t time = record.field * kSecond;
        if (record.appended && record.field > record.stamp + kMaxFuture)
          time = record.stamp * kSecond;
        for (const JournalEntry& entry : journal) {
          if (entry.kind == JournalEntry::Kind::kSubstitution && entry.source == source &&
              entry.offset == record.offset && entry.index == i) {
            time = entry.time.nanos();
          }
        }
        const bool late = highest && time < *highest - kLateness * kSecond;
        highest = highest ? std::max(*highest, time) : time;
        oracle.singles.insert(Told(uid, time));
        oracle.times[uid] = EventTime::Raw(time);
        std::vector<std::string> rules;
        for (const std::string& kind : record.elements[i].kinds) rules.push_back("rule-" + kind);
        if (!rules.empty()) rules.emplace_back("rule-hit");
        bool reaches = !rules.empty() && !late;
        for (std::size_t n = 0; n < rules.size(); ++n) {
          const OrderPoint point = OrderPoint::At(
              EventTime::Raw(time), {source, record.offset, static_cast<std::uint32_t>(i)},
              static_cast<std::uint32_t>(n));
          const bool returned = !late && ReturnedLate(journal, source, record.offset, point);
          if (late) oracle.late.insert("watermark " + rules[n] + " " + uid);
          if (returned) oracle.late.insert("idle " + rules[n] + " " + uid);
          reaches = reaches && !returned;
        }
        if (!reaches) continue;
        BruteEvent event{time,
                         source.topic,
                         source.partition,
                         record.offset,
                         static_cast<std::uint32_t>(i),
                         record.elements[i].key,
                         {}};
        for (const std::string& kind : record.elements[i].kinds) {
          event.members.push_back(static_cast<std::uint32_t>(kind[0] - 'a'));
        }
        oracle.hits.push_back(std::move(event));
      }
    }
  }
  return oracle;
}

std::string UidOf(const Origin& origin) { return Uid(origin.source, origin.offset, origin.index); }

std::multiset<std::string> SinglesOf(const Results& results) {
  std::multiset<std::string> singles;
  for (const Alert& alert : results.alerts) {
    if (alert.rule->id == "every") {
      singles.insert(Told(UidOf(alert.evidence[0].origin), alert.time.nanos()));
    }
  }
  return singles;
}

std::multiset<std::string> LateOf(const Results& results) {
  std::multiset<std::string> late;
  for (const LateMatch& match : results.late) {
    late.insert(match.cause + " " + match.rule + " " + UidOf(match.origin));
  }
  return late;
}

std::vector<std::string> ReleasedOf(const Results& results) {
  std::vector<std::string> uids;
  for (const Alert& alert : results.alerts) {
    if (alert.rule->id == "each") uids.push_back(alert.group[0].value);
  }
  return uids;
}

// "rule key first deciding" of every chain that fired.
std::multiset<std::string> ChainsOf(const Results& results) {
  std::multiset<std::string> chains;
  for (const Alert& alert : results.alerts) {
    if (alert.rule->id == "every" || alert.rule->id == "each") continue;
    const Evidence* first = &alert.evidence[0];
    for (const Evidence& evidence : alert.evidence) {
      if (std::tie(evidence.time, evidence.origin) < std::tie(first->time, first->origin)) {
        first = &evidence;
      }
    }
    chains.insert(alert.rule->id + " " + alert.group[0].value + " " + UidOf(first->origin) +
                  " at " + ToString(alert.time));
  }
  return chains;
}

std::multiset<std::string> ChainsOf(const Oracle& oracle) {
  const std::pair<const char*, reference::BruteRule> rules[] = {
      {"count", {reference::BruteType::kCount, kWindow * kSecond, 3, 3}},
      {"set", {reference::BruteType::kSet, kWindow * kSecond, 2, 2}},
      {"some", {reference::BruteType::kSet, kWindow * kSecond, 3, 2}},
      {"sequence", {reference::BruteType::kSequence, kWindow * kSecond, 3, 3}}};
  std::multiset<std::string> chains;
  for (const auto& each : rules) {
    const char* const name = each.first;
    const reference::BruteRule& rule = each.second;
    std::vector<BruteEvent> events;
    for (BruteEvent event : oracle.hits) {
      std::erase_if(event.members,
                    [&rule](std::uint32_t member) { return member >= rule.members; });
      if (!event.members.empty()) events.push_back(std::move(event));
    }
    for (const auto& firing : reference::Correlate(rule, std::move(events))) {
      const BruteEvent& first = firing.first;
      chains.insert(std::string(name) + " " + firing.key + " " +
                    Uid({first.topic, first.partition}, first.offset, first.index) + " at " +
                    ToString(EventTime::Raw(firing.deciding.time)));
    }
  }
  return chains;
}

std::multiset<Digest> IdsOf(const Results& results) {
  std::multiset<Digest> ids;
  for (const Alert& alert : results.alerts) ids.insert(alert.id);
  return ids;
}

// The same logs in another order, without crashes, following the journal and asking no clock.
Results Replay(const Logs& logs, const std::vector<JournalEntry>& journal, Random& random) {
  Engine engine(Rules(), {});
  std::map<SourceName, SourceId> ids;
  std::map<SourceName, std::size_t> place;
  std::vector<SourceName> left;
  for (const auto& [source, log] : logs) {
    ids[source] = engine.AddSource(source, Input(), nullptr, journal);
    for (std::size_t i = 0; i < log.size(); ++i) left.push_back(source);
  }
  std::shuffle(left.begin(), left.end(), random);
  Results results;
  Output out;
  for (const SourceName& source : left) {
    const LogRecord& log = logs.at(source)[place[source]++];
    Record record;
    record.source = ids[source];
    record.offset = log.offset;
    record.payload = log.payload;
    record.timestamp_kind =
        log.appended ? TimestampKind::kLogAppendTime : TimestampKind::kCreateTime;
    record.timestamp = EventTime::Raw(log.stamp * kSecond);
    engine.Process(record, {}, out);
    results.Take(out);
  }
  engine.Finish(out);
  results.Take(out);
  return results;
}

struct Suite {
  bool idle;
  bool crashes;
};

void RunCase(std::uint64_t seed, const Suite& suite) {
  Random random(seed);
  Logs logs;
  const SourceName names[] = {{"a", 0}, {"a", 1}, {"b", 0}};
  const std::size_t sources = 1 + random() % 3;
  const std::size_t records = static_cast<std::size_t>(Pick(random, {1, 2, 3, 5, 8, 20}));
  for (std::size_t i = 0; i < sources; ++i) logs[names[i]] = MakeLog(random, names[i], records);

  Reader reader(logs, Pick(random, {900, 1000, 1005, 1050, 1100, 2000, 6000}));
  if (suite.idle) reader.HoldBack(random);
  const auto any = [&] { return names[random() % sources]; };
  const std::size_t steps = 10 + random() % (14 * records * sources);
  for (std::size_t i = 0; i < steps; ++i) {
    const double what = std::uniform_real_distribution<double>(0, 1)(random);
    if (what < .50) {
      reader.Read(any());
    } else if (what < .64) {
      reader.Commit();
    } else if (what < .70) {
      if (suite.crashes) reader.Crash();
    } else if (what < .76) {
      reader.MoveClock(Pick(random, {1, 5, kIdleAfter, 100}),
                       Pick(random, {0, 0, 0, -200, 200, 3000}));
    } else if (suite.idle && what < .84) {
      reader.Idle(any());
    } else if (suite.idle && what < .92) {
      reader.Tick(Pick(random, {1, 5, 30}));
    } else if (suite.idle) {
      reader.Arrive(any());
    }
  }
  for (std::size_t s = 0; s < sources; ++s) {
    while (reader.Arrive(names[s])) {
    }
  }
  for (std::size_t s = 0; s < sources; ++s) {
    while (reader.Read(names[s])) {
    }
  }
  if (suite.idle) {
    for (std::size_t s = 0; s < sources; ++s) reader.Idle(names[s]);
    reader.Tick(0);  // a restart's first look at the clock adds nothing
    reader.Tick(100000);
  } else {
    reader.FinishArchive();
  }
  reader.Commit();

  const Results& live = reader.committed();
  const Oracle oracle = SortEverything(logs, live.journal);
  ASSERT_EQ(SinglesOf(live), oracle.singles);
  ASSERT_EQ(LateOf(live), oracle.late);
  const std::vector<std::string> released = ReleasedOf(live);
  std::multiset<std::string> due;
  for (const BruteEvent& hit : oracle.hits) {
    due.insert(Uid({hit.topic, hit.partition}, hit.offset, hit.index));
  }
  ASSERT_EQ(std::multiset<std::string>(released.begin(), released.end()), due);
  for (std::size_t i = 1; i < released.size(); ++i) {
    ASSERT_LE(oracle.times.at(released[i - 1]), oracle.times.at(released[i])) << released[i];
  }
  for (const auto& [source, position] : reader.stored()) {
    ASSERT_EQ(position.committed, logs.at(source).back().offset + 1);
  }
  for (const JournalEntry& entry : live.journal) {
    if (entry.kind == JournalEntry::Kind::kSubstitution) {
      ASSERT_LE(entry.time.nanos(), (reader.latest() + kMaxFuture) * kSecond);
    }
  }
  const Results replayed = Replay(logs, live.journal, random);
  ASSERT_EQ(SinglesOf(replayed), oracle.singles);
  ASSERT_EQ(LateOf(replayed), oracle.late);
  ASSERT_EQ(ChainsOf(replayed), ChainsOf(oracle));
  if (reader.crashes() == 0) {  // windows are in memory only: a crash may lose chains
    ASSERT_EQ(ChainsOf(live), ChainsOf(oracle));
    ASSERT_EQ(IdsOf(live), IdsOf(replayed));
  }
}

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void RunSuite(const Suite& suite) {
  const std::uint64_t first = FromEnvironment("FAULTLINE_SEED", 1);
  const std::uint64_t cases = FromEnvironment("FAULTLINE_CASES", 400);
  for (std::uint64_t seed = first; seed < first + cases; ++seed) {
    SCOPED_TRACE("FAULTLINE_SEED=" + std::to_string(seed));
    RunCase(seed, suite);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(Time, OrderAndChainsEqualTheOracle) { RunSuite({false, false}); }
TEST(Time, CrashesLoseAndDoubleNothing) { RunSuite({false, true}); }
TEST(Time, IdleSources) { RunSuite({true, false}); }
TEST(Time, IdleSourcesAndCrashes) { RunSuite({true, true}); }

}  // namespace
}  // namespace faultline
