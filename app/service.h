// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/config.h"
#include "base/result.h"
#include "consumer/worker.h"
#include "matcher/ports.h"
#include "matcher/signature/rule_set.h"

namespace faultline::app {

// The deployed consumer: workers with their consumers, transactional producers and sinks, the
// metrics and the HTTP server, joined and started; used by `run` and `demo`.
//
// Threads    One per worker, one of the HTTP server. All calls here come from the thread that
//            started it.
// Errors     Start: Fault::kConfig (settings that cannot go together), kIo (the port is taken),
//            kBroker only with create_topics. Later a worker ends with an error only where waiting
//            cannot heal.
// Shutdown   Stop() asks the workers to finish and commit; the destructor does it and waits.
class Service {
 public:
  struct Options {
    Config config;
    std::shared_ptr<const RuleSet> rules;
    bool create_topics = false;
    MatcherOptions matching;  // for benchmarks
    // Loads the rules anew for Reload(); nothing: there is no reloading.
    std::function<Result<std::shared_ptr<const RuleSet>>()> load_rules;
    // Stands between the engine and the sink where someone wants to look on; may be empty.
    std::function<std::unique_ptr<Sink>(Sink*)> watch;
  };

  [[nodiscard]] static Result<std::unique_ptr<Service>> Start(Options options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // What became of the workers; nothing while all of them run.
  [[nodiscard]] std::optional<Result<WorkerEnd>> Ended() const;
  // New rules between two transactions. A set that does not load leaves the old one, counted and
  // logged.
  void Reload();
  void Stop();
  [[nodiscard]] Health health() const;
  [[nodiscard]] const std::string& http_address() const noexcept;  // as bound

  // Records that were read and committed by all workers so far, and their lag.
  struct Progress {
    std::int64_t records = 0;
    std::int64_t lag = 0;
    std::int64_t alerts_delivered = 0;
  };
  [[nodiscard]] Progress progress() const;

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;  // never null
};

// The input of a configuration that `topic` belongs to: by name before by pattern; null for none.
[[nodiscard]] const InputConfig* InputOf(const Config& config, const std::string& topic);

// More than one worker is fine where no group of events can lie with two: every correlation groups
// by all fields that every input is partitioned by. Fault::kConfig names what stands against it.
[[nodiscard]] Result<void> CheckWorkers(const Config& config, const RuleSet& rules);

}  // namespace faultline::app
