// SPDX-License-Identifier: Apache-2.0
#include "consumer/worker.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <set>
#include <thread>

#include "consumer/clock_doubt.h"
#include "matcher/event/timestamp.h"
#include "tests/kafka/support/wait.h"
#include "tests/unit/consumer/support.h"

namespace faultline {
namespace {

using testing::Event;
using testing::KeepingSink;
using testing::WaitUntil;

kafka::KafkaError Error(kafka::ErrorClass error_class) {
  return {error_class, 1, "INJECTED", "injected"};
}

// The group's memory and the topic's: what survives a worker.
struct Cluster {
  std::vector<std::vector<std::string>> partitions;  // of the topic "t"
  std::mutex mutex;                                  // guards what the test's thread waits for
  std::map<SourceName, CommittedPosition> committed;
  std::vector<std::string> alerts;  // ids, in committed transactions
  std::vector<std::string> dead;    // "partition/offset payload", likewise
  std::size_t commits = 0;
  bool failed = false;               // a call, and nothing was sought since
  std::size_t given_in_trouble = 0;  // records since such a call

  [[nodiscard]] bool AllRead() {
    const std::lock_guard lock(mutex);
    for (std::size_t p = 0; p < partitions.size(); ++p) {
      const auto found = committed.find({"t", static_cast<std::int32_t>(p)});
      if (found == committed.end()) return false;
      if (found->second.metadata.find(" " + std::to_string(partitions[p].size()) + " ") != 3) {
        return false;  // P is the metadata's second word
      }
    }
    return true;
  }
};

// Gives what it has in batches of seven.
class FakeInbox final : public Inbox {
 public:
  explicit FakeInbox(Cluster* cluster) : cluster_(cluster) {}

  kafka::KafkaResult<void> Subscribe(OwnershipListener* listener) override {
    listener_ = listener;
    return {};
  }
  Polled Poll(std::chrono::milliseconds) override {
    if (!assigned_) {
      Assign();
      return std::monostate();
    }
    ++polls_;
    for (std::size_t tried = 0; tried < sources_.size(); ++tried) {
      turn_ = (turn_ + 1) % sources_.size();
      const auto& log = cluster_->partitions[turn_];
      auto& next = next_[turn_];
      if (!next) continue;
      if (*next < static_cast<std::int64_t>(log.size())) return Give(log, (*next)++);
      if (ended_[turn_]) continue;
      ended_[turn_] = true;
      return SourceEnd{&sources_[turn_], *next};
    }
    std::this_thread::yield();
    return std::monostate();
  }
  bool ready() const noexcept override { return polls_ % 7 != 0 && AnyLeft(); }
  bool behind() const noexcept override { return backlog && AnyLeft(); }
  kafka::KafkaResult<std::vector<CommittedPosition>> Committed(
      const std::vector<SourceName>& sources) override {
    const std::lock_guard lock(cluster_->mutex);
    std::vector<CommittedPosition> found;
    for (const SourceName& source : sources) found.push_back(cluster_->committed[source]);
    return found;
  }
  kafka::KafkaResult<std::int64_t> StartOf(const SourceName&, const StartAt&) override { return 0; }
  kafka::KafkaResult<void> Seek(const SourceName& source, std::int64_t offset) override {
    next_.at(static_cast<std::size_t>(source.partition)) = offset;
    ended_.at(static_cast<std::size_t>(source.partition)) = false;
    cluster_->failed = false;
    return {};
  }
  kafka::KafkaResult<void> Pause(const SourceName&) override { return {}; }
  kafka::KafkaResult<void> Resume(const SourceName&) override { return {}; }
  std::optional<std::int64_t> EndOf(const SourceName& source) override {
    return cluster_->partitions.at(static_cast<std::size_t>(source.partition)).size();
  }
  Result<std::size_t> CountPartitions(std::chrono::milliseconds) override {
    if (missing) return Fail(Fault::kConfig, "topic t does not exist");
    return cluster_->partitions.size();
  }
  kafka::KafkaResult<void> Close(std::chrono::milliseconds) override {
    if (listener_ != nullptr && assigned_) listener_->OnRevoked(sources_);
    return {};
  }

  std::atomic<bool> missing{false};
  bool backlog = false;  // what is there came faster than it is taken

