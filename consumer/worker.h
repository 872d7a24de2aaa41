// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/counter.h"
#include "base/result.h"
#include "consumer/journal.h"
#include "consumer/kafka_source.h"
#include "matcher/engine.h"
#include "matcher/ports.h"

namespace faultline {

struct PartitionCounters {
  Counter records, bytes;  // consumed, read again or not
  Counter lag;             // records between the position and the partition's end
  Counter watermark;       // nanoseconds of event time; EventTime::Min() before the first event
};

// What a worker counts beside its engine.
struct WorkerCounters {
  Counter committed, aborted;  // transactions
  Counter commit_nanos;        // time spent in committed transactions' ends, summed
  Counter rebalances;          // assignments after the first, revocations, losses
  Counter windows_lost;        // starts, errors and takeovers after which windows began empty
  Counter alerts_delivered;    // in committed transactions
  Counter dead_letters, late, journalled;  // likewise
  Counter latency_nanos;  // alert's event time to its commit, summed over alerts_delivered
  Counter producer_rebuilds, reloads;
  Counter last_progress_steady_nanos;  // when the loop last went round, by Clock::Steady
};

// Numbers of one moment, for another thread. Those of engine and rules are in
// Engine::Options::stats.
struct WorkerView {
  WorkerCounters worker;
  std::map<SourceName, PartitionCounters> partitions;  // owned now
  EventTime frontier = EventTime::Min();
};

struct Health {
  bool ready = false;
  std::string cause = "starting";  // why not; empty when ready
};

enum class WorkerEnd : std::uint8_t {
  kClean,       // the last transaction is committed, the group is left
  kDrainLimit,  // time passed before that was known: exit code 75, end with _exit
};

// One thread's loop: poll, process, write, commit. Alerts, dead letters, journal and input offsets
// lie in one transaction.
//
// Place      Inbox -> [Worker -> Engine] -> Sink, Outbox. One domain for all partitions.
// Order      Per partition in offset order. What was not committed is never visible.
// State      Windows live in the engine, in memory only: whenever reading starts again from
//            committed offsets that belong to a past, `windows_lost` is logged and counted.
// Threads    Run() on the worker's thread; RequestReload(), health() and View() from any.
// Ownership  Borrows inbox, outbox, sink and clock, which outlive it. Shares the rules.
// Errors     Run() ends with an error only for what waiting cannot heal: topics missing at the
//            start, another member with the same static id, a committed position that cannot be
//            read.
class Worker {
 public:
  struct Options {
    Engine::Options engine;  // its stats are shared by all engines that this worker makes
    std::function<InputOptions(const SourceName&)> input;  // required
    StartAt start;
    std::chrono::milliseconds commit_interval{500};
    std::chrono::milliseconds alert_linger{50};  // not while there is a backlog
    std::chrono::nanoseconds idle_after = std::chrono::seconds(30);
    std::chrono::milliseconds drain = std::chrono::seconds(30);
    std::chrono::milliseconds cluster_check = std::chrono::seconds(5);
    // Not ready while other members own partitions: true wherever a group of events may lie in
    // several.
    bool needs_all_partitions = true;
    // Entries of the journal, read when partitions come; nothing: there is none.
    std::function<Result<Journal>()> journal;
  };

  Worker(Options options, std::shared_ptr<const RuleSet> rules, Inbox* inbox, Outbox* outbox,
         Sink* sink, const Clock* clock);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Until `stop` is requested; then finishes and commits what is open, and leaves the group.
  [[nodiscard]] Result<WorkerEnd> Run(std::stop_token stop);

  // Takes effect between two transactions; the last request counts.
  void RequestReload(std::shared_ptr<const RuleSet> rules);

  [[nodiscard]] Health health() const;
  // Never null.
  [[nodiscard]] std::shared_ptr<const WorkerView> View() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;  // never null
};

}  // namespace faultline