 private:
  [[nodiscard]] bool AnyLeft() const noexcept {
    for (std::size_t p = 0; p < sources_.size(); ++p) {
      const auto size = static_cast<std::int64_t>(cluster_->partitions[p].size());
      if (next_[p] && (*next_[p] < size || !ended_[p])) return true;
    }
    return false;
  }
  void Assign() {
    assigned_ = true;
    for (std::size_t p = 0; p < cluster_->partitions.size(); ++p) {
      sources_.push_back({"t", static_cast<std::int32_t>(p)});
    }
    next_ = listener_->OnAssigned(sources_);
    ended_.assign(sources_.size(), false);
  }
  Polled Give(const std::vector<std::string>& log, std::int64_t offset) {
    if (cluster_->failed) ++cluster_->given_in_trouble;
    SourceRecord given;
    given.source = &sources_[turn_];
    given.record.offset = offset;
    given.record.payload = log[static_cast<std::size_t>(offset)];
    return given;
  }

  Cluster* cluster_;
  OwnershipListener* listener_ = nullptr;
  bool assigned_ = false;
  std::size_t polls_ = 0;
  std::size_t turn_ = 0;
  std::vector<SourceName> sources_;
  std::vector<std::optional<std::int64_t>> next_;
  std::vector<bool> ended_;
};

// Outbox and sink over one transaction. Its Nth call fails as told.
class FakeOutbox final : public Outbox, public KeepingSink {
 public:
  explicit FakeOutbox(Cluster* cluster) : cluster_(cluster) {}

  int fail_at = 0;  // 1: the first call; 0: none
  kafka::ErrorClass fail_as = kafka::ErrorClass::kAbort;
  bool commit_all_the_same = false;  // an indefinite commit that did happen
  int calls = 0;

  kafka::KafkaResult<void> Init(std::chrono::milliseconds) override {
    auto step = Step();
    cluster_->failed = false;  // nothing is to be read again
    return step;
  }
  kafka::KafkaResult<void> Begin() override {
    if (auto step = Step(); !step) return step;
    open_ = true;
    return {};
  }
  kafka::KafkaResult<void> SendPositions(const std::vector<OutgoingPosition>& positions,
                                         std::chrono::milliseconds) override {
    if (auto step = Step(); !step) return step;
    positions_ = positions;
    return {};
  }
  kafka::KafkaResult<void> Commit(std::chrono::milliseconds) override {
    auto step = Step();
    if (step || commit_all_the_same) Publish();
    if (step) Forget();
    return step;
  }
  kafka::KafkaResult<void> Abort(std::chrono::milliseconds) override {
    if (auto step = Step(); !step) return step;
    Forget();
    return {};
  }
  kafka::KafkaResult<void> Rebuild(std::chrono::milliseconds) override {
    Forget();
    return Step();
  }
  void Serve() override {}
  bool in_transaction() const noexcept override { return open_; }

  Result<void> WriteAlert(const Alert& alert) override {
    EXPECT_TRUE(open_);
    if (!Step()) return Fail(Fault::kBroker, "injected");
    return KeepingSink::WriteAlert(alert);
  }
  Result<void> WriteDeadLetter(const Record& record, const SourceName& source,
                               const DeadLetter& why) override {
    EXPECT_TRUE(open_);
    if (!Step()) return Fail(Fault::kBroker, "injected");
    return KeepingSink::WriteDeadLetter(record, source, why);
  }

 private:
  kafka::KafkaResult<void> Step() {
    if (++calls != fail_at) return {};
    cluster_->failed = true;
    return tl::make_unexpected(Error(fail_as));
  }
  void Publish() {
    const std::lock_guard lock(cluster_->mutex);
    for (const OutgoingPosition& position : positions_) {
      cluster_->committed[position.source] = {position.offset, position.metadata};
    }
    for (const Alert& alert : alerts) cluster_->alerts.push_back(alert.id.Hex());
    for (const Dead& letter : dead) {
      cluster_->dead.push_back(std::to_string(letter.source.partition) + "/" +
                               std::to_string(letter.offset) + " " + letter.payload);
    }
    ++cluster_->commits;
  }
  void Forget() {
    open_ = false;
    positions_.clear();
    alerts.clear();
    dead.clear();
  }

  Cluster* cluster_;
  bool open_ = false;
  std::vector<OutgoingPosition> positions_;
};

std::shared_ptr<const RuleSet> TheRules() {
  static const auto rules = testing::Rules(testing::kRules);
  return rules;
}

// One worker on a thread of its own, over a cluster that outlives it.
class Running {
 public:
  explicit Running(Cluster* cluster, int fail_at = 0,
                   kafka::ErrorClass fail_as = kafka::ErrorClass::kAbort,
                   bool commit_all_the_same = false)
      : Running(cluster, Options(), &SystemClock()) {
    outbox.fail_at = fail_at;
    outbox.fail_as = fail_as;
    outbox.commit_all_the_same = commit_all_the_same;
  }
  Running(Cluster* cluster, const Worker::Options& options, const Clock* clock)
      : inbox(cluster),
        outbox(cluster),
        worker(options, TheRules(), &inbox, &outbox, &outbox, clock) {}
  void Start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { end = worker.Run(stop); });
  }
  void Stop() {
    thread_.request_stop();
    thread_.join();
  }
  static Worker::Options Options() {
    Worker::Options options;
    options.input = [](const SourceName&) { return InputOptions(); };
    options.commit_interval = std::chrono::milliseconds(1);
    options.alert_linger = std::chrono::milliseconds(0);
    return options;
  }

  FakeInbox inbox;
  FakeOutbox outbox;
  Worker worker;
  Result<WorkerEnd> end = WorkerEnd::kClean;

 private:
  std::jthread thread_;
};

void Fill(Cluster& cluster) {
  cluster.partitions.resize(2);
  for (int second = 0; second < 12; ++second) {
    cluster.partitions[0].push_back(second % 3 == 0 ? Event("alarm", second) : "broken");
    cluster.partitions[1].push_back(second % 2 == 0 ? Event("alarm", second) : Event("x", second));
  }
}

template <class T>
std::multiset<T> Sorted(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

void RunToTheEnd(Cluster& cluster, Running& running) {
  running.Start();
  EXPECT_TRUE(WaitUntil([&] { return cluster.AllRead(); }));
  running.Stop();
}

TEST(Worker, CommitsAlertsDeadLettersAndPositionsTogether) {
  Cluster cluster;
  Fill(cluster);
  Running running(&cluster);
  RunToTheEnd(cluster, running);
  ASSERT_TRUE(running.end);
  EXPECT_EQ(*running.end, WorkerEnd::kClean);
  EXPECT_EQ(cluster.alerts.size(), 10U);
  EXPECT_EQ(std::set<std::string>(cluster.alerts.begin(), cluster.alerts.end()).size(), 10U);
  EXPECT_EQ(cluster.dead.size(), 8U);
  EXPECT_EQ(cluster.dead.front().substr(0, 2), "0/");
  const auto view = running.worker.View();
  EXPECT_EQ(view->worker.alerts_delivered.value(), 10);
  EXPECT_EQ(view->worker.dead_letters.value(), 8);
  EXPECT_EQ(view->worker.windows_lost.value(), 0);
}

// As long as more has come than is taken at once; then what is due is not kept waiting.
TEST(Worker, AlertsOutOfABacklogWaitForTheNextCommit) {
  Worker::Options options = Running::Options();
  options.commit_interval = std::chrono::hours(1);
  for (const bool backlog : {false, true}) {
    Cluster cluster;
    Fill(cluster);
    Running running(&cluster, options, &SystemClock());
    running.inbox.backlog = backlog;
    running.Start();
    EXPECT_TRUE(WaitUntil([&] {
      const std::lock_guard lock(cluster.mutex);
      return cluster.alerts.size() == 10;
    }));
    running.Stop();
    EXPECT_EQ(cluster.commits == 1, backlog);
    EXPECT_TRUE(backlog || cluster.commits >= 10) << cluster.commits;
  }
}

// Whichever call fails, however it fails: everything once, nothing twice, and the rest of the batch in
// which it happened is left alone.
TEST(Worker, AFailureOfAnyCallLosesAndDoublesNothing) {
  Cluster undisturbed;
  Fill(undisturbed);
  {
    Running running(&undisturbed);
    RunToTheEnd(undisturbed, running);
  }
  struct How {
    kafka::ErrorClass as;
    bool all_the_same;
  };
  for (const How how :
       {How{kafka::ErrorClass::kAbort, false}, How{kafka::ErrorClass::kIndefinite, false},
        How{kafka::ErrorClass::kIndefinite, true}}) {
    for (int at = 1; at < 12; ++at) {
      Cluster cluster;
      Fill(cluster);
      Running running(&cluster, at, how.as, how.all_the_same);
      RunToTheEnd(cluster, running);
      ASSERT_GE(running.outbox.calls, at);
      EXPECT_EQ(Sorted(cluster.alerts), Sorted(undisturbed.alerts)) << at;
      EXPECT_EQ(Sorted(cluster.dead), Sorted(undisturbed.dead)) << at;
      EXPECT_EQ(cluster.given_in_trouble, 0U) << at;
    }
  }
}

TEST(Worker, GoesOnWhereItStoppedAndSaysThatWindowsAreLost) {
  Cluster cluster;
  Fill(cluster);
  {
    Running first(&cluster);
    RunToTheEnd(cluster, first);
  }
  const std::size_t before = cluster.alerts.size();
  cluster.partitions[1].push_back(Event("alarm", 30));
  Running second(&cluster);
  RunToTheEnd(cluster, second);
  EXPECT_EQ(cluster.alerts.size(), before + 1);
  EXPECT_EQ(cluster.dead.size(), 8U);
  EXPECT_EQ(second.worker.View()->worker.windows_lost.value(), 1);
}

TEST(Worker, ATopicMissingAtTheStartEndsItWithAConfigurationError) {
  Cluster cluster;
  Running running(&cluster);
  running.inbox.missing = true;
  const auto end = running.worker.Run(std::stop_token());
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().fault, Fault::kConfig);
}

TEST(Worker, IsReadyOnceItOwnsAllPartitions) {
  Cluster cluster;
  Fill(cluster);
  Running running(&cluster);
  EXPECT_FALSE(running.worker.health().ready);
  running.Start();
  EXPECT_TRUE(WaitUntil([&] { return running.worker.health().ready; }));
  running.Stop();
}

// Its wall clock stands; the steady one goes as it is told.
class SteppedClock final : public Clock {
 public:
  explicit SteppedClock(EventTime now) : now_(now) {}
  EventTime Now() const noexcept override { return now_; }
  std::chrono::nanoseconds Steady() const noexcept override { return steady_.load(); }
  void Step(std::chrono::nanoseconds by) { steady_ = steady_.load() + by; }

 private:
  EventTime now_;
  std::atomic<std::chrono::nanoseconds> steady_{std::chrono::nanoseconds(0)};
};

// The events are of the first seconds of 2026.
void ReadByAClockOf(EventTime now, const std::function<void(const Health&)>& check) {
  Cluster cluster;
  Fill(cluster);
  SteppedClock clock(now);
  Worker::Options options = Running::Options();
  options.engine.stats = std::make_shared<EngineStats>();
  Running running(&cluster, options, &clock);
  running.Start();
  const Counter& records = options.engine.stats->engine.records;
  ASSERT_TRUE(WaitUntil([&] { return records.value() == 24; }));
  ASSERT_TRUE(WaitUntil([&] { return running.worker.health().ready; }));
  clock.Step(std::chrono::seconds(61));
  // It shows its numbers once it has looked at the minute.
  ASSERT_TRUE(WaitUntil(
      [&] { return running.worker.View()->worker.last_progress_steady_nanos.value() != 0; }));
  check(running.worker.health());
  running.Stop();
}

TEST(Worker, IsNotReadyWhileItsOwnClockSeemsToBeBehind) {
  ReadByAClockOf(*ParseTimestamp("2025-01-01T00:00:00Z"), [](const Health& health) {
    EXPECT_FALSE(health.ready);
    EXPECT_NE(health.cause.find("the clock of this machine"), health.cause.npos) << health.cause;
  });
  ReadByAClockOf(*ParseTimestamp("2026-01-02T00:00:00Z"),
                 [](const Health& health) { EXPECT_TRUE(health.ready) << health.cause; });
}

TEST(ClockIsDoubted, WhereSeveralPartitionsAndMostOfThemAreAhead) {
  const DatedRecords none, right{10, 0}, half{10, 5}, ahead{10, 6};
  const auto doubted = [](std::initializer_list<DatedRecords> partitions) {
    return ClockIsDoubted(std::vector<DatedRecords>(partitions));
  };
  EXPECT_EQ(doubted({}), std::nullopt);
  EXPECT_EQ(doubted({ahead, none, none}), std::nullopt);  // its own clock may be ahead
  EXPECT_EQ(doubted({ahead, ahead, none}), true);
  EXPECT_EQ(doubted({ahead, half}), false);
  EXPECT_EQ(doubted({ahead, ahead, right, right}), false);
  EXPECT_EQ(doubted({ahead, ahead, ahead, right, right}), true);
}

TEST(Worker, RefusesACommittedPositionThatIsNotOurs) {
  Cluster cluster;
  Fill(cluster);
  cluster.committed[{"t", 0}] = {5, "somebody else's"};
  Running running(&cluster);
  const auto end = running.worker.Run(std::stop_token());
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().fault, Fault::kData);
}

}  // namespace
}  // namespace faultline
